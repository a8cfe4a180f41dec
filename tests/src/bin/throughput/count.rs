//! Counting, in the blocks themselves.

use crate::{
	chain::World,
	load::{Sent, Watched, noticed},
};
use anyhow::{Context, Result, bail, ensure};
use std::{
	collections::{BTreeMap, HashMap, HashSet},
	time::{Duration, Instant},
};

/// How long no transaction may come into a block before the rest is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long no block may become final: an overloaded node takes its time.
const STALL: Duration = Duration::from_secs(300);
/// After so many final blocks without transactions the blocks are read. Reading full ones takes the node's time,
/// so it waits until there is nothing else to do.
const IDLE_BLOCKS: u32 = 3;

/// A final block.
pub(crate) struct Block {
	number: u64,
	timestamp: u64,
	/// How many of the sent transactions are in it, all of them carried out.
	count: usize,
	/// Picoseconds that ordinary transactions weighed.
	weight: u64,
	/// Picoseconds that the heaviest of the sent transactions weighed.
	heaviest: u64,
	/// Bytes of the sent transactions.
	length: usize,
	/// How its author made it.
	made: Made,
}

/// Waits until every transaction is in a final block; those blocks, and those before and after.
pub(crate) async fn blocks(world: &mut World, transactions: &[Vec<u8>]) -> Result<Vec<Block>> {
	let mut missing: HashSet<&[u8]> = transactions.iter().map(Vec::as_slice).collect();
	ensure!(missing.len() == transactions.len(), "two transactions are the same");
	let mut blocks = Vec::new();
	let (mut next, mut seen, mut idle, mut progress) = (1, 0, 0, Instant::now());
	while !missing.is_empty() {
		world.node.check_alive()?;
		let head = tokio::time::timeout(STALL, world.chain.finalised_after(seen));
		let head = head.await.context("the node has stopped finalising")??;
		seen = head.number();
		if world.wire.at(seen).await?.normal_weight().await? > 0 {
			(idle, progress) = (0, Instant::now());
			continue;
		}
		idle += 1;
		if idle < IDLE_BLOCKS {
			continue;
		}
		let before = missing.len();
		while next <= seen {
			blocks.push(block(world, next, &mut missing).await?);
			next += 1;
		}
		if missing.len() < before {
			progress = Instant::now();
		} else if progress.elapsed() > PATIENCE {
			bail!("{} transactions are in no final block, and no more come", missing.len());
		}
	}
	let mut log = making(&world.node.output());
	for block in &mut blocks {
		block.made = log.remove(&block.number).unwrap_or_default();
	}
	Ok(blocks)
}

/// What is in a block of the transactions that are still missing.
async fn block(world: &World, number: u64, missing: &mut HashSet<&[u8]>) -> Result<Block> {
	let contents = world.wire.contents(&world.wire.at(number).await?).await?;
	let mut block = Block {
		number,
		timestamp: contents.timestamp,
		count: 0,
		weight: contents.normal_weight,
		heaviest: 0,
		length: 0,
		made: Made::default(),
	};
	for included in contents.extrinsics {
		if missing.remove(included.bytes.as_slice()) {
			let weight =
				included.outcome.with_context(|| format!("a transaction failed in block {number}"))?;
			block.count += 1;
			block.length += included.bytes.len();
			block.heaviest = block.heaviest.max(weight);
		}
	}
	Ok(block)
}

/// How a block was made.
#[derive(Default)]
struct Made {
	/// Milliseconds that it took, and why the author stopped adding transactions.
	last: Option<(u64, String)>,
	/// How many attempts before took so long that they were discarded.
	discarded: usize,
}

/// What the node's log says of how each block was made, by number.
fn making(log: &str) -> BTreeMap<u64, Made> {
	let mut blocks: BTreeMap<u64, Made> = BTreeMap::new();
	let mut prepared = HashMap::new();
	let mut current = 0;
	for line in log.lines() {
		if let Some(parent) = between(line, "Starting consensus session on top of parent ", ")") {
			let parent = parent.split_once("(#").and_then(|(_, number)| number.parse::<u64>().ok());
			current = parent.map_or(0, |parent| parent + 1);
		} else if line.contains("Discarding proposal for slot ") {
			blocks.entry(current).or_default().discarded += 1;
		} else if line.contains("Prepared block for proposing at ") {
			// Discarded ones are prepared to the end as well, and may come late.
			let millis = between(line, " (", " ms)").and_then(|millis| millis.parse().ok());
			if let (Some(millis), Some(hash), Some(end)) =
				(millis, between(line, " hash: ", ";"), between(line, "end: ", ";"))
			{
				prepared.insert(hash, (millis, end.to_owned()));
			}
		} else if let Some(number) = between(line, "Pre-sealed block for proposal at ", ".")
			&& let (Ok(number), Some((_, hash))) = (number.parse(), line.split_once("previously "))
		{
			blocks.entry(number).or_default().last = prepared.remove(hash.trim_end().trim_end_matches('.'));
		}
	}
	blocks
}

/// What stands between two texts in a line.
fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
	Some(line.split_once(before)?.1.split_once(after)?.0)
}

/// Least, mean and most.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
	pub(crate) least: f64,
	pub(crate) mean: f64,
	pub(crate) most: f64,
}

fn spread(values: impl IntoIterator<Item = f64>) -> Spread {
	let values: Vec<f64> = values.into_iter().collect();
	Spread {
		least: values.iter().copied().fold(f64::INFINITY, f64::min),
		mean: values.iter().sum::<f64>() / values.len().max(1) as f64,
		most: values.iter().copied().fold(0.0, f64::max),
	}
}

/// What came out.
pub(crate) struct Figures {
	/// Whether every counted block began with at least as many transactions waiting as any block took.
	pub(crate) full: bool,
	/// Transactions a second over the counted blocks, by the blocks' time.
	pub(crate) rate: f64,
	/// The same transactions, by the time until the last of the blocks was final.
	pub(crate) final_rate: f64,
	/// Transactions a second from the block before the first with any to the last, by the blocks' time.
	pub(crate) whole_rate: f64,
	/// How many blocks were counted, how many transactions are in them, how long they took.
	pub(crate) blocks: usize,
	pub(crate) counted: usize,
	pub(crate) seconds: f64,
	/// Slots among them that have no block.
	pub(crate) empty_slots: u64,
	/// Blocks that were discarded because making them took too long.
	pub(crate) discarded: usize,
	/// How many of the counted blocks began while transactions were still being sent.
	pub(crate) while_sending: usize,
	/// How many were sent, and how long it took until the node had them.
	pub(crate) sent: usize,
	pub(crate) sending_seconds: f64,
	/// Of each counted block.
	pub(crate) transactions: Spread,
	pub(crate) weight_share: Spread,
	pub(crate) length_share: Spread,
	pub(crate) making_millis: Spread,
	/// Milliseconds from a block's time until the node had it, and until it was final.
	pub(crate) best_after: Spread,
	pub(crate) final_after: Spread,
	/// Why the author stopped adding transactions, and how often.
	pub(crate) reasons: BTreeMap<String, usize>,
	/// Picoseconds and bytes of one transaction.
	pub(crate) weight: u64,
	pub(crate) length: f64,
	/// What the block's limits would allow.
	pub(crate) limit_by_weight: u64,
	pub(crate) limit_by_length: f64,
	pub(crate) limits: crate::wire::BlockLimits,
}

/// The longest row of blocks that each began with at least as many transactions waiting as any block took; all blocks
/// with transactions, if there is none of at least three.
fn window(blocks: &[Block], sent: &Sent) -> (usize, usize, bool) {
	let peak = blocks.iter().map(|block| block.count).max().unwrap_or(0);
	let (mut included, mut start, mut longest) = (0, 0, 0..0);
	for (at, block) in blocks.iter().enumerate() {
		let waiting = sent.by(block.timestamp).saturating_sub(included);
		included += block.count;
		if waiting < peak {
			start = at + 1;
		} else if at + 1 - start > longest.len() {
			longest = start..at + 1;
		}
	}
	if longest.len() >= 3 && longest.start > 0 {
		return (longest.start, longest.end, true);
	}
	let first = blocks.iter().position(|block| block.count > 0).unwrap_or(0);
	let last = blocks.iter().rposition(|block| block.count > 0).unwrap_or(0);
	(first, last + 1, false)
}

/// Transactions a second in blocks `from..to`, by the blocks' time since the block before; and the seconds.
fn rate(blocks: &[Block], from: usize, to: usize) -> Option<(f64, f64)> {
	let before = blocks.get(from.checked_sub(1)?)?;
	let counted = blocks.get(from..to)?;
	let seconds = counted.last()?.timestamp.checked_sub(before.timestamp)? as f64 / 1e3;
	Some((counted.iter().map(|block| block.count).sum::<usize>() as f64 / seconds, seconds))
}

/// What the blocks say.
pub(crate) fn figures(
	world: &World,
	blocks: &[Block],
	sent: &Sent,
	watched: &Watched,
	slot_millis: u64,
) -> Result<Figures> {
	let (from, to, full) = window(blocks, sent);
	let counted = blocks.get(from..to).context("there are no blocks to count")?;
	let before = blocks.get(from.wrapping_sub(1)).context("there is no block before the first")?;
	let last = counted.last().context("there are no blocks to count")?;
	let (rate_by_blocks, seconds) = rate(blocks, from, to).context("the blocks' times make no sense")?;
	let first_any = blocks.iter().position(|block| block.count > 0).unwrap_or(from);
	let last_any = blocks.iter().rposition(|block| block.count > 0).unwrap_or(from);
	let whole = rate(blocks, first_any, last_any + 1).context("the blocks' times make no sense")?;
	let number: usize = counted.iter().map(|block| block.count).sum();

	let ended = noticed(&watched.finalised, last.number).context("the node has not told what is final")?;
	let final_rate = number as f64 * 1e3 / ended.saturating_sub(before.timestamp) as f64;
	let after = |notices| {
		let delay =
			|block: &Block| Some(noticed(notices, block.number)?.saturating_sub(block.timestamp) as f64);
		spread(counted.iter().filter_map(delay))
	};
	let limits = world.limits;
	let weight = blocks.iter().map(|block| block.heaviest).max().unwrap_or(0).max(1);
	let length = counted.iter().map(|block| block.length).sum::<usize>() as f64 / number.max(1) as f64;
	let mut reasons = BTreeMap::new();
	for block in counted {
		let reason = block.made.last.as_ref().map_or("unknown", |(_, reason)| reason.as_str());
		*reasons.entry(reason.to_owned()).or_insert(0) += 1;
	}
	let slots = (last.timestamp - before.timestamp + slot_millis / 2) / slot_millis;
	Ok(Figures {
		full,
		rate: rate_by_blocks,
		final_rate,
		whole_rate: whole.0,
		blocks: counted.len(),
		counted: number,
		seconds,
		empty_slots: slots.saturating_sub(counted.len() as u64),
		discarded: counted.iter().map(|block| block.made.discarded).sum(),
		while_sending: counted.iter().filter(|block| block.timestamp < sent.ended()).count(),
		sent: sent.by(u64::MAX),
		sending_seconds: sent.seconds(),
		transactions: spread(counted.iter().map(|block| block.count as f64)),
		weight_share: spread(counted.iter().map(|block| block.weight as f64 / limits.normal_weight as f64)),
		length_share: spread(
			counted.iter().map(|block| block.length as f64 / f64::from(limits.normal_length)),
		),
		making_millis: spread(counted.iter().filter_map(|block| Some(block.made.last.as_ref()?.0 as f64))),
		best_after: after(&watched.best),
		final_after: after(&watched.finalised),
		reasons,
		weight,
		length,
		limit_by_weight: limits.normal_weight / weight,
		limit_by_length: (f64::from(limits.normal_length) / length.max(1.0)).floor(),
		limits,
	})
}
