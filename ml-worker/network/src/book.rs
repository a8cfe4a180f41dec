//! What is known of peers: their addresses and their faults. Kept in `<base>/network/peers.json`.

use crate::NetworkError;
use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Serialize};
use std::{
	collections::BTreeMap,
	fs,
	io::{self, Write},
	path::{Path, PathBuf},
	time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Most addresses remembered of a peer.
const ADDRESSES: usize = 8;

/// Most faults remembered of a peer.
const FAULTS: usize = 16;

/// Most peers remembered; of those without a fault, the ones seen longest ago go first.
const PEERS: usize = 2048;

/// So many faults of the middling kind, over one blob and within a ban's time, make a ban: an announcement may
/// outlast its blob without anybody's fault.
const STRIKES: usize = 3;

/// What a peer did wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
	/// It sent bytes that are not the blob's. Banned until unbanned.
	WrongBytes,
	/// It began to send and then sent nothing, or too little. Not asked for this blob for a while.
	Stalled,
	/// It said that it had a blob, and then that it had not. Banned for a time if repeated.
	Lied,
	/// It asked far more often than is answered, or sent garbage over and over. Banned for a time.
	Flooding,
	/// It broke off again and again while it sent. Not asked for this blob for a while.
	Disconnected,
	/// It sent what the protocol does not know. Banned for a time if repeated.
	Malformed,
}

impl std::fmt::Display for Fault {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str(match self {
			Self::WrongBytes => "sent wrong bytes",
			Self::Stalled => "stalled",
			Self::Lied => "said it had what it had not",
			Self::Flooding => "flooded",
			Self::Disconnected => "broke off again and again",
			Self::Malformed => "broke the protocol",
		})
	}
}

/// A fault, and when and on what it was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FaultRecord {
	/// What the peer did.
	pub fault: Fault,
	/// When: seconds since 1970.
	pub at: u64,
	/// The blob that was being fetched, in hexadecimal, if any.
	pub root: Option<String>,
}

/// How long a peer is banned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ban {
	/// Until somebody unbans it.
	Forever,
	/// Until then: seconds since 1970.
	Until(u64),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Entry {
	addresses: Vec<Multiaddr>,
	seen: u64,
	#[serde(default)]
	faults: Vec<FaultRecord>,
	#[serde(default)]
	ban: Option<Ban>,
}

/// What is known of peers.
pub(crate) struct Book {
	path: PathBuf,
	writes: bool,
	ban_seconds: u64,
	entries: BTreeMap<PeerId, Entry>,
	dirty: bool,
}

pub(crate) fn now() -> u64 {
	SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Book {
	/// Reads what is there. Writes nothing if not `writes`.
	///
	/// What cannot be understood, as after a crash of the machine, is set aside: all of it can be learnt again.
	pub(crate) fn open(path: &Path, writes: bool, ban: Duration) -> Result<Self, NetworkError> {
		let stored: BTreeMap<String, Entry> = match fs::read(path) {
			Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
				set_aside(path, writes, &error);
				BTreeMap::new()
			}),
			Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
			Err(source) => return Err(NetworkError::Io { path: path.to_owned(), source }),
		};
		let entries =
			stored.into_iter().filter_map(|(peer, entry)| Some((peer.parse().ok()?, entry))).collect();
		Ok(Self { path: path.to_owned(), writes, ban_seconds: ban.as_secs(), entries, dirty: false })
	}

	/// Takes note of an address, most recent first.
	pub(crate) fn learn(&mut self, peer: PeerId, address: Multiaddr) {
		if self.entries.len() >= PEERS && !self.entries.contains_key(&peer) {
			let faultless =
				self.entries.iter().filter(|(_, entry)| entry.faults.is_empty() && entry.ban.is_none());
			match faultless.min_by_key(|(_, entry)| entry.seen).map(|(peer, _)| *peer) {
				Some(oldest) => drop(self.entries.remove(&oldest)),
				None => return,
			}
		}
		let entry = self.entries.entry(peer).or_default();
		entry.seen = now();
		if entry.addresses.first() != Some(&address) {
			entry.addresses.retain(|known| *known != address);
			entry.addresses.insert(0, address);
			entry.addresses.truncate(ADDRESSES);
			self.dirty = true;
		}
	}

	pub(crate) fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
		self.entries.get(peer).map(|entry| entry.addresses.clone()).unwrap_or_default()
	}

	/// Takes note of a fault; whether the peer is banned now.
	pub(crate) fn fault(&mut self, peer: PeerId, fault: Fault, root: Option<&[u8; 32]>) -> bool {
		let at = now();
		let entry = self.entries.entry(peer).or_default();
		if entry.faults.len() >= FAULTS {
			entry.faults.remove(0);
		}
		let root = root.map(hex::encode);
		entry.faults.push(FaultRecord { fault, at, root: root.clone() });
		self.dirty = true;
		let until = Ban::Until(at.saturating_add(self.ban_seconds));
		let ban = match fault {
			Fault::WrongBytes => Some(Ban::Forever),
			Fault::Flooding => Some(until),
			Fault::Lied | Fault::Malformed => {
				let recent = |record: &&FaultRecord| {
					let again = record.fault == fault && record.root == root;
					again && at.saturating_sub(record.at) < self.ban_seconds
				};
				(entry.faults.iter().filter(recent).count() >= STRIKES).then_some(until)
			}
			Fault::Stalled | Fault::Disconnected => None,
		};
		if entry.ban != Some(Ban::Forever) && ban.is_some() {
			entry.ban = ban;
		}
		entry.ban.is_some()
	}

	pub(crate) fn ban(&mut self, peer: PeerId, ban: Option<Ban>) {
		self.entries.entry(peer).or_default().ban = ban;
		self.dirty = true;
	}

	pub(crate) fn is_banned(&self, peer: &PeerId) -> bool {
		match self.entries.get(peer).and_then(|entry| entry.ban) {
			Some(Ban::Forever) => true,
			Some(Ban::Until(until)) => now() < until,
			None => false,
		}
	}

	/// All that are banned.
	pub(crate) fn banned(&self) -> Vec<PeerId> {
		self.entries.keys().filter(|peer| self.is_banned(peer)).copied().collect()
	}

	/// Those whose ban has ended since this was last asked.
	pub(crate) fn released(&mut self) -> Vec<PeerId> {
		let now = now();
		let mut released = Vec::new();
		for (peer, entry) in &mut self.entries {
			if matches!(entry.ban, Some(Ban::Until(until)) if until <= now) {
				entry.ban = None;
				self.dirty = true;
				released.push(*peer);
			}
		}
		released
	}

	/// Every peer with its addresses, faults and ban.
	pub(crate) fn all(&self) -> impl Iterator<Item = (PeerId, &[Multiaddr], &[FaultRecord], Option<Ban>)> {
		self.entries.iter().map(|(peer, e)| (*peer, e.addresses.as_slice(), e.faults.as_slice(), e.ban))
	}

	/// What has to be written, and where, if anything has changed since this was last asked.
	pub(crate) fn changes(&mut self) -> Option<(PathBuf, Vec<u8>)> {
		if !self.dirty || !self.writes {
			return None;
		}
		self.dirty = false;
		let text: BTreeMap<String, &Entry> =
			self.entries.iter().map(|(peer, entry)| (peer.to_string(), entry)).collect();
		Some((self.path.clone(), serde_json::to_vec_pretty(&text).ok()?))
	}
}

/// Writes a file so that it is either as it was or as it should be.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
	let dir = path.parent().unwrap_or(Path::new("."));
	fs::create_dir_all(dir)?;
	let aside = path.with_extension(format!("{}.new", std::process::id()));
	let mut file = fs::File::create(&aside)?;
	file.write_all(bytes)?;
	file.sync_all()?;
	fs::rename(&aside, path)?;
	fs::File::open(dir)?.sync_all()
}

/// Says that the file cannot be understood, and moves it out of the way if anything is written.
fn set_aside(path: &Path, writes: bool, error: &serde_json::Error) {
	let aside = path.with_extension("json.damaged");
	let moved = writes && fs::rename(path, &aside).is_ok();
	tracing::warn!(
		path = %path.display(),
		%error,
		kept_as = moved.then(|| aside.display().to_string()),
		"the file of known peers cannot be understood: peers are learnt anew, and bans are forgotten"
	);
}

#[cfg(test)]
mod tests {
	use super::*;

	fn book(dir: &Path) -> Book {
		Book::open(&dir.join("peers.json"), true, Duration::from_secs(600)).unwrap()
	}

	#[test]
	fn it_survives_a_restart() {
		let dir = tempfile::tempdir().unwrap();
		let (good, bad, slow) = (PeerId::random(), PeerId::random(), PeerId::random());
		let address: Multiaddr = "/ip4/127.0.0.1/tcp/9".parse().unwrap();
		let mut first = book(dir.path());
		first.learn(good, address.clone());
		assert!(first.fault(bad, Fault::WrongBytes, Some(&[1; 32])));
		assert!(!first.fault(slow, Fault::Stalled, None));
		let (path, bytes) = first.changes().unwrap();
		write_atomically(&path, &bytes).unwrap();
		assert!(first.changes().is_none());
		let second = book(dir.path());
		assert_eq!(second.addresses(&good), [address]);
		assert_eq!(second.banned(), [bad]);
		let faults: Vec<_> =
			second.all().flat_map(|(peer, _, f, _)| f.iter().map(move |f| (peer, f.fault))).collect();
		assert_eq!(faults.len(), 2);
		assert!(faults.contains(&(slow, Fault::Stalled)));
	}

	#[test]
	fn a_damaged_file_is_set_aside_and_stops_nothing() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("peers.json");
		let address: Multiaddr = "/ip4/127.0.0.1/tcp/9".parse().unwrap();
		let peer = PeerId::random();
		let mut first = book(dir.path());
		first.learn(peer, address.clone());
		let (_, bytes) = first.changes().unwrap();
		for damaged in [&b"{"[..], b"", b"\0\0\0\0", &bytes[..bytes.len() / 2], b"[1]"] {
			fs::write(&path, damaged).unwrap();
			// Who writes nothing moves nothing either.
			assert_eq!(Book::open(&path, false, Duration::ZERO).unwrap().all().count(), 0);
			assert_eq!(fs::read(&path).unwrap(), damaged);
			let mut again = book(dir.path());
			assert_eq!(again.all().count(), 0);
			assert_eq!(fs::read(dir.path().join("peers.json.damaged")).unwrap(), damaged);
			again.learn(peer, address.clone());
			let (path, bytes) = again.changes().unwrap();
			write_atomically(&path, &bytes).unwrap();
			assert_eq!(book(dir.path()).addresses(&peer), std::slice::from_ref(&address));
		}
	}

	#[test]
	fn a_ban_ends_and_wrong_bytes_do_not() {
		let dir = tempfile::tempdir().unwrap();
		let mut book = book(dir.path());
		let (liar, forger) = (PeerId::random(), PeerId::random());
		assert_eq!([1, 2, 3].map(|_| book.fault(liar, Fault::Lied, None)), [false, false, true]);
		assert!(book.fault(forger, Fault::WrongBytes, None) && book.fault(forger, Fault::Flooding, None));
		book.ban(liar, Some(Ban::Until(now())));
		assert!(!book.is_banned(&liar) && book.is_banned(&forger));
		assert_eq!(book.released(), [liar]);
		assert!(book.released().is_empty());
	}

	#[test]
	fn it_stays_small_and_keeps_faults() {
		let dir = tempfile::tempdir().unwrap();
		let mut book = book(dir.path());
		let bad = PeerId::random();
		(0..100).for_each(|_| assert!(!book.fault(bad, Fault::Stalled, None)));
		for port in 0..PEERS + 100 {
			book.learn(PeerId::random(), format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap());
			book.learn(bad, format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap());
		}
		assert_eq!(book.all().count(), PEERS);
		let (_, addresses, faults, _) = book.all().find(|(peer, ..)| *peer == bad).unwrap();
		assert_eq!((addresses.len(), faults.len()), (ADDRESSES, FAULTS));
	}
}
