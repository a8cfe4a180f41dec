//! A network of several hosts on this machine, some of them behind routers: network namespaces on one bridge. Takes root.

use anyhow::{Context, Result, bail};
use std::{
	io::Write,
	process::{Command, Stdio},
};

/// The host that holds the bridge: this machine itself.
pub const GATEWAY: &str = "10.231.77.1";

/// Hosts with addresses of their own; gone when dropped.
pub struct Lan {
	tag: u32,
	hosts: Vec<Host>,
	/// Namespaces of hosts, and of routers.
	namespaces: Vec<String>,
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

impl Lan {
	/// So many hosts, at most 190; `None` where nobody may make them.
	pub fn new(count: usize) -> Result<Option<Self>> {
		let tag = std::process::id() % 100_000;
		let bridge = format!("oda{tag}");
		if let Err(error) = ip(&["link", "add", &bridge, "type", "bridge"]) {
			eprintln!("no network namespaces here: {error:#}");
			return Ok(None);
		}
		let mut lan = Self { tag, hosts: Vec::new(), namespaces: Vec::new() };
		ip(&["addr", "add", &format!("{GATEWAY}/24"), "dev", &bridge])?;
		ip(&["link", "set", &bridge, "up"])?;
		for (number, last) in (0..count).zip(10u8..200) {
			let namespace = lan.namespace(&format!("{bridge}-{number}"))?;
			let address = format!("10.231.77.{last}");
			let device = lan.attach(&namespace, &format!("h{number}"), &address)?;
			lan.hosts.push(Host { namespace, address, device });
		}
		Ok(Some(lan))
	}

	/// Its hosts.
	pub fn hosts(&self) -> &[Host] {
		&self.hosts
	}

	/// A host of its own network, behind a router that translates addresses and lets nothing in that nobody inside asked
	/// for. `number`, at most 50, is the router's. Takes `nft`; `None` where it cannot set this up.
	pub fn behind_router(&mut self, number: u8) -> Result<Option<Host>> {
		let router = self.namespace(&format!("{}-r{number}", self.bridge()))?;
		let outside = self.attach(
			&router,
			&format!("r{number}"),
			&format!("10.231.77.{}", number.saturating_add(200)),
		)?;
		let namespace = self.namespace(&format!("{}-b{number}", self.bridge()))?;
		let (inside, own) = (format!("o{}s{number}", self.tag), format!("o{}b{number}", self.tag));
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
		format!("oda{}", self.tag)
	}

	/// A new namespace.
	fn namespace(&mut self, name: &str) -> Result<String> {
		ip(&["netns", "add", name])?;
		self.namespaces.push(name.to_owned());
		ip(&["-n", name, "link", "set", "lo", "up"])?;
		Ok(name.to_owned())
	}

	/// Connects a namespace to the bridge; the name of the device in it.
	fn attach(&self, namespace: &str, name: &str, address: &str) -> Result<String> {
		let (outside, inside) = (format!("o{}o{name}", self.tag), format!("o{}i{name}", self.tag));
		ip(&["link", "add", &outside, "type", "veth", "peer", "name", &inside, "netns", namespace])?;
		ip(&["link", "set", &outside, "master", &self.bridge(), "up"])?;
		ip(&["-n", namespace, "addr", "add", &format!("{address}/24"), "dev", &inside])?;
		ip(&["-n", namespace, "link", "set", &inside, "up"])?;
		Ok(inside)
	}
}

impl Drop for Lan {
	fn drop(&mut self) {
		// Their ends of the pairs go with them.
		for namespace in &self.namespaces {
			let _ = ip(&["netns", "del", namespace]);
		}
		let _ = ip(&["link", "del", &self.bridge()]);
	}
}
