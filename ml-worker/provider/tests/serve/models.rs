use crate::world::{
	GENESIS, MODEL, PRICE, PROVIDER, WEIGHTS, World, load, model, question, receipt_key, voucher,
};
use oda_client::AccountId;
use oda_inference::api::{
	INFER_PATH, InferRequest, Input, MODELS_PATH, Models, ProblemKind, QUOTE_PATH, Quote, QuoteRequest,
};
use std::time::{Duration, SystemTime};

async fn listed(world: &World) -> Vec<([u8; 32], u32)> {
	let models: Models = world.get(MODELS_PATH).await.ok();
	models.models.iter().map(|model| (model.model, model.version)).collect()
}

#[tokio::test]
async fn a_model_is_listed_with_all_that_one_needs_to_ask_it() {
	let world = World::new().await;
	let models: Models = world.get(MODELS_PATH).await.ok();
	assert_eq!((models.genesis, models.provider), (GENESIS, PROVIDER));
	assert_eq!((models.receipt_key, models.terms.grace), (receipt_key().account(), 50));
	let [model] = models.models.as_slice() else { panic!("{:?}", models.models) };
	assert_eq!((model.model, model.version, model.weights, model.score), (MODEL, 4, WEIGHTS, 99));
	assert_eq!((model.macs, model.price.of(model.macs, 1)), (2, PRICE));
	assert_eq!((model.inputs[0].bytes, model.outputs[0].bytes), (2, 4));
	assert_eq!((model.limits.max_count, model.limits.max_body), (16, 8 << 20));
	assert_eq!(model.card, None);
}

#[tokio::test]
async fn only_what_is_answered_now_is_listed() {
	let world = World::new().await;
	assert_eq!(listed(&world).await, [(MODEL, 4)]);
	// The head has moved, and its weights are still being fetched.
	world.change(|chain| chain.models.get_mut(&MODEL).unwrap().version = 5).await;
	assert_eq!(listed(&world).await, []);
	let reply = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await;
	let why = reply.refused(ProblemKind::Unavailable);
	assert!(why.contains("version 5") && reply.retry_after() > 0, "{why}");
	load(&world.engine, 5);
	assert_eq!(listed(&world).await, [(MODEL, 5)]);
	// The model has no head any more.
	world.change(|chain| chain.models.clear()).await;
	assert_eq!(listed(&world).await, []);
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::UnknownModel);
}

#[tokio::test]
async fn a_provider_whose_offer_names_another_key_lists_nothing() {
	let world = World::new().await;
	world.change(|chain| chain.offer.as_mut().unwrap().key = AccountId([6; 32])).await;
	assert_eq!(listed(&world).await, []);
}

#[tokio::test]
async fn a_provider_without_an_offer_says_so() {
	let world = World::new().await;
	world.change(|chain| chain.offer = None).await;
	world.get(MODELS_PATH).await.refused(ProblemKind::Unavailable);
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::UnknownModel);
}

#[tokio::test]
async fn a_quote_is_what_a_question_costs() {
	let world = World::new().await;
	let ask = async |model, count| world.post(QUOTE_PATH, &[], &QuoteRequest { model, count }).await;
	let quote: Quote = ask(MODEL, 3).await.ok();
	assert_eq!((quote.model, quote.version, quote.price), (MODEL, 4, PRICE));
	ask([2; 32], 3).await.refused(ProblemKind::UnknownModel);
	ask(MODEL, 0).await.refused(ProblemKind::Unfit);
	let why = ask(MODEL, 17).await.refused(ProblemKind::Unfit);
	assert!(why.contains("at most 16"), "{why}");
}

#[tokio::test]
async fn an_input_that_does_not_fit_is_named_and_costs_nothing() {
	let world = World::new().await;
	let ask = async |inputs| world.pay(voucher(1), &InferRequest { model: MODEL, inputs }).await;
	let good = || Input::Tensor(vec![7, 5]);
	for (bad, hint) in [
		(Input::Tensor(vec![1]), "2 bytes"),
		(Input::Numbers(vec![1.0]), "2 numbers"),
		(Input::Numbers(vec![1.0, 128.0]), "number 1"),
		(Input::Png(vec![1]), "no card"),
		(Input::Bytes(vec![1]), "no card"),
	] {
		let why = ask(vec![good(), bad]).await.refused(ProblemKind::Unfit);
		assert!(why.contains("input 1") && why.contains(hint), "{why}");
	}
	ask(vec![]).await.refused(ProblemKind::Unfit);
	ask(vec![good(); 17]).await.refused(ProblemKind::Unfit);
	let known = world.known().await;
	assert_eq!((known.spent, known.last), (0, None));
}

#[tokio::test]
async fn a_card_says_how_to_ask_and_what_the_answer_means() {
	let world = World::new().await;
	let card = br#"{
		"title": "A line",
		"input": { "series": { "shape": [2], "scale": { "num": 1, "den": 10 } } },
		"output": { "classes": { "labels": ["on the line"] } }
	}"#;
	let carded = oda_provider::chain::Model { card: Some(card[..].into()), ..model() };
	world.change(|chain| drop(chain.models.insert(MODEL, carded))).await;
	let models: Models = world.get(MODELS_PATH).await.ok();
	assert_eq!(models.models[0].card.as_ref().unwrap()["title"], "A line");
	let answer = world.pay(voucher(1), &question(&[[70.0, 50.0]])).await.answer();
	assert_eq!(answer.input, [7, 5]);
	assert_eq!((answer.answers[0].class, answer.answers[0].label.as_deref()), (Some(0), Some("on the line")));
	assert_eq!(answer.answers[0].scores, Some(vec![21]));
}

#[tokio::test]
async fn a_card_of_another_model_is_not_used() {
	let world = World::new().await;
	let card = br#"{
		"title": "Another",
		"input": { "series": { "shape": [3], "scale": { "num": 1, "den": 1 } } },
		"output": { "classes": { "labels": ["one"] } }
	}"#;
	let carded = oda_provider::chain::Model { card: Some(card[..].into()), ..model() };
	world.change(|chain| drop(chain.models.insert(MODEL, carded))).await;
	let models: Models = world.get(MODELS_PATH).await.ok();
	assert_eq!(models.models[0].card, None);
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
}

#[tokio::test]
async fn a_model_of_which_one_input_does_not_fit_into_a_request_is_not_listed() {
	let world = World::with(|config| config.limits.body = 4_096).await;
	assert_eq!(listed(&world).await, []);
}

#[tokio::test]
async fn a_provider_whose_node_is_away_says_so_once_what_it_knows_is_too_old() {
	let world = World::with(|config| config.times.age = Duration::from_secs(60)).await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	world.chain.touch(|chain| chain.away = true);
	world.pay(voucher(2), &question(&[[7.0, 5.0]])).await.answer();
	world.chain.touch(|chain| chain.away = false);
	// A node that catches up is away too: what it says was true long ago.
	world.chain.touch(|chain| {
		chain.head.number += 1;
		chain.head.hash = [255; 32];
		chain.head.made = SystemTime::now() - Duration::from_secs(61);
	});
	world.reaches(2).await;
	let reply = world.pay(voucher(3), &question(&[[7.0, 5.0]])).await;
	let why = reply.refused(ProblemKind::Unavailable);
	assert!(why.contains("node is away") && reply.retry_after() > 0, "{why}");
	world.get("/healthz").await.refused(ProblemKind::Unavailable);
	world.get(MODELS_PATH).await.refused(ProblemKind::Unavailable);
	assert_eq!(world.known().await.spent, 2 * PRICE, "what it has promised it still knows");
	world.change(|_| {}).await;
	world.pay(voucher(3), &question(&[[7.0, 5.0]])).await.answer();
}

#[tokio::test]
async fn a_node_that_falls_behind_is_not_believed() {
	let world = World::new().await;
	world.change(|chain| chain.channels.clear()).await;
	world.chain.touch(|chain| {
		chain.head.number = 1;
		chain.head.hash = [0; 32];
		chain.channels.insert(crate::world::CHANNEL, crate::world::channel());
	});
	tokio::time::sleep(Duration::from_millis(20)).await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::UnknownChannel);
}

#[tokio::test]
async fn a_question_names_a_model() {
	let world = World::new().await;
	let unknown = InferRequest { model: [2; 32], ..question(&[[7.0, 5.0]]) };
	world.post(INFER_PATH, &[], &unknown).await.refused(ProblemKind::UnknownModel);
}
