//! Deposits that users hold for providers, from opening to removal.

use crate::*;
use oda_primitives::{Closing, Voucher};
use polkadot_sdk::{
	frame_support::{
		storage::with_storage_layer,
		traits::{Footprint, fungible::MutateHold},
	},
	sp_runtime::{SaturatedConversion, traits::Saturating},
};

/// The most disputed receipts that one call forgets.
pub(crate) const FORGOTTEN_AT_ONCE: usize = 16;

impl<T: Config> Pallet<T> {
	/// What a stored channel takes.
	pub fn channel_footprint() -> Footprint {
		Footprint::from_parts(1, ChannelOf::<T>::max_encoded_len())
	}

	fn live_channel(id: ChannelId) -> Result<ChannelOf<T>, Error<T>> {
		let channel = Channels::<T>::get(id).ok_or(Error::<T>::UnknownChannel)?;
		ensure!(channel.is_live(), Error::<T>::ChannelClosed);
		Ok(channel)
	}

	pub(crate) fn do_open(
		user: T::AccountId,
		provider: T::AccountId,
		model: ModelId,
		deposit: BalanceOf<T>,
		key: Option<T::AccountId>,
		terms: Terms,
		term: Tick,
	) -> DispatchResult {
		let (offer, price) = Self::offered(&provider, &model)?;
		// A provider shall not make them worse at the sight of the call.
		ensure!(offer.terms == terms, Error::<T>::TermsChanged);
		ensure!(deposit >= T::MinDeposit::get(), Error::<T>::DepositTooSmall);
		ensure!(term >= terms.grace && term <= T::MaxTerm::get(), Error::<T>::TermOutOfRange);
		let id = NextChannel::<T>::get();
		NextChannel::<T>::put(id.checked_add(1).ok_or(Error::<T>::Exhausted)?);
		let ticket = T::ChannelDeposit::new(&user, Self::channel_footprint())?;
		T::Currency::hold(&HoldReason::Channel.into(), &user, deposit)?;
		let expires_at = T::Clock::get().saturating_add(term);
		let channel = Channel {
			user: user.clone(),
			provider: provider.clone(),
			model,
			key: key.unwrap_or_else(|| user.clone()),
			receipt_key: offer.key,
			price,
			deposit,
			claimed: Zero::zero(),
			grace: terms.grace,
			receipts: T::ReceiptLife::get(),
			expires_at,
			state: ChannelState::Open,
			ticket,
		};
		Channels::<T>::insert(id, channel);
		Self::deposit_event(Event::Opened { channel: id, user, provider, model, deposit, expires_at });
		Ok(())
	}

	pub(crate) fn do_top_up(who: T::AccountId, id: ChannelId, amount: BalanceOf<T>) -> DispatchResult {
		let mut channel = Self::live_channel(id)?;
		ensure!(channel.user == who, Error::<T>::NotUser);
		let open = channel.state == ChannelState::Open && !channel.is_over(T::Clock::get());
		ensure!(open, Error::<T>::ChannelClosing);
		ensure!(!amount.is_zero(), Error::<T>::DepositTooSmall);
		channel.deposit = channel.deposit.checked_add(&amount).ok_or(Error::<T>::Exhausted)?;
		T::Currency::hold(&HoldReason::Channel.into(), &who, amount)?;
		let deposit = channel.deposit;
		Channels::<T>::insert(id, channel);
		Self::deposit_event(Event::ToppedUp { channel: id, deposit });
		Ok(())
	}

	/// Pays what a voucher adds to what was claimed before. `Ok(None)`: it adds nothing.
	fn redeem(
		id: ChannelId,
		channel: &mut ChannelOf<T>,
		version: VersionId,
		amount: u128,
	) -> Result<BalanceOf<T>, Error<T>> {
		// An amount beyond what a balance can be is beyond every deposit as well.
		let amount: BalanceOf<T> = amount.try_into().map_err(|_| Error::<T>::BeyondDeposit)?;
		ensure!(amount <= channel.deposit, Error::<T>::BeyondDeposit);
		ensure!(amount >= channel.claimed, Error::<T>::AmountTooLow);
		let fee = amount.saturating_sub(channel.claimed);
		if !fee.is_zero() {
			let ChannelOf::<T> { user, provider, model, .. } = &*channel;
			let shared = Self::share_out(HoldReason::Channel, user, provider, model, version, fee);
			channel.claimed = amount;
			Self::deposit_event(Event::Claimed { channel: id, claimed: amount, version, shared });
		}
		Ok(fee)
	}

	/// Checks a voucher and pays what it adds. Its amount alone says which is the newest: by a nonce of its own a user could make
	/// what it promised before worth nothing.
	fn claim_voucher(voucher: &Voucher, signature: &T::Signature) -> DispatchResult {
		let id = voucher.channel;
		let mut channel = Self::live_channel(id)?;
		let message = voucher.message(&funds::genesis_hash::<T>());
		ensure!(signature.verify(&message[..], &channel.key), Error::<T>::BadVoucherSignature);
		let fee = Self::redeem(id, &mut channel, voucher.version, voucher.amount)?;
		ensure!(!fee.is_zero(), Error::<T>::AmountTooLow);
		Channels::<T>::insert(id, channel);
		Ok(())
	}

	/// Redeems vouchers, each by itself: one that is worth nothing takes no other with it. The first error, if none was worth
	/// anything.
	pub(crate) fn do_claim(vouchers: &[(Voucher, T::Signature)]) -> DispatchResult {
		let mut first = None;
		let mut claimed = false;
		for (voucher, signature) in vouchers {
			match with_storage_layer(|| Self::claim_voucher(voucher, signature)) {
				Ok(()) => claimed = true,
				Err(error) => {
					let channel = voucher.channel;
					Self::deposit_event(Event::ClaimRefused { channel, error });
					first = first.or(Some(error));
				}
			}
		}
		match first {
			Some(error) if !claimed => Err(error),
			None if !claimed => Err(Error::<T>::NothingToClaim.into()),
			_ => Ok(()),
		}
	}

	pub(crate) fn do_close(
		who: T::AccountId,
		id: ChannelId,
		last: Option<(Voucher, T::Signature)>,
	) -> DispatchResult {
		ensure!(Self::live_channel(id)?.provider == who, Error::<T>::NotProvider);
		if let Some((voucher, signature)) = last {
			ensure!(voucher.channel == id, Error::<T>::OtherChannel);
			Self::claim_voucher(&voucher, &signature)?;
		}
		Self::end(id, Self::live_channel(id)?);
		Ok(())
	}

	pub(crate) fn do_close_agreed(
		closing: &Closing,
		of_user: &T::Signature,
		of_provider: &T::Signature,
	) -> DispatchResult {
		let mut channel = Self::live_channel(closing.channel)?;
		ensure!(T::Clock::get() < closing.expires, Error::<T>::ClosingExpired);
		let message = closing.message(&funds::genesis_hash::<T>());
		ensure!(of_user.verify(&message[..], &channel.key), Error::<T>::BadUserSignature);
		let signed = of_provider.verify(&message[..], &channel.receipt_key)
			|| of_provider.verify(&message[..], &channel.provider);
		ensure!(signed, Error::<T>::BadProviderSignature);
		Self::redeem(closing.channel, &mut channel, closing.version, closing.amount)?;
		Self::end(closing.channel, channel);
		Ok(())
	}

	pub(crate) fn do_begin_close(who: T::AccountId, id: ChannelId) -> DispatchResult {
		let mut channel = Self::live_channel(id)?;
		ensure!(channel.user == who, Error::<T>::NotUser);
		ensure!(channel.state == ChannelState::Open, Error::<T>::ChannelClosing);
		let at = T::Clock::get().saturating_add(channel.grace);
		channel.state = ChannelState::Closing { at };
		let at = at.min(channel.expires_at);
		Channels::<T>::insert(id, channel);
		Self::deposit_event(Event::CloseBegun { channel: id, at });
		Ok(())
	}

	pub(crate) fn do_finish_close(id: ChannelId) -> DispatchResult {
		let channel = Self::live_channel(id)?;
		ensure!(channel.is_over(T::Clock::get()), Error::<T>::TooEarlyToClose);
		Self::end(id, channel);
		Ok(())
	}

	/// Gives back what is left of the deposit, and keeps the channel for its receipts.
	fn end(id: ChannelId, mut channel: ChannelOf<T>) {
		let returned = channel.deposit.saturating_sub(channel.claimed);
		T::Currency::give_back(HoldReason::Channel, &channel.user, returned);
		let until = T::Clock::get().saturating_add(channel.receipts);
		channel.state = ChannelState::Closed { until };
		Channels::<T>::insert(id, channel);
		Self::deposit_event(Event::Closed { channel: id, returned, until });
	}

	pub(crate) fn do_remove(id: ChannelId) -> DispatchResult {
		let channel = Channels::<T>::get(id).ok_or(Error::<T>::UnknownChannel)?;
		let ChannelState::Closed { until } = channel.state else {
			return Err(Error::<T>::ChannelNotClosed.into());
		};
		ensure!(T::Clock::get() >= until, Error::<T>::TooEarlyToRemove);
		let disputed = Payment::Channel(id);
		let _forgotten = Disputed::<T>::drain_prefix(disputed).take(FORGOTTEN_AT_ONCE).count();
		if Disputed::<T>::iter_key_prefix(disputed).next().is_some() {
			// The next call goes on.
			return Ok(());
		}
		Channels::<T>::remove(id);
		funds::return_deposit(channel.ticket, &channel.user);
		Self::deposit_event(Event::Removed { channel: id });
		Ok(())
	}

	/// What an amount in planck is as a number.
	pub(crate) fn planck(amount: BalanceOf<T>) -> u128 {
		amount.saturated_into()
	}
}
