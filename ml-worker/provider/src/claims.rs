//! Which vouchers to claim now.
//!
//! A voucher that is not claimed when its channel ends is lost, and each claim costs a fee. So vouchers are claimed when
//! enough has come together, when the channel is about to end, and at once when its user wants it to end.

use crate::{
	chain::{Channel, ChannelState},
	ledger::Promise,
};
use oda_inference::api::SignedVoucher;
use oda_primitives::{ChannelId, Tick};

/// When vouchers are claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
	/// So much has to be gained, in planck.
	pub threshold: u128,
	/// Ticks before a channel's end in which everything is claimed, and nothing more is served.
	pub margin: Tick,
}

/// Why vouchers are claimed. The most urgent comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Why {
	/// The channel's user wants it to end.
	Closing,
	/// The channel is about to end.
	Expiring,
	/// Enough has come together.
	Enough,
}

/// Vouchers of one channel to be claimed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
	/// The channel.
	pub channel: ChannelId,
	/// Why now.
	pub why: Why,
	/// The tick from which it is too late.
	pub until: Tick,
	/// What is gained, in planck.
	pub gain: u128,
	/// The vouchers, in the order in which they are to be claimed.
	pub vouchers: Vec<SignedVoucher>,
}

impl Policy {
	/// The first tick at which nothing is served any more, because the channel ends soon.
	pub fn last_call(&self, channel: &Channel) -> Tick {
		channel.expires_at.saturating_sub(self.margin)
	}

	/// What is to be claimed at `tick` of what was promised on a channel, if anything.
	pub fn due(&self, id: ChannelId, channel: &Channel, promise: &Promise, tick: Tick) -> Option<Claim> {
		let vouchers = promise.claimable(channel.claimed);
		// The chain pays no more than there is.
		let most = vouchers.last()?.voucher.amount.min(channel.deposit);
		let gain = most.checked_sub(channel.claimed).filter(|gain| *gain > 0)?;
		let (why, until) = match channel.state {
			ChannelState::Closed { .. } => return None,
			ChannelState::Closing { at } => (Why::Closing, at.min(channel.expires_at)),
			ChannelState::Open if tick >= self.last_call(channel) => (Why::Expiring, channel.expires_at),
			// The signed closing settles it for less: there is no hurry until it is worth nothing.
			ChannelState::Open if promise.closing.is_some_and(|closing| tick < closing.expires) => {
				return None;
			}
			ChannelState::Open if gain >= self.threshold => (Why::Enough, channel.expires_at),
			ChannelState::Open => return None,
		};
		Some(Claim { channel: id, why, until, gain, vouchers })
	}
}

/// Puts the most urgent claim first, and of those that are as urgent the one that gains most.
pub fn sort(claims: &mut [Claim]) {
	claims.sort_by_key(|claim| (claim.why, claim.until, std::cmp::Reverse(claim.gain), claim.channel));
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::AccountId;
	use oda_inference::api::Signature;
	use oda_primitives::{Closing, Voucher, inference::Price};

	const POLICY: Policy = Policy { threshold: 100, margin: 50 };

	fn channel(state: ChannelState) -> Channel {
		Channel {
			provider: AccountId([1; 32]),
			model: [2; 32],
			key: AccountId([3; 32]),
			receipt_key: AccountId([4; 32]),
			price: Price { per_request: 1, per_mmac: 0 },
			deposit: 1_000,
			claimed: 200,
			receipts: 10,
			expires_at: 1_000,
			state,
		}
	}

	fn voucher(version: u32, amount: u128) -> SignedVoucher {
		let voucher = Voucher { channel: 7, version, amount, nonce: 9 };
		SignedVoucher { voucher, signature: Signature::Sr25519([0; 64]) }
	}

	fn promise(amount: u128) -> Promise {
		Promise { last: Some(voucher(0, amount)), ..Promise::default() }
	}

	fn due(state: ChannelState, amount: u128, tick: Tick) -> Option<(Why, Tick, u128)> {
		let claim = POLICY.due(7, &channel(state), &promise(amount), tick)?;
		Some((claim.why, claim.until, claim.gain))
	}

	#[test]
	fn a_voucher_is_claimed_when_it_gains_enough() {
		assert_eq!(due(ChannelState::Open, 299, 0), None);
		assert_eq!(due(ChannelState::Open, 300, 0), Some((Why::Enough, 1_000, 100)));
	}

	#[test]
	fn a_voucher_is_claimed_before_its_channel_expires() {
		assert_eq!(due(ChannelState::Open, 201, 949), None);
		assert_eq!(due(ChannelState::Open, 201, 950), Some((Why::Expiring, 1_000, 1)));
	}

	#[test]
	fn a_voucher_of_a_closing_channel_is_claimed_at_once() {
		let closing = ChannelState::Closing { at: 30 };
		assert_eq!(due(closing, 201, 0), Some((Why::Closing, 30, 1)));
	}

	#[test]
	fn nothing_is_claimed_that_gains_nothing() {
		assert_eq!(due(ChannelState::Closing { at: 30 }, 200, 0), None);
		assert_eq!(due(ChannelState::Closed { until: 30 }, 900, 0), None);
		assert_eq!(POLICY.due(7, &channel(ChannelState::Open), &Promise::default(), 990), None);
	}

	#[test]
	fn a_voucher_gains_no_more_than_the_deposit() {
		assert_eq!(due(ChannelState::Open, 5_000, 0), Some((Why::Enough, 1_000, 800)));
	}

	#[test]
	fn a_channel_whose_closing_is_signed_is_claimed_only_if_it_ends_otherwise() {
		let closing = Some(Closing { channel: 7, version: 0, amount: 300, expires: 20 });
		let promise = Promise { closing, ..promise(900) };
		let due = |state, tick| POLICY.due(7, &channel(state), &promise, tick).map(|claim| claim.why);
		assert_eq!(due(ChannelState::Open, 19), None);
		assert_eq!(due(ChannelState::Open, 20), Some(Why::Enough));
		assert_eq!(due(ChannelState::Closing { at: 30 }, 19), Some(Why::Closing));
	}

	#[test]
	fn vouchers_of_earlier_versions_are_claimed_first() {
		let promise = Promise { earlier: vec![voucher(1, 150), voucher(2, 400)], ..promise(900) };
		let claim = POLICY.due(7, &channel(ChannelState::Open), &promise, 0).unwrap();
		let amounts: Vec<u128> = claim.vouchers.iter().map(|signed| signed.voucher.amount).collect();
		assert_eq!(amounts, [400, 900], "150 was claimed before");
	}

	#[test]
	fn the_most_urgent_comes_first() {
		let claim = |channel, why, until, gain| Claim { channel, why, until, gain, vouchers: Vec::new() };
		let mut claims = [
			claim(1, Why::Enough, 9, 9),
			claim(2, Why::Expiring, 8, 1),
			claim(3, Why::Closing, 7, 1),
			claim(4, Why::Closing, 6, 1),
			claim(5, Why::Closing, 7, 2),
		];
		sort(&mut claims);
		assert_eq!(claims.map(|claim| claim.channel), [4, 5, 3, 2, 1]);
	}
}
