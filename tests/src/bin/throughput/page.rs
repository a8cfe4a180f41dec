//! The page: every figure with how and where it was taken.

use crate::chain::LONG_EPOCH;
use crate::{
	Run,
	chain::Call,
	count::{Figures, Spread},
	load::{CONNECTIONS, UNDER_WAY},
};
use oda_e2e::{machine::Machine, node::EPOCH_SLOTS};

const METHOD: &str = "\
The method is that of the Polkadot ecosystem's *standard transactions per second* (sTPS): `balances.transfer_keep_alive`
from accounts that have money to other accounts that exist, one transaction an account. The second call is our own
`training.commit`, with its bond, one commitment a trainer. Everything is signed before the clock starts, and sent as
fast as the node takes it.

Transactions are counted in the final blocks, and one without `System.ExtrinsicSuccess` fails the run. Time is the
blocks' own, `Timestamp.Now`: the transactions of the counted blocks are divided by the time of the last of these blocks
minus that of the block before the first. The counted blocks are the longest row of blocks that each began with at least
as many transactions waiting in the pool as the fullest block took. So ramp-up and drain are left out; slots without a
block in between are not. *Until final* divides by the time from the block before the first until the node said that
the last was final: the longer the load, the nearer it comes to the first figure.
";

const LEFT_OUT: &str = "\
* **Other validators.** One validator makes every block and finalises it by itself: nobody executes a block again to
  import it, and nothing crosses a network. In a network a block must be made *and* imported within its slot.
* **An optimised build.** The node is that of the workspace's one profile, `dev`: our crates and most others at
  optimisation level 1, cryptography, wasm executor, trie and database at 3, overflow checks everywhere; the runtime's
  wasm is a release build. What a release build of the node would bring was not measured.
* **A machine of its own for the load.** Sender and node share the cores.
";

/// A number with commas.
fn whole(value: f64) -> String {
	let digits = format!("{value:.0}");
	let mut text = String::new();
	for (at, digit) in digits.chars().enumerate() {
		if at > 0 && (digits.len() - at) % 3 == 0 {
			text.push(',');
		}
		text.push(digit);
	}
	text
}

/// `mean (least to most)`.
fn spread(spread: Spread, format: impl Fn(f64) -> String) -> String {
	if !spread.least.is_finite() {
		return "unknown".to_owned();
	}
	format!("{} ({} to {})", format(spread.mean), format(spread.least), format(spread.most))
}

fn percent(share: f64) -> String {
	format!("{:.1} %", 100.0 * share)
}

fn seconds(millis: f64) -> String {
	format!("{:.2}", millis / 1e3)
}

/// Why the author stopped adding transactions to a block, in words.
fn reason(name: &str) -> &str {
	match name {
		"HitBlockWeightLimit" => "full by weight",
		"HitBlockSizeLimit" => "full by length",
		"HitDeadline" => "out of time",
		"NoMoreTransactions" => "nothing ready in the pool",
		other => other,
	}
}

fn reasons(figures: &Figures) -> String {
	let each = figures.reasons.iter().map(|(name, count)| format!("{}: {count}", reason(name)));
	each.collect::<Vec<_>>().join(", ")
}

/// The table: a row a figure, a column a run.
fn table(runs: &[Run]) -> String {
	let mut text = String::new();
	let mut row = |name: &str, cell: &dyn Fn(&Run) -> String| {
		let cells: Vec<String> = runs.iter().map(cell).collect();
		text += &format!("| {name} | {} |\n", cells.join(" | "));
	};
	row("", &|run| {
		let call = match run.call {
			Call::Transfer => "transfer",
			Call::Commit => "commit",
		};
		format!("{call}, {} s slots", run.slot_millis as f64 / 1e3)
	});
	row("---", &|_| "---".to_owned());
	row("**transactions a second, by the blocks' time**", &|run| format!("**{}**", whole(run.figures.rate)));
	row("the same, until the last of them was final", &|run| whole(run.figures.final_rate));
	row("the same, with ramp-up and drain, by the blocks' time", &|run| whole(run.figures.whole_rate));
	row("counted: transactions, blocks, seconds", &|run| {
		let f = &run.figures;
		format!("{}, {}, {:.1}", whole(f.counted as f64), f.blocks, f.seconds)
	});
	row("slots without a block among them", &|run| run.figures.empty_slots.to_string());
	row("blocks discarded, made too late", &|run| run.figures.discarded.to_string());
	row("transactions a block", &|run| spread(run.figures.transactions, whole));
	row("weight used, of what ordinary transactions may", &|run| spread(run.figures.weight_share, percent));
	row("length used, of what ordinary transactions may", &|run| spread(run.figures.length_share, percent));
	row("why the author stopped adding", &|run| reasons(&run.figures));
	row("making a block, s", &|run| spread(run.figures.making_millis, seconds));
	row("from a block's time until the node had it, s", &|run| spread(run.figures.best_after, seconds));
	row("from a block's time until it was final, s", &|run| spread(run.figures.final_after, seconds));
	row("sending all: seconds, and a second", &|run| {
		let f = &run.figures;
		format!("{:.1}, {}", f.sending_seconds, whole(f.sent as f64 / f.sending_seconds.max(1e-3)))
	});
	row("counted blocks that began while sending", &|run| run.figures.while_sending.to_string());
	row("a transaction: weight in µs, bytes", &|run| {
		format!("{}, {:.0}", whole(run.figures.weight as f64 / 1e6), run.figures.length)
	});
	row("what the weight limit allows, a block, a second", &|run| {
		let most = run.figures.limit_by_weight as f64;
		format!("{}, {}", whole(most), whole(most * 1e3 / run.slot_millis as f64))
	});
	row("what the length limit allows, a block", &|run| whole(run.figures.limit_by_length));
	row("load average before", &|run| run.load_before.clone());
	text
}

/// What kept a run from being faster.
fn bound(run: &Run) -> String {
	let f = &run.figures;
	let name = format!("`{}`, slots of {} s", run.call.name(), run.slot_millis as f64 / 1e3);
	if !f.full {
		return format!(
			"* {name}: too few transactions to keep three blocks full, so this is no figure of what the chain can take.\n"
		);
	}
	let main = f.reasons.iter().max_by_key(|(_, count)| **count).map_or("unknown", |(name, _)| name.as_str());
	let why = match main {
		_ if f.empty_slots > f.blocks as u64 / 2 => {
			"this machine is too slow for blocks of this weight in slots of this length"
		}
		"HitBlockWeightLimit" => "the block's weight",
		"HitBlockSizeLimit" => "the block's length",
		"HitDeadline" => "the time that the author has",
		"NoMoreTransactions" => "the pool, which had too few transactions ready though enough waited",
		_ => "unknown",
	};
	let share = f.rate / (f.limit_by_weight as f64 * 1e3 / run.slot_millis as f64);
	let mut text = format!("* {name}: {why}. It reached {} of what the weight limit allows", percent(share));
	if f.empty_slots > 0 {
		let slots = f.empty_slots + f.blocks as u64;
		text += &format!("; slots without a block: {} of {slots}", f.empty_slots);
	}
	if f.discarded > 0 {
		text += &format!("; blocks discarded because making them took too long: {}", f.discarded);
	}
	text + ".\n"
}

/// The limits that the chain has, from its own constants.
fn limits(figures: &Figures) -> String {
	let limits = figures.limits;
	let second = 1e12;
	format!(
		"A block may weigh {:.2} s of computing, ordinary transactions {:.2} s of that ({}); it may have {:.2} MiB, ordinary \
		 transactions {:.2} MiB of that. Every transaction weighs {} µs before its call and its checks. A block has to be made \
		 within two thirds of the slot, or it is discarded; the author adds transactions for seven eighths of that time, so \
		 an eighth is left for the state's root. After slots that had no block there is more time, up to many slots.\n",
		limits.weight as f64 / second,
		limits.normal_weight as f64 / second,
		percent(limits.normal_weight as f64 / limits.weight as f64),
		f64::from(limits.length) / f64::from(1 << 20),
		f64::from(limits.normal_length) / f64::from(1 << 20),
		whole(limits.base_extrinsic as f64 / 1e6),
	)
}

/// Lines of at most 118 characters.
fn wrapped(text: &str) -> String {
	let mut lines = String::new();
	for paragraph in text.lines() {
		let indent = if paragraph.starts_with("* ") { "  " } else { "" };
		let mut line = String::new();
		for word in paragraph.split(' ') {
			if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 118 {
				lines += &line;
				lines.push('\n');
				line = indent.to_owned() + word;
			} else {
				if !line.is_empty() {
					line.push(' ');
				}
				line += word;
			}
		}
		lines += &line;
		lines.push('\n');
	}
	lines
}

/// What the page is about.
pub(crate) struct Subject<'a> {
	/// What was typed.
	pub(crate) command: String,
	pub(crate) transactions: u32,
	pub(crate) models: u32,
	pub(crate) machine: &'a Machine,
	pub(crate) runs: &'a [Run],
}

/// The whole page.
pub(crate) fn write(subject: &Subject<'_>) -> String {
	let Subject { command, transactions, models, machine, runs } = subject;
	let bounds: String = runs.iter().map(bound).collect();
	let limits = runs.first().map(|run| limits(&run.figures)).unwrap_or_default();
	let load = format!(
		"For each column {} transactions over {CONNECTIONS} WebSocket connections, {UNDER_WAY} under way on each; the \
		 commitments go to {models} models in turn, which went the way that every model goes before the clock starts. The \
		 chain is the development chain with accounts for the load, shorter windows for those models, and the slots of \
		 the column: 3 s are the pace of a public network, 1 s that of the development chain. For transfers an epoch has {LONG_EPOCH} \
		 slots, so that none begins while it is measured: an epoch's first block has no room for transactions. For \
		 commitments it has {EPOCH_SLOTS}, because models wait for verifiers to be drawn. The node's pool has room for all.\n",
		whole(f64::from(*transactions)),
	);
	let machine = format!(
		"{}, {} cores, {:.0} GiB, Linux {}; `{}`. The load average before the first column is that of the preparations, \
		 which use all cores for seconds; if it is more than their number, something else was running. The others follow \
		 closely, and show what the one before left.\n",
		machine.processor, machine.cores, machine.memory_gib, machine.kernel, machine.node,
	);
	[
		"# Throughput\n\nHow many transactions a second a chain of one validator takes. This page is written by\n\n",
		&format!("```\n{command}\n```\n\n"),
		&table(runs),
		"\nWhere three figures stand, they are the mean of the counted blocks, the least and the most.\n",
		"\n## What bounds it\n\n",
		&wrapped(&bounds),
		"\n## Limits\n\n",
		&wrapped(&limits),
		"\n## Method\n\n",
		METHOD,
		"\n",
		&wrapped(&load),
		"\n## Machine\n\n",
		&wrapped(&machine),
		"\n## What is not in these figures\n\n",
		LEFT_OUT,
	]
	.concat()
}
