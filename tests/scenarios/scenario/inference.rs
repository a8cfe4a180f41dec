//! Somebody answers for pay, somebody asks and pays: the answers are right, and the money goes where it should.

use crate::{World, events, prepared, serve, until_happened};
use oda_blobs::{BlobSource, Store};
use oda_client::{AccountId, Chain, ChannelPhase, Key, Receipt, StakeRole};
use oda_e2e::{Process, digits, node};
use oda_evaluator::Evaluator;
use oda_inference::{
	Http, Times,
	api::{InferAnswer, InferRequest, Input, Models, QuoteRequest, Signature, SignedClosing, SignedVoucher},
	provider::Provider,
};
use oda_primitives::{ChannelId, Closing, ModelId, Voucher};
use std::time::Duration;

const ODA: u128 = 1_000_000_000_000;
/// The provider's share of a fee, in percent, as the chain has it.
const SHARE: u128 = 70;

/// A chain with a model that somebody answers.
struct Served {
	// Before the chain, so that they end before it does.
	providing: Process,
	_others: [Process; 2],
	_world: World,
	chain: Chain,
	model: ModelId,
	/// An input, and what the model makes of it.
	input: Vec<u8>,
	output: Vec<u8>,
	provider: AccountId,
	user: Key,
	http: Provider,
}

impl Served {
	async fn new() -> Self {
		let world = World::new().await;
		let apart = |base: &str, suri: &str| {
			world.worker_apart(base, suri).with(&["--listen", "/ip4/127.0.0.1/tcp/0"])
		};
		let registrar = apart("worker", "//Dave");
		let digits = prepared(&world).await;
		let (serving, address) = serve(&registrar, &world.log("registrar.log")).await;
		let verifier = apart("verifier", "//Bob").with(&["--bootstrap", &address]);
		let mut verifying = verifier.service(&["verify"], &world.log("verifier.log")).unwrap();
		until_happened(&mut verifying, "verifying", 1).await;
		digits::register(&registrar, &digits, |_| ()).await.expect("version 0 is accepted");

		let chain = Chain::connect(&world.node.url(), Some(Duration::from_secs(60))).await.unwrap();
		let key = Key::from_uri("//Charlie").unwrap();
		let least = chain.finalised().await.unwrap().stake_terms().await.unwrap().min_provider_bond;
		let port = node::free_port().unwrap();
		let (bind, endpoint) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
		let worker = apart("provider", "//Charlie").with(&["--bootstrap", &address]);
		let args = [
			"serve",
			"--bind",
			&bind,
			"--endpoint",
			&endpoint,
			"--model",
			&digits.model,
			"--per-request",
			"0.01",
		];
		let refused = worker.refusal(&args).await.unwrap();
		assert!(refused.contains("ml-worker stake bond provider"), "{refused}");
		chain.bond(&key, StakeRole::Provider, least, 0).await.unwrap();
		let mut providing = worker.service(&args, &world.log("provider.log")).unwrap();
		until_happened(&mut providing, "answers", 1).await;

		let view = chain.finalised().await.unwrap();
		let offers = view.offers().await.unwrap();
		assert_eq!((offers.len(), offers[0].0, &offers[0].1.endpoint), (1, key.account(), &endpoint));
		let model = offers[0].1.models[0].model;
		let registered = view.model(model).await.unwrap().unwrap();
		let head = view.head(&registered).await.unwrap().expect("the model has a head");
		let graph = view.spec(model).await.unwrap().unwrap().graph;
		let weights = Store::open(registrar.base()).unwrap().get(&head.weights).unwrap();
		let mut input = std::fs::read(digits::file("validation.bin")).unwrap();
		input.truncate(usize::try_from(graph.input_bytes()).unwrap());
		let tensors = Evaluator::new(&graph, &weights).unwrap().run(&input).unwrap();
		let output = tensors.iter().flat_map(|tensor| tensor.to_le_bytes()).collect();
		let http = Provider::new(&Http::new(Times::default()).unwrap(), &endpoint).unwrap();
		Self {
			providing,
			_others: [serving, verifying],
			_world: world,
			chain,
			model,
			input,
			output,
			provider: key.account(),
			user: Key::from_uri("//Eve").unwrap(),
			http,
		}
	}

	/// Opens a channel of 1 ODA.
	async fn open(&self) -> (ChannelId, Receipt) {
		let view = self.chain.finalised().await.unwrap();
		let terms = view.offer(&self.provider).await.unwrap().unwrap().terms;
		let term = terms.grace * 10;
		let call = self.chain.open_channel(&self.user, self.provider, self.model, ODA, None, terms, term);
		call.await.unwrap()
	}

	/// What the provider says that it answers, once it answers something.
	async fn models(&self) -> Models {
		for _ in 0..300 {
			// It may not have seen a block yet.
			if let Ok(models) = self.http.models().await
				&& !models.models.is_empty()
			{
				return models;
			}
			tokio::time::sleep(Duration::from_millis(200)).await;
		}
		panic!("nothing is answered:\n{}", self.providing.output());
	}

	/// Asks the same so many times, and checks each answer; what that costs in all.
	async fn ask(&self, channel: ChannelId, times: u64) -> u128 {
		let (models, genesis) = (self.models().await, self.chain.genesis());
		let version = models.models[0].version;
		let quote = QuoteRequest { model: self.model, count: 1 };
		let price = self.http.quote(&quote).await.unwrap().price;
		assert_eq!(price, ODA / 100);
		let request = InferRequest { model: self.model, inputs: vec![Input::Tensor(self.input.clone())] };
		let body = serde_json::to_string(&request).unwrap();
		for nonce in 1..=times {
			let voucher = Voucher { channel, version, amount: price * u128::from(nonce), nonce };
			let signed = SignedVoucher::sign(voucher, &self.user, &genesis);
			let bytes = self.http.infer(&signed, &format!("request-{nonce}"), &body, false).await;
			let answer: InferAnswer = serde_json::from_slice(&bytes.unwrap()).unwrap();
			assert_eq!(answer.outputs(), self.output);
			assert_eq!((answer.receipt.price, answer.receipt.nonce), (price, nonce));
			let message = answer.receipt.message(&genesis);
			assert!(answer.signature.verify(&message, &models.receipt_key), "a receipt that nobody signed");
		}
		price * u128::from(times)
	}

	/// What an account has sent, and what belongs to it.
	async fn wealth(&self, account: &AccountId) -> (u32, u128) {
		let account = self.chain.finalised().await.unwrap().account(account).await.unwrap();
		(account.nonce, account.free + account.held)
	}
}

#[tokio::test]
async fn two_transactions_pay_for_any_number_of_answers() {
	let served = Served::new().await;
	let user = served.user.account();
	let (user_before, provider_before) = (served.wealth(&user).await, served.wealth(&served.provider).await);
	let (channel, opened) = served.open().await;
	let spent = served.ask(channel, 5).await;

	let genesis = served.chain.genesis();
	let view = served.chain.finalised().await.unwrap();
	let version = served.models().await.models[0].version;
	let closing = Closing { channel, version, amount: spent, expires: view.tick().await.unwrap() + 100 };
	let signed = SignedClosing::sign(closing, &served.user, &genesis);
	let agreed = served.http.close(&signed).await.unwrap().signature;
	let [of_user, of_provider] = [signed.signature, agreed].map(|signature| match signature {
		Signature::Ed25519(bytes) => oda_client::Signed::Ed25519(bytes),
		Signature::Sr25519(bytes) => oda_client::Signed::Sr25519(bytes),
	});
	let closed =
		served.chain.close_channel_agreed(&served.user, closing, of_user, of_provider).await.unwrap();

	let (user_after, provider_after) = (served.wealth(&user).await, served.wealth(&served.provider).await);
	let fees = opened.fee.unwrap() + closed.fee.unwrap();
	assert_eq!((user_after.0 - user_before.0, user_before.1 - user_after.1), (2, spent + fees));
	assert_eq!(provider_after, (provider_before.0, provider_before.1 + spent * SHARE / 100));
}

#[tokio::test]
async fn a_channel_that_its_user_wants_to_end_is_claimed_and_closed_by_the_provider() {
	let mut served = Served::new().await;
	let (user, provider) = (served.user.account(), served.provider);
	let (channel, _) = served.open().await;
	let spent = served.ask(channel, 3).await;
	let before = served.wealth(&provider).await.1;
	served.chain.begin_close_channel(&served.user, channel).await.unwrap();
	until_happened(&mut served.providing, "closed", 1).await;

	let closed = &events(&served.providing, "closed")[0];
	let fee: u128 = closed["receipt"]["fee"].to_string().parse().unwrap();
	let view = served.chain.finalised().await.unwrap();
	let ended = view.channel(channel).await.unwrap().unwrap();
	assert!(matches!(ended.phase, ChannelPhase::Closed(_)), "{ended:?}");
	assert_eq!((ended.claimed, ended.user), (spent, user));
	assert_eq!(served.wealth(&provider).await.1, before + spent * SHARE / 100 - fee);
}

#[tokio::test]
async fn a_request_on_the_chain_is_answered_there() {
	let mut served = Served::new().await;
	let input = served.input.clone();
	let asked = served.chain.request_inference(&served.user, served.provider, served.model, input, 1, ODA);
	let (request, price, _) = asked.await.unwrap();
	assert_eq!(price, ODA / 100);
	until_happened(&mut served.providing, "answered", 1).await;
	let answered = &events(&served.providing, "answered")[0];
	assert_eq!(answered["request"], request);
	let block = answered["receipt"]["block"].as_u64().unwrap();
	let answers = served.chain.at(block).await.unwrap().unwrap().one_shot_answers().await.unwrap();
	assert_eq!(answers.len(), 1);
	assert_eq!((answers[0].0.price, &answers[0].1), (price, &served.output));
}
