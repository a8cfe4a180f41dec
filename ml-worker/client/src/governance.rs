//! Referenda, and votes on them.

use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, Receipt, View,
	error::node,
	runtime::{self, runtime_types as generated},
	view::{entries, get},
};
use generated::pallet_referenda::types::ReferendumInfo;
use serde::Serialize;

/// What a referendum is about: how much it can do, what it needs, and how long it takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Track {
	/// Its number.
	pub number: u16,
	/// Its name.
	pub name: String,
	/// What has to be placed before it is decided, in planck.
	pub decision_deposit: Balance,
}

/// How far a referendum has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
	/// Nobody has placed the decision deposit.
	Unbacked,
	/// It is prepared, or waits for its turn.
	Waiting,
	/// It is being decided.
	Deciding,
	/// It passes, and is approved if it still does after a while.
	Confirming,
}

/// A referendum that is not over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Referendum {
	/// Its number.
	pub number: u32,
	/// The number of its track.
	pub track: u16,
	/// How far it has come.
	pub stage: Stage,
	/// The votes for it.
	pub ayes: u32,
	/// The votes against it.
	pub nays: u32,
	/// Who proposed it.
	pub proposer: AccountId,
}

/// A vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Ballot {
	/// The referendum.
	pub referendum: u32,
	/// Whether it is for it.
	pub aye: bool,
	/// What it counts as.
	pub votes: u32,
}

impl View {
	/// The tracks, by their numbers.
	///
	/// # Errors
	///
	/// The chain is another one than this client knows.
	pub fn tracks(&self) -> Result<Vec<Track>, ChainError> {
		let tracks = self.at.constants().entry(runtime::constants().referenda().tracks()).map_err(node)?;
		let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned();
		Ok(tracks
			.into_iter()
			.map(|(number, track)| Track {
				number,
				name: name(track.name.as_bytes()),
				decision_deposit: track.decision_deposit,
			})
			.collect())
	}

	/// The referenda that are not over, the oldest first.
	///
	/// # Errors
	///
	/// The node cannot be asked.
	pub async fn referenda(&self) -> Result<Vec<Referendum>, ChainError> {
		let address = runtime::storage().referenda().referendum_info_for();
		let all = entries!(self, address, |key, info| (key, info));
		let mut ongoing: Vec<_> = all
			.into_iter()
			.filter_map(|((number,), info)| {
				let ReferendumInfo::Ongoing(status) = info else { return None };
				let stage = match (&status.deciding, &status.decision_deposit) {
					(Some(deciding), _) if deciding.confirming.is_some() => Stage::Confirming,
					(Some(_), _) => Stage::Deciding,
					(None, Some(_)) => Stage::Waiting,
					(None, None) => Stage::Unbacked,
				};
				Some(Referendum {
					number,
					track: status.track,
					stage,
					ayes: status.tally.ayes,
					nays: status.tally.nays,
					proposer: status.submission_deposit.who,
				})
			})
			.collect();
		ongoing.sort_by_key(|referendum| referendum.number);
		Ok(ongoing)
	}

	/// The sum of all tiers that count: all votes that there are.
	///
	/// # Errors
	///
	/// The node cannot be asked.
	pub async fn total_votes(&self) -> Result<u32, ChainError> {
		Ok(get!(self, runtime::storage().tier_voting().total_votes(),).unwrap_or_default())
	}

	/// An account's votes, on referenda that are ongoing and on some that are over.
	///
	/// # Errors
	///
	/// The node cannot be asked.
	pub async fn votes_of(&self, who: &AccountId) -> Result<Vec<Ballot>, ChainError> {
		let ballots = self.ask(runtime::view_functions().tier_voting().votes_of(*who)).await?;
		let ballot = |of: generated::pallet_tier_voting::types::Ballot| Ballot {
			referendum: of.poll,
			aye: of.aye,
			votes: of.votes,
		};
		Ok(ballots.into_iter().map(ballot).collect())
	}
}

impl Chain {
	/// Votes on a referendum, or changes a vote; as how many votes it counts.
	pub fn vote(&self, key: &Key, referendum: u32, aye: bool) -> Call<(u32, Receipt)> {
		self.signed(key, runtime::transactions().tier_voting().vote(referendum, aye), |receipt| {
			let voted = receipt.find::<runtime::tier_voting::events::Voted>()?;
			Ok((voted.map_or(0, |event| event.votes), receipt))
		})
	}

	/// Takes a vote on an ongoing referendum back.
	pub fn retract_vote(&self, key: &Key, referendum: u32) -> Call {
		self.submit(key, runtime::transactions().tier_voting().retract(referendum))
	}

	/// Places a referendum's decision deposit.
	pub fn back_referendum(&self, key: &Key, referendum: u32) -> Call {
		self.submit(key, runtime::transactions().referenda().place_decision_deposit(referendum))
	}

	/// Has a referendum looked at on which nobody votes.
	pub fn poke_referendum(&self, key: &Key, referendum: u32) -> Call {
		self.submit(key, runtime::transactions().tier_voting().poke(referendum))
	}
}
