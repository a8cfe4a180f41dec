//! The store, and the network of peers.

use crate::{
	cli::{BlobsCommand, Global},
	out_file,
};
use anyhow::{Context as _, bail, ensure};
use oda_blobs::{BlobRef, Holder, Store};
use oda_network::{Multiaddr, PeerId};
use oda_roles::{
	context::Context,
	output::{Output, Unit},
};
use serde_json::json;
use std::{
	io::{self, Write},
	ops::ControlFlow,
	path::{Path, PathBuf},
	time::Duration,
};

fn shown(blob: &BlobRef) -> serde_json::Value {
	serde_json::json!({ "root": format!("0x{}", hex::encode(blob.root)), "len": blob.len })
}

pub(super) async fn run(context: &Context, global: &Global, command: BlobsCommand) -> anyhow::Result<()> {
	let (store, output) = (context.store(), context.output());
	match command {
		BlobsCommand::Add { files } => {
			for file in files {
				add(store, output, &file)?;
			}
			Ok(())
		}
		BlobsCommand::Get { root, out, len } => get(context, &root.0, out, len).await,
		BlobsCommand::Pin { roots } => {
			for root in roots {
				store.pin(Holder::User, &root.0)?;
			}
			Ok(())
		}
		BlobsCommand::Unpin { roots } => {
			for root in roots {
				ensure!(store.unpin(Holder::User, &root.0)?, "{} was not pinned", hex::encode(root.0));
			}
			Ok(())
		}
		BlobsCommand::Gc => gc(context).await,
		BlobsCommand::Peers { wait, unban } => peers(context, wait, unban).await,
		BlobsCommand::Serve => serve(context).await,
		BlobsCommand::Bind => {
			let chain = context.chain().await?;
			oda_roles::keeper::bind(context, &chain, &super::key(global)?).await
		}
		BlobsCommand::List => {
			for blob in store.list()? {
				output.result(format!("{} {:>14}", hex::encode(blob.root), blob.len), &shown(&blob));
			}
			Ok(())
		}
		BlobsCommand::Stat { root } => match store.stat(&root.0)? {
			Some(blob) => {
				output.result(
					format!("{} bytes in {}", blob.len, store.path(&root.0).display()),
					&shown(&blob),
				);
				Ok(())
			}
			None => bail!("there is no blob {}", hex::encode(root.0)),
		},
		BlobsCommand::Check => check(store, output),
		BlobsCommand::Rm { roots } => {
			for root in roots {
				if !store.remove(&root.0)? {
					bail!("there is no blob {}", hex::encode(root.0));
				}
			}
			Ok(())
		}
	}
}

async fn get(
	context: &Context,
	root: &[u8; 32],
	out: Option<PathBuf>,
	len: Option<u64>,
) -> anyhow::Result<()> {
	let (store, output) = (context.store(), context.output());
	let blob = match (store.stat(root)?, len) {
		(Some(blob), _) => blob,
		(None, Some(len)) => BlobRef { root: *root, len },
		(None, None) => {
			let found = context.locate(root).await?;
			found
				.context("there is no such blob here, and the chain names none; --len says how long it is")?
		}
	};
	context.obtain(&blob).await?;
	let mut opened = store.open_blob(&blob)?;
	match out {
		Some(path) => {
			out_file::write(&path, &mut opened)?;
			output.result(format!("{} bytes to {}", blob.len, path.display()), &shown(&blob));
		}
		None => {
			let mut stdout = io::stdout().lock();
			io::copy(&mut opened, &mut stdout)?;
			stdout.flush()?;
		}
	}
	Ok(())
}

async fn gc(context: &Context) -> anyhow::Result<()> {
	let named = context.chain().await?.finalised().await?.registered_blobs().await?;
	let removed = context.store().gc(|root| named.contains_key(root))?;
	let bytes: u64 = removed.blobs.iter().map(|blob| blob.len).sum();
	context.output().result(
		format!(
			"deleted {} blobs, {bytes} bytes, and what was left of {} others",
			removed.blobs.len(),
			removed.others
		),
		&json!({
			"blobs": removed.blobs.iter().map(shown).collect::<Vec<_>>(),
			"bytes": bytes,
			"others": removed.others,
		}),
	);
	Ok(())
}

const NO_NETWORK: &str = "there is to be no network of peers";

async fn peers(context: &Context, wait: u64, unban: Option<PeerId>) -> anyhow::Result<()> {
	let network = context.peers().await?.context(NO_NETWORK)?.network();
	if let Some(peer) = unban {
		network.unban(peer);
	}
	tokio::time::sleep(Duration::from_secs(wait)).await;
	let listed = network.peers();
	let connected = listed.iter().filter(|peer| peer.connected).count();
	for peer in &listed {
		let text = |address: &Multiaddr| address.to_string();
		let addresses: Vec<_> = peer.addresses.iter().map(text).collect();
		let faults: Vec<_> = peer.faults.iter().map(|record| record.fault.to_string()).collect();
		let state = match (peer.connected, peer.ban.is_some()) {
			(_, true) => "banned",
			(true, _) => "connected",
			(false, _) => "known",
		};
		context.output().result(
			format!("{} {state} {} {}", peer.peer, addresses.join(" "), faults.join(", ")),
			&json!({
				"peer": peer.peer.to_string(),
				"state": state,
				"addresses": addresses,
				"faults": peer.faults,
			}),
		);
	}
	tracing::info!(known = listed.len(), connected, "looked around");
	Ok(())
}

async fn serve(context: &Context) -> anyhow::Result<()> {
	let peers = context.peers().await?.context(NO_NETWORK)?;
	ensure!(
		!peers.identity().is_ephemeral(),
		"another process of this base path serves what is here already"
	);
	let network = peers.network();
	let peer = network.peer_id();
	let addresses: Vec<_> =
		network.listen_addrs().iter().map(|address| format!("{address}/p2p/{peer}")).collect();
	context.output().event(
		"serving",
		format!("serving at\n  {}", addresses.join("\n  ")),
		json!({ "peer": peer.to_string(), "addresses": addresses }),
	);
	std::future::pending().await
}

fn add(store: &Store, output: Output, path: &Path) -> anyhow::Result<()> {
	let len = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
	let bar = output.bar(len, &path.file_name().unwrap_or_default().to_string_lossy(), Unit::Bytes);
	let blob = store.put_file(path, |done| {
		bar.set_position(done);
		ControlFlow::Continue(())
	})?;
	bar.finish_and_clear();
	output.result(format!("{}  {}", hex::encode(blob.root), path.display()), &shown(&blob));
	Ok(())
}

fn check(store: &Store, output: Output) -> anyhow::Result<()> {
	let total: u64 = store.list()?.iter().map(|blob| blob.len).sum();
	let bar = output.bar(total, "checking", Unit::Bytes);
	let checked = store.check(|checked| {
		bar.inc(checked.blob.len);
		ControlFlow::Continue(())
	})?;
	bar.finish_and_clear();
	let faults: Vec<_> = checked
		.iter()
		.filter_map(|checked| checked.fault.as_ref().map(|fault| (checked.blob, fault.to_string())))
		.collect();
	for (_, fault) in &faults {
		tracing::error!("{fault}");
	}
	let damaged: Vec<_> = faults.iter().map(|(blob, _)| format!("0x{}", hex::encode(blob.root))).collect();
	output.result(
		format!("{} blobs, {} damaged", checked.len(), faults.len()),
		&serde_json::json!({ "blobs": checked.len(), "damaged": damaged }),
	);
	if faults.is_empty() { Ok(()) } else { bail!("{} blobs are damaged", faults.len()) }
}
