use crate::world::{CHANNEL, Mood, PRICE, World, channel, question, request, send, signed, voucher};
use http_body_util::StreamBody;
use hyper::{
	Method, Request,
	body::{Bytes, Frame},
};
use oda_inference::api::{INFER_PATH, JSON, MODELS_PATH, PAYMENT, ProblemKind, QUOTE_PATH};
use oda_primitives::Voucher;
use oda_provider::Rate;
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::{
	convert::Infallible,
	net::{IpAddr, SocketAddr},
	time::Duration,
};
use tokio::{
	io::{AsyncReadExt, AsyncWriteExt},
	net::{TcpSocket, TcpStream},
	time::sleep,
};

/// Connects from another address of this machine.
async fn connect_from(address: &str, to: SocketAddr) -> TcpStream {
	let socket = TcpSocket::new_v4().unwrap();
	let from: IpAddr = address.parse().unwrap();
	socket.bind((from, 0).into()).unwrap();
	socket.connect(to).await.unwrap()
}

/// Asks how it is; says with which status that was answered, and nothing if it was not.
async fn health(stream: &mut TcpStream) -> Option<String> {
	stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.ok()?;
	let mut answer = [0; 12];
	stream.read_exact(&mut answer).await.ok()?;
	answer.strip_prefix(b"HTTP/1.1 ").map(|status| String::from_utf8_lossy(status).into_owned())
}

#[tokio::test]
async fn who_comes_when_the_queue_is_full_is_told_to_come_again_and_nothing_is_kept_of_it() {
	let world = World::with(|config| config.batching.requests = 2).await;
	world.change(|chain| chain.channels.extend((10..30).map(|id| (id, channel())))).await;
	world.engine.set(Mood::Waits);
	let asked = question(&[[7.0, 5.0]]);
	let pay = |id: u64| world.pay(signed(Voucher { channel: id, ..voucher(1).voucher }), &asked);
	let (served, ()) = tokio::join!(async { tokio::join!(pay(10), pay(11)) }, async {
		world.engine.has_seen(1).await;
		// The second one is in the queue once its voucher is kept.
		let known = async |id: u64| {
			let known: oda_inference::api::ChannelState = world.get(&format!("/v1/channels/{id}")).await.ok();
			known.last
		};
		while known(10).await.is_none() || known(11).await.is_none() {}
		for id in 12..30 {
			let reply = pay(id).await;
			reply.refused(ProblemKind::Unavailable);
			assert!(reply.retry_after() > 0);
			assert_eq!(known(id).await, None);
		}
		world.engine.set(Mood::Works);
	});
	served.0.answer();
	served.1.answer();
	pay(12).await.answer();
}

#[tokio::test]
async fn who_comes_when_bodies_take_all_memory_is_told_to_come_again() {
	let world = World::with(|config| {
		config.limits.body = 10_000;
		config.limits.bodies = 10_000;
	})
	.await;
	// A body of which the half has come takes all of what it says that it has.
	let mut slow = TcpStream::connect(world.address()).await.unwrap();
	let head = format!(
		"POST {INFER_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: 10000\r\n\r\n{{"
	);
	slow.write_all(head.as_bytes()).await.unwrap();
	let ask = async || world.pay(voucher(1), &question(&[[7.0, 5.0]])).await;
	let reply = loop {
		let reply = ask().await;
		if reply.status == 503 {
			break reply;
		}
	};
	let why = reply.refused(ProblemKind::Unavailable);
	assert!(why.contains("memory") && reply.retry_after() > 0, "{why}");
	world.get(MODELS_PATH).await.ok::<serde_json::Value>();
	drop(slow);
	while ask().await.status != 200 {}
}

#[tokio::test]
async fn a_body_that_says_that_it_is_too_large_is_not_read() {
	let world = World::with(|config| config.limits.body = 10_000).await;
	let mut stream = TcpStream::connect(world.address()).await.unwrap();
	let head = format!(
		"POST {INFER_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: 10001\r\n\r\n"
	);
	stream.write_all(head.as_bytes()).await.unwrap();
	let mut answer = [0; 12];
	stream.read_exact(&mut answer).await.unwrap();
	assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_body_that_becomes_too_large_is_not_read_further() {
	let world = World::with(|config| config.limits.body = 10_000).await;
	for path in [INFER_PATH, QUOTE_PATH] {
		let parts = (0..200).map(|_| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b' '; 1_000]))));
		let body = StreamBody::new(futures::stream::iter(parts));
		let request =
			Request::post(path).header("host", "x").header("content-type", JSON).body(body).unwrap();
		let reply = send(world.address(), request).await;
		reply.refused(ProblemKind::TooLarge);
	}
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
	let world = World::with(|config| config.limits.address = Rate { second: 1, burst: 2 }).await;
	for _ in 0..2 {
		world.get(MODELS_PATH).await.ok::<serde_json::Value>();
	}
	for path in [MODELS_PATH, "/nothing", "/healthz"] {
		let reply = world.get(path).await;
		reply.refused(ProblemKind::TooMany);
		assert!((1..=2).contains(&reply.retry_after()));
	}
}

#[tokio::test]
async fn a_connection_that_sends_its_headers_too_slowly_is_closed() {
	let world = World::with(|config| config.times.headers = Duration::from_millis(50)).await;
	let mut stream = TcpStream::connect(world.address()).await.unwrap();
	stream.write_all(b"GET /v1/models HTTP/1.1\r\nX-Slow: ").await.unwrap();
	let mut rest = Vec::new();
	// It ends, whether or not with a word.
	drop(stream.read_to_end(&mut rest).await);
}

#[tokio::test]
async fn a_connection_that_says_nothing_after_an_answer_is_closed() {
	let world = World::with(|config| config.times.headers = Duration::from_millis(50)).await;
	let mut stream = TcpStream::connect(world.address()).await.unwrap();
	stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
	let mut all = Vec::new();
	drop(stream.read_to_end(&mut all).await);
	assert!(all.starts_with(b"HTTP/1.1 204"));
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_refused() {
	let world = World::with(|config| config.times.body = Duration::from_millis(50)).await;
	for path in [INFER_PATH, QUOTE_PATH] {
		let mut stream = TcpStream::connect(world.address()).await.unwrap();
		let head = format!(
			"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: 10\r\n\r\n{{"
		);
		stream.write_all(head.as_bytes()).await.unwrap();
		let mut answer = [0; 12];
		stream.read_exact(&mut answer).await.unwrap();
		assert_eq!(&answer, b"HTTP/1.1 408");
	}
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_no_more() {
	let world = World::with(|config| config.limits.connections_of_one = 2).await;
	let open = async || {
		let mut stream = TcpStream::connect(world.address()).await.unwrap();
		(health(&mut stream).await.unwrap() == "204").then_some(stream)
	};
	let (first, second) = (open().await, open().await);
	assert!(first.is_some() && second.is_some());
	let reply = world.get("/healthz").await;
	reply.refused(ProblemKind::TooMany);
	assert_eq!((reply.retry_after(), &reply.headers["connection"]), (1, &"close".parse().unwrap()));
	drop(first);
	while open().await.is_none() {}
}

#[tokio::test]
async fn a_crowd_of_one_address_takes_no_answer_from_another() {
	let world = World::with(|config| config.limits.connections_of_one = 1).await;
	let mut crowd = Vec::new();
	for _ in 0..300 {
		crowd.push(connect_from("127.0.0.2", world.address()).await);
	}
	let mut first = connect_from("127.0.0.3", world.address()).await;
	assert_eq!(health(&mut first).await.as_deref(), Some("204"));
	let mut second = connect_from("127.0.0.3", world.address()).await;
	assert_eq!(health(&mut second).await.as_deref(), Some("429"));
}

#[tokio::test]
async fn a_connection_that_is_one_too_many_has_as_much_time_as_others() {
	let world = World::with(|config| config.limits.connections_of_one = 1).await;
	let mut first = TcpStream::connect(world.address()).await.unwrap();
	assert_eq!(health(&mut first).await.as_deref(), Some("204"));
	let mut second = TcpStream::connect(world.address()).await.unwrap();
	sleep(Duration::from_secs(3)).await;
	assert_eq!(health(&mut second).await.as_deref(), Some("429"));
}

#[tokio::test]
async fn who_is_refused_before_its_body_is_read_is_told_that_the_connection_ends() {
	let world = World::with(|config| config.limits.body = 10_000).await;
	let mut stream = TcpStream::connect(world.address()).await.unwrap();
	let head = format!(
		"POST {INFER_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: 10001\r\n\r\n"
	);
	stream.write_all(head.as_bytes()).await.unwrap();
	let mut answer = String::new();
	stream.read_to_string(&mut answer).await.unwrap();
	assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn who_is_refused_after_its_body_was_read_keeps_the_connection() {
	let world = World::new().await;
	let reply = world.post(INFER_PATH, &[], &question(&[[7.0, 5.0]])).await;
	reply.refused(ProblemKind::PaymentRequired);
	assert!(!reply.headers.contains_key("connection"));
}

#[tokio::test]
async fn who_comes_when_all_connections_are_taken_waits_for_one() {
	let world = World::with(|config| config.limits.connections = 1).await;
	let mut first = TcpStream::connect(world.address()).await.unwrap();
	first.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
	first.read_exact(&mut [0; 12]).await.unwrap();
	let (reply, ()) = tokio::join!(world.get("/healthz"), async move { drop(first) });
	assert_eq!(reply.status, 204);
}

#[tokio::test]
async fn a_provider_that_stops_finishes_what_was_paid_for() {
	let world = World::new().await;
	world.engine.set(Mood::Waits);
	let (address, engine) = (world.address(), world.engine.clone());
	let body = serde_json::to_vec(&question(&[[7.0, 5.0]])).unwrap();
	let headers = [(PAYMENT, &*voucher(1).to_header())];
	let asked = tokio::spawn(send(address, request(Method::POST, INFER_PATH, &headers, body.into())));
	engine.has_seen(1).await;
	let stopped = tokio::spawn(world.handle.stop());
	while TcpStream::connect(address).await.is_ok() {
		tokio::task::yield_now().await;
	}
	assert!(!stopped.is_finished());
	engine.set(Mood::Works);
	assert_eq!(asked.await.unwrap().answer().receipt.price, PRICE);
	stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
	let world = World::new().await;
	let folder = tempfile::tempdir().unwrap();
	let mut config = crate::world::config(folder.path());
	config.listen = world.address();
	let error = oda_provider::Server::start(config, world.chain.clone(), world.engine.clone()).await.err();
	assert!(error.unwrap().to_string().contains("cannot serve at"));
}

#[tokio::test]
async fn what_happens_is_counted() {
	let world = World::new().await;
	world.pay(voucher(1), &question(&[[7.0, 5.0]])).await.answer();
	world.post(INFER_PATH, &[], &question(&[[7.0, 5.0]])).await.refused(ProblemKind::PaymentRequired);
	let mut registry = Registry::default();
	world.handle.metrics().register(&mut registry);
	let mut text = String::new();
	encode(&mut text, &registry).unwrap();
	for line in [
		r#"provider_requests_total{path="/v1/infer",status="200"} 1"#,
		r#"provider_requests_total{path="/v1/infer",status="402"} 1"#,
		r#"provider_request_seconds_count{path="/v1/infer"} 2"#,
		"provider_vouchers_total 1",
		"provider_batch_inputs_count 1",
		"provider_final_block 1",
	] {
		assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
	}
	assert!(text.contains("provider_spent_oda_total 1.1e-11"), "{text}");
	assert_eq!(CHANNEL, world.known().await.channel);
}
