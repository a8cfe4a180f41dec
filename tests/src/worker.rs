//! The worker as its users start it: one `ml-worker` process a command.

use crate::lan::Host;
use crate::process::{LONGEST, Process, binary, tail};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
	path::{Path, PathBuf},
	process::Stdio,
};
use tokio::{
	io::{AsyncBufReadExt, AsyncReadExt, BufReader},
	process::Command,
	time::timeout,
};

/// Somebody who uses the worker: an account, a base path, a node.
#[derive(Clone)]
pub struct Worker {
	node: String,
	base: PathBuf,
	suri: String,
	options: Vec<String>,
	host: Option<Host>,
}

impl Worker {
	/// Whoever `suri` is, with blobs and journal under `base`, at the node that listens on `node`. It does not look
	/// for peers in the local network, where there may be others than the test's.
	pub fn new(node: &str, base: &Path, suri: &str) -> Self {
		let options = vec!["--no-mdns".into()];
		Self { node: node.into(), base: base.into(), suri: suri.into(), options, host: None }
	}

	/// The same one on another host.
	pub fn on(mut self, host: &Host) -> Self {
		self.host = Some(host.clone());
		self
	}

	/// The same one with more options of all commands.
	pub fn with(mut self, options: &[&str]) -> Self {
		self.options.extend(options.iter().map(|option| (*option).to_owned()));
		self
	}

	/// Where its blobs and its journal lie.
	pub fn base(&self) -> &Path {
		&self.base
	}

	/// Plays a trick that the worker refuses to, by `oda-rogue`, with these options and of this name; what came of it.
	pub async fn rogue(&self, model: &str, trick: &[&str]) -> Result<Value> {
		let mut command = self.rogue_command(model, trick)?;
		command.stdin(Stdio::null()).kill_on_drop(true);
		let output = timeout(LONGEST, command.output()).await;
		let output = output.context("oda-rogue never ended")?.context("cannot run oda-rogue")?;
		if !output.status.success() {
			bail!("oda-rogue {trick:?} failed:\n{}", tail(&String::from_utf8_lossy(&output.stderr), 20));
		}
		serde_json::from_slice(&output.stdout).context("oda-rogue printed what is no JSON")
	}

	/// Starts a trick that goes on, its output in `log`.
	pub fn rogue_service(&self, model: &str, trick: &[&str], log: &Path) -> Result<Process> {
		Process::spawn(&format!("oda-rogue {trick:?}"), self.rogue_command(model, trick)?, log)
	}

	fn rogue_command(&self, model: &str, trick: &[&str]) -> Result<Command> {
		let mut command = Command::new(binary("oda-rogue")?);
		command.args(["--node", &self.node, "--suri", &self.suri, "--model", model, "--base-path"]);
		command.arg(&self.base).args(trick);
		Ok(command)
	}

	fn command(&self, args: &[&str]) -> Result<Command> {
		let binary = binary("ml-worker")?;
		let mut command = match &self.host {
			None => Command::new(binary),
			Some(host) => host.command(&binary),
		};
		command
			.args(["--json", "--node", &self.node, "--suri", &self.suri, "--base-path"])
			.arg(&self.base)
			.args(&self.options)
			.args(args)
			.kill_on_drop(true);
		Ok(command)
	}

	/// Runs a command to its end, handing on each JSON object as it is printed: whether it succeeded, all of them, and what
	/// else it said.
	async fn output(
		&self,
		args: &[&str],
		mut seen: impl FnMut(&Value),
	) -> Result<(bool, Vec<Value>, String)> {
		let mut child = self
			.command(args)?
			.stdin(Stdio::null())
			.stdout(Stdio::piped())
			.stderr(Stdio::piped())
			.spawn()
			.with_context(|| format!("cannot run ml-worker {args:?}"))?;
		let mut stderr = child.stderr.take().context("no standard error")?;
		let errors = tokio::spawn(async move {
			let mut text = Vec::new();
			let _ = stderr.read_to_end(&mut text).await;
			String::from_utf8_lossy(&text).into_owned()
		});
		let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
		let mut values = Vec::new();
		let running = async {
			while let Some(line) = lines.next_line().await? {
				let value = serde_json::from_str(&line)
					.with_context(|| format!("ml-worker {args:?} printed what is no JSON: {line}"))?;
				seen(&value);
				values.push(value);
			}
			anyhow::Ok(child.wait().await?.success())
		};
		match timeout(LONGEST, running).await {
			Ok(success) => Ok((success?, values, errors.await?)),
			Err(_) => {
				child.kill().await?;
				bail!("ml-worker {args:?} never ended: {values:?}\n{}", tail(&errors.await?, 20))
			}
		}
	}

	/// Runs a command to its end; the JSON objects that it printed, one a line.
	pub async fn run(&self, args: &[&str]) -> Result<Vec<Value>> {
		self.follow(args, |_| ()).await
	}

	/// Runs a command to its end; the last object that it printed: its result.
	pub async fn result(&self, args: &[&str]) -> Result<Value> {
		let mut lines = self.run(args).await?;
		lines.pop().with_context(|| format!("ml-worker {args:?} printed nothing"))
	}

	/// Runs a command to its end, handing on each JSON object as it is printed; all of them.
	pub async fn follow(&self, args: &[&str], seen: impl FnMut(&Value)) -> Result<Vec<Value>> {
		let (success, lines, errors) = self.output(args, seen).await?;
		if !success {
			bail!("ml-worker {args:?} failed:\n{}", tail(&errors, 20));
		}
		Ok(lines)
	}

	/// Runs a command that has to fail; what it said.
	pub async fn refusal(&self, args: &[&str]) -> Result<String> {
		let (success, lines, errors) = self.output(args, |_| ()).await?;
		if success {
			bail!("ml-worker {args:?} succeeded: {lines:?}");
		}
		let printed: Vec<String> = lines.iter().map(Value::to_string).collect();
		Ok(format!("{}\n{errors}", printed.join("\n")))
	}

	/// Starts a service, its output in `log`.
	pub fn service(&self, args: &[&str], log: &Path) -> Result<Process> {
		Process::spawn(&format!("ml-worker {args:?}"), self.command(args)?, log)
	}
}
