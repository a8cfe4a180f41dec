//! The proxy, as `curl` and browsers see it.

use crate::{
	fake_chain::MODEL,
	fake_provider::{Act, PRICE},
	world::World,
};
use oda_inference::{
	Proxy, ProxySettings, SpendingLimits,
	api::{InferAnswer, Problem, ProblemKind},
	proxy::ProxyError,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
	io::{AsyncReadExt, AsyncWriteExt},
	net::TcpStream,
};

fn settings() -> ProxySettings {
	ProxySettings {
		address: ([127, 0, 0, 1], 0).into(),
		remote: false,
		hosts: Vec::new(),
		origins: vec!["http://friend.example".to_owned()],
		limits: SpendingLimits { request: 150, day: 10_000, total: 10_000 },
	}
}

async fn proxy(world: &World, settings: ProxySettings) -> Proxy {
	Proxy::start(Arc::new(world.payer()), settings).await.unwrap()
}

/// Sends a request as it is, and returns status, headers and body.
async fn send(to: SocketAddr, request: &str) -> (u16, String, String) {
	let mut stream = TcpStream::connect(to).await.unwrap();
	stream.write_all(request.as_bytes()).await.unwrap();
	let mut answer = String::new();
	stream.read_to_string(&mut answer).await.unwrap();
	let (head, body) = answer.split_once("\r\n\r\n").unwrap();
	let status = head.split(' ').nth(1).unwrap().parse().unwrap();
	(status, head.to_lowercase(), body.to_owned())
}

fn question(number: u8) -> String {
	format!(r#"{{"model":"0x{}","inputs":[{{"numbers":[{number}]}}]}}"#, hex::encode(MODEL))
}

fn post(headers: &str, body: &str) -> String {
	let len = body.len();
	format!("POST /v1/infer HTTP/1.1\r\nconnection: close\r\ncontent-length: {len}\r\n{headers}\r\n{body}")
}

const JSON: &str = "host: localhost\r\ncontent-type: application/json\r\n";

async fn ask(to: SocketAddr, headers: &str, body: &str) -> Result<InferAnswer, ProblemKind> {
	let (status, head, text) = send(to, &post(headers, body)).await;
	if status == 200 {
		return Ok(serde_json::from_str(&text).unwrap());
	}
	assert!(head.contains("application/problem+json"), "{head}");
	let problem: Problem = serde_json::from_str(&text).unwrap();
	assert_eq!(problem.status, status);
	Err(problem.known().unwrap())
}

#[tokio::test]
async fn whoever_knows_nothing_of_channels_gets_a_paid_answer() {
	let world = World::new().await;
	let proxy = proxy(&world, settings()).await;
	let answer = ask(proxy.address(), JSON, &question(1)).await.unwrap();
	assert_eq!(answer.receipt.price, PRICE);
	assert_eq!(world.record().spent, PRICE);
}

#[tokio::test]
async fn it_says_what_can_be_asked() {
	let world = World::new().await;
	let proxy = proxy(&world, settings()).await;
	let request = "GET /v1/models HTTP/1.1\r\nhost: localhost:1\r\nconnection: close\r\n\r\n";
	let (status, _, text) = send(proxy.address(), request).await;
	let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
	assert_eq!(status, 200);
	assert_eq!(answer["providers"][0]["models"][0]["model"], format!("0x{}", hex::encode(MODEL)));
}

#[tokio::test]
async fn what_was_spent_is_spent() {
	let world = World::new().await;
	let limits = SpendingLimits { request: 150, day: 250, total: 10_000 };
	let address = {
		let proxy = proxy(&world, ProxySettings { limits, ..settings() }).await;
		ask(proxy.address(), JSON, &question(1)).await.unwrap();
		ask(proxy.address(), JSON, &question(2)).await.unwrap();
		assert_eq!(ask(proxy.address(), JSON, &question(3)).await, Err(ProblemKind::SpendingLimit));
		proxy
	};
	drop(address);
	let again = proxy(&world, ProxySettings { limits, ..settings() }).await;
	assert_eq!(ask(again.address(), JSON, &question(3)).await, Err(ProblemKind::SpendingLimit));
	assert_eq!(world.record().spent, 2 * PRICE);
}

#[tokio::test]
async fn a_request_that_was_refused_spends_nothing() {
	let world = World::new().await;
	let limits = SpendingLimits { request: 150, day: 150, total: 150 };
	let proxy = proxy(&world, ProxySettings { limits, ..settings() }).await;
	world.provider.will([Act::Refuse(ProblemKind::Unfit)]);
	assert_eq!(ask(proxy.address(), JSON, &question(1)).await, Err(ProblemKind::Unfit));
	ask(proxy.address(), JSON, &question(2)).await.unwrap();
}

#[tokio::test]
async fn the_same_key_is_paid_once() {
	let world = World::new().await;
	let proxy = proxy(&world, settings()).await;
	let headers = format!("{JSON}idempotency-key: mine\r\n");
	let first = ask(proxy.address(), &headers, &question(1)).await.unwrap();
	let second = ask(proxy.address(), &headers, &question(1)).await.unwrap();
	assert_eq!(first, second);
	assert_eq!(world.record().spent, PRICE);
	assert_eq!(ask(proxy.address(), &headers, &question(2)).await, Err(ProblemKind::KeyReused));
	let bad = format!("{JSON}idempotency-key: {}\r\n", "a".repeat(65));
	assert_eq!(ask(proxy.address(), &bad, &question(1)).await, Err(ProblemKind::Malformed));
}

#[tokio::test]
async fn a_client_that_leaves_does_not_cut_off_what_was_paid_for() {
	let world = World::new().await;
	let proxy = proxy(&world, settings()).await;
	let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
	let headers = format!("{JSON}idempotency-key: mine\r\n");
	stream.write_all(post(&headers, &question(1)).as_bytes()).await.unwrap();
	while world.wallet().records().unwrap().iter().all(|record| record.last.is_none()) {
		tokio::task::yield_now().await;
	}
	drop(stream);
	ask(proxy.address(), &headers, &question(1)).await.unwrap();
	assert_eq!(world.record().spent, PRICE);
	assert_eq!(world.provider.state().served.len(), 1);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_and_those_that_are_named_are_not() {
	let world = World::new().await;
	let proxy = proxy(&world, settings()).await;
	for foreign in ["origin: http://evil.example\r\n", "origin: null\r\n", "sec-fetch-site: cross-site\r\n"] {
		let refused = ask(proxy.address(), &format!("{JSON}{foreign}"), &question(1)).await;
		assert_eq!(refused, Err(ProblemKind::Forbidden), "{foreign}");
	}
	let friend = format!("{JSON}origin: http://friend.example\r\nsec-fetch-site: cross-site\r\n");
	let (status, head, _) = send(proxy.address(), &post(&friend, &question(1))).await;
	assert_eq!(status, 200);
	assert!(head.contains("access-control-allow-origin: http://friend.example"), "{head}");
	let ask_first = "OPTIONS /v1/infer HTTP/1.1\r\nconnection: close\r\nhost: localhost\r\n";
	let (status, head, _) =
		send(proxy.address(), &format!("{ask_first}origin: http://friend.example\r\n\r\n")).await;
	assert_eq!(status, 204);
	assert!(head.contains("access-control-allow-headers: content-type, idempotency-key"), "{head}");
	let (status, head, _) =
		send(proxy.address(), &format!("{ask_first}origin: http://evil.example\r\n\r\n")).await;
	assert_eq!(status, 403);
	assert!(!head.contains("access-control-allow-origin"), "{head}");
}

#[tokio::test]
async fn a_name_of_somebody_elses_that_points_here_is_refused() {
	let world = World::new().await;
	let proxy = proxy(&world, ProxySettings { hosts: vec!["ai.home".to_owned()], ..settings() }).await;
	let media = "content-type: application/json\r\n";
	for foreign in ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", ""]
	{
		let headers = format!("host: {foreign}\r\n{media}");
		assert_eq!(
			ask(proxy.address(), &headers, &question(1)).await,
			Err(ProblemKind::Forbidden),
			"{foreign}"
		);
	}
	for own in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "[::1]", "ai.home"] {
		ask(proxy.address(), &format!("host: {own}\r\n{media}"), &question(1)).await.unwrap();
	}
}

#[tokio::test]
async fn what_a_page_can_send_without_asking_is_refused() {
	let world = World::new().await;
	let proxy = proxy(&world, settings()).await;
	for media in ["", "content-type: text/plain\r\n", "content-type: application/x-www-form-urlencoded\r\n"] {
		let headers = format!("host: localhost\r\n{media}");
		assert_eq!(ask(proxy.address(), &headers, &question(1)).await, Err(ProblemKind::UnsupportedMedia));
	}
}

#[tokio::test]
async fn each_bad_request_has_its_own_answer() {
	let world = World::new().await;
	let proxy = proxy(&world, settings()).await;
	let to = proxy.address();
	assert_eq!(ask(to, JSON, "{").await, Err(ProblemKind::Malformed));
	let paid = format!("{JSON}payment: e30=\r\n");
	assert_eq!(ask(to, &paid, &question(1)).await, Err(ProblemKind::Malformed));
	let unknown = question(1).replace("01", "09");
	assert_eq!(ask(to, JSON, &unknown).await, Err(ProblemKind::UnknownModel));
	let none = format!(r#"{{"model":"0x{}","inputs":[]}}"#, hex::encode(MODEL));
	assert_eq!(ask(to, JSON, &none).await, Err(ProblemKind::Unfit));
	world.provider.will([Act::After(|answer| answer.input.clear())]);
	assert_eq!(ask(to, JSON, &question(1)).await, Err(ProblemKind::BadAnswer));
	for (request, status) in [("GET /v1/infer", 405), ("DELETE /v1/models", 405), ("GET /", 404)] {
		let request = format!("{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
		assert_eq!(send(to, &request).await.0, status, "{request}");
	}
}

#[tokio::test]
async fn an_address_that_others_reach_has_to_be_asked_for() {
	let world = World::new().await;
	let open = ProxySettings { address: ([0, 0, 0, 0], 0).into(), ..settings() };
	let refused = Proxy::start(Arc::new(world.payer()), open.clone()).await.unwrap_err();
	assert!(matches!(refused, ProxyError::Remote(_)), "{refused}");
	proxy(&world, ProxySettings { remote: true, ..open }).await;
}
