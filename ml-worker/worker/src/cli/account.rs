//! Money.

use super::Global;
use anyhow::{Context as _, bail};
use clap::Args;
use oda_client::AccountId;
use oda_roles::amount::{Amount, oda};
use std::str::FromStr;

/// What `account` needs.
#[derive(Debug, Args)]
pub struct AccountArgs {
	/// The account, in SS58; the key's own if not named.
	pub account: Option<String>,
}

/// What `transfer` needs.
#[derive(Debug, Args)]
pub struct TransferArgs {
	/// To whom, in SS58.
	pub to: String,
	/// How much, in ODA.
	#[arg(value_parser = Amount::from_str, value_name = "ODA")]
	pub amount: Amount,
}

/// An account, named whole: whoever pays by a short form may pay somebody else.
pub(super) fn parse(text: &str) -> anyhow::Result<AccountId> {
	if text.ends_with('…') {
		bail!("{text} is a short form, which names no account; --json prints accounts whole");
	}
	AccountId::from_str(text).map_err(|_| anyhow::anyhow!("{text:?} is no account in SS58"))
}

impl AccountArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = global.open()?;
		let account = match self.account {
			Some(text) => parse(&text)?,
			None => global.key()?.context("name an account, or give a key")?.account(),
		};
		let info = context.chain().await?.finalised().await?.account(&account).await?;
		let mut text = format!("{account}\n  free  {}\n  held  {}", oda(info.free), oda(info.held));
		for hold in &info.holds {
			text += &format!("\n    {:32} {}", hold.reason, oda(hold.amount));
		}
		context.output().result(text, &info);
		Ok(())
	}
}

impl TransferArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		let key = global.signer(context).await?;
		let to = parse(&self.to)?;
		let receipt = context.chain().await?.transfer(&key, to, self.amount.0).await?;
		context
			.output()
			.result(format!("{} to {to} in block {}", oda(self.amount.0), receipt.block), &receipt);
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_roles::people;

	#[test]
	fn an_account_is_named_whole() {
		let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
		let account = parse(alice).unwrap();
		assert_eq!(account.to_string(), alice);
		let short = people::account(&account);
		let error = parse(&short).unwrap_err().to_string();
		assert!(error.contains("short form") && error.contains("--json"), "{error}");
		assert!(parse(short.trim_end_matches('…')).is_err());
	}
}
