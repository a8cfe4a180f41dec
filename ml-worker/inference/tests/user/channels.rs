//! Which provider is asked, and how much is put where.

use crate::{
	fake_chain::{GRACE, MODEL, RECEIPTS},
	fake_provider::{Act, FakeProvider, PRICE},
	world::{DEPOSITS, World, question},
};
use oda_inference::{
	ChannelStatus, Closed, PayError, Question,
	api::{Input, ProblemKind},
};
use oda_primitives::BlobRef;
use std::time::Duration;

fn four(number: u32) -> Question {
	let input = Input::Tensor(number.to_le_bytes().to_vec());
	Question { inputs: vec![input; 4], ..question(number) }
}

#[tokio::test]
async fn a_deposit_is_for_as_many_requests_as_one_likes() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	let channel = world.chain.only();
	assert_eq!(channel.deposit, 5 * PRICE);
	assert_eq!(channel.expires_at, 100 + DEPOSITS.term);
	assert_ne!(channel.key, channel.user, "vouchers have a key of their own");
}

#[tokio::test]
async fn a_deposit_is_never_more_than_allowed() {
	let mut world = World::new().await;
	world.deposits.most = 150;
	world.ask(&question(1)).await.unwrap();
	assert_eq!(world.chain.only().deposit, 150);
	world.deposits.most = PRICE - 1;
	let other = World { deposits: world.deposits, ..World::new().await };
	let error = other.ask(&question(1)).await.unwrap_err();
	assert!(error.to_string().contains("more than the 99 that are allowed"), "{error}");
	assert!(other.chain.state().channels.is_empty());
}

#[tokio::test]
async fn a_channel_that_runs_short_is_topped_up() {
	let world = World::new().await;
	for number in 1..=6 {
		world.ask(&question(number)).await.unwrap();
	}
	assert_eq!(world.chain.state().top_ups, [5 * PRICE]);
	assert_eq!(world.chain.only().deposit, 10 * PRICE);
}

#[tokio::test]
async fn what_is_in_a_channel_and_not_spent_is_never_more_than_allowed() {
	let mut world = World::new().await;
	world.deposits.most = 520;
	for number in 1..=6 {
		world.ask(&question(number)).await.unwrap();
	}
	assert_eq!(world.chain.state().top_ups, [500]);
	world.deposits.most = 120;
	for number in 7..=10 {
		world.ask(&question(number)).await.unwrap();
	}
	world.ask(&question(11)).await.unwrap();
	assert_eq!(world.chain.state().top_ups, [500, 120]);
}

#[tokio::test]
async fn a_top_up_is_not_lost_when_something_fails_after_it() {
	let world = World::new().await;
	for number in 1..=5 {
		world.ask(&question(number)).await.unwrap();
	}
	world.chain.state().top_ups_fail = true;
	let error = world.ask(&question(6)).await.unwrap_err();
	assert!(matches!(error, PayError::Chain(_)), "{error}");
	world.ask(&question(6)).await.unwrap();
	assert_eq!(world.chain.state().top_ups.len(), 1);
}

#[tokio::test]
async fn the_cheapest_provider_is_asked() {
	let world = World::new().await;
	let cheap = FakeProvider::start(&world.chain, "//Charlie", 0).await;
	{
		cheap.state().price.per_request = PRICE / 2;
		let mut chain = world.chain.state();
		chain.offers[1].price.per_request = PRICE / 2;
	}
	assert_eq!(world.ask(&question(1)).await.unwrap().provider, cheap.account());
}

#[tokio::test]
async fn who_has_a_channel_is_asked_before_others() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	let cheap = FakeProvider::start(&world.chain, "//Charlie", 0).await;
	world.chain.state().offers[1].price.per_request = PRICE / 2;
	cheap.state().price.per_request = PRICE / 2;
	assert_eq!(world.ask(&question(2)).await.unwrap().provider, world.provider.account());
	let one = Question { provider: Some(cheap.account()), ..question(3) };
	assert_eq!(world.ask(&one).await.unwrap().provider, cheap.account());
}

#[tokio::test]
async fn nothing_costs_more_than_its_limit() {
	let world = World::new().await;
	let poor = Question { limit: PRICE - 1, ..question(1) };
	let error = world.ask(&poor).await.unwrap_err();
	assert!(matches!(error, PayError::TooDear { price: PRICE, limit: 99 }), "{error}");
	// Nor on a channel that there is.
	world.ask(&question(2)).await.unwrap();
	let error = world.ask(&poor).await.unwrap_err();
	assert!(error.to_string().contains("limit of 99"), "{error}");
	assert_eq!(world.provider.state().seen.len(), 1);
}

#[tokio::test]
async fn a_channel_keeps_its_price() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	for other in [PRICE * 2, PRICE / 2] {
		world.provider.state().price.per_request = other;
		world.chain.state().offers[0].price.per_request = other;
		assert_eq!(world.ask(&question(2)).await.unwrap().answer.receipt.price, PRICE);
	}
	assert_eq!(world.record().promised(), 3 * PRICE);
}

#[tokio::test]
async fn a_provider_that_does_not_serve_the_model_gets_no_channel() {
	let world = World::new().await;
	world.provider.state().serves = false;
	let error = world.ask(&question(1)).await.unwrap_err();
	assert!(matches!(error, PayError::Nobody(_)), "{error}");
	assert!(world.chain.state().channels.is_empty());
}

#[tokio::test]
async fn whoever_answers_under_anothers_name_gets_no_channel() {
	let world = World::new().await;
	world.provider.state().account = oda_client::Key::from_uri("//Eve").unwrap().account();
	let error = world.ask(&question(1)).await.unwrap_err();
	assert!(error.to_string().contains("another account"), "{error}");
	assert!(world.chain.state().channels.is_empty());
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_passed_over() {
	let world = World::new().await;
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.chain.state().offers[0].endpoint = "file:///etc/passwd".to_owned();
	assert_eq!(world.ask(&question(1)).await.unwrap().provider, other.account());
}

#[tokio::test]
async fn more_inputs_than_a_provider_takes_are_not_asked() {
	let world = World::new().await;
	let many = Question { inputs: vec![Input::Tensor(vec![0; 4]); 5], ..question(0) };
	assert!(matches!(world.ask(&many).await, Err(PayError::NoOffer)));
	world.ask(&four(1)).await.unwrap();
	// Nor on a channel that there is.
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.chain.state().offers[1].max_count = 5;
	assert_eq!(world.ask(&many).await.unwrap().provider, other.account());
}

#[tokio::test]
async fn a_provider_that_takes_less_at_once_is_left_for_another() {
	let world = World::new().await;
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.provider.will([Act::Refuse(ProblemKind::TooLarge)]);
	assert_eq!(world.ask(&question(1)).await.unwrap().provider, other.account());
}

#[tokio::test]
async fn a_price_follows_from_the_work() {
	let world = World::new().await;
	let other = FakeProvider::start(&world.chain, "//Charlie", 10).await;
	let asked = Question { provider: Some(other.account()), ..four(1) };
	assert_eq!(world.ask(&asked).await.unwrap().answer.receipt.price, PRICE + 40);
}

#[tokio::test]
async fn a_channel_that_closes_or_expires_is_left_for_a_new_one() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	world.chain.state().channels.get_mut(&1).unwrap().state = ChannelStatus::Closing { at: 200 };
	{
		let mut state = world.provider.state();
		(state.spent, state.last) = (0, None);
	}
	assert_eq!(world.ask(&question(2)).await.unwrap().channel, 2);
	{
		let mut chain = world.chain.state();
		chain.channels.get_mut(&2).unwrap().expires_at = chain.tick + GRACE;
		let mut state = world.provider.state();
		(state.spent, state.last) = (0, None);
	}
	assert_eq!(world.ask(&question(3)).await.unwrap().channel, 3);
}

#[tokio::test]
async fn a_channel_that_has_ended_is_not_looked_at_again() {
	let world = World::new().await.impatient();
	world.ask(&question(1)).await.unwrap();
	world.payer().close(1).await.unwrap();
	world.payer().tidy().await.unwrap();
	{
		let mut state = world.provider.state();
		(state.spent, state.last) = (0, None);
	}
	let _taken = world.wallet().take(1, Duration::ZERO).await.unwrap();
	assert_eq!(world.ask(&question(2)).await.unwrap().channel, 2);
}

#[tokio::test]
async fn a_channel_that_the_provider_will_not_use_costs_nothing() {
	let world = World::new().await;
	world.provider.will([Act::Refuse(ProblemKind::ChannelUnusable)]);
	let error = world.ask(&question(1)).await.unwrap_err();
	assert!(matches!(error, PayError::Nobody(_)), "{error}");
	assert_eq!((world.record().spent, world.record().waits), (0, None));
}

#[tokio::test]
async fn a_channel_closes_at_once_if_the_provider_agrees() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	assert_eq!(world.payer().close(1).await.unwrap(), Closed::Agreed);
	let channel = world.chain.only();
	assert_eq!((channel.claimed, channel.state), (PRICE, ChannelStatus::Closed { until: 100 + RECEIPTS }));
	assert_eq!(world.payer().close(1).await.unwrap(), Closed::Before);
}

#[tokio::test]
async fn a_channel_closes_later_if_the_provider_does_not_agree() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	world.provider.state().agrees = false;
	assert_eq!(world.payer().close(1).await.unwrap(), Closed::Begun);
	assert_eq!(world.chain.only().state, ChannelStatus::Closing { at: 100 + GRACE });
	assert_eq!(world.payer().tidy().await.unwrap(), (0, 0));
	world.chain.state().tick = 100 + GRACE;
	assert_eq!(world.payer().tidy().await.unwrap(), (1, 0));
	assert!(matches!(world.chain.only().state, ChannelStatus::Closed { .. }));
}

#[tokio::test]
async fn a_stopped_channel_is_closed_without_asking_the_provider() {
	let world = World::new().await;
	world.provider.will([Act::Withhold]);
	world.wrong().await;
	assert_eq!(world.payer().close(1).await.unwrap(), Closed::Begun);
}

#[tokio::test]
async fn a_request_that_waits_is_answered_before_its_channel_is_closed() {
	let world = World::new().await.impatient();
	world.provider.will([Act::Lost]);
	world.ask(&question(1)).await.unwrap_err();
	assert_eq!(world.payer().close(1).await.unwrap(), Closed::Agreed);
	assert_eq!(world.chain.only().claimed, PRICE);
	assert!(world.wallet().answer(1, 1).unwrap().is_some());
}

#[tokio::test]
async fn a_channel_is_forgotten_when_the_chain_has_forgotten_it() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	let before = world.chain.state().channels.clone();
	// A node that is behind knows nothing of it.
	world.chain.state().channels.clear();
	assert_eq!(world.payer().tidy().await.unwrap(), (0, 0));
	assert_eq!(world.record().spent, PRICE);

	world.chain.state().channels = before;
	world.payer().close(1).await.unwrap();
	world.payer().tidy().await.unwrap();
	{
		let mut chain = world.chain.state();
		chain.tick += RECEIPTS;
		chain.channels.clear();
	}
	assert_eq!(world.payer().tidy().await.unwrap(), (0, 1));
	assert!(world.wallet().records().unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_output_is_taken_to_court_with_its_input() {
	let world = World::new().await;
	let inputs: Vec<_> = (1..=3u32).map(|n| Input::Tensor(n.to_le_bytes().to_vec())).collect();
	let paid = world.ask(&Question { inputs, ..question(0) }).await.unwrap();
	world.payer().dispute(1, 1, 2).await.unwrap();
	let evidence = world.chain.state().disputes.pop().unwrap();
	assert_eq!((evidence.receipt, evidence.signature), (paid.answer.receipt, paid.answer.signature));
	let input = BlobRef { root: evidence.receipt.input, len: 12 };
	assert_eq!(evidence.input.verify(&input, 8..12).unwrap(), 3u32.to_le_bytes());
	let output = BlobRef { root: evidence.receipt.output, len: 6 };
	assert_eq!(evidence.output.verify(&output, 4..6).unwrap(), paid.answer.answers[2].output);

	assert!(matches!(world.payer().dispute(1, 1, 3).await, Err(PayError::NoInput(3))));
	let missing = world.payer().dispute(1, 9, 0).await;
	assert!(matches!(missing, Err(PayError::NotKept { channel: 1, nonce: 9 })));
}

#[tokio::test]
async fn what_can_be_asked_is_what_providers_say_now() {
	let world = World::new().await;
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	other.stop();
	let models = world.payer().models().await.unwrap();
	assert_eq!(models.len(), 1);
	assert_eq!((models[0].provider, models[0].models[0].model), (world.provider.account(), MODEL));
}
