//! What the chain itself sees of an answer: in a dispute, or because it was asked there.

use super::{AT_PRICE, ODA, PRICE, Served, books::Books};
use crate::{ends, events, until_happened};
use oda_blobs::{BlobSource, Store};
use oda_client::{AccountId, DisputeOutcome, Evidence, Key, Signed, StakeRole};
use oda_e2e::{Process, node};
use oda_inference::{Wallet, api::Signature};
use oda_primitives::RangeProof;
use std::time::Duration;

/// Ticks for which a receipt is evidence, and a stake that leaves answers: longer than any program takes to
/// start.
const RECEIPTS: [(&str, u64); 2] = [("receipts", 600), ("bonding", 600)];
/// What a user gets back for a wrong answer, as the chain has it: so many times the price, and what a dispute
/// may cost.
const REFUND_RATIO: u128 = 10;
const DISPUTE_FEE: u128 = 4 * ODA;

/// Kills a process as soon as something has happened.
async fn killed_once(process: Process, happened: impl AsyncFn(&Process) -> bool) {
	let waiting = async {
		while !happened(&process).await {
			tokio::time::sleep(Duration::from_millis(20)).await;
		}
	};
	ends("what is killed", waiting).await;
	process.kill().await.unwrap();
}

#[tokio::test]
async fn who_disputes_a_right_answer_loses_its_bond_and_the_provider_nothing() {
	let mut served = Served::new(&AT_PRICE).await;
	let (channel, _) = served.open().await;
	let digits = served.digits(1).await;
	let (_, answer) = served.ask(channel, &digits).await.remove(0);
	let view = served.chain.finalised().await.unwrap();
	let stake = view.stake_pool(StakeRole::Provider, &served.providing).await.unwrap();
	let model = view.model(served.model).await.unwrap().unwrap();
	let head = view.head(&model).await.unwrap().unwrap();
	let whole = |blob: &[u8]| RangeProof::new(blob, 0..blob.len() as u64).unwrap();
	let Signature::Sr25519(signature) = answer.signature else { panic!("{:?}", answer.signature) };
	let evidence = Evidence {
		receipt: answer.receipt,
		signature: Signed::Sr25519(signature),
		index: 0,
		input: whole(&answer.input),
		output: whole(&answer.outputs()),
		weights: Store::open(served.world.base.path().join("worker")).unwrap().get(&head.weights).unwrap(),
		cost: view.dispute_cost(served.model).await.unwrap().unwrap(),
	};
	let user = served.user.account();
	let before = [served.wealth(&user).await.1, served.wealth(&served.providing).await.1];
	let (outcome, receipt) = served.chain.dispute(&served.user, evidence).await.unwrap();

	let DisputeOutcome::Failed { burned } = outcome else { panic!("{outcome:?}") };
	let books = Books::open(&served.world.node.url()).await;
	assert_eq!(burned, books.governed(receipt.block).await.dispute_bond);
	let after = [served.wealth(&user).await.1, served.wealth(&served.providing).await.1];
	assert_eq!(after, [before[0] - burned - receipt.fee.unwrap(), before[1]]);
	let view = served.chain.finalised().await.unwrap();
	assert_eq!(view.stake_pool(StakeRole::Provider, &served.providing).await.unwrap(), stake);
}

#[tokio::test]
async fn a_request_on_the_chain_is_answered_there() {
	let mut served = Served::new(&AT_PRICE).await;
	let digit = served.digits(1).await.remove(0);
	let (provider, model) = (served.providing, served.model);
	let asked = served.chain.request_inference(&served.user, provider, model, digit.pixels, 1, ODA);
	let (request, price, _) = asked.await.unwrap();
	assert_eq!(price, PRICE);
	let providing = served.provider.process();
	until_happened(providing, "answered", 1).await;
	let answered = &events(providing, "answered")[0];
	assert_eq!(answered["request"], request);
	let block = answered["receipt"]["block"].as_u64().unwrap();
	let answers = served.chain.at(block).await.unwrap().unwrap().one_shot_answers().await.unwrap();
	assert_eq!(answers.len(), 1);
	assert_eq!((answers[0].0.price, &answers[0].1), (price, &digit.output));
}

#[tokio::test]
async fn a_dispute_is_seen_through_by_the_next_command_and_by_the_watcher_and_pays_once() {
	let served = Served::within(&RECEIPTS, &AT_PRICE).await;
	let (worker, digit) = (served.user().await, served.digits(1).await.remove(0));
	// Where the weights lie.
	let liar = served.world.worker("//Ferdie");
	liar.result(&["stake", "bond", "provider", "100", "--yes"]).await.unwrap();
	let (bind, price) = (format!("127.0.0.1:{}", node::free_port().unwrap()), PRICE.to_string());
	let lies = ["serve", "--bind", &bind, "--price", &price];
	let mut lying = liar.rogue_service(&served.name, &lies, &served.world.log("liar.log")).unwrap();
	until_happened(&mut lying, "serving", 1).await;
	let (user, liar) = (served.user.account(), Key::from_uri("//Ferdie").unwrap().account());
	let stake = async |account: &AccountId| {
		let view = served.chain.finalised().await.unwrap();
		view.stake_pool(StakeRole::Provider, account).await.unwrap().expect("it has bonded").own
	};
	let start = served.chain.finalised().await.unwrap().number();
	let before = (served.wealth(&user).await, served.wealth(&liar).await, stake(&liar).await);

	// Killed when it has found the answer wrong.
	let (input, name) = (served.world.log("input").to_string_lossy().into_owned(), liar.to_string());
	std::fs::write(&input, &digit.pixels).unwrap();
	let infer = ["infer", &served.name, &input, "--as", "tensor", "--verify", "--provider", &name];
	let asking = worker.service(&infer, &served.world.log("first.log")).unwrap();
	killed_once(asking, async |asking| asking.output().contains("\"right\":false")).await;
	let wallet = worker.base().join("wallets").join(user.to_string());
	let wallet = Wallet::open(&wallet, served.chain.genesis()).unwrap();
	let accused = || wallet.records().unwrap().remove(0).accused;
	assert_eq!(accused().len(), 1);
	// Given again, and killed when the court's block is not final yet.
	let asking = worker.service(&infer, &served.world.log("second.log")).unwrap();
	killed_once(asking, async |_| {
		// The first has opened a channel.
		served.chain.best().await.unwrap().account(&user).await.unwrap().nonce > before.0.0 + 1
	})
	.await;
	let mut watching = worker.service(&["watch", "--no-check"], &served.world.log("watcher.log")).unwrap();
	until_happened(&mut watching, "channel", 2).await;

	let steps: Vec<_> = events(&watching, "channel").into_iter().map(|event| event["step"].clone()).collect();
	assert_eq!(steps, ["closing", "finished"]);
	assert!(accused().is_empty(), "the court has judged");
	let view = served.chain.finalised().await.unwrap();
	let slash = view.inference_terms().await.unwrap().receipt_slash;
	let refund = (REFUND_RATIO * PRICE + DISPUTE_FEE).min(slash / 2);
	let books = Books::open(&served.world.node.url()).await;
	let fees = books.turnover(start + 1..=view.number()).await.fees_of(&user);
	let after = (served.wealth(&user).await, served.wealth(&liar).await, stake(&liar).await);
	// It was opened, disputed, closed and finished; its provider has redeemed nothing.
	let made_whole = (before.0.0 + 4, before.0.1 + refund - fees);
	assert_eq!(after, (made_whole, before.1, before.2 - slash));
	let refused = worker.refusal(&infer).await.unwrap();
	assert!(refused.contains("gave this account a wrong answer"), "{refused}");
}
