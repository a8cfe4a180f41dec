//! Serde for accounts in SS58. Base58 takes the square of the text's length to read, so the length is checked
//! first.

use oda_client::AccountId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Characters of the longest address.
const LONGEST: usize = 64;

pub(crate) fn serialize<S: Serializer>(account: &AccountId, serializer: S) -> Result<S::Ok, S::Error> {
	account.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccountId, D::Error> {
	let text = String::deserialize(deserializer)?;
	if text.len() > LONGEST {
		return Err(D::Error::custom("an account's address has at most 64 characters"));
	}
	text.parse().map_err(|error| D::Error::custom(format!("no account's address: {error}")))
}
