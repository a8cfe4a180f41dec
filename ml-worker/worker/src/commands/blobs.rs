//! The local store.

use crate::{
	cli::BlobsCommand,
	context::Context,
	out_file,
	output::{Output, Unit},
};
use anyhow::{Context as _, bail};
use oda_blobs::{BlobRef, Store};
use std::{
	io::{self, Write},
	ops::ControlFlow,
	path::Path,
};

fn shown(blob: &BlobRef) -> serde_json::Value {
	serde_json::json!({ "root": format!("0x{}", hex::encode(blob.root)), "len": blob.len })
}

pub(super) fn run(context: &Context, command: BlobsCommand) -> anyhow::Result<()> {
	let (store, output) = (context.store(), context.output());
	match command {
		BlobsCommand::Add { files } => {
			for file in files {
				add(store, output, &file)?;
			}
			Ok(())
		}
		BlobsCommand::Get { root, out } => {
			let blob = store.stat(&root.0)?.context("there is no such blob")?;
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
