//! Answers that are composed from several pallets, for the runtime API.

use crate::{configs::protocol, *};
use frame_support::traits::Get;
use oda_evaluator::Evaluator;
use oda_primitives::{ModelId, SubmissionId};
use oda_runtime_api::{ModelOverview, Stage, SubmissionOverview};
use pallet_training::Phase;
use sp_runtime::traits::Convert;

/// A model.
pub(crate) fn model(id: ModelId) -> Option<ModelOverview<AccountId, Balance>> {
	let model = ModelRegistry::model(id)?;
	let task = (model.cost, model.records);
	Some(ModelOverview {
		id,
		registrar: model.registrar,
		parent: model.parent,
		status: model.status,
		head: ModelRegistry::head(id),
		records: model.records,
		cost: model.cost,
		evaluation_weight: protocol::EvaluationWeight::convert(model.cost),
		fee: protocol::FeeBase::get().saturating_add(protocol::VerificationFee::convert(task)),
		attest_window: protocol::AttestWindow::convert(task),
		judged: Training::judged(id),
		queue: Training::queue(id),
	})
}

/// A record's score under these weights.
pub(crate) fn score(model: ModelId, weights: &[u8], record: &[u8]) -> Option<i32> {
	let spec = ModelRegistry::spec(model)?;
	// A record of another length is refused before the weights are looked at.
	if spec.record_bytes() != u64::try_from(record.len()).ok()? {
		return None;
	}
	let evaluator = Evaluator::new(&spec.graph, weights).ok()?;
	spec.score_record(&evaluator, record).ok()
}

/// A live submission.
pub(crate) fn submission(id: SubmissionId) -> Option<SubmissionOverview<AccountId>> {
	let submission = Training::submission(id)?;
	let stage = match submission.phase {
		Phase::Committed => Stage::Committed {
			opens_at: submission.committed_at.saturating_add(protocol::MinCommitAge::get()),
			closes_at: submission.committed_at.saturating_add(protocol::RevealWindow::get()),
		},
		Phase::Queued(claim) => Stage::Queued { weights: claim.weights, score: claim.score },
		Phase::Judged { claim, answers_until, .. } => {
			let task = Verification::task(id);
			Stage::Judged {
				weights: claim.weights,
				score: claim.score,
				answers_until,
				passed_at: task.as_ref().and_then(|task| task.passed_at),
				answers: task.map_or(0, |task| count(task.answers.len())),
				notes: count(Training::notes(id).len()),
			}
		}
	};
	Some(SubmissionOverview { model: submission.model, trainer: submission.trainer, stage })
}

/// A bounded list's length.
fn count(len: usize) -> u32 {
	u32::try_from(len).unwrap_or(u32::MAX)
}
