//! What the chain itself sees of an answer: in a dispute, or because it was asked there.

use super::{AT_PRICE, ODA, PRICE, Served, books::Books};
use crate::{events, until_happened};
use oda_blobs::{BlobSource, Store};
use oda_client::{DisputeOutcome, Evidence, Signed, StakeRole};
use oda_inference::api::Signature;
use oda_primitives::RangeProof;

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
