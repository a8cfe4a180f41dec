//! Referenda: which there are, and votes on them.

use super::{Global, costs};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use oda_client::{Ballot, Receipt, Referendum, Stage, Track};
use oda_roles::{amount::oda, context::Context};
use serde::Serialize;

/// What is said of a proposal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Opinion {
	/// It is to be done.
	Aye,
	/// It is not.
	Nay,
	/// Nothing any more.
	Retract,
}

/// What `vote` needs.
#[derive(Debug, Args)]
pub struct VoteArgs {
	/// The referendum's number.
	pub referendum: u32,
	/// What is said of it.
	pub opinion: Opinion,
}

/// See referenda, and move them on.
#[derive(Debug, Subcommand)]
pub enum ReferendumCommand {
	/// The referenda that are not over.
	///
	/// At the last final block: number, track, how far each has come, votes for and against of all votes that
	/// there are, and the account's own vote if a key is given.
	#[command(after_help = "Examples:\n  \
		ml-worker referendum list\n  \
		ml-worker --key-file my.key referendum list")]
	List,
	/// Place a referendum's decision deposit.
	///
	/// Without it nothing is decided. It returns when the referendum is over, to who asks for it, and is
	/// burned if the referendum is killed. Shows what it takes, and asks. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key referendum back 7")]
	Back {
		/// The referendum's number.
		referendum: u32,
		/// Go on without asking.
		#[arg(long, short)]
		yes: bool,
	},
	/// Have a referendum looked at on which nobody votes.
	///
	/// It starts, passes or stops confirming if it is due: the chain looks by itself only when somebody
	/// votes, or when it has computed that something is due. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key referendum poke 7")]
	Poke {
		/// The referendum's number.
		referendum: u32,
	},
}

/// A vote that was cast, for machines.
#[derive(Serialize)]
struct Voted<'a> {
	votes: u32,
	receipt: &'a Receipt,
}

/// Referenda, for machines.
#[derive(Serialize)]
struct Listed<'a> {
	/// All votes that there are.
	total_votes: u32,
	referenda: &'a [Referendum],
	tracks: &'a [Track],
	/// The account's own votes, if a key was given.
	own: Option<&'a [Ballot]>,
}

impl VoteArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		let key = &global.signer(context).await?;
		let (chain, number) = (context.chain().await?, self.referendum);
		let aye = match self.opinion {
			Opinion::Aye => true,
			Opinion::Nay => false,
			Opinion::Retract => {
				let receipt = chain.retract_vote(key, number).await?;
				context.output().result(format!("retracted in block {}", receipt.block), &receipt);
				return Ok(());
			}
		};
		let (votes, receipt) = chain.vote(key, number, aye).await?;
		let text = format!("{votes} votes in block {}", receipt.block);
		context.output().result(text, &Voted { votes, receipt: &receipt });
		Ok(())
	}
}

impl ReferendumCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		match self {
			Self::List => list(global, context).await,
			Self::Back { referendum, yes } => {
				let key = &global.signer(context).await?;
				let chain = context.chain().await?;
				let view = chain.finalised().await?;
				let track = view.referenda().await?.into_iter().find(|ongoing| ongoing.number == referendum);
				let track = track.context("there is no such referendum, or it is over")?.track;
				let track = view.tracks()?.into_iter().find(|known| known.number == track);
				let deposit = track.context("the chain does not know its own track")?.decision_deposit;
				let why = "deposit until the referendum is over; burned if it is killed";
				costs::agree(context, &[costs::Item::new("decision_deposit", deposit, why)], yes)?;
				let receipt = chain.back_referendum(key, referendum).await?;
				let text = format!("{} on deposit in block {}", oda(deposit), receipt.block);
				context.output().result(text, &receipt);
				Ok(())
			}
			Self::Poke { referendum } => {
				let key = &global.signer(context).await?;
				let receipt = context.chain().await?.poke_referendum(key, referendum).await?;
				context.output().result(format!("in block {}", receipt.block), &receipt);
				Ok(())
			}
		}
	}
}

async fn list(global: &Global, context: &Context) -> anyhow::Result<()> {
	let view = context.chain().await?.finalised().await?;
	let (referenda, total_votes, tracks) =
		(view.referenda().await?, view.total_votes().await?, view.tracks()?);
	let own = match global.key()? {
		Some(key) => Some(view.votes_of(&key.account()).await?),
		None => None,
	};
	let lines = referenda.iter().map(|referendum| line(referendum, &tracks, total_votes, own.as_deref()));
	let text = if referenda.is_empty() {
		"no referendum is under way".to_owned()
	} else {
		lines.collect::<Vec<_>>().join("\n")
	};
	let listed = Listed { total_votes, referenda: &referenda, tracks: &tracks, own: own.as_deref() };
	context.output().result(text, &listed);
	Ok(())
}

/// A referendum, for people.
fn line(referendum: &Referendum, tracks: &[Track], total: u32, own: Option<&[Ballot]>) -> String {
	let Referendum { number, track, ayes, nays, .. } = referendum;
	let track = tracks.iter().find(|known| known.number == *track).map_or("?", |known| &known.name);
	let stage = match referendum.stage {
		Stage::Unbacked => "needs the decision deposit",
		Stage::Waiting => "waits",
		Stage::Deciding => "is decided",
		Stage::Confirming => "passes, and is confirmed",
	};
	let own = own.into_iter().flatten().find(|ballot| ballot.referendum == *number);
	let own = own.map_or_else(String::new, |ballot| {
		format!("; your {} counts {}", if ballot.aye { "aye" } else { "nay" }, ballot.votes)
	});
	format!("{number}  {track}  {stage}  {ayes} ayes, {nays} nays of {total} votes{own}")
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::AccountId;

	#[test]
	fn a_referendum_is_a_line() {
		let referendum = Referendum {
			number: 7,
			track: 10,
			stage: Stage::Confirming,
			ayes: 5,
			nays: 1,
			proposer: AccountId([1; 32]),
		};
		let tracks = [Track { number: 10, name: "parameters".into(), decision_deposit: 1 }];
		let own = [Ballot { referendum: 7, aye: true, votes: 5 }];
		assert_eq!(
			line(&referendum, &tracks, 10, Some(&own)),
			"7  parameters  passes, and is confirmed  5 ayes, 1 nays of 10 votes; your aye counts 5"
		);
		assert!(line(&referendum, &tracks, 10, None).ends_with("of 10 votes"));
	}
}
