//! Requests on the chain: found, answered, and settled once nobody can dispute the answer.

use super::{Agent, SEND_AGAIN};
use crate::background::Again;
use anyhow::{Context as _, ensure};
use oda_client::{Chain, ChainError, OneShot, OneShotPhase, View};
use oda_primitives::{BlobRef, Payment, Receipt, RequestId, Tick, inference::request_hash};
use oda_provider::Engine as _;
use serde_json::json;
use std::{collections::HashMap, sync::Arc};

/// Blocks back whose events are looked through for the inputs of requests.
const LOOK_BACK: u64 = 200;

/// Ticks that an answer may take into a block, beyond those for which it can be disputed.
const SLACK: Tick = 60;

/// The inputs of the requests that wait for an answer: the chain keeps them in events alone.
#[derive(Default)]
pub(super) struct Inputs {
	found: HashMap<RequestId, Arc<Vec<u8>>>,
	/// The last block whose events need not be looked at.
	scanned: u64,
}

impl Inputs {
	/// Finds the inputs of requests in final blocks up to `last`, and forgets those of others.
	pub(super) async fn look(
		&mut self,
		chain: &Chain,
		last: u64,
		requests: &[OneShot],
	) -> Result<(), ChainError> {
		let waits = |request: &&OneShot| matches!(request.phase, OneShotPhase::Asked(_));
		let waiting: HashMap<_, _> = requests.iter().filter(waits).map(|r| (r.id, r.input)).collect();
		self.found.retain(|id, _| waiting.contains_key(id));
		if waiting.len() == self.found.len() {
			self.scanned = self.scanned.max(last);
			return Ok(());
		}
		for number in self.scanned.max(last.saturating_sub(LOOK_BACK)) + 1..=last {
			// What lies on the best chain alone is looked at once it is final.
			let Some(at) = chain.at(number).await? else { return Ok(()) };
			match at.one_shot_inputs().await {
				Ok(inputs) => {
					for (id, input) in inputs {
						if waiting.get(&id) == Some(&BlobRef::of(&input).root) {
							self.found.insert(id, Arc::new(input));
						}
					}
				}
				Err(error) => {
					tracing::warn!(block = number, %error, "requests of this block are not answered")
				}
			}
			self.scanned = number;
		}
		Ok(())
	}

	pub(super) fn of(&self, request: RequestId) -> Option<Arc<Vec<u8>>> {
		self.found.get(&request).cloned()
	}
}

/// What is to be done about a request at a tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
	/// It is to be answered.
	Answer,
	/// It is to be settled.
	Settle,
}

/// What is to be done about a request, if anything.
pub(super) fn due(request: &OneShot, tick: Tick) -> Option<Due> {
	match request.phase {
		OneShotPhase::Asked(until) => (tick < until).then_some(Due::Answer),
		OneShotPhase::Answered(_, until) => (tick >= until).then_some(Due::Settle),
	}
}

impl Agent {
	/// The requests of the account's.
	pub(super) async fn requests(&self, view: &View) -> Result<Vec<OneShot>, ChainError> {
		let account = self.key.account();
		Ok(view.one_shots().await?.into_iter().filter(|request| request.provider == account).collect())
	}

	/// Answers a request by the head, if that is loaded.
	pub(super) async fn answer(&self, request: OneShot, input: Arc<Vec<u8>>) -> anyhow::Result<Again> {
		let chain = &self.actor.chain;
		if request.receipt_key != self.receipt_key.account() {
			tracing::warn!(
				request = request.id,
				"its receipt is to be signed by a key that is not this one's"
			);
			return Ok(Again::Never);
		}
		let headed = self.seen.headed(&chain.finalised().await?, request.model).await?;
		let loaded = headed.filter(|headed| {
			headed.head.number >= request.version && self.loaded.is_ready(&request.model, headed.head.number)
		});
		let Some(headed) = loaded else { return Ok(Again::After(1)) };
		let (model, version) = (request.model, headed.head.number);
		let each = usize::try_from(headed.graph.input_bytes())?;
		ensure!(
			each > 0 && input.len() == each * usize::try_from(request.count)?,
			"inputs of another length"
		);
		let output = {
			let _turn = self.turn.acquire().await;
			let loaded = Arc::clone(&self.loaded);
			let run = move || {
				let inputs: Vec<&[u8]> = input.chunks_exact(each).collect();
				loaded.run(&model, version, &inputs)
			};
			tokio::task::spawn_blocking(run).await.context("evaluating")??.concat()
		};
		let view = chain.finalised().await?;
		let (tick, terms) = (view.tick().await?, view.inference_terms().await?);
		let slack = SLACK.min(terms.receipt_life.saturating_sub(request.dispute));
		let receipt = Receipt {
			payment: Payment::OneShot(request.id),
			request: request_hash(&model, &request.input, request.count),
			weights: headed.head.weights.root,
			input: request.input,
			output: BlobRef::of(&output).root,
			count: request.count,
			price: request.price,
			nonce: 0,
			expires: tick.saturating_add(request.dispute).saturating_add(slack),
		};
		let signature = self.receipt_key.signed(&receipt.message(&chain.genesis()));
		let id = request.id;
		let answer = chain.answer_request(&self.key, id, version, output, receipt.expires, signature);
		match answer.await {
			Ok(receipt) => self.actor.context.output().event(
				"answered",
				format!("request {id}: answered by version {version} in block {}", receipt.block),
				json!({ "request": id, "version": version, "receipt": receipt }),
			),
			// It came too late, or too late for what it says.
			Err(error @ ChainError::Module { .. }) => {
				tracing::warn!(request = id, %error, "not answered")
			}
			Err(error) => return Err(error.into()),
		}
		Ok(Again::After(SEND_AGAIN))
	}

	/// Has an answer paid.
	pub(super) async fn settle(&self, request: RequestId) -> anyhow::Result<Again> {
		match self.actor.chain.settle_request(&self.key, request).await {
			Ok(receipt) => self.actor.context.output().event(
				"settled",
				format!("request {request}: paid in block {}", receipt.block),
				json!({ "request": request, "receipt": receipt }),
			),
			// Somebody else was first.
			Err(error @ ChainError::Module { .. }) => tracing::info!(request, %error, "not settled"),
			Err(error) => return Err(error.into()),
		}
		Ok(Again::After(SEND_AGAIN))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::AccountId;

	fn request(phase: OneShotPhase) -> OneShot {
		OneShot {
			id: 3,
			user: AccountId([1; 32]),
			provider: AccountId([2; 32]),
			model: [3; 32],
			version: 0,
			receipt_key: AccountId([2; 32]),
			input: [4; 32],
			count: 1,
			price: 5,
			dispute: 10,
			phase,
		}
	}

	#[test]
	fn a_request_is_answered_in_time_or_not_at_all() {
		let asked = request(OneShotPhase::Asked(20));
		assert_eq!([19, 20].map(|tick| due(&asked, tick)), [Some(Due::Answer), None]);
	}

	#[test]
	fn an_answer_is_settled_once_it_cannot_be_disputed() {
		let answered = request(OneShotPhase::Answered(0, 20));
		assert_eq!([19, 20].map(|tick| due(&answered, tick)), [None, Some(Due::Settle)]);
	}
}
