//! The store, and the network of peers.

use super::{Global, Root};
use crate::out_file;
use anyhow::{Context as _, bail, ensure};
use clap::Subcommand;
use oda_blobs::{BlobRef, Holder, Store};
use oda_network::{Multiaddr, PeerId};
use oda_roles::{
	context::{Context, Tidy},
	output::{Output, Unit},
	peers,
};
use serde_json::json;
use std::{
	io::{self, Write},
	ops::ControlFlow,
	path::{Path, PathBuf},
	time::Duration,
};

/// The store, and the network of peers.
#[derive(Debug, Subcommand)]
pub enum BlobsCommand {
	/// Store files; prints their roots, which are what `b3sum` prints.
	///
	/// The files are copied; what is there already is not stored twice.
	#[command(after_help = "Example:\n  \
		ml-worker blobs add digits-train.bin digits-test.bin")]
	Add {
		/// The files.
		#[arg(required = true)]
		files: Vec<PathBuf>,
	},
	/// Get a blob, from the store or from peers, and write it to a file or to standard output.
	///
	/// What is not here is looked for among peers, and waited for; it is checked while it arrives, and an interrupted
	/// transfer goes on where it was. It is hashed before its first byte is written. A file that is in the way is
	/// overwritten.
	#[command(after_help = "Examples:\n  \
		ml-worker blobs get <ROOT> --out weights.bin\n  \
		ml-worker --allow-unregistered blobs get <ROOT> --len 1048576\n  \
		ml-worker blobs get <ROOT> | b3sum")]
	Get {
		/// Its root.
		root: Root,
		/// The file.
		#[arg(long, short, value_name = "FILE")]
		out: Option<PathBuf>,
		/// Its length, if the chain does not name it.
		#[arg(long, value_name = "BYTES")]
		len: Option<u64>,
	},
	/// Never delete blobs when cleaning up.
	///
	/// They need not be here yet.
	#[command(after_help = "Example:\n  \
		ml-worker blobs pin <ROOT>")]
	Pin {
		/// Their roots.
		#[arg(required = true)]
		roots: Vec<Root>,
	},
	/// Let blobs that were pinned be deleted when cleaning up; what a keeper has a deal about still stays.
	///
	/// Exit status 1 if one was not pinned.
	#[command(after_help = "Example:\n  \
		ml-worker blobs unpin <ROOT>")]
	Unpin {
		/// Their roots.
		#[arg(required = true)]
		roots: Vec<Root>,
	},
	/// Clean up: delete what is neither pinned nor named by the chain.
	///
	/// Blobs, and what was left of transfers. Training data that no model is scored on is not named by the chain: pin it.
	#[command(after_help = "Example:\n  \
		ml-worker blobs gc")]
	Gc,
	/// The peers that are known: who they are, where, and what they did wrong.
	///
	/// A line a peer. With --wait it first looks around for so long.
	#[command(after_help = "Examples:\n  \
		ml-worker blobs peers --wait 5\n  \
		ml-worker blobs peers --unban <PEER>")]
	Peers {
		/// Seconds to look around.
		#[arg(long, default_value_t = 3, value_name = "SECONDS")]
		wait: u64,
		/// Forgive a peer that is banned.
		#[arg(long, value_name = "PEER")]
		unban: Option<oda_network::PeerId>,
	},
	/// Serve what is here to peers; a service.
	///
	/// So does every other service, beside its work. Prints the addresses at which this worker is reached.
	#[command(after_help = "Example:\n  \
		ml-worker --listen /ip4/0.0.0.0/tcp/4001 blobs serve")]
	Serve,
	/// Bind this worker's peer to the account, on the chain.
	///
	/// The chain then says where the account's blobs are had. Holds a deposit and costs a fee. A keeper does it by itself.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key blobs bind")]
	Bind,
	/// All blobs.
	///
	/// A line a blob: root and length in bytes.
	#[command(after_help = "Examples:\n  \
		ml-worker blobs list\n  \
		ml-worker --json blobs list")]
	List,
	/// Whether a blob is here, and its length.
	///
	/// Exit status 1 if it is not.
	#[command(after_help = "Example:\n  \
		ml-worker blobs stat <ROOT>")]
	Stat {
		/// Its root.
		root: Root,
	},
	/// Hash every blob again.
	///
	/// Exit status 1 if any is damaged. A damaged blob stays where it is and is never handed out; store it again.
	#[command(after_help = "Example:\n  \
		ml-worker blobs check")]
	Check,
	/// Delete blobs.
	///
	/// What a submission or a challenge under way still needs is not looked at. Exit status 1 if one is not there.
	#[command(after_help = "Example:\n  \
		ml-worker blobs rm <ROOT>")]
	Rm {
		/// Their roots.
		#[arg(required = true)]
		roots: Vec<Root>,
	},
}

fn shown(blob: &BlobRef) -> serde_json::Value {
	serde_json::json!({ "root": format!("0x{}", hex::encode(blob.root)), "len": blob.len })
}

impl BlobsCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		let (store, output) = (context.store(), context.output());
		match self {
			Self::Add { files } => {
				for file in files {
					add(store, output, &file)?;
				}
				Ok(())
			}
			Self::Get { root, out, len } => get(context, &root.of(store)?, out, len).await,
			Self::Pin { roots } => {
				for root in roots {
					store.pin(Holder::User, &root.of(store)?)?;
				}
				Ok(())
			}
			Self::Unpin { roots } => {
				for root in roots {
					let root = root.of(store)?;
					ensure!(store.unpin(Holder::User, &root)?, "{} was not pinned", hex::encode(root));
				}
				Ok(())
			}
			Self::Gc => gc(context).await,
			Self::Peers { wait, unban } => peers(context, wait, unban).await,
			Self::Serve => serve(context).await,
			Self::Bind => {
				let chain = context.chain().await?;
				oda_roles::keeper::bind(context, &chain, &global.signer(context).await?).await
			}
			Self::List => {
				for blob in store.list()? {
					output.result(format!("{} {:>14}", hex::encode(blob.root), blob.len), &shown(&blob));
				}
				Ok(())
			}
			Self::Stat { root } => {
				let root = root.of(store)?;
				let blob = store.stat(&root)?;
				let blob = blob.with_context(|| format!("there is no blob {}", hex::encode(root)))?;
				output
					.result(format!("{} bytes in {}", blob.len, store.path(&root).display()), &shown(&blob));
				Ok(())
			}
			Self::Check => check(store, output),
			Self::Rm { roots } => {
				for root in roots {
					let root = root.of(store)?;
					ensure!(store.remove(&root)?, "there is no blob {}", hex::encode(root));
				}
				Ok(())
			}
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
	let view = context.chain().await?.finalised().await?;
	let removed = context.tidy(&view, Tidy::Everything).await?;
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
	let peers = context.peers().await?.context(NO_NETWORK)?;
	let network = peers.network();
	if let Some(peer) = unban {
		network.unban(peer);
		if peers.identity().is_ephemeral() {
			peers::ask_to_unban(&context.settings().base_path, &peer)?;
			tracing::info!(%peer, "the service of this base path is asked to unban it");
		}
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
	let found = std::fs::metadata(path).with_context(|| path.display().to_string())?;
	ensure!(!found.is_dir(), "{} is a folder; add the files in it one by one", path.display());
	let len = found.len();
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
