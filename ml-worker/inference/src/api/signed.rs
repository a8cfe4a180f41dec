//! What is signed, with its signature, and the headers that carry it.

use super::{MAX_PAYMENT, PAYMENT, PAYMENT_SIGNATURE, base64};
use hyper::{HeaderMap, header::AUTHORIZATION};
use oda_client::{AccountId, Key};
use oda_primitives::inference::{Closing, Voucher};
use rustls::pki_types::SignatureVerificationAlgorithm;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::sync::LazyLock;

/// A signature with what kind of key made it. In JSON, its encoding on the chain in hexadecimal: `0x00` and
/// an ed25519 signature, or `0x01` and one of sr25519.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signature {
	/// Made with ed25519.
	Ed25519([u8; 64]),
	/// Made with sr25519, in the context `substrate`.
	Sr25519([u8; 64]),
}

impl Signature {
	/// Signs a message.
	pub fn of(message: &[u8], key: &Key) -> Self {
		Self::Sr25519(key.sign(message))
	}

	/// Whether it is the signature of `message` by this key.
	pub fn verify(&self, message: &[u8], key: &AccountId) -> bool {
		match self {
			Self::Ed25519(signature) => ed25519(signature, message, &key.0),
			Self::Sr25519(signature) => {
				let Ok(signature) = schnorrkel::Signature::from_bytes(signature) else { return false };
				let Ok(key) = schnorrkel::PublicKey::from_bytes(&key.0) else { return false };
				key.verify_simple(b"substrate", message, &signature).is_ok()
			}
		}
	}

	/// Its encoding on the chain.
	pub fn to_bytes(self) -> [u8; 65] {
		let (kind, signature) = match self {
			Self::Ed25519(signature) => (0, signature),
			Self::Sr25519(signature) => (1, signature),
		};
		let mut bytes = [kind; 65];
		let [_, rest @ ..] = &mut bytes;
		*rest = signature;
		bytes
	}

	/// From its encoding on the chain; `None` for a kind that does not sign here.
	pub fn from_bytes([kind, signature @ ..]: [u8; 65]) -> Option<Self> {
		match kind {
			0 => Some(Self::Ed25519(signature)),
			1 => Some(Self::Sr25519(signature)),
			_ => None,
		}
	}
}

fn ed25519(signature: &[u8], message: &[u8], key: &[u8]) -> bool {
	// Making the provider takes memory for much else.
	static ALGORITHM: LazyLock<Option<&'static dyn SignatureVerificationAlgorithm>> = LazyLock::new(|| {
		let schemes = rustls::crypto::ring::default_provider().signature_verification_algorithms.mapping;
		let found = schemes.iter().find(|(scheme, _)| *scheme == rustls::SignatureScheme::ED25519);
		found.and_then(|(_, algorithms)| algorithms.first()).copied()
	});
	ALGORITHM.is_some_and(|algorithm| algorithm.verify_signature(key, message, signature).is_ok())
}

impl Serialize for Signature {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		oda_primitives::hexadecimal::serialize(&self.to_bytes(), serializer)
	}
}

impl<'de> Deserialize<'de> for Signature {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		let bytes = oda_primitives::hexadecimal::deserialize(deserializer)?;
		Self::from_bytes(bytes).ok_or_else(|| D::Error::custom("neither an ed25519 nor an sr25519 signature"))
	}
}

/// A voucher and the signature of the channel's voucher key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedVoucher {
	/// The promise.
	pub voucher: Voucher,
	/// Signature of [`Voucher::message`].
	pub signature: Signature,
}

impl SignedVoucher {
	/// Signs a voucher for the chain whose block 0 has the hash `genesis`.
	pub fn sign(voucher: Voucher, key: &Key, genesis: &[u8; 32]) -> Self {
		Self { voucher, signature: Signature::of(&voucher.message(genesis), key) }
	}

	/// Whether this key signed it, for this chain.
	pub fn is_by(&self, key: &AccountId, genesis: &[u8; 32]) -> bool {
		self.signature.verify(&self.voucher.message(genesis), key)
	}

	/// The value of the header [`PAYMENT`].
	pub fn to_header(&self) -> String {
		// Numbers and hexadecimal: writing them cannot fail.
		base64::plain(&serde_json::to_vec(self).unwrap_or_default())
	}
}

/// What a request pays with: what x402 calls a payment payload, or the voucher of one alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentPayload {
	/// The voucher.
	pub voucher: SignedVoucher,
	/// The chain that it is for, as [`Accepted::network`](super::Accepted::network) names it, if its envelope
	/// says so: a signature alone tells nobody whether it is another key's or for another chain.
	pub network: Option<String>,
}

impl PaymentPayload {
	/// Reads the value of a header that pays: base64 of JSON, of the voucher and its signature alone or as
	/// the `payload` of what an x402 client or one of the scheme `Payment` sends.
	///
	/// # Errors
	///
	/// [`HeaderError`] says what is wrong.
	pub fn parse(value: &str) -> Result<Self, HeaderError> {
		#[derive(Deserialize)]
		struct Envelope {
			payload: SignedVoucher,
			#[serde(default)]
			accepted: Way,
		}
		#[derive(Deserialize, Default)]
		struct Way {
			network: Option<String>,
		}
		if value.len() > MAX_PAYMENT {
			return Err(HeaderError::TooLong);
		}
		let json = base64::decoded(value).ok_or(HeaderError::Base64)?;
		// Alone first: most come so, and what is none is told from it by its first field.
		match serde_json::from_slice(&json) {
			Ok(voucher) => Ok(Self { voucher, network: None }),
			Err(error) => match serde_json::from_slice::<Envelope>(&json) {
				Ok(Envelope { payload, accepted }) => {
					Ok(Self { voucher: payload, network: accepted.network })
				}
				Err(_) => Err(HeaderError::Json(error.to_string())),
			},
		}
	}

	/// What a request brings: in [`PAYMENT`], in [`PAYMENT_SIGNATURE`] or in `Authorization:
	/// Payment …`; `None` if it brings none.
	///
	/// # Errors
	///
	/// [`HeaderError`] says what is wrong; also if there is more than one.
	pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, HeaderError> {
		let own = [PAYMENT, PAYMENT_SIGNATURE].into_iter().flat_map(|name| headers.get_all(name));
		let mut values = own.map(|value| value.to_str().map_err(|_| HeaderError::Base64)).collect::<Vec<_>>();
		for value in headers.get_all(AUTHORIZATION) {
			let Some((scheme, value)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
				continue;
			};
			if scheme.eq_ignore_ascii_case("payment") {
				values.push(Ok(value.trim()));
			}
		}
		match values.as_slice() {
			[] => Ok(None),
			[value] => Self::parse(value.clone()?).map(Some),
			_ => Err(HeaderError::Several),
		}
	}
}

/// What is wrong with a header that pays, or that asks for it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
	/// It is longer than any that is meant.
	#[error("the payment header is too long")]
	TooLong,
	/// It is not base64.
	#[error("the payment header is not base64")]
	Base64,
	/// It is not the JSON that it should be.
	#[error("the payment header does not hold what it should: {0}")]
	Json(String),
	/// A request pays twice.
	#[error("there is more than one payment header")]
	Several,
	/// A `WWW-Authenticate` header has no challenge of the scheme `Payment` with method `oda`.
	#[error("there is no challenge of the scheme Payment with method oda")]
	NoChallenge,
}

/// A closing and the signature of the channel's voucher key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedClosing {
	/// What is agreed.
	pub closing: Closing,
	/// Signature of [`Closing::message`].
	pub signature: Signature,
}

impl SignedClosing {
	/// Signs a closing for the chain whose block 0 has the hash `genesis`.
	pub fn sign(closing: Closing, key: &Key, genesis: &[u8; 32]) -> Self {
		Self { closing, signature: Signature::of(&closing.message(genesis), key) }
	}

	/// Whether this key signed it, for this chain.
	pub fn is_by(&self, key: &AccountId, genesis: &[u8; 32]) -> bool {
		self.signature.verify(&self.closing.message(genesis), key)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const GENESIS: [u8; 32] = [7; 32];

	fn signed() -> SignedVoucher {
		let voucher = Voucher { channel: 1, version: 2, amount: 3, nonce: 4 };
		SignedVoucher::sign(voucher, &Key::from_uri("//Alice").unwrap(), &GENESIS)
	}

	#[test]
	fn a_voucher_is_its_signers_on_its_chain_alone() {
		let (alice, bob) = (Key::from_uri("//Alice").unwrap(), Key::from_uri("//Bob").unwrap());
		let signed = signed();
		assert!(signed.is_by(&alice.account(), &GENESIS));
		assert!(!signed.is_by(&bob.account(), &GENESIS));
		assert!(!signed.is_by(&alice.account(), &[8; 32]));
		let other = Voucher { amount: 5, ..signed.voucher };
		assert!(!SignedVoucher { voucher: other, ..signed }.is_by(&alice.account(), &GENESIS));
	}

	/// RFC 8032, section 7.1, test 3.
	#[test]
	fn an_ed25519_signature_is_verified_too() {
		let key = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
		let signature = concat!(
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac",
			"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
		);
		let key = AccountId(hex::decode(key).unwrap().try_into().unwrap());
		let signature = Signature::Ed25519(hex::decode(signature).unwrap().try_into().unwrap());
		assert!(signature.verify(&[0xaf, 0x82], &key));
		assert!(!signature.verify(&[0xaf, 0x83], &key));
	}

	#[test]
	fn a_signature_is_written_as_the_chain_encodes_it() {
		let text = serde_json::to_string(&Signature::Sr25519([2; 64])).unwrap();
		assert_eq!(text, format!("\"0x01{}\"", "02".repeat(64)));
		assert_eq!(serde_json::from_str::<Signature>(&text).unwrap(), Signature::Sr25519([2; 64]));
		assert!(serde_json::from_str::<Signature>(&text.replace("0x01", "0x02")).is_err());
	}

	#[test]
	fn a_voucher_reads_from_each_header_that_pays() {
		let signed = signed();
		let x402 = serde_json::json!({
			"x402Version": 2, "accepted": { "scheme": "oda-channel", "network": "polkadot:07" }, "payload": signed
		});
		let mpp = serde_json::json!({ "challenge": { "id": "1" }, "payload": signed });
		for (name, value) in [
			(PAYMENT, signed.to_header()),
			(PAYMENT_SIGNATURE, base64::plain(x402.to_string().as_bytes())),
			("authorization", format!("Payment {}", base64::for_urls(mpp.to_string().as_bytes()))),
		] {
			let network = (name == PAYMENT_SIGNATURE).then(|| "polkadot:07".to_owned());
			let mut headers = HeaderMap::new();
			headers.insert(name, value.parse().unwrap());
			let paid = PaymentPayload { voucher: signed, network };
			assert_eq!(PaymentPayload::from_headers(&headers), Ok(Some(paid)), "{name}");
		}
	}

	#[test]
	fn what_pays_nothing_is_no_payment_and_what_pays_twice_is_an_error() {
		let mut headers = HeaderMap::new();
		headers.insert(AUTHORIZATION, "Bearer token".parse().unwrap());
		assert_eq!(PaymentPayload::from_headers(&headers), Ok(None));
		headers.append(PAYMENT, signed().to_header().parse().unwrap());
		headers.append(PAYMENT, signed().to_header().parse().unwrap());
		assert_eq!(PaymentPayload::from_headers(&headers), Err(HeaderError::Several));
	}

	#[test]
	fn each_malformed_payment_has_its_own_error() {
		assert_eq!(PaymentPayload::parse(&"A".repeat(MAX_PAYMENT + 1)), Err(HeaderError::TooLong));
		assert_eq!(PaymentPayload::parse("{}"), Err(HeaderError::Base64));
		for json in ["", "{}", "[]", r#"{"payload":{}}"#, r#"{"voucher":{"channel":1}}"#] {
			let parsed = PaymentPayload::parse(&base64::plain(json.as_bytes()));
			assert!(matches!(parsed, Err(HeaderError::Json(_))), "{json}");
		}
	}
}
