//! What a user at a terminal does: asks, looks at channels, fills them, ends them.

use super::{AT_PRICE, ODA, PRICE, Served, is_closed, number};
use oda_e2e::{Worker, digits::file};
use oda_primitives::ChannelId;
use serde_json::Value;
use std::fs;

/// What `channel list` says of the only channel.
async fn listed(user: &Worker) -> Value {
	let mut lines = user.run(&["channel", "list"]).await.unwrap();
	assert_eq!(lines.len(), 1, "{lines:?}");
	lines.remove(0)
}

/// Everything put into it, and what was spent and promised of it.
fn amounts(listed: &Value) -> [u128; 3] {
	[&listed["channel"]["deposit"], &listed["spent"], &listed["promised"]].map(number)
}

#[tokio::test]
async fn a_user_asks_by_one_command_which_opens_a_channel_that_others_fill_list_and_end() {
	let served = Served::new(&AT_PRICE).await;
	let (user, digits) = (served.user().await, served.digits(3).await);
	let files: Vec<String> = digits
		.iter()
		.zip(["one", "two", "three"])
		.map(|(digit, name)| {
			let path = served.world.log(&format!("{name}.png"));
			fs::write(&path, digit.png()).unwrap();
			path.to_string_lossy().into_owned()
		})
		.collect();
	assert!(user.run(&["channel", "list"]).await.unwrap().is_empty());
	let offered = async || {
		let mut offers = user.run(&["offers", &served.name, "--by", "trust"]).await.unwrap();
		assert_eq!(offers.len(), 1, "{offers:?}");
		offers.remove(0)
	};
	let unknown = offered().await;
	assert_eq!(unknown["provider"], served.providing.to_string());
	assert_eq!((number(&unknown["price"]), &unknown["trust"]), (PRICE, &Value::Null));
	let sent = served.wealth(&served.user.account()).await.0;
	let transactions = async || served.wealth(&served.user.account()).await.0 - sent;
	let infer =
		async |args: &[&str]| user.result(&[&["infer", &served.name][..], args].concat()).await.unwrap();

	// Two digits in one request.
	let first = infer(&[&files[0], &files[1], "--requests", "10"]).await;
	for (answer, digit) in first["answers"].as_array().unwrap().iter().zip(&digits[..2]) {
		assert_eq!(answer["class"]["label"], digit.label().to_string());
	}
	assert_eq!(
		(number(&first["price"]), &first["request"], &first["again"]),
		(PRICE, &1.into(), &false.into())
	);
	assert_eq!((&first["right"], &first["provider"]), (&Value::Null, &served.providing.to_string().into()));
	let channel: ChannelId = first["channel"].as_u64().unwrap();
	assert_eq!((amounts(&listed(&user).await), transactions().await), ([10 * PRICE, PRICE, PRICE], 1));

	// The next one has a channel; this one runs the model, too.
	let second = infer(&[&files[2], "--verify"]).await;
	assert_eq!(second["answers"][0]["class"]["label"], digits[2].label().to_string());
	assert_eq!((&second["channel"], &second["request"]), (&channel.into(), &2.into()));
	assert_eq!((&second["right"], transactions().await), (&true.into(), 1));

	// What is too dear, or cannot be asked, costs nothing.
	let dear = user.refusal(&["infer", &served.name, &files[0], "--limit", "0.009"]).await.unwrap();
	assert!(dear.contains("more than the limit"), "{dear}");
	let card = file("card.json");
	let unfit = user.refusal(&["infer", &served.name, &card]).await.unwrap();
	assert!(unfit.contains("card.json"), "{unfit}");

	let (name, more) = (channel.to_string(), ODA / 2);
	user.result(&["channel", "top-up", &name, "0.5"]).await.unwrap();
	let filled = listed(&user).await;
	assert_eq!(amounts(&filled), [10 * PRICE + more, 2 * PRICE, 2 * PRICE]);
	assert_eq!((&filled["waits"], &filled["stopped"]), (&false.into(), &Value::Null));
	assert_eq!((&filled["channel"]["id"], &filled["channel"]["phase"]), (&channel.into(), &"open".into()));

	let closed = user.run(&["channel", "close", &name]).await.unwrap();
	assert_eq!((&closed[0]["channel"], &closed[0]["how"]), (&channel.into(), &"closed".into()));
	let ended = served.channel(channel).await;
	assert!(is_closed(&ended), "{ended:?}");
	assert_eq!((ended.claimed, transactions().await), (2 * PRICE, 3));
	assert!(listed(&user).await["channel"]["phase"]["closed"].is_u64());
	let again = user.run(&["channel", "close", &name]).await.unwrap();
	assert_eq!(again[0]["how"], "before");

	// Who asks again has another one.
	let third = infer(&[&files[0]]).await;
	assert_ne!(third["channel"], first["channel"]);
	assert_eq!(third["request"], 1);
	let both = user.run(&["channel", "close", "--all"]).await.unwrap();
	assert_eq!((&both[0]["channel"], &both[0]["how"]), (&third["channel"], &"closed".into()));
	// What was paid speaks for the provider: half of it, since the other half speaks for others.
	let trust = offered().await["trust"].take();
	assert!((1..=3 * PRICE / 2).contains(&number(&trust["own"])), "{trust}");
	assert_eq!(number(&trust["through_others"]), 0);
	// And one more for the first channel, if it is so old already that the chain may forget it.
	assert!((5..=6).contains(&transactions().await));
}
