//! How a channel ends that its user wants to end, whatever vouchers are shown.

use super::{AT_PRICE, PRICE, Served, books::Books, is_closed};
use crate::until_happened;
use oda_client::{ChainError, ChannelPhase, Signed};
use oda_inference::api::{Signature, SignedVoucher};
use oda_primitives::Voucher;

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
