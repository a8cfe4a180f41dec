//! What must outlive the process: one file for each thing that was begun on the chain.
//!
//! An entry holds the secrets without which something begun cannot be finished: the salt of a commitment, of a
//! challenge commitment, of a verifier's commitment, or of an announcement. It is on disk, synced, before the transaction that begins it is sent.
//! Entries that are done stay,
//! as a record of what was done.
//!
//! Several processes may share one journal: whoever works on an entry holds its lock.

use crate::outbox;
use oda_client::{AccountId, ChainMark};
use oda_primitives::{BlobRef, ModelId, SubmissionId, Verdict, hash::Finding, hexadecimal};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
	collections::HashSet,
	fs::{self, DirBuilder, File, TryLockError},
	io,
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
	/// The commitment was sent, or was about to be.
	Committing,
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
	#[serde(deserialize_with = "stage")]
	pub stage: Stage,
	/// Its number on the chain.
	pub submission: Option<SubmissionId>,
	/// The last finalised block whose events were looked at.
	pub seen: u64,
	/// How it ended, in a word, and what there is to say about it.
	pub outcome: Option<String>,
}

/// A stage; also as it was written when a commitment's last block was part of it.
fn stage<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Stage, D::Error> {
	let value = serde_json::Value::deserialize(deserializer)?;
	if value.get("committing").is_some() {
		return Ok(Stage::Committing);
	}
	serde_json::from_value(value).map_err(serde::de::Error::custom)
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
}

/// What a verifier found of a task, and commits to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FindingEntry {
	/// Which chain: the hash of its block 0.
	#[serde(with = "hexadecimal")]
	pub genesis: [u8; 32],
	/// The verifier, in SS58.
	pub verifier: String,
	/// The submission that the task is about.
	pub submission: SubmissionId,
	/// The hash of what is claimed.
	#[serde(with = "hexadecimal")]
	pub claim: [u8; 32],
	/// How often members had been asked.
	pub asked: u32,
	/// What was found.
	pub verdict: Verdict,
	/// The root over the outputs.
	#[serde(with = "hexadecimal")]
	pub root: [u8; 32],
	/// The secret.
	#[serde(with = "hexadecimal")]
	pub salt: [u8; 32],
	/// The roots of all records' outputs, one after the other, for as long as the task is open.
	#[serde(with = "hexadecimal")]
	pub outputs: Vec<u8>,
}

impl FindingEntry {
	/// The name of what a verifier found of a claim when it was asked for this time.
	pub fn name_of(
		genesis: &[u8; 32],
		submission: SubmissionId,
		claim: &[u8; 32],
		asked: u32,
		verifier: &str,
	) -> String {
		let [genesis, claim] = [genesis, claim].map(|hash| hex::encode(&hash[..4]));
		format!("{genesis}-{submission}-{claim}-{asked}-{verifier}")
	}

	/// What is committed to.
	pub fn finding(&self) -> Finding {
		Finding { root: self.root, verdict: self.verdict, salt: self.salt }
	}
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

impl Entry for FindingEntry {
	const KIND: &'static str = "findings";

	fn name(&self) -> String {
		Self::name_of(&self.genesis, self.submission, &self.claim, self.asked, &self.verifier)
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
		oda_files::replace(&self.path, 0o600, &text[..]).map_err(failed(&self.path))
	}
}

/// Moves a file or a folder into another folder, under a name of its own.
pub(crate) fn rename_into(path: &Path, folder: &Path) -> Result<(), JournalError> {
	DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
	let name = path.file_name().unwrap_or_default();
	let mut target = folder.join(name);
	for number in 1u32.. {
		if !target.exists() {
			break;
		}
		target = folder.join(format!("{}.{number}", name.to_string_lossy()));
	}
	fs::rename(path, &target).map_err(failed(path))
}

/// Where what was written about another chain of the same genesis lies.
const EARLIER: &str = "earlier";

impl Journal {
	/// Opens, or creates, the journal under `base`.
	pub fn open(base: &Path) -> Result<Self, JournalError> {
		let journal = Self { dir: base.join("journal") };
		for kind in [SubmissionEntry::KIND, ChallengeEntry::KIND, FindingEntry::KIND, RegistrationEntry::KIND]
		{
			let dir = journal.dir.join(kind);
			DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed(&dir))?;
		}
		Ok(journal)
	}

	/// Where transactions of the chain of this genesis lie until they are seen through.
	pub(crate) fn outbox(&self, genesis: &[u8; 32]) -> io::Result<outbox::Files> {
		outbox::Files::open(self.dir.join("outbox").join(hex::encode(&genesis[..4])))
	}

	/// The block by which the chain of a genesis is known.
	pub(crate) fn mark(&self, genesis: &[u8; 32]) -> Result<Option<ChainMark>, JournalError> {
		let path = self.mark_path(genesis);
		if path.exists() { Self::read(&path).map(Some) } else { Ok(None) }
	}

	/// Writes down by which block the chain of a genesis is known.
	pub(crate) fn set_mark(&self, mark: &ChainMark) -> Result<(), JournalError> {
		let path = self.mark_path(&mark.genesis);
		let text = serde_json::to_vec_pretty(mark)
			.map_err(|source| JournalError::Format { path: path.clone(), source })?;
		oda_files::replace(&path, 0o600, &text[..]).map_err(failed(&path))
	}

	fn mark_path(&self, genesis: &[u8; 32]) -> PathBuf {
		self.dir.join(format!("chain-{}.json", hex::encode(&genesis[..4])))
	}

	/// Sets aside what was written about the chain of a mark, which is no more: how many entries.
	pub(crate) fn set_aside(&self, mark: &ChainMark) -> Result<usize, JournalError> {
		let earlier = self.dir.join(EARLIER).join(hex::encode(&mark.hash[..8]));
		let mut moved = 0;
		let submissions = self.list::<SubmissionEntry>()?;
		let submissions = submissions.iter().map(|e| (e.genesis, self.path::<SubmissionEntry>(&e.name())));
		let challenges = self.list::<ChallengeEntry>()?;
		let challenges = challenges.iter().map(|e| (e.genesis, self.path::<ChallengeEntry>(&e.name())));
		let registrations = self.list::<RegistrationEntry>()?;
		let registrations =
			registrations.iter().map(|e| (e.genesis, self.path::<RegistrationEntry>(&e.name())));
		let findings = self.list::<FindingEntry>()?;
		let findings = findings.iter().map(|e| (e.genesis, self.path::<FindingEntry>(&e.name())));
		for (genesis, path) in submissions.chain(challenges).chain(findings).chain(registrations) {
			if genesis == mark.genesis {
				rename_into(&path, &earlier)?;
				moved += 1;
			}
		}
		let outbox = self.dir.join("outbox").join(hex::encode(&mark.genesis[..4]));
		if outbox.exists() {
			rename_into(&outbox, &earlier)?;
		}
		rename_into(&self.mark_path(&mark.genesis), &earlier)?;
		Ok(moved)
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

	fn read<E: DeserializeOwned>(path: &Path) -> Result<E, JournalError> {
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

	/// Moves the file of this name, which cannot be read, out of the way.
	pub(crate) fn set_damaged_aside<E: Entry>(&self, name: &str) -> Result<(), JournalError> {
		let path = self.path::<E>(name);
		fs::rename(&path, path.with_extension("damaged")).map_err(failed(&path))
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
			stage: Stage::Committing,
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
	fn a_commitment_s_last_block_in_an_entry_is_passed_over() {
		let mut written = serde_json::to_value(entry()).unwrap();
		written["stage"] = serde_json::json!({ "committing": { "until": 70 } });
		assert_eq!(serde_json::from_value::<SubmissionEntry>(written).unwrap(), entry());
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
	fn what_was_written_about_a_chain_that_is_no_more_is_set_aside() {
		let base = tempfile::tempdir().unwrap();
		let journal = Journal::open(base.path()).unwrap();
		let other = SubmissionEntry { genesis: [9; 32], commitment: [5; 32], ..entry() };
		drop((journal.begin(entry()).unwrap(), journal.begin(other.clone()).unwrap()));
		let mark = ChainMark { genesis: entry().genesis, number: 1, hash: [7; 32] };
		journal.set_mark(&mark).unwrap();
		assert_eq!(journal.mark(&mark.genesis).unwrap(), Some(mark));
		assert_eq!(journal.set_aside(&mark).unwrap(), 1);
		assert_eq!(journal.list::<SubmissionEntry>().unwrap(), [other]);
		assert_eq!(journal.mark(&mark.genesis).unwrap(), None);
		let aside = base.path().join("journal/earlier").join(hex::encode([7; 8]));
		assert!(aside.join(entry().name()).with_extension("json").is_file());
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
