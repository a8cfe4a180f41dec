//! Channels, from which inference is paid.

use super::{Global, ModelName, account};
use clap::{Args, Subcommand};
use oda_client::{Channel, ChannelPhase, Clock};
use oda_inference::{Chain as _, Closed, Deposits, Payer, Record};
use oda_primitives::ChannelId;
use oda_roles::{
	amount::{Amount, oda},
	payer::{self, User},
	people,
};
use serde_json::json;
use std::{collections::HashMap, str::FromStr};

/// For how many ticks a channel is opened: a week of 3 seconds each.
const TERM: u64 = 201_600;

/// What is put into channels.
#[derive(Clone, Copy, Debug, Args)]
pub struct DepositArgs {
	/// The most that lies in a channel and is not spent, in ODA.
	#[arg(long, value_parser = Amount::from_str, default_value = "1", value_name = "ODA")]
	pub deposit: Amount,
	/// For how many requests like the one at hand a channel is filled, if that is no more than --deposit.
	#[arg(long, default_value_t = 100, value_name = "COUNT")]
	pub requests: u32,
	/// Ticks after which anybody may end a channel that is opened; longer than the provider's grace period.
	#[arg(long, default_value_t = TERM, value_name = "TICKS")]
	pub term: u64,
}

impl From<DepositArgs> for Deposits {
	fn from(args: DepositArgs) -> Self {
		Self { requests: args.requests, most: args.deposit.0, term: args.term }
	}
}

/// Open, fill, close and list channels.
#[derive(Debug, Subcommand)]
pub enum ChannelCommand {
	/// Open a channel with a provider of a model.
	///
	/// `infer` and `proxy` open one by themselves if there is none. The deposit is on hold until the channel ends, of which
	/// the provider is paid what was asked; what is left comes back. So does a deposit for the entry, once the chain has
	/// forgotten it. Costs a fee. Prints the channel's number.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key channel open <ID> --deposit 0.5")]
	Open {
		/// The model's id.
		#[arg(value_name = "ID")]
		model: ModelName,
		/// What is put in, in ODA.
		#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
		deposit: Amount,
		/// The provider, in SS58; the cheapest if not given.
		#[arg(long, value_name = "ACCOUNT")]
		provider: Option<String>,
		/// Ticks after which anybody may end it; longer than the provider's grace period.
		#[arg(long, default_value_t = TERM, value_name = "TICKS")]
		term: u64,
	},
	/// Put more into a channel.
	///
	/// On hold as the rest is. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key channel top-up 7 0.5")]
	TopUp {
		/// The channel's number.
		channel: ChannelId,
		/// How much more, in ODA.
		#[arg(value_parser = Amount::from_str, value_name = "ODA")]
		amount: Amount,
	},
	/// Close channels, and finish those whose time has come.
	///
	/// A channel ends at once if its provider agrees to what was spent; else after the grace period that was agreed when it was
	/// opened, when this command, given again, finishes it. What is left of the deposit comes back. Without a number it
	/// closes none, finishes what is due, and takes back the deposits for entries that are needed no more. `watch` does the
	/// same by itself. Costs a fee for each transaction.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key channel close 7\n  \
		ml-worker --key-file my.key channel close --all\n  \
		ml-worker --key-file my.key channel close")]
	Close {
		/// The channels' numbers.
		#[arg(value_name = "CHANNEL")]
		channels: Vec<ChannelId>,
		/// All of the account's that are open.
		#[arg(long, conflicts_with = "channels")]
		all: bool,
	},
	/// The account's channels, a line each.
	///
	/// As the last final block has them; what was spent and promised is what the wallet knows. Costs nothing.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key channel list")]
	List,
}

impl ChannelCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		let output = context.output();
		// Nothing is put in by itself here.
		let deposits = Deposits { requests: 0, most: 0, term: TERM };
		let key = global.signer(context).await?;
		let payer = payer::open(context, key, deposits).await?;
		match self {
			Self::Open { model, deposit, provider, term } => {
				let provider = provider.as_deref().map(account::parse).transpose()?;
				let model = model.id(context).await?;
				let (channel, offer) =
					payer::open_channel(&payer, model, provider.as_ref(), deposit.0, term).await?;
				output.result(
					format!(
						"channel {channel}: {} for {}, which answers {} at {}",
						oda(deposit.0),
						people::account(&offer.provider),
						people::digits(&model),
						offer.endpoint
					),
					&json!({
						"channel": channel,
						"provider": offer.provider,
						"endpoint": offer.endpoint,
						"price": offer.price,
					}),
				);
			}
			Self::TopUp { channel, amount } => {
				payer::remember(&payer, channel).await?;
				payer.chain().top_up(channel, amount.0).await.map_err(|fault| anyhow::anyhow!(fault))?;
				output.result(
					format!("{} more in channel {channel}", oda(amount.0)),
					&json!({ "channel": channel, "amount": amount.0.to_string() }),
				);
			}
			Self::Close { channels, all } => {
				let channels = match all {
					true => open(&payer).await?,
					false => channels,
				};
				for channel in channels {
					let how = close(&payer, channel).await?;
					let text = match how {
						Closed::Agreed => "closed, as its provider agreed",
						Closed::Begun => "closing; after its grace period the same command finishes it",
						Closed::Before => "was closing or closed before",
					};
					let word = match how {
						Closed::Agreed => "closed",
						Closed::Begun => "closing",
						Closed::Before => "before",
					};
					output.event(
						"channel_closed",
						format!("channel {channel}: {text}"),
						json!({ "channel": channel, "how": word }),
					);
				}
				let (finished, forgotten) = payer.tidy().await?;
				output.result(
					format!("{finished} channels finished, {forgotten} forgotten"),
					&json!({ "finished": finished, "forgotten": forgotten }),
				);
			}
			Self::List => {
				let user = payer.chain();
				let records = payer.wallet().records()?.into_iter();
				let records: HashMap<ChannelId, Record> =
					records.map(|record| (record.channel, record)).collect();
				let view = user.connection().finalised().await?;
				let clock = view.clock().await?;
				let mut channels = view.channels().await?;
				channels.retain(|channel| channel.user == user.account());
				channels.sort_by_key(|channel| channel.id);
				for channel in &channels {
					let record = records.get(&channel.id);
					let value = json!({
						"channel": channel,
						"spent": record.map(|record| record.spent.to_string()),
						"promised": record.map(|record| record.promised().to_string()),
						"waits": record.map(|record| record.waits.is_some()),
						"stopped": record.and_then(|record| record.stopped.as_ref()),
					});
					output.result(line(channel, record, &clock), &value);
				}
			}
		}
		Ok(())
	}
}

/// The channels of the account that are open.
async fn open(payer: &Payer<User>) -> anyhow::Result<Vec<ChannelId>> {
	let user = payer.chain();
	let mut channels = user.connection().finalised().await?.channels().await?;
	channels.retain(|channel| channel.user == user.account() && channel.phase == ChannelPhase::Open);
	Ok(channels.iter().map(|channel| channel.id).collect())
}

async fn close(payer: &Payer<User>, channel: ChannelId) -> anyhow::Result<Closed> {
	payer::remember(payer, channel).await?;
	// A request may wait for its answer, which is checked with the model's card.
	payer.chain().subject(payer.wallet().record(channel)?.model).await?;
	Ok(payer.close(channel).await?)
}

/// A channel for people.
fn line(channel: &Channel, record: Option<&Record>, clock: &Clock) -> String {
	let spent = record.map_or(channel.claimed, |record| record.spent.max(channel.claimed));
	let mut text = format!(
		"{}: {} of {} spent at {}, which answers {}, ",
		channel.id,
		oda(spent),
		oda(channel.deposit),
		people::account(&channel.provider),
		people::digits(&channel.model)
	);
	text += &match channel.phase {
		ChannelPhase::Open => format!("open until {}", clock.at(channel.expires_at)),
		ChannelPhase::Closing(at) => format!("closing, ends at {}", clock.at(at.min(channel.expires_at))),
		ChannelPhase::Closed(until) => format!("closed, its receipts are evidence until {}", clock.at(until)),
	};
	if let Some(record) = record {
		if record.waits.is_some() {
			text += "; a request waits for its answer";
		}
		if let Some(reason) = &record.stopped {
			text += &format!("; stopped: {reason}");
		}
	}
	text
}
