//! The border between whoever keeps reputations and the pallets that trust some accounts with more.

/// How far an account has come: 0 is nobody yet, 1 an initiate; a vote weighs as much as its voter's tier.
pub type Tier = u8;

/// What a pallet needs of whoever knows tiers.
///
/// ```
/// use oda_pallet_traits::Tiers;
///
/// /// Whoever audits has come further than who is audited.
/// fn may_audit<T: Tiers<u64>>(auditor: u64, audited: u64) -> bool {
///     T::tier(&auditor) > T::tier(&audited)
/// }
/// // Nobody has come anywhere.
/// assert!(!may_audit::<()>(7, 8));
/// ```
pub trait Tiers<AccountId> {
	/// The account's tier, as it was last settled.
	fn tier(who: &AccountId) -> Tier;

	/// Whether the account is suspended or banned: it gets no new work.
	fn is_suspended(who: &AccountId) -> bool;

	/// Makes an account's tier this: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn set_for_benchmark(who: &AccountId, tier: Tier);
}

/// Nobody has come anywhere.
impl<AccountId> Tiers<AccountId> for () {
	fn tier(_: &AccountId) -> Tier {
		0
	}

	fn is_suspended(_: &AccountId) -> bool {
		false
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_for_benchmark(_: &AccountId, _: Tier) {}
}

/// Who is told that an account's tier is another one now, or that it is suspended.
pub trait TierWatcher<AccountId> {
	/// It was `from` and is `to`, which [`Tiers::tier`] says already. Never fails; what it weighs at most is
	/// a part of the calls' measured weights.
	fn tier_changed(who: &AccountId, from: Tier, to: Tier);

	/// The account is suspended or banned, which [`Tiers::is_suspended`] says already. As the other one.
	fn suspended(_who: &AccountId) {}
}

/// One after the other.
impl<AccountId, A: TierWatcher<AccountId>, B: TierWatcher<AccountId>> TierWatcher<AccountId> for (A, B) {
	fn tier_changed(who: &AccountId, from: Tier, to: Tier) {
		A::tier_changed(who, from, to);
		B::tier_changed(who, from, to);
	}

	fn suspended(who: &AccountId) {
		A::suspended(who);
		B::suspended(who);
	}
}

/// Nobody is told.
impl<AccountId> TierWatcher<AccountId> for () {
	fn tier_changed(_: &AccountId, _: Tier, _: Tier) {}
}
