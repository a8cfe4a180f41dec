//! The off-chain worker: trains, submits, verifies, watches.

use clap::Parser;
use ml_worker::{cli::Cli, commands};
use oda_roles::output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
	let cli = Cli::parse();
	let json = cli.global.json;
	let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
		Ok(runtime) => runtime,
		Err(error) => {
			eprintln!("cannot start: {error}");
			return ExitCode::FAILURE;
		}
	};
	let result = runtime.block_on(async {
		tokio::select! {
			result = commands::run(cli) => result,
			signal = commands::stop_signal() => signal,
		}
	});
	// Work on other threads is told to stop when its future is dropped; it is not waited for.
	runtime.shutdown_timeout(std::time::Duration::from_secs(2));
	match result {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			if json {
				let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
				let first = chain.first().cloned().unwrap_or_default();
				Output::new(true).result("", &serde_json::json!({ "error": first, "causes": chain }));
			}
			eprintln!("error: {error:#}");
			ExitCode::FAILURE
		}
	}
}
