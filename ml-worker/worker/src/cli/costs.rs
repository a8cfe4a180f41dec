//! What a command takes of an account: shown before anything is sent, and asked about.

use anyhow::{Context as _, ensure};
use oda_client::{Balance, Costs, View};
use oda_evaluator::ModelSpec;
use oda_roles::{amount::oda, context::Context};
use serde_json::json;
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};

/// One amount of several.
pub(super) struct Item {
	/// Its name for machines.
	name: &'static str,
	/// What it is, and when it comes back.
	what: &'static str,
	amount: Balance,
}

impl Item {
	pub(super) fn new(name: &'static str, amount: Balance, what: &'static str) -> Self {
		Self { name, what, amount }
	}
}

/// What the chain says that registering and submitting take.
pub(super) async fn ask_chain(view: &View, spec: &ModelSpec) -> anyhow::Result<Costs> {
	let costs = view.costs(spec).await?;
	costs.context("the chain would refuse this model: its weights or a record are more than it could judge")
}

/// What registering a model takes.
pub(super) fn registration(costs: &Costs) -> Vec<Item> {
	vec![
		Item::new(
			"announcement",
			costs.announcement,
			"deposit for the announcement, until the model is registered",
		),
		Item::new("model", costs.model, "deposit for the model, for as long as the chain keeps it"),
	]
}

/// What a submission takes.
pub(super) fn submission(costs: &Costs) -> Vec<Item> {
	vec![
		Item::new(
			"bond",
			costs.bond,
			"bond, until the submission has ended: burned if the commitment is not revealed in time, lost if a score \
			 is proved wrong",
		),
		Item::new(
			"fee",
			costs.fee,
			"fee of the verifiers, from the reveal on; what none of them earns comes back",
		),
		Item::new(
			"scores",
			costs.scores,
			"deposit for the list of scores, until another head's takes its place",
		),
		Item::new(
			"weights",
			costs.weights,
			"deposit for the record of the weights, for as long as they are a version of the model",
		),
	]
}

/// The sum of all.
pub(super) fn sum(items: &[Item]) -> Balance {
	items.iter().fold(0, |sum, item| sum.saturating_add(item.amount))
}

/// The amounts, one a line, with their sum.
fn listed(items: &[Item]) -> String {
	let all = items.iter().map(|item| (oda(item.amount), item.what));
	let lines: Vec<_> = all.chain([(oda(sum(items)), "in all, and the transactions' own fees")]).collect();
	let width = lines.iter().map(|(amount, _)| amount.len()).max().unwrap_or_default();
	let lines = lines.into_iter().map(|(amount, what)| format!("\n  {amount:>width$}  {what}"));
	format!("this takes of the account, on hold or paid:{}", lines.collect::<String>())
}

/// Shows the amounts, and asks whether to go on, unless that is said already.
pub(super) fn agree(context: &Context, items: &[Item], yes: bool) -> anyhow::Result<()> {
	let amounts: serde_json::Map<_, _> =
		items.iter().map(|item| (item.name.to_owned(), json!(item.amount))).collect();
	context.output().event("costs", listed(items), amounts.into());
	if yes { Ok(()) } else { confirm(stdin().is_terminal(), stdin().lock()) }
}

/// Asks whether to go on; a terminal is one where somebody can answer.
fn confirm(terminal: bool, mut answers: impl BufRead) -> anyhow::Result<()> {
	ensure!(terminal, "nothing was sent: nobody is there to be asked; --yes goes on without asking");
	let _ = write!(stderr(), "Go on? [y/N] ");
	let mut answer = String::new();
	answers.read_line(&mut answer)?;
	ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was sent");
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	const UNIT: Balance = 1_000_000_000_000;

	fn costs() -> Costs {
		Costs {
			announcement: UNIT / 5,
			model: 2 * UNIT,
			bond: 100 * UNIT,
			fee: UNIT + 7,
			scores: UNIT / 4,
			weights: UNIT / 8,
		}
	}

	#[test]
	fn every_amount_is_shown_before_anything_is_sent() {
		let mut items = registration(&costs());
		items.extend(submission(&costs()));
		let shown = listed(&items);
		let amounts = ["0.2", "2", "100", "1.000000000007", "0.25", "0.125", "103.575000000007"];
		assert_eq!(shown.lines().count(), 1 + amounts.len(), "{shown}");
		for (line, amount) in shown.lines().skip(1).zip(amounts) {
			assert!(line.trim_start().starts_with(&format!("{amount} ODA  ")), "{line:?}: {amount}");
		}
		assert_eq!(sum(&items), 103 * UNIT + UNIT / 2 + UNIT / 40 * 3 + 7);
	}

	#[test]
	fn only_a_yes_goes_on() {
		for yes in ["y\n", "Y\n", " yes \n"] {
			assert!(confirm(true, yes.as_bytes()).is_ok(), "{yes:?}");
		}
		for no in ["", "\n", "n\n", "no\n", "yesterday\n"] {
			let error = confirm(true, no.as_bytes()).unwrap_err().to_string();
			assert_eq!(error, "nothing was sent", "{no:?}");
		}
	}

	#[test]
	fn where_nobody_can_answer_it_says_how_to_go_on() {
		let error = confirm(false, &b"y\n"[..]).unwrap_err().to_string();
		assert!(error.contains("--yes"), "{error}");
	}
}
