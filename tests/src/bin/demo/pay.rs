//! The end of the story: a user pays for answers, and takes a wrong one to court.

use crate::{Stage, is_event, oda, said, wealth};
use anyhow::{Context, Result, bail, ensure};
use oda_client::{Account, Chain, Key, StakeRole};
use oda_e2e::{
	Process, Worker,
	digits::{self, Digits, Picture, text},
	node::free_port,
};
use oda_primitives::ChannelId;
use serde_json::{Value, json};
use std::{ops::RangeInclusive, path::Path, sync::Arc, time::Instant};
use subxt::{
	OnlineClient, SubstrateConfig, backend::LegacyBackend, ext::scale_decode::DecodeAsType, rpcs::RpcClient,
};

/// How many answers the user pays for.
const ANSWERS: usize = 1_000;
/// The provider's price of an answer, and that of all of them, in ODA.
const PRICE: &str = "0.01";
const ALL: &str = "10";
/// The same of the provider who lies, in planck: half.
const CHEAPER: &str = "5000000000";
/// What either has bonded, in ODA.
const BOND: &str = "100";
/// How many answers of the cheaper one are right before the one that is not, and how many it is asked for.
const RIGHT: usize = 3;
const ASKED: usize = 6;

/// The accounts that come on now.
const PROVIDER: &str = "//Bob//stash";
const USER: &str = "//Charlie//stash";
const LIAR: &str = "//Ferdie//stash";

/// What the story has come to.
pub(crate) struct Scene<'a> {
	pub(crate) stage: &'a Stage,
	pub(crate) chain: &'a Chain,
	/// The node's URL.
	pub(crate) node: String,
	pub(crate) base: &'a Path,
	pub(crate) digits: &'a Digits,
	/// Whose weights are the head.
	pub(crate) trainer: &'a Worker,
}

/// What was answered about a picture.
struct Answered {
	label: String,
	/// What it cost, in planck.
	price: u128,
}

impl Answered {
	/// What `infer` printed of a request of one picture; `None` if this is something else.
	fn read(line: &Value) -> Result<Option<Self>> {
		let Some(label) = line.pointer("/answers/0/class/label").and_then(Value::as_str) else {
			return Ok(None);
		};
		Ok(Some(Self { label: label.to_owned(), price: text(line, "/price")?.parse()? }))
	}
}

/// How many of these answers are right.
fn right(answers: &[Answered], pictures: &[Picture]) -> usize {
	answers.iter().zip(pictures).filter(|(answer, picture)| answer.label == picture.digit).count()
}

impl Scene<'_> {
	/// Both chapters: what was paid for, and what a wrong answer cost whom.
	pub(crate) async fn told(&self) -> Result<(Value, Value)> {
		let worker = |suri| Worker::new(&self.node, self.trainer.base(), suri);
		let (provider, user, liar) = (worker(PROVIDER), worker(USER), worker(LIAR));
		self.stage.chapter("A provider answers a thousand questions, which two transactions pay for");
		let bond = ["stake", "bond", "provider", BOND, "--yes"];
		tokio::try_join!(provider.run(&bond), liar.run(&bond), digits::set_card(self.trainer, self.digits))?;
		let folder = self.base.join("pictures");
		let judged = digits::pictures("validation.bin", ANSWERS, &folder)?;
		let learned = digits::pictures("train.bin", ANSWERS.saturating_sub(judged.len()), &folder)?;
		let mut serving = self.serve(&provider).await?;
		let paid = self.paid(&user, &judged, &learned).await?;
		serving.check_alive()?;

		self.stage.chapter("A cheaper provider signs a wrong answer, and its user takes it to court");
		let wrong = self.wrong(&liar, &user, judged.get(..ASKED).context("too few pictures")?).await?;
		Ok((paid, wrong))
	}

	/// Has a provider serve the head.
	async fn serve(&self, provider: &Worker) -> Result<Process> {
		let port = free_port()?;
		let (bind, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
		// Its share is not worth a transaction of its own before the channel ends.
		let price = ["--per-request", PRICE, "--claim-threshold", "1000"];
		let serve = ["serve", "--bind", &bind, "--endpoint", &url, "--model", &self.digits.model];
		let log = self.base.join("provider.log");
		let mut serving = provider.service(&[&serve[..], &price].concat(), &log)?;
		said(&mut serving, |line| is_event(line, "answers")).await?;
		self.stage.say(&format!("   provider {PROVIDER} at {url}, {PRICE} ODA an answer; user {USER}"));
		Ok(serving)
	}

	async fn account(&self, suri: &str) -> Result<Account> {
		Ok(self.chain.finalised().await?.account(&Key::from_uri(suri)?.account()).await?)
	}

	async fn block(&self) -> Result<u64> {
		Ok(self.chain.finalised().await?.number())
	}

	/// A user asks about pictures, and pays.
	async fn paid(&self, user: &Worker, judged: &[Picture], learned: &[Picture]) -> Result<Value> {
		let Self { stage, digits, .. } = self;
		let (before, earner) = (self.account(USER).await?, Key::from_uri(PROVIDER)?.account());
		let earned = wealth(self.chain, &earner).await?;
		let opened = user.result(&["channel", "open", &digits.model, "--deposit", ALL]).await?;
		let channel = text(&opened, "/channel")?;

		let mut infer = vec!["infer", &digits.model, "--batch", "1", "--limit", ALL];
		infer.extend(judged.iter().chain(learned).map(|picture| picture.path.as_str()));
		let (started, mut count) = (Instant::now(), 0usize);
		let lines = user
			.follow(&infer, |_| {
				count = count.saturating_add(1);
				stage.note(&format!("asking: {count} of {ANSWERS}"));
			})
			.await?;
		let seconds = started.elapsed().as_secs_f64();
		let answers: Vec<Answered> =
			lines.iter().filter_map(|line| Answered::read(line).transpose()).collect::<Result<_>>()?;
		ensure!(answers.len() == ANSWERS, "{} answers to {ANSWERS} questions", answers.len());
		let (of_judged, of_learned) =
			answers.split_at_checked(judged.len()).context("there are fewer answers than pictures")?;
		let (of_judged, of_learned) = (right(of_judged, judged), right(of_learned, learned));
		let paid: u128 = answers.iter().map(|answer| answer.price).sum();

		let from = self.block().await?.saturating_add(1);
		let closed = user.run(&["channel", "close", &channel]).await?;
		let agreed =
			|line: &Value| is_event(line, "channel_closed") && line.get("how") == Some(&json!("closed"));
		ensure!(closed.iter().any(agreed), "the provider did not agree to close the channel: {closed:?}");
		let shared = shared(&self.node, channel.parse()?, from..=self.block().await?).await?;
		let after = self.account(USER).await?;
		let transactions = after.nonce.saturating_sub(before.nonce);
		let spent = total(&before).saturating_sub(total(&after));
		let gained = wealth(self.chain, &earner).await?.saturating_sub(earned);
		stage.say(&format!(
			"   {} of {ANSWERS} pictures read rightly in {seconds:.1} s: {of_judged} of the {} by which the model is \
			 judged, {of_learned} of {} that it learned from",
			of_judged.saturating_add(of_learned),
			judged.len(),
			learned.len()
		));
		stage.say(&format!(
			"   {} paid in {transactions} transactions, of which {} are the provider's",
			oda(paid),
			oda(gained)
		));
		Ok(json!({
			"answers": ANSWERS,
			"right": of_judged.saturating_add(of_learned),
			"judged": { "answers": judged.len(), "right": of_judged },
			"learned": { "answers": learned.len(), "right": of_learned },
			"seconds": seconds,
			"paid": paid.to_string(),
			"transactions": transactions,
			"fees": spent.saturating_sub(paid).to_string(),
			"provider_gained": gained.to_string(),
			"shared": shared.json(),
		}))
	}

	/// A provider answers wrongly once, and the user finds out.
	async fn wrong(&self, liar: &Worker, user: &Worker, pictures: &[Picture]) -> Result<Value> {
		let Self { stage, digits, chain, .. } = self;
		let account = Key::from_uri(LIAR)?.account();
		let bind = format!("127.0.0.1:{}", free_port()?);
		let right = RIGHT.to_string();
		let serve = ["serve", "--bind", &bind, "--price", CHEAPER, "--after", &right];
		let mut serving = liar.rogue_service(&digits.model, &serve, &self.base.join("liar.log"))?;
		said(&mut serving, |line| is_event(line, "serving")).await?;
		stage.say(&format!("   {LIAR} answers for half the price; the user runs the model too"));

		let bond = async || -> Result<u128> {
			let pool = chain.finalised().await?.stake_pool(StakeRole::Provider, &account).await?;
			Ok(pool.context("the provider has no bond")?.own)
		};
		let before = bond().await?;
		let name = account.to_string();
		let mut infer = vec!["infer", &digits.model, "--batch", "1", "--verify", "--provider", &name];
		infer.extend(pictures.iter().map(|picture| picture.path.as_str()));
		let refusal = user.refusal(&infer).await?;
		let lines: Vec<Value> = refusal.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
		let answers: Vec<Answered> =
			lines.iter().filter_map(|line| Answered::read(line).transpose()).collect::<Result<_>>()?;
		let disputed = lines.iter().find(|line| is_event(line, "disputed"));
		let disputed = disputed.with_context(|| format!("nothing went to court: {refusal}"))?;
		let planck = |pointer| -> Result<u128> { Ok(text(disputed, pointer)?.parse()?) };
		let slashed = planck("/outcome/misserved/slashed")?;
		let refunded = planck("/outcome/misserved/refunded")?;
		let (wrong, picture) =
			answers.last().zip(pictures.get(RIGHT)).context("there was no wrong answer")?;
		ensure!(answers.len() == RIGHT.saturating_add(1), "the wrong answer was number {}", answers.len());
		let after = bond().await?;
		serving.check_alive()?;
		stage.say(&format!(
			"   answer {} reads a {} as {}: the user shows the receipt, and the runtime evaluates that picture",
			answers.len(),
			picture.digit,
			wrong.label
		));
		stage.say(&format!("   the provider's bond: {} before, {} after", oda(before), oda(after)));
		stage.say(&format!(
			"   {} of it are the user's, {} are burned",
			oda(refunded),
			oda(slashed.saturating_sub(refunded))
		));
		Ok(json!({
			"answers": answers.len(),
			"shown": picture.digit,
			"signed": wrong.label,
			"price": wrong.price.to_string(),
			"fee": planck("/receipt/fee")?.to_string(),
			"slashed": slashed.to_string(),
			"refunded": refunded.to_string(),
			"burned": slashed.saturating_sub(refunded).to_string(),
			"bond_before": before.to_string(),
			"bond_after": after.to_string(),
		}))
	}
}

/// What an account owns, on hold or not.
fn total(account: &Account) -> u128 {
	account.free.saturating_add(account.held)
}

/// The event `Inference.Claimed`: a channel has paid.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Claimed {
	channel: ChannelId,
	shared: Shared,
}

/// Who got what, in planck.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Shared {
	provider: u128,
	trainer: u128,
	royalty: u128,
	author: u128,
	treasury: u128,
	storage: u128,
	burned: u128,
}

impl Shared {
	fn json(&self) -> Value {
		json!({
			"provider": self.provider.to_string(),
			"trainer": self.trainer.to_string(),
			"royalty": self.royalty.to_string(),
			"author": self.author.to_string(),
			"treasury": self.treasury.to_string(),
			"storage": self.storage.to_string(),
			"burned": self.burned.to_string(),
		})
	}
}

/// Who got what when a channel was closed, in one of these blocks.
async fn shared(node: &str, channel: ChannelId, blocks: RangeInclusive<u64>) -> Result<Shared> {
	let backend = LegacyBackend::builder().build(RpcClient::from_insecure_url(node).await?);
	let client = OnlineClient::<SubstrateConfig>::from_backend(Arc::new(backend)).await?;
	for number in blocks {
		for event in client.at_block(number).await?.events().fetch().await?.iter() {
			let event = event?;
			if (event.pallet_name(), event.event_name()) == ("Inference", "Claimed") {
				let claimed: Claimed = event.decode_fields_unchecked_as()?;
				if claimed.channel == channel {
					return Ok(claimed.shared);
				}
			}
		}
	}
	bail!("channel {channel} has paid nobody");
}
