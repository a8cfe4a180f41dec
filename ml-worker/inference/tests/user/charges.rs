//! What a provider says that a channel was charged, and what of it is believed.

use crate::{
	fake_chain::GENESIS,
	fake_provider::{Act, FakeProvider, PRICE},
	world::{World, question},
};
use oda_client::Key;
use oda_inference::{
	PayError,
	api::{ProblemKind, SignedVoucher},
	verify::Wrong,
};
use oda_primitives::Voucher;
use std::fs;

/// Loses all that the wallet knows.
fn lose(world: &World) {
	for entry in fs::read_dir(world.folder.path()).unwrap() {
		fs::remove_dir_all(entry.unwrap().path()).unwrap();
	}
}

#[tokio::test]
async fn a_user_who_lost_everything_goes_on_where_its_own_voucher_says() {
	let world = World::new().await;
	for number in 1..=3 {
		world.ask(&question(number)).await.unwrap();
	}
	lose(&world);
	world.ask(&question(4)).await.unwrap();
	assert_eq!((world.record().spent, world.record().promised()), (4 * PRICE, 4 * PRICE));
	assert_eq!(world.chain.state().channels.len(), 1, "the channel was found again");
	assert_eq!(world.provider.state().served, [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_was_lost_comes_back_when_one_asks_for_it() {
	let world = World::new().await;
	for number in 1..=2 {
		world.ask(&question(number)).await.unwrap();
	}
	let last = world.record().last;
	lose(&world);
	world.wallet().add(1, &world.chain.only(), world.provider.endpoint()).unwrap();
	world.payer().recover(1).await.unwrap();
	assert_eq!((world.record().spent, world.record().last), (2 * PRICE, last));
}

#[tokio::test]
async fn a_backup_of_the_wallet_goes_on_where_the_wallet_is() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	let folder = fs::read_dir(world.folder.path()).unwrap().next().unwrap().unwrap().path();
	let path = folder.join("1/state.json");
	let backup = fs::read(&path).unwrap();
	world.ask(&question(2)).await.unwrap();
	world.ask(&question(3)).await.unwrap();
	fs::write(&path, backup).unwrap();
	world.ask(&question(4)).await.unwrap();
	assert_eq!(world.record().spent, 4 * PRICE);
	assert_eq!(world.provider.state().spent, 4 * PRICE);
}

/// A voucher of more than was ever promised.
fn high(channel: u64) -> Voucher {
	Voucher { channel, version: 0, amount: 400, nonce: 9 }
}

/// What is found wrong with what a provider claims.
async fn claimed(change: fn(&mut oda_inference::api::Charged)) -> Wrong {
	let world = World::new().await;
	world.ask(&question(0)).await.unwrap();
	world.provider.will([Act::Claim(change)]);
	let wrong = world.wrong().await;
	assert_eq!(world.record().stopped, Some(wrong.to_string()));
	assert_eq!(world.record().spent, PRICE, "nothing of it is believed");
	wrong
}

#[tokio::test]
async fn a_voucher_that_the_user_never_signed_is_not_believed() {
	let forged = claimed(|charged| {
		charged.spent = 400;
		charged.last = Some(SignedVoucher::sign(high(1), &Key::from_uri("//Bob").unwrap(), &GENESIS));
	});
	assert_eq!(forged.await, Wrong::NeverSigned);
}

#[tokio::test]
async fn a_voucher_of_another_chain_is_not_believed() {
	let other = claimed(|charged| {
		charged.spent = 400;
		let key = Key::from_uri("//Alice//vouchers").unwrap();
		charged.last = Some(SignedVoucher::sign(high(1), &key, &[8; 32]));
	});
	assert_eq!(other.await, Wrong::NeverSigned);
}

#[tokio::test]
async fn a_voucher_of_another_channel_is_not_believed() {
	let other = claimed(|charged| {
		charged.spent = 400;
		let key = Key::from_uri("//Alice//vouchers").unwrap();
		charged.last = Some(SignedVoucher::sign(high(2), &key, &GENESIS));
	});
	assert_eq!(other.await, Wrong::NeverSigned);
}

#[tokio::test]
async fn a_charge_without_a_voucher_is_not_believed() {
	let unproven = claimed(|charged| {
		charged.spent = 400;
		charged.last = None;
	});
	assert_eq!(unproven.await, Wrong::Unproven(400));
}

#[tokio::test]
async fn a_charge_beyond_its_voucher_is_not_believed() {
	let beyond = claimed(|charged| charged.spent = 400);
	assert_eq!(beyond.await, Wrong::BeyondVoucher { spent: 400, promised: PRICE });
}

#[tokio::test]
async fn a_voucher_that_the_user_did_sign_is_believed() {
	let world = World::new().await;
	world.ask(&question(0)).await.unwrap();
	let key = Key::from_uri("//Alice//vouchers").unwrap();
	{
		// As another copy of the wallet has signed it.
		let mut state = world.provider.state();
		state.last = Some(SignedVoucher::sign(high(1), &key, &GENESIS));
		state.spent = 350;
	}
	world.ask(&question(1)).await.unwrap();
	let record = world.record();
	assert_eq!((record.spent, record.promised()), (350 + PRICE, 350 + PRICE));
	assert_eq!(record.last.unwrap().voucher.nonce, 10);
}

#[tokio::test]
async fn a_provider_that_takes_the_voucher_and_gives_no_answer_gets_no_other() {
	let world = World::new().await;
	world.provider.will([Act::Withhold]);
	assert_eq!(world.wrong().await, Wrong::Unanswered(1));
	assert_eq!(world.provider.state().seen.len(), 1);
}

#[tokio::test]
async fn a_provider_that_refused_a_request_does_not_charge_it_later() {
	let world = World::new().await;
	world.provider.will([Act::Refuse(ProblemKind::TooLarge)]);
	world.ask(&question(0)).await.unwrap_err();
	world.provider.will([Act::Claim(|charged| {
		let first = Voucher { channel: 1, version: 0, amount: PRICE, nonce: 1 };
		let key = Key::from_uri("//Alice//vouchers").unwrap();
		charged.last = Some(SignedVoucher::sign(first, &key, &GENESIS));
		charged.spent = PRICE;
	})]);
	assert_eq!(world.wrong().await, Wrong::Unanswered(1));
	assert_eq!(world.record().spent, 0);
}

#[tokio::test]
async fn a_provider_that_lost_its_state_gets_the_next_voucher() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	{
		let mut state = world.provider.state();
		(state.spent, state.last) = (0, None);
		state.answers.clear();
	}
	world.ask(&question(2)).await.unwrap();
	assert_eq!((world.record().spent, world.record().promised()), (2 * PRICE, 2 * PRICE));
}

#[tokio::test]
async fn what_the_chain_has_seen_claimed_was_signed() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	lose(&world);
	{
		let mut chain = world.chain.state();
		chain.channels.get_mut(&1).unwrap().claimed = PRICE;
	}
	{
		// The provider remembers nothing either.
		let mut state = world.provider.state();
		(state.spent, state.last) = (PRICE, None);
	}
	world.ask(&question(2)).await.unwrap();
	assert_eq!(world.record().last.unwrap().voucher.amount, 2 * PRICE);
}

#[tokio::test]
async fn a_new_head_is_paid_with_a_new_voucher() {
	let world = World::new().await;
	world.chain.state().weights.insert(1, [3; 32]);
	{
		let mut state = world.provider.state();
		(state.version, state.quoted) = (1, None);
	}
	world.provider.state().quoted = Some(0);
	world.provider.will([Act::Claim(|_| {})]);
	// The head moves between quote and request, and then the quote is right.
	let provider: FakeProvider = world.provider.clone();
	let payer = world.payer();
	let asked = question(1);
	let (paid, ()) = tokio::join!(payer.infer(&asked), async {
		while provider.state().seen.is_empty() {
			tokio::task::yield_now().await;
		}
		provider.state().quoted = None;
	});
	let paid = paid.unwrap();
	assert_eq!((paid.answer.version, paid.answer.receipt.weights), (1, [3; 32]));
	assert_eq!((world.record().spent, world.record().promised()), (PRICE, PRICE));
}

#[tokio::test]
async fn a_version_that_the_chain_does_not_have_is_not_paid_for() {
	let world = World::new().await;
	world.provider.state().quoted = Some(5);
	let error = world.ask(&question(1)).await.unwrap_err();
	let PayError::Nobody(failures) = error else { panic!("{error}") };
	assert!(matches!(failures[..], [(_, PayError::UnknownVersion(5))]));
	assert!(world.provider.state().seen.is_empty());
}

#[tokio::test]
async fn a_provider_that_corrects_for_ever_is_left() {
	let world = World::new().await;
	world.provider.state().version = 0;
	world.provider.state().quoted = Some(1);
	world.chain.state().weights.insert(1, [3; 32]);
	let error = world.ask(&question(1)).await.unwrap_err();
	assert!(matches!(error, PayError::Nobody(_)), "{error}");
	assert_eq!(world.record().spent, 0);
	assert!(world.record().promised() <= PRICE);
}
