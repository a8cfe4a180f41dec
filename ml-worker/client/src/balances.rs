//! Money.

use crate::{AccountId, Call, Chain, ChainError, Key, View, error::node, runtime, view::get};
use serde::Serialize;

/// An amount of the smallest unit; 10¹² of them are one ODA.
pub type Balance = u128;

/// An account's money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Account {
	/// Whose.
	pub account: AccountId,
	/// How many transactions it has sent.
	pub nonce: u32,
	/// What it can spend, but for what must stay.
	pub free: Balance,
	/// What is on hold, in all.
	pub held: Balance,
	/// What is on hold for what.
	pub holds: Vec<Hold>,
}

/// An amount on hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Hold {
	/// For what, as `Pallet(Reason)`.
	pub reason: String,
	/// How much.
	pub amount: Balance,
}

impl View {
	/// An account's money.
	pub async fn account(&self, account: &AccountId) -> Result<Account, ChainError> {
		let info = get!(self, runtime::storage().system().account(), *account);
		let holds = get!(self, runtime::storage().balances().holds(), *account);
		let (nonce, free, held) =
			info.map_or((0, 0, 0), |info| (info.nonce, info.data.free, info.data.reserved));
		let holds = holds
			.map(|holds| holds.0)
			.unwrap_or_default()
			.into_iter()
			.map(|hold| Hold { reason: format!("{:?}", hold.id), amount: hold.amount })
			.collect();
		Ok(Account { account: *account, nonce, free, held, holds })
	}
}

impl Chain {
	/// Moves money.
	pub fn transfer(&self, key: &Key, to: AccountId, amount: Balance) -> Call {
		let call = runtime::transactions().balances().transfer_keep_alive(to.into(), amount);
		self.submit(key, call)
	}
}
