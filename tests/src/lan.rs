//! A local network of several hosts on this machine: network namespaces on one bridge. Takes root.

use anyhow::{Context, Result, bail};
use std::process::Command;

/// The host that holds the bridge: this machine itself.
pub const GATEWAY: &str = "10.231.77.1";

/// Hosts with addresses of their own; gone when dropped.
pub struct Lan {
	bridge: String,
	hosts: Vec<Host>,
}

/// A host of a [`Lan`].
#[derive(Clone, Debug)]
pub struct Host {
	/// The network namespace.
	pub namespace: String,
	/// Its IPv4 address.
	pub address: String,
}

fn ip(args: &[&str]) -> Result<()> {
	let output = Command::new("ip").args(args).output().context("cannot run ip")?;
	if !output.status.success() {
		bail!("ip {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
	}
	Ok(())
}

impl Lan {
	/// So many hosts, at most 241; `None` where nobody may make them.
	pub fn new(count: usize) -> Result<Option<Self>> {
		let tag = std::process::id() % 100_000;
		let bridge = format!("oda{tag}");
		if let Err(error) = ip(&["link", "add", &bridge, "type", "bridge"]) {
			eprintln!("no network namespaces here: {error:#}");
			return Ok(None);
		}
		let mut lan = Self { bridge: bridge.clone(), hosts: Vec::new() };
		ip(&["addr", "add", &format!("{GATEWAY}/24"), "dev", &bridge])?;
		ip(&["link", "set", &bridge, "up"])?;
		for (number, last) in (0..count).zip(10u8..=250) {
			let namespace = format!("{bridge}-{number}");
			let (outside, inside) = (format!("o{tag}h{number}"), format!("o{tag}i{number}"));
			let address = format!("10.231.77.{last}");
			ip(&["netns", "add", &namespace])?;
			lan.hosts.push(Host { namespace: namespace.clone(), address: address.clone() });
			ip(&["link", "add", &outside, "type", "veth", "peer", "name", &inside])?;
			ip(&["link", "set", &outside, "master", &bridge, "up"])?;
			ip(&["link", "set", &inside, "netns", &namespace])?;
			ip(&["-n", &namespace, "addr", "add", &format!("{address}/24"), "dev", &inside])?;
			ip(&["-n", &namespace, "link", "set", &inside, "up"])?;
			ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
		}
		Ok(Some(lan))
	}

	/// Its hosts.
	pub fn hosts(&self) -> &[Host] {
		&self.hosts
	}
}

impl Drop for Lan {
	fn drop(&mut self) {
		// Their ends of the pairs go with them.
		for host in &self.hosts {
			let _ = ip(&["netns", "del", &host.namespace]);
		}
		let _ = ip(&["link", "del", &self.bridge]);
	}
}
