//! What holds at the end of every block.

use crate::{pallet::*, types::*, *};
use alloc::collections::{BTreeMap, BTreeSet};
use codec::Encode;
use polkadot_sdk::frame_support::traits::Polling;

impl<T: Config> Pallet<T> {
	/// Checks that every tally is the sum of the votes that count now, and that what is delegated is the sum
	/// of the delegators' tiers.
	///
	/// Whoever keeps the tiers knows all accounts that have one, and can compare their sum with
	/// [`TotalVotes`]; here it is compared with the tiers of those who vote, delegate or are behind.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut accounts = BTreeMap::new();
		for (who, counted) in Behind::<T>::iter() {
			ensure!(counted != T::Tiers::tier(&who), "an account is behind, and is not");
			accounts.insert(who.encode(), counted.into());
		}
		Self::audit_votes(&mut accounts)?;
		Self::audit_delegations(&mut accounts)?;
		let known = accounts.into_values().fold(0, Votes::saturating_add);
		ensure!(known <= TotalVotes::<T>::get(), "there are more votes than are counted");
		Ok(())
	}

	/// Adds up the votes on each ongoing poll.
	fn audit_votes(accounts: &mut BTreeMap<Vec<u8>, Votes>) -> Result<(), TryRuntimeError> {
		let mut tallies = BTreeMap::<Poll, Tally<T>>::new();
		for (who, listed) in VotesOf::<T>::iter() {
			accounts.insert(who.encode(), Self::counted(&who).into());
			ensure!(!listed.list.is_empty(), "an empty list of votes is kept");
			let mut polls = BTreeSet::new();
			for ballot in listed.list {
				ensure!(polls.insert(ballot.poll), "an account voted twice on a poll");
				let Some((_tally, class)) = T::Polls::as_ongoing(ballot.poll) else { continue };
				ensure!(ballot.class == class, "a vote is on another track than its poll");
				ensure!(
					ballot.votes == Self::weight_of(who.clone(), class),
					"a vote counts as something else than it weighs"
				);
				tallies.entry(ballot.poll).or_insert_with(|| Tally::from_parts(0, 0)).recount(
					ballot.aye,
					0,
					ballot.votes,
				);
			}
		}
		for (poll, counted) in tallies {
			let tally = T::Polls::as_ongoing(poll).map(|(tally, _class)| tally);
			ensure!(tally.as_ref() == Some(&counted), "a tally is not the sum of the votes");
			let cast = counted.ayes.saturating_add(counted.nays);
			ensure!(cast <= TotalVotes::<T>::get(), "a poll has more votes than there are");
		}
		Ok(())
	}

	/// Adds up what is delegated to each account for each track.
	fn audit_delegations(accounts: &mut BTreeMap<Vec<u8>, Votes>) -> Result<(), TryRuntimeError> {
		let mut delegated = BTreeMap::<(Vec<u8>, Class), Votes>::new();
		for (who, listed) in Delegations::<T>::iter() {
			let tier = Votes::from(Self::counted(&who));
			accounts.insert(who.encode(), tier);
			ensure!(!listed.list.is_empty(), "an empty list of delegations is kept");
			let mut classes = BTreeSet::new();
			for Delegation { class, to } in listed.list {
				ensure!(classes.insert(class), "an account delegates its votes of a track twice");
				ensure!(to != who, "an account delegates to itself");
				let votes = delegated.entry((to.encode(), class)).or_default();
				*votes = votes.saturating_add(tier);
			}
		}
		delegated.retain(|_, votes| *votes > 0);
		let counted = Delegated::<T>::iter()
			.map(|(delegate, class, votes)| ((delegate.encode(), class), votes))
			.collect::<BTreeMap<_, _>>();
		ensure!(counted == delegated, "what is delegated is not the sum of the delegators' tiers");
		Ok(())
	}
}
