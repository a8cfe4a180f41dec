//! What has become due for a submission, so that settling it does something.

use oda_client::{ChainError, Demand, Note, Parameters, Phase, Submission, Target, Task, View};
use oda_primitives::Tick;

/// The tick from which on settling does something, as far as this state says; `None` if it depends on what
/// others will do.
pub fn due_at(
	submission: &Submission,
	parameters: &Parameters,
	task: Option<&Task>,
	notes: &[Note],
	demand: Option<&Demand>,
	model_is_free: bool,
) -> Option<Tick> {
	match &submission.phase {
		Phase::Committed => Some(submission.committed_at.saturating_add(parameters.reveal_window)),
		Phase::Queued { .. } => model_is_free.then_some(0),
		Phase::Judged { answers_until, held_until, .. } => {
			// Expired notes are cleared away by settling, and until then nothing else is done.
			// And weights that nobody showed end it.
			let expiries = notes.iter().map(|note| note.expires_at);
			if let Some(expiry) = expiries.chain(demand.map(|demand| demand.until)).min() {
				return Some(expiry);
			}
			let judged = match task {
				None => 0,
				Some(Task { passed_at: Some(at), .. }) => {
					at.saturating_add(parameters.challenge_window).max(*answers_until)
				}
				Some(task) => task.until,
			};
			Some(judged.max(*held_until))
		}
	}
}

/// The tick from which on settling a submission does something, in this state.
pub async fn due(view: &View, submission: &Submission) -> Result<Option<Tick>, ChainError> {
	let parameters = view.parameters()?;
	let (mut task, mut notes, mut demand, mut free) = (None, Vec::new(), None, false);
	match submission.phase {
		Phase::Committed => {}
		Phase::Queued { .. } => free = view.judged(submission.model).await?.is_none(),
		Phase::Judged { .. } => {
			task = view.task(submission.id).await?;
			notes = view.notes(submission.id).await?;
			demand = view.demand(Target::Submission(submission.id)).await?;
		}
	}
	Ok(due_at(submission, &parameters, task.as_ref(), &notes, demand.as_ref(), free))
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::{AccountId, Claim, Weight};
	use oda_primitives::BlobRef;

	const PARAMETERS: Parameters = Parameters {
		fee_base: 0,
		trainer_bond: 0,
		challenge_bond: 0,
		min_commit_age: 4,
		reveal_window: 100,
		challenge_window: 20,
		min_note_age: 2,
		note_lifetime: 10,
		bond_per_mib: 0,
		min_stake: 0,
		head_replicas: 3,
		head_rounds: 168,
		head_price_per_mib: 1,
		head_max_len: 1 << 30,
		min_price: 1,
		deal_deposit: 1,
		existential_deposit: 1,
		demand_window: 30,
		judge_patience: 50,
		min_bounty: 0,
		max_bounty_term: 0,
		max_evaluation: Weight { ref_time: 0, proof_size: 0 },
		max_weights_bytes: 0,
	};

	fn submission(phase: Phase) -> Submission {
		Submission {
			id: 1,
			model: [0; 32],
			trainer: AccountId([1; 32]),
			commitment: [0; 32],
			committed_at: 7,
			head_at_commit: None,
			bond: 0,
			phase,
		}
	}

	fn judged() -> Submission {
		let claim = Claim { weights: BlobRef::of(b""), score: 0, fee: 0, revealed_at: 12 };
		submission(Phase::Judged { claim, opened_at: 12, answers_until: 50, held_until: 0, shown: false })
	}

	fn task(passed_at: Option<Tick>) -> Task {
		Task { id: 1, members: vec![], quorum: 1, opened_at: 12, until: 50, answers: vec![], passed_at }
	}

	fn note(expires_at: Tick) -> Note {
		Note { who: AccountId([2; 32]), note: [0; 32], bond: 0, posted_at: 20, expires_at }
	}

	#[test]
	fn an_unrevealed_commitment_is_due_when_its_window_closes() {
		assert_eq!(due_at(&submission(Phase::Committed), &PARAMETERS, None, &[], None, true), Some(107));
	}

	#[test]
	fn a_passed_task_is_due_after_both_windows() {
		assert_eq!(due_at(&judged(), &PARAMETERS, Some(&task(Some(15))), &[], None, false), Some(50));
		assert_eq!(due_at(&judged(), &PARAMETERS, Some(&task(Some(45))), &[], None, false), Some(65));
	}

	#[test]
	fn a_task_that_did_not_pass_is_due_at_its_end() {
		assert_eq!(due_at(&judged(), &PARAMETERS, Some(&task(None)), &[], None, false), Some(50));
	}

	#[test]
	fn a_note_is_cleared_when_it_expires() {
		let notes = [note(90), note(80)];
		assert_eq!(due_at(&judged(), &PARAMETERS, Some(&task(Some(15))), &notes, None, false), Some(80));
	}

	#[test]
	fn demanded_weights_are_due_when_their_time_is_over() {
		let demand = Demand {
			target: Target::Submission(1),
			who: AccountId([2; 32]),
			bond: 0,
			weights: BlobRef::of(b""),
			until: 45,
		};
		let due = |notes: &[Note]| {
			due_at(&judged(), &PARAMETERS, Some(&task(Some(15))), notes, Some(&demand), false)
		};
		assert_eq!(due(&[]), Some(45));
		assert_eq!(due(&[note(40)]), Some(40));
	}

	#[test]
	fn a_queued_submission_waits_for_the_one_before() {
		let claim = Claim { weights: BlobRef::of(b""), score: 0, fee: 0, revealed_at: 12 };
		let queued = submission(Phase::Queued { claim });
		assert_eq!(due_at(&queued, &PARAMETERS, None, &[], None, false), None);
		assert_eq!(due_at(&queued, &PARAMETERS, None, &[], None, true), Some(0));
	}
}
