//! What is measured, in a process of its own: a provider as it is in production, but for its chain; and beside it the same
//! engine, gathering requests in the same way, by a plain route that asks for no payment.

use super::world::{self, MODEL, Network, Played, VERSION};
use anyhow::{Context, Result, ensure};
use axum::{
	Router,
	body::Bytes,
	extract::{DefaultBodyLimit, State},
	http::{StatusCode, header::CONTENT_TYPE},
	response::{IntoResponse, Response},
	routing::post,
	serve::ListenerExt,
};
use clap::Args;
use oda_cards::Card;
use oda_engine::{DeviceChoice, Engine, EngineConfig};
use oda_evaluator::Graph;
use oda_inference::api::{Answer, INFER_PATH, InferRequest, JSON, MAX_REQUEST};
use oda_provider::{Batching, Config, Loaded, Metrics, Queue, Rate, Server, inputs};
use serde::{Deserialize, Serialize};
use std::{
	io::Read,
	net::{Ipv4Addr, SocketAddr},
	path::{Path, PathBuf},
	process::{Child, ChildStdin, Command, Stdio},
	sync::Arc,
	time::Duration,
};
use tokio::{net::TcpListener, task::spawn_blocking, time::sleep};

/// How the process is started.
#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
	/// What is served.
	#[arg(long)]
	pub(crate) network: Network,
	/// Where the ledger goes.
	#[arg(long)]
	pub(crate) folder: PathBuf,
	/// How many channels there are.
	#[arg(long)]
	pub(crate) channels: u64,
	/// As many requests and connections from one address as it sends.
	#[arg(long)]
	pub(crate) unlimited: bool,
}

/// Where it can be reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Started {
	/// The provider.
	pub(crate) paid: SocketAddr,
	/// The plain route.
	pub(crate) bare: SocketAddr,
	/// What evaluates.
	pub(crate) backend: String,
}

impl Serve {
	/// Serves until the standard input ends.
	pub(crate) fn run(self) -> Result<()> {
		tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(self.serve())
	}

	async fn serve(self) -> Result<()> {
		let network = self.network.load()?;
		let engine = Engine::start(&EngineConfig { device: DeviceChoice::Cpu, ..EngineConfig::default() });
		let loaded = Arc::new(Loaded::default());
		loaded.insert(MODEL, VERSION, engine.load(&network.graph, &network.weights)?);

		let any = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
		let mut config = Config::new(any, self.folder, world::receipt_key()?);
		if self.unlimited {
			let rate = Rate { second: 0, burst: 0 };
			config.limits.address = rate;
			config.limits.channel = rate;
			config.limits.connections_of_one = config.limits.connections;
		}
		let batching = config.batching;
		let chain = Arc::new(Played::new(&network, self.channels)?);
		let handle = Server::start(config, chain, loaded.clone()).await?;
		while handle.head().is_none() {
			sleep(Duration::from_millis(1)).await;
		}

		let card = network.card.as_deref().map(Card::parse).transpose()?;
		let bare = Bare::new(loaded, batching, network.graph, card);
		let listener = TcpListener::bind(any).await?;
		let started = Started {
			paid: handle.address(),
			bare: listener.local_addr()?,
			backend: format!("{:?}", engine.backend()),
		};
		let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
		let serving = tokio::spawn(axum::serve(listener, bare.router()).into_future());
		println!("{}", serde_json::to_string(&started)?);
		// Whoever started this ends it, or is gone.
		spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
		serving.abort();
		Ok(handle.stop().await?)
	}
}

/// The engine without payments.
struct Bare {
	queue: Queue,
	graph: Graph,
	card: Option<Card>,
}

/// What it answers: what the provider does, without what proves it.
#[derive(Serialize)]
struct Answers {
	#[serde(with = "oda_primitives::hexadecimal")]
	model: oda_primitives::ModelId,
	version: oda_primitives::VersionId,
	answers: Vec<Answer>,
}

impl Bare {
	fn new(engine: Arc<Loaded>, batching: Batching, graph: Graph, card: Option<Card>) -> Arc<Self> {
		Arc::new(Self { queue: Queue::new(engine, batching, Metrics::default()), graph, card })
	}

	fn router(self: Arc<Self>) -> Router {
		Router::new()
			.route(INFER_PATH, post(answer))
			.layer(DefaultBodyLimit::max(MAX_REQUEST))
			.with_state(self)
	}

	fn inputs(&self, body: &[u8]) -> Result<Vec<Vec<u8>>> {
		let request: InferRequest = serde_json::from_slice(body)?;
		ensure!(request.model == MODEL, "another model");
		let made = request.inputs.into_iter();
		Ok(made
			.map(|input| inputs::canonical(&self.graph, self.card.as_ref(), input))
			.collect::<Result<_, _>>()?)
	}

	fn answers(&self, outputs: Vec<Vec<u8>>) -> Result<Vec<u8>> {
		let answers = outputs.into_iter();
		let answers = answers.map(|output| inputs::answer(&self.graph, self.card.as_ref(), output)).collect();
		Ok(serde_json::to_vec(&Answers { model: MODEL, version: VERSION, answers })?)
	}
}

async fn answer(State(bare): State<Arc<Bare>>, body: Bytes) -> Result<Response, StatusCode> {
	let inputs = bare.inputs(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
	let place = bare.queue.place().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
	let outputs = bare.queue.run((MODEL, VERSION), place, Arc::new(inputs)).await;
	let outputs = outputs.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
	let json = bare.answers(outputs).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
	Ok(([(CONTENT_TYPE, JSON)], json).into_response())
}

/// The process, until it is dropped.
pub(crate) struct Process {
	child: Child,
	/// It ends when this does.
	_stdin: ChildStdin,
	pub(crate) started: Started,
}

impl Process {
	/// Starts this program again, to serve.
	pub(crate) fn start(network: Network, folder: &Path, channels: u64, unlimited: bool) -> Result<Self> {
		let name = clap::ValueEnum::to_possible_value(&network).context("it has a name")?;
		let mut command = Command::new(std::env::current_exe()?);
		command.args(["serve", "--network", name.get_name(), "--channels", &channels.to_string()]);
		command.arg("--folder").arg(folder);
		if unlimited {
			command.arg("--unlimited");
		}
		let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
		let stdin = child.stdin.take().context("it has an input")?;
		let stdout = child.stdout.take().context("it has an output")?;
		let mut line = String::new();
		std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
		let started = serde_json::from_str(&line).context("the server did not start")?;
		Ok(Self { child, _stdin: stdin, started })
	}

	/// Its number.
	pub(crate) fn id(&self) -> u32 {
		self.child.id()
	}
}

impl Drop for Process {
	fn drop(&mut self) {
		drop(self.child.kill());
		drop(self.child.wait());
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_is_not_paid_for_is_answered_with_labels_too() {
		let network = Network::Digits.load().expect("its files");
		let loaded = Arc::new(Loaded::default());
		let evaluate = Engine::reference(1).load(&network.graph, &network.weights).expect("it fits");
		let question = network.question(2).expect("two inputs");
		let card = network.card.as_deref().map(|card| Card::parse(card).expect("a card"));
		let bare = Bare::new(loaded, Batching::default(), network.graph, card);
		let inputs = bare.inputs(&question).expect("they fit");
		let outputs: Vec<Vec<u8>> = inputs
			.iter()
			.map(|input| {
				let outputs = evaluate.infer(input).expect("it evaluates");
				outputs.iter().flat_map(oda_evaluator::Tensor::to_le_bytes).collect()
			})
			.collect();
		let json: serde_json::Value =
			serde_json::from_slice(&bare.answers(outputs).expect("JSON")).expect("JSON");
		assert_eq!(json.pointer("/answers").and_then(|answers| answers.as_array()).map(Vec::len), Some(2));
		assert!(json.pointer("/answers/0/label").is_some());
	}
}
