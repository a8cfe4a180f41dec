//! What is known of peers: their addresses and their faults. Kept in `<base>/network/peers.json`.

use crate::NetworkError;
use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Serialize};
use std::{
	collections::BTreeMap,
	fs, io,
	path::{Path, PathBuf},
	time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Most addresses remembered of a peer.
pub(crate) const ADDRESSES: usize = 8;

/// Most faults remembered of a peer.
const FAULTS: usize = 16;

/// Most peers remembered against which there is nothing, or that have served this one.
const PEERS: usize = 2048;

/// Most peers remembered for their faults or bans alone: a fresh identity costs nothing, so they have a room of their own
/// and push nobody out of the other.
const BLAMED: usize = 1024;

/// So many faults of the middling kind, over one blob and within a ban's time, make a ban.
const STRIKES: usize = 3;

/// Between two writings of the file, and how much later than noted a peer has to have served again to be noted.
const SAVE: Duration = Duration::from_secs(60);

/// What a peer did wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
	/// It sent bytes that are not the blob's. Banned until unbanned.
	WrongBytes,
	/// It began to send and then sent nothing, or too little. Not asked for this blob for a while.
	Stalled,
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
	#[serde(default, deserialize_with = "known")]
	faults: Vec<FaultRecord>,
	#[serde(default)]
	ban: Option<Ban>,
	/// When it last sent bytes that were right: seconds since 1970; 0: never.
	#[serde(default)]
	served: u64,
}

/// Records of faults that this program does not know are left out.
fn known<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<FaultRecord>, D::Error> {
	let records = Vec::<serde_json::Value>::deserialize(deserializer)?;
	Ok(records.into_iter().filter_map(|record| serde_json::from_value(record).ok()).collect())
}

impl Entry {
	fn is_banned(&self, now: u64) -> bool {
		match self.ban {
			Some(Ban::Forever) => true,
			Some(Ban::Until(until)) => now < until,
			None => false,
		}
	}

	/// Whether it is remembered for what it did wrong alone.
	fn is_blamed(&self, now: u64) -> bool {
		self.is_banned(now) || (self.served == 0 && !self.faults.is_empty())
	}

	/// The lower, the sooner it is forgotten among those of its kind.
	fn worth(&self, now: u64) -> (u8, u64) {
		let forged = || self.faults.iter().any(|record| record.fault == Fault::WrongBytes);
		match self.ban {
			// Somebody decided so.
			Some(Ban::Forever) if !forged() => (3, self.seen),
			Some(Ban::Forever) => (2, self.seen),
			Some(Ban::Until(until)) if now < until => (1, until),
			_ if self.served > 0 => (1, self.served),
			_ => (0, self.seen),
		}
	}
}

/// What is known of peers.
pub(crate) struct Book {
	path: PathBuf,
	writes: bool,
	ban_seconds: u64,
	entries: BTreeMap<PeerId, Entry>,
	/// Those that were banned and forgotten since this was last asked.
	forgotten: Vec<PeerId>,
	/// Whether anything has changed that is not written, and whether it is worth it before the end.
	changed: bool,
	worthwhile: bool,
	/// When it may be written next.
	due: Instant,
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
		let mut book = Self {
			path: path.to_owned(),
			writes,
			ban_seconds: ban.as_secs(),
			entries,
			forgotten: Vec::new(),
			changed: false,
			worthwhile: false,
			due: Instant::now(),
		};
		book.trim(None);
		Ok(book)
	}

	/// Forgets those that are worth the least, if there are too many of a kind; not `newest`.
	fn trim(&mut self, newest: Option<PeerId>) {
		let now = now();
		for (blamed, most) in [(true, BLAMED), (false, PEERS)] {
			let kind = self.entries.iter().filter(|(_, entry)| entry.is_blamed(now) == blamed);
			let mut kind: Vec<_> = kind.map(|(peer, entry)| (entry.worth(now), *peer)).collect();
			let excess = kind.len().saturating_sub(most);
			if excess == 0 {
				continue;
			}
			kind.retain(|(_, peer)| Some(*peer) != newest);
			kind.sort_unstable();
			for (_, peer) in kind.into_iter().take(excess) {
				if self.entries.remove(&peer).is_some_and(|entry| entry.ban.is_some()) {
					self.forgotten.push(peer);
				}
			}
		}
	}

	/// What is known of a peer, to be changed. Call [`trim`](Self::trim) after.
	fn entry(&mut self, peer: PeerId) -> &mut Entry {
		self.changed = true;
		self.entries.entry(peer).or_insert_with(|| Entry { seen: now(), ..Entry::default() })
	}

	/// Takes note of an address, most recent first.
	pub(crate) fn learn(&mut self, peer: PeerId, address: Multiaddr) {
		let new = !self.entries.contains_key(&peer);
		let entry = self.entry(peer);
		entry.seen = now();
		let known = entry.addresses.iter().position(|known| *known == address);
		match known {
			Some(at) => drop(entry.addresses.remove(at)),
			None => entry.addresses.truncate(ADDRESSES - 1),
		}
		entry.addresses.insert(0, address);
		// In which order they were last used is not.
		self.worthwhile |= known.is_none();
		if new {
			self.trim(Some(peer));
		}
	}

	/// Takes note that a peer sent bytes that were right.
	pub(crate) fn served(&mut self, peer: PeerId) {
		let at = now();
		if self.entries.get(&peer).is_some_and(|entry| at.saturating_sub(entry.served) < SAVE.as_secs()) {
			return;
		}
		let entry = self.entry(peer);
		let first = entry.served == 0;
		(entry.served, entry.seen) = (at, at);
		self.worthwhile |= first;
		self.trim(Some(peer));
	}

	pub(crate) fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
		self.entries.get(peer).map(|entry| entry.addresses.clone()).unwrap_or_default()
	}

	/// Takes note of a fault; whether the peer is banned now.
	pub(crate) fn fault(&mut self, peer: PeerId, fault: Fault, root: Option<&[u8; 32]>) -> bool {
		let at = now();
		let ban_seconds = self.ban_seconds;
		let entry = self.entry(peer);
		entry.seen = at;
		if entry.faults.len() >= FAULTS {
			entry.faults.remove(0);
		}
		let root = root.map(hex::encode);
		entry.faults.push(FaultRecord { fault, at, root: root.clone() });
		let until = Ban::Until(at.saturating_add(ban_seconds));
		let ban = match fault {
			Fault::WrongBytes => Some(Ban::Forever),
			Fault::Flooding => Some(until),
			Fault::Malformed => {
				let recent = |record: &&FaultRecord| {
					let again = record.fault == fault && record.root == root;
					again && at.saturating_sub(record.at) < ban_seconds
				};
				(entry.faults.iter().filter(recent).count() >= STRIKES).then_some(until)
			}
			Fault::Stalled | Fault::Disconnected => None,
		};
		if entry.ban != Some(Ban::Forever) && ban.is_some() {
			entry.ban = ban;
		}
		let banned = entry.ban.is_some();
		self.worthwhile |= ban.is_some();
		self.trim(Some(peer));
		banned
	}

	pub(crate) fn ban(&mut self, peer: PeerId, ban: Option<Ban>) {
		self.entry(peer).ban = ban;
		self.worthwhile = true;
		self.trim(Some(peer));
	}

	pub(crate) fn is_banned(&self, peer: &PeerId) -> bool {
		self.entries.get(peer).is_some_and(|entry| entry.is_banned(now()))
	}

	/// All that are banned.
	pub(crate) fn banned(&self) -> Vec<PeerId> {
		self.entries.keys().filter(|peer| self.is_banned(peer)).copied().collect()
	}

	/// Those whose ban has ended, or was forgotten, since this was last asked.
	pub(crate) fn released(&mut self) -> Vec<PeerId> {
		let now = now();
		let mut released = std::mem::take(&mut self.forgotten);
		for (peer, entry) in &mut self.entries {
			if matches!(entry.ban, Some(Ban::Until(until)) if until <= now) {
				entry.ban = None;
				(self.changed, self.worthwhile) = (true, true);
				released.push(*peer);
			}
		}
		released.retain(|peer| !self.is_banned(peer));
		released
	}

	/// Every peer with its addresses, faults and ban.
	pub(crate) fn all(&self) -> impl Iterator<Item = (PeerId, &[Multiaddr], &[FaultRecord], Option<Ban>)> {
		self.entries.iter().map(|(peer, e)| (*peer, e.addresses.as_slice(), e.faults.as_slice(), e.ban))
	}

	/// What has to be written, and where: now and then if it is worth it, at the end whatever has changed.
	pub(crate) fn changes(&mut self, at_the_end: bool) -> Option<(PathBuf, Vec<u8>)> {
		let now = Instant::now();
		if !self.writes || !(self.worthwhile && now >= self.due || self.changed && at_the_end) {
			return None;
		}
		(self.changed, self.worthwhile, self.due) = (false, false, now + SAVE);
		let text: BTreeMap<String, &Entry> =
			self.entries.iter().map(|(peer, entry)| (peer.to_string(), entry)).collect();
		Some((self.path.clone(), serde_json::to_vec_pretty(&text).ok()?))
	}
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
		let (path, bytes) = first.changes(true).unwrap();
		oda_files::replace(&path, 0o600, &bytes[..]).unwrap();
		assert!(first.changes(true).is_none());
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
		let (_, bytes) = first.changes(true).unwrap();
		for damaged in [&b"{"[..], b"", b"\0\0\0\0", &bytes[..bytes.len() / 2], b"[1]"] {
			fs::write(&path, damaged).unwrap();
			// Who writes nothing moves nothing either.
			assert_eq!(Book::open(&path, false, Duration::ZERO).unwrap().all().count(), 0);
			assert_eq!(fs::read(&path).unwrap(), damaged);
			let mut again = book(dir.path());
			assert_eq!(again.all().count(), 0);
			assert_eq!(fs::read(dir.path().join("peers.json.damaged")).unwrap(), damaged);
			again.learn(peer, address.clone());
			let (path, bytes) = again.changes(true).unwrap();
			oda_files::replace(&path, 0o600, &bytes[..]).unwrap();
			assert_eq!(book(dir.path()).addresses(&peer), std::slice::from_ref(&address));
		}
	}

	fn address(port: usize) -> Multiaddr {
		format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
	}

	#[test]
	fn a_ban_ends_and_wrong_bytes_do_not() {
		let dir = tempfile::tempdir().unwrap();
		let mut book = book(dir.path());
		let (babbler, forger) = (PeerId::random(), PeerId::random());
		assert_eq!([1, 2, 3].map(|_| book.fault(babbler, Fault::Malformed, None)), [false, false, true]);
		assert!(book.fault(forger, Fault::WrongBytes, None) && book.fault(forger, Fault::Flooding, None));
		book.ban(babbler, Some(Ban::Until(now())));
		assert!(!book.is_banned(&babbler) && book.is_banned(&forger));
		assert_eq!(book.released(), [babbler]);
		assert!(book.released().is_empty());
	}

	#[test]
	fn what_a_peer_honestly_says_bans_nobody() {
		let dir = tempfile::tempdir().unwrap();
		let mut book = book(dir.path());
		let peer = PeerId::random();
		for fault in [Fault::Stalled, Fault::Disconnected] {
			(0..FAULTS).for_each(|_| assert!(!book.fault(peer, fault, Some(&[1; 32]))));
		}
	}

	#[test]
	fn it_stays_small_and_keeps_faults() {
		let dir = tempfile::tempdir().unwrap();
		let mut book = book(dir.path());
		let bad = PeerId::random();
		(0..100).for_each(|_| assert!(!book.fault(bad, Fault::Stalled, None)));
		for port in 0..PEERS + 100 {
			book.learn(PeerId::random(), address(port));
			book.learn(bad, address(port));
		}
		assert_eq!(book.all().count(), PEERS + 1);
		let (_, addresses, faults, _) = book.all().find(|(peer, ..)| *peer == bad).unwrap();
		assert_eq!((addresses.len(), faults.len()), (ADDRESSES, FAULTS));
	}

	#[test]
	fn fresh_identities_that_misbehave_push_no_honest_peer_out() {
		let dir = tempfile::tempdir().unwrap();
		let mut book = book(dir.path());
		let (served, stranger, banned) = (PeerId::random(), PeerId::random(), PeerId::random());
		book.learn(served, address(1));
		book.served(served);
		book.learn(stranger, address(2));
		book.ban(banned, Some(Ban::Forever));
		let forgers: Vec<_> = (0..BLAMED + 100).map(|_| PeerId::random()).collect();
		for forger in &forgers {
			book.learn(*forger, address(3));
			assert!(book.fault(*forger, Fault::WrongBytes, None));
		}
		for _ in 0..PEERS + BLAMED {
			let fresh = PeerId::random();
			book.fault(fresh, Fault::Malformed, None);
			book.learn(fresh, address(4));
		}
		assert!(book.all().count() <= PEERS + BLAMED);
		assert_eq!(book.addresses(&served), [address(1)]);
		assert_eq!(book.addresses(&stranger), [address(2)]);
		assert!(book.is_banned(&banned), "what somebody decided outlives what strangers do");
		// Bans that still run outlive strangers; of those of a kind, the ones seen longest ago go first, and are told of.
		let kept = forgers.iter().filter(|forger| book.is_banned(forger)).count();
		assert!((BLAMED - 2..BLAMED).contains(&kept), "{kept} bans");
		let released = book.released();
		assert_eq!(released.len(), forgers.len() - kept);
		assert!(released.iter().all(|peer| forgers.contains(peer)));
	}

	#[test]
	fn who_has_served_outlives_strangers_and_strangers_are_still_learnt() {
		let dir = tempfile::tempdir().unwrap();
		let mut book = book(dir.path());
		let served: Vec<_> = (0..PEERS - 1).map(|_| PeerId::random()).collect();
		for peer in &served {
			book.learn(*peer, address(1));
			book.served(*peer);
		}
		for _ in 0..100 {
			let stranger = PeerId::random();
			book.learn(stranger, address(2));
			assert_eq!(book.addresses(&stranger), [address(2)]);
		}
		assert!(served.iter().all(|peer| !book.addresses(peer).is_empty()));
		// A fault that bans nobody does not undo that.
		book.fault(served[0], Fault::Stalled, None);
		(0..2 * BLAMED).for_each(|_| assert!(!book.fault(PeerId::random(), Fault::Stalled, None)));
		assert!(!book.addresses(&served[0]).is_empty());
	}

	#[test]
	fn a_file_that_is_too_long_is_cut_when_it_is_read() {
		let dir = tempfile::tempdir().unwrap();
		let entry = Entry { addresses: vec![address(1)], seen: 1, ..Entry::default() };
		let long: BTreeMap<_, _> = (0..PEERS + 50).map(|_| (PeerId::random().to_string(), &entry)).collect();
		fs::write(dir.path().join("peers.json"), serde_json::to_vec(&long).unwrap()).unwrap();
		assert_eq!(book(dir.path()).all().count(), PEERS);
	}

	#[test]
	fn it_is_written_seldom_and_at_the_end() {
		let dir = tempfile::tempdir().unwrap();
		let mut book = book(dir.path());
		let peer = PeerId::random();
		book.fault(peer, Fault::Stalled, None);
		assert!(book.changes(false).is_none(), "not worth it before the end");
		book.learn(peer, address(1));
		book.learn(peer, address(2));
		assert!(book.changes(false).is_some());
		// The same again, as each identify tells.
		book.learn(peer, address(1));
		book.learn(peer, address(2));
		book.due = Instant::now();
		assert!(book.changes(false).is_none());
		assert!(book.fault(peer, Fault::WrongBytes, None));
		book.due = Instant::now() + SAVE;
		assert!(book.changes(false).is_none(), "it was written a moment ago");
		assert!(book.changes(true).is_some());
		assert!(book.changes(true).is_none(), "nothing has changed since");
	}
}
