//! Blobs that are not here: fetched for as long as somebody needs them, and waited for in one way.

use crate::{context::Context, output::Unit};
use oda_blobs::BlobError;
use oda_client::Chain;
use oda_primitives::BlobRef;
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, PoisonError, Weak},
	time::Duration,
};
use tokio::{sync::watch, task::AbortHandle};

/// Between two looks for a blob that is not here: somebody else may store it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A blob that is being fetched; when nobody holds this any more, it is not.
pub(crate) struct Wish {
	blob: BlobRef,
	ended: watch::Receiver<bool>,
	task: AbortHandle,
}

impl Drop for Wish {
	fn drop(&mut self) {
		self.task.abort();
	}
}

impl Wish {
	/// Waits until fetching has ended, well or not.
	async fn ended(&self) {
		// An error says that the sender has gone: it has ended.
		drop(self.ended.clone().wait_for(|ended| *ended).await);
	}
}

/// What is being fetched, by root: once, however many wish for it.
#[derive(Default)]
pub(crate) struct Wishes(Mutex<HashMap<[u8; 32], Weak<Wish>>>);

impl Wishes {
	/// Whether anybody wishes for a blob.
	pub(crate) fn holds(&self, root: &[u8; 32]) -> bool {
		let wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
		wishes.get(root).is_some_and(|wish| wish.strong_count() > 0)
	}

	/// The fetching of a blob: one that is under way, or what `begin` begins, which sends `true` when it has ended.
	pub(crate) fn join(
		&self,
		blob: BlobRef,
		begin: impl FnOnce(watch::Sender<bool>) -> AbortHandle,
	) -> Arc<Wish> {
		let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
		wishes.retain(|_, wish| wish.strong_count() > 0);
		if let Some(wish) = wishes.get(&blob.root).and_then(Weak::upgrade)
			&& wish.blob == blob
			&& !*wish.ended.borrow()
		{
			return wish;
		}
		let (sender, ended) = watch::channel(false);
		let wish = Arc::new(Wish { blob, ended, task: begin(sender) });
		wishes.insert(blob.root, Arc::downgrade(&wish));
		wish
	}
}

/// Somebody who waits for blobs. What was wished for is fetched for as long as this is held, so that it does not stop
/// when something else is missing too.
pub(crate) struct Waiting<'a> {
	context: &'a Context,
	chain: &'a Chain,
	wishes: HashMap<BlobRef, Option<Arc<Wish>>>,
	said: Option<BlobRef>,
}

impl<'a> Waiting<'a> {
	pub(crate) fn new(context: &'a Context, chain: &'a Chain) -> Self {
		Self { context, chain, wishes: HashMap::new(), said: None }
	}

	/// Wishes for those of some blobs that are not here, so that they are fetched at the same time.
	pub(crate) async fn wish(&mut self, blobs: impl IntoIterator<Item = BlobRef>) -> anyhow::Result<()> {
		for blob in blobs {
			if self.context.store().stat(&blob.root)?.is_none() {
				self.wishes.insert(blob, self.context.wish(self.chain, blob).await?);
			}
		}
		Ok(())
	}

	/// Waits a while for a blob that turned out to be missing; less if it comes.
	pub(crate) async fn wait(&mut self, blob: BlobRef) -> anyhow::Result<()> {
		let wish = self.context.wish(self.chain, blob).await?;
		if self.said.replace(blob) != Some(blob) {
			tracing::warn!(
				blob = hex::encode(blob.root),
				bytes = blob.len,
				"waiting for a blob that is not here"
			);
		}
		let _waiting = self.context.metrics().awaiting_blob();
		if let Some(wish) = &wish {
			drop(tokio::time::timeout(LOOK_AGAIN, wish.ended()).await);
		}
		if self.context.store().stat(&blob.root)?.is_none() {
			tokio::time::sleep(LOOK_AGAIN).await;
		}
		self.wishes.insert(blob, wish);
		Ok(())
	}
}

impl Context {
	/// Gets a blob in the background, if there is a network, for as long as what this returns is held.
	pub(crate) async fn wish(&self, chain: &Chain, blob: BlobRef) -> anyhow::Result<Option<Arc<Wish>>> {
		Ok(self.peers().await?.map(|peers| peers.wish(chain.clone(), blob)))
	}

	/// Whether a blob is here, and what its name says: all of it is hashed, unless this process has done so before.
	async fn is_whole(&self, blob: &BlobRef) -> anyhow::Result<bool> {
		let (store, blob) = (self.store().clone(), *blob);
		match tokio::task::spawn_blocking(move || store.open_blob(&blob)).await? {
			Ok(_) => Ok(true),
			Err(error) if error.is_absent() => Ok(false),
			Err(error) => Err(error.into()),
		}
	}

	/// Sees to it that a blob is in the store and not damaged, with a bar: gets it from peers and waits for it, if there
	/// is a network.
	///
	/// # Errors
	///
	/// If it is not here and there is no network; [`BlobError::WrongLength`].
	pub async fn obtain(&self, blob: &BlobRef) -> anyhow::Result<()> {
		if self.is_whole(blob).await? {
			return Ok(());
		}
		let name = hex::encode(blob.root);
		let Some(peers) = self.peers().await? else {
			anyhow::bail!("there is no blob {name} in {}: blobs add stores it", self.store().dir().display());
		};
		let chain = self.chain().await?;
		let bar = self.output().bar(blob.len, "", Unit::Bytes);
		let short = name.get(..8).unwrap_or_default();
		peers
			.obtain(Some(&chain), blob, |verified, sources| {
				bar.set_position(verified);
				bar.set_message(format!("{short} from {sources}"));
			})
			.await?;
		bar.finish_and_clear();
		Ok(())
	}

	/// What is known of a blob by its root: here, or by its length on the chain.
	pub async fn locate(&self, root: &[u8; 32]) -> anyhow::Result<Option<BlobRef>> {
		if let Some(blob) = self.store().stat(root)? {
			match self.is_whole(&blob).await {
				Ok(true) => return Ok(Some(blob)),
				Ok(false) => {}
				Err(error) if matches!(error.downcast_ref(), Some(BlobError::WrongLength { .. })) => {}
				Err(error) => return Err(error),
			}
		}
		if self.settings().network.is_none() {
			return Ok(None);
		}
		let named = self.chain().await?.finalised().await?.registered_blobs().await?;
		Ok(named.get(root).map(|len| BlobRef { root: *root, len: *len }))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn begin(ends: bool) -> impl FnOnce(watch::Sender<bool>) -> AbortHandle {
		move |sender| {
			tokio::spawn(async move {
				if !ends {
					std::future::pending::<()>().await;
				}
				drop(sender);
			})
			.abort_handle()
		}
	}

	#[tokio::test]
	async fn a_blob_is_fetched_once_for_all_who_wish_for_it() {
		let (wishes, blob) = (Wishes::default(), BlobRef::of(b"weights"));
		let first = wishes.join(blob, begin(false));
		let second = wishes.join(blob, |_| panic!("it is under way"));
		assert!(Arc::ptr_eq(&first, &second));
	}

	#[tokio::test]
	async fn fetching_ends_with_the_last_who_needs_it() {
		let (wishes, blob) = (Wishes::default(), BlobRef::of(b"weights"));
		let first = wishes.join(blob, begin(false));
		let (second, task) = (Arc::clone(&first), first.task.clone());
		drop(first);
		tokio::task::yield_now().await;
		assert!(!task.is_finished() && wishes.holds(&blob.root));
		drop(second);
		while !task.is_finished() {
			tokio::task::yield_now().await;
		}
		assert!(!wishes.holds(&blob.root));
	}

	#[tokio::test]
	async fn who_waits_hears_that_fetching_has_ended() {
		let (wishes, blob) = (Wishes::default(), BlobRef::of(b"weights"));
		wishes.join(blob, begin(true)).ended().await;
	}
}
