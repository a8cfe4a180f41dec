//! Money.

use crate::cli::{AccountArgs, Global, TransferArgs};
use anyhow::Context as _;
use oda_client::{AccountId, Key};
use oda_roles::{amount::oda, context::Context};
use std::str::FromStr;

fn parse(text: &str) -> anyhow::Result<AccountId> {
	AccountId::from_str(text).map_err(|_| anyhow::anyhow!("{text:?} is no account in SS58"))
}

pub(super) async fn show(context: &Context, global: &Global, args: AccountArgs) -> anyhow::Result<()> {
	let account = match args.account {
		Some(text) => parse(&text)?,
		None => super::key(global).context("name an account, or give a key")?.account(),
	};
	let info = context.chain().await?.finalised().await?.account(&account).await?;
	let mut text = format!("{account}\n  free  {}\n  held  {}", oda(info.free), oda(info.held));
	for hold in &info.holds {
		text += &format!("\n    {:32} {}", hold.reason, oda(hold.amount));
	}
	context.output().result(text, &info);
	Ok(())
}

pub(super) async fn transfer(context: &Context, key: &Key, args: TransferArgs) -> anyhow::Result<()> {
	let to = parse(&args.to)?;
	let receipt = context.chain().await?.transfer(key, to, args.amount.0).await?;
	context.output().result(format!("{} to {to} in block {}", oda(args.amount.0), receipt.block), &receipt);
	Ok(())
}
