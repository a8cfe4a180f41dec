//! What a 402 asks for, in both of its headers.

use super::{HeaderError, MAX_CHALLENGE, SignedVoucher, Terms, account, base64};
use oda_client::AccountId;
use oda_primitives::{
	ModelId, VersionId, decimal, hexadecimal,
	inference::{ChannelId, Price},
};
use serde::{Deserialize, Serialize};

/// The version of x402 whose form this has.
const X402: u32 = 2;
/// What x402 calls this way to pay.
const SCHEME: &str = "oda-channel";
/// What x402 is told of the currency: the chain's own.
const ASSET: &str = "native";
/// What the scheme `Payment` calls this way to pay.
const METHOD: &str = "oda";
/// What the scheme `Payment` calls a channel.
const INTENT: &str = "session";

/// What has to be paid. In the header [`PAYMENT_REQUIRED`](super::PAYMENT_REQUIRED), base64 of its JSON.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
	/// The version of x402: 2.
	pub x402_version: u32,
	/// Why the request was refused.
	pub error: String,
	/// What was asked for.
	pub resource: Resource,
	/// The ways to pay. This way is there once.
	pub accepts: Vec<Accepted>,
}

/// What was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
	/// Its address.
	pub url: String,
	/// What it is.
	pub description: String,
	/// The media type of the answer.
	pub mime_type: String,
}

/// A way to pay: a voucher of a channel. In `WWW-Authenticate`, base64 of its JSON is the parameter
/// `request`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
	/// `oda-channel`.
	pub scheme: String,
	/// `polkadot:` and the first 32 digits of the hash of block 0, as CAIP-2 has it.
	pub network: String,
	/// The most that the request costs, in planck.
	#[serde(with = "decimal")]
	pub amount: u128,
	/// `native`.
	pub asset: String,
	/// The provider's account.
	#[serde(with = "account")]
	pub pay_to: AccountId,
	/// Seconds for which the price is good.
	pub max_timeout_seconds: u64,
	/// What one needs to know of the channel.
	pub extra: Extra,
}

/// What one needs to know to open a channel, or to go on with one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Extra {
	/// The hash of block 0.
	#[serde(with = "hexadecimal")]
	pub genesis: [u8; 32],
	/// The model that was asked.
	#[serde(with = "hexadecimal")]
	pub model: ModelId,
	/// The version that answers.
	pub version: VersionId,
	/// What the price follows from.
	pub price: Price,
	/// The key that signs receipts.
	#[serde(with = "account")]
	pub receipt_key: AccountId,
	/// The terms of a channel that is opened now.
	pub terms: Terms,
	/// If the request named a channel that the provider knows: what it was charged, and the evidence.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub channel: Option<Charged>,
}

/// What a channel was charged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Charged {
	/// The channel.
	pub id: ChannelId,
	/// The sum of the prices of all receipts, in planck.
	#[serde(with = "decimal")]
	pub spent: u128,
	/// The nonce of the last request; 0 before the first.
	pub nonce: u64,
	/// The last voucher that the user signed; `None` before the first.
	pub last: Option<SignedVoucher>,
}

impl Accepted {
	/// A way to pay `amount` planck to the provider, with a price that is good for so many seconds.
	pub fn new(amount: u128, pay_to: AccountId, max_timeout_seconds: u64, extra: Extra) -> Self {
		Self {
			scheme: SCHEME.to_owned(),
			network: network(&extra.genesis),
			amount,
			asset: ASSET.to_owned(),
			pay_to,
			max_timeout_seconds,
			extra,
		}
	}

	/// The value of `WWW-Authenticate`: a challenge of the scheme `Payment`, for the protection space `realm`
	/// (a host).
	pub fn to_www_authenticate(&self, realm: &str) -> String {
		let realm: String =
			realm.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
		let request = base64::for_urls(canonical(self).as_bytes());
		// The voucher says all that it pays for: the id only has to be another for another challenge.
		let id = blake3::hash(format!("{realm}|{METHOD}|{INTENT}|{request}").as_bytes()).to_hex();
		let id = id.get(..32).unwrap_or_default();
		format!(
			r#"Payment id="{id}", realm="{realm}", method="{METHOD}", intent="{INTENT}", request="{request}""#
		)
	}

	/// Reads a `WWW-Authenticate` header, which may have other challenges too.
	///
	/// # Errors
	///
	/// [`HeaderError`] says what is wrong.
	pub fn from_www_authenticate(value: &str) -> Result<Self, HeaderError> {
		if value.len() > MAX_CHALLENGE {
			return Err(HeaderError::TooLong);
		}
		let challenge = challenges(value).into_iter().find(|challenge| {
			challenge.scheme.eq_ignore_ascii_case("payment")
				&& challenge.get("method") == Some(METHOD)
				&& challenge.get("intent") == Some(INTENT)
		});
		let challenge = challenge.ok_or(HeaderError::NoChallenge)?;
		let request = challenge.get("request").ok_or(HeaderError::NoChallenge)?;
		let json = base64::decoded(request).ok_or(HeaderError::Base64)?;
		serde_json::from_slice(&json).map_err(|error| HeaderError::Json(error.to_string()))
	}
}

impl PaymentRequired {
	/// One way to pay for `resource`, which was refused because of `error`.
	pub fn new(error: impl Into<String>, resource: Resource, accepted: Accepted) -> Self {
		Self { x402_version: X402, error: error.into(), resource, accepts: vec![accepted] }
	}

	/// This way to pay; `None` if it is not among them.
	pub fn accepted(&self) -> Option<&Accepted> {
		self.accepts.first()
	}

	/// The value of the header [`PAYMENT_REQUIRED`](super::PAYMENT_REQUIRED).
	pub fn to_header(&self) -> String {
		base64::plain(canonical(self).as_bytes())
	}

	/// Reads the value of the header. Of the ways to pay, only those are kept that are of this kind.
	///
	/// # Errors
	///
	/// [`HeaderError`] says what is wrong.
	pub fn parse(value: &str) -> Result<Self, HeaderError> {
		#[derive(Deserialize)]
		#[serde(rename_all = "camelCase")]
		struct Any {
			x402_version: u32,
			#[serde(default)]
			error: String,
			resource: Resource,
			accepts: Vec<serde_json::Value>,
		}
		if value.len() > MAX_CHALLENGE {
			return Err(HeaderError::TooLong);
		}
		let json = base64::decoded(value).ok_or(HeaderError::Base64)?;
		let wrong = |error: serde_json::Error| HeaderError::Json(error.to_string());
		let any: Any = serde_json::from_slice(&json).map_err(wrong)?;
		let ours = any.accepts.into_iter().filter(|way| way.get("scheme").is_some_and(|name| name == SCHEME));
		let accepts = ours.map(serde_json::from_value).collect::<Result<_, _>>().map_err(wrong)?;
		Ok(Self { x402_version: any.x402_version, error: any.error, resource: any.resource, accepts })
	}
}

/// What CAIP-2 calls the chain whose block 0 has this hash.
pub fn network(genesis: &[u8; 32]) -> String {
	format!("polkadot:{}", hex::encode(genesis).get(..32).unwrap_or_default())
}

/// JSON whose keys are sorted.
fn canonical(value: &impl Serialize) -> String {
	// Strings and numbers alone: writing them cannot fail.
	serde_json::to_value(value).map(|value| value.to_string()).unwrap_or_default()
}

struct Challenge {
	scheme: String,
	parameters: Vec<(String, String)>,
}

impl Challenge {
	fn get(&self, name: &str) -> Option<&str> {
		let found = self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
		found.map(|(_, value)| value.as_str())
	}
}

/// The challenges of a `WWW-Authenticate` header (RFC 9110, section 11.6.1); what is none ends the list.
fn challenges(value: &str) -> Vec<Challenge> {
	let mut found: Vec<Challenge> = Vec::new();
	let mut rest = value;
	loop {
		rest = rest.trim_start_matches([' ', '\t', ',']);
		let word = token(&mut rest);
		if word.is_empty() {
			return found;
		}
		match rest.trim_start_matches([' ', '\t']).strip_prefix('=') {
			Some(after) => {
				rest = after.trim_start_matches([' ', '\t']);
				let Some((value, challenge)) = text(&mut rest).zip(found.last_mut()) else { return found };
				challenge.parameters.push((word.to_owned(), value));
			}
			None => found.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() }),
		}
	}
}

fn token<'a>(rest: &mut &'a str) -> &'a str {
	let end = rest.find([' ', '\t', ',', '=', '"']).unwrap_or(rest.len());
	let (word, after) = rest.split_at(end);
	*rest = after;
	word
}

/// A token, or a string in quotes without them.
fn text(rest: &mut &str) -> Option<String> {
	let Some(quoted) = rest.strip_prefix('"') else { return Some(token(rest).to_owned()) };
	let mut value = String::new();
	let mut characters = quoted.char_indices();
	while let Some((at, character)) = characters.next() {
		match character {
			'"' => {
				*rest = quoted.get(at.saturating_add(1)..)?;
				return Some(value);
			}
			'\\' => value.push(characters.next()?.1),
			_ => value.push(character),
		}
	}
	None
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::api::Signature;
	use oda_client::Key;
	use oda_primitives::inference::Voucher;
	use proptest::prelude::*;

	fn accepted() -> Accepted {
		let key = Key::from_uri("//Alice").unwrap();
		let voucher = Voucher { channel: 1, version: 0, amount: u128::MAX, nonce: u64::MAX };
		// A signature of sr25519 is never the same twice.
		let last = Some(SignedVoucher { voucher, signature: Signature::Sr25519([9; 64]) });
		let extra = Extra {
			genesis: [7; 32],
			model: [1; 32],
			version: 3,
			price: Price { per_request: u128::MAX, per_mmac: u128::MAX },
			receipt_key: key.account(),
			terms: Terms { grace: u64::MAX, answer: u64::MAX },
			channel: Some(Charged { id: u64::MAX, spent: u128::MAX, nonce: u64::MAX, last }),
		};
		Accepted::new(u128::MAX, key.account(), 60, extra)
	}

	fn required() -> PaymentRequired {
		let resource = Resource {
			url: format!("https://{}/v1/infer", "a".repeat(256)),
			description: "Inference".to_owned(),
			mime_type: "application/json".to_owned(),
		};
		PaymentRequired::new("the voucher is too low", resource, accepted())
	}

	#[test]
	fn both_headers_read_as_they_were_written_and_fit() {
		let (x402, mpp) = (required().to_header(), accepted().to_www_authenticate("example.com:8080"));
		assert!(x402.len() <= MAX_CHALLENGE && mpp.len() <= MAX_CHALLENGE, "{} {}", x402.len(), mpp.len());
		assert_eq!(PaymentRequired::parse(&x402).unwrap(), required());
		assert_eq!(Accepted::from_www_authenticate(&mpp).unwrap(), accepted());
	}

	#[test]
	fn the_header_has_the_names_that_x402_gives_them() {
		let json = base64::decoded(&required().to_header()).unwrap();
		let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
		assert_eq!(value["x402Version"], 2);
		assert_eq!(value["resource"]["mimeType"], "application/json");
		let way = &value["accepts"][0];
		assert_eq!((way["scheme"].as_str(), way["asset"].as_str()), (Some("oda-channel"), Some("native")));
		assert_eq!(way["network"], format!("polkadot:{}", "07".repeat(16)));
		assert_eq!(way["amount"], u128::MAX.to_string());
		assert_eq!(way["payTo"], accepted().pay_to.to_string());
		assert_eq!(way["maxTimeoutSeconds"], 60);
	}

	#[test]
	fn other_ways_to_pay_and_other_challenges_are_passed_over() {
		let mut value = serde_json::to_value(required()).unwrap();
		let other = serde_json::json!({ "scheme": "exact", "network": "eip155:1", "amount": 1 });
		value["accepts"].as_array_mut().unwrap().insert(0, other);
		let header = base64::plain(value.to_string().as_bytes());
		assert_eq!(PaymentRequired::parse(&header).unwrap(), required());

		let own = accepted().to_www_authenticate("here");
		let header = format!(
			r#"Basic realm="a, Payment method=\"oda\"", Payment method=other,id="2" , {own}, Bearer realm=x"#
		);
		assert_eq!(Accepted::from_www_authenticate(&header).unwrap(), accepted());
	}

	#[test]
	fn each_malformed_challenge_has_its_own_error() {
		let long = "a".repeat(MAX_CHALLENGE + 1);
		assert_eq!(PaymentRequired::parse(&long), Err(HeaderError::TooLong));
		assert_eq!(Accepted::from_www_authenticate(&long), Err(HeaderError::TooLong));
		assert_eq!(PaymentRequired::parse("{}"), Err(HeaderError::Base64));
		assert!(matches!(PaymentRequired::parse(&base64::plain(b"{}")), Err(HeaderError::Json(_))));
		for none in ["", "Basic realm=x", "Payment", r#"Payment method="oda"#, "=", "=x", r#"Payment ="x""#] {
			assert_eq!(Accepted::from_www_authenticate(none), Err(HeaderError::NoChallenge), "{none}");
		}
		let bad = |request: &str| {
			Accepted::from_www_authenticate(&format!(
				r#"Payment method="oda", intent="session", request="{request}""#
			))
		};
		assert_eq!(bad("!"), Err(HeaderError::Base64));
		assert!(matches!(bad("e30"), Err(HeaderError::Json(_))));
	}

	#[test]
	fn a_realm_cannot_end_its_quotes() {
		let header = accepted().to_www_authenticate("a\", request=\"x\r\n\\");
		assert_eq!(Accepted::from_www_authenticate(&header).unwrap(), accepted());
	}

	proptest! {
		#[test]
		fn any_header_is_read_without_a_panic(value in ".{0,200}") {
			let _ = Accepted::from_www_authenticate(&value);
			let _ = PaymentRequired::parse(&value);
			let _ = crate::api::PaymentPayload::parse(&value);
		}
	}
}
