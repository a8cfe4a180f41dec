//! The page on JSON-RPC, as it stands: what its commands answer has the fields that it shows.

use super::*;
use serde_json::json;
use subxt::rpcs::{
	RpcClient,
	client::{RpcParams, rpc_params},
};

const PAGE: &str = include_str!("../../../../docs/json-rpc.md");

/// The page's commands, each with the answer that is shown after it.
fn examples() -> impl Iterator<Item = (&'static str, Value)> {
	PAGE.split("```sh\n").skip(1).filter_map(|rest| {
		let (command, after) = rest.split_once("```").expect("a block ends");
		let (_, answer) =
			after.trim_start().split_once("```json\n").filter(|(between, _)| between.is_empty())?;
		let (answer, _) = answer.split_once("```").expect("a block ends");
		Some((command, serde_json::from_str(answer).expect("it is JSON")))
	})
}

/// What a command answers in a shell.
async fn run(command: &str, port: u16, variable: (&str, &str)) -> Value {
	let command = command.replace("127.0.0.1:9944", &format!("127.0.0.1:{port}"));
	let mut shell = tokio::process::Command::new("bash");
	shell.args(["-c", &command]).env(variable.0, variable.1);
	let output = shell.output().await.unwrap();
	serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Whether two values have the same fields and kinds of values, in hexadecimal or not.
fn alike(shown: &Value, got: &Value) -> bool {
	match (shown, got) {
		(Value::Object(shown), Value::Object(got)) => {
			shown.len() == got.len()
				&& shown.iter().all(|(key, value)| got.get(key).is_some_and(|other| alike(value, other)))
		}
		(Value::Array(shown), Value::Array(got)) => {
			shown.len() == got.len() && shown.iter().zip(got).all(|(shown, got)| alike(shown, got))
		}
		(Value::String(shown), Value::String(got)) => shown.starts_with("0x") == got.starts_with("0x"),
		(shown, got) => std::mem::discriminant(shown) == std::mem::discriminant(got),
	}
}

/// The code and the message with which a node refuses.
async fn refusal(node: &RpcClient, method: &str, params: RpcParams) -> (i32, String) {
	match node.request::<Value>(method, params).await {
		Err(subxt::rpcs::Error::User(error)) => (error.code, error.message),
		other => panic!("{other:?}"),
	}
}

#[tokio::test]
async fn the_page_on_json_rpc_is_true() {
	let mut served = Served::new(&AT_PRICE).await;
	let digit = served.digits(1).await.remove(0);
	let (channel, _) = served.open().await;
	let node = RpcClient::from_insecure_url(served.world.node.url()).await.unwrap();
	let port = served.world.node.port();
	let request = |limit| {
		let input = digit.pixels.clone();
		served.chain.request_inference(&served.user, served.providing, served.model, input, 1, limit)
	};
	let hex = |bytes: Vec<u8>| format!("0x{}", hex::encode(bytes));

	let dear = hex(request(PRICE - 1).bytes().await.unwrap());
	let (code, message) = refusal(&node, "oda_submitRequest", rpc_params![dear]).await;
	assert_eq!((code, message.ends_with("Inference::BeyondLimit")), (21_014, true), "{message}");
	let other = served.chain.top_up_channel(&served.user, channel, 1).bytes().await.unwrap();
	assert_eq!(refusal(&node, "oda_submitRequest", rpc_params![hex(other)]).await.0, 21_012);
	assert_eq!(refusal(&node, "oda_submitRequest", rpc_params!["0x00"]).await.0, 21_012);
	let tampered = {
		let mut bytes = request(ODA).bytes().await.unwrap();
		// Of the signature, behind length, version and account.
		bytes[50] ^= 1;
		hex(bytes)
	};
	assert_eq!(refusal(&node, "oda_submitRequest", rpc_params![tampered]).await.0, 21_013);
	assert_eq!(refusal(&node, "oda_answer", rpc_params![0]).await.0, 21_015);
	let nowhere = format!("0x{}", "00".repeat(32));
	assert_eq!(refusal(&node, "oda_channel", rpc_params![channel, nowhere]).await.0, 21_011);

	let extrinsic = hex(request(ODA).bytes().await.unwrap());
	let model = format!("0x{}", hex::encode(served.model));
	let channel = channel.to_string();
	let mut asked = Vec::new();
	for (command, shown) in examples() {
		let method = command.split('"').find(|word| word.starts_with("oda_")).expect("a method");
		let variable = match method {
			"oda_models" => ("UNUSED", ""),
			"oda_offers" => ("MODEL", &*model),
			"oda_channel" => ("CHANNEL", &*channel),
			"oda_submitRequest" => ("EXTRINSIC", &*extrinsic),
			"oda_answer" => {
				// Until there is one.
				let unsubscribe = "oda_unsubscribeAnswer";
				let mut outcomes = node
					.subscribe::<Value>("oda_subscribeAnswer", rpc_params![0], unsubscribe)
					.await
					.unwrap();
				let outcome = outcomes.next().await.expect("one comes").unwrap();
				assert_eq!(outcome["output"], json!(hex(digit.output.clone())));
				("REQUEST", "0")
			}
			other => panic!("what does {other} need?"),
		};
		let got = run(command, port, variable).await;
		assert!(alike(&shown, &got), "the page shows {shown:#}\nthe node answers {got:#}");
		asked.push(method);
	}
	assert_eq!(asked, ["oda_models", "oda_offers", "oda_channel", "oda_submitRequest", "oda_answer"]);
	served.provider.process().check_alive().unwrap();
}
