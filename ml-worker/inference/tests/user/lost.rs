//! Answers that do not arrive, and providers that have no time. Nobody pays twice.

use crate::{
	fake_chain::{FakeChain, GENESIS},
	fake_provider::{Act, FakeProvider, PRICE, trap},
	world::{World, named, question},
};
use oda_inference::{
	Http, PayError, Payer, Provider, Question, Wallet, WalletError, api::ProblemKind, provider::Fault,
};
use rustls::{RootCertStore, ServerConfig, crypto::ring};
use std::{
	future::{Future, poll_fn},
	pin::pin,
	sync::Arc,
	task::Poll,
	time::Duration,
};
use tokio::{
	io::copy_bidirectional,
	net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_with_the_same_voucher() {
	let world = World::new().await;
	world.provider.will([Act::Lost, Act::Lost]);
	world.ask(&question(1)).await.unwrap();
	let state = world.provider.state();
	assert_eq!(state.seen.len(), 3);
	assert!(state.seen.iter().all(|paid| *paid == state.seen[0]));
	assert_eq!((state.served.len(), state.spent), (1, PRICE));
}

/// Asks, fails in this way, asks again as after a restart, and gets what was paid for.
async fn survives(act: Act, expected: fn(&Fault) -> bool) {
	let mut world = World::new().await.impatient();
	world.times.request = Duration::from_millis(500);
	world.provider.will([act]);
	match world.ask(&question(1)).await {
		Err(PayError::Unanswered { nonce: 1, price: PRICE, fault, .. }) => {
			assert!(expected(&fault), "{fault}")
		}
		other => panic!("{other:?}"),
	}
	assert!(world.record().waits.is_some());

	world.times.request = Duration::from_secs(30);
	let paid = world.ask(&question(1)).await.unwrap();
	assert!(paid.again);
	let state = world.provider.state();
	assert_eq!((state.served.len(), state.spent), (1, PRICE));
	assert_eq!((world.record().spent, world.record().waits), (PRICE, None));
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_a_request_that_waits() {
	survives(Act::Lost, |fault| matches!(fault, Fault::Broken(_))).await;
}

#[tokio::test]
async fn an_answer_that_does_not_end_leaves_a_request_that_waits() {
	survives(Act::Silent, |fault| *fault == Fault::TooSlow).await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
	let world = World::new().await.impatient();
	world.provider.will([Act::Endless]);
	let error = world.ask(&question(1)).await.unwrap_err();
	assert!(matches!(error, PayError::Unanswered { fault: Fault::TooLong(_), .. }), "{error}");
}

#[tokio::test]
async fn a_huge_header_is_not_read() {
	survives(Act::HugeHeader, |fault| matches!(fault, Fault::Broken(_))).await;
}

#[tokio::test]
async fn a_page_for_people_is_no_answer() {
	survives(Act::Html, |fault| *fault == Fault::NotJson("text/html".to_owned())).await;
}

#[tokio::test]
async fn an_error_that_nobody_explains_is_no_refusal() {
	survives(Act::Status(502), |fault| matches!(fault, Fault::Refused(_))).await;
}

#[tokio::test]
async fn a_redirection_is_not_followed_with_a_payment() {
	let world = World::new().await;
	let (url, seen) = trap().await;
	world.provider.will([Act::Redirect(url)]);
	let error = world.ask(&question(1)).await.unwrap_err();
	assert!(matches!(error, PayError::Unanswered { fault: Fault::Redirected(307), .. }), "{error}");
	assert_eq!(*seen.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_provider_that_is_busy_is_asked_again() {
	for kind in
		[ProblemKind::Unavailable, ProblemKind::TooMany, ProblemKind::ChannelNotFinal, ProblemKind::Busy]
	{
		let world = World::new().await;
		world.provider.will([Act::Refuse(kind), Act::Refuse(kind), Act::Refuse(kind)]);
		world.ask(&question(1)).await.unwrap();
		assert_eq!(world.provider.state().seen.len(), 4, "{kind:?}");
		assert_eq!(world.provider.state().spent, PRICE, "{kind:?}");
	}
}

#[tokio::test]
async fn a_provider_that_wants_more_time_than_one_has_is_not_waited_for() {
	let mut world = World::new().await;
	world.times.patience = Duration::from_secs(5);
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.provider.state().retry_after = 3_600;
	world.provider.will([Act::Refuse(ProblemKind::Unavailable)]);
	assert_eq!(world.ask(&question(1)).await.unwrap().provider, other.account());
	assert_eq!(world.provider.state().seen.len(), 1);
}

#[tokio::test]
async fn a_provider_that_stays_busy_is_left_for_another() {
	let world = World::new().await.impatient();
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.provider.will([Act::Refuse(ProblemKind::Unavailable)]);
	let paid = world.ask(&question(1)).await.unwrap();
	assert_eq!(paid.provider, other.account());
	assert!(world.provider.state().served.is_empty());
}

#[tokio::test]
async fn a_provider_that_has_gone_away_is_left_for_another() {
	let world = World::new().await;
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.provider.stop();
	let paid = world.ask(&question(1)).await.unwrap();
	assert_eq!(paid.provider, other.account());
}

#[tokio::test]
async fn a_question_that_was_paid_for_is_not_asked_elsewhere() {
	let world = World::new().await.impatient();
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.provider.will([Act::Lost, Act::Status(502)]);
	for _ in 0..2 {
		let error = world.ask(&question(1)).await.unwrap_err();
		assert!(matches!(error, PayError::Unanswered { .. }), "{error}");
	}
	assert!(other.state().seen.is_empty());
}

#[tokio::test]
async fn another_question_is_asked_elsewhere_while_one_waits() {
	let world = World::new().await.impatient();
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.provider.will([Act::Lost, Act::Status(502)]);
	world.ask(&question(1)).await.unwrap_err();
	let paid = world.ask(&question(2)).await.unwrap();
	assert_eq!(paid.provider, other.account());
}

#[tokio::test]
async fn a_request_that_waits_is_finished_before_the_next_on_its_channel() {
	let world = World::new().await.impatient();
	world.provider.will([Act::Lost]);
	world.ask(&question(1)).await.unwrap_err();
	world.ask(&question(2)).await.unwrap();
	assert_eq!(world.provider.state().served, [1, 2]);
	assert_eq!(world.record().spent, 2 * PRICE);
	assert!(world.wallet().answer(1, 1).unwrap().is_some(), "the first answer is kept for its dispute");
}

#[tokio::test]
async fn a_request_that_is_given_up_is_asked_anew() {
	let world = World::new().await.impatient();
	world.provider.will([Act::Status(502)]);
	world.ask(&question(1)).await.unwrap_err();
	world.payer().abandon(1).await.unwrap();
	world.ask(&question(1)).await.unwrap();
	assert_eq!(world.provider.state().served, [2], "its number is used up");
	assert_eq!((world.record().spent, world.record().promised()), (PRICE, PRICE));
}

#[tokio::test]
async fn a_refusal_for_the_questions_sake_is_final_and_free() {
	let world = World::new().await;
	let other = FakeProvider::start(&world.chain, "//Charlie", 1).await;
	world.provider.will([Act::Refuse(ProblemKind::Unfit)]);
	let error = world.ask(&question(1)).await.unwrap_err();
	assert!(matches!(error, PayError::Refused(_)), "{error}");
	assert!(other.state().seen.is_empty(), "no other provider can answer it either");
	assert_eq!(world.record().waits, None);
	world.ask(&question(2)).await.unwrap();
	assert_eq!(world.record().promised(), PRICE, "what was promised for nothing pays for the next");
}

#[tokio::test]
async fn the_same_name_is_answered_the_same_way_and_paid_once() {
	let world = World::new().await;
	let asked = named("mine", question(1));
	let first = world.ask(&asked).await.unwrap();
	let second = world.ask(&asked).await.unwrap();
	assert_eq!((first.answer, second.again), (second.answer, true));
	assert_eq!(world.provider.state().served.len(), 1);
	let error = world.ask(&named("mine", question(2))).await.unwrap_err();
	assert!(matches!(error, PayError::NameUsed(_)), "{error}");
}

#[tokio::test]
async fn without_a_name_the_same_question_is_asked_twice() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	world.ask(&question(1)).await.unwrap();
	assert_eq!(world.provider.state().served.len(), 2);
}

#[tokio::test]
async fn a_request_that_waits_can_be_gone_on_with_by_its_channel() {
	let world = World::new().await.impatient();
	world.provider.will([Act::Lost]);
	world.ask(&question(1)).await.unwrap_err();
	assert!(world.payer().resume(1).await.unwrap().unwrap().again);
	assert!(world.payer().resume(1).await.unwrap().is_none());
	assert_eq!(world.provider.state().served.len(), 1);
}

#[tokio::test]
async fn an_answer_is_given_again_by_its_number_to_whoever_knows_its_key() {
	let world = World::new().await;
	let paid = world.ask(&question(1)).await.unwrap();
	let (key, ..) = {
		let state = world.provider.state();
		let (_, key, ..) = &state.answers[&1];
		(key.clone(),)
	};
	let http = Http::trusting(world.times, RootCertStore::empty()).unwrap();
	let provider = Provider::new(&http, world.provider.endpoint()).unwrap();
	assert_eq!(provider.recover(1, 1, &key).await.unwrap(), paid.answer);
	assert!(provider.recover(1, 1, "guess").await.is_err());
}

/// Polls a future so often, and then drops it.
async fn cut<F: Future>(polls: usize, future: F) -> Option<F::Output> {
	let mut future = pin!(future);
	let mut left = polls;
	poll_fn(|context| {
		if left == 0 {
			return Poll::Ready(None);
		}
		left -= 1;
		future.as_mut().poll(context).map(Some)
	})
	.await
}

#[tokio::test]
async fn whoever_is_cut_off_anywhere_pays_once() {
	let mut world = World::new().await;
	world.deposits.most = 1_000_000;
	let mut questions = 0;
	for polls in 1..10_000 {
		questions += 1;
		let asked = question(questions);
		let done = cut(polls, world.payer().infer(&asked)).await.is_some();
		if !done {
			world.ask(&asked).await.unwrap();
		}
		let (served, spent) = {
			let state = world.provider.state();
			(state.served.len() as u32, state.spent)
		};
		assert_eq!((served, spent), (questions, u128::from(questions) * PRICE), "after {polls} polls");
		assert_eq!(world.record().spent, spent, "after {polls} polls");
		assert!(world.record().promised() <= world.chain.only().deposit);
		if done {
			assert!(polls > 10, "there is more to wait for");
			return;
		}
	}
	panic!("it is never done");
}

#[tokio::test]
async fn two_requests_at_once_on_one_channel_are_paid_one_after_the_other() {
	let world = World::new().await;
	world.ask(&question(0)).await.unwrap();
	let payer = world.payer();
	let (one, two) = (question(1), question(2));
	let (first, second) = tokio::join!(payer.infer(&one), payer.infer(&two));
	assert_ne!(first.unwrap().answer.receipt.nonce, second.unwrap().answer.receipt.nonce);
	assert_eq!((world.record().spent, world.provider.state().spent), (3 * PRICE, 3 * PRICE));
}

#[tokio::test]
async fn two_programs_share_a_wallet_and_open_one_channel() {
	let world = World::new().await;
	let (one, two): (Payer<FakeChain>, Payer<FakeChain>) = (world.payer(), world.payer());
	let questions: Vec<Question> = (1..=4).map(question).collect();
	let asked = tokio::join!(
		one.infer(&questions[0]),
		two.infer(&questions[1]),
		one.infer(&questions[2]),
		two.infer(&questions[3])
	);
	let nonces = [asked.0, asked.1, asked.2, asked.3].map(|paid| paid.unwrap().answer.receipt.nonce);
	assert_eq!(nonces.iter().copied().collect::<std::collections::BTreeSet<_>>(), [1, 2, 3, 4].into());
	assert_eq!(world.record().spent, 4 * PRICE);
	assert!(world.chain.only().deposit >= 4 * PRICE);
}

#[tokio::test]
async fn a_channel_that_is_in_use_for_too_long_is_an_error() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	let held = world.wallet().take(1, world.times.request).await.unwrap();
	let other = Wallet::open(world.folder.path(), GENESIS).unwrap();
	let error = other.take(1, Duration::from_millis(50)).await.unwrap_err();
	assert!(matches!(error, WalletError::Busy { .. }), "{error}");
	drop(held);
	other.take(1, Duration::from_millis(50)).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_reported_and_left_as_it_is() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	let folder = std::fs::read_dir(world.folder.path()).unwrap().next().unwrap().unwrap().path();
	let path = folder.join("1/state.json");
	std::fs::write(&path, "{").unwrap();
	let error = world.ask(&question(2)).await.unwrap_err();
	assert!(matches!(error, PayError::Wallet(WalletError::Damaged { .. })), "{error}");
	assert_eq!(std::fs::read(&path).unwrap(), b"{");
	assert_eq!(world.provider.state().seen.len(), 1);
}

#[tokio::test]
async fn a_wallet_of_another_chain_has_other_channels() {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	let other = Wallet::open(world.folder.path(), [9; 32]).unwrap();
	assert!(other.records().unwrap().is_empty());
}

#[tokio::test]
async fn of_the_answers_the_last_ones_are_kept() {
	let mut world = World::new().await;
	world.deposits.most = 1_000_000;
	let payer = world.payer();
	let all = oda_inference::wallet::KEPT as u32 + 2;
	for number in 1..=all {
		payer.infer(&question(number)).await.unwrap();
	}
	assert_eq!(world.record().answered.len(), oda_inference::wallet::KEPT);
	assert_eq!(world.wallet().answer(1, 2).unwrap(), None);
	assert!(world.wallet().answer(1, 3).unwrap().is_some());
	assert!(world.wallet().answer(1, all.into()).unwrap().is_some());
}

/// A provider's endpoint with TLS, and its certificate.
async fn tls(world: &World) -> (String, rustls::pki_types::CertificateDer<'static>) {
	let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
	let der = rustls::pki_types::CertificateDer::from(certificate.serialize_der().unwrap());
	let key = rustls::pki_types::PrivateKeyDer::Pkcs8(certificate.serialize_private_key_der().into());
	let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
		.with_safe_default_protocol_versions()
		.unwrap()
		.with_no_client_auth()
		.with_single_cert(vec![der.clone()], key)
		.unwrap();
	let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
	let port = listener.local_addr().unwrap().port();
	let to = world.provider.endpoint().trim_start_matches("http://").to_owned();
	let acceptor = TlsAcceptor::from(Arc::new(config));
	tokio::spawn(async move {
		loop {
			let (stream, _) = listener.accept().await.unwrap();
			let (acceptor, to) = (acceptor.clone(), to.clone());
			tokio::spawn(async move {
				if let Ok(mut stream) = acceptor.accept(stream).await {
					let mut plain = TcpStream::connect(to).await.unwrap();
					let _ = copy_bidirectional(&mut stream, &mut plain).await;
				}
			});
		}
	});
	(format!("https://localhost:{port}"), der)
}

#[tokio::test]
async fn a_provider_with_tls_is_reached_if_its_certificate_is_trusted() {
	let world = World::new().await;
	let (endpoint, certificate) = tls(&world).await;
	let mut roots = RootCertStore::empty();
	let http = Http::trusting(world.times, roots.clone()).unwrap();
	let stranger = Provider::new(&http, &endpoint).unwrap();
	let fault = stranger.models().await.unwrap_err();
	assert!(matches!(fault, Fault::Unreachable(_)), "{fault}");

	roots.add(certificate).unwrap();
	let http = Http::trusting(world.times, roots).unwrap();
	let models = Provider::new(&http, &endpoint).unwrap().models().await.unwrap();
	assert_eq!(models.provider, world.provider.account());
}
