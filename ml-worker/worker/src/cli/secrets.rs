//! Secrets that people type, or have in files.

use super::Global;
use anyhow::{Context as _, bail, ensure};
use oda_client::{ExposeSecret, Key, KeyFile, SecretString, read_private};
use std::{
	cell::OnceCell,
	io::{IsTerminal, stdin},
	path::{Path, PathBuf},
};

/// Where the passwords of key files are from: a file, a file descriptor, or somebody at the terminal.
pub(super) struct Passwords<'a> {
	file: Option<&'a Path>,
	descriptor: Option<u32>,
	/// What the descriptor gave: it can be read once.
	read: OnceCell<SecretString>,
}

impl<'a> Passwords<'a> {
	pub(super) fn new(global: &'a Global) -> Self {
		Self { file: global.password_file.as_deref(), descriptor: global.password_fd, read: OnceCell::new() }
	}

	/// The key in a file, whose password may lie in a file of its own.
	pub(super) fn key(&self, path: &Path, password_file: Option<&Path>) -> anyhow::Result<Key> {
		KeyFile::read(path)?.open(|| match password_file {
			Some(file) => first_line(file),
			None => match self.given()? {
				Some(password) => Ok(password),
				None => prompt(&format!("Password of {}: ", path.display())).with_context(|| {
					format!(
						"{} is encrypted: give its password with --password-file FILE or --password-fd NUMBER, or at a \
						 terminal",
						path.display()
					)
				}),
			},
		})
	}

	/// The password for a new file.
	pub(super) fn new_password(&self) -> anyhow::Result<SecretString> {
		if let Some(password) = self.given()? {
			return Ok(password);
		}
		let ask = |what: &str| {
			prompt(what).context(
				"a new key file needs a password: give it with --password-file FILE or --password-fd NUMBER, or at a \
				 terminal; --no-password writes the secret as it is",
			)
		};
		let password = ask("New password: ")?;
		ensure!(!password.expose_secret().is_empty(), "the password is empty");
		let again = ask("The same again: ")?;
		ensure!(password.expose_secret() == again.expose_secret(), "these are two passwords");
		Ok(password)
	}

	fn given(&self) -> anyhow::Result<Option<SecretString>> {
		match (self.file, self.descriptor) {
			(Some(file), _) => first_line(file).map(Some),
			(None, Some(descriptor)) => {
				if self.read.get().is_none() {
					let line = first_line(&PathBuf::from(format!("/dev/fd/{descriptor}")))?;
					let _ = self.read.set(line);
				}
				Ok(self.read.get().cloned())
			}
			(None, None) => Ok(None),
		}
	}
}

/// The first line of a file that its owner alone may read.
pub(super) fn first_line(path: &Path) -> anyhow::Result<SecretString> {
	let text = read_private(path)?;
	let line = text.expose_secret().lines().next().unwrap_or_default();
	ensure!(!line.is_empty(), "{}: the first line is empty", path.display());
	Ok(SecretString::from(line))
}

/// Asks at the terminal, without showing what is typed.
fn prompt(what: &str) -> anyhow::Result<SecretString> {
	Ok(SecretString::from(rpassword::prompt_password(what)?))
}

/// A secret URI: typed at the terminal without being shown, or the first line of standard input.
pub(super) fn secret_uri() -> anyhow::Result<SecretString> {
	if stdin().is_terminal() {
		return prompt("Secret phrase or URI: ");
	}
	let mut line = String::new();
	stdin().read_line(&mut line)?;
	let line = SecretString::from(line.trim_end_matches(['\r', '\n']));
	if line.expose_secret().is_empty() {
		bail!("there is no secret on standard input");
	}
	Ok(line)
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::{fs, os::unix::fs::PermissionsExt};

	fn private(folder: &Path, name: &str, text: &str) -> PathBuf {
		let path = folder.join(name);
		fs::write(&path, text).unwrap();
		fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
		path
	}

	#[test]
	fn a_password_is_the_first_line_of_its_file() {
		let folder = tempfile::tempdir().unwrap();
		let path = private(folder.path(), "password", " a password \r\nand more\n");
		assert_eq!(first_line(&path).unwrap().expose_secret(), " a password ");
		let empty = private(folder.path(), "empty", "\n");
		assert!(first_line(&empty).unwrap_err().to_string().contains("the first line is empty"));
		fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
		assert!(first_line(&path).unwrap_err().to_string().contains("chmod 600"));
	}

	#[test]
	fn a_descriptor_is_read_once_for_all_keys() {
		use std::os::fd::AsRawFd;
		let (reader, mut writer) = std::io::pipe().unwrap();
		std::io::Write::write_all(&mut writer, b"a password\n").unwrap();
		drop(writer);
		let descriptor = u32::try_from(reader.as_raw_fd()).unwrap();
		let passwords = Passwords { file: None, descriptor: Some(descriptor), read: OnceCell::new() };
		for _ in 0..2 {
			assert_eq!(passwords.given().unwrap().unwrap().expose_secret(), "a password");
		}
	}
}
