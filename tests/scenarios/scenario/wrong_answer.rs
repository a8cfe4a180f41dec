//! A provider signs a wrong answer: its user finds out, and the court takes its bond.

use crate::{World, events, prepared, serve, until_happened};
use oda_client::{AccountId, Chain, Key, StakeRole};
use oda_e2e::{digits, node};
use serde_json::{Value, json};
use std::time::Duration;

const ODA: u128 = 1_000_000_000_000;
const PRICE: u128 = ODA / 100;
/// What a user gets back for a wrong answer, as the chain has it: so many times the price, and what a dispute may cost.
const REFUND_RATIO: u128 = 10;
const DISPUTE_FEE: u128 = 4 * ODA;

/// How many transactions an account has sent, what belongs to it, and its own bond as a provider.
async fn state(chain: &Chain, account: &AccountId) -> (u32, u128, u128) {
	let view = chain.finalised().await.unwrap();
	let funds = view.account(account).await.unwrap();
	let pool = view.stake_pool(StakeRole::Provider, account).await.unwrap();
	(funds.nonce, funds.free + funds.held, pool.map_or(0, |pool| pool.own))
}

#[tokio::test]
async fn a_wrong_answer_costs_its_provider_a_bond_and_makes_its_user_whole() {
	let world = World::new().await;
	let apart =
		|base: &str, suri: &str| world.worker_apart(base, suri).with(&["--listen", "/ip4/127.0.0.1/tcp/0"]);
	let registrar = apart("worker", "//Dave");
	let digits = prepared(&world).await;
	let (_serving, address) = serve(&registrar, &world.log("registrar.log")).await;
	let verifier = apart("verifier", "//Bob").with(&["--bootstrap", &address]);
	let mut verifying = verifier.service(&["verify"], &world.log("verifier.log")).unwrap();
	until_happened(&mut verifying, "verifying", 1).await;
	digits::register(&registrar, &digits, |_| ()).await.expect("version 0 is accepted");

	let liar = world.worker("//Charlie");
	liar.result(&["stake", "bond", "provider", "100", "--yes"]).await.unwrap();
	let bind = format!("127.0.0.1:{}", node::free_port().unwrap());
	let price = PRICE.to_string();
	// Its second answer is the wrong one.
	let lies = ["serve", "--bind", &bind, "--price", &price, "--after", "1"];
	let mut lying = liar.rogue_service(&digits.model, &lies, &world.log("liar.log")).unwrap();
	until_happened(&mut lying, "serving", 1).await;
	let liar: AccountId = events(&lying, "serving")[0]["account"].as_str().unwrap().parse().unwrap();

	let user = apart("user", "//Eve").with(&["--bootstrap", &address]);
	user.result(&["channel", "open", &digits.model, "--deposit", "1"]).await.unwrap();
	let input = world.log("input").to_string_lossy().into_owned();
	std::fs::write(&input, &std::fs::read(digits::file("validation.bin")).unwrap()[..64]).unwrap();
	let infer = ["infer", &digits.model, &input, "--as", "tensor", "--verify"];
	let right = user.result(&infer).await.unwrap();
	assert_eq!(right["right"], true, "{right}");

	let chain = Chain::connect(&world.node.url(), Some(Duration::from_secs(60))).await.unwrap();
	let slash = chain.finalised().await.unwrap().inference_terms().await.unwrap().receipt_slash;
	let refund = (REFUND_RATIO * PRICE + DISPUTE_FEE).min(slash / 2);
	let account = Key::from_uri("//Eve").unwrap().account();
	let (user_before, liar_before) = (state(&chain, &account).await, state(&chain, &liar).await);
	let wrong = user.refusal(&infer).await.unwrap();
	assert!(wrong.contains("the provider's answer was wrong, as the court has found"), "{wrong}");

	let lines: Vec<Value> = wrong.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
	assert!(lines.iter().any(|line| line["right"] == false), "{wrong}");
	let disputed = lines.iter().find(|line| line["event"] == "disputed").expect("it went to court");
	let found = json!({ "misserved": { "slashed": slash.to_string(), "refunded": refund.to_string() } });
	assert_eq!(disputed["outcome"], found);
	let fee: u128 = digits::text(disputed, "/receipt/fee").unwrap().parse().unwrap();
	// What the answer was promised is little beside that.
	assert!(fee + PRICE < refund, "{fee}");
	let (user_after, liar_after) = (state(&chain, &account).await, state(&chain, &liar).await);
	assert_eq!((user_after.0 - user_before.0, user_after.1 - user_before.1), (1, refund - fee));
	assert_eq!(liar_after, (liar_before.0, liar_before.1, liar_before.2 - slash));
}
