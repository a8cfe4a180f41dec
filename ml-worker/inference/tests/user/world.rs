//! A user with a wallet, a chain, and providers.

use crate::{
	fake_chain::{FakeChain, GENESIS, MODEL},
	fake_provider::FakeProvider,
};
use oda_client::Key;
use oda_inference::{
	Deposits, Http, Paid, PayError, Payer, Question, Record, Times, Wallet, api::Input, verify::Wrong,
};
use rustls::RootCertStore;
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

pub const DEPOSITS: Deposits = Deposits { requests: 5, most: 2_000, term: 10_000 };

pub struct World {
	pub chain: FakeChain,
	pub provider: FakeProvider,
	pub folder: TempDir,
	pub times: Times,
	pub deposits: Deposits,
}

impl World {
	pub async fn new() -> Self {
		let chain = FakeChain::new();
		let provider = FakeProvider::start(&chain, "//Bob", 0).await;
		let times = Times {
			connect: Duration::from_secs(10),
			request: Duration::from_secs(30),
			patience: Duration::from_secs(30),
			pause: Duration::from_millis(5),
		};
		Self { chain, provider, folder: tempfile::tempdir().unwrap(), times, deposits: DEPOSITS }
	}

	/// Gives up as soon as something fails.
	pub fn impatient(mut self) -> Self {
		self.times.patience = Duration::ZERO;
		self
	}

	pub fn wallet(&self) -> Wallet {
		Wallet::open(self.folder.path(), GENESIS).unwrap()
	}

	/// A payer, as after a restart.
	pub fn payer(&self) -> Payer<FakeChain> {
		self.payer_that_knows(None)
	}

	/// A payer that knows what an input is made into.
	pub fn payer_that_knows(&self, encode: Option<fn(&Input) -> Vec<u8>>) -> Payer<FakeChain> {
		let http = Http::trusting(self.times, RootCertStore::empty()).unwrap();
		let key = Key::from_uri("//Alice//vouchers").unwrap();
		let encode = Arc::new(move |_: &_, input: &Input| encode.map(|encode| encode(input)));
		Payer::new(self.chain.clone(), self.wallet(), key, http, self.deposits, encode).unwrap()
	}

	/// Asks once, as a program that starts for it.
	pub async fn ask(&self, question: &Question) -> Result<Paid, PayError> {
		self.payer().infer(question).await
	}

	/// What is wrong with the answer to a question.
	pub async fn wrong(&self) -> Wrong {
		match self.ask(&question(1)).await {
			Err(PayError::Wrong { wrong, .. }) => wrong,
			other => panic!("{other:?}"),
		}
	}

	/// What the wallet knows of its only channel.
	pub fn record(&self) -> Record {
		let records = self.wallet().records().unwrap();
		assert_eq!(records.len(), 1, "{records:?}");
		records.into_iter().next().unwrap()
	}
}

/// A question that no other one is equal to.
pub fn question(number: u32) -> Question {
	Question {
		model: MODEL,
		inputs: vec![Input::Tensor(number.to_le_bytes().to_vec())],
		limit: 1_000,
		provider: None,
		name: None,
	}
}

pub fn named(name: &str, question: Question) -> Question {
	Question { name: Some(name.to_owned()), ..question }
}
