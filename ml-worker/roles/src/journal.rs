//! What must outlive the process: one file for each thing that was begun on the chain.
//!
//! An entry holds the secrets without which something begun cannot be finished: the salt of a commitment, of a
//! challenge commitment, or of an announcement. It is on disk, synced, before the transaction that begins it is sent.
//! Entries that are done stay,
//! as a record of what was done.
//!
//! Several processes may share one journal: whoever works on an entry holds its lock.

use oda_client::AccountId;
use oda_primitives::{BlobRef, ModelId, SubmissionId, hexadecimal};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
	collections::HashSet,
	fs::{self, DirBuilder, File, TryLockError},
	io::{self, Write},
	os::unix::fs::{DirBuilderExt, OpenOptionsExt},
	path::{Path, PathBuf},
};

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
	/// A file could not be read or written.
	#[error("{path}: {source}")]
	Io {
		/// The file.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// A file is no entry.
	#[error("{path} is not a journal entry: {source}")]
	Format {
		/// The file.
		path: PathBuf,
		/// Why.
		source: serde_json::Error,
	},
	/// Another process works on this entry.
	#[error("another process works on {0}")]
	Busy(PathBuf),
}

/// How far a submission has come, as far as its trainer knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
	/// Nothing was sent.
	Prepared,
	/// The commitment was sent; it can be in blocks up to this one.
	Committing {
		/// The last block that can hold it.
		until: u64,
	},
	/// It is on the chain.
	Committed,
	/// Weights and scores are on the chain.
	Revealed,
	/// It has ended.
	Done,
}

/// A submission that this worker began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubmissionEntry {
	/// Which chain: the hash of its block 0.
	#[serde(with = "hexadecimal")]
	pub genesis: [u8; 32],
	/// The trainer, in SS58.
	pub trainer: String,
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The weights.
	pub weights: BlobRef,
	/// The secret.
	#[serde(with = "hexadecimal")]
	pub salt: [u8; 32],
	/// The commitment made of all that: the entry's name.
	#[serde(with = "hexadecimal")]
	pub commitment: [u8; 32],
	/// The score of every record, packed.
	#[serde(with = "hexadecimal")]
	pub scores: Vec<u8>,
	/// How far it has come.
	pub stage: Stage,
	/// Its number on the chain.
	pub submission: Option<SubmissionId>,
	/// The last finalised block whose events were looked at.
	pub seen: u64,
	/// How it ended, in a word, and what there is to say about it.
	pub outcome: Option<String>,
}

/// A challenge that this worker began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChallengeEntry {
	/// Which chain: the hash of its block 0.
	#[serde(with = "hexadecimal")]
	pub genesis: [u8; 32],
	/// The challenger, in SS58.
	pub challenger: String,
	/// The submission.
	pub submission: SubmissionId,
	/// The record whose score was claimed wrongly.
	pub record: u32,
	/// The secret.
	#[serde(with = "hexadecimal")]
	pub salt: [u8; 32],
	/// What was claimed.
	pub claimed: i32,
	/// What it scores.
	pub actual: i32,
	/// How it ended.
	#[serde(default, deserialize_with = "known_end")]
	pub outcome: Option<ChallengeEnd>,
}

impl ChallengeEntry {
	/// The name of an account's challenge of a submission.
	pub fn name_of(genesis: &[u8; 32], submission: SubmissionId, challenger: &AccountId) -> String {
		format!("{}-{submission}-{challenger}", hex::encode(&genesis[..4]))
	}
}

/// How a challenge ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeEnd {
	/// The claim was proved wrong.
	Overturned,
	/// The chain found the claim right, and the bond is lost.
	Failed,
	/// The submission ended before.
	Over,
	/// The commitment to evidence expired before it was used.
	CommitmentExpired,
	/// The runtime refused it for what it is.
	Refused,
}

impl ChallengeEnd {
	/// In a word.
	pub fn word(self) -> &'static str {
		match self {
			Self::Overturned => "overturned",
			Self::Failed => "failed",
			Self::Over => "over",
			Self::CommitmentExpired => "commitment_expired",
			Self::Refused => "refused",
		}
	}

	/// Whether another challenge of the same submission would end in the same way.
	pub fn is_final(self) -> bool {
		matches!(self, Self::Failed | Self::Refused)
	}
}

/// An end that is none, such as the text of an error, is no reason not to go on.
fn known_end<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<ChallengeEnd>, D::Error> {
	let text = Option::<String>::deserialize(deserializer)?;
	Ok(text.and_then(|text| serde_json::from_value(text.into()).ok()))
}

/// A model that this worker announced in order to register it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RegistrationEntry {
	/// Which chain: the hash of its block 0.
	#[serde(with = "hexadecimal")]
	pub genesis: [u8; 32],
	/// The registrar, in SS58.
	pub registrar: String,
	/// The model.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The secret.
	#[serde(with = "hexadecimal")]
	pub salt: [u8; 32],
	/// The data that it is scored on, until it is registered.
	#[serde(default)]
	pub data: Option<BlobRef>,
	/// The last block that can hold the announcement, once it was sent.
	pub announcing_until: Option<u64>,
}

/// Something the journal keeps.
pub trait Entry: Serialize + DeserializeOwned {
	/// The directory of its kind.
	const KIND: &'static str;

	/// Its name among its kind.
	fn name(&self) -> String;
}

impl Entry for SubmissionEntry {
	const KIND: &'static str = "submissions";

	fn name(&self) -> String {
		hex::encode(self.commitment)
	}
}

impl Entry for ChallengeEntry {
	const KIND: &'static str = "challenges";

	fn name(&self) -> String {
		format!("{}-{}-{}", hex::encode(&self.genesis[..4]), self.submission, self.challenger)
	}
}

impl Entry for RegistrationEntry {
	const KIND: &'static str = "registrations";

	fn name(&self) -> String {
		format!("{}-{}-{}", hex::encode(&self.genesis[..4]), hex::encode(self.model), self.registrar)
	}
}

/// The journal under a base path.
#[derive(Clone, Debug)]
pub struct Journal {
	dir: PathBuf,
}

/// An entry that this process works on; no other does meanwhile.
#[derive(Debug)]
pub struct Held<E> {
	/// The entry; [`save`](Held::save) it when it changes.
	pub entry: E,
	path: PathBuf,
	_lock: File,
}

/// A new, empty file that only its owner can read: a salt is a secret until it is revealed.
fn private(path: &Path) -> io::Result<File> {
	File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
	move |source| JournalError::Io { path: path.to_owned(), source }
}

impl<E: Entry> Held<E> {
	/// Writes the entry, whole or not at all, and makes it last.
	pub fn save(&self) -> Result<(), JournalError> {
		let text = serde_json::to_vec_pretty(&self.entry)
			.map_err(|source| JournalError::Format { path: self.path.clone(), source })?;
		let temporary = self.path.with_extension("new");
		let write = || -> io::Result<()> {
			let mut file = private(&temporary)?;
			file.write_all(&text)?;
			file.sync_all()?;
			fs::rename(&temporary, &self.path)?;
			match self.path.parent() {
				Some(dir) => File::open(dir)?.sync_all(),
				None => Ok(()),
			}
		};
		write().map_err(failed(&self.path))
	}
}

impl Journal {
	/// Opens, or creates, the journal under `base`.
	pub fn open(base: &Path) -> Result<Self, JournalError> {
		let journal = Self { dir: base.join("journal") };
		for kind in [SubmissionEntry::KIND, ChallengeEntry::KIND, RegistrationEntry::KIND] {
			let dir = journal.dir.join(kind);
			DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed(&dir))?;
		}
		Ok(journal)
	}

	fn path<E: Entry>(&self, name: &str) -> PathBuf {
		self.dir.join(E::KIND).join(name).with_extension("json")
	}

	fn lock(path: &Path) -> Result<File, JournalError> {
		let lock_path = path.with_extension("lock");
		let lock = private(&lock_path).map_err(failed(&lock_path))?;
		match lock.try_lock() {
			Ok(()) => Ok(lock),
			Err(TryLockError::WouldBlock) => Err(JournalError::Busy(path.to_owned())),
			Err(TryLockError::Error(source)) => Err(failed(&lock_path)(source)),
		}
	}

	fn read<E: Entry>(path: &Path) -> Result<E, JournalError> {
		let text = fs::read(path).map_err(failed(path))?;
		serde_json::from_slice(&text).map_err(|source| JournalError::Format { path: path.to_owned(), source })
	}

	/// Writes a new entry and holds it.
	///
	/// # Errors
	///
	/// [`JournalError::Busy`] if another process works on one of this name.
	pub fn begin<E: Entry>(&self, entry: E) -> Result<Held<E>, JournalError> {
		let path = self.path::<E>(&entry.name());
		let held = Held { _lock: Self::lock(&path)?, entry, path };
		held.save()?;
		Ok(held)
	}

	/// Holds the entry of this name, if there is one.
	///
	/// # Errors
	///
	/// [`JournalError::Busy`] if another process works on it.
	pub fn hold<E: Entry>(&self, name: &str) -> Result<Option<Held<E>>, JournalError> {
		let path = self.path::<E>(name);
		if !path.exists() {
			return Ok(None);
		}
		let lock = Self::lock(&path)?;
		// Read under the lock: what is read is the last that was written.
		Ok(Some(Held { entry: Self::read(&path)?, path, _lock: lock }))
	}

	/// The blobs without which something under way cannot be finished.
	pub fn needed(&self) -> Result<HashSet<[u8; 32]>, JournalError> {
		let submissions =
			self.list::<SubmissionEntry>()?.into_iter().filter(|entry| entry.stage != Stage::Done);
		let registrations = self.list::<RegistrationEntry>()?.into_iter().filter_map(|entry| entry.data);
		Ok(submissions.map(|entry| entry.weights).chain(registrations).map(|blob| blob.root).collect())
	}

	/// All entries of a kind. A file that is no entry is reported and left out.
	pub fn list<E: Entry>(&self) -> Result<Vec<E>, JournalError> {
		let dir = self.dir.join(E::KIND);
		let mut entries = Vec::new();
		for file in fs::read_dir(&dir).map_err(failed(&dir))? {
			let path = file.map_err(failed(&dir))?.path();
			if path.extension().is_some_and(|extension| extension == "json") {
				match Self::read(&path) {
					Ok(entry) => entries.push(entry),
					Err(error) => tracing::error!(%error, "a journal entry cannot be read"),
				}
			}
		}
		Ok(entries)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn entry() -> SubmissionEntry {
		SubmissionEntry {
			genesis: [1; 32],
			trainer: "5Grw".to_owned(),
			model: [2; 32],
			weights: BlobRef::of(b"weights"),
			salt: [3; 32],
			commitment: [4; 32],
			scores: vec![0, 255],
			stage: Stage::Committing { until: 70 },
			submission: None,
			seen: 6,
			outcome: None,
		}
	}

	#[test]
	fn only_its_owner_can_read_an_entry() {
		use std::os::unix::fs::PermissionsExt;
		let base = tempfile::tempdir().unwrap();
		let held = Journal::open(base.path()).unwrap().begin(entry()).unwrap();
		let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
		assert_eq!(mode(&held.path), 0o600);
		assert_eq!(mode(held.path.parent().unwrap()), 0o700);
	}

	#[test]
	fn an_entry_survives_reopening() {
		let base = tempfile::tempdir().unwrap();
		drop(Journal::open(base.path()).unwrap().begin(entry()).unwrap());
		let journal = Journal::open(base.path()).unwrap();
		assert_eq!(journal.list::<SubmissionEntry>().unwrap(), [entry()]);
		let held = journal.hold::<SubmissionEntry>(&entry().name()).unwrap().unwrap();
		assert_eq!(held.entry, entry());
	}

	#[test]
	fn an_error_that_was_written_down_as_a_challenge_s_end_does_not_end_it() {
		let entry = ChallengeEntry {
			genesis: [1; 32],
			challenger: "5Grw".to_owned(),
			submission: 7,
			record: 3,
			salt: [2; 32],
			claimed: 1,
			actual: 0,
			outcome: Some(ChallengeEnd::Overturned),
		};
		let mut written = serde_json::to_value(&entry).unwrap();
		assert_eq!(serde_json::from_value::<ChallengeEntry>(written.clone()).unwrap(), entry);
		written["outcome"] = "the node rejected the transaction: pool is full (1016)".into();
		assert_eq!(serde_json::from_value::<ChallengeEntry>(written).unwrap().outcome, None);
	}

	#[test]
	fn an_entry_is_held_by_one() {
		let base = tempfile::tempdir().unwrap();
		let journal = Journal::open(base.path()).unwrap();
		let held = journal.begin(entry()).unwrap();
		let again = journal.hold::<SubmissionEntry>(&entry().name());
		assert!(matches!(again, Err(JournalError::Busy(_))));
		drop(held);
		assert!(journal.hold::<SubmissionEntry>(&entry().name()).unwrap().is_some());
	}

	#[test]
	fn a_change_is_saved_whole() {
		let base = tempfile::tempdir().unwrap();
		let journal = Journal::open(base.path()).unwrap();
		let mut held = journal.begin(entry()).unwrap();
		held.entry.stage = Stage::Done;
		held.entry.outcome = Some("accepted".to_owned());
		held.save().unwrap();
		let [saved] = <[_; 1]>::try_from(journal.list::<SubmissionEntry>().unwrap()).unwrap();
		assert_eq!(saved, held.entry);
	}

	#[test]
	fn a_half_written_file_is_never_read() {
		let base = tempfile::tempdir().unwrap();
		let journal = Journal::open(base.path()).unwrap();
		let held = journal.begin(entry()).unwrap();
		fs::write(held.path.with_extension("new"), b"{\"genesis\": \"0x01").unwrap();
		assert_eq!(journal.list::<SubmissionEntry>().unwrap(), [entry()]);
	}

	#[test]
	fn what_is_under_way_needs_its_weights() {
		let base = tempfile::tempdir().unwrap();
		let journal = Journal::open(base.path()).unwrap();
		let mut held = journal.begin(entry()).unwrap();
		assert!(journal.needed().unwrap().contains(&entry().weights.root));
		held.entry.stage = Stage::Done;
		held.save().unwrap();
		assert!(journal.needed().unwrap().is_empty());
	}

	#[test]
	fn an_unknown_entry_is_none() {
		let base = tempfile::tempdir().unwrap();
		let journal = Journal::open(base.path()).unwrap();
		assert!(journal.hold::<ChallengeEntry>("nothing").unwrap().is_none());
	}

	#[test]
	fn a_damaged_entry_is_left_out_of_the_list() {
		let base = tempfile::tempdir().unwrap();
		let journal = Journal::open(base.path()).unwrap();
		let held = journal.begin(entry()).unwrap();
		fs::write(held.path.with_file_name("bad.json"), b"{").unwrap();
		assert_eq!(journal.list::<SubmissionEntry>().unwrap(), [entry()]);
	}
}
