//! What accounts have been seen to do.

use oda_primitives::{DealId, Payment, SubmissionId, TaskId};

/// Something that the chain saw an account do, or fail to do, by what it can prove.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
	/// A verifier answered a task as it ended.
	Verified(TaskId),
	/// A verifier signed what turned out wrong: `Valid` of a claim that fell, or `Wrong` of one that was accepted.
	Misverified(TaskId),
	/// A verifier did not answer a task in time, had nothing to say on what enough others could verify, or accused what
	/// then lapsed and proved nothing.
	Absent(TaskId),
	/// A trainer's weights became a head.
	Accepted(SubmissionId),
	/// A trainer's claim fell: somebody proved a score wrong, or nobody showed the weights.
	Overturned(SubmissionId),
	/// A challenger proved a score wrong.
	Challenged(SubmissionId),
	/// A challenger accused a score that was right.
	ChallengeFailed(SubmissionId),
	/// A keeper proved a round.
	Kept(DealId),
	/// A keeper missed so many rounds.
	Missed(DealId, u32),
	/// A provider signed a wrong output.
	Misserved(Payment),
	/// A user disputed an output that was right.
	DisputeFailed(Payment),
	/// An account gave a sign of life: a validator made a block.
	Heartbeat,
	/// An account voted in the referendum of this number.
	Voted(u32),
	/// An auditor re-ran settled work as it was drawn to.
	Audited(TaskId),
}

/// Whoever listens to what accounts do. The pallets that see it tell, and neither know nor care what comes of it.
///
/// ```
/// use oda_pallet_traits::{Deed, Evidence};
/// use oda_primitives::TaskId;
///
/// fn answered_rightly<E: Evidence<u64>>(verifier: u64, task: TaskId) {
///     E::saw(&verifier, Deed::Verified(task));
/// }
/// // Nobody listens.
/// answered_rightly::<()>(7, TaskId::Submission(1));
/// ```
pub trait Evidence<AccountId> {
	/// `who` did this. Never fails; what it weighs at most is a part of the calls' measured weights.
	fn saw(who: &AccountId, deed: Deed);

	/// `who` did this with so many votes. What counts by the deed where others count by the vote is earned
	/// more often by whoever spreads the same stake over more accounts.
	fn saw_times(who: &AccountId, deed: Deed, _times: u32) {
		Self::saw(who, deed);
	}

	/// `provider` earned fees of which so much was burned, in planck, and `payer` is who paid them. To be
	/// told once of everything that is burned. Never fails.
	fn earned(_provider: &AccountId, _payer: &AccountId, _burned: u128) {}
}

/// Nobody listens.
impl<AccountId> Evidence<AccountId> for () {
	fn saw(_: &AccountId, _: Deed) {}
}
