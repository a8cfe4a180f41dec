//! Who announced which blobs: the provider records of this peer, and those of others that it keeps for all.
//!
//! A record says whom to ask, no more; whoever connects can leave some. So there are quotas: for a blob, for a peer and
//! in all. When all is full, room for a new record comes from the peer that has the most.

use libp2p::{
	Multiaddr, PeerId,
	kad::{
		ProviderRecord, Record, RecordKey,
		store::{Error, RecordStore, Result},
	},
};
use std::{
	borrow::Cow,
	collections::{BTreeSet, HashMap, HashSet},
	time::Instant,
};

/// Most providers of one blob that are remembered: as many as one answer holds.
const PER_BLOB: usize = 20;

/// Most blobs of one peer that are remembered.
const PER_PEER: usize = 4096;

/// Most records of others in all.
const TOTAL: usize = 1 << 16;

/// Most addresses of a provider that are passed on.
const ADDRESSES: usize = 8;

type Root = [u8; 32];

/// A peer that announced something.
#[derive(Default)]
struct Announcer {
	addresses: Vec<Multiaddr>,
	roots: BTreeSet<Root>,
}

/// All provider records.
pub(crate) struct Providers {
	me: PeerId,
	own: HashSet<Root>,
	/// By blob: who announced it, and until when that counts.
	others: HashMap<Root, Vec<(PeerId, Instant)>>,
	announcers: HashMap<PeerId, Announcer>,
	/// The peers by the number of their records.
	loads: BTreeSet<(usize, PeerId)>,
	total: usize,
	most: usize,
}

impl Providers {
	pub(crate) fn new(me: PeerId) -> Self {
		Self {
			me,
			own: HashSet::new(),
			others: HashMap::new(),
			announcers: HashMap::new(),
			loads: BTreeSet::new(),
			total: 0,
			most: TOTAL,
		}
	}

	/// Forgets what counts no longer.
	pub(crate) fn expire(&mut self, now: Instant) {
		let mut expired = Vec::new();
		for (root, providers) in &self.others {
			expired
				.extend(providers.iter().filter(|(_, until)| *until <= now).map(|(peer, _)| (*root, *peer)));
		}
		expired.into_iter().for_each(|(root, peer)| self.forget(&root, &peer));
	}

	/// Takes note of where a peer is, if it announced anything.
	pub(crate) fn locate(&mut self, peer: &PeerId, addresses: Vec<Multiaddr>) {
		if let Some(announcer) = self.announcers.get_mut(peer)
			&& !addresses.is_empty()
		{
			announcer.addresses = addresses;
			announcer.addresses.truncate(ADDRESSES);
		}
	}

	fn forget(&mut self, root: &Root, peer: &PeerId) {
		let Some(announcer) = self.announcers.get_mut(peer) else { return };
		let before = announcer.roots.len();
		if !announcer.roots.remove(root) {
			return;
		}
		self.total -= 1;
		self.loads.remove(&(before, *peer));
		if before > 1 {
			self.loads.insert((before - 1, *peer));
		} else {
			self.announcers.remove(peer);
		}
		if let Some(providers) = self.others.get_mut(root) {
			providers.retain(|(known, _)| known != peer);
			if providers.is_empty() {
				self.others.remove(root);
			}
		}
	}

	/// Whether there is room for another record of a peer that has `count`; makes it if need be.
	fn make_room(&mut self, count: usize) -> bool {
		if self.total < self.most {
			return true;
		}
		let Some((most, heaviest)) = self.loads.last().copied() else { return false };
		let root = self.announcers.get(&heaviest).and_then(|announcer| announcer.roots.first().copied());
		let Some(root) = root.filter(|_| most > count + 1) else { return false };
		self.forget(&root, &heaviest);
		true
	}
}

impl RecordStore for Providers {
	type RecordsIter<'a> = std::iter::Empty<Cow<'a, Record>>;
	type ProvidedIter<'a> = std::vec::IntoIter<Cow<'a, ProviderRecord>>;

	fn get(&self, _: &RecordKey) -> Option<Cow<'_, Record>> {
		None
	}

	/// There are no records but those of providers.
	fn put(&mut self, _: Record) -> Result<()> {
		Err(Error::MaxRecords)
	}

	fn remove(&mut self, _: &RecordKey) {}

	fn records(&self) -> Self::RecordsIter<'_> {
		std::iter::empty()
	}

	fn add_provider(&mut self, record: ProviderRecord) -> Result<()> {
		let root = Root::try_from(record.key.as_ref()).map_err(|_| Error::ValueTooLarge)?;
		let peer = record.provider;
		if peer == self.me {
			self.own.insert(root);
			return Ok(());
		}
		let until = record.expires.ok_or(Error::MaxProvidedKeys)?;
		let known =
			self.others.get_mut(&root).and_then(|all| all.iter_mut().find(|(known, _)| *known == peer));
		if let Some((_, known)) = known {
			*known = until;
		} else {
			let now = Instant::now();
			let expired: Vec<_> = self.others.get(&root).map_or_else(Vec::new, |all| {
				all.iter().filter(|(_, until)| *until <= now).map(|(peer, _)| *peer).collect()
			});
			expired.iter().for_each(|peer| self.forget(&root, peer));
			let count = self.announcers.get(&peer).map_or(0, |announcer| announcer.roots.len());
			let full = self.others.get(&root).is_some_and(|all| all.len() >= PER_BLOB);
			if full || count >= PER_PEER || !self.make_room(count) {
				return Err(Error::MaxProvidedKeys);
			}
			self.others.entry(root).or_default().push((peer, until));
			self.announcers.entry(peer).or_default().roots.insert(root);
			self.loads.remove(&(count, peer));
			self.loads.insert((count + 1, peer));
			self.total += 1;
		}
		self.locate(&peer, record.addresses);
		Ok(())
	}

	fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
		let Ok(root) = Root::try_from(key.as_ref()) else { return Vec::new() };
		let now = Instant::now();
		let own = self.own.contains(&root).then(|| ProviderRecord::new(key.clone(), self.me, Vec::new()));
		let others = self.others.get(&root).into_iter().flatten().filter(|(_, until)| *until > now);
		let others = others.map(|(peer, until)| ProviderRecord {
			key: key.clone(),
			provider: *peer,
			expires: Some(*until),
			addresses: self.announcers.get(peer).map(|known| known.addresses.clone()).unwrap_or_default(),
		});
		own.into_iter().chain(others).collect()
	}

	fn provided(&self) -> Self::ProvidedIter<'_> {
		let record = |root: &Root| ProviderRecord::new(RecordKey::new(root), self.me, Vec::new());
		self.own.iter().map(|root| Cow::Owned(record(root))).collect::<Vec<_>>().into_iter()
	}

	fn remove_provider(&mut self, key: &RecordKey, peer: &PeerId) {
		let Ok(root) = Root::try_from(key.as_ref()) else { return };
		if *peer == self.me {
			self.own.remove(&root);
		} else {
			self.forget(&root, peer);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::time::Duration;

	fn root(n: usize) -> Root {
		*blake3::hash(&n.to_le_bytes()).as_bytes()
	}

	fn record(n: usize, provider: PeerId) -> ProviderRecord {
		let expires = Some(Instant::now() + Duration::from_secs(3600));
		ProviderRecord { key: RecordKey::new(&root(n)), provider, expires, addresses: Vec::new() }
	}

	fn who(providers: &Providers, n: usize) -> Vec<PeerId> {
		providers.providers(&RecordKey::new(&root(n))).into_iter().map(|record| record.provider).collect()
	}

	#[test]
	fn records_are_kept_until_they_expire() {
		let (me, a, b) = (PeerId::random(), PeerId::random(), PeerId::random());
		let mut providers = Providers::new(me);
		providers.add_provider(record(1, me)).unwrap();
		providers.add_provider(record(1, a)).unwrap();
		let past = ProviderRecord { expires: Some(Instant::now()), ..record(1, b) };
		providers.add_provider(past.clone()).unwrap();
		assert_eq!(who(&providers, 1), [me, a]);
		assert_eq!(providers.total, 2);
		providers.expire(Instant::now());
		assert_eq!(providers.total, 1);
		// Renewed in time, it counts on.
		providers.add_provider(past).unwrap();
		providers.add_provider(record(1, b)).unwrap();
		assert_eq!(who(&providers, 1), [me, a, b]);
		for peer in [me, a, b] {
			providers.remove_provider(&RecordKey::new(&root(1)), &peer);
		}
		assert_eq!(who(&providers, 1), []);
		assert!(providers.announcers.is_empty() && providers.loads.is_empty() && providers.others.is_empty());
	}

	#[test]
	fn a_provider_comes_with_its_addresses() {
		let mut providers = Providers::new(PeerId::random());
		let (a, address) = (PeerId::random(), "/ip4/192.0.2.1/tcp/1".parse::<Multiaddr>().unwrap());
		providers.add_provider(record(1, a)).unwrap();
		providers.locate(&a, vec![address.clone(); 100]);
		let told = providers.providers(&RecordKey::new(&root(1)));
		assert_eq!(told[0].addresses, vec![address; ADDRESSES]);
		providers.locate(&PeerId::random(), Vec::new());
		assert_eq!(providers.announcers.len(), 1);
	}

	#[test]
	fn a_peer_and_a_blob_have_quotas() {
		let me = PeerId::random();
		let mut providers = Providers::new(me);
		let greedy = PeerId::random();
		let kept = (0..2 * PER_PEER).filter(|n| providers.add_provider(record(*n, greedy)).is_ok()).count();
		assert_eq!(kept, PER_PEER);
		let kept = (0..100).filter(|_| providers.add_provider(record(1, PeerId::random())).is_ok()).count();
		assert_eq!(kept + 1, PER_BLOB);
		// Its own do not count.
		providers.add_provider(record(1, me)).unwrap();
		assert_eq!(who(&providers, 1)[0], me);
		let odd = ProviderRecord { key: RecordKey::new(b"short"), ..record(1, PeerId::random()) };
		assert!(providers.add_provider(odd).is_err());
	}

	#[test]
	fn when_all_is_full_who_has_the_most_gives_way() {
		let mut providers = Providers::new(PeerId::random());
		providers.most = 100;
		let (greedy, modest) = (PeerId::random(), PeerId::random());
		(0..100).for_each(|n| providers.add_provider(record(n, greedy)).unwrap());
		(200..210).for_each(|n| providers.add_provider(record(n, modest)).unwrap());
		assert_eq!((providers.total, providers.announcers[&greedy].roots.len()), (100, 90));
		assert_eq!(who(&providers, 205), [modest]);
		assert!(providers.add_provider(record(300, greedy)).is_err());
		assert_eq!(providers.loads.iter().map(|(count, _)| count).sum::<usize>(), 100);
	}
}
