//! The demo: one model, really improved, a liar caught by the runtime itself, and answers that are paid for, of which
//! a wrong one costs its provider a bond. Real node and worker processes, the handwritten digits of `data/digits`;
//! started by `scripts/demo.sh`.

mod pay;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use oda_client::{AccountId, Chain, Happened, Key};
use oda_e2e::{
	Node, Process, Worker,
	digits::{self, Digits, text},
	process::{stopped, tail},
};
use pay::Scene;
use serde_json::{Value, json};
use std::{
	path::{Path, PathBuf},
	time::{Duration, Instant},
};

/// Parts of the story, for the bar.
const CHAPTERS: u64 = 9;
/// Seeds that the final training is repeated with, to show how much of it is luck.
const SEEDS: u64 = 5;
/// How long the chain may take to catch the liar, and a service to do what it is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// One model, really improved, and paid for: a story in nine chapters on a local chain.
#[derive(Parser)]
struct Args {
	/// Also write the closing table to this file, for programs.
	#[arg(long, value_name = "FILE")]
	json: Option<PathBuf>,
	/// Keep chain, blobs and logs in this folder instead of a temporary one.
	#[arg(long, value_name = "DIR")]
	keep: Option<PathBuf>,
}

/// What the story is told with.
struct Stage {
	bar: ProgressBar,
	started: Instant,
}

impl Stage {
	fn new() -> Result<Self> {
		let bar = ProgressBar::new(CHAPTERS);
		bar.set_style(ProgressStyle::with_template("{spinner} [{bar:27}] {pos}/{len} {elapsed} {msg}")?);
		bar.enable_steady_tick(Duration::from_millis(120));
		Ok(Self { bar, started: Instant::now() })
	}

	/// A new chapter.
	fn chapter(&self, title: &str) {
		self.say(&format!("\n== {title}"));
		self.bar.inc(1);
		self.note(title);
	}

	/// A line that stays; also where there is no terminal to draw a bar on.
	fn say(&self, line: &str) {
		self.bar.suspend(|| println!("{line}"));
	}

	/// What goes on right now.
	fn note(&self, text: &str) {
		self.bar.set_message(text.to_owned());
	}

	/// Shows a worker's event on the bar.
	fn event(&self, value: &Value) {
		if let Some(event) = value.get("event").and_then(Value::as_str) {
			self.note(&event.replace('_', " "));
		}
	}
}

fn number(value: &Value, pointer: &str) -> Result<f64> {
	value.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no number {pointer} in {value}"))
}

fn oda(planck: u128) -> String {
	format!("{}.{:03} ODA", planck / 1_000_000_000_000, planck % 1_000_000_000_000 / 1_000_000_000)
}

/// What an account owns, on hold or not.
async fn wealth(chain: &Chain, account: &AccountId) -> Result<u128> {
	let account = chain.finalised().await?.account(account).await?;
	Ok(account.free.saturating_add(account.held))
}

/// Blocks from a submission's commitment to its acceptance, from what `submit` printed.
fn blocks(events: &[Value]) -> Result<u64> {
	let committed = events
		.iter()
		.find(|line| is_event(line, "committed"))
		.and_then(|e| e.pointer("/receipt/block")?.as_u64())
		.context("the worker has not committed")?;
	let ended = events.last().context("the worker printed nothing")?;
	let block = ended.get("block").and_then(Value::as_u64);
	block.and_then(|b| b.checked_sub(committed)).with_context(|| format!("it was accepted nowhere: {ended}"))
}

/// Trains from the head, with a bar.
async fn train(worker: &Worker, stage: &Stage, digits: &Digits, settings: &[&str]) -> Result<Value> {
	digits::train(worker, digits, settings, |line| {
		if let (Some(epoch), Some(epochs)) = (line.get("epoch"), line.get("epochs")) {
			stage.note(&format!("training: epoch {epoch} of {epochs}"));
		}
	})
	.await
}

#[tokio::main]
async fn main() -> Result<()> {
	let args = Args::parse();
	let temporary = tempfile::tempdir()?;
	let base = args.keep.clone().unwrap_or_else(|| temporary.path().into());
	std::fs::create_dir_all(&base)?;
	let stage = Stage::new()?;
	tokio::select! {
		table = story(&stage, &base) => {
			let table = table?;
			stage.bar.finish_and_clear();
			close(&table)?;
			if let Some(path) = &args.json {
				std::fs::write(path, serde_json::to_string_pretty(&table)? + "\n")?;
			}
			println!("\nTold in {} s.", stage.started.elapsed().as_secs());
			Ok(())
		},
		// Dropping the story kills its processes.
		asked = stopped() => {
			asked?;
			bail!("interrupted; everything that was started has been stopped")
		},
	}
}

async fn story(stage: &Stage, base: &Path) -> Result<Value> {
	stage.chapter("A chain of one validator, a verifier and a watcher");
	let node = Node::start(base).await?;
	let chain = Chain::connect(&node.url(), Some(Duration::from_secs(60))).await?;
	let worker = |suri: &str| Worker::new(&node.url(), &base.join("worker"), suri);
	let (registrar, trainer, liar) = (worker("//Dave"), worker("//Eve"), worker("//Ferdie"));
	let verifier = worker("//Bob");
	// The verifier only answers here, so that the watcher has something to do.
	let mut verifier = verifier.service(&["verify", "--no-challenge"], &base.join("verifier.log"))?;
	let watcher = worker("//Charlie");
	let mut watcher = watcher.service(&["watch"], &base.join("watcher.log"))?;
	stage.say(&format!("   node {}, verifier //Bob, watcher //Charlie", node.url()));

	stage.chapter("A small convolutional network is registered, with random weights");
	let digits = digits::prepare(&registrar).await?;
	digits::register(&registrar, &digits, |line| stage.event(line)).await?;
	let model = digits.model.clone();
	let id = oda_blobs::parse_root(&model)?;
	let view = chain.finalised().await?;
	let records = view.spec(id).await?.context("the model is gone")?.records();
	let score = view.version(id, 0).await?.context("no version 0")?.score;
	stage.say(&format!("   model {model}"));
	stage.say(&format!("   version 0: {score} of {records} right, verified and accepted"));

	let mut accept_blocks = Vec::new();
	let mut improve = async |title: &str, settings: &[&str]| -> Result<Value> {
		stage.chapter(title);
		let trained = train(&trainer, stage, &digits, settings).await?;
		let weights = text(&trained, "/weights/root")?;
		let events = trainer
			.follow(&["submit", "--yes", "--model", &model, "--weights", &weights], |line| stage.event(line))
			.await?;
		let took = blocks(&events)?;
		accept_blocks.push(took);
		stage.say(&format!(
			"   float accuracy {:.2} %, integer accuracy {:.2} %, score on chain {} of {records}, accepted after {took} blocks",
			100.0 * number(&trained, "/float_accuracy")?,
			100.0 * number(&trained, "/integer_accuracy")?,
			text(&trained, "/score")?,
		));
		Ok(trained)
	};
	improve(
		"The trainer stops early near 90 %: version 1",
		&["--seed", "0", "--stop-at", "0.9", "--check-every", "1"],
	)
	.await?;

	stage.chapter("A liar claims more right answers than the weights give");
	let [liar_account, watcher_account] =
		["//Ferdie", "//Charlie"].map(|uri| Key::from_uri(uri).map(|key| key.account()));
	let (liar_account, watcher_account) = (liar_account?, watcher_account?);
	let liar_before = wealth(&chain, &liar_account).await?;
	let watcher_before = wealth(&chain, &watcher_account).await?;
	let from = chain.finalised().await?.number();
	let lie = liar.rogue(&model, &["lie"]).await?;
	let submission = lie.get("submission").and_then(Value::as_u64).context("the lie was not taken")?;
	ensure!(lie.get("error").is_none(), "the chain refused the lie before it could be told: {lie}");
	stage.say(&format!(
		"   submission {submission} claims {} of {records}; nobody can see that it is false",
		text(&lie, "/claimed")?
	));
	let (block, overturned) = tokio::time::timeout(PATIENCE, ended(&chain, submission, from))
		.await
		.context("nobody caught the liar")??;
	let Happened::Overturned { record, claimed, actual, slashed, .. } = overturned else {
		bail!("the lie ended otherwise: {overturned:?}");
	};
	let took = block.saturating_sub(from);
	let challenge = said(&mut watcher, |line| {
		line.get("submission").and_then(Value::as_u64) == Some(submission) && line.get("paid").is_some()
	})
	.await?;
	let liar_after = wealth(&chain, &liar_account).await?;
	let watcher_after = wealth(&chain, &watcher_account).await?;
	let paid = challenge.get("paid").and_then(Value::as_u64).context("the watcher was not paid")?;
	stage.say(&format!("   record {record}: claimed {claimed}, the runtime finds {actual}"));
	stage.say(&format!("   the liar: {} before, {} after", oda(liar_before), oda(liar_after)));
	stage.say(&format!("   the watcher: {} before, {} after", oda(watcher_before), oda(watcher_after)));
	stage.say(&format!(
		"   the challenge weighed {:.2} ms of the block's 2,000, and came {took} blocks after the commitment",
		number(&challenge, "/weight_ms")?
	));

	let luck = async || -> Result<Vec<Value>> {
		let mut seeds = Vec::new();
		for seed in 0..SEEDS {
			let trained = train(&trainer, stage, &digits, &["--seed", &seed.to_string()]).await?;
			let right = |pointer| number(&trained, pointer).map(|a| (a * f64::from(records)).round());
			let (float, integer) = (right("/float_accuracy")?, right("/integer_accuracy")?);
			stage.say(&format!("   seed {seed}: float {float} of {records}, integer {integer}"));
			seeds.push(json!({ "seed": seed, "float": float, "integer": integer }));
		}
		Ok(seeds)
	};
	let title = "It trains to the end: version 2; and with five seeds meanwhile, to see how much is luck";
	// Most of the former is waiting.
	let (last, seeds) = tokio::try_join!(improve(title, &["--seed", "0"]), luck())?;

	stage.chapter("An exact copy of the head, and weights that do not beat it, are refused");
	let scene = Scene { stage, chain: &chain, node: node.url(), base, digits: &digits, trainer: &trainer };
	let (copy, weak, cast) =
		tokio::try_join!(liar.rogue(&model, &["copy"]), registrar.rogue(&model, &["weak"]), scene.set())?;
	let (copy, weak) = (text(&copy, "/error")?, text(&weak, "/error")?);
	stage.say(&format!("   {copy}"));
	stage.say(&format!("   {weak}"));
	let (inference, wrong_answer) = scene.told(cast).await?;

	stage.chapter("What the chain holds now");
	let view = chain.finalised().await?;
	let registered = view.model(id).await?.context("the model is gone")?;
	let head = view.head(&registered).await?.context("the model has no head")?;
	verifier.check_alive()?;
	watcher.check_alive()?;
	Ok(json!({
		"model": model,
		"records": records,
		"float_accuracy": number(&last, "/float_accuracy")?,
		"integer_accuracy": number(&last, "/integer_accuracy")?,
		"head_score": head.score,
		"versions": registered.head.map_or(0, |n| n.saturating_add(1)),
		"blocks_to_accept": accept_blocks,
		"seeds": seeds,
		"liar": {
			"record": record,
			"claimed": claimed,
			"true": actual,
			"slashed": slashed.to_string(),
			"challenger_paid": paid.to_string(),
			"balance_before": liar_before.to_string(),
			"balance_after": liar_after.to_string(),
			"weight_ms": number(&challenge, "/weight_ms")?,
			"blocks_to_overturn": took,
		},
		"refused": { "copy": copy, "no_improvement": weak },
		"inference": inference,
		"wrong_answer": wrong_answer,
	}))
}

/// Follows the chain from block `from` on until the submission ends: in which block, and how.
async fn ended(chain: &Chain, submission: u64, from: u64) -> Result<(u64, Happened)> {
	let mut number = from;
	loop {
		let last = chain.finalised().await?.number();
		while number < last {
			number = number.saturating_add(1);
			let Some(at) = chain.at(number).await? else { continue };
			for event in at.submission_events().await? {
				if event.submission == submission && event.what.is_end() {
					return Ok((number, event.what));
				}
			}
		}
		chain.finalised_after(last).await?;
	}
}

/// The first object that a service prints of which something is true.
async fn said(service: &mut Process, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
	let asked = Instant::now();
	while asked.elapsed() < PATIENCE {
		service.check_alive()?;
		let output = service.output();
		let mut lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
		if let Some(found) = lines.find(|line| wanted(line)) {
			return Ok(found);
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
	bail!("this was waited for in vain:\n{}", tail(&service.output(), 20));
}

/// Whether a worker's object is this event.
fn is_event(line: &Value, name: &str) -> bool {
	line.get("event").and_then(Value::as_str) == Some(name)
}

/// The closing table.
fn close(table: &Value) -> Result<()> {
	let seeds = table.get("seeds").and_then(Value::as_array).context("no seeds")?;
	let mut below: Vec<f64> = seeds
		.iter()
		.map(|seed| Ok(number(seed, "/float")? - number(seed, "/integer")?))
		.collect::<Result<_>>()?;
	below.sort_by(f64::total_cmp);
	let median = below.get(below.len() / 2).context("no seeds")?;
	println!();
	let row = |name: &str, value: String| println!("  {name:38} {value}");
	row("float accuracy", format!("{:.2} %", 100.0 * number(table, "/float_accuracy")?));
	row("integer accuracy", format!("{:.2} %", 100.0 * number(table, "/integer_accuracy")?));
	row("records below float, median of 5 seeds", format!("{median}"));
	row("score of the head", format!("{} of {}", text(table, "/head_score")?, text(table, "/records")?));
	row("versions", text(table, "/versions")?);
	row("blocks from commitment to acceptance", text(table, "/blocks_to_accept")?);
	row(
		"the liar's record",
		format!(
			"{}: claimed {}, true {}",
			text(table, "/liar/record")?,
			text(table, "/liar/claimed")?,
			text(table, "/liar/true")?
		),
	);
	row("slashed, planck", text(table, "/liar/slashed")?);
	row("paid to the challenger, planck", text(table, "/liar/challenger_paid")?);
	row("refused: a copy", text(table, "/refused/copy")?);
	row("refused: no improvement", text(table, "/refused/no_improvement")?);

	let planck = |pointer: &str| -> Result<String> { Ok(oda(text(table, pointer)?.parse()?)) };
	let part = |name: &str| planck(&format!("/inference/shared/{name}"));
	row(
		"answers that were paid for",
		format!(
			"{} of {} right, to {} requests in {:.1} s",
			text(table, "/inference/right")?,
			text(table, "/inference/answers")?,
			text(table, "/inference/requests")?,
			number(table, "/inference/seconds")?
		),
	);
	row(
		"of the records that it is judged by",
		format!(
			"{} of {} right",
			text(table, "/inference/judged/right")?,
			text(table, "/inference/judged/answers")?
		),
	);
	row(
		"the user paid",
		format!(
			"{}, and {} for {} transactions",
			planck("/inference/paid")?,
			planck("/inference/fees")?,
			text(table, "/inference/transactions")?
		),
	);
	row("  to the provider", part("provider")?);
	row("  to the trainer, royalty included", part("trainer")?);
	row("  to the block's author", part("author")?);
	row("  to the treasury", part("treasury")?);
	row("  to the model's storage account", part("storage")?);
	row("  to nobody: burned", part("burned")?);
	row(
		"the wrong answer",
		format!(
			"a picture of {} read as {}",
			text(table, "/wrong_answer/shown")?,
			text(table, "/wrong_answer/signed")?
		),
	);
	row("its provider lost", planck("/wrong_answer/slashed")?);
	row(
		"  to the user",
		format!(
			"{}, who had promised {} and paid a fee of {}",
			planck("/wrong_answer/refunded")?,
			planck("/wrong_answer/price")?,
			planck("/wrong_answer/fee")?
		),
	);
	row("  to nobody: burned", planck("/wrong_answer/burned")?);
	Ok(())
}
