//! The secret that an account signs with.

use crate::{AccountId, Chain, ChainError, error::rpc};
use std::str::FromStr;
use subxt::{SubstrateConfig, rpcs::client::rpc_params, utils::MultiSignature};
use subxt_signer::{DeriveJunction, ExposeSecret, SecretString, SecretUri, bip39::Mnemonic, sr25519};

/// The accounts that development chains start with: of the development phrase, and `//Alice`, `//Alice//stash` and so on.
const WELL_KNOWN: [&str; 17] = [
	"5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV",
	"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
	"5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY",
	"5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
	"5HpG9w8EBLe5XCrbczpwq5TSXvedjrBGCwqxK1iQ7qUsSWFc",
	"5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
	"5Ck5SLSHYac6WFt5UZRSsdJjwmpSZq85fd5TRNAdZQVzEAPT",
	"5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy",
	"5HKPmK9GYtE1PSLsS1qiYU9xQ9Si1NcEhdeCq9sw5bqu4ns8",
	"5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw",
	"5FCfAonRZgTFrTd9HREEyeJjDpT397KMzizE6T3DvebLFE7n",
	"5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL",
	"5CRmqmsiNFExV6VbdmPJViVxrWmkaXXvBrSX8oqBT8R9vmWk",
	"5Fxune7f71ZbpP2FoY3mhYcmM596Erhv1gRue4nsPwkxMR4n",
	"5Evqgnb7B4xvLUpBjFHiB5Fj9j6ia7rguZpYRzFmTg5kVs8q",
	"5CUjxa4wVKMj3FqKdqAUf7zcEMr4MYAjXeWmUf44B41neLmJ",
	"5D23a1f6g4jC2dGjuhXR2J9cpBFK8nka9XWnL2dxLBc3Pnin",
];

/// An sr25519 key pair.
#[derive(Clone)]
pub struct Key(sr25519::Keypair);

impl std::fmt::Debug for Key {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "Key({})", self.account())
	}
}

impl Key {
	/// From a secret URI: a mnemonic phrase or `0x` and a seed in hexadecimal, then derivations
	/// (`//hard`, `/soft`), then `///password`. `//Alice` and its like are the well-known development accounts.
	pub fn from_uri(uri: &str) -> Result<Self, ChainError> {
		Ok(Secret::parse(uri)?.key())
	}

	pub(crate) fn from_pair(pair: sr25519::Keypair) -> Self {
		Self(pair)
	}

	/// The account that the key signs for.
	pub fn account(&self) -> AccountId {
		AccountId(self.0.public_key().0)
	}

	/// Signs some bytes.
	pub fn sign(&self, message: &[u8]) -> [u8; 64] {
		self.0.sign(message).0
	}

	/// Whether everybody knows the secret: the account is one of those that development chains start with.
	pub fn is_well_known(&self) -> bool {
		let account = self.account().to_string();
		WELL_KNOWN.contains(&account.as_str())
	}

	/// Refuses a key that everybody knows on a chain that is not for development: whoever put money there would lose it.
	///
	/// # Errors
	///
	/// [`ChainError::WellKnownKey`]; a node that cannot be asked.
	pub async fn check_for(&self, chain: &Chain) -> Result<(), ChainError> {
		if !self.is_well_known() {
			return Ok(());
		}
		let kind = chain.link.request("system_chainType", rpc_params![]).await.map_err(rpc)?;
		self.check_for_kind(&kind)
	}

	fn check_for_kind(&self, kind: &serde_json::Value) -> Result<(), ChainError> {
		match kind.as_str() {
			Some("Development" | "Local") => Ok(()),
			_ => Err(ChainError::WellKnownKey(self.account())),
		}
	}
}

impl subxt::tx::Signer<SubstrateConfig> for Key {
	fn account_id(&self) -> AccountId {
		self.account()
	}

	fn sign(&self, payload: &[u8]) -> MultiSignature {
		MultiSignature::Sr25519(self.0.sign(payload).0)
	}
}

/// What a key is made from. It is wiped from memory when it is dropped, and never printed.
pub struct Secret {
	uri: SecretString,
	secret: schnorrkel::SecretKey,
	key: Key,
}

impl std::fmt::Debug for Secret {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "Secret({})", self.key.account())
	}
}

impl Secret {
	/// A new phrase of twelve words: 128 random bits.
	///
	/// # Errors
	///
	/// The system gives no random bytes.
	pub fn generate() -> Result<Self, ChainError> {
		let phrase = Mnemonic::from_entropy(&random::<16>()?).map_err(|error| failed(&error))?;
		Self::parse(&phrase.to_string())
	}

	/// From a secret URI, as [`Key::from_uri`] reads it.
	///
	/// # Errors
	///
	/// [`ChainError::Key`] says what is wrong without repeating any of it.
	pub fn parse(uri: &str) -> Result<Self, ChainError> {
		let uri = uri.trim();
		if uri.is_empty() {
			return Err(ChainError::Key("the secret is empty".to_owned()));
		}
		// Without a phrase it would be the development phrase, which everybody knows: that is for `//Alice` alone.
		if uri.starts_with('/') && (!uri.starts_with("//") || uri.starts_with("///")) {
			return Err(ChainError::Key("the secret begins with no phrase or seed".to_owned()));
		}
		// What is wrong is not shown: it is a secret.
		let parsed =
			SecretUri::from_str(uri).map_err(|_| ChainError::Key("it is no secret URI".to_owned()))?;
		let neither = || ChainError::Key("neither a mnemonic phrase nor a seed of 32 bytes".to_owned());
		let pair = sr25519::Keypair::from_uri(&parsed).map_err(|_| neither())?;
		let secret = expand(&parsed).ok_or_else(neither)?;
		if secret.to_public().to_bytes() != pair.public_key().0 {
			return Err(ChainError::Key("two ways to derive it disagree".to_owned()));
		}
		Ok(Self { uri: SecretString::from(uri), secret, key: Key(pair) })
	}

	/// The key.
	pub fn key(&self) -> Key {
		self.key.clone()
	}

	/// The secret URI: whoever sees it owns the account.
	pub fn expose(&self) -> &str {
		self.uri.expose_secret()
	}

	pub(crate) fn to_ed25519_bytes(&self) -> [u8; 64] {
		self.secret.to_ed25519_bytes()
	}
}

/// The secret key behind a URI, which [`sr25519::Keypair`] does not hand out.
fn expand(uri: &SecretUri) -> Option<schnorrkel::SecretKey> {
	use schnorrkel::{
		ExpansionMode, MiniSecretKey,
		derive::{ChainCode, Derivation},
	};
	let phrase = uri.phrase.expose_secret();
	let seed = match phrase.strip_prefix("0x") {
		Some(seed) => MiniSecretKey::from_bytes(&hex::decode(seed).ok()?).ok()?,
		None => {
			let entropy = Mnemonic::from_str(phrase).ok()?.to_entropy();
			let password = uri.password.as_ref().map_or("", |password| password.expose_secret());
			substrate_bip39::mini_secret_from_entropy(&entropy, password).ok()?
		}
	};
	let root = seed.expand(ExpansionMode::Ed25519);
	Some(uri.junctions.iter().fold(root, |key, junction| match *junction {
		DeriveJunction::Soft(code) => key.derived_key_simple(ChainCode(code), []).0,
		DeriveJunction::Hard(code) => {
			key.hard_derive_mini_secret_key(Some(ChainCode(code)), b"").0.expand(ExpansionMode::Ed25519)
		}
	}))
}

/// Random bytes that nobody else knows.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ChainError> {
	let mut bytes = [0; N];
	getrandom::fill(&mut bytes).map_err(|error| failed(&error))?;
	Ok(bytes)
}

pub(crate) fn failed(reason: &dyn std::fmt::Display) -> ChainError {
	ChainError::Key(reason.to_string())
}

#[cfg(test)]
mod tests {
	use super::*;
	use subxt_signer::DEV_PHRASE;

	#[test]
	fn alice_is_who_everybody_knows() {
		let key = Key::from_uri("//Alice").unwrap();
		assert_eq!(key.account().to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
		assert!(key.is_well_known());
		let names = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "One", "Two"];
		let derived =
			names.iter().flat_map(|name| [format!("//{name}"), format!("{DEV_PHRASE}//{name}//stash")]);
		let all: Vec<String> = std::iter::once(DEV_PHRASE.to_owned())
			.chain(derived)
			.map(|uri| Key::from_uri(&uri).unwrap().account().to_string())
			.collect();
		assert_eq!(all, WELL_KNOWN);
	}

	#[test]
	fn a_new_secret_is_nobody_elses() {
		let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
		assert_ne!(one.key().account(), other.key().account());
		assert!(!one.key().is_well_known());
		assert_eq!(one.expose().split(' ').count(), 12);
		assert_eq!(Key::from_uri(one.expose()).unwrap().account(), one.key().account());
	}

	#[test]
	fn both_ways_to_derive_a_key_agree() {
		let seed = format!("0x{}", "17".repeat(32));
		for uri in [
			DEV_PHRASE.to_owned(),
			format!("{DEV_PHRASE}///password"),
			format!("{DEV_PHRASE}//hard/soft//7/8///password"),
			seed.clone(),
			format!("{seed}//hard/soft"),
			"//Alice/soft".to_owned(),
		] {
			let parsed = SecretUri::from_str(&uri).unwrap();
			let pair = sr25519::Keypair::from_uri(&parsed).unwrap();
			assert_eq!(expand(&parsed).unwrap().to_public().to_bytes(), pair.public_key().0, "{uri}");
		}
	}

	#[test]
	fn a_key_that_everybody_knows_is_refused_where_it_would_hold_money() {
		let alice = Key::from_uri("//Alice").unwrap();
		for fine in ["Development", "Local"] {
			assert!(alice.check_for_kind(&fine.into()).is_ok(), "{fine}");
		}
		for not in [serde_json::json!("Live"), serde_json::json!({ "Custom": "Development" }), ().into()] {
			let error = alice.check_for_kind(&not).unwrap_err();
			assert!(
				matches!(&error, ChainError::WellKnownKey(account) if *account == alice.account()),
				"{not}"
			);
		}
	}

	#[test]
	fn a_bad_secret_is_not_repeated_in_the_error() {
		let error = Key::from_uri("my secret phrase").unwrap_err().to_string();
		assert!(!error.contains("secret phrase"), "{error}");
	}

	#[test]
	fn an_empty_secret_is_an_error_and_not_an_account_that_everybody_knows() {
		for empty in ["", " ", "\n", "\t "] {
			let error = Key::from_uri(empty).unwrap_err().to_string();
			assert!(error.contains("the secret is empty"), "{empty:?}: {error}");
		}
		// A password or a derivation of nothing is one of the known phrase.
		for nothing in ["///password", "/soft", "/soft//hard"] {
			let error = Key::from_uri(nothing).unwrap_err().to_string();
			assert!(error.contains("no phrase or seed"), "{nothing}: {error}");
		}
	}

	#[test]
	fn a_debug_print_shows_no_secret() {
		let shown = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
		assert_eq!(format!("{:?}", Key::from_uri("//Alice").unwrap()), format!("Key({shown})"));
		assert_eq!(format!("{:?}", Secret::parse("//Alice").unwrap()), format!("Secret({shown})"));
	}
}
