//! Somebody answers for pay, somebody asks and pays: the answers are right, and the money goes where it should.

mod books;
mod closing;
mod commands;
mod disputes;
mod expiring;
mod http;
mod json_rpc;
mod killed;
mod proxied;
mod thousand;

use crate::{World, prepared, serve, until_happened};
use oda_blobs::{BlobSource, Store};
use oda_client::{AccountId, Chain, ChannelPhase, Key, Receipt, StakeRole, View};
use oda_e2e::{Node, Process, Worker, digits, node};
use oda_evaluator::Evaluator;
use oda_inference::{
	Http, Times,
	api::{InferAnswer, InferRequest, Input, Models, QuoteRequest, SignedVoucher},
	provider::Provider,
};
use oda_primitives::{ChannelId, ModelId, Voucher};
use serde_json::Value;
use std::{collections::HashSet, path::PathBuf, time::Duration};

const ODA: u128 = 1_000_000_000_000;
/// The price of a request in most scenarios.
const PRICE: u128 = ODA / 100;
/// The same, as commands take it.
const AT_PRICE: [&str; 2] = ["--per-request", "0.01"];
/// Options of a node that keeps all states, so that all that happened can be looked at in the end.
const ARCHIVE: [&str; 2] = ["--state-pruning", "archive"];
/// Bytes of a record of the digits: its pixels, from 0 to 16, and the class.
const RECORD: usize = 65;

/// A service that dies and comes back.
struct Service {
	worker: Worker,
	args: Vec<String>,
	log: PathBuf,
	running: Option<Process>,
}

impl Service {
	fn new(worker: Worker, args: &[&str], log: PathBuf) -> Self {
		let args = args.iter().map(|arg| (*arg).to_owned()).collect();
		let mut service = Self { worker, args, log, running: None };
		service.start();
		service
	}

	/// Starts it, after it was killed.
	fn start(&mut self) {
		let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
		self.running = Some(self.worker.service(&args, &self.log).unwrap());
	}

	/// Kills it at once.
	async fn kill(&mut self) {
		if let Some(process) = self.running.take() {
			process.kill().await.unwrap();
		}
	}

	fn process(&mut self) -> &mut Process {
		self.running.as_mut().expect("it runs")
	}

	/// Waits until it has printed so many objects of an event, in all its lives.
	async fn until(&mut self, event: &str, times: usize) {
		until_happened(self.process(), event, times).await;
	}
}

/// A digit that somebody wrote, and what the model makes of it.
#[derive(Clone)]
struct Digit {
	pixels: Vec<u8>,
	/// What the writer says it is.
	class: u8,
	output: Vec<u8>,
	scores: Vec<i32>,
}

impl Digit {
	/// What the model says it is: of equal scores the first.
	fn label(&self) -> usize {
		let best = self.scores.iter().max().expect("ten scores");
		self.scores.iter().position(|score| score == best).expect("it is one of them")
	}

	/// A picture of it, as its card takes it.
	fn png(&self) -> Vec<u8> {
		let shades = self.pixels.iter().map(|ink| (u32::from(*ink) * 255 + 8) / 16);
		let shades: Vec<u8> = shades.map(|shade| u8::try_from(shade).unwrap()).collect();
		let mut file = Vec::new();
		let mut encoder = png::Encoder::new(&mut file, 8, 8);
		encoder.set_color(png::ColorType::Grayscale);
		let mut writer = encoder.write_header().unwrap();
		writer.write_image_data(&shades).unwrap();
		writer.finish().unwrap();
		file
	}

	/// A request for it, as JSON.
	fn asked(&self, model: ModelId) -> String {
		request(model, Input::Tensor(self.pixels.clone()))
	}
}

fn request(model: ModelId, input: Input) -> String {
	serde_json::to_string(&InferRequest { model, inputs: vec![input] }).unwrap()
}

/// A chain with a trained model that has a card, and that somebody answers.
struct Served {
	// Before the chain, so that they end before it does.
	provider: Service,
	_others: [Process; 2],
	world: World,
	/// Where blobs come from.
	peer: String,
	chain: Chain,
	model: ModelId,
	/// The model's id, as commands take it.
	name: String,
	providing: AccountId,
	user: Key,
	http: Provider,
}

impl Served {
	/// One whose provider serves on these terms.
	async fn new(terms: &[&str]) -> Self {
		let options = [&["--dev"][..], &ARCHIVE].concat();
		Self::on(World::with(options.into_iter().map(str::to_owned).collect()).await, terms).await
	}

	/// The same, with these windows of the chain's, in ticks of a second.
	async fn within(windows: &[(&str, u64)], terms: &[&str]) -> Self {
		let base = tempfile::tempdir().unwrap();
		let spec =
			node::specification(base.path(), "dev", 1_000, |genesis| node::set_windows(genesis, windows));
		let spec = spec.unwrap();
		let options = [&["--chain", &spec, "--validator", "--alice", "--force-authoring"][..], &ARCHIVE];
		let options = options.concat().into_iter().map(str::to_owned).collect();
		let node = Node::start_with(base.path(), options).await.unwrap();
		Self::on(World { node, base }, terms).await
	}

	async fn on(world: World, terms: &[&str]) -> Self {
		let apart = |base: &str, suri: &str| {
			world.worker_apart(base, suri).with(&["--listen", "/ip4/127.0.0.1/tcp/0"])
		};
		let registrar = apart("worker", "//Dave");
		let digits = prepared(&world).await;
		let (serving, peer) = serve(&registrar, &world.log("registrar.log")).await;
		let verifier = apart("verifier", "//Bob").with(&["--bootstrap", &peer]);
		let mut verifying = verifier.service(&["verify"], &world.log("verifier.log")).unwrap();
		until_happened(&mut verifying, "verifying", 1).await;
		let weights = registrar.result(&["blobs", "add", &digits::file("trained.bin")]).await.unwrap();
		let (weights, spec) = (digits::text(&weights, "/root").unwrap(), digits.spec.to_string_lossy());
		let registered = registrar.run(&["model", "register", "--yes", &spec, "--weights", &weights]).await;
		registered.expect("version 0 is accepted");

		let worker = apart("provider", "//Charlie").with(&["--bootstrap", &peer]);
		let port = node::free_port().unwrap();
		let (bind, endpoint) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
		let args = ["serve", "--bind", &bind, "--endpoint", &endpoint, "--model", &digits.model];
		let args = [&args[..], terms].concat();
		let refused = worker.refusal(&args).await.unwrap();
		assert!(refused.contains("ml-worker stake bond provider"), "{refused}");
		let chain = Chain::connect(&world.node.url(), Some(Duration::from_secs(120))).await.unwrap();
		let key = Key::from_uri("//Charlie").unwrap();
		let least = chain.finalised().await.unwrap().stake_terms().await.unwrap().min_provider_bond;
		let card = digits::file("card.json");
		let card = ["card", "set", &digits.model, &card];
		let bond = async { chain.bond(&key, StakeRole::Provider, least, 0).await };
		let (set, bonded) = tokio::join!(registrar.result(&card), bond);
		set.unwrap();
		bonded.unwrap();
		let mut provider = Service::new(worker, &args, world.log("provider.log"));
		provider.until("answers", 1).await;

		let offers = chain.finalised().await.unwrap().offers().await.unwrap();
		assert_eq!((offers.len(), offers[0].0, &offers[0].1.endpoint), (1, key.account(), &endpoint));
		Self {
			provider,
			_others: [serving, verifying],
			world,
			peer,
			chain,
			model: offers[0].1.models[0].model,
			name: digits.model,
			providing: key.account(),
			user: Key::from_uri("//Eve").unwrap(),
			http: Provider::new(&Http::new(Times::default()).unwrap(), &endpoint).unwrap(),
		}
	}

	/// The user at the terminal, who has the model's card.
	async fn user(&self) -> Worker {
		let user = self.world.worker_apart("user", "//Eve");
		let user = user.with(&["--listen", "/ip4/127.0.0.1/tcp/0", "--bootstrap", &self.peer]);
		user.result(&["card", "show", &self.name]).await.unwrap();
		user
	}

	/// So many different digits, those that the model is scored on first.
	async fn digits(&self, count: usize) -> Vec<Digit> {
		let view = self.chain.finalised().await.unwrap();
		let model = view.model(self.model).await.unwrap().unwrap();
		let head = view.head(&model).await.unwrap().expect("the model has a head");
		let graph = view.spec(self.model).await.unwrap().unwrap().graph;
		let store = Store::open(self.world.base.path().join("worker")).unwrap();
		let weights = store.get(&head.weights).unwrap();
		let evaluator = Evaluator::new(&graph, &weights).unwrap();
		let records = ["validation.bin", "train.bin"].map(|name| std::fs::read(digits::file(name)).unwrap());
		let mut seen = HashSet::new();
		let records = records.iter().flat_map(|file| file.chunks_exact(RECORD));
		let digits = records.filter(|record| seen.insert(&record[..RECORD - 1])).take(count).map(|record| {
			let (pixels, class) = (record[..RECORD - 1].to_vec(), record[RECORD - 1]);
			let tensors = evaluator.run(&pixels).unwrap();
			let output = tensors.iter().flat_map(|tensor| tensor.to_le_bytes()).collect();
			let numbers = |tensor: &oda_evaluator::Tensor| {
				(0..tensor.len()).filter_map(|at| tensor.get(at)).collect::<Vec<i32>>()
			};
			Digit { pixels, class, output, scores: tensors.iter().flat_map(numbers).collect() }
		});
		let digits: Vec<Digit> = digits.collect();
		assert_eq!(digits.len(), count);
		digits
	}

	/// Opens a channel of 1 ODA, whose vouchers the user's own key signs.
	async fn open(&self) -> (ChannelId, Receipt) {
		let view = self.chain.finalised().await.unwrap();
		let terms = view.offer(&self.providing).await.unwrap().unwrap().terms;
		let (provider, term) = (self.providing, terms.grace * 10);
		self.chain.open_channel(&self.user, provider, self.model, ODA, None, terms, term).await.unwrap()
	}

	/// What the provider says that it answers, once it answers something and has its card.
	async fn models(&mut self) -> Models {
		for _ in 0..1_500 {
			// It may not have seen a block yet.
			if let Ok(models) = self.http.models().await
				&& models.models.iter().any(|model| model.card.is_some())
			{
				return models;
			}
			self.provider.process().check_alive().unwrap();
			tokio::time::sleep(Duration::from_millis(200)).await;
		}
		panic!("nothing is answered:\n{}", self.provider.process().output());
	}

	/// Asks for each of these, and checks each answer: the vouchers that paid, and the answers.
	async fn ask(&mut self, channel: ChannelId, digits: &[Digit]) -> Vec<(SignedVoucher, InferAnswer)> {
		let (models, genesis) = (self.models().await, self.chain.genesis());
		let version = models.models[0].version;
		let quote = QuoteRequest { model: self.model, count: 1 };
		assert_eq!(self.http.quote(&quote).await.unwrap().price, PRICE);
		let mut answers = Vec::new();
		for (nonce, digit) in (1..).zip(digits) {
			let voucher = Voucher { channel, version, amount: PRICE * u128::from(nonce), nonce };
			let signed = SignedVoucher::sign(voucher, &self.user, &genesis);
			let name = format!("request-{nonce}");
			let bytes = self.http.infer(&signed, &name, &digit.asked(self.model), false).await;
			let answer: InferAnswer = serde_json::from_slice(&bytes.unwrap()).unwrap();
			assert_eq!(answer.outputs(), digit.output);
			assert_eq!((answer.receipt.price, answer.receipt.nonce), (PRICE, nonce));
			let message = answer.receipt.message(&genesis);
			assert!(answer.signature.verify(&message, &models.receipt_key), "a receipt that nobody signed");
			answers.push((signed, answer));
		}
		answers
	}

	/// What an account has sent, and what belongs to it.
	async fn wealth(&self, account: &AccountId) -> (u32, u128) {
		wealth_in(&self.chain.finalised().await.unwrap(), account).await
	}

	/// A channel as the chain has it.
	async fn channel(&self, channel: ChannelId) -> oda_client::Channel {
		self.chain
			.finalised()
			.await
			.unwrap()
			.channel(channel)
			.await
			.unwrap()
			.expect("there is such a channel")
	}

	/// The same after its node was killed and has come back.
	async fn with_restarted_node(self) -> Self {
		Self { world: self.world.with_restarted_node(Duration::from_secs(1)).await, ..self }
	}
}

/// What an account has sent up to a block, and what belongs to it there.
async fn wealth_in(view: &View, account: &AccountId) -> (u32, u128) {
	let account = view.account(account).await.unwrap();
	(account.nonce, account.free + account.held)
}

/// A number that is JSON's text.
fn number(value: &Value) -> u128 {
	value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no amount: {value}"))
}

fn is_closed(channel: &oda_client::Channel) -> bool {
	matches!(channel.phase, ChannelPhase::Closed(_))
}
