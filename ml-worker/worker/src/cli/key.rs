//! Key files.

use super::{
	Global,
	secrets::{Passwords, first_line, secret_uri},
};
use clap::{Args, Subcommand};
use oda_client::{AccountId, ExposeSecret, KeyFile, Secret};
use oda_roles::output::Output;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Make key files and look at them.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
	/// Make a new key, and write it to an encrypted file.
	///
	/// Asks for a password, twice. polkadot.js and its wallets import the file. The secret phrase, from which the key can be
	/// made again, is printed with --phrase and kept nowhere: without it, who loses file or password loses the account.
	#[command(after_help = "Examples:\n  \
		ml-worker key new trainer.key --phrase\n  \
		ml-worker key new verifier.key --password-file verifier.password")]
	New(KeyNewArgs),
	/// Write a secret to an encrypted file.
	///
	/// The secret URI, a mnemonic phrase or a seed with what is derived from it, is asked for without being shown, read from
	/// standard input, or from a file. A file that polkadot.js exported need not be imported: it is a key file.
	#[command(after_help = "Examples:\n  \
		ml-worker key import trainer.key\n  \
		ml-worker key import encrypted.key --from plain.key")]
	Import(KeyImportArgs),
	/// Show whose key a file holds, without its secret.
	///
	/// Of an encrypted file, which is not opened, it shows the account that the file says.
	#[command(after_help = "Example:\n  \
		ml-worker key inspect trainer.key")]
	Inspect {
		/// The file.
		file: PathBuf,
	},
}

/// What `key new` needs.
#[derive(Debug, Args)]
pub struct KeyNewArgs {
	/// The file; none may be there.
	pub file: PathBuf,
	/// Also print the secret phrase, to be written down.
	#[arg(long)]
	pub phrase: bool,
	/// Write the secret as it is: for a machine that nobody else reads, and where nobody is to type a password.
	#[arg(long)]
	pub no_password: bool,
}

/// What `key import` needs.
#[derive(Debug, Args)]
pub struct KeyImportArgs {
	/// The file; none may be there.
	pub file: PathBuf,
	/// A file whose first line is the secret URI.
	#[arg(long, value_name = "FILE")]
	pub from: Option<PathBuf>,
	/// Write the secret as it is: for a machine that nobody else reads, and where nobody is to type a password.
	#[arg(long)]
	pub no_password: bool,
}

impl KeyCommand {
	pub(super) fn run(self, global: &Global) -> anyhow::Result<()> {
		let (passwords, output) = (Passwords::new(global), Output::new(global.json));
		match self {
			Self::New(args) => {
				let secret = Secret::generate()?;
				write(&args.file, &secret, args.no_password, &passwords)?;
				show(
					output,
					&args.file,
					&secret.key().account(),
					!args.no_password,
					args.phrase.then_some(&secret),
				);
			}
			Self::Import(args) => {
				let uri = match &args.from {
					Some(path) => first_line(path)?,
					None => secret_uri()?,
				};
				let secret = Secret::parse(uri.expose_secret())?;
				write(&args.file, &secret, args.no_password, &passwords)?;
				show(output, &args.file, &secret.key().account(), !args.no_password, None);
			}
			Self::Inspect { file } => {
				let read = KeyFile::read(&file)?;
				show(output, &file, &read.account(), read.is_encrypted(), None);
			}
		}
		Ok(())
	}
}

fn write(path: &Path, secret: &Secret, plain: bool, passwords: &Passwords<'_>) -> anyhow::Result<()> {
	match plain {
		true => KeyFile::write_plain(path, secret)?,
		false => {
			// Before a password is asked for that would be of no use.
			KeyFile::check_free(path)?;
			KeyFile::write_encrypted(path, secret, &passwords.new_password()?)?;
		}
	}
	Ok(())
}

fn show(output: Output, path: &Path, account: &AccountId, encrypted: bool, phrase: Option<&Secret>) {
	let public = format!("0x{}", hex::encode(account.0));
	let kind = if encrypted { "encrypted" } else { "not encrypted" };
	let mut text = format!("account {account}\n  public key {public}\n  in {}, {kind}", path.display());
	let mut value =
		json!({ "account": account.to_string(), "public_key": public, "file": path, "encrypted": encrypted });
	if let Some(secret) = phrase {
		text += &format!("\n  secret phrase: {}", secret.expose());
		value["phrase"] = json!(secret.expose());
	}
	output.result(text, &value);
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::cli::{Cli, Command};
	use clap::Parser;
	use std::fs;

	/// Does what a command line says.
	fn run(line: &[&str]) -> anyhow::Result<()> {
		let cli = Cli::try_parse_from([&["ml-worker"], line].concat())?;
		match cli.command {
			Command::Key(command) => command.run(&cli.global),
			other => panic!("{other:?}"),
		}
	}

	fn text(path: &Path) -> String {
		path.to_str().unwrap().to_owned()
	}

	#[test]
	fn a_new_key_is_opened_with_its_password_alone() {
		let folder = tempfile::tempdir().unwrap();
		let at = |name: &str| folder.path().join(name);
		// Made as a key file is: its owner alone may read it.
		KeyFile::write_plain(&at("password"), &Secret::parse("//Alice").unwrap()).unwrap();
		KeyFile::write_plain(&at("other"), &Secret::parse("//Bob").unwrap()).unwrap();
		run(&["key", "new", &text(&at("new.key")), "--password-file", &text(&at("password"))]).unwrap();
		run(&["key", "inspect", &text(&at("new.key"))]).unwrap();
		let open = |password: &str| {
			let line = ["ml-worker", "--password-file", &text(&at(password)), "account"];
			let global = Cli::try_parse_from(line).unwrap().global;
			Passwords::new(&global).key(&at("new.key"), None)
		};
		let account = KeyFile::read(&at("new.key")).unwrap().account();
		assert_eq!(open("password").unwrap().account(), account);
		let error = open("other").unwrap_err().to_string();
		assert!(error.contains("the password is wrong"), "{error}");
	}

	#[test]
	fn an_imported_key_is_that_of_its_secret() {
		let folder = tempfile::tempdir().unwrap();
		let (from, to) = (folder.path().join("from"), folder.path().join("to"));
		KeyFile::write_plain(&from, &Secret::parse("//Ferdie").unwrap()).unwrap();
		run(&["key", "import", &text(&to), "--from", &text(&from), "--no-password"]).unwrap();
		let read = KeyFile::read(&to).unwrap();
		assert_eq!(read.account(), Secret::parse("//Ferdie").unwrap().key().account());
		let again = run(&["key", "import", &text(&to), "--from", &text(&from), "--no-password"]).unwrap_err();
		assert!(again.to_string().contains("not overwritten"), "{again}");
	}

	#[test]
	fn what_others_can_read_is_not_imported() {
		let folder = tempfile::tempdir().unwrap();
		let (from, to) = (folder.path().join("from"), folder.path().join("to"));
		fs::write(&from, "//Ferdie").unwrap();
		fs::set_permissions(&from, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
		let error = run(&["key", "import", &text(&to), "--from", &text(&from), "--no-password"]).unwrap_err();
		assert!(error.to_string().contains("chmod 600"), "{error}");
		assert!(!to.exists());
	}
}
