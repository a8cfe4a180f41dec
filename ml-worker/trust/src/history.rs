//! What was paid, beyond what the chain remembers: it forgets channels some time after they have ended.
//!
//! Of each channel it keeps the ticks at which more had been claimed than before. That is the same however
//! often an observation comes, and in whatever order they do, unless something is forgotten in between. Ticks
//! are rounded down to an eighth of the half-life, so that a channel that is claimed from often takes no more
//! room; what it was paid then looks older than it is, never younger.

use crate::{Account, Interaction, NOTHING_BELOW, decayed};
use oda_primitives::{ChannelId, Tick, decimal, hexadecimal};
use serde::{Deserialize, Serialize};
use std::{
	cmp::Reverse,
	collections::BTreeMap,
	fs::{self, DirBuilder},
	io,
	num::NonZeroU64,
	os::unix::fs::DirBuilderExt,
	path::{Path, PathBuf},
};

/// The format of the file.
const FORMAT: u32 = 1;
/// Mode of the file. All of it was on chain, but whose payments somebody looks at is private.
const MODE: u32 = 0o600;
/// Steps of time in a half-life.
const STEPS: u64 = 8;

/// Why a history cannot be used. A file that is wrong is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
	/// The file cannot be read or written.
	#[error("{path}: {error}", path = path.display())]
	File {
		/// Which one.
		path: PathBuf,
		/// Why.
		#[source]
		error: io::Error,
	},
	/// The file does not hold what it should.
	#[error("{path} is damaged: {reason}", path = path.display())]
	Damaged {
		/// Which one.
		path: PathBuf,
		/// Why.
		reason: String,
	},
	/// Another version of the program wrote the file.
	#[error("{path} has the format {format}, and this program knows {FORMAT} only", path = path.display())]
	Format {
		/// Which one.
		path: PathBuf,
		/// Its format.
		format: u32,
	},
	/// The file holds the payments of another chain.
	#[error("{path} is of the chain with the genesis hash 0x{}", hex::encode(genesis), path = path.display())]
	OtherChain {
		/// Which one.
		path: PathBuf,
		/// Hash of block 0 of that chain.
		genesis: [u8; 32],
	},
}

/// What a history forgets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
	/// Ticks after which a payment counts half. What is less than a planck by then is forgotten.
	pub half_life: NonZeroU64,
	/// The most payments that are kept. A channel of which none is left counts as one as long as the chain
	/// shows it.
	pub payments: usize,
}

/// A channel, as the chain shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Observation {
	/// Its number.
	pub channel: ChannelId,
	/// The account that pays.
	pub user: Account,
	/// The account that is paid.
	pub provider: Account,
	/// What was claimed from it in all so far, in planck.
	pub claimed: u128,
}

/// The payments that were seen on one chain.
#[derive(Debug)]
pub struct History {
	path: PathBuf,
	limits: Limits,
	seen: Seen,
}

/// What is in the file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
	format: u32,
	/// Hash of block 0.
	#[serde(with = "hexadecimal")]
	genesis: [u8; 32],
	/// The latest tick of all observations.
	tick: Tick,
	channels: BTreeMap<ChannelId, Channel>,
}

/// What every format has.
#[derive(Deserialize)]
struct Head {
	format: u32,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
	#[serde(with = "hexadecimal")]
	user: Account,
	#[serde(with = "hexadecimal")]
	provider: Account,
	/// The latest tick at which the chain showed it.
	seen: Tick,
	/// What had been claimed of it by the last payment that is forgotten.
	#[serde(with = "decimal")]
	forgotten: u128,
	/// What had been claimed of it in all, by the first tick at which it was that much: both rise.
	claimed: BTreeMap<Tick, Planck>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Planck(#[serde(with = "decimal")] u128);

impl Channel {
	/// Takes notice of what was claimed in all at a tick.
	fn observe(&mut self, tick: Tick, claimed: u128) {
		let before = self.claimed.range(..=tick).next_back().map_or(self.forgotten, |(_, known)| known.0);
		if claimed > before {
			self.claimed.insert(tick, Planck(claimed));
			self.claimed.retain(|at, known| *at <= tick || known.0 > claimed);
		}
	}

	/// What was paid, and when.
	fn payments(&self) -> impl Iterator<Item = (Tick, u128)> {
		let mut before = self.forgotten;
		self.claimed.iter().map(move |(tick, claimed)| {
			let paid = claimed.0.saturating_sub(before);
			before = claimed.0;
			(*tick, paid)
		})
	}

	fn oldest(&self) -> Option<(Tick, u128)> {
		self.payments().next()
	}

	/// Forgets the payments that have decayed to nothing.
	fn forget(&mut self, now: Tick, half_life: NonZeroU64) {
		while let Some((tick, paid)) = self.oldest()
			&& decayed(paid, tick, now, half_life) < NOTHING_BELOW
			&& let Some((_, claimed)) = self.claimed.pop_first()
		{
			self.forgotten = claimed.0;
		}
	}

	/// Whether the chain may show it again: it did until a half-life ago.
	fn may_be_on_chain(&self, now: Tick, half_life: NonZeroU64) -> bool {
		now.saturating_sub(self.seen) <= half_life.get()
	}

	/// How much of the limit it takes.
	fn size(&self) -> usize {
		self.claimed.len().max(1)
	}

	/// What is to be kept rather than others. What the chain may show again is weighed by what that would be,
	/// or a channel that is dropped would come back as if it had just been paid, in place of another, in
	/// turns.
	fn weight(&self, now: Tick, half_life: NonZeroU64) -> f64 {
		if self.may_be_on_chain(now, half_life) {
			self.claimed.values().next_back().map_or(self.forgotten, |claimed| claimed.0) as f64
		} else {
			self.payments().map(|(tick, paid)| decayed(paid, tick, now, half_life)).sum()
		}
	}

	/// Whether ticks and amounts rise.
	fn rises(&self) -> bool {
		let mut before = self.forgotten;
		self.claimed.values().all(|claimed| std::mem::replace(&mut before, claimed.0) < claimed.0)
	}
}

impl History {
	/// Opens the history in a folder for the chain whose block 0 has the hash `genesis`; an empty one if it
	/// has no file there yet. The folder is made if it is not there.
	///
	/// # Errors
	///
	/// The folder cannot be made; the file cannot be read, is damaged, or is of another format or chain.
	pub fn open(folder: &Path, genesis: [u8; 32], limits: Limits) -> Result<Self, HistoryError> {
		// After a development chain has begun anew, its channels have the same numbers.
		let chain = hex::encode(genesis);
		let path = folder.join(format!("{}.json", chain.get(..32).unwrap_or_default()));
		let failed = |error| HistoryError::File { path: path.clone(), error };
		DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
		let seen = match fs::read(&path) {
			Ok(bytes) => read(&path, &bytes, genesis)?,
			Err(error) if error.kind() == io::ErrorKind::NotFound => {
				Seen { format: FORMAT, genesis, tick: 0, channels: BTreeMap::new() }
			}
			Err(error) => return Err(failed(error)),
		};
		Ok(Self { path, limits, seen })
	}

	/// Takes notice of channels that the chain shows at the tick `now`: best of all of them in one call. Only
	/// what was claimed beyond what is known counts, and it counts as paid at that tick.
	pub fn observe(&mut self, now: Tick, observations: impl IntoIterator<Item = Observation>) {
		let step = NonZeroU64::new(self.limits.half_life.get() / STEPS).unwrap_or(NonZeroU64::MIN);
		let rounded = now.saturating_sub(now % step);
		for Observation { channel, user, provider, claimed } in observations {
			if claimed == 0 {
				continue;
			}
			let channel = self.seen.channels.entry(channel).or_insert_with(|| Channel {
				user,
				provider,
				seen: now,
				forgotten: 0,
				claimed: BTreeMap::new(),
			});
			channel.seen = channel.seen.max(now);
			channel.observe(rounded, claimed);
		}
		self.seen.tick = self.seen.tick.max(now);
		self.forget();
	}

	/// All payments that are kept, by channel and tick.
	pub fn interactions(&self) -> Vec<Interaction> {
		let channels = self.seen.channels.values();
		channels
			.flat_map(|channel| {
				let Channel { user, provider, .. } = *channel;
				channel.payments().map(move |(tick, amount)| Interaction { user, provider, amount, tick })
			})
			.collect()
	}

	/// Writes the file: all of it or, should that fail, what was there before. Of two programs that write the
	/// same file the last one wins.
	///
	/// # Errors
	///
	/// [`HistoryError::File`]: it cannot be written.
	pub fn save(&self) -> Result<(), HistoryError> {
		let json = serde_json::to_vec(&self.seen).map_err(io::Error::from);
		let written = json.and_then(|json| oda_files::replace(&self.path, MODE, &json[..]));
		written.map_err(|error| HistoryError::File { path: self.path.clone(), error })
	}

	/// Forgets what has decayed to nothing, and the smallest channels beyond the limit.
	fn forget(&mut self) {
		let (now, Limits { half_life, payments: limit }) = (self.seen.tick, self.limits);
		let channels = &mut self.seen.channels;
		channels.retain(|_, channel| {
			channel.forget(now, half_life);
			!channel.claimed.is_empty() || channel.may_be_on_chain(now, half_life)
		});
		let mut size: usize = channels.values().map(Channel::size).sum();
		if size <= limit {
			return;
		}
		let mut by_weight: Vec<_> =
			channels.iter().map(|(id, channel)| (channel.weight(now, half_life), Reverse(*id))).collect();
		// Of equal ones the youngest goes first, so that what is known is not crowded out by as much again.
		by_weight.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
		for (_, Reverse(id)) in by_weight {
			if size <= limit {
				break;
			}
			let dropped = channels.remove(&id);
			size = size.saturating_sub(dropped.map_or(0, |channel| channel.size()));
		}
	}
}

fn read(path: &Path, bytes: &[u8], genesis: [u8; 32]) -> Result<Seen, HistoryError> {
	let damaged = |reason: String| HistoryError::Damaged { path: path.to_owned(), reason };
	let Head { format } = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
	if format != FORMAT {
		return Err(HistoryError::Format { path: path.to_owned(), format });
	}
	let seen: Seen = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
	if seen.genesis != genesis {
		return Err(HistoryError::OtherChain { path: path.to_owned(), genesis: seen.genesis });
	}
	match seen.channels.iter().find(|(_, channel)| !channel.rises()) {
		Some((id, _)) => Err(damaged(format!("what was claimed from channel {id} does not rise"))),
		None => Ok(seen),
	}
}
