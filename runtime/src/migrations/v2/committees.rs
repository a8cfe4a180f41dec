//! Verifiers' bonds become stakes, and what was being verified is verified by a committee that is drawn.
//!
//! Answers of before are forgotten: nobody is punished or paid for them, and their verifiers are asked again. All that
//! trainers, challengers and demanders have on hold stays where it is.

// The derive of `Encode` casts the pinned index of a variant with fields from `usize` to `u8`.
#![allow(clippy::cast_possible_truncation)]

use super::sessions;
use crate::*;
use alloc::collections::BTreeMap;
use codec::{Decode, Encode};
use frame_support::{
	Blake2_128Concat,
	migration::clear_storage_prefix,
	migrations::VersionedMigration,
	storage::with_storage_layer,
	storage_alias,
	traits::{UncheckedOnRuntimeUpgrade, fungible::MutateHold, tokens::Precision},
	weights::Weight,
};
use frame_system::RawOrigin;
use oda_pallet_traits::{Committees, Models, Role};
use oda_primitives::{ModelId, SubmissionId, TaskId, Tick, VersionId};
use pallet_training::{Claim, Phase, Submission, Submissions, Terms};
use pallet_verification::Load;
use sp_runtime::Perbill;

/// What a verifier is taken to have room for until it says so itself: an hour of computing on the reference machine, and
/// 16 GiB.
const CAPACITY: Load = Load { time: 3_600_000_000_000_000, bytes: 16 << 30 };

/// A verifier of version 1.
#[derive(Encode, Decode)]
struct BondedVerifier {
	/// What is held of its funds.
	bond: Balance,
	/// The tasks of which it is a member.
	open: u32,
}

/// The verifiers of version 1, in one value. It lies where the prefix of today's entries is.
#[storage_alias]
type Verifiers = StorageValue<Verification, BTreeMap<AccountId, BondedVerifier>>;

/// Since when the first in a model's queue had found no verifiers.
#[storage_alias]
type Stalled = StorageMap<Training, Blake2_128Concat, ModelId, Tick>;

/// How many verifiers version 1 had.
pub(super) fn verifiers() -> u32 {
	let verifiers = Verifiers::get().map_or(0, |verifiers| verifiers.len());
	u32::try_from(verifiers).unwrap_or(u32::MAX)
}

/// The terms of a submission of version 1.
#[derive(Encode, Decode)]
struct OldTerms {
	fee: Balance,
	fee_base: Balance,
	answer_window: Tick,
	_patience: Tick,
	challenge_window: Tick,
}

/// How far a submission of version 1 has come.
#[derive(Encode, Decode)]
enum OldPhase {
	#[codec(index = 0)]
	Committed,
	#[codec(index = 1)]
	Queued(Claim),
	#[codec(index = 2)]
	Verifying { claim: Claim, opened_at: Tick, answers_until: Tick, held_until: Tick, shown: bool },
}

/// A submission of version 1.
#[derive(Encode, Decode)]
struct OldSubmission {
	model: ModelId,
	trainer: AccountId,
	commitment: [u8; 32],
	committed_at: Tick,
	opens_at: Tick,
	closes_at: Tick,
	head_at_commit: Option<VersionId>,
	bond: Balance,
	terms: OldTerms,
	phase: OldPhase,
}

impl From<OldSubmission> for Submission<AccountId, Balance> {
	fn from(old: OldSubmission) -> Self {
		let terms = Terms {
			fee: old.terms.fee,
			// Nothing was to be burned of it.
			fee_burn: 0,
			fee_base: old.terms.fee_base,
			answer_window: old.terms.answer_window,
			challenge_window: old.terms.challenge_window,
		};
		let phase = match old.phase {
			OldPhase::Committed => Phase::Committed,
			OldPhase::Queued(claim) => Phase::Queued(claim),
			OldPhase::Verifying { claim, opened_at, answers_until, held_until, shown } => Phase::Verifying {
				claim,
				opened_at,
				open_until: answers_until,
				held_until,
				shown,
				refuted: false,
			},
		};
		Self {
			model: old.model,
			trainer: old.trainer,
			commitment: old.commitment,
			committed_at: old.committed_at,
			opens_at: old.opens_at,
			closes_at: old.closes_at,
			head_at_commit: old.head_at_commit,
			bond: old.bond,
			terms,
			phase,
		}
	}
}

/// Makes the state that of committees drawn by stake.
pub type DrawnCommittees = VersionedMigration<
	0,
	1,
	unchecked::Stake,
	crate::Verification,
	<Runtime as frame_system::Config>::DbWeight,
>;

mod unchecked {
	use super::*;

	/// What [`DrawnCommittees`] does where the version is right.
	pub struct Stake;

	/// Lets a verifier bond what it had bonded. If it cannot, because the bond is below what is the least now or it has
	/// nothing for the deposits, it has its money back, and may join by itself.
	fn stake(who: AccountId, bond: Balance) {
		// The reason of the old bond has the index of the deposit's.
		let reason = pallet_verification::HoldReason::VerifierDeposit.into();
		let _ = Balances::release(&reason, &who, bond, Precision::BestEffort);
		let _ = with_storage_layer(|| {
			let origin = || RuntimeOrigin::from(RawOrigin::Signed(who.clone()));
			Staking::bond(origin(), Role::Verifier, bond, Perbill::zero())?;
			Verification::join(origin(), CAPACITY)
		});
	}

	/// Opens a task for what was being verified. If nobody can verify it, or its model takes no head any more, it lapses
	/// when its time is over, and all is returned.
	fn verify_again(id: SubmissionId) {
		let Some(Submission { model, terms, phase: Phase::Verifying { claim, shown, .. }, .. }) =
			Submissions::<Runtime>::get(id)
		else {
			return;
		};
		let Some(standing) = ModelRegistry::standing(&model) else { return };
		let task = TaskId::Submission(id);
		let opened = with_storage_layer(|| {
			<Verification as Committees<_>>::open(task, claim.hash, &standing.work, terms.answer_window)
		});
		if opened.is_ok() && shown {
			pallet_verification::Tasks::<Runtime>::mutate_extant(task, |task| task.shown = Some(task.asked));
		}
	}

	impl UncheckedOnRuntimeUpgrade for Stake {
		fn on_runtime_upgrade() -> Weight {
			let weight = sessions::migrate();
			let mut touched = 0u64;
			let _ = clear_storage_prefix(b"Verification", b"Tasks", b"", None, None);
			for (who, verifier) in Verifiers::take().unwrap_or_default() {
				stake(who, verifier.bond);
				// Entries of two pallets, holds, accounts, and a path of the tree.
				touched = touched.saturating_add(20);
			}
			Submissions::<Runtime>::translate::<OldSubmission, _>(|_, old| Some(old.into()));
			let verifying: Vec<_> = pallet_training::Verifying::<Runtime>::iter_values().collect();
			for id in verifying {
				verify_again(id);
				touched = touched.saturating_add(12);
			}
			let stalled: Vec<_> = Stalled::drain().collect();
			for (model, _) in stalled {
				let ended = pallet_training::Pallet::<Runtime>::advance(&model);
				touched = touched.saturating_add(u64::from(ended).saturating_add(1).saturating_mul(20));
			}
			let live = u64::try_from(Submissions::<Runtime>::iter_keys().count()).unwrap_or(u64::MAX);
			let touched = touched.saturating_add(live.saturating_mul(2));
			weight.saturating_add(
				<Runtime as frame_system::Config>::DbWeight::get().reads_writes(touched, touched),
			)
		}

		#[cfg(feature = "try-runtime")]
		fn pre_upgrade() -> Result<Vec<u8>, sp_runtime::TryRuntimeError> {
			let live = Submissions::<Runtime>::iter_keys().count();
			Ok((u64::try_from(live).unwrap_or(u64::MAX), Balances::total_issuance()).encode())
		}

		#[cfg(feature = "try-runtime")]
		fn post_upgrade(before: Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
			use codec::DecodeAll;
			use frame_support::ensure;
			let (live, issued): (u64, Balance) =
				DecodeAll::decode_all(&mut &before[..]).map_err(|_| "what was before")?;
			let now = u64::try_from(Submissions::<Runtime>::iter().count()).unwrap_or(u64::MAX);
			ensure!(now <= live, "a submission that nobody made");
			ensure!(Balances::total_issuance() == issued, "money was made or lost");
			Staking::do_try_state()?;
			Verification::do_try_state()?;
			Training::do_try_state()
		}
	}
}
