//! A chain that does at once what it is told.

use oda_client::{AccountId, Key};
use oda_inference::{
	Chain, ChainFault, Channel, ChannelStatus, Evidence, Model, Offer, Opening, Verdict,
	api::{Signature, SignedClosing},
};
use oda_primitives::{ModelId, Tick, VersionId, inference::ChannelId};
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex, MutexGuard},
};
use tokio::task::yield_now;

pub const GENESIS: [u8; 32] = [7; 32];
pub const MODEL: ModelId = [1; 32];
pub const WEIGHTS: [u8; 32] = [2; 32];
pub const FACTS: Model = Model { macs: 1_000_000, input: 4, output: 2 };
pub const RECEIPTS: Tick = 1_000;
pub const GRACE: Tick = 50;
pub const LEAST_DEPOSIT: u128 = 10;

#[derive(Default)]
pub struct State {
	pub tick: Tick,
	pub weights: BTreeMap<VersionId, [u8; 32]>,
	pub offers: Vec<Offer>,
	pub channels: BTreeMap<ChannelId, Channel>,
	pub top_ups: Vec<u128>,
	pub disputes: Vec<Evidence>,
	/// What the court finds.
	pub verdict: Option<Verdict>,
	/// Whether a top-up is done and then an error all the same, as when a node goes away.
	pub top_ups_fail: bool,
}

#[derive(Clone)]
pub struct FakeChain {
	state: Arc<Mutex<State>>,
	user: AccountId,
}

impl FakeChain {
	pub fn new() -> Self {
		let state = State { tick: 100, weights: [(0, WEIGHTS)].into(), ..State::default() };
		let state = State { verdict: Some(Verdict::Wrong), ..state };
		let user = Key::from_uri("//Alice").unwrap().account();
		Self { state: Arc::new(Mutex::new(state)), user }
	}

	pub fn state(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap()
	}

	/// The only channel.
	pub fn only(&self) -> Channel {
		let channels = self.state().channels.clone();
		assert_eq!(channels.len(), 1, "{channels:?}");
		*channels.values().next().unwrap()
	}

	async fn done<T>(&self, work: impl FnOnce(&mut State) -> Result<T, ChainFault>) -> Result<T, ChainFault> {
		// Whoever is cut off is so before or after.
		yield_now().await;
		let done = work(&mut self.state());
		yield_now().await;
		done
	}
}

impl Chain for FakeChain {
	fn genesis(&self) -> [u8; 32] {
		GENESIS
	}

	async fn tick(&self) -> Result<Tick, ChainFault> {
		self.done(|state| Ok(state.tick)).await
	}

	async fn model(&self, model: ModelId) -> Result<Option<Model>, ChainFault> {
		self.done(|_| Ok((model == MODEL).then_some(FACTS))).await
	}

	async fn weights(&self, _: ModelId, version: VersionId) -> Result<Option<[u8; 32]>, ChainFault> {
		self.done(|state| Ok(state.weights.get(&version).copied())).await
	}

	async fn offers(&self, model: Option<ModelId>) -> Result<Vec<Offer>, ChainFault> {
		let wanted = |offer: &&Offer| model.is_none_or(|model| offer.model == model);
		self.done(|state| Ok(state.offers.iter().filter(wanted).cloned().collect())).await
	}

	async fn channel(&self, id: ChannelId) -> Result<Option<Channel>, ChainFault> {
		self.done(|state| Ok(state.channels.get(&id).copied())).await
	}

	async fn channels(&self) -> Result<Vec<(ChannelId, Channel)>, ChainFault> {
		self.done(|state| Ok(state.channels.iter().map(|(id, channel)| (*id, *channel)).collect())).await
	}

	async fn least_deposit(&self) -> Result<u128, ChainFault> {
		self.done(|_| Ok(LEAST_DEPOSIT)).await
	}

	async fn open(&self, opening: Opening) -> Result<ChannelId, ChainFault> {
		self.done(|state| {
			let offers = state.offers.iter();
			let offer = offers.clone().find(|offer| offer.provider == opening.provider);
			let offer = offer.ok_or("no offer")?;
			if offer.terms != opening.terms || opening.deposit < LEAST_DEPOSIT {
				return Err("refused".into());
			}
			let id = state.channels.len() as ChannelId + 1;
			let channel = Channel {
				user: self.user,
				provider: opening.provider,
				model: opening.model,
				key: opening.key,
				receipt_key: offer.receipt_key,
				price: offer.price,
				deposit: opening.deposit,
				claimed: 0,
				grace: opening.terms.grace,
				receipts: RECEIPTS,
				expires_at: state.tick + opening.term,
				state: ChannelStatus::Open,
			};
			state.channels.insert(id, channel);
			Ok(id)
		})
		.await
	}

	async fn top_up(&self, id: ChannelId, amount: u128) -> Result<(), ChainFault> {
		self.done(|state| {
			state.top_ups.push(amount);
			state.channels.get_mut(&id).ok_or("no channel")?.deposit += amount;
			if state.top_ups_fail { Err("the node is away".into()) } else { Ok(()) }
		})
		.await
	}

	async fn begin_close(&self, id: ChannelId) -> Result<(), ChainFault> {
		self.done(|state| {
			let at = state.tick + GRACE;
			state.channels.get_mut(&id).ok_or("no channel")?.state = ChannelStatus::Closing { at };
			Ok(())
		})
		.await
	}

	async fn finish_close(&self, id: ChannelId) -> Result<(), ChainFault> {
		self.done(|state| {
			let until = state.tick + RECEIPTS;
			state.channels.get_mut(&id).ok_or("no channel")?.state = ChannelStatus::Closed { until };
			Ok(())
		})
		.await
	}

	async fn close_agreed(&self, closing: SignedClosing, of_provider: Signature) -> Result<(), ChainFault> {
		self.done(|state| {
			let until = state.tick + RECEIPTS;
			let channel = state.channels.get_mut(&closing.closing.channel).ok_or("no channel")?;
			let message = closing.closing.message(&GENESIS);
			let signed =
				closing.is_by(&channel.key, &GENESIS) && of_provider.verify(&message, &channel.receipt_key);
			if !signed || closing.closing.amount > channel.deposit || closing.closing.amount < channel.claimed
			{
				return Err("refused".into());
			}
			channel.claimed = closing.closing.amount;
			channel.state = ChannelStatus::Closed { until };
			Ok(())
		})
		.await
	}

	async fn remove(&self, id: ChannelId) -> Result<(), ChainFault> {
		self.done(|state| match state.channels.get(&id).map(|channel| channel.state) {
			Some(ChannelStatus::Closed { until }) if until <= state.tick => {
				state.channels.remove(&id);
				Ok(())
			}
			_ => Err("refused".into()),
		})
		.await
	}

	async fn dispute(&self, evidence: Evidence) -> Result<Verdict, ChainFault> {
		self.done(|state| {
			state.disputes.push(evidence);
			state.verdict.ok_or_else(|| "the node is away".into())
		})
		.await
	}
}
