//! Votes: cast, retracted, forgotten when their polls are over, and counted anew when they weigh something
//! else.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::{Deed, Evidence, Tiers};
use polkadot_sdk::frame_support::traits::{PollStatus, Polling};

impl<T: Config> Pallet<T> {
	/// Votes, for the first time or otherwise than before.
	pub(crate) fn do_vote(who: T::AccountId, poll: Poll, aye: bool) -> DispatchResult {
		ensure!(T::Tiers::tier(&who) > 0, Error::<T>::NoTier);
		let class = Self::class_of(poll).ok_or(Error::<T>::NotOngoing)?;
		ensure!(Self::delegate_of(&who, class).is_none(), Error::<T>::VotesDelegated);
		let ballot = Ballot { poll, class, aye, votes: Self::weight(&who, class) };
		let old = Self::mutate_votes(&who, |ballots| {
			if let Some(old) = ballots.iter_mut().find(|old| old.poll == poll) {
				return Ok(Some(core::mem::replace(old, ballot)));
			}
			ballots.try_push(ballot).map_err(|_| Error::<T>::TooManyVotes)?;
			Ok(None)
		})?;
		Self::touch(poll, |tally| {
			if let Some(old) = old {
				tally.recount(old.aye, old.votes, 0);
			}
			tally.recount(aye, 0, ballot.votes);
		})?;
		Self::deposit_event(Event::Voted { who, poll, aye, votes: ballot.votes });
		Ok(())
	}

	/// Takes a vote back.
	pub(crate) fn do_retract(who: T::AccountId, poll: Poll) -> DispatchResult {
		ensure!(Self::class_of(poll).is_some(), Error::<T>::NotOngoing);
		let ballot = Self::mutate_votes(&who, |ballots| {
			let position =
				ballots.iter().position(|ballot| ballot.poll == poll).ok_or(Error::<T>::NotVoted)?;
			Ok(ballots.remove(position))
		})?;
		Self::touch(poll, |tally| tally.recount(ballot.aye, ballot.votes, 0))?;
		Self::deposit_event(Event::Retracted { who, poll });
		Ok(())
	}

	/// Drops an account's votes on polls that are over, and tells of those that counted as their poll was
	/// decided; how many votes it had listed.
	///
	/// It tells of all of them at once and last: the evidence may change the account's tier, and what its
	/// votes weigh.
	pub(crate) fn do_forget(who: &T::AccountId) -> Result<u32, DispatchError> {
		let (listed, over) = Self::mutate_votes(who, |ballots| {
			let listed = ballots.len();
			let mut over = Vec::new();
			ballots.retain(|ballot| {
				let ongoing = Self::class_of(ballot.poll).is_some();
				if !ongoing {
					over.push(*ballot);
				}
				ongoing
			});
			ensure!(!over.is_empty(), Error::<T>::NothingToForget);
			Ok((listed, over))
		})?;
		let polls = over.len().saturated_into();
		let counted = over.into_iter().filter(|ballot| ballot.votes > 0 && Self::is_decided(ballot.poll));
		let (decided, last) =
			counted.fold((0u32, None), |(number, _), ballot| (number.saturating_add(1), Some(ballot)));
		Self::deposit_event(Event::Forgotten { who: who.clone(), polls, decided });
		if let Some(last) = last {
			T::Evidence::saw_times(who, Deed::Voted(last.poll), decided);
		}
		Ok(listed.saturated_into())
	}

	/// Lets `change` see to the tally of an ongoing poll. Whoever keeps the poll looks at it soon afterwards,
	/// whether or not anything was changed.
	pub(crate) fn touch(poll: Poll, change: impl FnOnce(&mut Tally<T>)) -> DispatchResult {
		T::Polls::try_access_poll(poll, |status| {
			let (tally, _class) = status.ensure_ongoing().ok_or(Error::<T>::NotOngoing)?;
			change(tally);
			Ok(())
		})
	}

	/// The track of a poll, if it is ongoing.
	pub(crate) fn class_of(poll: Poll) -> Option<Class> {
		T::Polls::as_ongoing(poll).map(|(_tally, class)| class)
	}

	/// Whether a poll that is over was approved or rejected. Others were never decided: they were cancelled,
	/// killed, or waited for too long.
	fn is_decided(poll: Poll) -> bool {
		T::Polls::access_poll(poll, |status| matches!(status, PollStatus::Completed(..)))
	}

	/// What an account's vote on a poll of this track weighs, if it votes itself: the tier that counts, and
	/// what is delegated to it. Without a tier it weighs nothing, whatever is delegated to it.
	pub(crate) fn weight(who: &T::AccountId, class: Class) -> Votes {
		match Self::counted(who) {
			0 => 0,
			tier => Votes::from(tier).saturating_add(Delegated::<T>::get(who, class)),
		}
	}

	/// Counts an account's votes by what they weigh now, on the polls of all tracks or of one; how many polls
	/// were touched. Votes on polls that are over stay as they were.
	pub(crate) fn reweigh(who: &T::AccountId, class: Option<Class>) -> u32 {
		let mut touched = 0u32;
		VotesOf::<T>::mutate_extant(who, |listed| {
			let concerned = |ballot: &&mut Ballot| class.is_none_or(|class| class == ballot.class);
			for ballot in listed.list.iter_mut().filter(concerned) {
				let votes = Self::weight(who, ballot.class);
				if votes == ballot.votes {
					continue;
				}
				touched = touched.saturating_add(1);
				T::Polls::access_poll(ballot.poll, |status| {
					if let PollStatus::Ongoing(tally, _class) = status {
						tally.recount(ballot.aye, ballot.votes, votes);
						ballot.votes = votes;
					}
				});
			}
		});
		touched
	}

	/// Lets `change` see to an account's votes, and to the deposit for them.
	pub(crate) fn mutate_votes<R>(
		who: &T::AccountId,
		change: impl FnOnce(&mut BallotsOf<T>) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		VotesOf::<T>::try_mutate_exists(who, |listed| {
			Self::mutate_list(who, listed, Self::votes_footprint(), change)
		})
	}
}
