//! Who validates: elected by stake, slashed for signing twice, and removed for staying away.

use crate::ends;
use oda_client::{AccountId, Chain, Key, ValidatorStatus};
use oda_e2e::{
	Network, Node, Worker,
	network::{PATIENCE, heads, until},
	node,
};
use std::{collections::BTreeMap, path::Path, time::Duration};
use tempfile::TempDir;

const ODA: u128 = 1_000_000_000_000;

/// Slots of a second, ten an epoch.
const TEMPO: (u64, u64) = (1_000, 10);
/// Longer ones, where it is counted who responds. Of sessions of ten slots one of four makes no block in every
/// eighteenth, and may send its heartbeat too late for a block to have it; of those of 24, in every thousandth.
const LONG: (u64, u64) = (1_000, 24);
/// Shorter ones, where a stake is waited for that leaves: it is out 26 of them later.
const SHORT: (u64, u64) = (1_000, 6);

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

/// Somebody at a node.
fn worker(node: &Node, base: &Path, uri: &str) -> Worker {
	Worker::new(&node.url(), &base.join(format!("worker-{}", uri.trim_start_matches('/'))), uri)
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
	// What it signs twice at the end of a session may be reported in the next one.
	assert!(lost.keys().any(|of| (session - 1..=session).contains(of)), "{lost:?}");
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

#[tokio::test]
async fn a_killed_validator_comes_back_as_one_and_who_stays_away_is_none_any_more() {
	let (mut network, chain, _base) = network(4, LONG, &[("minValidators", 3)]).await;
	let (alice, bob) = (account("//Alice"), account("//Bob"));
	let first = chain.finalised().await.unwrap().number();
	let bonded = (bond(&chain, &alice).await, bond(&chain, &bob).await);

	// Three of four go on, while it misses a whole session.
	let killed = network.validators.remove(1).kill().await.unwrap();
	let missed = fares(&chain, &bob, "it is missed", |now| now.absences > 0).await;
	let back = killed.start().await.unwrap();
	let responds = |now: &ValidatorStatus| {
		now.session > missed.session && now.absences == 0 && (now.heartbeat || now.blocks > 0)
	};
	fares(&chain, &bob, "it responds again", responds).await;
	until(&back, "it catches up", |best, finalised| finalised > first && best > finalised).await.unwrap();

	// Without its votes nothing would become final from now on.
	network.validators.remove(0).kill().await.unwrap();
	let gone = chain.finalised().await.unwrap().number();
	finalises(&back, 5).await;
	let away = fares(&chain, &alice, "it is removed", |now| now.place.is_none()).await;
	fares(&chain, &alice, "the next session begins", |now| now.session > away.session).await;
	// The three that are left are all it takes, and none of them can be spared.
	finalises(&back, 5).await;

	let longest = history(&chain, &bob, first).await;
	for (number, now) in &longest {
		assert!(now.elected.is_some() && now.place.is_some(), "block {number}: {now:?}");
		assert_eq!(now.pool.as_ref().unwrap().own, bonded.1);
	}
	let most = longest.values().map(|now| now.absences).max().unwrap();
	let alone = history(&chain, &alice, gone).await;
	let mut by_session = BTreeMap::new();
	for now in alone.values() {
		by_session.insert(now.session, (now.absences, now.place.is_some(), now.elected.is_some()));
	}
	println!("Bob was away for {most} sessions; Alice: {by_session:?}");
	// It is removed at the end of the fourth session in a row in which it has not responded, before the election that is
	// held then; and one of four that is away loses nothing.
	for (session, (absences, counts, elected)) in by_session {
		assert_eq!(counts, session < away.session, "session {session}");
		assert_eq!(elected, session <= away.session, "session {session}");
		assert!(absences < 4 || session >= away.session, "session {session}: away for {absences}");
	}
	assert_eq!(away.absences, 4);
	assert_eq!(alone.values().last().unwrap().pool.as_ref().unwrap().own, bonded.0);
}

#[tokio::test]
async fn one_joins_by_a_bond_and_keys_alone_another_leaves_with_its_stake_and_a_new_node_warps_past_both() {
	let windows = [("minValidators", 3), ("bonding", 1)];
	let (mut network, chain, base) = network(3, SHORT, &windows).await;
	let (alice, newcomer) = (account("//Alice"), account("//Newcomer"));
	// Anybody's node: the newcomer's key has nothing on this chain yet.
	let joined = network.join_validator("newcomer").await.unwrap();
	until(&joined, "it follows", |_, finalised| finalised > 0).await.unwrap();
	let giver = worker(&network.validators[2], base.path(), "//Alice");
	giver.result(&["transfer", &newcomer.to_string(), "2000"]).await.unwrap();
	let operator = worker(&joined, base.path(), "//Newcomer");
	operator.result(&["stake", "bond", "validator", "1500", "--yes"]).await.unwrap();
	let registered = operator.result(&["validator", "keys", "--yes"]).await.unwrap();
	let block = registered["receipt"]["block"].as_u64().unwrap_or_else(|| panic!("{registered}"));

	// It is elected at the end of this session, for the one after the next; it makes blocks then.
	let makes_blocks = |now: &ValidatorStatus| now.blocks > 0;
	fares(&chain, &newcomer, "it makes blocks", makes_blocks).await;
	let joins = history(&chain, &newcomer, block).await;
	let session = joins[&block].session;
	for now in joins.values() {
		assert_eq!(now.elected, (now.session >= session + 2).then_some(1_500 * ODA), "{now:?}");
	}
	let shown = operator.result(&["validator", "status"]).await.unwrap();
	assert_eq!((&shown["node_has_keys"], &shown["disabled"]), (&true.into(), &false.into()), "{shown}");

	// Somebody of genesis leaves, and its node runs on for as long as it is elected.
	let bonded = bond(&chain, &alice).await;
	let chilled = giver.result(&["stake", "chill", "validator"]).await.unwrap();
	let chilled = chilled["block"].as_u64().unwrap_or_else(|| panic!("{chilled}"));
	let unbonded = giver.result(&["stake", "unbond", "validator", "--all"]).await.unwrap();
	assert_eq!(unbonded["amount"].as_u64().map(u128::from), Some(bonded), "{unbonded}");
	let until_tick = unbonded["until"].as_u64().unwrap_or_else(|| panic!("{unbonded}"));
	let early = giver.refusal(&["stake", "withdraw", "validator"]).await.unwrap();
	assert!(early.contains("NothingDue"), "{early}");
	let session = chain.at(chilled).await.unwrap().unwrap().validator(&alice).await.unwrap().session;
	fares(&chain, &alice, "it is out", |now| now.session >= session + 2).await;
	for now in history(&chain, &alice, chilled).await.values() {
		assert_eq!(now.elected.is_some(), now.session < session + 2, "{now:?}");
	}
	network.validators.remove(0).kill().await.unwrap();
	// All three votes are needed now, and one is the newcomer's.
	finalises(&network.validators[0], 10).await;

	let warped = network.join("warped", &["--sync", "warp"]).await.unwrap();
	let (_, reached) = heads(&network.validators[0]).await.unwrap();
	let (_, head) = until(&warped, "it is there", |_, finalised| finalised >= reached).await.unwrap();
	assert!(warped.output().contains("Warp sync is complete"), "{}", warped.output());
	finalises(&warped, 10).await;
	let there = Chain::connect(&warped.url(), Some(PATIENCE)).await.unwrap();
	let hash = async |chain: &Chain| chain.at(head).await.unwrap().map(|view| view.hash());
	assert_eq!(hash(&there).await, hash(&chain).await);

	// Its stake is out, all of it.
	let before = free(&chain, &[alice]).await;
	let due = async {
		while chain.finalised().await.unwrap().tick().await.unwrap() < until_tick {
			tokio::time::sleep(Duration::from_millis(500)).await;
		}
	};
	ends("guilt", due).await;
	let paid = giver.result(&["stake", "withdraw", "validator"]).await.unwrap();
	let after = chain.finalised().await.unwrap();
	assert!(after.validator(&alice).await.unwrap().pool.is_none(), "{paid}");
	let fee = paid["receipt"]["fee"].as_u64().unwrap_or_else(|| panic!("{paid}"));
	let deposit = after.stake_terms().await.unwrap().pool_deposit;
	assert_eq!(free(&chain, &[alice]).await, before + bonded + deposit - u128::from(fee), "{paid}");
}
