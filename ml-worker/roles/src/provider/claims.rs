//! Redeeming vouchers: what is about to end is closed with its last voucher, all else is claimed together.

use super::{Agent, SEND_AGAIN};
use crate::{amount::oda, background::Again, service::Actor};
use oda_client::{ChainError, Key, Signed};
use oda_inference::api::{Signature, SignedVoucher};
use oda_primitives::Voucher;
use oda_provider::claims::{Claim, Why};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most channels that are closed at a time, with a transaction each. The vouchers of more are claimed, as are those of
/// channels that go on.
const CLOSED_AT_ONCE: usize = 16;

/// A voucher as the chain takes it.
fn redeemable(signed: &SignedVoucher) -> (Voucher, Signed) {
	let signature = match signed.signature {
		Signature::Ed25519(bytes) => Signed::Ed25519(bytes),
		Signature::Sr25519(bytes) => Signed::Sr25519(bytes),
	};
	(signed.voucher, signature)
}

/// What is closed, and what is claimed. `ends` says of what is due whether nothing more is answered on its channel.
fn split(due: &[Claim], ends: fn(Why) -> bool) -> (Vec<SignedVoucher>, Vec<SignedVoucher>) {
	let (mut closed, mut claimed) = (Vec::new(), Vec::new());
	for claim in due {
		match claim.vouchers[..] {
			// So that its user need not wait for what is left.
			[last] if ends(claim.why) && closed.len() < CLOSED_AT_ONCE => closed.push(last),
			_ => claimed.extend(&claim.vouchers),
		}
	}
	(closed, claimed)
}

impl Agent {
	/// Redeems what is due. On a channel that is about to end nothing more is answered.
	pub(super) async fn claim(&self, due: Vec<Claim>) -> anyhow::Result<Again> {
		redeem(&self.actor, &self.key, &due, |why| why != Why::Enough, &self.landed).await
	}
}

/// Redeems what is due to an account, the most urgent first: closes a channel on which nothing more is answered, as `ends` says,
/// and claims the rest. All of it is sent before any is waited for; `landed` becomes the last block that has any.
pub(crate) async fn redeem(
	actor: &Actor,
	key: &Key,
	due: &[Claim],
	ends: fn(Why) -> bool,
	landed: &AtomicU64,
) -> anyhow::Result<Again> {
	let (chain, output, metrics) = (&actor.chain, actor.context.output(), actor.context.metrics());
	let most = chain.finalised().await?.inference_terms().await?.max_claims;
	let (closed, claimed) = split(due, ends);
	let (mut closes, mut claims) = (Vec::new(), Vec::new());
	for last in &closed {
		let id = last.voucher.channel;
		closes.push((id, chain.close_channel(key, id, Some(redeemable(last))).send().await?));
	}
	for vouchers in claimed.chunks(usize::try_from(most)?.max(1)) {
		let vouchers = vouchers.iter().map(redeemable).collect();
		claims.push(chain.claim_vouchers(key, vouchers).send().await?);
	}
	let mut again = 1;
	for (channel, mut sent) in closes {
		match sent.finalised().await {
			Ok(receipt) => {
				landed.fetch_max(receipt.block, Ordering::Relaxed);
				metrics.channels("redeemed", 1);
				output.event(
					"closed",
					format!("channel {channel} claimed and closed in block {}", receipt.block),
					json!({ "channel": channel, "receipt": receipt }),
				);
			}
			// It has ended, or somebody else was first with this voucher.
			Err(error @ ChainError::Module { .. }) => {
				tracing::warn!(channel, %error, "not closed");
				again = SEND_AGAIN;
			}
			Err(error) => return Err(error.into()),
		}
	}
	for mut sent in claims {
		match sent.finalised().await {
			Ok((parts, receipt)) => {
				landed.fetch_max(receipt.block, Ordering::Relaxed);
				metrics.channels("redeemed", parts.len());
				let earned: u128 = parts.iter().map(|(_, parts)| parts.provider).sum();
				output.event(
					"claimed",
					format!("claimed {} in block {}", oda(earned), receipt.block),
					json!({ "channels": parts, "receipt": receipt }),
				);
			}
			Err(error @ ChainError::Module { .. }) => {
				tracing::warn!(%error, "nothing was claimed");
				again = SEND_AGAIN;
			}
			Err(error) => return Err(error.into()),
		}
	}
	Ok(Again::After(again))
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_primitives::ChannelId;

	fn claim(channel: ChannelId, why: Why, amounts: &[u128]) -> Claim {
		let signed = |&amount: &u128| SignedVoucher {
			voucher: Voucher { channel, version: 0, amount, nonce: 1 },
			signature: Signature::Sr25519([0; 64]),
		};
		Claim { channel, why, until: 9, gain: 1, vouchers: amounts.iter().map(signed).collect() }
	}

	fn channels(due: &[Claim]) -> (Vec<ChannelId>, Vec<ChannelId>) {
		let names = |vouchers: Vec<SignedVoucher>| vouchers.iter().map(|v| v.voucher.channel).collect();
		let (closed, claimed) = split(due, |why| why != Why::Enough);
		(names(closed), names(claimed))
	}

	#[test]
	fn a_channel_that_ends_is_closed_and_one_that_goes_on_is_claimed() {
		let due = [claim(1, Why::Closing, &[5]), claim(2, Why::Expiring, &[5]), claim(3, Why::Enough, &[5])];
		assert_eq!(channels(&due), (vec![1, 2], vec![3]));
	}

	#[test]
	fn vouchers_of_several_versions_are_claimed_in_their_order() {
		let due = [claim(1, Why::Closing, &[5, 7])];
		let amounts: Vec<u128> = split(&due, |_| true).1.iter().map(|signed| signed.voucher.amount).collect();
		assert_eq!((channels(&due).0, amounts), (vec![], vec![5, 7]));
	}

	#[test]
	fn of_many_channels_that_end_most_are_claimed_together() {
		let due: Vec<Claim> = (0..40).map(|id| claim(id, Why::Closing, &[5])).collect();
		let (closed, claimed) = channels(&due);
		assert_eq!((closed.len(), claimed.len()), (CLOSED_AT_ONCE, 40 - CLOSED_AT_ONCE));
	}
}
