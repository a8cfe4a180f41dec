//! What happens on the chain: every event of every final block, counted by its name.

use anyhow::{Result, bail};
use std::{collections::BTreeMap, convert::Infallible, sync::Arc};
use subxt::{
	OnlineClient, SubstrateConfig,
	backend::LegacyBackend,
	config::RpcConfigFor,
	rpcs::{LegacyRpcMethods, RpcClient},
};

/// What the load brings about, and so has to happen: the event, and what it says to people.
pub(crate) const EXPECTED: [(&str, &str); 24] = [
	("ModelRegistry.Registered", "models registered"),
	("ModelRegistry.Retired", "models retired"),
	("Training.Revealed", "submissions revealed"),
	("Verification.CommitteeDrawn", "committees drawn"),
	("Verification.Opened", "answers of verifiers opened"),
	("Training.Accepted", "submissions accepted"),
	("Training.ChallengeCommitted", "commitments to evidence"),
	("Training.Overturned", "lies overturned"),
	("StorageDeals.DealOffered", "storage deals offered"),
	("StorageDeals.ReplicaTaken", "replicas taken"),
	("StorageDeals.RoundProved", "storage proofs"),
	("StorageDeals.DealCancelled", "deals cancelled"),
	("StorageDeals.DealEnded", "deals ended"),
	("StorageDeals.Enlisted", "keepers enlisted"),
	("StorageDeals.Retired", "keepers retired"),
	("StorageDeals.Withdrawn", "keepers left"),
	("Verification.Joined", "verifiers joined"),
	("Verification.Left", "verifiers left"),
	("Staking.Delegated", "delegations"),
	("Staking.Unbonded", "unbondings, redelegations included"),
	("Staking.Withdrawn", "stakes paid out"),
	("Staking.Chilled", "validators that left"),
	("Staking.Resumed", "validators that came back"),
	("Balances.Transfer", "transfers"),
];

/// What has happened.
#[derive(Default)]
pub(crate) struct Events {
	/// How often, by pallet and event.
	counts: BTreeMap<String, u64>,
	/// The last block that was looked at.
	pub(crate) blocks: u64,
}

impl Events {
	/// How often an event happened.
	pub(crate) fn count(&self, event: &str) -> u64 {
		self.counts.get(event).copied().unwrap_or_default()
	}

	/// What has not happened, and should have.
	pub(crate) fn missing(&self) -> Vec<String> {
		let missing = EXPECTED.iter().filter(|(event, _)| self.count(event) == 0);
		missing.map(|(event, name)| format!("no {name}: {event} never happened")).collect()
	}
}

/// The ways to ask a node.
pub(crate) async fn connect(
	url: &str,
) -> Result<(LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>, OnlineClient<SubstrateConfig>)> {
	let link = RpcClient::from_insecure_url(url).await?;
	let backend = LegacyBackend::builder().build(link.clone());
	Ok((LegacyRpcMethods::new(link), OnlineClient::from_backend(Arc::new(backend)).await?))
}

/// Counts what is in final blocks, from the first on, for as long as the node tells of them.
pub(crate) async fn follow(url: &str, events: &mut Events) -> Result<Infallible> {
	let (rpc, client) = connect(url).await?;
	let mut heads = rpc.chain_subscribe_finalized_heads().await?;
	while let Some(head) = heads.next().await {
		let last = head?.number;
		while events.blocks < last {
			let number = events.blocks + 1;
			for event in client.at_block(number).await?.events().fetch().await?.iter() {
				let event = event?;
				let name = format!("{}.{}", event.pallet_name(), event.event_name());
				*events.counts.entry(name).or_default() += 1;
			}
			events.blocks = number;
		}
	}
	bail!("the node tells of no more blocks")
}
