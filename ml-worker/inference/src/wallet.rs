//! What a user has signed and received, on disk: the wallet.
//!
//! ```text
//! <wallet>/<first 32 digits of the genesis hash>/
//!   7/                 channel 7
//!     state.json       the Record: last voucher, what was charged, the request that waits
//!     answer-12.json   the answer to request 12, of the last ones
//!     evidence-13.json what was wrong with the answer to request 13
//!     lock             held while the channel is used
//!     court            held while the court is asked about its answers
//! ```
//!
//! A file is replaced as a whole and is on disk before anything follows from it: a voucher before it is sent,
//! an answer before it counts as received. What dies in between leaves a request that waits; it is asked
//! again with the same voucher.
//!
//! Nothing here awaits between reading a file and writing it: a future that is dropped has changed all or
//! nothing.

use crate::{
	api::{InferAnswer, SignedVoucher},
	chain::Channel,
	lock::{Locks, Turn},
};
use oda_client::AccountId;
use oda_primitives::{
	ModelId, Tick, decimal, hexadecimal,
	inference::{ChannelId, Voucher},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
	collections::BTreeMap,
	fs::{self, DirBuilder},
	io,
	os::unix::fs::DirBuilderExt,
	path::{Path, PathBuf},
	sync::Arc,
	time::Duration,
};

/// The format of the files.
const FORMAT: u32 = 1;
/// Answers that are kept of each channel.
pub const KEPT: usize = 32;
/// Mode of the files: vouchers are worth nothing to others, but questions are private.
const MODE: u32 = 0o600;
/// Refused vouchers that are remembered of a channel.
const REFUSED_KEPT: usize = 16;

/// Why the wallet cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
	/// A file cannot be read or written.
	#[error("{path}: {error}", path = path.display())]
	File {
		/// Which one.
		path: PathBuf,
		/// Why.
		#[source]
		error: io::Error,
	},
	/// A file does not hold what it should. It is left as it is: what it said was signed.
	#[error("{path} is damaged: {reason}", path = path.display())]
	Damaged {
		/// Which one.
		path: PathBuf,
		/// Why.
		reason: String,
	},
	/// Something else uses the channel for too long.
	#[error("{path} is in use", path = path.display())]
	Busy {
		/// The lock.
		path: PathBuf,
	},
	/// The wallet has no such channel.
	#[error("the wallet has no channel {0}")]
	Unknown(ChannelId),
}

/// The channels of a user on one chain.
#[derive(Clone, Debug)]
pub struct Wallet {
	folder: PathBuf,
	genesis: [u8; 32],
	locks: Arc<Locks>,
}

/// What is known of a channel beside the chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
	/// The format of the file.
	format: u32,
	/// The hash of block 0.
	#[serde(with = "hexadecimal")]
	pub genesis: [u8; 32],
	/// The channel.
	pub channel: ChannelId,
	/// The provider's account.
	pub provider: AccountId,
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The key that signs vouchers.
	pub key: AccountId,
	/// The key that signs receipts.
	pub receipt_key: AccountId,
	/// The URL at which the provider answered last.
	pub endpoint: String,
	/// The sum of the prices of all receipts, in planck.
	#[serde(with = "decimal")]
	pub spent: u128,
	/// The last voucher that was signed, whether or not it arrived.
	pub last: Option<SignedVoucher>,
	/// The request that the last voucher pays for, until it is answered.
	pub waits: Option<Asked>,
	/// The last vouchers whose requests the provider refused: they pay for nothing.
	#[serde(default)]
	pub refused: Vec<Voucher>,
	/// The requests whose answers are kept, the oldest first.
	pub answered: Vec<Answered>,
	/// Why no voucher is signed any more; `None` if nothing was wrong.
	pub stopped: Option<String>,
	/// The requests whose answers are known to be wrong and not judged yet, and the index of the wrong output of each.
	#[serde(default)]
	pub accused: BTreeMap<u64, u32>,
	/// Once the channel is closed: the first tick at which the chain may forget it.
	pub until: Option<Tick>,
}

/// A request that was asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
	/// What the provider is told that it is called.
	pub key: String,
	/// What the user calls it.
	pub name: Option<String>,
	/// The BLAKE3 hash of the question: of the JSON of an [`InferRequest`](crate::api::InferRequest) with the inputs as they
	/// were asked.
	#[serde(with = "hexadecimal")]
	pub digest: [u8; 32],
	/// The body that is sent: the JSON of an [`InferRequest`](crate::api::InferRequest).
	pub body: String,
	/// The most that it may cost, in planck.
	#[serde(with = "decimal")]
	pub price: u128,
	/// The root of the weights that are to answer.
	#[serde(with = "hexadecimal")]
	pub weights: [u8; 32],
	/// Bytes of one input.
	pub input: u64,
	/// Bytes of one output.
	pub output: u64,
	/// The first tick at which the receipt may be no evidence any more.
	pub expires: Tick,
}

/// A request whose answer is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
	/// Its number within the channel.
	pub nonce: u64,
	/// What the user calls it.
	pub name: Option<String>,
	/// The BLAKE3 hash of the question.
	#[serde(with = "hexadecimal")]
	pub digest: [u8; 32],
}

/// What is kept of an answer that is not what was paid for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bad {
	/// What is wrong.
	pub reason: String,
	/// What was paid.
	pub paid: Option<SignedVoucher>,
	/// What was asked.
	pub asked: Option<Asked>,
	/// What came, as text.
	pub came: String,
}

impl Wallet {
	/// Opens the wallet in a folder, which is made if it is not there, for the chain whose block 0 has the
	/// hash `genesis`.
	///
	/// # Errors
	///
	/// [`WalletError::File`]: the folder cannot be made.
	pub fn open(folder: &Path, genesis: [u8; 32]) -> Result<Self, WalletError> {
		// After a development chain has begun anew, its channels have the same numbers.
		let chain = hex::encode(genesis);
		let folder = folder.join(chain.get(..32).unwrap_or_default());
		make(&folder)?;
		Ok(Self { folder, genesis, locks: Arc::default() })
	}

	/// Where it lies: what else is known of this chain alone may lie there, under names that are no numbers.
	pub fn folder(&self) -> &Path {
		&self.folder
	}

	/// The hash of block 0.
	pub fn genesis(&self) -> &[u8; 32] {
		&self.genesis
	}

	/// All channels, by number.
	///
	/// # Errors
	///
	/// A file cannot be read or is damaged.
	pub fn records(&self) -> Result<Vec<Record>, WalletError> {
		let mut channels: Vec<ChannelId> =
			names(&self.folder)?.iter().filter_map(|n| n.parse().ok()).collect();
		channels.sort_unstable();
		let read = channels.into_iter().map(|channel| match self.record(channel) {
			Err(WalletError::Unknown(_)) => Ok(None),
			read => read.map(Some),
		});
		read.filter_map(Result::transpose).collect()
	}

	/// One channel.
	///
	/// # Errors
	///
	/// [`WalletError::Unknown`]; its file cannot be read or is damaged.
	pub fn record(&self, channel: ChannelId) -> Result<Record, WalletError> {
		let path = self.state(channel);
		let Some(record) = read::<Record>(&path)? else { return Err(WalletError::Unknown(channel)) };
		let wrong = |reason: &str| WalletError::Damaged { path: path.clone(), reason: reason.to_owned() };
		if record.format != FORMAT {
			return Err(wrong("another version of the program wrote it"));
		}
		if record.channel != channel || record.genesis != self.genesis {
			return Err(wrong("it is another channel's"));
		}
		if record.waits.is_some() && record.last.is_none() {
			return Err(wrong("a request waits that nothing pays for"));
		}
		Ok(record)
	}

	/// Adds a channel that the chain has, unless it is known.
	///
	/// # Errors
	///
	/// It cannot be written.
	pub fn add(&self, id: ChannelId, channel: &Channel, endpoint: &str) -> Result<(), WalletError> {
		let record = Record {
			format: FORMAT,
			genesis: self.genesis,
			channel: id,
			provider: channel.provider,
			model: channel.model,
			key: channel.key,
			receipt_key: channel.receipt_key,
			endpoint: endpoint.to_owned(),
			// What was claimed was signed.
			spent: channel.claimed,
			last: None,
			waits: None,
			answered: Vec::new(),
			refused: Vec::new(),
			stopped: None,
			accused: BTreeMap::new(),
			until: None,
		};
		make(&self.channel_folder(id))?;
		let path = self.state(id);
		match json(&record).and_then(|json| oda_files::create(&path, MODE, &json[..])) {
			Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
				Err(WalletError::File { path, error })
			}
			_ => Ok(()),
		}
	}

	/// Waits until nobody else uses a channel, and takes it.
	///
	/// # Errors
	///
	/// [`WalletError::Busy`] if that takes longer than `patience`; [`WalletError::Unknown`]; its file cannot
	/// be read or is damaged.
	pub async fn take(&self, channel: ChannelId, patience: Duration) -> Result<Ledger, WalletError> {
		self.record(channel)?;
		let turn = self.locks.take(&self.channel_folder(channel).join("lock"), patience).await?;
		Ok(Ledger { record: self.record(channel)?, wallet: self.clone(), _turn: turn })
	}

	/// Waits for one's turn at having the court judge answers of a channel, which may be used meanwhile.
	///
	/// # Errors
	///
	/// [`WalletError::Busy`] if that takes longer than `patience`; [`WalletError::Unknown`]; its file cannot
	/// be read or is damaged.
	pub async fn court(&self, channel: ChannelId, patience: Duration) -> Result<Turn, WalletError> {
		self.record(channel)?;
		self.locks.take(&self.channel_folder(channel).join("court"), patience).await
	}

	/// Waits for one's turn at something that is done once at a time, by all who use the wallet.
	///
	/// # Errors
	///
	/// [`WalletError::Busy`] if that takes longer than `patience`; the lock cannot be written.
	pub async fn turn(&self, name: &str, patience: Duration) -> Result<Turn, WalletError> {
		self.locks.take(&self.folder.join(format!("{name}.lock")), patience).await
	}

	/// The answer to a request of a channel; `None` if it is not kept.
	///
	/// # Errors
	///
	/// Its file cannot be read or is damaged.
	pub fn answer(&self, channel: ChannelId, nonce: u64) -> Result<Option<InferAnswer>, WalletError> {
		read(&self.channel_folder(channel).join(format!("answer-{nonce}.json")))
	}

	/// Path of a file of the wallet's own.
	pub(crate) fn file(&self, name: &str) -> PathBuf {
		self.folder.join(name)
	}

	fn channel_folder(&self, channel: ChannelId) -> PathBuf {
		self.folder.join(channel.to_string())
	}

	fn state(&self, channel: ChannelId) -> PathBuf {
		self.channel_folder(channel).join("state.json")
	}
}

impl Record {
	/// What was promised in all, in planck.
	pub fn promised(&self) -> u128 {
		self.last.map_or(0, |last| last.voucher.amount)
	}
}

/// A channel that nobody else uses meanwhile.
#[derive(Debug)]
pub struct Ledger {
	wallet: Wallet,
	record: Record,
	_turn: Turn,
}

impl Ledger {
	/// What is known of the channel.
	pub fn record(&self) -> &Record {
		&self.record
	}

	/// The request that waits for its answer, and what pays for it.
	pub fn waiting(&self) -> Option<(&SignedVoucher, &Asked)> {
		self.record.last.as_ref().zip(self.record.waits.as_ref())
	}

	/// Remembers a voucher and what it pays for. Only then may it be sent.
	///
	/// # Errors
	///
	/// It cannot be written: nothing has changed.
	pub fn promise(
		&mut self,
		voucher: SignedVoucher,
		asked: Asked,
		endpoint: &str,
	) -> Result<(), WalletError> {
		let endpoint = endpoint.to_owned();
		self.write(Record { last: Some(voucher), waits: Some(asked), endpoint, ..self.record.clone() })
	}

	/// Remembers the answer to the request that waits, which has been checked.
	///
	/// # Errors
	///
	/// It cannot be written: the request waits still.
	pub fn receive(&mut self, answer: &InferAnswer) -> Result<(), WalletError> {
		let nonce = answer.receipt.nonce;
		let path = self.path(&format!("answer-{nonce}.json"));
		replace(&path, answer)?;
		let mut record = self.record.clone();
		record.spent = record.spent.saturating_add(answer.receipt.price);
		if let Some(asked) = record.waits.take() {
			record.answered.push(Answered { nonce, name: asked.name, digest: asked.digest });
		}
		let surplus = record.answered.len().saturating_sub(KEPT);
		let old: Vec<_> = record.answered.drain(..surplus).collect();
		self.write(record)?;
		for Answered { nonce, .. } in old.iter().filter(|old| !self.record.accused.contains_key(&old.nonce)) {
			remove(&self.path(&format!("answer-{nonce}.json")));
		}
		Ok(())
	}

	/// Forgets the request that waits: the user does not want it any more, or it never reached the provider.
	/// The voucher stays what was promised.
	///
	/// # Errors
	///
	/// It cannot be written.
	pub fn release(&mut self) -> Result<(), WalletError> {
		self.write(Record { waits: None, ..self.record.clone() })
	}

	/// Forgets the request that waits, which the provider has refused: it cannot charge it any more.
	///
	/// # Errors
	///
	/// It cannot be written.
	pub fn refuse(&mut self) -> Result<(), WalletError> {
		let mut refused = self.record.refused.clone();
		refused.extend(self.waiting().map(|(paid, _)| paid.voucher));
		let old = refused.len().saturating_sub(REFUSED_KEPT);
		refused.drain(..old);
		self.write(Record { waits: None, refused, ..self.record.clone() })
	}

	/// Goes on where the provider is, which has shown that the user's key signed it. The request that waits
	/// is not paid.
	///
	/// # Errors
	///
	/// It cannot be written.
	pub fn adopt(&mut self, spent: u128, last: Option<SignedVoucher>) -> Result<(), WalletError> {
		let last = last.or(self.record.last);
		self.write(Record { spent, last, waits: None, ..self.record.clone() })
	}

	/// Signs no more for this channel, because something was wrong, and keeps what came.
	///
	/// # Errors
	///
	/// It cannot be written.
	pub fn stop(&mut self, reason: &str, came: &[u8]) -> Result<(), WalletError> {
		let bad = Bad {
			reason: reason.to_owned(),
			paid: self.record.last,
			asked: self.record.waits.clone(),
			came: String::from_utf8_lossy(came).into_owned(),
		};
		let nonce = self.record.last.map_or(0, |last| last.voucher.nonce);
		replace(&self.path(&format!("evidence-{nonce}.json")), &bad)?;
		self.write(Record { stopped: Some(bad.reason), waits: None, ..self.record.clone() })
	}

	/// Remembers that an output is wrong, and signs no more for this channel.
	///
	/// # Errors
	///
	/// It cannot be written.
	pub fn accuse(&mut self, nonce: u64, index: u32) -> Result<(), WalletError> {
		let mut record = self.record.clone();
		record.accused.insert(nonce, index);
		record.stopped.get_or_insert_with(|| format!("output {index} of request {nonce} is wrong"));
		self.write(record)
	}

	/// Remembers that the court has judged the answer to a request, or does not any more.
	///
	/// # Errors
	///
	/// It cannot be written.
	pub fn judged(&mut self, nonce: u64) -> Result<(), WalletError> {
		let mut record = self.record.clone();
		record.accused.remove(&nonce);
		self.write(record)
	}

	/// What was wrong when the channel was stopped; `None` if it was not.
	///
	/// # Errors
	///
	/// The file cannot be read or is damaged.
	pub fn evidence(&self) -> Result<Option<Bad>, WalletError> {
		let nonce = self.record.last.map_or(0, |last| last.voucher.nonce);
		read(&self.path(&format!("evidence-{nonce}.json")))
	}

	/// Remembers that the channel is closed, and until when the chain knows it.
	///
	/// # Errors
	///
	/// It cannot be written.
	pub fn ends(&mut self, until: Tick) -> Result<(), WalletError> {
		self.write(Record { until: Some(until), ..self.record.clone() })
	}

	/// Removes all that is known of the channel, which the chain does not know any more.
	///
	/// # Errors
	///
	/// It cannot be removed.
	pub fn forget(self) -> Result<(), WalletError> {
		let path = self.wallet.channel_folder(self.record.channel);
		fs::remove_dir_all(&path).map_err(|error| WalletError::File { path, error })
	}

	fn path(&self, name: &str) -> PathBuf {
		self.wallet.channel_folder(self.record.channel).join(name)
	}

	fn write(&mut self, record: Record) -> Result<(), WalletError> {
		replace(&self.wallet.state(record.channel), &record)?;
		self.record = record;
		Ok(())
	}
}

/// Makes a folder that only its owner may read.
fn make(path: &Path) -> Result<(), WalletError> {
	let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
	made.map_err(|error| WalletError::File { path: path.to_owned(), error })
}

/// The names of what is in a folder.
fn names(path: &Path) -> Result<Vec<String>, WalletError> {
	let failed = |error| WalletError::File { path: path.to_owned(), error };
	let entries = fs::read_dir(path).map_err(failed)?;
	entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

/// What a file holds; `None` if there is none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, WalletError> {
	let bytes = match fs::read(path) {
		Ok(bytes) => bytes,
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
		Err(error) => return Err(WalletError::File { path: path.to_owned(), error }),
	};
	let damaged =
		|error: serde_json::Error| WalletError::Damaged { path: path.to_owned(), reason: error.to_string() };
	serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// Replaces a file as a whole, and makes it last.
pub(crate) fn replace<T: Serialize>(path: &Path, value: &T) -> Result<(), WalletError> {
	let written = json(value).and_then(|json| oda_files::replace(path, MODE, &json[..]));
	written.map_err(|error| WalletError::File { path: path.to_owned(), error })
}

fn json<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
	Ok(serde_json::to_vec(value)?)
}

/// Removes what nothing names any more; what remains does no harm.
fn remove(path: &Path) {
	if let Err(error) = fs::remove_file(path)
		&& error.kind() != io::ErrorKind::NotFound
	{
		tracing::warn!(path = %path.display(), %error, "an old answer cannot be removed");
	}
}
