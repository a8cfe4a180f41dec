//! Child processes that never outlive their owner.

use anyhow::{Context, Result, bail};
use nix::{
	sys::signal::{Signal, kill},
	unistd::Pid,
};
use std::{
	fs::File,
	path::{Path, PathBuf},
	process::Stdio,
	time::Duration,
};
use tokio::{
	process::{Child, Command},
	signal::unix::{SignalKind, signal},
};

/// A binary of the same build as the running program.
///
/// Test binaries lie in `deps/`, one level below the others.
pub fn binary(name: &str) -> Result<PathBuf> {
	let own = std::env::current_exe().context("the running program has no path")?;
	let folder = own.parent().context("the running program lies in no folder")?;
	let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
	let path = folder.join(name);
	if !path.exists() {
		bail!("{} is missing: build it with `cargo build --workspace --all-targets`", path.display());
	}
	Ok(path)
}

/// For how long a command is waited for. It only ends a test that hangs.
pub const LONGEST: Duration = Duration::from_secs(600);

/// A running program whose output goes to a file; killed when dropped.
pub struct Process {
	name: String,
	child: Child,
	log: PathBuf,
}

impl Drop for Process {
	/// A test that fails tells what its processes said last.
	fn drop(&mut self) {
		if std::thread::panicking() {
			eprintln!("{} said last:\n{}", self.name, tail(&self.output(), 20));
		}
	}
}

impl Process {
	/// Starts `command`, output appended to `log`.
	pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
		let open = || File::options().create(true).append(true).open(log).context("cannot open the log");
		let child = command
			.stdin(Stdio::null())
			.stdout(open()?)
			.stderr(open()?)
			.kill_on_drop(true)
			.spawn()
			.with_context(|| format!("cannot start {name}"))?;
		Ok(Self { name: name.into(), child, log: log.into() })
	}

	/// Its number, while it runs.
	pub fn id(&self) -> Option<u32> {
		self.child.id()
	}

	/// What it has printed so far.
	pub fn output(&self) -> String {
		std::fs::read_to_string(&self.log).unwrap_or_default()
	}

	/// An error with the end of its output, if it has stopped by itself.
	pub fn check_alive(&mut self) -> Result<()> {
		if let Some(status) = self.child.try_wait()? {
			bail!("{} ended with {status}:\n{}", self.name, tail(&self.output(), 30));
		}
		Ok(())
	}

	/// Waits for it to end by itself.
	pub async fn wait(&mut self) -> Result<std::process::ExitStatus> {
		match tokio::time::timeout(LONGEST, self.child.wait()).await {
			Ok(status) => Ok(status?),
			Err(_) => bail!("{} never ended:\n{}", self.name, tail(&self.output(), 30)),
		}
	}

	/// Kills it at once, as `kill -9` does.
	pub async fn kill(mut self) -> Result<()> {
		Ok(self.child.kill().await?)
	}

	/// Stops it where it is for so long, as a machine does that is out of memory, and lets it go on.
	pub async fn freeze(&self, pause: Duration) -> Result<()> {
		self.halt()?;
		tokio::time::sleep(pause).await;
		self.go_on()
	}

	/// Stops it where it is, until it is to go on.
	pub fn halt(&self) -> Result<()> {
		self.signal(Signal::SIGSTOP)
	}

	/// Lets it go on.
	pub fn go_on(&self) -> Result<()> {
		self.signal(Signal::SIGCONT)
	}

	fn signal(&self, signal: Signal) -> Result<()> {
		let id = i32::try_from(self.child.id().context("it has ended")?)?;
		Ok(kill(Pid::from_raw(id), signal)?)
	}

	/// Asks it to stop, and kills it if it has not after ten seconds. Whether it stopped by itself.
	pub async fn stop(mut self) -> Result<bool> {
		// It may have ended in between.
		let _ = self.signal(Signal::SIGTERM);
		match tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await {
			Ok(status) => status.map(|_| true).map_err(Into::into),
			Err(_) => self.child.kill().await.map(|()| false).map_err(Into::into),
		}
	}
}

/// Ends when this program is asked to end, from the terminal or by `kill`; an error if it cannot be asked. What it
/// has started ends with it, if it returns then.
pub async fn stopped() -> Result<()> {
	let mut terminated = signal(SignalKind::terminate())?;
	tokio::select! {
		asked = tokio::signal::ctrl_c() => Ok(asked?),
		_ = terminated.recv() => Ok(()),
	}
}

/// The last `lines` lines of `text`.
pub fn tail(text: &str, lines: usize) -> String {
	let all: Vec<&str> = text.lines().collect();
	all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}
