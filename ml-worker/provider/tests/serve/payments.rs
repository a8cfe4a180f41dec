use crate::world::{
	CHANNEL, DEPOSIT, GENESIS, MODEL, Mood, PRICE, PROVIDER, WEIGHTS, World, question, receipt_key, signed,
	user, voucher,
};
use oda_client::Key;
use oda_inference::api::{
	Accepted, INFER_PATH, Input, PAYMENT_SIGNATURE, ProblemKind, SignedVoucher, receipt_path,
};
use oda_primitives::{Payment, Voucher, inference::request_hash};
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test]
async fn a_question_without_a_payment_is_told_what_to_pay_in_both_envelopes() {
	let world = World::new().await;
	let reply = world.post(INFER_PATH, &[], &question(&[[7.0, 5.0]])).await;
	reply.refused(ProblemKind::PaymentRequired);
	let required = reply.challenge();
	assert_eq!(required.resource.url, "https://example.com:8080/v1/infer");
	let accepted = required.accepted().unwrap();
	assert_eq!((accepted.amount, &accepted.pay_to), (PRICE, &PROVIDER));
	assert_eq!((accepted.extra.genesis, accepted.extra.model, accepted.extra.version), (GENESIS, MODEL, 4));
	assert_eq!((accepted.extra.receipt_key, accepted.extra.channel), (receipt_key().account(), None));
	let authenticate = reply.headers["www-authenticate"].to_str().unwrap();
	assert!(authenticate.contains(r#"realm="example.com:8080""#), "{authenticate}");
	assert_eq!(Accepted::from_www_authenticate(authenticate).as_ref(), Ok(accepted));
}

#[tokio::test]
async fn a_paid_question_is_answered_with_a_receipt() {
	let world = World::new().await;
	let first = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	assert_eq!((first.model, first.version), (MODEL, 4));
	assert_eq!(first.answers[0].scores, Some(vec![21]));
	assert_eq!(first.answers[0].output, 21i32.to_le_bytes());
	assert_eq!(first.input, [7, 5]);
	let receipt = first.receipt;
	assert_eq!(receipt.payment, Payment::Channel(CHANNEL));
	assert_eq!(receipt.input, *blake3::hash(&[7, 5]).as_bytes());
	assert_eq!(receipt.request, request_hash(&MODEL, &receipt.input, 1));
	assert_eq!(receipt.output, *blake3::hash(&21i32.to_le_bytes()).as_bytes());
	assert_eq!((receipt.weights, receipt.count, receipt.price, receipt.nonce), (WEIGHTS, 1, PRICE, 1));
	let tick = world.handle.head().unwrap().tick;
	assert!(receipt.expires >= tick + 100, "good for as long as the channel asks for");
	assert!(first.signature.verify(&receipt.message(&GENESIS), &receipt_key().account()));

	let second = world.pay(voucher(2), &question(&[[1.0, 1.0]])).await.answer();
	assert_eq!((second.receipt.nonce, &second.answers[0].scores), (2, &Some(vec![11])));
	let known = world.known().await;
	assert_eq!((known.spent, known.last, known.nonce), (2 * PRICE, Some(voucher(2)), 2));
}

#[tokio::test]
async fn several_inputs_are_answered_in_their_order() {
	let world = World::new().await;
	let paid = signed(Voucher { channel: CHANNEL, version: 4, amount: PRICE, nonce: 1 });
	let mut asked = question(&[[7.0, 5.0], [1.0, 1.0]]);
	asked.inputs.push(Input::Tensor(vec![0, 0]));
	let answer = world.pay(paid, &asked).await.answer();
	let scores: Vec<_> = answer.answers.iter().map(|answer| answer.scores.clone().unwrap()[0]).collect();
	assert_eq!((scores, answer.receipt.count, answer.receipt.price), (vec![21, 11, 10], 3, PRICE));
}

#[tokio::test]
async fn an_x402_client_pays_in_its_own_header() {
	let world = World::new().await;
	let envelope = serde_json::json!({ "x402Version": 2, "payload": voucher(1) });
	let header = format!("{envelope}");
	let header = base64(header.as_bytes());
	let reply = world.post(INFER_PATH, &[(PAYMENT_SIGNATURE, &header)], &question(&[[7.0, 5.0]])).await;
	assert_eq!(reply.answer().receipt.nonce, 1);
}

fn base64(bytes: &[u8]) -> String {
	const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	let mut text = String::new();
	for chunk in bytes.chunks(3) {
		let word =
			chunk.iter().chain(&[0, 0]).take(3).fold(0usize, |word, byte| word << 8 | usize::from(*byte));
		for place in 0..=chunk.len() {
			text.push(DIGITS[word >> (18 - 6 * place) & 63].into());
		}
	}
	text
}

#[tokio::test]
async fn a_voucher_that_is_too_low_is_told_how_far_the_channel_has_come() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	let low = signed(Voucher { channel: CHANNEL, version: 4, amount: 2 * PRICE - 1, nonce: 2 });
	let reply = world.pay(low, &question(&[[1.0, 1.0]])).await;
	let why = reply.refused(ProblemKind::VoucherTooLow);
	assert!(why.contains("21") && why.contains("22"), "{why}");
	let charged = reply.challenge().accepted().unwrap().extra.channel.unwrap();
	assert_eq!(
		(charged.id, charged.spent, charged.nonce, charged.last),
		(CHANNEL, PRICE, 1, Some(voucher(1)))
	);
	assert_eq!(world.known().await.last, Some(voucher(1)), "it is not kept");
}

#[tokio::test]
async fn a_voucher_of_less_than_one_before_is_refused() {
	let world = World::new().await;
	let high = signed(Voucher { channel: CHANNEL, version: 4, amount: 100, nonce: 1 });
	world.pay(high, &question(&[[7.0, 5.0]])).await.answer();
	let reply = world.pay(voucher(2), &question(&[[1.0, 1.0]])).await;
	let why = reply.refused(ProblemKind::VoucherTooLow);
	assert!(why.contains("never fall"), "{why}");
}

#[tokio::test]
async fn a_nonce_that_was_used_is_refused() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	world.pay(voucher(2), &question(&[[7.0, 5.0]])).await.answer();
	let stale = signed(Voucher { channel: CHANNEL, version: 4, amount: 3 * PRICE, nonce: 1 });
	let reply = world.pay(stale, &question(&[[1.0, 1.0]])).await;
	reply.refused(ProblemKind::NonceUsed);
	assert_eq!(reply.challenge().accepted().unwrap().extra.channel.unwrap().nonce, 2);
}

#[tokio::test]
async fn a_voucher_of_another_key_is_refused() {
	let world = World::new().await;
	let forged = SignedVoucher::sign(voucher(1).voucher, &Key::from_uri("//Eve").unwrap(), &GENESIS);
	let reply = world.pay(forged, &question(&[[7.0, 5.0]])).await;
	let why = reply.refused(ProblemKind::VoucherForged);
	let expected = [user().account().to_string(), hex::encode(GENESIS)];
	assert!(expected.iter().all(|expected| why.contains(expected)), "what would do is not said: {why}");
	reply.challenge();
}

#[tokio::test]
async fn a_voucher_for_another_chain_is_refused() {
	let world = World::new().await;
	let other = SignedVoucher::sign(voucher(1).voucher, &user(), &[8; 32]);
	world.pay(other, &question(&[[7.0, 5.0]])).await.refused(ProblemKind::VoucherForged);
}

#[tokio::test]
async fn a_payment_that_names_another_chain_is_told_so() {
	let world = World::new().await;
	let pay = |genesis: &[u8; 32]| {
		let envelope = serde_json::json!({
			"x402Version": 2,
			"accepted": { "scheme": "oda-channel", "network": oda_inference::api::network(genesis) },
			"payload": voucher(1),
		});
		base64(envelope.to_string().as_bytes())
	};
	let asked = question(&[[7.0, 5.0]]);
	let reply = world.post(INFER_PATH, &[(PAYMENT_SIGNATURE, &*pay(&[8; 32]))], &asked).await;
	reply.refused(ProblemKind::OtherChain);
	reply.challenge();
	world.post(INFER_PATH, &[(PAYMENT_SIGNATURE, &*pay(&GENESIS))], &asked).await.answer();
}

#[tokio::test]
async fn a_voucher_of_a_channel_that_is_not_there_is_refused() {
	let world = World::new().await;
	let unknown = signed(Voucher { channel: 99, ..voucher(1).voucher });
	world.pay(unknown, &question(&[[7.0, 5.0]])).await.refused(ProblemKind::UnknownChannel);
}

#[tokio::test]
async fn a_voucher_of_a_channel_that_is_not_final_yet_is_asked_to_come_again() {
	let world = World::new().await;
	world.chain.touch(|chain| chain.coming.push(99));
	let coming = signed(Voucher { channel: 99, ..voucher(1).voucher });
	let reply = world.pay(coming, &question(&[[7.0, 5.0]])).await;
	reply.refused(ProblemKind::ChannelNotFinal);
	assert!(reply.retry_after() > 0);
}

#[tokio::test]
async fn a_voucher_of_more_than_the_deposit_is_refused() {
	let world = World::new().await;
	let beyond = signed(Voucher { amount: DEPOSIT + 1, ..voucher(1).voucher });
	world.pay(beyond, &question(&[[7.0, 5.0]])).await.refused(ProblemKind::DepositTooLow);
}

#[tokio::test]
async fn a_voucher_for_another_version_is_told_which_one_answers() {
	let world = World::new().await;
	let old = signed(Voucher { version: 3, ..voucher(1).voucher });
	let reply = world.pay(old, &question(&[[7.0, 5.0]])).await;
	let why = reply.refused(ProblemKind::VoucherTooLow);
	assert!(why.contains("version 3") && why.contains("version 4"), "{why}");
	assert_eq!(reply.challenge().accepted().unwrap().extra.version, 4);
}

#[tokio::test]
async fn a_payment_that_cannot_be_read_is_malformed() {
	let world = World::new().await;
	let reply = world.post(INFER_PATH, &[("payment", "!")], &question(&[[7.0, 5.0]])).await;
	reply.refused(ProblemKind::Malformed);
}

#[tokio::test]
async fn an_equal_voucher_gets_the_same_bytes_and_is_charged_once() {
	let world = World::new().await;
	let first = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await;
	let second = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await;
	first.answer();
	assert_eq!(first.body, second.body);
	assert_eq!(world.known().await.spent, PRICE);
	assert_eq!(world.engine.seen.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_voucher_that_has_paid_pays_for_no_other_question() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	world.pay(voucher(1), &question(&[[1.0, 1.0]])).await.refused(ProblemKind::KeyReused);
}

#[tokio::test]
async fn an_equal_key_gets_the_same_bytes_whatever_the_voucher() {
	let world = World::new().await;
	let first = world.pay_as("key", voucher(1), &question(&[[7.0, 5.0]])).await;
	let second = world.pay_as("key", voucher(2), &question(&[[7.0, 5.0]])).await;
	first.answer();
	assert_eq!(first.body, second.body);
	let known = world.known().await;
	assert_eq!((known.spent, known.last), (PRICE, Some(voucher(1))), "the second voucher is not kept");
}

#[tokio::test]
async fn an_equal_key_with_another_body_is_refused() {
	let world = World::new().await;
	world.pay_as("key", voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	world.pay_as("key", voucher(2), &question(&[[1.0, 1.0]])).await.refused(ProblemKind::KeyReused);
}

#[tokio::test]
async fn a_key_that_is_none_is_malformed() {
	let world = World::new().await;
	for key in ["", "two words", &"a".repeat(65)] {
		world.pay_as(key, voucher(1), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::Malformed);
	}
}

#[tokio::test]
async fn a_lost_answer_is_given_again_to_who_knows_its_key() {
	let world = World::new().await;
	let first = world.pay_as("key", voucher(1), &question(&[[7.0, 5.0]])).await;
	let path = receipt_path(CHANNEL, 1);
	let ask = async |path: &str, headers: &[(&str, &str)]| {
		let request = crate::world::request(hyper::Method::GET, path, headers, Default::default());
		crate::world::send(world.address(), request).await
	};
	let again = ask(&path, &[("idempotency-key", "key")]).await;
	again.answer();
	assert_eq!(first.body, again.body);
	for headers in [&[][..], &[("idempotency-key", "other")]] {
		ask(&path, headers).await.refused(ProblemKind::UnknownReceipt);
	}
	let other = receipt_path(CHANNEL, 2);
	ask(&other, &[("idempotency-key", "key")]).await.refused(ProblemKind::UnknownReceipt);
}

#[tokio::test]
async fn an_answer_without_a_key_is_given_again_for_its_voucher_alone() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	world.get(&receipt_path(CHANNEL, 1)).await.refused(ProblemKind::UnknownReceipt);
}

#[tokio::test]
async fn of_two_requests_at_once_one_is_told_to_wait_and_one_is_charged() {
	let world = World::new().await;
	world.engine.set(Mood::Waits);
	let asked = question(&[[7.0, 5.0]]);
	let (first, second) = tokio::join!(world.pay(voucher(1), &asked), async {
		world.engine.has_seen(1).await;
		let same = world.pay(voucher(1), &asked).await;
		let next = world.pay(voucher(2), &asked).await;
		world.engine.set(Mood::Works);
		(same, next)
	});
	first.answer();
	for refused in [second.0, second.1] {
		refused.refused(ProblemKind::Busy);
		assert!(refused.retry_after() > 0);
	}
	assert_eq!(world.known().await.spent, PRICE);
}

#[tokio::test]
async fn many_requests_at_once_are_each_charged_once_in_order() {
	let world = World::new().await;
	let asked = question(&[[7.0, 5.0]]);
	let all = (1..=8).map(|nonce| {
		let (world, asked) = (&world, &asked);
		async move {
			loop {
				let reply = world.pay(voucher(nonce), asked).await;
				if reply.status != 409 {
					return reply;
				}
				sleep(Duration::from_millis(5)).await;
			}
		}
	});
	let replies = futures::future::join_all(all).await;
	let served: Vec<u64> = replies
		.iter()
		.filter(|reply| reply.status == 200)
		.map(|reply| reply.answer().receipt.nonce)
		.collect();
	assert!(!served.is_empty() && served.is_sorted());
	let known = world.known().await;
	assert_eq!(known.spent, PRICE * served.len() as u128);
	assert_eq!(known.nonce, 8, "the last one is never too late");
}

#[tokio::test]
async fn a_question_on_which_the_engine_fails_costs_nothing() {
	let world = World::new().await;
	for mood in [Mood::Fails, Mood::Panics] {
		world.engine.set(mood);
		let reply = world.pay(voucher(1), &question(&[[7.0, 5.0]])).await;
		reply.refused(ProblemKind::Unavailable);
		assert!(reply.retry_after() > 0);
		let known = world.known().await;
		assert_eq!((known.spent, known.last), (0, Some(voucher(1))), "{mood:?}");
	}
	world.engine.set(Mood::Works);
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	assert_eq!(world.known().await.spent, PRICE);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_for_the_same_voucher_later() {
	let world = World::with(|config| config.times.answer = Duration::from_millis(50)).await;
	world.engine.set(Mood::Waits);
	let asked = question(&[[7.0, 5.0]]);
	let reply = world.pay(voucher(1), &asked).await;
	let why = reply.refused(ProblemKind::Unavailable);
	assert!(why.contains("same voucher"), "{why}");
	world.engine.set(Mood::Works);
	while world.known().await.spent == 0 {
		sleep(Duration::from_millis(1)).await;
	}
	world.pay(voucher(1), &asked).await.answer();
	assert_eq!(world.known().await.spent, PRICE);
}

#[tokio::test]
async fn an_answer_is_finished_though_nobody_waits_for_it() {
	let world = World::new().await;
	world.engine.set(Mood::Waits);
	let asked = question(&[[7.0, 5.0]]);
	tokio::select! {
		_ = world.pay(voucher(1), &asked) => panic!("nothing was evaluated"),
		() = world.engine.has_seen(1) => {}
	}
	world.engine.set(Mood::Works);
	while world.known().await.spent == 0 {
		sleep(Duration::from_millis(1)).await;
	}
	world.pay(voucher(1), &asked).await.answer();
	assert_eq!(world.engine.seen.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn credit_answers_ahead_of_what_is_promised() {
	let world = World::with(|config| config.credit = PRICE).await;
	let nothing = |nonce| signed(Voucher { channel: CHANNEL, version: 4, amount: 0, nonce });
	world.pay(nothing(1), &question(&[[7.0, 5.0]])).await.answer();
	world.pay(nothing(2), &question(&[[7.0, 5.0]])).await.refused(ProblemKind::VoucherTooLow);
}
