//! The border between whoever holds stakes and the pallets whose work they answer for.
//!
//! A *candidate* is an account that bonds for a role. Its *stake* is what it and its delegators have bonded with it,
//! and answers for its faults; what is *leaving* answers too, until it is out.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::traits::fungible::{Balanced, Credit, Inspect},
	sp_runtime::DispatchResult,
};
use scale_info::TypeInfo;

/// What an account bonds for. A stake answers for one role only.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Role {
	/// Makes and finalises blocks.
	#[codec(index = 0)]
	Validator,
	/// Re-runs claims.
	#[codec(index = 1)]
	Verifier,
	/// Answers inference.
	#[codec(index = 2)]
	Provider,
}

/// What a currency's amounts are counted in.
pub type AmountOf<AccountId, S> = <<S as Stakes<AccountId>>::Currency as Inspect<AccountId>>::Balance;

/// The part of what is taken from the guilty that somebody may have, until it is given; burned if it is dropped.
pub type RewardOf<AccountId, S> = Credit<AccountId, <S as Stakes<AccountId>>::Currency>;

/// What a pallet needs of whoever holds the stakes of a role.
///
/// ```
/// use oda_pallet_traits::{AmountOf, Role, Stakes};
///
/// /// A member of a task answers for it with an amount of its own, so that no stake answers for two lies.
/// fn seat<S: Stakes<u64>>(verifier: u64, penalty: AmountOf<u64, S>) -> bool {
///     let counts = S::active(Role::Verifier, &verifier);
///     S::reserve(Role::Verifier, &verifier, penalty, counts).is_ok()
/// }
/// ```
pub trait Stakes<AccountId> {
	/// What stakes are made of.
	type Currency: Balanced<AccountId>;

	/// What counts: the candidate's own and delegated stake, without what is leaving. Nothing for who is no candidate, is
	/// chilled, or has bonded too little itself.
	fn active(role: Role, who: &AccountId) -> AmountOf<AccountId, Self>;

	/// Lets `amount` of the stake, leaving or not, answer for one thing alone: until it is [released](Self::release), so
	/// much cannot be withdrawn. Refused if so much is not there beside what is reserved already.
	///
	/// - `within`: the stake that counted when it was settled whom to ask, which was not long ago. All that is reserved has to
	///   fit into it: so what has begun to leave since answers, and what had begun before is not held back.
	fn reserve(
		role: Role,
		who: &AccountId,
		amount: AmountOf<AccountId, Self>,
		within: AmountOf<AccountId, Self>,
	) -> DispatchResult;

	/// Undoes a reservation, or a part of it.
	fn release(role: Role, who: &AccountId, amount: AmountOf<AccountId, Self>);

	/// Takes `amount` from the stake, from own, delegated and leaving stake alike, or as much as there is; how much it was,
	/// and what somebody may be rewarded with: half, rounded down, of what the candidate itself loses, so that nobody
	/// takes from one's own delegators by accusing oneself. The rest is burned. What is reserved stays reserved: release
	/// it as well.
	fn slash(
		role: Role,
		who: &AccountId,
		amount: AmountOf<AccountId, Self>,
	) -> (AmountOf<AccountId, Self>, RewardOf<AccountId, Self>);

	/// Makes a candidate with this stake: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn bond_for_benchmark(role: Role, who: &AccountId, amount: AmountOf<AccountId, Self>);
}

/// What a pallet needs that promises something out of a candidate's own stake.
///
/// ```
/// use oda_pallet_traits::{AmountOf, OwnStakes, Role};
///
/// /// Half of what a provider itself loses goes to whoever it wronged, however much others have delegated to it.
/// fn refund<S: OwnStakes<u64>>(provider: u64, loss: AmountOf<u64, S>) {
///     let (_taken, _refund) = S::slash_own(Role::Provider, &provider, loss);
/// }
/// ```
pub trait OwnStakes<AccountId>: Stakes<AccountId> {
	/// What of the stake is the candidate's own, and does not leave. Nothing for who is no candidate, is chilled, or has bonded
	/// too little itself.
	fn own(role: Role, who: &AccountId) -> AmountOf<AccountId, Self>;

	/// [Slashes](Stakes::slash) so much that the candidate itself loses `amount`, and those who delegate to it lose the same
	/// part of theirs; or as much as there is. Nothing where it has nothing of its own left, leaving or not.
	fn slash_own(
		role: Role,
		who: &AccountId,
		amount: AmountOf<AccountId, Self>,
	) -> (AmountOf<AccountId, Self>, RewardOf<AccountId, Self>);
}

/// Who wants to know when a stake changes.
pub trait StakeWatcher<AccountId, Balance> {
	/// The candidate's active stake, own and delegated, is this now; nothing when it is no candidate any more. Never fails;
	/// what it weighs at most is a part of the calls' measured weights.
	fn changed(role: Role, who: &AccountId, active: Balance);
}

/// One after the other.
impl<AccountId, Balance: Copy, A, B> StakeWatcher<AccountId, Balance> for (A, B)
where
	A: StakeWatcher<AccountId, Balance>,
	B: StakeWatcher<AccountId, Balance>,
{
	fn changed(role: Role, who: &AccountId, active: Balance) {
		A::changed(role, who, active);
		B::changed(role, who, active);
	}
}

/// Nobody.
impl<AccountId, Balance> StakeWatcher<AccountId, Balance> for () {
	fn changed(_: Role, _: &AccountId, _: Balance) {}
}

/// What whoever mints needs of whoever holds stakes: where a reward goes.
pub trait Rewards<AccountId, Credit> {
	/// A reward for a candidate's work: its commission goes to it, the rest raises the stake behind each share. What
	/// cannot be given is handed back.
	fn reward(role: Role, who: &AccountId, credit: Credit) -> Result<(), Credit>;
}
