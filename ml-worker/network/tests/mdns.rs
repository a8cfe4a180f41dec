//! Peers that find each other by multicast.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "../../../tests/src/skipped.rs"]
mod skipped;

use common::{Peer, bytes, config, put};
use oda_network::NetworkConfig;
use std::{
	net::{Ipv4Addr, UdpSocket},
	time::Duration,
};

/// Whether this machine hears its own multicasts.
fn multicasts() -> bool {
	let heard = || -> std::io::Result<bool> {
		let group = Ipv4Addr::new(224, 0, 0, 251);
		let ear = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
		ear.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?;
		ear.set_read_timeout(Some(Duration::from_millis(500)))?;
		let mouth = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
		mouth.set_multicast_loop_v4(true)?;
		mouth.send_to(b"heard?", (group, ear.local_addr()?.port()))?;
		Ok(ear.recv(&mut [0; 16])? == 6)
	};
	heard().unwrap_or(false)
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_in_the_local_network_find_each_other() {
	if !multicasts() {
		skipped::skipped("peers_in_the_local_network_find_each_other", "there is no multicast");
		return;
	}
	let local =
		|| NetworkConfig { mdns: true, listen: vec!["/ip4/0.0.0.0/tcp/0".parse().unwrap()], ..config() };
	let (a, b) = (Peer::with(local()).await, Peer::with(local()).await);
	let blob = put(&a, 3_000_000);
	let fetch = b.network.fetch_waiting(&blob, |_| {});
	tokio::time::timeout(Duration::from_secs(600), fetch).await.expect("they never meet").unwrap();
	assert_eq!(b.store.path(&blob.root).metadata().unwrap().len(), bytes(3_000_000).len() as u64);
}
