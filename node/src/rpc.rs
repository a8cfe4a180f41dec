//! The JSON-RPC methods beside those that every node has.

mod inference;
mod score;

use crate::service::{Block, FullBackend, FullClient, FullPool, FullSelectChain};
use jsonrpsee::RpcModule;
use oda_runtime::{BlockNumber, Hash};
use polkadot_sdk::*;
use sc_rpc::SubscriptionTaskExecutor;
use std::{error::Error, sync::Arc};

/// What the methods need of the node.
pub(crate) struct Deps {
	pub(crate) client: Arc<FullClient>,
	pub(crate) pool: Arc<FullPool>,
	pub(crate) select_chain: FullSelectChain,
	pub(crate) keystore: sp_keystore::KeystorePtr,
	pub(crate) babe_worker: sc_consensus_babe::BabeWorkerHandle<Block>,
	pub(crate) grandpa: GrandpaDeps,
}

/// What the finality methods need of the node.
#[derive(Clone)]
pub(crate) struct GrandpaDeps {
	pub(crate) voter_state: sc_consensus_grandpa::SharedVoterState,
	pub(crate) authority_set: sc_consensus_grandpa::SharedAuthoritySet<Hash, BlockNumber>,
	pub(crate) justifications: sc_consensus_grandpa::GrandpaJustificationStream<Block>,
	pub(crate) finality_proofs: Arc<sc_consensus_grandpa::FinalityProofProvider<FullBackend, Block>>,
}

/// Accounts and fees, BABE, GRANDPA, scores, paid inference.
pub(crate) fn create_full(
	deps: Deps,
	subscriptions: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn Error + Send + Sync>> {
	use self::{
		inference::{Inference, InferenceApiServer},
		score::{Score, ScoreApiServer},
	};
	use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
	use sc_consensus_babe_rpc::{Babe, BabeApiServer};
	use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
	use substrate_frame_rpc_system::{System, SystemApiServer};

	let Deps { client, pool, select_chain, keystore, babe_worker, grandpa } = deps;
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), pool.clone()).into_rpc())?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	module.merge(Score::new(score::specs(client.clone())).into_rpc())?;
	module.merge(Inference::new(client.clone(), pool, subscriptions.clone()).into_rpc())?;
	module.merge(Babe::new(client, babe_worker, keystore, select_chain).into_rpc())?;
	module.merge(
		Grandpa::new(
			subscriptions,
			grandpa.authority_set,
			grandpa.voter_state,
			grandpa.justifications,
			grandpa.finality_proofs,
		)
		.into_rpc(),
	)?;
	Ok(module)
}
