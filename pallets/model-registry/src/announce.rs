//! Announcements: a model is the one's who announced it before anybody saw it.
//!
//! A specification lies open in the pool before it is in a block, and whoever copies it could be first. So a registration
//! needs an announcement of the same account that is some ticks old, which hides the model behind a salt. Who learns of the
//! model by its registration has none that is old enough, and it names its maker: another cannot use it.

use crate::{pallet::*, *};
use oda_primitives::hash;

impl<T: Config> Pallet<T> {
	/// What the deposit for an announcement is taken for: the entry in its account's list, and the account beside it.
	pub fn announcement_footprint() -> Footprint {
		Footprint::from_parts(
			1,
			AnnouncementOf::<T>::max_encoded_len().saturating_add(T::AccountId::max_encoded_len()),
		)
	}

	pub(crate) fn do_announce(registrar: T::AccountId, commitment: [u8; 32]) -> DispatchResult {
		let now = T::Clock::get();
		let opens_at = now.saturating_add(T::MinAnnouncementAge::get());
		let closes_at = now.saturating_add(T::AnnouncementLifetime::get());
		Announcements::<T>::try_mutate(&registrar, |list| -> DispatchResult {
			ensure!(list.iter().all(|own| own.commitment != commitment), Error::<T>::AlreadyAnnounced);
			ensure!(!list.is_full(), Error::<T>::TooManyAnnouncements);
			let ticket = T::AnnouncementDeposit::new(&registrar, Self::announcement_footprint())?;
			list.try_push(Announcement { commitment, opens_at, closes_at, ticket })
				.map_err(|_| Error::<T>::TooManyAnnouncements)?;
			Ok(())
		})?;
		Self::deposit_event(Event::Announced { registrar, commitment, opens_at, closes_at });
		Ok(())
	}

	pub(crate) fn do_remove_announcement(
		who: &T::AccountId,
		registrar: T::AccountId,
		commitment: [u8; 32],
	) -> DispatchResult {
		Self::take_announcement(&registrar, &commitment, |announcement| {
			let free = *who == registrar || T::Clock::get() >= announcement.closes_at;
			ensure!(free, Error::<T>::AnnouncementLive);
			Ok(())
		})?;
		Self::deposit_event(Event::AnnouncementRemoved { registrar, commitment });
		Ok(())
	}

	/// Ends the registrar's announcement of this model, if it is of the right age.
	pub(crate) fn use_announcement(
		registrar: &T::AccountId,
		model: &ModelId,
		salt: &[u8; 32],
	) -> DispatchResult {
		let commitment = hash::registration(&funds::genesis_hash::<T>(), registrar, model, salt);
		Self::take_announcement(registrar, &commitment, |announcement| {
			let now = T::Clock::get();
			ensure!(now >= announcement.opens_at, Error::<T>::AnnouncementTooYoung);
			ensure!(now < announcement.closes_at, Error::<T>::AnnouncementExpired);
			Ok(())
		})
	}

	/// Removes an announcement that `check` lets go, and releases its deposit.
	fn take_announcement(
		registrar: &T::AccountId,
		commitment: &[u8; 32],
		check: impl FnOnce(&AnnouncementOf<T>) -> Result<(), Error<T>>,
	) -> DispatchResult {
		Announcements::<T>::try_mutate_exists(registrar, |entry| -> DispatchResult {
			let list = entry.as_mut().ok_or(Error::<T>::NotAnnounced)?;
			let at = list.iter().position(|own| own.commitment == *commitment);
			let at = at.ok_or(Error::<T>::NotAnnounced)?;
			check(list.get(at).ok_or(Error::<T>::NotAnnounced)?)?;
			list.remove(at).ticket.drop(registrar)?;
			if list.is_empty() {
				*entry = None;
			}
			Ok(())
		})
	}

	/// Checks every account's announcements.
	pub(crate) fn try_announcements() -> Result<(), TryRuntimeError> {
		for (_, list) in Announcements::<T>::iter() {
			ensure!(!list.is_empty(), "an empty list of announcements");
			ensure!(
				list.iter().all(|announcement| announcement.opens_at <= announcement.closes_at),
				"an announcement closes before it opens"
			);
			let twice = list
				.iter()
				.enumerate()
				.any(|(at, own)| list.iter().take(at).any(|other| other.commitment == own.commitment));
			ensure!(!twice, "an announcement made twice");
		}
		Ok(())
	}
}
