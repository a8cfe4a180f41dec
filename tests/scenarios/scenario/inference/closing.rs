//! How a channel ends that its user wants to end, whatever vouchers are shown.

use super::{AT_PRICE, PRICE, Served, books::Books, is_closed};
use crate::{ends, until_happened};
use oda_client::{ChainError, ChannelPhase, Signed};
use oda_inference::api::{Signature, SignedVoucher};
use oda_primitives::Voucher;

/// Final blocks in which a second service would have done what the first did: it looks at each.
const BLOCKS: u64 = 10;

/// A voucher as the chain takes it.
fn redeemable(signed: &SignedVoucher) -> (Voucher, Signed) {
	let signature = match signed.signature {
		Signature::Ed25519(bytes) => Signed::Ed25519(bytes),
		Signature::Sr25519(bytes) => Signed::Sr25519(bytes),
	};
	(signed.voucher, signature)
}

/// What the runtime calls it that it refused something.
fn refusal<T>(ended: Result<T, ChainError>) -> String {
	let error = ended.err().expect("it is refused");
	assert!(matches!(error, ChainError::Module { .. }), "{error}");
	error.to_string()
}

#[tokio::test]
async fn an_old_voucher_is_overruled_by_the_last_one_while_the_channel_closes() {
	let mut served = Served::new(&AT_PRICE).await;
	let books = Books::open(&served.world.node.url()).await;
	let (user, provider) = (served.user.account(), served.providing);
	let before = [served.wealth(&user).await.1, served.wealth(&provider).await.1];
	let start = served.chain.finalised().await.unwrap().number();
	let (channel, _) = served.open().await;
	let digits = served.digits(3).await;
	let vouchers: Vec<_> =
		served.ask(channel, &digits).await.iter().map(|(paid, _)| redeemable(paid)).collect();

	// While the provider is away the user closes, and shows the first voucher for the last one.
	served.provider.kill().await;
	let (chain, key) = (served.chain.clone(), served.user.clone());
	let (at, _) = chain.begin_close_channel(&key, channel).await.unwrap();
	let (paid, _) = chain.claim_vouchers(&key, vec![vouchers[0]]).await.unwrap();
	assert_eq!((paid.len(), paid[0].0), (1, channel));
	let closing = served.channel(channel).await;
	assert_eq!((closing.claimed, closing.phase), (PRICE, ChannelPhase::Closing(at)));
	assert!(refusal(chain.claim_vouchers(&key, vec![vouchers[0]]).await).contains("AmountTooLow"));
	assert!(refusal(chain.finish_channel(&key, channel).await).contains("TooEarlyToClose"));

	// The provider comes back within the grace period, with the last one.
	served.provider.start();
	served.provider.until("closed", 1).await;
	let ended = served.channel(channel).await;
	assert!(is_closed(&ended), "{ended:?}");
	assert_eq!(ended.claimed, 3 * PRICE);
	assert!(refusal(chain.claim_vouchers(&key, vec![vouchers[1]]).await).contains("ChannelClosed"));

	let end = served.chain.finalised().await.unwrap().number();
	let (turnover, governed) = (books.turnover(start + 1..=end).await, books.governed(end).await);
	let [first, rest] = [PRICE, 2 * PRICE].map(|fee| (fee, governed.split(fee).provider));
	assert_eq!(turnover.earned(channel), [first, rest], "one voucher, and what the last one adds");
	let after = [served.wealth(&user).await.1, served.wealth(&provider).await.1];
	let earned = first.1 + rest.1;
	let expected =
		[before[0] - 3 * PRICE - turnover.fees_of(&user), before[1] + earned - turnover.fees_of(&provider)];
	assert_eq!(after, expected);

	// It stays away the next time, and a watcher with its key and its folder does it.
	let (channel, _) = served.open().await;
	served.ask(channel, &digits[..2]).await;
	served.provider.kill().await;
	let watcher =
		served.world.worker_apart("provider", "//Charlie").with(&["--listen", "/ip4/127.0.0.1/tcp/0"]);
	let mut watching = watcher.service(&["watch", "--no-check"], &served.world.log("watcher.log")).unwrap();
	chain.begin_close_channel(&key, channel).await.unwrap();
	until_happened(&mut watching, "closed", 1).await;
	let ended = served.channel(channel).await;
	assert!(is_closed(&ended), "{ended:?}");
	assert_eq!(ended.claimed, 2 * PRICE);
}

#[tokio::test]
async fn a_provider_and_its_watcher_that_both_run_redeem_what_is_due_once() {
	// What the first channel promises is enough to be claimed, what the second does is not.
	let enough = ["--claim-threshold", "0.03"];
	let mut served = Served::new(&[&AT_PRICE[..], &enough].concat()).await;
	let watcher =
		served.world.worker_apart("provider", "//Charlie").with(&["--listen", "/ip4/127.0.0.1/tcp/0"]);
	let mut watching = watcher.service(&["watch", "--no-check"], &served.world.log("watcher.log")).unwrap();
	until_happened(&mut watching, "watching", 1).await;
	served.models().await;
	let known = [served.provider.process().output().len(), watching.output().len()];
	let books = Books::open(&served.world.node.url()).await;
	let (provider, chain) = (served.providing, served.chain.clone());
	let before = served.wealth(&provider).await;
	let start = chain.finalised().await.unwrap().number();
	let digits = served.digits(3).await;

	let (claimed, _) = served.open().await;
	served.ask(claimed, &digits).await;
	served.provider.until("claimed", 1).await;
	let (closed, _) = served.open().await;
	served.ask(closed, &digits[..2]).await;
	chain.begin_close_channel(&served.user, closed).await.unwrap();
	served.provider.until("closed", 1).await;
	assert!(is_closed(&served.channel(closed).await));

	let over = chain.finalised().await.unwrap().number() + BLOCKS;
	let end = ends("some blocks", async { chain.finalised_after(over).await.unwrap().number() }).await;
	let (turnover, governed) = (books.turnover(start + 1..=end).await, books.governed(end).await);
	let [enough, rest] = [3 * PRICE, 2 * PRICE].map(|fee| (fee, governed.split(fee).provider));
	assert_eq!((turnover.earned(claimed), turnover.earned(closed)), (vec![enough], vec![rest]));
	let fees = turnover.fees_of(&provider);
	assert_eq!(served.wealth(&provider).await, (before.0 + 2, before.1 + enough.1 + rest.1 - fees));
	for (process, known) in [served.provider.process(), &mut watching].into_iter().zip(known) {
		process.check_alive().unwrap();
		let printed = process.output().split_off(known);
		assert!(!["WARN", "ERROR"].iter().any(|level| printed.contains(level)), "{printed}");
	}
}
