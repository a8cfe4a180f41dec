//! What an author's block holds: made by the node's own parts, on a chain in a temporary folder, and imported by executing
//! it.

use crate::{
	cli::Cli,
	service::{self, Block, Components},
};
use clap::Parser;
use codec::{Decode, Encode};
use oda_runtime::{
	Hash, Header, RuntimeCall, RuntimeEvent, UncheckedExtrinsic, configs::system::OPERATIONAL_ROOM,
};
use oda_runtime_api::{OdaApi, Stage};
use oda_trials::{CHALLENGER, Trial, general, longest, signed};
use polkadot_sdk::*;
use sc_basic_authorship::ProposeArgs;
use sc_cli::CliConfiguration;
use sc_client_api::{HeaderBackend, StorageProvider};
use sc_consensus::{BlockImport, BlockImportParams, ForkChoiceStrategy, ImportResult};
use sc_transaction_pool_api::{ChainEvent, MaintainedTransactionPool, TransactionPool, TransactionSource};
use sp_api::ProvideRuntimeApi;
use sp_consensus::{BlockOrigin, Environment, InherentData};
use sp_consensus_babe::{
	BABE_ENGINE_ID,
	digests::{PreDigest, SecondaryPlainPreDigest},
};
use sp_core::storage::{StorageKey, well_known_keys};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{Digest, DigestItem, OpaqueExtrinsic, Storage, traits::Block as _};
use std::time::Duration;

/// The slot of the genesis block; each block has the next one. A slot lasts a second.
const FIRST_SLOT: u64 = 1_000;
/// Only ends a test that hangs.
const LONG: Duration = Duration::from_secs(600);

/// A chain with one author, whose blocks are made when the test says so.
struct Chain {
	node: Components,
	_folder: tempfile::TempDir,
}

impl Chain {
	/// The node of a development chain, whose genesis is this.
	fn new(mut genesis: Storage) -> Self {
		let folder = tempfile::tempdir().expect("a temporary folder");
		let base = folder.path().to_str().expect("its name is text");
		let cli =
			Cli::parse_from(["oda-node", "--dev", "--no-prometheus", "--no-telemetry", "--base-path", base]);
		let mut config = cli
			.run
			.create_configuration(&cli, tokio::runtime::Handle::current())
			.expect("a command line that holds together");
		let wasm = oda_runtime::WASM_BINARY.expect("the runtime was built with its wasm");
		genesis.top.insert(well_known_keys::CODE.to_vec(), wasm.to_vec());
		config.chain_spec.set_storage(genesis);
		Self { node: service::new_partial(&config).expect("a node"), _folder: folder }
	}

	fn best(&self) -> Header {
		let hash = self.node.client.info().best_hash;
		self.node.client.header(hash).expect("a database").expect("the best block is there")
	}

	fn genesis(&self) -> Hash {
		self.node.client.info().genesis_hash
	}

	/// Offers an extrinsic to the pool, as a peer does.
	async fn offer(&self, extrinsic: UncheckedExtrinsic) {
		let at = self.best().hash();
		let pool = &self.node.transaction_pool;
		let offered = pool.submit_one(at, TransactionSource::External, opaque(extrinsic));
		offered.await.expect("the pool takes it");
	}

	/// The block that an author makes next.
	async fn propose(&self) -> Block {
		let parent = self.best();
		let slot = FIRST_SLOT + u64::from(parent.number) + 1;
		let author =
			PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index: 0, slot: slot.into() });
		let inherent_digests = Digest { logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, author.encode())] };
		let mut inherent_data = InherentData::new();
		let now = sp_timestamp::InherentType::from(slot * 1_000);
		inherent_data.put_data(sp_timestamp::INHERENT_IDENTIFIER, &now).expect("there is none yet");
		let mut proposers = service::proposers(
			self.node.task_manager.spawn_handle(),
			self.node.client.clone(),
			self.node.transaction_pool.clone(),
			None,
			None,
		);
		let proposer = proposers.init(&parent).await.expect("an author");
		let args = ProposeArgs { inherent_data, inherent_digests, max_duration: LONG, ..Default::default() };
		proposer.propose_block(args).await.expect("a block").block
	}

	/// Imports a block as one of another author: by executing it.
	async fn import(&self, block: Block) {
		let (header, body) = block.deconstruct();
		let hash = header.hash();
		let mut params = BlockImportParams::new(BlockOrigin::NetworkBroadcast, header);
		params.body = Some(body);
		params.fork_choice = Some(ForkChoiceStrategy::LongestChain);
		let imported = self.node.client.import_block(params).await.expect("the block is right");
		assert!(matches!(imported, ImportResult::Imported(_)), "{imported:?}");
		assert_eq!(self.best().hash(), hash);
		self.node.transaction_pool.maintain(ChainEvent::NewBestBlock { hash, tree_route: None }).await;
	}

	/// The events of the best block.
	fn events(&self) -> Vec<RuntimeEvent> {
		let key = frame_support::storage::storage_prefix(b"System", b"Events");
		let stored = self.node.client.storage(self.best().hash(), &StorageKey(key.to_vec()));
		let stored = stored.expect("a database").expect("there are events");
		let records = Vec::<frame_system::EventRecord<RuntimeEvent, Hash>>::decode(&mut &stored.0[..]);
		records.expect("events of the runtime").into_iter().map(|record| record.event).collect()
	}
}

fn opaque(extrinsic: UncheckedExtrinsic) -> OpaqueExtrinsic {
	extrinsic.into()
}

/// How many of the block's extrinsics are among these.
fn count(block: &Block, among: &[UncheckedExtrinsic]) -> usize {
	let among: Vec<_> = among.iter().cloned().map(opaque).collect();
	block.extrinsics().iter().filter(|extrinsic| among.contains(extrinsic)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn leak_the_longest_challenge_should_enter_a_block_past_a_pool_full_of_others() {
	let mut trial = Trial::new(longest().expect("there is a longest one")).expect("it is admitted");
	let chain = Chain::new(std::mem::take(&mut trial.storage));
	let genesis = chain.genesis();

	// A signed commitment to the evidence, and the time that it has to age.
	let commit = signed(trial.commit(&genesis.0), CHALLENGER, 0, genesis);
	chain.offer(commit.clone()).await;
	let block = chain.propose().await;
	assert_eq!(count(&block, &[commit]), 1);
	chain.import(block).await;
	for _ in 0..2 {
		chain.import(chain.propose().await).await;
	}

	// More ordinary transactions than a block takes.
	let remark = |nonce| {
		let call = frame_system::Call::remark { remark: vec![1; 64 << 10] };
		signed(RuntimeCall::System(call), Sr25519Keyring::Ferdie, nonce, genesis)
	};
	let remarks: Vec<_> = (0..80).map(remark).collect();
	for remark in &remarks {
		chain.offer(remark.clone()).await;
	}
	let fill = count(&chain.propose().await, &remarks);
	assert!((50..70).contains(&fill), "{fill} of {} are a block's ordinary share", remarks.len());

	// As long as registration lets it become, but for what no challenge needs.
	let challenge = general(trial.challenge().expect("it can be shown"));
	let room = OPERATIONAL_ROOM as usize;
	let length = challenge.encoded_size();
	println!("a challenge of {length} bytes, of {room} that registration admits; {:?}", trial.cost());
	assert!((room - 4_096..=room).contains(&length), "{length} of {room}");
	chain.offer(challenge.clone()).await;
	let block = chain.propose().await;
	assert_eq!(count(&block, std::slice::from_ref(&challenge)), 1);

	let submission = |chain: &Chain| {
		let api = chain.node.client.runtime_api();
		api.submission(chain.best().hash(), trial.submission).expect("the runtime answers")
	};
	let before = submission(&chain).expect("it is there");
	assert!(matches!(before.stage, Stage::Verifying { challengers: 1, .. }), "{before:?}");
	chain.import(block).await;
	assert_eq!(submission(&chain), None);
	let overturned = |event: &RuntimeEvent| {
		let RuntimeEvent::Training(pallet_training::Event::Overturned { submission, .. }) = event else {
			return false;
		};
		*submission == trial.submission
	};
	assert_eq!(chain.events().iter().filter(|event| overturned(event)).count(), 1);

	// The others have only waited.
	assert_eq!(count(&chain.propose().await, &remarks), fill);
}
