//! Files that hold a secret: encrypted as polkadot.js does it, or a secret URI.
//!
//! An encrypted file is the JSON that polkadot.js and its wallets export and import: the password and a salt through
//! scrypt give a key, under which the secret is sealed with XSalsa20 and Poly1305. It names its account in the open.

use crate::{
	AccountId, ChainError, Key, Secret,
	key::{failed, random},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crypto_secretbox::{
	Nonce, XSalsa20Poly1305,
	aead::{Aead, KeyInit},
};
use serde::{Deserialize, Serialize};
use std::{
	fs::File,
	io::Read,
	os::unix::fs::MetadataExt,
	path::{Path, PathBuf},
	str::FromStr,
};
use subxt_signer::{ExposeSecret, SecretString, polkadot_js_compat as polkadot_js};

/// Bytes of a key file, at most.
const MAX_BYTES: u64 = 1 << 16;
/// What is said of a file that is in the way.
const THERE: &str = "there is a file already; a key is not overwritten";
/// What others than the owner may do to a file.
const OTHERS: u32 = 0o077;

/// scrypt's parameters, the strongest that polkadot.js takes: 128 MiB of memory for each guess at the password.
const LOG_N: u8 = 17;
const P: u32 = 1;
const R: u32 = 8;
const SALT: usize = 32;
const NONCE: usize = 24;

/// PKCS #8 as polkadot.js writes it: before the secret, and between it and the public key.
const HEADER: [u8; 16] = [48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
const DIVIDER: [u8; 5] = [161, 35, 3, 33, 0];
/// Bytes of an encrypted secret: salt, parameters and nonce; header, secret, divider and public key; the seal.
const SEALED: usize = SALT + 12 + NONCE + HEADER.len() + 64 + DIVIDER.len() + 32 + 16;

/// Reads a file, of a bounded length, that its owner alone may read or write; or a pipe.
///
/// # Errors
///
/// [`ChainError::Key`] with the path: it cannot be read, it is too long, or others may read or write it.
pub fn read_private(path: &Path) -> Result<SecretString, ChainError> {
	let at = |reason: &dyn std::fmt::Display| failed(&format!("{}: {reason}", path.display()));
	let file = File::open(path).map_err(|error| at(&error))?;
	let found = file.metadata().map_err(|error| at(&error))?;
	// Not of a pipe, which is gone when it was read.
	if found.is_file() && found.mode() & OTHERS != 0 {
		return Err(at(&format!(
			"others may read or write it (its mode is {:04o}): chmod 600 {}",
			found.mode() & 0o7777,
			path.display()
		)));
	}
	let mut text = String::new();
	file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| at(&error))?;
	if text.len() as u64 > MAX_BYTES {
		return Err(at(&"it is too long to be a key file"));
	}
	Ok(SecretString::from(text))
}

/// A key file, as it was read. What it holds may need a password still.
pub struct KeyFile {
	path: PathBuf,
	content: Content,
}

enum Content {
	Plain(Key),
	Encrypted { account: AccountId, json: String },
}

/// The fields of polkadot.js' file that are looked at.
#[derive(Serialize, Deserialize)]
struct Json {
	encoded: String,
	encoding: Encoding,
	address: String,
	#[serde(default)]
	meta: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Encoding {
	content: Vec<String>,
	r#type: Vec<String>,
	version: String,
}

impl KeyFile {
	/// Reads a file: an encrypted key, or a secret URI in the first line.
	///
	/// # Errors
	///
	/// With the path: it cannot be read; others than its owner may read or write it; it holds no key.
	pub fn read(path: &Path) -> Result<Self, ChainError> {
		let text = read_private(path)?.expose_secret().to_owned();
		let content = Content::parse(text).map_err(|error| match error {
			ChainError::Key(reason) => failed(&format!("{}: {reason}", path.display())),
			other => other,
		})?;
		Ok(Self { path: path.to_owned(), content })
	}

	/// Whose key it holds. Of an encrypted file this is what it says, which [`open`](Self::open) makes sure of.
	pub fn account(&self) -> AccountId {
		match &self.content {
			Content::Plain(key) => key.account(),
			Content::Encrypted { account, .. } => *account,
		}
	}

	/// Whether it takes a password to use it.
	pub fn is_encrypted(&self) -> bool {
		matches!(self.content, Content::Encrypted { .. })
	}

	/// The key; `password` is asked if it is encrypted.
	///
	/// # Errors
	///
	/// What `password` failed with; a wrong password; a damaged file.
	pub fn open<E: From<ChainError>>(
		self,
		password: impl FnOnce() -> Result<SecretString, E>,
	) -> Result<Key, E> {
		match self.content {
			Content::Plain(key) => Ok(key),
			Content::Encrypted { json, .. } => {
				let password = password()?;
				let pair = polkadot_js::decrypt_json(&json, password.expose_secret()).map_err(|error| {
					let reason = match error {
						polkadot_js::Error::Secretbox(_) => {
							"the password is wrong, or the file is damaged".to_owned()
						}
						other => other.to_string(),
					};
					failed(&format!("{}: {reason}", self.path.display()))
				})?;
				Ok(Key::from_pair(pair))
			}
		}
	}

	/// Makes sure that no file is there that a new one would overwrite.
	///
	/// # Errors
	///
	/// With the path: there is one.
	pub fn check_free(path: &Path) -> Result<(), ChainError> {
		match path.symlink_metadata() {
			Ok(_) => Err(failed(&format!("{}: {THERE}", path.display()))),
			Err(_) => Ok(()),
		}
	}

	/// Writes a secret, encrypted under a password, to a file that is not there yet and that its owner alone may read.
	///
	/// # Errors
	///
	/// An empty password; with the path: a file is there, or it cannot be written. Then nothing is left behind.
	pub fn write_encrypted(path: &Path, secret: &Secret, password: &SecretString) -> Result<(), ChainError> {
		write(path, &encrypt(secret, password)?)
	}

	/// Writes a secret as it is. Whoever reads the file owns the account.
	///
	/// # Errors
	///
	/// As of [`write_encrypted`](Self::write_encrypted).
	pub fn write_plain(path: &Path, secret: &Secret) -> Result<(), ChainError> {
		write(path, secret.expose())
	}
}

impl Content {
	fn parse(text: String) -> Result<Self, ChainError> {
		if !text.trim_start().starts_with('{') {
			return Ok(Self::Plain(Key::from_uri(text.lines().next().unwrap_or_default())?));
		}
		let other = || failed(&"it is no encrypted sr25519 key as polkadot.js exports one account's");
		let json: Json = serde_json::from_str(&text).map_err(|_| other())?;
		let has = |list: &[String], name: &str| list.iter().any(|found| found == name);
		let Encoding { content, r#type, version } = &json.encoding;
		let known = version == "3"
			&& has(content, "pkcs8")
			&& has(content, "sr25519")
			&& has(r#type, "scrypt")
			&& has(r#type, "xsalsa20-poly1305");
		// Its length before anything is cut from it.
		let whole = STANDARD.decode(&json.encoded).is_ok_and(|bytes| bytes.len() == SEALED);
		let account = AccountId::from_str(&json.address).ok();
		match account {
			Some(account) if known && whole => Ok(Self::Encrypted { account, json: text }),
			_ => Err(other()),
		}
	}
}

fn encrypt(secret: &Secret, password: &SecretString) -> Result<String, ChainError> {
	if password.expose_secret().is_empty() {
		return Err(failed(&"the password is empty"));
	}
	let (salt, nonce) = (random::<SALT>()?, random::<NONCE>()?);
	let params = scrypt::Params::new(LOG_N, R, P, 32).map_err(|error| failed(&error))?;
	let mut sealing = crypto_secretbox::Key::default();
	scrypt::scrypt(password.expose_secret().as_bytes(), &salt, &params, &mut sealing)
		.map_err(|error| failed(&error))?;
	let account = secret.key().account();
	let plain = [&HEADER[..], &secret.to_ed25519_bytes(), &DIVIDER, &account.0].concat();
	let sealed = XSalsa20Poly1305::new(&sealing)
		.encrypt(Nonce::from_slice(&nonce), &plain[..])
		.map_err(|error| failed(&error))?;
	let numbers = [1u32 << LOG_N, P, R].map(u32::to_le_bytes).concat();
	let json = Json {
		encoded: STANDARD.encode([&salt[..], &numbers, &nonce, &sealed].concat()),
		encoding: Encoding {
			content: vec!["pkcs8".into(), "sr25519".into()],
			r#type: vec!["scrypt".into(), "xsalsa20-poly1305".into()],
			version: "3".into(),
		},
		address: account.to_string(),
		meta: serde_json::json!({}),
	};
	serde_json::to_string_pretty(&json).map_err(|error| failed(&error))
}

fn write(path: &Path, text: &str) -> Result<(), ChainError> {
	let at = |reason: &dyn std::fmt::Display| failed(&format!("{}: {reason}", path.display()));
	oda_files::create(path, 0o600, format!("{text}\n").as_bytes()).map_err(|error| match error.kind() {
		std::io::ErrorKind::AlreadyExists => at(&THERE),
		_ => at(&error),
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::{fs, os::unix::fs::PermissionsExt};

	/// Made by polkadot.js 14.0.3 of the seed `0x2a…2a//oda/tests` and the password below.
	const BY_POLKADOT_JS: &str = concat!(
		r#"{"encoded":"SMspUm7+8Zbq+gejcLCM18tXLOM4arF/JoS9h6fT5EcAAAIAAQAAAAgAAAASy1ML+OHD0PXW8LzJK8n/O48Ly08oBT"#,
		r#"TgCvdrCkYtBoiWyoidZvI04ZLXa0d9q3udHPlvUjZAZyLeGQOp1cuAsb0JkqoMunRCjyL54eqfD3B9ZuuWaoQN9K1H"#,
		r#"B+eEkDmGk5ZSp3MBCGl7DrbOEKPzdnLEEHVUhC9ENO0aH4PbJSd7qExtPACv8881H/WdvgeT1kq6TUWc0rJpWcaE","#,
		r#""encoding":{"content":["pkcs8","sr25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"#,
		r#""address":"5F3qLcKfaLGZQeMpReD98usECun7wmTEMEtdCWBuJdzBSpKF","meta":{"name":"test"}}"#,
	);

	const PASSWORD: &str = "a password";

	fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("account.key");
		fs::write(&path, text).unwrap();
		fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
		(folder, path)
	}

	fn open(path: &Path, password: &str) -> Result<Key, ChainError> {
		KeyFile::read(path)?.open(|| Ok(SecretString::from(password)))
	}

	fn unasked() -> Result<SecretString, ChainError> {
		panic!("a password was asked for")
	}

	#[test]
	fn a_file_of_polkadot_js_is_opened() {
		let (_folder, path) = file(BY_POLKADOT_JS, 0o600);
		let read = KeyFile::read(&path).unwrap();
		assert!(read.is_encrypted());
		let account = Key::from_uri(&format!("0x{}//oda/tests", "2a".repeat(32))).unwrap().account();
		assert_eq!(read.account(), account);
		assert_eq!(open(&path, PASSWORD).unwrap().account(), account);
	}

	#[test]
	fn a_wrong_password_is_an_error_that_does_not_repeat_it() {
		let (_folder, path) = file(BY_POLKADOT_JS, 0o600);
		let error = open(&path, "whoisalice").unwrap_err().to_string();
		assert!(error.contains("the password is wrong") && !error.contains("whoisalice"), "{error}");
	}

	#[test]
	fn what_was_encrypted_is_opened_with_its_password_alone() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("new.key");
		let secret = Secret::parse(&format!("0x{}//hard/soft", "23".repeat(32))).unwrap();
		KeyFile::write_encrypted(&path, &secret, &SecretString::from("correct horse")).unwrap();
		let written = fs::read_to_string(&path).unwrap();
		assert!(!written.contains(&"23".repeat(32)), "{written}");
		assert_eq!(KeyFile::read(&path).unwrap().account(), secret.key().account());
		let opened = open(&path, "correct horse").unwrap();
		assert_eq!(opened.account(), secret.key().account());
		assert!(open(&path, "correct horse ").is_err());
	}

	#[test]
	fn a_key_file_is_its_owners_alone_and_never_overwritten() {
		let folder = tempfile::tempdir().unwrap();
		let secret = Secret::generate().unwrap();
		let (plain, sealed) = (folder.path().join("plain.key"), folder.path().join("sealed.key"));
		KeyFile::write_plain(&plain, &secret).unwrap();
		KeyFile::write_encrypted(&sealed, &secret, &SecretString::from("p")).unwrap();
		for path in [&plain, &sealed] {
			assert_eq!(fs::metadata(path).unwrap().mode() & 0o7777, 0o600, "{}", path.display());
			let before = fs::read(path).unwrap();
			let error = KeyFile::write_plain(path, &Secret::generate().unwrap()).unwrap_err().to_string();
			assert!(
				error.contains("not overwritten") && error.contains(&path.display().to_string()),
				"{error}"
			);
			assert_eq!(fs::read(path).unwrap(), before);
		}
		assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
		assert_eq!(KeyFile::read(&plain).unwrap().open(unasked).unwrap().account(), secret.key().account());
	}

	#[test]
	fn an_empty_password_encrypts_nothing() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("key");
		let error = KeyFile::write_encrypted(&path, &Secret::generate().unwrap(), &SecretString::from(""));
		assert!(error.unwrap_err().to_string().contains("the password is empty"));
		assert!(!path.exists());
	}

	#[test]
	fn a_file_that_others_may_read_is_refused_and_the_error_says_what_to_do() {
		for mode in [0o640, 0o604, 0o620, 0o644, 0o660, 0o666] {
			let (_folder, path) = file("//Bob", mode);
			let error = KeyFile::read(&path).err().unwrap().to_string();
			assert!(error.contains(&format!("chmod 600 {}", path.display())), "{mode:o}: {error}");
		}
		for mode in [0o600, 0o400] {
			let (_folder, path) = file("//Bob", mode);
			assert!(KeyFile::read(&path).is_ok(), "{mode:o}");
		}
	}

	#[test]
	fn a_damaged_encrypted_file_is_an_error() {
		let sealed = |change: &dyn Fn(&mut Json)| {
			let mut json: Json = serde_json::from_str(BY_POLKADOT_JS).unwrap();
			change(&mut json);
			serde_json::to_string(&json).unwrap()
		};
		let bytes = |json: &Json| STANDARD.decode(&json.encoded).unwrap();
		let damaged = [
			"{".to_owned(),
			"{}".to_owned(),
			sealed(&|json| json.encoded = String::new()),
			sealed(&|json| json.encoded = STANDARD.encode(&bytes(json)[..67])),
			sealed(&|json| json.encoded = STANDARD.encode(&bytes(json)[..200])),
			sealed(&|json| json.encoded = "not base64".into()),
			sealed(&|json| json.encoding.version = "2".into()),
			sealed(&|json| json.encoding.content = vec!["pkcs8".into(), "ed25519".into()]),
			sealed(&|json| json.encoding.r#type = vec!["none".into()]),
			sealed(&|json| json.address = "nobody".into()),
		];
		for text in damaged {
			let (_folder, path) = file(&text, 0o600);
			let error = KeyFile::read(&path).err().unwrap().to_string();
			assert!(error.contains("no encrypted sr25519 key"), "{text}: {error}");
		}
		let later = [
			// Parameters that would take all memory.
			sealed(&|json| {
				let mut bytes = bytes(json);
				bytes[32..36].copy_from_slice(&(1u32 << 30).to_le_bytes());
				json.encoded = STANDARD.encode(bytes);
			}),
			sealed(&|json| {
				let mut bytes = bytes(json);
				bytes[150] ^= 1;
				json.encoded = STANDARD.encode(bytes);
			}),
			// Says that it is somebody else's.
			sealed(&|json| json.address = Key::from_uri("//Alice").unwrap().account().to_string()),
		];
		for text in later {
			let (_folder, path) = file(&text, 0o600);
			assert!(open(&path, PASSWORD).is_err(), "{text}");
		}
	}

	#[test]
	fn a_file_holds_the_uri_in_its_first_line() {
		let (_folder, path) = file("//Bob\n\n", 0o600);
		let read = KeyFile::read(&path).unwrap();
		assert!(!read.is_encrypted());
		assert_eq!(read.open(unasked).unwrap().account(), Key::from_uri("//Bob").unwrap().account());
	}

	#[test]
	fn a_file_that_begins_with_an_empty_line_holds_no_key() {
		let (_folder, path) = file("\n//Bob\n", 0o600);
		let error = KeyFile::read(&path).err().unwrap().to_string();
		assert!(error.contains("the secret is empty"), "{error}");
		assert!(error.contains(&path.display().to_string()), "{error}");
	}

	#[test]
	fn a_file_that_is_too_long_is_not_read_to_its_end() {
		let (_folder, path) = file(&"a".repeat(MAX_BYTES as usize + 1), 0o600);
		assert!(KeyFile::read(&path).err().unwrap().to_string().contains("too long"));
	}
}
