//! Validators: their session keys, and how they fare.

use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, StakePool, StakeRole, View,
	error::{node, rpc},
	runtime::{self, runtime_types as generated},
	view::get,
};
use generated::oda_runtime::session_keys::SessionKeys;
use oda_primitives::hexadecimal;
use serde::{Deserialize, Serialize};
use subxt::rpcs::client::rpc_params;

/// Bytes of a public key.
const KEY: usize = 32;
/// The runtime's session keys: BABE's, GRANDPA's and that of heartbeats.
const KEYS: usize = 3 * KEY;

/// New session keys, whose secrets a node has made and keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NewKeys {
	/// The public keys, one after the other: BABE's, GRANDPA's and that of heartbeats.
	#[serde(serialize_with = "hexadecimal::serialize")]
	pub keys: [u8; KEYS],
	/// What shows that whoever has the secrets made them for one account.
	#[serde(skip)]
	proof: Vec<u8>,
}

/// What the node answers.
#[derive(Deserialize)]
struct Generated {
	keys: String,
	proof: Option<String>,
}

impl TryFrom<Generated> for NewKeys {
	type Error = ChainError;

	fn try_from(answer: Generated) -> Result<Self, ChainError> {
		let bytes = |text: &str| hex::decode(text.strip_prefix("0x").unwrap_or(text));
		let keys = bytes(&answer.keys).ok().and_then(|keys| keys.try_into().ok());
		let keys = keys.ok_or_else(|| {
			ChainError::Incompatible(format!("session keys that are not {KEYS} bytes: {}", answer.keys))
		})?;
		let proof = answer.proof.as_deref().and_then(|proof| bytes(proof).ok());
		let proof = proof.ok_or(ChainError::Missing("a proof of who owns the session keys"))?;
		Ok(Self { keys, proof })
	}
}

impl NewKeys {
	/// As the call takes them.
	fn stored(&self) -> SessionKeys {
		use generated::{pallet_im_online, sp_consensus_babe, sp_consensus_grandpa};
		let mut keys = self.keys.chunks_exact(KEY).map(|key| {
			let mut bytes = [0; KEY];
			bytes.copy_from_slice(key);
			bytes
		});
		let mut next = || keys.next().unwrap_or_default();
		SessionKeys {
			babe: sp_consensus_babe::app::Public(next()),
			grandpa: sp_consensus_grandpa::app::Public(next()),
			im_online: pallet_im_online::sr25519::app_sr25519::Public(next()),
		}
	}
}

/// How a validator fares, at one block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ValidatorStatus {
	/// The account.
	pub account: AccountId,
	/// Its pool; nothing if it has bonded nothing as a validator.
	pub pool: Option<StakePool>,
	/// The session keys that count from the session after the next on, if it has registered any.
	#[serde(serialize_with = "optional")]
	pub keys: Option<[u8; KEYS]>,
	/// The session that runs.
	pub session: u32,
	/// What was behind it when it was elected for this session, if it was.
	pub elected: Option<Balance>,
	/// What was behind it when it was elected for the next one, if it was.
	pub elected_next: Option<Balance>,
	/// Its place among those who would be elected now for the session after the next, beginning with 1.
	pub place: Option<u32>,
	/// Whether it validates in this session and has been disabled for an offence.
	pub disabled: bool,
	/// The number of blocks that it has made in this session.
	pub blocks: u32,
	/// Whether it has sent its heartbeat in this session.
	pub heartbeat: bool,
	/// The number of sessions in a row, up to the last, in which it has not responded.
	pub absences: u32,
	/// The first session in which it may bond again or resume, if it is barred until then for an equivocation.
	pub barred_until: Option<u32>,
	/// The offences of it that wait to be applied.
	pub offences: Vec<WaitingOffence>,
}

fn optional<S: serde::Serializer>(keys: &Option<[u8; KEYS]>, serializer: S) -> Result<S::Ok, S::Error> {
	keys.map(|keys| format!("0x{}", hex::encode(keys))).serialize(serializer)
}

/// An offence that waits to be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct WaitingOffence {
	/// The session of the offence.
	pub session: u32,
	/// How much of what was behind the validator in that session it loses, in billionths.
	pub fraction: u32,
	/// What was behind it then.
	pub exposure: Balance,
}

impl View {
	/// The session keys that an account has registered.
	pub async fn session_keys(&self, account: &AccountId) -> Result<Option<[u8; KEYS]>, ChainError> {
		let keys = get!(self, runtime::storage().session().next_keys(), *account);
		Ok(keys.map(|keys| {
			let mut bytes = [0; KEYS];
			let all = [keys.babe.0, keys.grandpa.0, keys.im_online.0];
			for (to, key) in bytes.chunks_exact_mut(KEY).zip(&all) {
				to.copy_from_slice(key);
			}
			bytes
		}))
	}

	/// How a validator fares.
	pub async fn validator(&self, account: &AccountId) -> Result<ValidatorStatus, ChainError> {
		let storage = runtime::storage();
		let pool = self.stake_pool(StakeRole::Validator, account).await?;
		let session = get!(self, storage.session().current_index(),).unwrap_or_default();
		let elected = self.elected(session, account).await?;
		let elected_next = self.elected(session.saturating_add(1), account).await?;
		let next = self.next_validators().await?;
		let place = next.iter().zip(1..).find_map(|((who, _), place)| (who == account).then_some(place));
		let validators = get!(self, storage.session().validators(),).unwrap_or_default();
		let index = validators.iter().zip(0u32..).find_map(|(who, index)| (who == account).then_some(index));
		let disabled = get!(self, storage.session().disabled_validators(),).unwrap_or_default();
		let disabled = disabled.iter().any(|(disabled, _)| Some(*disabled) == index);
		let blocks = get!(self, storage.im_online().authored_blocks(), session, *account).unwrap_or_default();
		let heartbeat = match index {
			Some(index) => get!(self, storage.im_online().received_heartbeats(), session, index).is_some(),
			None => false,
		};
		let absent = get!(self, storage.staking().last_absent(),);
		let absent = absent.filter(|absent| absent.session.saturating_add(1) == session);
		let absences = absent.and_then(|absent| {
			absent.absent.0.into_iter().find_map(|(who, times)| (who == *account).then_some(times))
		});
		let barred = self.barred_until(account).await?;
		let offences = get!(self, storage.staking().offences(),);
		let offences = offences.map(|offences| offences.0).into_iter().flatten();
		Ok(ValidatorStatus {
			account: *account,
			pool,
			keys: self.session_keys(account).await?,
			session,
			elected,
			elected_next,
			place,
			disabled,
			blocks,
			heartbeat,
			absences: absences.unwrap_or_default(),
			barred_until: barred.filter(|until| *until > session),
			offences: offences
				.filter(|offence| offence.offender == *account)
				.map(|offence| WaitingOffence {
					session: offence.session,
					fraction: offence.fraction.0,
					exposure: offence.exposure.stake,
				})
				.collect(),
		})
	}

	/// What was behind an account when it was elected for a session.
	async fn elected(&self, session: u32, account: &AccountId) -> Result<Option<Balance>, ChainError> {
		let elected = get!(self, runtime::storage().staking().elected(), session);
		let elected = elected.map(|elected| elected.0).into_iter().flatten();
		let mut found = elected.filter(|(who, _)| who == account);
		Ok(found.next().map(|(_, exposure)| exposure.stake))
	}
}

impl Chain {
	/// Has the node make new session keys for an account. It keeps their secrets, beside those that it has.
	///
	/// # Errors
	///
	/// [`ChainError::Answered`]: the node does not let callers from where this program is do that.
	pub async fn rotate_keys(&self, owner: &AccountId) -> Result<NewKeys, ChainError> {
		let owner = format!("0x{}", hex::encode(owner.0));
		let answer = self.link.request("author_rotateKeysWithOwner", rpc_params![owner]).await;
		let answer: Generated = answer.map_err(rpc)?;
		answer.try_into()
	}

	/// Whether the node has the secrets of session keys.
	///
	/// # Errors
	///
	/// [`ChainError::Answered`]: the node does not let callers from where this program is ask that.
	pub async fn has_keys(&self, keys: &[u8; KEYS]) -> Result<bool, ChainError> {
		let keys = format!("0x{}", hex::encode(keys));
		self.link.request("author_hasSessionKeys", rpc_params![keys]).await.map_err(rpc)
	}

	/// Registers session keys for the account; they count from the session after the next on.
	pub fn set_keys(&self, key: &Key, keys: &NewKeys) -> Call {
		let call = runtime::transactions().session().set_keys(keys.stored(), keys.proof.clone());
		self.submit(key, call)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn answer(keys: usize, proof: Option<&str>) -> Result<NewKeys, ChainError> {
		let keys: Vec<u8> = (0..keys).map(|byte| byte as u8).collect();
		let keys = format!("0x{}", hex::encode(keys));
		Generated { keys, proof: proof.map(str::to_owned) }.try_into()
	}

	#[test]
	fn keys_are_taken_apart_in_the_runtime_s_order() {
		let keys = answer(KEYS, Some("0x0102")).unwrap();
		assert_eq!(keys.proof, [1, 2]);
		let stored = keys.stored();
		assert_eq!([stored.babe.0[0], stored.grandpa.0[0], stored.im_online.0[0]], [0, 32, 64]);
		assert_eq!(stored.im_online.0[31], 95);
	}

	#[test]
	fn keys_of_another_length_or_without_a_proof_are_refused() {
		for keys in [0, KEYS - 1, KEYS + 1] {
			let error = answer(keys, Some("0x00")).unwrap_err();
			assert!(matches!(error, ChainError::Incompatible(_)), "{keys}: {error}");
		}
		for proof in [None, Some("0x0"), Some("proof")] {
			let error = answer(KEYS, proof).unwrap_err();
			assert!(matches!(error, ChainError::Missing(_)), "{proof:?}: {error}");
		}
	}
}
