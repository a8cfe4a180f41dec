//! What commands say: sentences and bars for people, JSON for machines.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Where results go: to people, or to machines as JSON lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Output {
	json: bool,
}

impl Output {
	/// As JSON, or as sentences.
	pub fn new(json: bool) -> Self {
		Self { json }
	}

	/// Whether machines read it.
	pub fn is_json(&self) -> bool {
		self.json
	}

	/// A result: `text` for people, `value` as one line of JSON for machines.
	pub fn result(&self, text: impl AsRef<str>, value: &impl Serialize) {
		if self.json {
			match serde_json::to_string(value) {
				Ok(line) => self.line(&line),
				Err(error) => tracing::error!(%error, "a result that is no JSON"),
			}
		} else {
			self.line(text.as_ref());
		}
	}

	/// Something on the way to a result. For machines it is an object with an `event`.
	pub fn event(&self, name: &str, text: impl AsRef<str>, value: serde_json::Value) {
		self.result(text, &event(name, value));
	}

	/// Something for people only, to standard error.
	pub fn note(&self, text: impl AsRef<str>) {
		// As for results: who reads may have gone.
		let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
	}

	fn line(&self, text: &str) {
		// Whoever reads may have gone; that is no reason to stop a service.
		let _ = writeln!(std::io::stdout().lock(), "{text}");
	}

	/// A bar for work of `total` steps; nothing is drawn for machines or where nobody looks.
	pub fn bar(&self, total: u64, what: &str, unit: Unit) -> ProgressBar {
		let bar = ProgressBar::new(total);
		if self.json || !std::io::stderr().is_terminal() {
			bar.set_draw_target(ProgressDrawTarget::hidden());
		}
		let template = match unit {
			Unit::Bytes => "{msg:24} {bar:32} {bytes:>10}/{total_bytes:10} {bytes_per_sec} {eta}",
			Unit::Steps => "{msg:24} {bar:32} {pos:>8}/{len:8} {per_sec} {eta}",
		};
		if let Ok(style) = ProgressStyle::with_template(template) {
			bar.set_style(style);
		}
		bar.set_message(what.to_owned());
		bar
	}
}

/// An object with an `event`.
fn event(name: &str, value: serde_json::Value) -> serde_json::Value {
	let mut object = serde_json::json!({ "event": name });
	if let (Some(object), serde_json::Value::Object(fields)) = (object.as_object_mut(), value) {
		object.extend(fields);
	}
	object
}

/// What a bar counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
	/// Bytes.
	Bytes,
	/// Anything else.
	Steps,
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::{AccountId, Happened, Keeper};

	#[test]
	fn an_amount_has_all_its_digits_however_large_it_is() {
		let much = 10u128.pow(21) + 7;
		let keeper = Keeper {
			account: AccountId([1; 32]),
			capacity: 1,
			used: 0,
			bond: much,
			staked: u128::MAX,
			replicas: 0,
			free_at: None,
		};
		let line = event("keeping", serde_json::json!({ "keeper": keeper })).to_string();
		for part in ["\"bond\":1000000000000000000007", "\"staked\":340282366920938463463374607431768211455"]
		{
			assert!(line.contains(part), "{part}: {line}");
		}
		let happened = Happened::Refuted { burned: much };
		assert_eq!(crate::submission::word(&happened), "refuted");
		let line = event("x", serde_json::json!({ "detail": happened })).to_string();
		assert!(line.contains("\"burned\":1000000000000000000007"), "{line}");
	}
}
