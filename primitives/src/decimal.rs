//! Amounts in files and answers for people and programs: a string of decimal digits, because a JSON number beyond 2^53 does
//! not survive JavaScript.

use alloc::string::{String, ToString};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes an amount.
pub fn serialize<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
	serializer.collect_str(amount)
}

/// Reads an amount: digits alone, without sign, and without zeros in front.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
	let text = String::deserialize(deserializer)?;
	match text.parse::<u128>() {
		Ok(amount) if amount.to_string() == text => Ok(amount),
		_ => Err(D::Error::custom("an amount is a string of decimal digits, without sign and leading zeros")),
	}
}
