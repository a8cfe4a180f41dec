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

/// How many answers the user pays for, and how many of them in a request.
const ANSWERS: usize = 1_000;
const TOGETHER: &str = "4";
/// The provider's price of a request, and that of all of them, in ODA.
const PRICE: &str = "0.04";
const ALL: &str = "10";
/// The price of a request of the provider who lies, in planck: half.
const CHEAPER: &str = "20000000000";
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

/// Who comes on now.
pub(crate) struct Cast {
	provider: Process,
	liar: Process,
	user: Worker,
}

/// What was answered to a request.
struct Answered {
	/// What each picture was read as.
	labels: Vec<String>,
	/// What it cost, in planck.
	price: u128,
}

impl Answered {
	/// All requests that were answered, by what `infer` printed.
	fn all(lines: &[Value]) -> Result<Vec<Self>> {
		let mut all = Vec::new();
		for line in lines {
			let Some(answers) = line.get("answers").and_then(Value::as_array) else { continue };
			let labels = answers.iter().map(|answer| text(answer, "/class/label")).collect::<Result<_>>()?;
			all.push(Self { labels, price: text(line, "/price")?.parse()? });
		}
		Ok(all)
	}
}

/// How many pictures were read rightly.
fn right(labels: &[&String], pictures: &[Picture]) -> usize {
	labels.iter().zip(pictures).filter(|(label, picture)| **label == &picture.digit).count()
}

impl Scene<'_> {
	/// Has two providers serve the head, one of whom lies, and gives it a card.
	pub(crate) async fn set(&self) -> Result<Cast> {
		let worker = |suri| Worker::new(&self.node, self.trainer.base(), suri);
		let (provider, user, liar) = (worker(PROVIDER), worker(USER), worker(LIAR));
		let bond = ["stake", "bond", "provider", BOND, "--yes"];
		tokio::try_join!(provider.run(&bond), liar.run(&bond), digits::set_card(self.trainer, self.digits))?;
		let port = free_port()?;
		let (bind, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
		// Its share is not worth a transaction of its own before the channel ends.
		let price = ["--per-request", PRICE, "--claim-threshold", "1000"];
		let serve = ["serve", "--bind", &bind, "--endpoint", &url, "--model", &self.digits.model];
		let mut serving =
			provider.service(&[&serve[..], &price].concat(), &self.base.join("provider.log"))?;
		let (bind, after) = (format!("127.0.0.1:{}", free_port()?), RIGHT.to_string());
		let serve = ["serve", "--bind", &bind, "--price", CHEAPER, "--after", &after];
		let mut lying = liar.rogue_service(&self.digits.model, &serve, &self.base.join("liar.log"))?;
		tokio::try_join!(
			said(&mut serving, |line| is_event(line, "answers")),
			said(&mut lying, |line| is_event(line, "serving"))
		)?;
		Ok(Cast { provider: serving, liar: lying, user })
	}

	/// Both chapters: what was paid for, and what a wrong answer cost whom.
	pub(crate) async fn told(&self, mut cast: Cast) -> Result<(Value, Value)> {
		self.stage.chapter("A provider answers a thousand questions, which two transactions pay for");
		let folder = self.base.join("pictures");
		let judged = digits::pictures("validation.bin", ANSWERS, &folder)?;
		let learned = digits::pictures("train.bin", ANSWERS.saturating_sub(judged.len()), &folder)?;
		let paid = self.paid(&cast.user, &judged, &learned).await?;
		cast.provider.check_alive()?;

		self.stage.chapter("A cheaper provider signs a wrong answer, and its user takes it to court");
		let wrong = self.wrong(&cast.user, judged.get(..ASKED).context("too few pictures")?).await?;
		cast.liar.check_alive()?;
		Ok((paid, wrong))
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
		let (earned, name) = (wealth(self.chain, &earner).await?, earner.to_string());
		let open = ["channel", "open", &digits.model, "--deposit", ALL, "--provider", &name];
		let channel = text(&user.result(&open).await?, "/channel")?;
		stage.say(&format!(
			"   provider {PROVIDER}, {PRICE} ODA a request of {TOGETHER} pictures; user {USER}"
		));

		let mut infer =
			vec!["infer", &digits.model, "--batch", TOGETHER, "--limit", ALL, "--provider", &name];
		infer.extend(judged.iter().chain(learned).map(|picture| picture.path.as_str()));
		let (started, mut requests) = (Instant::now(), 0usize);
		let lines = user
			.follow(&infer, |_| {
				requests = requests.saturating_add(1);
				stage.note(&format!("asking: request {requests}"));
			})
			.await?;
		let seconds = started.elapsed().as_secs_f64();
		let answered = Answered::all(&lines)?;
		let labels: Vec<&String> = answered.iter().flat_map(|answered| &answered.labels).collect();
		ensure!(labels.len() == ANSWERS, "{} answers to {ANSWERS} questions", labels.len());
		let (of_judged, of_learned) =
			labels.split_at_checked(judged.len()).context("there are fewer answers than pictures")?;
		let (of_judged, of_learned) = (right(of_judged, judged), right(of_learned, learned));
		let paid: u128 = answered.iter().map(|answered| answered.price).sum();

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
			"requests": answered.len(),
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

	/// A provider answers wrongly once, and its user finds out.
	async fn wrong(&self, user: &Worker, pictures: &[Picture]) -> Result<Value> {
		let Self { stage, digits, chain, .. } = self;
		let account = Key::from_uri(LIAR)?.account();
		stage.say(&format!(
			"   {LIAR} takes half as much; its user runs the model too, to see whether it is right"
		));
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
		let answers = Answered::all(&lines)?;
		let disputed = lines.iter().find(|line| is_event(line, "disputed"));
		let disputed = disputed.with_context(|| format!("nothing went to court: {refusal}"))?;
		let planck = |pointer| -> Result<u128> { Ok(text(disputed, pointer)?.parse()?) };
		let slashed = planck("/outcome/misserved/slashed")?;
		let refunded = planck("/outcome/misserved/refunded")?;
		let wrong = answers.last().context("nothing was answered")?;
		let (label, picture) =
			wrong.labels.first().zip(pictures.get(RIGHT)).context("there was no wrong answer")?;
		ensure!(answers.len() == RIGHT.saturating_add(1), "the wrong answer was number {}", answers.len());
		let after = bond().await?;
		stage.say(&format!(
			"   answer {} reads a {} as {}: the user shows the receipt, and the runtime evaluates that picture",
			answers.len(),
			picture.digit,
			label
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
			"signed": label,
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
