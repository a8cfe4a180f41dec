//! Having the runtime run a record about which verifiers differ. It costs nothing, and the submission stands still until
//! somebody does.

use crate::{evaluation::EvaluationError, service, service::Actor, wanted::Waiting};
use anyhow::Context as _;
use oda_client::{AccountId, ChainError, Phase, Submission, TaskPhase, View};
use oda_primitives::SubmissionId;
use std::{convert::Infallible, time::Duration};

/// How long it is waited for a block that has the record before it is sent again.
const IN_BLOCK: Duration = Duration::from_secs(30);

/// Has every record resolved about which the verifiers of a trainer's own submission differ, for as long as this is awaited: its claim
/// would lapse otherwise. It ends by an error alone.
pub(crate) async fn defend(
	actor: &Actor,
	trainer: &AccountId,
	commitment: &[u8; 32],
) -> Result<Infallible, ChainError> {
	let mut own = None;
	let mut view = actor.chain.defence_view().await?;
	loop {
		match disputed(&view, trainer, commitment, &mut own).await {
			Ok(Some((id, record))) => {
				if let Err(error) = resolve(actor, id, record).await {
					tracing::warn!(
						submission = id,
						record,
						error = format!("{error:#}"),
						"a dispute is not resolved yet"
					);
				}
			}
			Ok(None) => {}
			Err(error @ ChainError::AnotherChain(_)) => return Err(error),
			Err(error) => tracing::warn!(%error, "whether verifiers differ is not known"),
		}
		view = service::next(&actor.chain, &view).await?;
	}
}

/// The record about which the verifiers of a submission differ, if they do. The submission is sought until it is `own`.
async fn disputed(
	view: &View,
	trainer: &AccountId,
	commitment: &[u8; 32],
	own: &mut Option<SubmissionId>,
) -> Result<Option<(SubmissionId, u32)>, ChainError> {
	let ours =
		|submission: &Submission| submission.trainer == *trainer && submission.commitment == *commitment;
	// On another fork it may have another number.
	let found = match *own {
		Some(id) => view.submission(id).await?.filter(ours),
		None => None,
	};
	*own = match found {
		Some(_) => *own,
		None => view.submissions().await?.into_iter().find(ours).map(|submission| submission.id),
	};
	let Some(id) = *own else { return Ok(None) };
	Ok(match view.task(id).await?.map(|task| task.phase) {
		Some(TaskPhase::Disputed { record, .. }) => Some((id, record)),
		_ => None,
	})
}

/// Sees to it that a disputed record is resolved, by this process or by another; waits for weights and data.
pub(crate) async fn resolve(actor: &Actor, id: SubmissionId, record: u32) -> anyhow::Result<()> {
	let Actor { context, chain, .. } = actor;
	let mut waiting = Waiting::new(context, chain);
	let mut view = chain.defence_view().await?;
	loop {
		let disputed = match view.task(id).await?.map(|task| task.phase) {
			Some(TaskPhase::Disputed { record: now, until }) => now == record && view.tick().await? < until,
			_ => false,
		};
		let Some(submission) = view.submission(id).await?.filter(|_| disputed) else { return Ok(()) };
		let Phase::Verifying { claim, .. } = submission.phase else { return Ok(()) };
		let spec = view.spec(submission.model).await?.context("the model has no specification")?;
		let bench = context.bench().await?;
		bench.check_limits(&spec, &claim.weights)?;
		let evidence = match bench.evidence(&spec, &claim.weights, record).await {
			Ok(evidence) => evidence,
			Err(EvaluationError::Missing(blob)) => {
				waiting.wait(blob).await?;
				view = chain.defence_view().await?;
				continue;
			}
			Err(error) => return Err(error.into()),
		};
		let cost = view.resolution_cost(submission.model).await?.context("the model has no price")?;
		let call = chain.resolve_dispute(id, record, evidence.proof, evidence.weights, cost);
		let sent = async {
			let mut sent = call.send().await?;
			match tokio::time::timeout(IN_BLOCK, sent.in_block()).await {
				Ok(done) => done,
				Err(_) => Err(ChainError::NodeAway("no block has the disputed record yet".to_owned())),
			}
		};
		match sent.await {
			Ok((resolved, receipt)) => {
				context.output().event(
					"dispute_resolved",
					format!(
						"submission {id}: the runtime ran record {record}, about which verifiers differed, in block {}: it \
						 scores {}, and was claimed {}",
						receipt.block, resolved.actual, resolved.claimed
					),
					serde_json::json!({
						"submission": id,
						"record": record,
						"claimed": resolved.claimed,
						"actual": resolved.actual,
						"receipt": receipt,
					}),
				);
				// A fork may have it that is left.
				while view.number() < receipt.block {
					view = service::next(chain, &view).await?;
				}
			}
			Err(error @ ChainError::AnotherChain(_)) => return Err(error.into()),
			// Most often somebody else was first.
			Err(error) => {
				tracing::debug!(submission = id, record, %error, "the disputed record is not resolved by this");
				view = service::next(chain, &view).await?;
			}
		}
	}
}
