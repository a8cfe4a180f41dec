//! A provider who signs one wrong answer, for the true weights.

use crate::LOOK_AGAIN;
use anyhow::Result;
use clap::Args;
use oda_client::{Chain, ChainError, ChannelPhase, Key, Offer, OfferTerms, OfferedModel};
use oda_e2e::process::stopped;
use oda_evaluator::{Evaluator, Graph};
use oda_inference::api::Terms;
use oda_primitives::{ChannelId, ModelId, VersionId, inference::Price};
use oda_provider::{
	Config, Engine, RunError, Server,
	chain::{self as seen, Away, Reply},
};
use serde_json::json;
use std::{
	future::ready,
	net::SocketAddr,
	path::PathBuf,
	sync::{
		Arc,
		atomic::{AtomicU64, Ordering},
	},
};

/// How it serves.
#[derive(Args)]
pub(crate) struct Serve {
	/// The address and port at which requests are taken.
	#[arg(long)]
	bind: SocketAddr,
	/// The price of a request, in planck.
	#[arg(long)]
	price: u128,
	/// How many inputs are answered rightly before the one that is not.
	#[arg(long, default_value_t = 0)]
	after: u64,
}

impl Serve {
	/// Serves a model's head until it is told to stop. Vouchers stay in `folder`; it redeems none.
	pub(crate) async fn run(
		self,
		chain: Chain,
		key: Key,
		folder: PathBuf,
		(model, served): (ModelId, seen::Model),
		weights: Vec<u8>,
	) -> Result<()> {
		let (account, price) = (key.account(), Price { per_request: self.price, per_mmac: 0 });
		let grace = chain.finalised().await?.inference_terms().await?.min_grace;
		let endpoint = format!("http://{}", self.bind);
		let offer = Offer {
			endpoint: endpoint.clone(),
			key: account,
			models: vec![OfferedModel { model, price }],
			terms: OfferTerms { grace, answer: grace },
			max_count: 64,
		};
		chain.set_offer(&key, &offer).await?;
		let offer = seen::Offer {
			provider: account,
			endpoint,
			key: account,
			models: vec![(model, price)],
			terms: Terms { grace, answer: grace },
			max_count: offer.max_count,
		};
		let liar = Liar {
			version: served.version,
			graph: Arc::clone(&served.graph),
			weights,
			after: self.after,
			answered: AtomicU64::new(0),
		};
		let seen = Arc::new(Seen { chain, model, served, offer });
		let handle = Server::start(Config::new(self.bind, folder, key), seen, Arc::new(liar)).await?;
		// Before that it refuses everybody.
		while handle.head().is_none() {
			tokio::time::sleep(LOOK_AGAIN).await;
		}
		println!("{}", json!({ "event": "serving", "account": account, "address": self.bind }));
		stopped().await
	}
}

/// Evaluates with the true weights, and changes one output.
struct Liar {
	version: VersionId,
	graph: Arc<Graph>,
	weights: Vec<u8>,
	after: u64,
	answered: AtomicU64,
}

fn failed(error: impl ToString) -> RunError {
	RunError::Failed(error.to_string())
}

impl Engine for Liar {
	fn is_ready(&self, _: &ModelId, version: VersionId) -> bool {
		version == self.version
	}

	fn run(&self, _: &ModelId, _: VersionId, inputs: &[&[u8]]) -> Result<Vec<Vec<u8>>, RunError> {
		let evaluator = Evaluator::new(&self.graph, &self.weights).map_err(failed)?;
		let answer = |input: &&[u8]| {
			let outputs = evaluator.run(input).map_err(failed)?;
			let mut bytes: Vec<u8> = outputs.iter().flat_map(|output| output.to_le_bytes()).collect();
			if self.answered.fetch_add(1, Ordering::Relaxed) == self.after {
				// Other classes have the scores.
				let half = bytes.len() / 2;
				bytes.rotate_left(half);
			}
			Ok(bytes)
		};
		inputs.iter().map(answer).collect()
	}
}

/// The chain, as the server asks about it. What is served stays as it was.
struct Seen {
	chain: Chain,
	model: ModelId,
	served: seen::Model,
	offer: seen::Offer,
}

fn away(error: ChainError) -> Away {
	Away(error.to_string())
}

impl seen::Chain for Seen {
	fn genesis(&self) -> [u8; 32] {
		self.chain.genesis()
	}

	fn head(&self) -> Reply<'_, seen::Head> {
		Box::pin(async move {
			let view = self.chain.finalised().await.map_err(away)?;
			let tick = view.tick().await.map_err(away)?;
			let made = view.made().await.map_err(away)?;
			Ok(seen::Head { hash: view.hash().0, number: view.number(), tick, made })
		})
	}

	fn offer(&self, _: [u8; 32]) -> Reply<'_, Option<seen::Offer>> {
		Box::pin(ready(Ok(Some(self.offer.clone()))))
	}

	fn model(&self, _: [u8; 32], model: ModelId) -> Reply<'_, Option<seen::Model>> {
		Box::pin(ready(Ok((model == self.model).then(|| self.served.clone()))))
	}

	fn channel(&self, at: [u8; 32], channel: ChannelId) -> Reply<'_, Option<seen::Channel>> {
		Box::pin(async move {
			let view = self.chain.at_hash(at).await.map_err(away)?;
			let channel = view.channel(channel).await.map_err(away)?;
			Ok(channel.map(|channel| seen::Channel {
				provider: channel.provider,
				model: channel.model,
				key: channel.key,
				receipt_key: channel.receipt_key,
				price: channel.price,
				deposit: channel.deposit,
				claimed: channel.claimed,
				receipts: channel.receipts,
				expires_at: channel.expires_at,
				state: match channel.phase {
					ChannelPhase::Open => seen::ChannelState::Open,
					ChannelPhase::Closing(at) => seen::ChannelState::Closing { at },
					ChannelPhase::Closed(until) => seen::ChannelState::Closed { until },
				},
			}))
		})
	}

	fn is_coming(&self, channel: ChannelId) -> Reply<'_, bool> {
		Box::pin(async move {
			let view = self.chain.best().await.map_err(away)?;
			Ok(view.channel(channel).await.map_err(away)?.is_some())
		})
	}
}
