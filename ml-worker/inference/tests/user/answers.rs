//! What is wrong with an answer, and what follows from it.

use crate::{
	fake_chain::{RECEIPTS, WEIGHTS},
	fake_provider::{Act, PRICE, encoded, output},
	world::{World, named, question},
};
use oda_inference::{
	PayError, Question,
	api::{InferAnswer, InferRequest, Input},
	verify::Wrong,
};
use oda_primitives::{
	BlobRef,
	inference::{Payment, request_hash},
};

/// What is found wrong when a provider changes the answer before it signs the receipt.
async fn signed(change: fn(&mut InferAnswer)) -> Wrong {
	let world = World::new().await;
	world.provider.will([Act::Before(change)]);
	world.wrong().await
}

#[tokio::test]
async fn a_right_answer_is_paid_once_and_kept() {
	let world = World::new().await;
	let paid = world.ask(&question(7)).await.unwrap();
	assert_eq!(paid.answer.answers[0].output, output(&7u32.to_le_bytes()));
	assert_eq!((paid.unknown, paid.again), (0, false));
	let record = world.record();
	assert_eq!((record.spent, record.promised(), record.waits), (PRICE, PRICE, None));
	assert_eq!(world.wallet().answer(paid.channel, 1).unwrap(), Some(paid.answer));
	assert_eq!(world.provider.state().served, [1]);
}

#[tokio::test]
async fn each_request_pays_for_itself() {
	let world = World::new().await;
	for number in 1..=3 {
		world.ask(&question(number)).await.unwrap();
	}
	assert_eq!(world.record().spent, 3 * PRICE);
	let amounts: Vec<_> =
		world.provider.state().seen.iter().map(|paid| (paid.voucher.nonce, paid.voucher.amount)).collect();
	assert_eq!(amounts, [(1, PRICE), (2, 2 * PRICE), (3, 3 * PRICE)]);
}

#[tokio::test]
async fn a_request_that_cost_less_than_it_might_leaves_the_rest_for_the_next() {
	let world = World::new().await;
	world.provider.will([Act::Before(|answer| answer.receipt.price = 30)]);
	world.ask(&question(1)).await.unwrap();
	assert_eq!((world.record().spent, world.record().promised()), (30, PRICE));
	world.ask(&question(2)).await.unwrap();
	assert_eq!((world.record().spent, world.record().promised()), (30 + PRICE, 30 + PRICE));
}

#[tokio::test]
async fn after_a_wrong_answer_nothing_is_signed_any_more_and_the_evidence_is_kept() {
	let world = World::new().await;
	world.provider.will([Act::After(|answer| answer.answers[0].output = vec![0, 0])]);
	assert_eq!(world.wrong().await, Wrong::OutputRoot);
	let record = world.record();
	assert_eq!(record.stopped, Some(Wrong::OutputRoot.to_string()));
	assert_eq!((record.spent, record.waits), (0, None));

	let error = world.ask(&question(2)).await.unwrap_err();
	assert!(error.to_string().contains("is stopped"), "{error}");
	assert_eq!(world.provider.state().seen.len(), 1, "nothing was sent");

	let ledger = world.wallet().take(record.channel, world.times.request).await.unwrap();
	let bad = ledger.evidence().unwrap().unwrap();
	assert_eq!(bad.paid, record.last);
	assert!(bad.asked.is_some());
	assert!(serde_json::from_str::<InferAnswer>(&bad.came).is_ok());
}

#[tokio::test]
async fn a_receipt_that_another_key_signed_is_refused() {
	let world = World::new().await;
	world.provider.will([Act::After(|answer| {
		let key = oda_client::Key::from_uri("//Mallory").unwrap();
		let message = answer.receipt.message(&crate::fake_chain::GENESIS);
		answer.signature = oda_inference::api::Signature::of(&message, &key);
	})]);
	assert_eq!(world.wrong().await, Wrong::Signature);
}

#[tokio::test]
async fn a_receipt_of_another_chain_is_refused() {
	let world = World::new().await;
	world.provider.will([Act::OtherChain]);
	assert_eq!(world.wrong().await, Wrong::Signature);
}

#[tokio::test]
async fn a_receipt_that_was_changed_after_it_was_signed_is_refused() {
	let world = World::new().await;
	world.provider.will([Act::After(|answer| answer.receipt.price = 1)]);
	assert_eq!(world.wrong().await, Wrong::Signature);
}

#[tokio::test]
async fn a_receipt_of_another_channel_is_refused() {
	let other = Payment::Channel(99);
	assert_eq!(signed(|answer| answer.receipt.payment = Payment::Channel(99)).await, Wrong::Payment(other));
	let other = Payment::OneShot(1);
	assert_eq!(signed(|answer| answer.receipt.payment = Payment::OneShot(1)).await, Wrong::Payment(other));
}

#[tokio::test]
async fn the_receipt_of_an_earlier_request_is_not_taken_again() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	world.provider.will([Act::OldReceipt]);
	assert_eq!(world.wrong().await, Wrong::Nonce { got: 1, asked: 2 });
}

#[tokio::test]
async fn the_answer_of_another_model_is_refused() {
	assert_eq!(signed(|answer| answer.model = [9; 32]).await, Wrong::Model);
}

#[tokio::test]
async fn the_answer_of_another_version_is_refused() {
	assert_eq!(signed(|answer| answer.version = 1).await, Wrong::Version { got: 1, asked: 0 });
}

#[tokio::test]
async fn other_weights_than_the_chain_knows_are_refused() {
	assert_eq!(signed(|answer| answer.receipt.weights = [9; 32]).await, Wrong::Weights);
}

#[tokio::test]
async fn a_higher_price_than_agreed_is_refused() {
	let wrong = signed(|answer| answer.receipt.price += 1).await;
	assert_eq!(wrong, Wrong::Price { price: PRICE + 1, agreed: PRICE });
}

#[tokio::test]
async fn a_receipt_that_is_evidence_for_too_short_a_time_is_refused() {
	let wrong = signed(|answer| answer.receipt.expires = 100).await;
	assert_eq!(wrong, Wrong::Expires { expires: 100, needed: 100 + RECEIPTS });
}

#[tokio::test]
async fn a_provider_whose_node_is_a_little_behind_is_not_taken_for_a_liar() {
	let world = World::new().await;
	world.provider.will([Act::Before(|answer| answer.receipt.expires -= 3)]);
	world.ask(&question(1)).await.unwrap();
}

#[tokio::test]
async fn a_receipt_for_another_number_of_inputs_is_refused() {
	assert_eq!(signed(|answer| answer.receipt.count = 2).await, Wrong::Count { got: 2, asked: 1 });
}

#[tokio::test]
async fn a_receipt_for_another_request_is_refused() {
	assert_eq!(signed(|answer| answer.receipt.request = [9; 32]).await, Wrong::Request);
}

#[tokio::test]
async fn inputs_that_the_receipt_is_not_for_are_refused() {
	assert_eq!(signed(|answer| answer.input[0] ^= 1).await, Wrong::InputRoot);
	let wrong = signed(|answer| answer.input.truncate(3)).await;
	assert_eq!(wrong, Wrong::InputLength { got: 3, needed: 4 });
}

/// Answers another question, and signs that.
fn other_question(answer: &mut InferAnswer) {
	answer.input = vec![9; answer.input.len()];
	let count = answer.receipt.count;
	answer.answers = answer
		.input
		.chunks(4)
		.zip(answer.answers.clone())
		.map(|(input, mut answer)| {
			answer.output = output(input);
			answer
		})
		.collect();
	answer.receipt.input = BlobRef::of(&answer.input).root;
	answer.receipt.output = BlobRef::of(&answer.outputs()).root;
	answer.receipt.request = request_hash(&answer.model, &answer.receipt.input, count);
}

#[tokio::test]
async fn the_answer_to_another_tensor_is_refused() {
	assert_eq!(signed(other_question).await, Wrong::OtherInput(0));
}

#[tokio::test]
async fn the_answer_to_another_picture_is_refused_by_whoever_knows_the_card() {
	let world = World::new().await;
	world.provider.will([Act::Before(other_question)]);
	let picture = Question { inputs: vec![Input::Png(vec![1, 2, 3])], ..question(0) };
	let error = world.payer_that_knows(Some(encoded)).infer(&picture).await.unwrap_err();
	assert!(matches!(error, PayError::Wrong { wrong: Wrong::OtherInput(0), .. }), "{error}");
}

#[tokio::test]
async fn what_a_known_card_makes_of_a_picture_is_what_is_asked() {
	let world = World::new().await;
	let picture = Question { inputs: vec![Input::Png(vec![1, 2, 3])], ..question(0) };
	let paid = world.payer_that_knows(Some(encoded)).infer(&picture).await.unwrap();
	assert_eq!((paid.answer.input, paid.unknown), (vec![1, 2, 3, 0], 0));
	let sent = world.provider.state().answers[&1].2.clone();
	let sent: InferRequest = serde_json::from_slice(&sent).unwrap();
	assert_eq!(sent.inputs, [Input::Tensor(vec![1, 2, 3, 0])]);
}

#[tokio::test]
async fn a_question_is_the_same_whenever_its_card_becomes_known() {
	let world = World::new().await.impatient();
	world.provider.will([Act::Lost]);
	let picture = named("mine", Question { inputs: vec![Input::Png(vec![1, 2, 3])], ..question(0) });
	assert!(matches!(world.ask(&picture).await, Err(PayError::Unanswered { .. })));
	for _ in 0..2 {
		let paid = world.payer_that_knows(Some(encoded)).infer(&picture).await.unwrap();
		assert!(paid.again);
	}
	assert_eq!(world.record().spent, PRICE);
}

#[tokio::test]
async fn it_is_told_how_many_inputs_nobody_could_check() {
	let world = World::new().await;
	let inputs = vec![Input::Png(vec![1]), Input::Tensor(vec![1, 2, 3, 4]), Input::Numbers(vec![1.0])];
	let mixed = Question { inputs, ..question(0) };
	assert_eq!(world.ask(&mixed).await.unwrap().unknown, 2);
	assert_eq!(world.payer_that_knows(Some(encoded)).infer(&mixed).await.unwrap().unknown, 0);
}

#[tokio::test]
async fn outputs_that_the_receipt_is_not_for_are_refused() {
	assert_eq!(signed(|answer| answer.answers[0].output[0] ^= 1).await, Wrong::OutputRoot);
	let wrong = signed(|answer| answer.answers[0].output.push(0)).await;
	assert_eq!(wrong, Wrong::OutputLength { index: 0, got: 3, needed: 2 });
	assert_eq!(signed(|answer| answer.answers.clear()).await, Wrong::Answers { got: 0, asked: 1 });
}

#[tokio::test]
async fn weights_of_the_chain_are_what_is_meant() {
	let world = World::new().await;
	let paid = world.ask(&question(1)).await.unwrap();
	assert_eq!(paid.answer.receipt.weights, WEIGHTS);
}

#[tokio::test]
async fn a_question_that_cannot_be_right_costs_nothing() {
	let world = World::new().await;
	let none = Question { inputs: Vec::new(), ..question(1) };
	assert!(matches!(world.ask(&none).await, Err(PayError::NoInputs)));
	let short = Question { inputs: vec![Input::Tensor(vec![1])], ..question(1) };
	assert!(matches!(world.ask(&short).await, Err(PayError::InputLength { index: 0, got: 1, needed: 4 })));
	let nan = Question { inputs: vec![Input::Numbers(vec![f64::NAN])], ..question(1) };
	assert!(matches!(world.ask(&nan).await, Err(PayError::Unwritable(_))));
	let unknown = Question { model: [9; 32], ..question(1) };
	assert!(matches!(world.ask(&unknown).await, Err(PayError::UnknownModel)));
	assert!(world.chain.state().channels.is_empty());
}
