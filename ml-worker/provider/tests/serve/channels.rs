use crate::world::{
	CHANNEL, DEPOSIT, GENESIS, MODEL, PRICE, World, channel, question, receipt_key, signed, user, voucher,
};
use oda_client::{AccountId, Key};
use oda_inference::api::{
	ChannelState as Known, CloseAnswer, INFER_PATH, PAYMENT, ProblemKind, SignedClosing, channel_path,
	close_path,
};
use oda_primitives::{Closing, Voucher};
use oda_provider::{chain::ChannelState, claims::Why};
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test]
async fn a_channel_that_ends_is_served_no_more_as_soon_as_that_is_final() {
	for state in [ChannelState::Closing { at: 500 }, ChannelState::Closed { until: 500 }] {
		let world = World::new().await;
		world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
		world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().state = state).await;
		let reply = world.pay(voucher(2), &question(&[[7.0, 5.0]])).await;
		reply.refused(ProblemKind::ChannelUnusable);
		reply.challenge();
		assert_eq!(world.known().await.spent, PRICE);
	}
}

#[tokio::test]
async fn a_channel_that_is_gone_is_served_no_more() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	world.change(|chain| chain.channels.clear()).await;
	world.pay(voucher(2), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::UnknownChannel);
}

#[tokio::test]
async fn a_channel_that_expires_soon_is_served_no_more() {
	let world = World::new().await;
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().expires_at = 700).await;
	let why = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::ChannelUnusable);
	assert!(why.contains("tick 700") && why.contains("tick 100"), "{why}");
}

#[tokio::test]
async fn what_was_paid_for_is_given_though_the_channel_ends() {
	let world = World::new().await;
	let first = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await;
	let closing = ChannelState::Closing { at: 500 };
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().state = closing).await;
	assert_eq!(first.body, world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.body);
}

#[tokio::test]
async fn the_channel_of_another_provider_is_refused() {
	let world = World::new().await;
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().provider = AccountId([6; 32])).await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::ChannelUnusable);
	world.get(&channel_path(CHANNEL)).await.refused(ProblemKind::UnknownChannel);
}

#[tokio::test]
async fn the_channel_of_another_model_is_refused() {
	let world = World::new().await;
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().model = [2; 32]).await;
	let why = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::ChannelUnusable);
	assert!(why.contains("another model"), "{why}");
}

#[tokio::test]
async fn a_channel_whose_receipts_this_provider_cannot_sign_is_refused() {
	let world = World::new().await;
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().receipt_key = AccountId([6; 32])).await;
	let why = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::ChannelUnusable);
	assert!(why.contains("receipt key"), "{why}");
}

#[tokio::test]
async fn a_channel_keeps_the_price_with_which_it_was_opened() {
	let world = World::new().await;
	world.change(|chain| chain.offer.as_mut().unwrap().models[0].1.per_request = 500).await;
	let answer = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	assert_eq!(answer.receipt.price, PRICE);
}

#[tokio::test]
async fn a_deposit_that_is_topped_up_counts_once_it_is_final() {
	let world = World::new().await;
	let more = signed(Voucher { amount: DEPOSIT + PRICE, ..voucher(1).voucher });
	world.pay(more, &question(&[[7.0, 5.0]])).await.refused(ProblemKind::DepositTooLow);
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().deposit = 2 * DEPOSIT).await;
	world.pay(more, &question(&[[7.0, 5.0]])).await.answer();
}

#[tokio::test]
async fn a_channel_before_its_first_request_is_known() {
	let world = World::new().await;
	let known: Known = world.get(&channel_path(CHANNEL)).await.ok();
	assert_eq!((known.channel, known.spent, known.last, known.nonce), (CHANNEL, 0, None, 0));
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_not_known() {
	let world = World::new().await;
	world.get(&channel_path(99)).await.refused(ProblemKind::UnknownChannel);
	world.chain.touch(|chain| chain.coming.push(99));
	world.get(&channel_path(99)).await.refused(ProblemKind::ChannelNotFinal);
	world.get("/v1/channels/x").await.refused(ProblemKind::Malformed);
}

fn closing(amount: u128) -> Closing {
	Closing { channel: CHANNEL, version: 4, amount, expires: 1_000 }
}

async fn close(world: &World, signed: &SignedClosing) -> crate::world::Answered {
	world.post(&close_path(CHANNEL), &[], signed).await
}

#[tokio::test]
async fn a_closing_that_gives_the_provider_what_it_is_owed_is_signed_and_nothing_is_served_after_it() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	let signed = SignedClosing::sign(closing(PRICE), &user(), &GENESIS);
	let answer: CloseAnswer = close(&world, &signed).await.ok();
	assert!(answer.signature.verify(&closing(PRICE).message(&GENESIS), &receipt_key().account()));
	let why = world.pay(voucher(2), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::ChannelUnusable);
	assert!(why.contains("tick 1000"), "{why}");
	let again: CloseAnswer = close(&world, &signed).await.ok();
	assert!(again.signature.verify(&closing(PRICE).message(&GENESIS), &receipt_key().account()));
	world.change(|chain| chain.head.tick = 1_000).await;
	world.pay(voucher(2), &question(&[[7.0, 5.0]])).await.answer();
}

#[tokio::test]
async fn a_closing_that_gives_the_provider_less_is_refused() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	let low = SignedClosing::sign(closing(PRICE - 1), &user(), &GENESIS);
	close(&world, &low).await.refused(ProblemKind::ClosingTooLow);
	world.pay(voucher(2), &question(&[[7.0, 5.0]])).await.answer();
}

#[tokio::test]
async fn each_closing_that_is_none_is_refused_for_its_own_reason() {
	let world = World::new().await;
	let eve = Key::from_uri("//Eve").unwrap();
	let sign = |closing| SignedClosing::sign(closing, &user(), &GENESIS);
	let forged = SignedClosing::sign(closing(PRICE), &eve, &GENESIS);
	close(&world, &forged).await.refused(ProblemKind::VoucherForged);
	close(&world, &sign(closing(DEPOSIT + 1))).await.refused(ProblemKind::DepositTooLow);
	let why =
		close(&world, &sign(Closing { expires: 100, ..closing(0) })).await.refused(ProblemKind::Malformed);
	assert!(why.contains("expires"), "{why}");
	let why =
		close(&world, &sign(Closing { channel: 9, ..closing(0) })).await.refused(ProblemKind::Malformed);
	assert!(why.contains("channel 9"), "{why}");
	let unknown = sign(Closing { channel: 99, ..closing(0) });
	world.post(&close_path(99), &[], &unknown).await.refused(ProblemKind::UnknownChannel);
}

#[tokio::test]
async fn a_closing_of_a_channel_that_is_not_final_is_to_be_sent_again() {
	let world = World::new().await;
	world.chain.touch(|chain| chain.coming.push(99));
	let early = SignedClosing::sign(Closing { channel: 99, ..closing(0) }, &user(), &GENESIS);
	let reply = world.post(&close_path(99), &[], &early).await;
	reply.refused(ProblemKind::ChannelNotFinal);
	assert!(reply.retry_after() > 0);
}

#[tokio::test]
async fn a_channel_that_is_gone_is_forgotten_once_its_receipts_are_too_old() {
	let world = World::new().await;
	let answer = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	let folder = world.folder.path().join(hex::encode(GENESIS)).join(CHANNEL.to_string());
	let expires = answer.receipt.expires;
	world.change(|chain| chain.channels.clear()).await;
	world.change(|chain| chain.head.tick = expires - 3).await;
	// Who knows the next block has looked at all channels as of this one.
	world.change(|_| {}).await;
	assert!(folder.is_dir(), "its receipts can still be disputed");
	world.change(|chain| chain.head.tick = expires).await;
	while folder.exists() {
		sleep(Duration::from_millis(1)).await;
	}
}

#[tokio::test]
async fn vouchers_are_to_be_claimed_when_it_is_time() {
	let world = World::with(|config| config.claims.threshold = 2 * PRICE).await;
	let mut claims = world.handle.claims();
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	world.change(|_| {}).await;
	assert!(claims.borrow().is_empty());
	world.pay(voucher(2), &question(&[[7.0, 5.0]])).await.answer();
	world.change(|_| {}).await;
	let due = claims.wait_for(|claims| !claims.is_empty()).await.unwrap()[0].clone();
	assert_eq!((due.channel, due.why, due.gain), (CHANNEL, Why::Enough, 2 * PRICE));
	assert_eq!(due.vouchers, [voucher(2)]);
	let claimed = 2 * PRICE;
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().claimed = claimed).await;
	claims.wait_for(Vec::is_empty).await.unwrap();
	world.pay(voucher(3), &question(&[[7.0, 5.0]])).await.answer();
	let closing = ChannelState::Closing { at: 500 };
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().state = closing).await;
	let due = claims.wait_for(|claims| !claims.is_empty()).await.unwrap()[0].clone();
	assert_eq!((due.why, due.until, due.gain), (Why::Closing, 500, PRICE));
}

#[tokio::test]
async fn a_provider_that_lost_everything_goes_on_where_its_user_is() {
	let world = World::new().await;
	world.change(|chain| chain.channels.get_mut(&CHANNEL).unwrap().claimed = 2 * PRICE).await;
	let reply = world.pay(voucher(2), &question(&[[7.0, 5.0]])).await;
	reply.refused(ProblemKind::VoucherTooLow);
	let charged = reply.challenge().accepted().unwrap().extra.channel.unwrap();
	assert_eq!((charged.spent, charged.nonce, charged.last), (2 * PRICE, 0, None));
	world.pay(voucher(5), &question(&[[7.0, 5.0]])).await.answer();
	assert_eq!(world.known().await.spent, 3 * PRICE);
}

#[tokio::test]
async fn channels_do_not_wait_for_each_other() {
	let world = World::new().await;
	world
		.change(|chain| {
			for id in 10..20 {
				chain.channels.insert(id, channel());
			}
		})
		.await;
	let asked = question(&[[7.0, 5.0]]);
	let all = (10..20u64).map(|id| {
		let paid = signed(Voucher { channel: id, ..voucher(1).voucher });
		world.pay(paid, &asked)
	});
	for reply in futures::future::join_all(all).await {
		assert_eq!(reply.answer().model, MODEL);
	}
}

#[tokio::test]
async fn who_asks_too_often_on_one_channel_is_told_when_to_come_again() {
	let rate = oda_provider::Rate { second: 1, burst: 1 };
	let world = World::with(|config| config.limits.channel = rate).await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	let reply = world.pay(voucher(2), &question(&[[7.0, 5.0]])).await;
	reply.refused(ProblemKind::TooMany);
	assert_eq!(reply.retry_after(), 1);
	// Whoever is not its user does not use up what it may ask.
	let eve = Key::from_uri("//Eve").unwrap();
	let forged = oda_inference::api::SignedVoucher::sign(voucher(2).voucher, &eve, &GENESIS);
	let headers = [(PAYMENT, &*forged.to_header())];
	world.post(INFER_PATH, &headers, &question(&[[7.0, 5.0]])).await.refused(ProblemKind::VoucherForged);
}
