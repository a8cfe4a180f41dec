//! Programs that know nothing of channels ask a proxy, which pays for them.

use super::{AT_PRICE, PRICE, Served, Service, http::send, request};
use oda_e2e::node;
use oda_inference::api::{InferAnswer, Input};
use oda_primitives::inference::Payment;
use serde_json::Value;

const INFER: &str = "/v1/infer";

#[tokio::test]
async fn a_program_gets_answers_through_the_proxy_pays_once_for_a_name_and_no_more_than_is_allowed() {
	let mut served = Served::new(&AT_PRICE).await;
	served.models().await;
	let (user, digits) = (served.user().await, served.digits(6).await);
	let (account, port) = (served.user.account(), node::free_port().unwrap());
	let address = format!("127.0.0.1:{port}");
	let args = ["proxy", "--address", &address, "--limit", "0.02", "--total", "0.05", "--requests", "10"];
	let mut proxy = Service::new(user, &args, served.world.log("proxy.log"));
	proxy.until("paying", 1).await;
	let sent = served.wealth(&account).await.0;
	let post = async |headers: &[(&str, &str)], body: &str| {
		send(port, "POST", INFER, headers, body).await.expect("the proxy answers")
	};
	let refused = async |headers: &[(&str, &str)], body: &str| {
		let reply = post(headers, body).await;
		let problem: Value = serde_json::from_slice(&reply.body).unwrap();
		(reply.status, problem["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned())
	};
	let answered = |body: &[u8]| serde_json::from_slice::<InferAnswer>(body).unwrap();

	let models = send(port, "GET", "/v1/models", &[], "").await.unwrap();
	let models: Value = serde_json::from_slice(&models.body).unwrap();
	assert_eq!(models["providers"][0]["provider"], served.providing.to_string());
	let found = models["providers"][0]["models"][0]["model"].as_str().unwrap();
	assert_eq!(found.trim_start_matches("0x"), served.name.trim_start_matches("0x"));

	// A picture, which the provider makes into an input as the card says.
	let picture = post(&[], &request(served.model, Input::Png(digits[0].png()))).await;
	assert_eq!(picture.status, 200, "{}", picture.text());
	let answer = answered(&picture.body);
	assert_eq!(answer.outputs(), digits[0].output);
	assert_eq!(answer.answers[0].label, Some(digits[0].label().to_string()));
	let Payment::Channel(channel) = answer.receipt.payment else { panic!("{:?}", answer.receipt) };
	let spent = async || served.http.channel(channel).await.unwrap().spent;
	assert_eq!((answer.receipt.price, spent().await), (PRICE, PRICE));

	// Under one name it is asked and paid once, also when the proxy has died in between.
	let (named, asked) = ([("idempotency-key", "seven")], digits[1].asked(served.model));
	let first = post(&named, &asked).await;
	assert_eq!(answered(&first.body).outputs(), digits[1].output);
	let second = post(&named, &asked).await;
	proxy.kill().await;
	proxy.start();
	proxy.until("paying", 2).await;
	let third = post(&named, &asked).await;
	assert_eq!((first.text(), second.text()), (third.text(), third.text()));
	assert_eq!(spent().await, 2 * PRICE);
	let other = refused(&named, &digits[2].asked(served.model)).await;
	assert_eq!((other, spent().await), ((422, "key-reused".to_owned()), 2 * PRICE));
	// No page of somebody else's spends.
	let page = refused(&[("origin", "http://elsewhere.example")], &asked).await;
	assert_eq!((page, spent().await), ((403, "forbidden".to_owned()), 2 * PRICE));

	// Until all is spent that may be, whoever asks and whichever process answers.
	for digit in &digits[3..] {
		let reply = post(&[], &digit.asked(served.model)).await;
		assert_eq!(answered(&reply.body).outputs(), digit.output);
	}
	let limit = (403, "spending-limit".to_owned());
	assert_eq!(refused(&[], &asked).await, limit);
	proxy.kill().await;
	proxy.start();
	proxy.until("paying", 3).await;
	assert_eq!(refused(&[], &asked).await, limit);
	assert_eq!(spent().await, 5 * PRICE);
	assert_eq!(served.wealth(&account).await.0 - sent, 1, "the channel was opened, and no more");
}
