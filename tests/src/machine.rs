//! What figures were taken on.

use crate::process::binary;
use anyhow::{Context, Result, ensure};
use std::process::Command;

/// The machine and the node.
pub struct Machine {
	/// The processor's name.
	pub processor: String,
	/// How many cores may be used.
	pub cores: usize,
	/// Memory, in GiB.
	pub memory_gib: f64,
	/// The first two parts of the kernel's version.
	pub kernel: String,
	/// The node's name and version.
	pub node: String,
}

fn read(path: &str) -> String {
	std::fs::read_to_string(path).unwrap_or_default()
}

/// The value of the first line `name: value`.
fn field(text: &str, name: &str) -> Option<String> {
	let line = text.lines().find(|line| line.starts_with(name))?;
	Some(line.split_once(':')?.1.trim().to_owned())
}

/// How many processes wanted to run during the last minute.
pub fn load() -> String {
	read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned()
}

impl Machine {
	/// Looks at this machine, and asks the node for its version.
	pub fn read() -> Result<Self> {
		let memory =
			field(&read("/proc/meminfo"), "MemTotal").context("/proc/meminfo does not say how much")?;
		let kib: f64 =
			memory.trim_end_matches(" kB").parse().context("/proc/meminfo does not say how much")?;
		let node =
			Command::new(binary("oda-node")?).arg("--version").output().context("cannot run oda-node")?;
		ensure!(node.status.success(), "oda-node does not say its version");
		Ok(Self {
			processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned()),
			cores: std::thread::available_parallelism()?.get(),
			memory_gib: kib / f64::from(1 << 20),
			kernel: read("/proc/sys/kernel/osrelease")
				.trim()
				.split('.')
				.take(2)
				.collect::<Vec<_>>()
				.join("."),
			node: String::from_utf8_lossy(&node.stdout).trim().to_owned(),
		})
	}
}
