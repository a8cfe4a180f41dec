//! Answers that are composed from several pallets, for the runtime API.

pub(crate) mod inference;

use crate::{configs::protocol, parameters::governed::training, *};
use oda_evaluator::ModelSpec;
use oda_pallet_traits::Work;
use oda_primitives::{ModelId, SubmissionId, TaskId};
use oda_runtime_api::{Costs, ModelOverview, Stage, SubmissionOverview};
use pallet_training::Phase;
use sp_runtime::traits::{Convert, Get};

/// A model.
pub(crate) fn model(id: ModelId) -> Option<ModelOverview<AccountId, Balance>> {
	let model = ModelRegistry::model(id)?;
	let work = Work { cost: model.cost, records: model.records, bytes: model.bytes };
	Some(ModelOverview {
		id,
		registrar: model.registrar,
		parent: model.parent,
		status: model.status,
		head: ModelRegistry::head(id),
		records: model.records,
		cost: model.cost,
		evaluation_weight: protocol::EvaluationWeight::convert(model.cost),
		fee: Training::fee(work),
		attest_window: protocol::AttestWindow::convert(work),
		verifying: Training::verifying(id),
		queue: Training::queue(id),
	})
}

/// A live submission.
pub(crate) fn submission(id: SubmissionId) -> Option<SubmissionOverview<AccountId>> {
	let submission = Training::submission(id)?;
	let stage = match submission.phase {
		Phase::Committed => {
			Stage::Committed { opens_at: submission.opens_at, closes_at: submission.closes_at }
		}
		Phase::Queued(claim) => Stage::Queued { weights: claim.weights, score: claim.score },
		Phase::Verifying { claim, open_until, .. } => {
			let task = pallet_verification::Tasks::<Runtime>::get(TaskId::Submission(id));
			Stage::Verifying {
				weights: claim.weights,
				score: claim.score,
				open_until,
				passed_at: task.as_ref().and_then(|task| match task.phase {
					pallet_verification::Phase::Passed { at } => Some(at),
					_ => None,
				}),
				answers: task.map_or(0, |task| task.opened),
				challengers: count(Training::challenge_commitments(id).len()),
			}
		}
	};
	Some(SubmissionOverview { model: submission.model, trainer: submission.trainer, stage })
}

/// What registering a model and submitting weights to it put on hold: the prices of the very footprints and bonds that
/// the pallets take.
pub(crate) fn costs(spec: &ModelSpec) -> Option<Costs<Balance>> {
	let cost = ModelRegistry::check_spec(spec).ok()?;
	let packed = spec.score_kind().packed_bytes(spec.records());
	let deposit = protocol::StoragePrice::convert;
	Some(Costs {
		announcement: deposit(ModelRegistry::announcement_footprint()),
		model: deposit(ModelRegistry::footprint(spec)),
		bond: training::TrainerBond::get(),
		fee: Training::fee(ModelRegistry::work(spec, cost)),
		scores: deposit(Training::scores_footprint(usize::try_from(packed).ok()?)),
		weights: deposit(Training::known_footprint()),
	})
}

/// A bounded list's length.
fn count(len: usize) -> u32 {
	u32::try_from(len).unwrap_or(u32::MAX)
}
