//! How a channel ends that nobody ends.

use super::{AT_PRICE, PRICE, Served, books::Books};
use crate::{events, until_happened};
use oda_inference::Wallet;
use std::fs;

/// Ticks for which a receipt is evidence, and a closed channel stays.
const RECEIPTS: [(&str, u64); 1] = [("receipts", 24)];
/// Ticks of a channel's term, long enough to ask, and of its grace period.
const TERM: &str = "60";
const GRACE: &str = "10";

#[tokio::test]
async fn a_user_who_watches_gets_all_deposits_of_a_channel_back_that_expires() {
	// It claims what it was promised at once.
	let terms = ["--claim-threshold", "0.01", "--grace", GRACE];
	let mut served = Served::within(&RECEIPTS, &[&AT_PRICE[..], &terms].concat()).await;
	let (worker, digit) = (served.user().await, served.digits(1).await.remove(0));
	let (user, chain) = (served.user.account(), served.chain.clone());
	let file = served.world.log("digit.png").to_string_lossy().into_owned();
	fs::write(&file, digit.png()).unwrap();
	let mut watching = worker.service(&["watch", "--no-check"], &served.world.log("watcher.log")).unwrap();
	until_happened(&mut watching, "watching", 1).await;
	let view = chain.finalised().await.unwrap();
	let (start, before) = (view.number(), view.account(&user).await.unwrap());

	let answer = worker.result(&["infer", &served.name, &file, "--requests", "10", "--term", TERM]).await;
	let channel = answer.unwrap()["channel"].as_u64().unwrap();
	served.provider.until("claimed", 1).await;
	// From now on nobody else does anything.
	served.provider.kill().await;
	let asked = chain.finalised().await.unwrap().account(&user).await.unwrap();
	assert!(asked.held >= before.held + 9 * PRICE, "{asked:?}");
	until_happened(&mut watching, "channel", 2).await;

	let steps: Vec<_> = events(&watching, "channel").into_iter().map(|event| event["step"].clone()).collect();
	assert_eq!(steps, ["finished", "removed"]);
	let view = chain.finalised().await.unwrap();
	assert_eq!(view.channel(channel).await.unwrap(), None);
	let after = view.account(&user).await.unwrap();
	let books = Books::open(&served.world.node.url()).await;
	let fees = books.turnover(start + 1..=view.number()).await.fees_of(&user);
	assert_eq!(
		(after.nonce, after.free, after.held),
		(before.nonce + 3, before.free - PRICE - fees, before.held),
		"it was opened, finished and removed"
	);
	let folder = worker.base().join("wallets").join(user.to_string());
	assert!(Wallet::open(&folder, chain.genesis()).unwrap().records().unwrap().is_empty());
}
