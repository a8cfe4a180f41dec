//! A node that tests play: blocks of which the best may be dropped, a pool, and a runtime that counts one account's
//! transactions and does what a test says with them.

mod pallets;

#[cfg(test)]
pub(crate) use pallets::offline;

pub use pallets::{event, failure};

use codec::{Compact, Decode, Encode};
use jsonrpsee::{
	RpcModule,
	server::{ServerBuilder, ServerHandle},
	types::ErrorObjectOwned,
};
use serde_json::{Value, json};
use std::{
	collections::{BTreeMap, HashMap},
	sync::{Arc, LazyLock, Mutex, MutexGuard},
};
use subxt::{ArcMetadata, Metadata, utils::H256};
use tokio::{
	net::{TcpListener, TcpStream},
	sync::Notify,
};

/// The chain as the committed metadata has it.
pub(crate) fn metadata() -> ArcMetadata {
	static DECODED: LazyLock<ArcMetadata> =
		LazyLock::new(|| Arc::new(Metadata::decode_from(METADATA).unwrap()));
	Arc::clone(&DECODED)
}

const METADATA: &[u8] = include_bytes!("../metadata.scale");

/// Why the runtime refuses a transaction, as it is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum No {
	/// Its number was used.
	Stale,
	/// It is signed for another runtime.
	BadProof,
	/// Of a pallet's own.
	Custom(u8),
}

impl No {
	fn encoded(self) -> Vec<u8> {
		match self {
			Self::Stale => vec![1, 0, 3],
			Self::BadProof => vec![1, 0, 4],
			Self::Custom(code) => vec![1, 0, 7, code],
		}
	}
}

/// Bytes without their length.
struct Bytes<'a>(&'a [u8]);

impl Encode for Bytes<'_> {
	fn encode_to<O: codec::Output + ?Sized>(&self, output: &mut O) {
		output.write(self.0);
	}
}

/// What a node does with the next transaction that comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mishap {
	/// Takes it into its pool; then the connection breaks.
	Taken,
	/// Takes it and makes a block of it; then the connection breaks.
	Included,
	/// Makes a block of it; then the connection breaks, and a node of another chain answers.
	Replaced,
	/// The connection breaks before it comes.
	Lost,
}

/// A block, and the state after it.
#[derive(Clone, Default)]
pub struct Block {
	/// Its transactions.
	pub extrinsics: Vec<Vec<u8>>,
	/// Events that no transaction has, as they are encoded.
	pub events: Vec<Vec<u8>>,
	/// Events of transactions, by their places, as they are encoded.
	pub outcomes: Vec<(u32, Vec<u8>)>,
	/// The errors of transactions that fail, by their places, as they are [encoded](failure).
	pub failures: BTreeMap<u32, Vec<u8>>,
	/// All that is stored.
	pub storage: BTreeMap<Vec<u8>, Vec<u8>>,
	/// What view functions answer, by their names and how their arguments begin.
	pub views: BTreeMap<(String, Vec<u8>), Vec<u8>>,
	/// Transactions of the account up to here.
	nonce: u64,
	/// Tells the blocks of one number from each other.
	fork: u8,
}

/// What a rule says of a transaction in the state after the block of this number.
type Rule = Box<dyn Fn(&State, &[u8], usize) -> Option<No> + Send>;

/// What a transaction does in the block in which it has this place.
type Effect = Box<dyn FnMut(&mut Block, u32, &Called) + Send>;

/// What a transaction calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
	/// The pallet and the call.
	pub name: String,
	/// The arguments, one after the other.
	arguments: Vec<u8>,
}

impl Called {
	/// What these bytes of a transaction call.
	pub fn of(bytes: &[u8]) -> Self {
		let body = &mut &bytes[..];
		Compact::<u32>::decode(body).unwrap();
		// Version 4, signed: the address and the signature. Version 5, general: the version of the extensions.
		*body = &body[if body[0] == 0x84 { 1 + 33 + 65 } else { 2 }..];
		// Era, number, tip, and whether there is a hash of the metadata.
		*body = &body[if body[0] == 0 { 1 } else { 2 }..];
		Compact::<u64>::decode(body).unwrap();
		Compact::<u128>::decode(body).unwrap();
		let metadata = metadata();
		let pallet = metadata.pallet_by_call_index(body[1]).unwrap();
		let call = pallet.call_variant_by_index(body[2]).unwrap();
		Self { name: format!("{}.{}", pallet.name(), call.name), arguments: body[3..].to_vec() }
	}

	/// Its first arguments.
	pub fn arguments<T: Decode>(&self) -> T {
		T::decode(&mut &self.arguments[..]).unwrap()
	}
}

/// A node's chain and pool.
pub struct State {
	/// Tells the blocks of one chain from those of another.
	pub chain: u8,
	/// The best chain.
	pub blocks: Vec<Block>,
	/// Blocks that are in it no more.
	dropped: HashMap<H256, (usize, Block)>,
	/// Of the blocks to come.
	pub fork: u8,
	/// The number of the last final block.
	pub finalised: usize,
	/// Transactions that wait for a block.
	pub pool: Vec<Vec<u8>>,
	/// All transactions that came, in order.
	pub came: Vec<Vec<u8>>,
	/// What goes wrong next.
	pub mishap: Option<Mishap>,
	/// Which transactions are refused.
	pub rule: Rule,
	/// What transactions do.
	pub effect: Effect,
	/// Whether the node says that it is.
	pub syncing: bool,
	/// How often the keys of a map were asked for.
	pub listed: usize,
	/// Blocks that the node does not know by their numbers.
	pub lacks: std::ops::Range<usize>,
}

impl State {
	fn hash(&self, number: usize) -> H256 {
		let mut hash = [0; 32];
		hash[24..].copy_from_slice(&(number as u64).to_be_bytes());
		// The genesis is the same.
		hash[1] = self.blocks.get(number).map_or(0, |block| block.fork);
		hash[0] = if number == 0 { 9 } else { self.chain };
		H256(hash)
	}

	fn number(&self, hash: &Value) -> usize {
		let Some(digits) = hash.as_str() else { return self.best() };
		let bytes = hex::decode(digits.trim_start_matches("0x")).unwrap();
		u64::from_be_bytes(bytes[24..].try_into().unwrap()) as usize
	}

	/// The block of a hash; without one, the best.
	fn find(&self, hash: &Value) -> (usize, &Block) {
		let dropped = || serde_json::from_value(hash.clone()).ok().and_then(|hash| self.dropped.get(&hash));
		if let Some((number, block)) = dropped() {
			return (*number, block);
		}
		let number = self.number(hash);
		(number, &self.blocks[number])
	}

	/// The number of the best block.
	pub fn best(&self) -> usize {
		self.blocks.len() - 1
	}

	/// Makes a block of these transactions.
	pub fn block(&mut self, extrinsics: Vec<Vec<u8>>) {
		let signed = extrinsics.iter().filter(|bytes| nonce(bytes).is_some()).count() as u64;
		let before = &self.blocks[self.best()];
		let (nonce, storage, views) = (before.nonce + signed, before.storage.clone(), before.views.clone());
		self.pool.retain(|bytes| !extrinsics.contains(bytes));
		let fork = self.fork;
		let mut block = Block { nonce, storage, views, fork, ..Block::default() };
		for (bytes, place) in extrinsics.iter().zip(0..) {
			(self.effect)(&mut block, place, &Called::of(bytes));
		}
		block.extrinsics = extrinsics;
		self.blocks.push(block);
	}

	/// Drops the best chain's blocks after this number, with what is in them; those that come are others.
	pub fn drop_after(&mut self, number: usize) {
		for number in number + 1..self.blocks.len() {
			self.dropped.insert(self.hash(number), (number, self.blocks[number].clone()));
		}
		self.blocks.truncate(number + 1);
		self.fork += 1;
	}

	/// What was sent, each once, in order.
	pub fn called(&self) -> Vec<Called> {
		let mut seen = Vec::new();
		for bytes in &self.came {
			if !seen.contains(&bytes) {
				seen.push(bytes);
			}
		}
		seen.into_iter().map(|bytes| Called::of(bytes)).collect()
	}

	/// Makes a block of all that is in the pool and not refused.
	pub fn seal(&mut self) {
		let best = self.best();
		let pool = std::mem::take(&mut self.pool);
		let good = pool.into_iter().filter(|bytes| self.refuses(bytes, best).is_none()).collect();
		self.block(good);
	}

	/// Makes a block, and makes it and all before it final.
	pub fn finalise(&mut self) {
		self.seal();
		self.finalised = self.best();
	}

	fn refuses(&self, bytes: &[u8], at: usize) -> Option<No> {
		if nonce(bytes).is_some_and(|nonce| nonce < self.blocks[at].nonce) {
			return Some(No::Stale);
		}
		(self.rule)(self, bytes, at)
	}

	/// The header of a block of this number.
	fn header(&self, number: usize) -> Value {
		json!({
			"parentHash": self.hash(number.saturating_sub(1)),
			"number": format!("0x{number:x}"),
			"stateRoot": H256([0; 32]),
			"extrinsicsRoot": H256([0; 32]),
			"digest": { "logs": [] },
		})
	}

	/// The last block.
	pub fn last(&mut self) -> &mut Block {
		self.blocks.last_mut().unwrap()
	}

	/// The events of a block: what each transaction did, and how it ended.
	fn events(block: &Block) -> Vec<u8> {
		let system = metadata().pallet_by_name("System").unwrap().event_index();
		let count = block.extrinsics.len() as u32;
		let ended = |index| {
			let (which, error) = match block.failures.get(&index) {
				Some(error) => (1, Bytes(error)),
				None => (0, Bytes(&[])),
			};
			let (topics, info) = (Vec::<H256>::new(), (Compact(7u64), Compact(0u64), [0u8, 0]));
			(0u8, index, [system, which], error, info, topics).encode()
		};
		let others = block.events.iter().map(|event| (2u8, Bytes(event), Vec::<H256>::new()).encode());
		let outcomes = block
			.outcomes
			.iter()
			.map(|(place, event)| (0u8, place, Bytes(event), Vec::<H256>::new()).encode());
		let events: Vec<_> = outcomes.chain((0..count).map(ended)).chain(others).collect();
		let mut bytes = Compact(events.len() as u32).encode();
		bytes.extend(events.concat());
		bytes
	}

	fn call(&self, method: &str, bytes: &[u8], hash: &Value) -> Vec<u8> {
		let (at, block) = self.find(hash);
		// What a dropped block has is not asked for by those who validate.
		let at = at.min(self.best());
		match method {
			"Core_version" => {
				("oda", "oda", 1u32, 1u32, 1u32, Vec::<([u8; 8], u32)>::new(), 1u32, 1u8).encode()
			}
			"Metadata_metadata_versions" => vec![16u32].encode(),
			"Metadata_metadata_at_version" => Some(METADATA.to_vec()).encode(),
			"AccountNonceApi_account_nonce" => (block.nonce as u32).encode(),
			"OdaApi_model" => pallets::overview(),
			"RuntimeViewFunction_execute_view_function" => pallets::view_function(block, bytes),
			"TaggedTransactionQueue_validate_transaction" => {
				let transaction = Vec::<u8>::decode(&mut &bytes[1..]).unwrap().encode();
				self.refuses(&transaction, at).map_or_else(
					|| (0u8, 1u64, Vec::<Vec<u8>>::new(), Vec::<Vec<u8>>::new(), 64u64, true).encode(),
					No::encoded,
				)
			}
			other => panic!("{other} is not played"),
		}
	}

	/// What the pool answers.
	fn submit(&mut self, bytes: Vec<u8>) -> Result<String, ErrorObjectOwned> {
		let refuse = |code, message: &str, data: Option<String>| {
			Err(ErrorObjectOwned::owned(code, message.to_owned(), data))
		};
		self.came.push(bytes.clone());
		match self.refuses(&bytes, self.best()) {
			// The words are none that anything may depend on.
			Some(_) => return refuse(1010, "no", Some("refused".to_owned())),
			None if self.pool.contains(&bytes) => return refuse(1013, "known", None),
			None => {}
		}
		if self.pool.iter().any(|other| nonce(other).is_some() && nonce(other) == nonce(&bytes)) {
			return refuse(1014, "low", None);
		}
		self.pool.push(bytes);
		Ok(format!("{:?}", H256([0; 32])))
	}
}

/// The number of a signed transaction.
pub fn nonce(bytes: &[u8]) -> Option<u64> {
	let body = &mut &bytes[..];
	Compact::<u32>::decode(body).unwrap();
	// Version 4, signed; the address, the signature, the era.
	(body[0] == 0x84).then(|| Compact::<u64>::decode(&mut &body[1 + 33 + 65 + 2..]).unwrap().0)
}

/// A node that is played, behind a connection that can be cut.
pub struct Played {
	state: Arc<Mutex<State>>,
	cut: Arc<Notify>,
	/// Where it is.
	pub url: String,
	_server: ServerHandle,
}

impl Played {
	/// A chain whose block 5 is final.
	pub async fn start() -> Self {
		let state = State {
			chain: 1,
			blocks: vec![Block::default(); 6],
			dropped: HashMap::new(),
			fork: 0,
			finalised: 5,
			pool: Vec::new(),
			came: Vec::new(),
			mishap: None,
			rule: Box::new(|_, _, _| None),
			effect: Box::new(|_, _, _| ()),
			syncing: false,
			listed: 0,
			lacks: 0..0,
		};
		let (state, cut) = (Arc::new(Mutex::new(state)), Arc::<Notify>::default());
		let server = ServerBuilder::default().build("127.0.0.1:0").await.unwrap();
		let node = server.local_addr().unwrap();
		let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
		let url = format!("ws://{}", listener.local_addr().unwrap());
		let cutter = Arc::clone(&cut);
		tokio::spawn(async move {
			while let Ok((mut client, _)) = listener.accept().await {
				let cut = Arc::clone(&cutter);
				tokio::spawn(async move {
					let Ok(mut node) = TcpStream::connect(node).await else { return };
					tokio::select! {
						_ = tokio::io::copy_bidirectional(&mut client, &mut node) => {}
						() = cut.notified() => {}
					}
				});
			}
		});
		let _server = server.start(module(Arc::clone(&state), Arc::clone(&cut)));
		Self { state, cut, url, _server }
	}

	/// Its state, for as long as this is held.
	pub fn state(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap()
	}

	/// Breaks all connections.
	pub fn cut(&self) {
		self.cut.notify_waiters();
	}

	/// Makes a final block now and then.
	pub fn run(&self) -> tokio::task::JoinHandle<()> {
		let state = Arc::clone(&self.state);
		tokio::spawn(async move {
			loop {
				tokio::time::sleep(std::time::Duration::from_millis(100)).await;
				state.lock().unwrap().finalise();
			}
		})
	}

	/// The transactions in all blocks.
	pub fn included(&self) -> Vec<Vec<u8>> {
		self.state().blocks.iter().flat_map(|block| block.extrinsics.clone()).collect()
	}
}

fn digits(bytes: &Vec<u8>) -> String {
	format!("0x{}", hex::encode(bytes))
}

/// The bytes of digits; none of nothing.
fn bytes(digits: &Value) -> Vec<u8> {
	hex::decode(digits.as_str().unwrap_or_default().trim_start_matches("0x")).unwrap()
}

fn module(state: Arc<Mutex<State>>, cut: Arc<Notify>) -> RpcModule<Arc<Mutex<State>>> {
	let mut module = RpcModule::new(state);
	macro_rules! method {
		($name:literal, |$state:ident, $params:ident| $answer:expr) => {
			module
				.register_method($name, |params, state, _| -> Value {
					let $params: Vec<Value> = params.parse().unwrap_or_default();
					let $params = |at: usize| $params.get(at).cloned().unwrap_or_default();
					let mut $state = state.lock().unwrap();
					let $state = &mut *$state;
					$answer
				})
				.unwrap();
		};
	}
	method!("chain_getBlockHash", |state, params| match params(0).as_u64() {
		None => json!(state.hash(state.best())),
		Some(number) => {
			let number = number as usize;
			let known = number <= state.best() && !state.lacks.contains(&number);
			json!(known.then(|| state.hash(number)))
		}
	});
	method!("chain_getFinalizedHead", |state, _params| json!(state.hash(state.finalised)));
	method!("chain_getHeader", |state, params| state.header(state.find(&params(0)).0));
	method!("chain_getBlock", |state, params| {
		let (number, block) = state.find(&params(0));
		let extrinsics: Vec<_> = block.extrinsics.iter().map(digits).collect();
		json!({ "block": { "header": state.header(number), "extrinsics": extrinsics }, "justifications": null })
	});
	method!("system_health", |state, _params| {
		json!({ "peers": 0, "isSyncing": state.syncing, "shouldHavePeers": true })
	});
	method!("system_accountNextIndex", |state, _params| {
		let waiting = state.pool.iter().filter(|bytes| nonce(bytes).is_some()).count() as u64;
		json!(state.blocks[state.best()].nonce + waiting)
	});
	method!("state_call", |state, params| {
		let (method, parameters) = (params(0), bytes(&params(1)));
		json!(digits(&state.call(method.as_str().unwrap(), &parameters, &params(2))))
	});
	method!("state_getStorage", |state, params| {
		let events = "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7";
		let (_, block) = state.find(&params(1));
		let value = if params(0).as_str() == Some(events) {
			Some(State::events(block))
		} else {
			block.storage.get(&bytes(&params(0))).cloned()
		};
		json!(value.as_ref().map(digits))
	});
	method!("state_getKeysPaged", |state, params| {
		state.listed += 1;
		let (prefix, start) = (bytes(&params(0)), bytes(&params(2)));
		let storage = &state.find(&params(3)).1.storage;
		let keys = storage.keys().filter(|key| key.starts_with(&prefix) && **key > start).map(digits);
		json!(keys.take(params(1).as_u64().unwrap() as usize).collect::<Vec<_>>())
	});
	method!("state_queryStorageAt", |state, params| {
		let storage = &state.find(&params(1)).1.storage;
		let keys = params(0).as_array().unwrap().clone();
		let changes: Vec<_> = keys.iter().map(|key| (key, storage.get(&bytes(key)).map(digits))).collect();
		json!([{ "block": H256([0; 32]), "changes": changes }])
	});
	module
		.register_async_method("author_submitExtrinsic", move |params, state, _| {
			let cut = Arc::clone(&cut);
			async move {
				let digits: String = params.one().unwrap();
				let bytes = hex::decode(digits.trim_start_matches("0x")).unwrap();
				let mishap = {
					let mut state = state.lock().unwrap();
					let Some(mishap) = state.mishap.take() else { return state.submit(bytes) };
					if mishap != Mishap::Lost {
						state.submit(bytes).unwrap();
					}
					match mishap {
						Mishap::Included => state.seal(),
						Mishap::Replaced => {
							state.seal();
							state.chain = 2;
						}
						Mishap::Taken | Mishap::Lost => {}
					}
					mishap
				};
				tracing::debug!(?mishap, "the connection breaks");
				cut.notify_waiters();
				std::future::pending().await
			}
		})
		.unwrap();
	module
}
