use crate::world::{World, request, send};
use hyper::{Method, body::Bytes, header::ALLOW};
use oda_inference::api::{INFER_PATH, ProblemKind, QUOTE_PATH};

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
	let world = World::new().await;
	for path in ["/", "/v1", "/v1/infer/", "/v1/channels", "/metrics"] {
		world.get(path).await.refused(ProblemKind::NotFound);
	}
}

#[tokio::test]
async fn a_method_that_is_not_there_is_a_problem_that_names_those_that_are() {
	let world = World::new().await;
	let reply = world.get(INFER_PATH).await;
	reply.refused(ProblemKind::MethodNotAllowed);
	assert_eq!(reply.headers[ALLOW], "POST");
	let reply = send(world.address(), request(Method::DELETE, "/v1/models", &[], Bytes::new())).await;
	reply.refused(ProblemKind::MethodNotAllowed);
	assert_eq!(reply.headers[ALLOW], "GET,HEAD");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_problem() {
	let world = World::new().await;
	for path in [INFER_PATH, QUOTE_PATH, "/v1/channels/3/close"] {
		for body in ["", "{", "[]", "{}", r#"{"model":"0x00","count":1,"inputs":[]}"#] {
			let json = [("content-type", "application/json")];
			let reply = send(world.address(), request(Method::POST, path, &json, body.into())).await;
			reply.refused(ProblemKind::Malformed);
		}
	}
}

#[tokio::test]
async fn another_media_type_is_a_problem() {
	let world = World::new().await;
	for path in [INFER_PATH, QUOTE_PATH, "/v1/channels/3/close"] {
		for media in ["text/plain", "application/jsonx", ""] {
			let headers = [("content-type", media)];
			let reply = send(world.address(), request(Method::POST, path, &headers, "{}".into())).await;
			reply.refused(ProblemKind::UnsupportedMedia);
		}
		let headers = [("content-type", "Application/JSON; charset=utf-8")];
		let reply = send(world.address(), request(Method::POST, path, &headers, "{".into())).await;
		reply.refused(ProblemKind::Malformed);
	}
}

#[tokio::test]
async fn a_compressed_body_is_a_problem() {
	let world = World::new().await;
	for path in [INFER_PATH, QUOTE_PATH, "/v1/channels/3/close"] {
		let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
		let reply = send(world.address(), request(Method::POST, path, &headers, "{".into())).await;
		reply.refused(ProblemKind::UnsupportedMedia);
	}
}

#[tokio::test]
async fn a_path_with_something_else_than_a_number_is_a_problem() {
	let world = World::new().await;
	for path in [
		"/v1/channels/x",
		"/v1/channels/-1",
		"/v1/channels/+1",
		"/v1/channels/18446744073709551616",
		"/v1/channels/%FF",
		"/v1/channels/1/receipts/x",
	] {
		world.get(path).await.refused(ProblemKind::Malformed);
	}
}

#[tokio::test]
async fn headers_that_are_too_large_are_a_problem() {
	let world = World::new().await;
	let large = "a".repeat(33 << 10);
	let reply =
		send(world.address(), request(Method::GET, "/v1/models", &[("x-large", &large)], Bytes::new())).await;
	reply.refused(ProblemKind::HeadersTooLarge);
}

#[tokio::test]
async fn too_many_headers_are_a_problem() {
	let world = World::new().await;
	let many = [("x-one", "of many"); 101];
	let reply = send(world.address(), request(Method::GET, "/v1/models", &many, Bytes::new())).await;
	reply.refused(ProblemKind::HeadersTooLarge);
}

#[tokio::test]
async fn the_description_is_served() {
	let world = World::new().await;
	let description: serde_json::Value = world.get("/openapi.json").await.ok();
	assert_eq!(description["openapi"], "3.1.0");
	assert!(description["paths"][INFER_PATH]["post"].is_object());
}

#[tokio::test]
async fn a_provider_that_would_answer_is_healthy() {
	let world = World::new().await;
	assert_eq!(world.get("/healthz").await.status, 204);
}
