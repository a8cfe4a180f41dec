//! What is measured in: the networks, a chain that is played, users.

use anyhow::{Context, Result};
use clap::ValueEnum;
use oda_client::{AccountId, Key};
use oda_evaluator::{Graph, ModelSpec, testing::networks};
use oda_inference::api::{InferRequest, Input, SignedVoucher, Terms};
use oda_primitives::{ChannelId, ModelId, VersionId, Voucher, inference::Price};
use oda_provider::{
	Away, Chain,
	chain::{Channel, ChannelState, Head, Model, Offer, Reply},
};
use std::{
	fs,
	path::Path,
	sync::Arc,
	time::{Duration, SystemTime},
};

pub(crate) const GENESIS: [u8; 32] = [7; 32];
pub(crate) const MODEL: ModelId = [1; 32];
pub(crate) const VERSION: VersionId = 0;
const PROVIDER: AccountId = AccountId([5; 32]);
const PRICE: Price = Price { per_request: 1_000, per_mmac: 10 };

/// Time between two blocks of the chain.
const BLOCK: Duration = Duration::from_secs(3);

/// A network that is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Network {
	/// The demonstration's.
	Digits,
	/// ResNet-20 for images of 32 × 32.
	Resnet20,
	/// A wide ResNet for such images.
	WideResnet,
}

/// A network with its weights.
pub(crate) struct Loaded {
	pub(crate) graph: Graph,
	pub(crate) weights: Vec<u8>,
	pub(crate) card: Option<Vec<u8>>,
}

impl Network {
	/// What it is called on the page.
	pub(crate) fn name(self) -> &'static str {
		match self {
			Self::Digits => "The demonstration's network, images of 8 × 8",
			Self::Resnet20 => "ResNet-20, images of 32 × 32",
			Self::WideResnet => "A ResNet of 14 layers, eight times as wide, images of 32 × 32",
		}
	}

	pub(crate) fn load(self) -> Result<Loaded> {
		match self {
			Self::Digits => {
				let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits");
				let read = |name: &str| fs::read(folder.join(name)).with_context(|| name.to_owned());
				let spec: ModelSpec = serde_json::from_slice(&read("model.json")?)?;
				let (weights, card) = (read("trained.bin")?, Some(read("card.json")?));
				Ok(Loaded { graph: spec.graph, weights, card })
			}
			Self::Resnet20 => Ok(Loaded::random(networks::resnet20())),
			Self::WideResnet => Ok(Loaded::random(networks::wide_resnet())),
		}
	}
}

impl Loaded {
	fn random(graph: Graph) -> Self {
		let weights = networks::weights(&graph, 1);
		Self { graph, weights, card: None }
	}

	/// The body of a request of so many inputs.
	pub(crate) fn question(&self, count: usize) -> Result<Vec<u8>> {
		let bytes = networks::inputs(&self.graph, count, 2);
		let each = bytes.len().checked_div(count).filter(|each| *each > 0).context("an input has bytes")?;
		let inputs = bytes.chunks(each).map(|input| Input::Tensor(input.to_vec())).collect();
		Ok(serde_json::to_vec(&InferRequest { model: MODEL, inputs })?)
	}

	/// What such a request costs, in planck.
	pub(crate) fn price(&self, count: u32) -> Result<u128> {
		Ok(PRICE.of(self.graph.validate()?.macs, count))
	}
}

/// The key of all users.
pub(crate) fn voucher_key() -> Result<Key> {
	Ok(Key::from_uri("//Alice//vouchers")?)
}

/// The provider's key.
pub(crate) fn receipt_key() -> Result<Key> {
	Ok(Key::from_uri("//Bob//receipts")?)
}

/// A chain that makes blocks in which nothing happens.
pub(crate) struct Played {
	start: SystemTime,
	offer: Offer,
	model: Model,
	channel: Channel,
	/// How many there are, numbered from 0.
	channels: u64,
}

impl Played {
	pub(crate) fn new(network: &Loaded, channels: u64) -> Result<Self> {
		let receipt_key = receipt_key()?.account();
		let offer = Offer {
			provider: PROVIDER,
			endpoint: "http://127.0.0.1".to_owned(),
			key: receipt_key,
			models: vec![(MODEL, PRICE)],
			terms: Terms { grace: 1_200, answer: 100 },
			max_count: 64,
		};
		let model = Model {
			graph: Arc::new(network.graph.clone()),
			macs: network.graph.validate()?.macs,
			version: VERSION,
			weights: *blake3::hash(&network.weights).as_bytes(),
			score: 1,
			card: network.card.as_deref().map(Arc::from),
		};
		let channel = Channel {
			provider: PROVIDER,
			model: MODEL,
			key: voucher_key()?.account(),
			receipt_key,
			price: PRICE,
			deposit: u128::MAX,
			claimed: 0,
			receipts: 1_200,
			expires_at: u64::MAX,
			state: ChannelState::Open,
		};
		Ok(Self { start: SystemTime::now(), offer, model, channel, channels })
	}

	fn number(&self) -> u64 {
		let since = SystemTime::now().duration_since(self.start).unwrap_or_default();
		since.as_secs() / BLOCK.as_secs() + 1
	}
}

fn said<T: Send + 'static>(what: T) -> Reply<'static, T> {
	Box::pin(async { Ok::<_, Away>(what) })
}

impl Chain for Played {
	fn genesis(&self) -> [u8; 32] {
		GENESIS
	}

	fn head(&self) -> Reply<'_, Head> {
		let number = self.number();
		let mut hash = [0; 32];
		hash.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, of)| *byte = of);
		said(Head { hash, number, tick: number, made: SystemTime::now() })
	}

	fn offer(&self, _: [u8; 32]) -> Reply<'_, Option<Offer>> {
		said(Some(self.offer.clone()))
	}

	fn model(&self, _: [u8; 32], model: ModelId) -> Reply<'_, Option<Model>> {
		said((model == MODEL).then(|| self.model.clone()))
	}

	fn channel(&self, _: [u8; 32], channel: ChannelId) -> Reply<'_, Option<Channel>> {
		said((channel < self.channels).then(|| self.channel.clone()))
	}

	fn is_coming(&self, _: ChannelId) -> Reply<'_, bool> {
		said(false)
	}
}

/// A user with a channel.
pub(crate) struct User {
	key: Key,
	voucher: Voucher,
}

impl User {
	pub(crate) fn new(channel: ChannelId, key: Key) -> Self {
		Self { key, voucher: Voucher { channel, version: VERSION, amount: 0, nonce: 0 } }
	}

	/// The header that pays for one more request. Whether those before were answered or not, it promises enough.
	pub(crate) fn pay(&mut self, price: u128) -> String {
		self.voucher.amount += price;
		self.voucher.nonce += 1;
		SignedVoucher::sign(self.voucher, &self.key, &GENESIS).to_header()
	}
}
