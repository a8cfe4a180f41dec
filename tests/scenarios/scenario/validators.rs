//! Who validates: elected by stake, slashed for signing twice, and removed for staying away.

use oda_client::{AccountId, Chain, Key, ValidatorStatus};
use oda_e2e::{
	Network, Node,
	network::{PATIENCE, heads, until},
	node,
};
use std::{collections::BTreeMap, time::Duration};
use tempfile::TempDir;

/// Slots of a second, ten an epoch: everybody responds in each session.
const TEMPO: (u64, u64) = (1_000, 10);

/// Validators that finalise and have all responded in the last session; a connection to the last of them.
async fn network(count: usize, tempo: (u64, u64), windows: &[(&str, u64)]) -> (Network, Chain, TempDir) {
	let base = TempDir::new().unwrap();
	let network = Network::start_with(
		base.path(),
		count,
		tempo,
		&[],
		|_| Ok(Vec::new()),
		|genesis| node::set_windows(genesis, windows),
	)
	.await
	.unwrap();
	for node in &network.validators {
		until(node, "the network finalises", |_, finalised| finalised > 0).await.unwrap();
	}
	let chain = Chain::connect(&network.validators[count - 1].url(), Some(PATIENCE)).await.unwrap();
	for uri in &["//Alice", "//Bob", "//Charlie", "//Dave"][..count] {
		let is_there = |now: &ValidatorStatus| {
			now.session > 1 && now.absences == 0 && now.elected.is_some() && now.place.is_some()
		};
		fares(&chain, &account(uri), "all are there", is_there).await;
	}
	(network, chain, base)
}

fn account(uri: &str) -> AccountId {
	Key::from_uri(uri).unwrap().account()
}

/// How a validator fares at the last final block, once it fares as wanted.
async fn fares(
	chain: &Chain,
	who: &AccountId,
	what: &str,
	wanted: impl Fn(&ValidatorStatus) -> bool,
) -> ValidatorStatus {
	let mut last = None;
	let waiting = async {
		loop {
			let now = chain.finalised().await.unwrap().validator(who).await.unwrap();
			if wanted(&now) {
				return now;
			}
			last = Some(now);
			tokio::time::sleep(Duration::from_millis(250)).await;
		}
	};
	match tokio::time::timeout(PATIENCE, waiting).await {
		Ok(now) => now,
		Err(_) => panic!("{what}: at last {last:?}"),
	}
}

/// How a validator fared at each final block from this one on, up to the last one of now.
async fn history(chain: &Chain, who: &AccountId, first: u64) -> BTreeMap<u64, ValidatorStatus> {
	let mut found = BTreeMap::new();
	for number in first..=chain.finalised().await.unwrap().number() {
		let view = chain.at(number).await.unwrap().unwrap();
		found.insert(number, view.validator(who).await.unwrap());
	}
	found
}

/// Waits until so many more blocks are final.
async fn finalises(node: &Node, blocks: u64) {
	let (_, before) = heads(node).await.unwrap();
	until(node, "finality goes on", |_, finalised| finalised >= before + blocks).await.unwrap();
}

/// What a validator has bonded, at the last final block.
async fn bond(chain: &Chain, who: &AccountId) -> u128 {
	let now = chain.finalised().await.unwrap().validator(who).await.unwrap();
	now.pool.unwrap_or_else(|| panic!("{who} has bonded nothing")).own
}

/// What these accounts own freely, together.
async fn free(chain: &Chain, accounts: &[AccountId]) -> u128 {
	let view = chain.finalised().await.unwrap();
	let mut sum = 0;
	for account in accounts {
		sum += view.account(account).await.unwrap().free;
	}
	sum
}

#[tokio::test]
async fn a_validator_whose_keys_run_on_two_nodes_is_slashed_and_not_elected_again() {
	let (network, chain, _base) = network(4, TEMPO, &[("minValidators", 3)]).await;
	let all = ["//Alice", "//Bob", "//Charlie", "//Dave"].map(account);
	let bob = all[1];
	let (first, owned) = (chain.finalised().await.unwrap().number(), free(&chain, &all).await);
	let bonded = bond(&chain, &bob).await;

	let twin = network.join("bob-again", &["--bob", "--validator"]).await.unwrap();
	let is_chilled = |now: &ValidatorStatus| now.pool.as_ref().is_some_and(|pool| pool.chilled);
	let reported = fares(&chain, &bob, "it is reported", is_chilled).await;
	twin.kill().await.unwrap();
	let out = reported.session + 2;
	fares(&chain, &bob, "the session after the next begins", |now| now.session > out).await;
	let history = history(&chain, &bob, first).await;
	// From the block with the report on it counts no more, and is disabled: one of four is.
	let (_, reported) = history.iter().find(|(_, now)| is_chilled(now)).unwrap();
	let session = reported.session;
	assert!(reported.disabled, "{reported:?}");
	assert_eq!((reported.place, reported.barred_until), (None, Some(session + 1)));
	// Elected already for the next session, and for none after that.
	for now in history.values() {
		assert_eq!(now.elected.is_some(), now.session <= session + 1, "{now:?}");
	}

	// It loses nine sixteenths of what was behind it, for each session in which it signed twice.
	let behind = |session| history.values().find(|now| now.session == session).and_then(|now| now.elected);
	let mut lost = BTreeMap::new();
	for offence in history.values().flat_map(|now| &now.offences) {
		let expected = (562_500_000, behind(offence.session));
		assert_eq!((offence.fraction, Some(offence.exposure)), expected, "{offence:?}");
		lost.insert(offence.session, offence.exposure * 9 / 16);
	}
	assert!(lost.contains_key(&session), "{lost:?}");
	let lost = lost.values().sum::<u128>().min(bonded);
	let pool = history.values().last().unwrap().pool.clone().unwrap();
	assert_eq!((pool.own, pool.offences, pool.counted), (bonded - lost, 0, 0));
	// Half is burned, half is for those who made the blocks with the reports.
	assert_eq!(free(&chain, &all).await, owned + lost / 2);

	// The other three go on without it.
	let [alice, _, charlie, dave] = &network.validators[..] else { panic!("there are four") };
	for node in [alice, charlie, dave] {
		finalises(node, 5).await;
	}
}
