//! The secret that an account signs with.

use crate::{AccountId, ChainError};
use std::{path::Path, str::FromStr};
use subxt::{SubstrateConfig, utils::MultiSignature};
use subxt_signer::{SecretUri, sr25519};

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
	/// (`//hard`, `/soft`), then `///password`. `//Alice` and its like are the well-known test accounts.
	pub fn from_uri(uri: &str) -> Result<Self, ChainError> {
		let uri = uri.trim();
		if uri.is_empty() {
			return Err(ChainError::Key("the secret is empty".to_owned()));
		}
		// Without a phrase it would be the development phrase, which everybody knows: that is for `//Alice` alone.
		if uri.starts_with('/') && (!uri.starts_with("//") || uri.starts_with("///")) {
			return Err(ChainError::Key("the secret begins with no phrase or seed".to_owned()));
		}
		// What is wrong is not shown: it is a secret.
		let uri = SecretUri::from_str(uri).map_err(|_| ChainError::Key("it is no secret URI".to_owned()))?;
		let pair = sr25519::Keypair::from_uri(&uri)
			.map_err(|_| ChainError::Key("neither a mnemonic phrase nor a seed of 32 bytes".to_owned()))?;
		Ok(Self(pair))
	}

	/// From a file whose first line is a secret URI.
	pub fn from_file(path: &Path) -> Result<Self, ChainError> {
		let of_file =
			|reason: &dyn std::fmt::Display| ChainError::Key(format!("{}: {reason}", path.display()));
		let text = std::fs::read_to_string(path).map_err(|error| of_file(&error))?;
		Self::from_uri(text.lines().next().unwrap_or_default()).map_err(|error| match error {
			ChainError::Key(reason) => of_file(&reason),
			other => other,
		})
	}

	/// The account that the key signs for.
	pub fn account(&self) -> AccountId {
		AccountId(self.0.public_key().0)
	}

	/// Signs some bytes.
	pub fn sign(&self, message: &[u8]) -> [u8; 64] {
		self.0.sign(message).0
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

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn alice_is_who_everybody_knows() {
		let key = Key::from_uri("//Alice").unwrap();
		assert_eq!(key.account().to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
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
	fn a_file_that_begins_with_an_empty_line_holds_no_key() {
		let file = tempfile::NamedTempFile::new().unwrap();
		std::fs::write(file.path(), "\n//Bob\n").unwrap();
		let error = Key::from_file(file.path()).unwrap_err().to_string();
		assert!(error.contains("the secret is empty"), "{error}");
		assert!(error.contains(&file.path().display().to_string()), "{error}");
	}

	#[test]
	fn a_file_holds_the_uri_in_its_first_line() {
		let file = tempfile::NamedTempFile::new().unwrap();
		std::fs::write(file.path(), "//Bob\n\n").unwrap();
		assert_eq!(Key::from_file(file.path()).unwrap().account(), Key::from_uri("//Bob").unwrap().account());
	}

	#[test]
	fn a_debug_print_shows_no_secret() {
		assert_eq!(
			format!("{:?}", Key::from_uri("//Alice").unwrap()),
			"Key(5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY)"
		);
	}
}
