//! A thousand answers, two transactions.

use super::{Digit, Served, books::Books, is_closed, number};
use oda_client::{AccountId, Chain, Key, storage_account};
use std::{fs, path::Path};

/// Digits that are asked for with one command.
const AT_ONCE: usize = 100;

/// How the account of the treasury begins; the rest of it is zeros.
const TREASURY: &[u8] = b"modloda/trsy";

/// What is whose after a final block, and how much of all money there is.
async fn balances(chain: &Chain, books: &Books, block: u64, accounts: &[AccountId]) -> Vec<u128> {
	let view = chain.at(block).await.unwrap().expect("the block is final");
	let mut all = Vec::new();
	for account in accounts {
		let account = view.account(account).await.unwrap();
		all.push(account.free + account.held);
	}
	all.push(books.issued(block).await);
	all
}

/// Writes each digit into a file of its own, as a picture or as it is: the files.
fn write(folder: &Path, first: usize, digits: &[Digit], pictures: bool) -> Vec<String> {
	let written = (first..).zip(digits).map(|(at, digit)| {
		let (ending, bytes) = if pictures { ("png", digit.png()) } else { ("bin", digit.pixels.clone()) };
		let path = folder.join(format!("digit-{at}.{ending}"));
		fs::write(&path, bytes).unwrap();
		path.to_string_lossy().into_owned()
	});
	written.collect()
}

#[tokio::test]
async fn two_transactions_pay_for_a_thousand_answers_and_everybody_gets_its_part_to_the_planck() {
	// Odd, so that every part is rounded.
	let price = ["--per-request", "0.001000000007", "--per-mmac", "0.013"];
	// More than all of it costs, so that nothing is claimed before the end.
	let patience = ["--claim-threshold", "100"];
	let mut served = Served::new(&[&price[..], &patience].concat()).await;
	let (user, digits) = (served.user().await, served.digits(1_000).await);
	let offered = served.models().await.models[0].clone();
	let total = offered.price.of(offered.macs, 1) * 1_000;
	let books = Books::open(&served.world.node.url()).await;
	let account = served.user.account();
	let [author, trainer] = ["//Alice", "//Dave"].map(|suri| Key::from_uri(suri).unwrap().account());
	let mut treasury = AccountId([0; 32]);
	treasury.0[..TREASURY.len()].copy_from_slice(TREASURY);
	let storage = storage_account(&served.model);
	let accounts = [account, served.providing, trainer, author, treasury, storage];
	let start = served.chain.finalised().await.unwrap().number();
	let before = balances(&served.chain, &books, start, &accounts).await;
	let sent = served.wealth(&account).await.0;

	let folder = served.world.log("digits");
	fs::create_dir(&folder).unwrap();
	let (mut channels, mut right) = (Vec::new(), 0);
	for (batch, part) in digits.chunks(AT_ONCE).enumerate() {
		// Some as pictures, which the card makes into the same inputs.
		let how = if batch == 0 { "card" } else { "tensor" };
		let files = write(&folder, batch * AT_ONCE, part, batch == 0);
		let mut args = vec!["infer", &served.name, "--as", how, "--batch", "1", "--limit", "1"];
		args.extend(["--requests", "2000", "--deposit", "10"]);
		args.extend(files.iter().map(String::as_str));
		let answers = user.run(&args).await.unwrap();
		assert_eq!(answers.len(), part.len());
		for ((answer, digit), file) in answers.iter().zip(part).zip(&files) {
			let read = &answer["answers"][0];
			assert_eq!(read["file"].as_str(), Some(file.as_str()));
			let scores = read["class"]["scores"].as_array().unwrap().iter();
			let scores: Vec<i64> = scores.map(|scored| scored["score"].as_i64().unwrap()).collect();
			assert_eq!(scores, digit.scores.iter().map(|score| i64::from(*score)).collect::<Vec<_>>());
			assert_eq!(read["class"]["label"], digit.label().to_string());
			channels.push(answer["channel"].as_u64().unwrap());
		}
		// Of those that it is scored on.
		let scored = part.iter().zip(batch * AT_ONCE..540);
		right += scored.filter(|(digit, _)| digit.label() == usize::from(digit.class)).count();
	}
	channels.dedup();
	assert_eq!(channels.len(), 1, "one channel pays for all");
	assert_eq!(right, 532, "as data/digits/README.md has it");
	let channel = channels[0];
	let listed = user.result(&["channel", "list"]).await.unwrap();
	assert_eq!((number(&listed["spent"]), number(&listed["promised"])), (total, total));
	let closed = user.run(&["channel", "close", &channel.to_string()]).await.unwrap();
	assert_eq!(closed[0]["how"], "closed", "{closed:?}");
	let ended = served.channel(channel).await;
	assert!(is_closed(&ended) && ended.claimed == total, "{ended:?}");
	assert_eq!(served.wealth(&account).await.0 - sent, 2);

	let end = served.chain.finalised().await.unwrap().number();
	let after = balances(&served.chain, &books, end, &accounts).await;
	let turnover = books.turnover(start + 1..=end).await;
	let parts = books.governed(end).await.split(total);
	assert_eq!(turnover.claimed(channel), [parts]);
	// Nobody else has sent anything; of each fee, half is burned, and the author has the rest.
	assert_eq!(turnover.fees.len(), 2);
	let fees = turnover.fees_of(&account);
	let authors: u128 = turnover.fees.iter().map(|(_, fee)| fee / 2).sum();
	let (minted, for_treasury) = turnover.minted;
	let gains = [
		(0, total + fees),
		(parts.provider, 0),
		(parts.trainer + turnover.trainers, 0),
		(parts.author + authors, 0),
		(parts.treasury + for_treasury, 0),
		(parts.storage, 0),
		(minted, parts.burned + fees - authors),
	];
	let expected: Vec<u128> =
		before.iter().zip(gains).map(|(before, (gained, lost))| before + gained - lost).collect();
	assert_eq!(after, expected);
}
