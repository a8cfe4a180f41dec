//! What the provider keeps of each channel, on disk.
//!
//! An [`Account`] says what may happen; the ledger makes it last. Whoever works on a channel [holds](Ledger::hold) it, so
//! that its requests go one at a time; anybody may look at it meanwhile. A change is on disk before it is seen, or it
//! fails and nothing has changed.
//!
//! On disk, a channel is a folder of two files in a folder of its chain: `promise` has the JSON of a [`Promise`]; `served`
//! that of [`Served`] in one line, and after it the bytes of the last answer. Each has all of one content or all of the one
//! before (`disk.rs` says how), so there is no order in which a crash could leave them that means anything else than what was
//! true at some moment.

mod account;
mod disk;

pub use account::{Account, Answered, Asked, Promise, Refusal, Request, Served, Standing, Step};

use disk::{Disk, Folder, Half};
use oda_primitives::ChannelId;
use serde::de::DeserializeOwned;
use std::{
	collections::HashMap,
	io,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::OwnedMutexGuard;

/// What precedes the last answer's bytes.
const LINE: u8 = b'\n';

/// Why an account could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
	/// The disk is full. Nothing has changed.
	#[error("the disk is full")]
	Full,
	/// The disk failed. Nothing has changed.
	#[error("the disk failed: {0}")]
	Io(#[from] io::Error),
	/// Another process has this ledger.
	#[error("another process uses {0}")]
	Locked(PathBuf),
	/// The files of a channel are not what was written.
	#[error("what is kept of channel {0} is damaged")]
	Damaged(ChannelId),
	/// Something panicked.
	#[error("the task that writes has panicked")]
	Panicked,
}

impl LedgerError {
	fn of(error: io::Error) -> Self {
		match error.kind() {
			io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
			_ => Self::Io(error),
		}
	}

	/// Why a channel could not be read.
	fn reading(channel: ChannelId, error: io::Error) -> Self {
		match error.kind() {
			io::ErrorKind::InvalidData => Self::Damaged(channel),
			_ => Self::of(error),
		}
	}
}

/// The accounts of all channels.
#[derive(Clone)]
pub struct Ledger {
	disk: Arc<dyn Disk>,
	slots: Arc<Mutex<HashMap<ChannelId, Option<Arc<Slot>>>>>,
}

/// What the users of all channels have promised.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Promises {
	/// By channel, in no order.
	pub made: Vec<(ChannelId, Promise)>,
	/// The channels whose files are not what was written.
	pub damaged: Vec<ChannelId>,
}

/// One channel.
struct Slot {
	account: Mutex<Arc<Account>>,
	/// Held by whoever works on it.
	busy: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
	fn new(account: Account) -> Arc<Self> {
		Arc::new(Self { account: Mutex::new(Arc::new(account)), busy: Arc::default() })
	}

	fn account(&self) -> Arc<Account> {
		lock(&self.account).clone()
	}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
	/// Opens the ledger of a chain, named by the hash of its block 0, in a folder; makes it if it is not there.
	///
	/// # Errors
	///
	/// The folder cannot be read or written, or another process uses it. A channel whose files are damaged is logged, and
	/// every use of it is refused.
	pub fn open(base: &Path, genesis: &[u8; 32]) -> Result<Self, LedgerError> {
		let path = base.join(hex::encode(genesis));
		let folder = Folder::open(&path).map_err(LedgerError::of)?.ok_or(LedgerError::Locked(path))?;
		Self::on(Arc::new(folder))
	}

	/// What users have promised, as a chain's ledger in a folder has it, for whoever redeems that while no provider runs.
	/// `None` if there is no ledger, or if a process uses it, which then redeems by itself. Nothing is locked or changed: a
	/// provider may start at any time, and be promised more.
	///
	/// # Errors
	///
	/// The folder cannot be read.
	pub fn promises(base: &Path, genesis: &[u8; 32]) -> Result<Option<Promises>, LedgerError> {
		let path = base.join(hex::encode(genesis));
		let look = || Folder::look(&path).map_err(LedgerError::of);
		let Some(folder) = look()? else { return Ok(None) };
		let mut promises = Promises::default();
		for channel in folder.channels().map_err(LedgerError::of)? {
			match promise(&folder, channel) {
				Ok(promise) => promises.made.push((channel, promise)),
				Err(LedgerError::Damaged(channel)) => promises.damaged.push(channel),
				Err(error) => return Err(error),
			}
		}
		// What is being written meanwhile may seem to be damaged.
		Ok(look()?.map(|_| promises))
	}

	fn on(disk: Arc<dyn Disk>) -> Result<Self, LedgerError> {
		let mut slots = HashMap::new();
		for channel in disk.channels().map_err(LedgerError::of)? {
			let slot = match load(disk.as_ref(), channel) {
				Ok(account) => Some(Slot::new(account)),
				Err(LedgerError::Damaged(_)) => {
					tracing::error!(channel, "what is kept of this channel is damaged; it is not served");
					None
				}
				Err(error) => return Err(error),
			};
			slots.insert(channel, slot);
		}
		Ok(Self { disk, slots: Arc::new(Mutex::new(slots)) })
	}

	/// The channels of which something is kept.
	pub fn channels(&self) -> Vec<ChannelId> {
		lock(&self.slots).keys().copied().collect()
	}

	/// The account of a channel; `None` if nothing is kept of it.
	///
	/// # Errors
	///
	/// [`LedgerError::Damaged`].
	pub fn account(&self, channel: ChannelId) -> Result<Option<Arc<Account>>, LedgerError> {
		match lock(&self.slots).get(&channel) {
			None => Ok(None),
			Some(None) => Err(LedgerError::Damaged(channel)),
			Some(Some(slot)) => Ok(Some(slot.account())),
		}
	}

	/// Takes a channel, to work on it; `None` while somebody else does. One of which nothing is kept begins with
	/// `claimed` planck as answered.
	///
	/// # Errors
	///
	/// [`LedgerError::Damaged`].
	pub fn hold(&self, channel: ChannelId, claimed: u128) -> Result<Option<Held>, LedgerError> {
		let mut slots = lock(&self.slots);
		let new = || Some(Slot::new(Account::new(channel, claimed)));
		let slot = slots.entry(channel).or_insert_with(new).clone().ok_or(LedgerError::Damaged(channel))?;
		let Ok(busy) = slot.busy.clone().try_lock_owned() else { return Ok(None) };
		Ok(Some(Held(Arc::new(Hold { disk: self.disk.clone(), slot, _busy: busy }))))
	}

	/// The last answer of a channel, if this is what it answered.
	///
	/// # Errors
	///
	/// The disk.
	pub async fn answer(
		&self,
		channel: ChannelId,
		answered: &Answered,
	) -> Result<Option<Vec<u8>>, LedgerError> {
		let (disk, wanted) = (self.disk.clone(), answered.clone());
		blocking(move || {
			let read = disk.read(channel, Half::Served);
			let Some(bytes) = read.map_err(|error| LedgerError::reading(channel, error))? else {
				return Ok(None);
			};
			let (served, answer) = split(channel, bytes)?;
			Ok((served.last == Some(wanted)).then_some(answer))
		})
		.await
	}

	/// Forgets a channel, unless somebody works on it. Says whether it did.
	///
	/// # Errors
	///
	/// The disk.
	pub async fn forget(&self, channel: ChannelId) -> Result<bool, LedgerError> {
		let slot = lock(&self.slots).get(&channel).cloned().flatten();
		let _busy = match &slot {
			Some(slot) => match slot.busy.clone().try_lock_owned() {
				Ok(busy) => Some(busy),
				Err(_) => return Ok(false),
			},
			None => None,
		};
		let disk = self.disk.clone();
		blocking(move || disk.remove(channel).map_err(LedgerError::of)).await?;
		lock(&self.slots).remove(&channel);
		Ok(true)
	}
}

/// A channel that one works on. Whoever stops waiting for a change does not undo it: the channel stays held until it is done.
pub struct Held(Arc<Hold>);

struct Hold {
	disk: Arc<dyn Disk>,
	slot: Arc<Slot>,
	_busy: OwnedMutexGuard<()>,
}

impl Held {
	/// How it stands.
	pub fn account(&self) -> Arc<Account> {
		self.0.slot.account()
	}

	/// Replaces what is promised.
	///
	/// # Errors
	///
	/// The disk; then nothing has changed.
	pub async fn promise(&self, promise: Promise) -> Result<(), LedgerError> {
		let bytes = serde_json::to_vec(&promise).map_err(io::Error::from)?;
		self.write(Half::Promise, move || Ok((bytes, ())), |account| account.promise = promise).await
	}

	/// Replaces what is answered, and the last answer, which is made on the thread that writes it.
	///
	/// # Errors
	///
	/// The disk; then nothing has changed.
	pub async fn serve(
		&self,
		served: Served,
		answer: impl FnOnce() -> serde_json::Result<Vec<u8>> + Send + 'static,
	) -> Result<Vec<u8>, LedgerError> {
		let line = serde_json::to_vec(&served).map_err(io::Error::from)?;
		let make = move || -> io::Result<_> {
			let answer = answer()?;
			Ok(([&line[..], &[LINE], &answer].concat(), answer))
		};
		self.write(Half::Served, make, |account| account.served = served).await
	}

	/// Writes one half to the disk, then changes it for all to see.
	async fn write<T: Send + 'static>(
		&self,
		half: Half,
		make: impl FnOnce() -> io::Result<(Vec<u8>, T)> + Send + 'static,
		change: impl FnOnce(&mut Account) + Send + 'static,
	) -> Result<T, LedgerError> {
		let hold = self.0.clone();
		blocking(move || {
			let (bytes, made) = make()?;
			let channel = hold.slot.account().channel;
			hold.disk.replace(channel, half, &bytes).map_err(LedgerError::of)?;
			change(Arc::make_mut(&mut lock(&hold.slot.account)));
			Ok(made)
		})
		.await
	}
}

/// Runs what waits for a disk where it keeps nothing else waiting.
async fn blocking<T: Send + 'static>(
	work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
	tokio::task::spawn_blocking(work).await.unwrap_or(Err(LedgerError::Panicked))
}

fn load(disk: &dyn Disk, channel: ChannelId) -> Result<Account, LedgerError> {
	let served = disk.read(channel, Half::Served).map_err(|error| LedgerError::reading(channel, error))?;
	let served = served.map(|bytes| split(channel, bytes)).transpose()?;
	let served = served.map(|(served, _)| served).unwrap_or_default();
	Ok(Account { channel, promise: promise(disk, channel)?, served })
}

fn promise(disk: &dyn Disk, channel: ChannelId) -> Result<Promise, LedgerError> {
	let bytes = disk.read(channel, Half::Promise).map_err(|error| LedgerError::reading(channel, error))?;
	Ok(bytes.map(|bytes| json(channel, &bytes)).transpose()?.unwrap_or_default())
}

fn split(channel: ChannelId, mut bytes: Vec<u8>) -> Result<(Served, Vec<u8>), LedgerError> {
	let line = bytes.iter().position(|&byte| byte == LINE).ok_or(LedgerError::Damaged(channel))?;
	let answer = bytes.split_off(line.saturating_add(1));
	Ok((json(channel, &bytes)?, answer))
}

fn json<T: DeserializeOwned>(channel: ChannelId, bytes: &[u8]) -> Result<T, LedgerError> {
	serde_json::from_slice(bytes).map_err(|_| LedgerError::Damaged(channel))
}

#[cfg(test)]
mod tests;
