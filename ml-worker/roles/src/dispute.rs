//! Having the runtime run a record about which verifiers differ. It costs nothing, and the submission stands still until
//! somebody does.

use crate::{evaluation::EvaluationError, service, service::Actor, wanted::Waiting};
use anyhow::Context as _;
use oda_client::{ChainError, Phase, TaskPhase};
use oda_primitives::SubmissionId;
use std::time::Duration;

/// How long it is waited for a block that has the record before it is sent again.
const IN_BLOCK: Duration = Duration::from_secs(30);

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
