//! What the pallets tell whoever mints about what users paid.

/// Whoever pays people beyond what users paid them, but never more than the users *burned*: so that paying oneself loses.
///
/// ```
/// use oda_pallet_traits::Payments;
///
/// // Nobody mints anything.
/// <() as Payments<u64, u128>>::task_settled(&[(7, 1), (8, 3)], 1_000);
/// ```
pub trait Payments<AccountId, Balance> {
	/// A task of a committee has ended; these verifiers shared its fee by their votes, and so much of the fee was burned.
	/// Never fails.
	fn task_settled(verifiers: &[(AccountId, u32)], burned: Balance);

	/// Users of weights that `trainer` brought burned this much in fees. Never fails.
	fn used(trainer: &AccountId, burned: Balance);

	/// Makes payouts cost what they cost at worst: for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark() {}
}

/// Nobody mints anything.
impl<AccountId, Balance> Payments<AccountId, Balance> for () {
	fn task_settled(_: &[(AccountId, u32)], _: Balance) {}
	fn used(_: &AccountId, _: Balance) {}
}
