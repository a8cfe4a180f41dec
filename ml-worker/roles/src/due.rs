//! What has become due for a submission, so that settling it does something.

use oda_client::{ChainError, ChallengeCommitment, Demand, Phase, Submission, Target, TaskPhase, View};
use oda_primitives::Tick;

/// The tick from which on settling does something, as far as this state says; `None` if it depends on what
/// others will do.
pub fn due_at(
	submission: &Submission,
	task: Option<&TaskPhase>,
	commitments: &[ChallengeCommitment],
	demand: Option<&Demand>,
	model_is_free: bool,
) -> Option<Tick> {
	match &submission.phase {
		Phase::Committed => Some(submission.closes_at),
		Phase::Queued { .. } => model_is_free.then_some(0),
		Phase::Verifying { open_until, held_until, challenge_window, shown, refuted, .. } => {
			// Expired challenge commitments are cleared away by settling, and until then nothing else is done.
			// And weights that nobody showed end it.
			let mut expiries: Vec<_> = commitments.iter().map(|commitment| commitment.expires_at).collect();
			if *refuted {
				return Some(expiries.into_iter().min().unwrap_or_default());
			}
			expiries.extend(demand.map(|demand| demand.until));
			if let Some(expiry) = expiries.into_iter().min() {
				return Some(expiry);
			}
			let verified = match task? {
				// Settling demands the weights.
				TaskPhase::Unavailable if !*shown => return Some(0),
				TaskPhase::Passed { at } => at.saturating_add(*challenge_window).max(*open_until),
				TaskPhase::Lapsed | TaskPhase::Unavailable => *open_until,
				// It depends on what its verifiers do.
				TaskPhase::Drawing { .. }
				| TaskPhase::Committing { .. }
				| TaskPhase::Sealed { .. }
				| TaskPhase::Opening { .. }
				| TaskPhase::Disputed { .. } => return None,
			};
			Some(verified.max(*held_until))
		}
	}
}

/// The tick from which on settling a submission does something, in this state.
pub async fn due(view: &View, submission: &Submission) -> Result<Option<Tick>, ChainError> {
	let (mut task, mut commitments, mut demand, mut free) = (None, Vec::new(), None, false);
	match submission.phase {
		Phase::Committed => {}
		Phase::Queued { .. } => free = view.verifying(submission.model).await?.is_none(),
		Phase::Verifying { .. } => {
			task = view.task(submission.id).await?.map(|task| task.phase);
			commitments = view.challenge_commitments(submission.id).await?;
			demand = view.demand(Target::Submission(submission.id)).await?;
		}
	}
	Ok(due_at(submission, task.as_ref(), &commitments, demand.as_ref(), free))
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::{AccountId, Claim};
	use oda_primitives::BlobRef;

	fn submission(phase: Phase) -> Submission {
		Submission {
			id: 1,
			model: [0; 32],
			trainer: AccountId([1; 32]),
			commitment: [0; 32],
			committed_at: 7,
			opens_at: 11,
			closes_at: 107,
			head_at_commit: None,
			bond: 0,
			phase,
		}
	}

	fn claim() -> Claim {
		Claim { weights: BlobRef::of(b""), score: 0, hash: [0; 32], fee: 0, revealed_at: 12 }
	}

	fn verifying() -> Submission {
		submission(Phase::Verifying {
			claim: claim(),
			opened_at: 12,
			open_until: 50,
			held_until: 0,
			challenge_window: 20,
			shown: false,
			refuted: false,
		})
	}

	fn commitment(expires_at: Tick) -> ChallengeCommitment {
		let who = AccountId([2; 32]);
		ChallengeCommitment { who, commitment: [0; 32], bond: 0, opens_at: 22, expires_at }
	}

	#[test]
	fn an_unrevealed_commitment_is_due_when_its_window_closes() {
		assert_eq!(due_at(&submission(Phase::Committed), None, &[], None, true), Some(107));
	}

	#[test]
	fn a_passed_task_is_due_after_both_windows() {
		assert_eq!(due_at(&verifying(), Some(&TaskPhase::Passed { at: 15 }), &[], None, false), Some(50));
		assert_eq!(due_at(&verifying(), Some(&TaskPhase::Passed { at: 45 }), &[], None, false), Some(65));
	}

	#[test]
	fn a_task_that_lapsed_is_due_when_the_window_closes() {
		assert_eq!(due_at(&verifying(), Some(&TaskPhase::Lapsed), &[], None, false), Some(50));
	}

	#[test]
	fn nothing_is_due_while_verifiers_are_drawn_deliberate_or_differ() {
		for phase in [
			TaskPhase::Drawing { ready: 1, until: 70 },
			TaskPhase::Committing { until: 70 },
			TaskPhase::Sealed { until: 70 },
			TaskPhase::Opening { until: 70 },
			TaskPhase::Disputed { record: 1, until: 70 },
		] {
			assert_eq!(due_at(&verifying(), Some(&phase), &[], None, false), None);
		}
	}

	#[test]
	fn a_refuted_submission_is_due_when_nobody_can_challenge_it_any_more() {
		let mut refuted = verifying();
		if let Phase::Verifying { refuted, .. } = &mut refuted.phase {
			*refuted = true;
		}
		let task = TaskPhase::Opening { until: 70 };
		assert_eq!(due_at(&refuted, Some(&task), &[], None, false), Some(0));
		assert_eq!(due_at(&refuted, Some(&task), &[commitment(80)], None, false), Some(80));
	}

	#[test]
	fn a_challenge_commitment_is_cleared_when_it_expires() {
		let two = [commitment(90), commitment(80)];
		assert_eq!(due_at(&verifying(), Some(&TaskPhase::Passed { at: 15 }), &two, None, false), Some(80));
	}

	#[test]
	fn demanded_weights_are_due_when_their_time_is_over() {
		let demand = Demand {
			target: Target::Submission(1),
			who: Some(AccountId([2; 32])),
			bond: 0,
			price: 0,
			weights: BlobRef::of(b""),
			until: 45,
		};
		let due = |commitments: &[ChallengeCommitment]| {
			due_at(&verifying(), Some(&TaskPhase::Passed { at: 15 }), commitments, Some(&demand), false)
		};
		assert_eq!(due(&[]), Some(45));
		assert_eq!(due(&[commitment(40)]), Some(40));
	}

	#[test]
	fn weights_that_most_verifiers_cannot_get_are_due_to_be_demanded() {
		assert_eq!(due_at(&verifying(), Some(&TaskPhase::Unavailable), &[], None, false), Some(0));
	}

	#[test]
	fn a_queued_submission_waits_for_the_one_before() {
		let queued = submission(Phase::Queued { claim: claim() });
		assert_eq!(due_at(&queued, None, &[], None, false), None);
		assert_eq!(due_at(&queued, None, &[], None, true), Some(0));
	}
}
