//! A network of several hosts on this machine, some of them behind routers: network namespaces on one bridge. Takes root.

use anyhow::{Context, Result, bail};
use std::{
	io::Write,
	path::Path,
	process::{Command, Stdio},
	sync::atomic::{AtomicU32, Ordering},
	thread::sleep,
	time::Duration,
};

/// Hosts with addresses of their own; gone when dropped.
///
/// There may be many at once, of several processes: each has a number of its own, of which its names and its addresses
/// are made.
pub struct Lan {
	number: u8,
	hosts: Vec<Host>,
	/// Namespaces of hosts, and of routers.
	namespaces: Vec<String>,
	/// The bridge's ends of the pairs of devices.
	ends: Vec<String>,
}

/// A host of a [`Lan`].
#[derive(Clone, Debug)]
pub struct Host {
	/// The network namespace.
	pub namespace: String,
	/// Its IPv4 address.
	pub address: String,
	/// Its device.
	device: String,
}

impl Host {
	/// Has it send at most so many kilobits a second. Takes `tc`.
	pub fn throttle(&self, kilobits: u32) -> Result<()> {
		let rate = format!("{kilobits}kbit");
		let shaper = ["root", "tbf", "rate", &rate, "burst", "32kb", "latency", "100ms"];
		run("tc", &[&["-n", &self.namespace, "qdisc", "add", "dev", &self.device][..], &shaper].concat(), "")
	}

	/// Loses so many of a hundred packets that it receives. Takes `nft`.
	pub fn lose(&self, percent: u32) -> Result<()> {
		let device = &self.device;
		let rules = format!(
			"table inet loss {{
				chain received {{
					type filter hook input priority filter;
					iifname {device} numgen random mod 100 < {percent} drop;
				}}
			}}"
		);
		run("ip", &["netns", "exec", &self.namespace, "nft", "--file", "-"], &rules)
	}

	/// Pulls its plug, or puts it back.
	pub fn connect(&self, connected: bool) -> Result<()> {
		ip(&["-n", &self.namespace, "link", "set", &self.device, if connected { "up" } else { "down" }])
	}

	/// Sets a parameter of its kernel, by its path below `/proc/sys`.
	pub fn set(&self, parameter: &str, value: &str) -> Result<()> {
		let file = format!("/proc/sys/{parameter}");
		run("ip", &["netns", "exec", &self.namespace, "tee", &file], value)
	}

	/// Runs a program on it.
	pub fn command(&self, program: &Path) -> tokio::process::Command {
		let mut command = tokio::process::Command::new("ip");
		command.args(["netns", "exec", &self.namespace]).arg(program);
		command
	}

	/// Bytes that it has sent.
	pub fn sent(&self) -> Result<u64> {
		let counter = format!("/sys/class/net/{}/statistics/tx_bytes", self.device);
		let read = Command::new("ip").args(["netns", "exec", &self.namespace, "cat", &counter]).output()?;
		Ok(String::from_utf8(read.stdout)?.trim().parse()?)
	}
}

fn run(program: &str, args: &[&str], input: &str) -> Result<()> {
	let mut command = Command::new(program);
	command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
	let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
	let written = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
	let output = child.wait_with_output()?;
	if !output.status.success() {
		bail!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
	}
	Ok(written.transpose().map(drop)?)
}

fn ip(args: &[&str]) -> Result<()> {
	run("ip", args, "")
}

/// Makes something that may be there still, from a [`Lan`] that was dropped or whose process was killed: the kernel
/// takes its time to remove it.
fn ip_anew(remove: &[&str], add: &[&str]) -> Result<()> {
	let mut waited = 0u64;
	loop {
		let Err(error) = ip(add) else { return Ok(()) };
		if waited >= 50 || !format!("{error:#}").contains("File exists") {
			return Err(error);
		}
		let _ = ip(remove);
		waited = waited.saturating_add(1);
		sleep(Duration::from_millis(100));
	}
}

/// Numbers go from 1 to this.
const NUMBERS: u32 = 254;

/// Claims a number by its bridge, of which the kernel makes one only. Each begins to look behind the last one, so that
/// what was just dropped has time to go.
fn claim() -> Result<u8> {
	static NEXT: AtomicU32 = AtomicU32::new(0);
	let first = std::process::id().wrapping_mul(31);
	let mut last = anyhow::anyhow!("no number was tried");
	for _ in 0..NUMBERS {
		let next = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
		let number = u8::try_from(next % NUMBERS)?.saturating_add(1);
		match ip(&["link", "add", &bridge(number), "type", "bridge"]) {
			Ok(()) => return Ok(number),
			Err(error) if format!("{error:#}").contains("File exists") => last = error,
			Err(error) => return Err(error),
		}
	}
	Err(last.context("all numbers are taken"))
}

/// A device's name has 15 bytes at most.
fn bridge(number: u8) -> String {
	format!("oda{number}")
}

impl Lan {
	/// So many hosts, at most 190; `None` where nobody may make them.
	pub fn new(count: usize) -> Result<Option<Self>> {
		let number = match claim() {
			Ok(number) => number,
			Err(error) => {
				eprintln!("no network namespaces here: {error:#}");
				return Ok(None);
			}
		};
		let bridge = bridge(number);
		let mut lan = Self { number, hosts: Vec::new(), namespaces: Vec::new(), ends: Vec::new() };
		ip(&["addr", "add", &format!("{}/24", lan.gateway()), "dev", &bridge])?;
		ip(&["link", "set", &bridge, "up"])?;
		for (number, last) in (0..count).zip(10u8..200) {
			let namespace = lan.namespace(&format!("{bridge}-{number}"))?;
			let address = lan.address(last);
			let device = lan.attach(&namespace, &format!("h{number}"), &address)?;
			lan.hosts.push(Host { namespace, address, device });
		}
		Ok(Some(lan))
	}

	/// The address of the host that holds the bridge: this machine itself.
	pub fn gateway(&self) -> String {
		self.address(1)
	}

	fn address(&self, last: u8) -> String {
		format!("10.231.{}.{last}", self.number)
	}

	/// Its hosts.
	pub fn hosts(&self) -> &[Host] {
		&self.hosts
	}

	/// A host of its own network, behind a router that translates addresses and lets nothing in that nobody inside asked
	/// for. `number`, at most 50, is the router's. Takes `nft`; `None` where it cannot set this up.
	pub fn behind_router(&mut self, number: u8) -> Result<Option<Host>> {
		let router = self.namespace(&format!("{}-r{number}", self.bridge()))?;
		let outside =
			self.attach(&router, &format!("r{number}"), &self.address(number.saturating_add(200)))?;
		let namespace = self.namespace(&format!("{}-b{number}", self.bridge()))?;
		let (inside, own) = (format!("o{}s{number}", self.number), format!("o{}b{number}", self.number));
		let (gateway, address) = (format!("192.168.{number}.1"), format!("192.168.{number}.2"));
		ip(&[
			"-n", &router, "link", "add", &inside, "type", "veth", "peer", "name", &own, "netns", &namespace,
		])?;
		for (namespace, device, address) in [(&router, &inside, &gateway), (&namespace, &own, &address)] {
			ip(&["-n", namespace, "addr", "add", &format!("{address}/24"), "dev", device])?;
			ip(&["-n", namespace, "link", "set", device, "up"])?;
		}
		ip(&["-n", &namespace, "route", "add", "default", "via", &gateway])?;
		let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
		ip(&["netns", "exec", &router, "sh", "-c", forward])?;
		let rules = format!(
			"table ip translation {{
				chain out {{ type nat hook postrouting priority srcnat; oifname {outside} masquerade; }}
			}}
			table ip filter {{
				chain input {{ type filter hook input priority filter; policy drop; ct state established,related accept; }}
				chain forward {{
					type filter hook forward priority filter; policy drop;
					iifname {inside} accept; ct state established,related accept;
				}}
			}}"
		);
		if let Err(error) = run("ip", &["netns", "exec", &router, "nft", "--file", "-"], &rules) {
			eprintln!("no routers here: {error:#}");
			return Ok(None);
		}
		Ok(Some(Host { namespace, address, device: own }))
	}

	fn bridge(&self) -> String {
		bridge(self.number)
	}

	/// A new namespace.
	fn namespace(&mut self, name: &str) -> Result<String> {
		ip_anew(&["netns", "del", name], &["netns", "add", name])?;
		self.namespaces.push(name.to_owned());
		ip(&["-n", name, "link", "set", "lo", "up"])?;
		Ok(name.to_owned())
	}

	/// Connects a namespace to the bridge; the name of the device in it.
	fn attach(&mut self, namespace: &str, name: &str, address: &str) -> Result<String> {
		let (outside, inside) = (format!("o{}o{name}", self.number), format!("o{}i{name}", self.number));
		let add = ["link", "add", &outside, "type", "veth", "peer", "name", &inside, "netns", namespace];
		ip_anew(&["link", "del", &outside], &add)?;
		self.ends.push(outside.clone());
		ip(&["link", "set", &outside, "master", &self.bridge(), "up"])?;
		ip(&["-n", namespace, "addr", "add", &format!("{address}/24"), "dev", &inside])?;
		ip(&["-n", namespace, "link", "set", &inside, "up"])?;
		Ok(inside)
	}
}

impl Drop for Lan {
	fn drop(&mut self) {
		// The pairs first, for the kernel removes those of a deleted namespace some time later; the bridge last, for who has
		// it has the number.
		for end in &self.ends {
			let _ = ip(&["link", "del", end]);
		}
		for namespace in &self.namespaces {
			let _ = ip(&["netns", "del", namespace]);
		}
		let _ = ip(&["link", "del", &self.bridge()]);
	}
}

#[cfg(test)]
mod tests {
	use super::Lan;
	use crate::skipped;
	use std::{collections::BTreeSet, process::Command, thread};

	/// Whether the first host reaches the second, and this machine.
	fn reaches(lan: &Lan) -> bool {
		let [from, to] = lan.hosts() else { return false };
		[to.address.clone(), lan.gateway()].iter().all(|address| {
			let route = ["netns", "exec", &from.namespace, "ip", "route", "get", address];
			Command::new("ip").args(route).output().is_ok_and(|output| output.status.success())
		})
	}

	#[test]
	fn many_networks_in_a_row_and_at_once_do_not_collide() -> anyhow::Result<()> {
		if Lan::new(0)?.is_none() {
			skipped("many_networks_in_a_row_and_at_once_do_not_collide", "it takes root, and `ip`");
			return Ok(());
		}
		let rows: Vec<_> = (0..4)
			.map(|_| {
				thread::spawn(|| {
					for _ in 0..12 {
						let Some(lan) = Lan::new(2)? else { anyhow::bail!("there are some") };
						anyhow::ensure!(reaches(&lan), "a host is cut off");
					}
					// The last ones stay.
					Lan::new(2)
				})
			})
			.collect();
		let mut gateways = BTreeSet::new();
		let mut kept = Vec::new();
		for row in rows {
			let Ok(made) = row.join() else { anyhow::bail!("a thread panicked") };
			let Some(lan) = made? else { anyhow::bail!("there are some") };
			gateways.insert(lan.gateway());
			kept.push(lan);
		}
		anyhow::ensure!(gateways.len() == kept.len(), "one range for two networks: {gateways:?}");
		Ok(())
	}

	#[test]
	fn what_a_killed_process_left_is_in_nobodys_way() -> anyhow::Result<()> {
		let Some(lan) = Lan::new(1)? else {
			skipped("what_a_killed_process_left_is_in_nobodys_way", "it takes root, and `ip`");
			return Ok(());
		};
		let mut other =
			Lan { number: lan.number, hosts: Vec::new(), namespaces: Vec::new(), ends: Vec::new() };
		let Some(host) = lan.hosts().first() else { anyhow::bail!("there is one") };
		let namespace = host.namespace.clone();
		std::mem::forget(lan);
		// The same names again, as whoever gets the number of what was left makes them.
		let namespace = other.namespace(&namespace)?;
		let address = other.address(10);
		other.attach(&namespace, "h0", &address)?;
		Ok(())
	}
}
