//! The off-chain worker: trains, submits, verifies, watches.

use clap::Parser;
use ml_worker::cli::{Cli, Stopped};
use oda_roles::output::Output;
use std::{process::ExitCode, time::Duration};
use tikv_jemallocator::Jemalloc;

/// Where many threads allocate and free what is large and short-lived, as bodies of requests, the system's
/// allocator keeps ever more memory that nothing lies in: the docs on benchmarks of inference have figures.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
	let cli = Cli::parse();
	let output = Output::new(cli.global.json);
	let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
		Ok(runtime) => runtime,
		Err(error) => {
			output.note(format!("cannot start: {error}"));
			return ExitCode::FAILURE;
		}
	};
	let result = runtime.block_on(cli.run());
	// Work on other threads is told to stop when its future is dropped; it is not waited for.
	runtime.shutdown_timeout(Duration::from_millis(500));
	let Err(error) = result else { return ExitCode::SUCCESS };
	output.note(format!("error: {error:#}"));
	if let Some(stopped) = error.downcast_ref::<Stopped>() {
		return ExitCode::from(stopped.exit_status());
	}
	if output.is_json() {
		let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
		let first = chain.first().cloned().unwrap_or_default();
		output.result("", &serde_json::json!({ "error": first, "causes": chain }));
	}
	ExitCode::FAILURE
}
