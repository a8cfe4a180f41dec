//! Verifiers and the tasks they answer.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use oda_pallet_traits::Ending;
use oda_primitives::{Tick, Verdict};
use polkadot_sdk::{
	frame_support::{BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound},
	sp_runtime::traits::Get,
};
use scale_info::TypeInfo;

/// A bonded verifier.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Verifier<Balance> {
	/// What is held of its funds, and left after slashes.
	pub bond: Balance,
	/// Open tasks that it is a member of; it cannot leave before they are closed.
	pub open: u32,
}

/// What each fault costs a verifier.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Penalties<Balance> {
	/// The cost of [`Fault::FalseValid`].
	pub false_valid: Balance,
	/// The cost of [`Fault::FalseAccusation`].
	pub false_accusation: Balance,
	/// The cost of [`Fault::Absence`].
	pub absence: Balance,
}

impl<Balance: Copy> Penalties<Balance> {
	/// What `fault` costs.
	pub fn of(&self, fault: Fault) -> Balance {
		match fault {
			Fault::FalseValid => self.false_valid,
			Fault::FalseAccusation => self.false_accusation,
			Fault::Absence => self.absence,
		}
	}
}

/// A claim that all members re-run.
#[derive(
	CloneNoBound, PartialEqNoBound, EqNoBound, DebugNoBound, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
#[codec(mel_bound(AccountId: MaxEncodedLen, Balance: MaxEncodedLen))]
pub struct Task<
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	Balance: Clone + PartialEq + Eq + core::fmt::Debug,
	Max: Get<u32>,
> {
	/// Who may and should answer, sorted: the active verifiers when it was opened.
	pub members: BoundedVec<AccountId, Max>,
	/// How many have to say `Valid`.
	pub quorum: u32,
	/// The hash of what is claimed, which every answer signs.
	pub claim: [u8; 32],
	/// How often its members have been asked, which every answer signs.
	pub asked: u32,
	/// When it was opened.
	pub opened_at: Tick,
	/// The first tick at which answers are refused.
	pub until: Tick,
	/// The answers, in the order in which they came: one a member.
	pub answers: BoundedVec<(AccountId, Verdict), Max>,
	/// When the quorum was reached.
	pub passed_at: Option<Tick>,
	/// What faults cost, as it was when the task was opened.
	pub penalties: Penalties<Balance>,
}

impl<AccountId: Clone + Ord + core::fmt::Debug, Balance: Clone + Eq + core::fmt::Debug, Max: Get<u32>>
	Task<AccountId, Balance, Max>
{
	/// Whether `who` may answer.
	pub fn is_member(&self, who: &AccountId) -> bool {
		self.members.binary_search(who).is_ok()
	}

	/// What `who` answered.
	pub fn answer_of(&self, who: &AccountId) -> Option<Verdict> {
		self.answers.iter().find(|(member, _)| member == who).map(|(_, verdict)| *verdict)
	}

	/// How many said `Valid`.
	pub fn valid_answers(&self) -> usize {
		self.answers.iter().filter(|(_, verdict)| *verdict == Verdict::Valid).count()
	}

	/// Whether more than half of the members said `Unavailable`.
	pub fn mostly_unavailable(&self) -> bool {
		let unavailable = self.answers.iter().filter(|(_, verdict)| *verdict == Verdict::Unavailable).count();
		unavailable.saturating_mul(2) > self.members.len()
	}
}

/// What a verifier was slashed for.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Fault {
	/// It signed `Valid`, and somebody proved on chain that the claim was wrong, or nobody showed what it was about.
	#[codec(index = 0)]
	FalseValid,
	/// It signed `Wrong`, and the claim was accepted: nobody proved it.
	#[codec(index = 1)]
	FalseAccusation,
	/// It did not answer within the window, accused what then lapsed and proved nothing, or said `Unavailable` of what enough others could verify.
	#[codec(index = 2)]
	Absence,
}

/// How a task ended, as an event says it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Outcome {
	/// The claim was accepted.
	#[codec(index = 0)]
	Accepted,
	/// Somebody proved on chain that a score was wrong.
	#[codec(index = 1)]
	Overturned,
	/// Too few answers came in time.
	#[codec(index = 2)]
	Lapsed,
	/// Nobody is to blame.
	#[codec(index = 3)]
	Void,
	/// What was claimed about was demanded, and nobody showed it.
	#[codec(index = 4)]
	Withheld,
}

impl<AccountId> From<&Ending<AccountId>> for Outcome {
	fn from(ending: &Ending<AccountId>) -> Self {
		match ending {
			Ending::Accepted => Self::Accepted,
			Ending::Overturned { .. } => Self::Overturned,
			Ending::Lapsed => Self::Lapsed,
			Ending::Void => Self::Void,
			Ending::Withheld => Self::Withheld,
		}
	}
}
