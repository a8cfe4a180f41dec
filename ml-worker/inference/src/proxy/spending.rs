//! What a proxy may spend.

use crate::{
	api::{Problem, ProblemKind},
	wallet::{Wallet, WalletError, read, replace},
};
use oda_primitives::decimal;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long to wait for another process that looks at what was spent.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds of a day.
const DAY: u64 = 86_400;

/// What may be spent, in planck.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpendingLimits {
	/// For one request.
	pub request: u128,
	/// In one day, which begins at midnight UTC.
	pub day: u128,
	/// In all.
	pub total: u128,
}

/// What was spent: a file of the wallet, `spending.json`. Without it, counting begins anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spending {
	/// In all, in planck.
	#[serde(with = "decimal")]
	pub total: u128,
	/// The number of the day, counted from 1970-01-01 UTC.
	pub day: u64,
	/// On this day, in planck.
	#[serde(with = "decimal")]
	pub today: u128,
}

/// What may be spent on one request. It counts as spent until it is settled, and if the process dies before,
/// for good.
#[derive(Debug)]
pub(super) struct Reserved {
	amount: u128,
	day: u64,
}

impl Reserved {
	/// In planck.
	pub(super) fn amount(&self) -> u128 {
		self.amount
	}
}

/// What a proxy may spend of a wallet, and has.
pub(super) struct Purse {
	wallet: Wallet,
	limits: SpendingLimits,
}

impl Purse {
	pub(super) fn new(wallet: Wallet, limits: SpendingLimits) -> Self {
		Self { wallet, limits }
	}

	/// Reserves as much as one request may cost and the limits leave.
	///
	/// # Errors
	///
	/// [`ProblemKind::SpendingLimit`] if they leave nothing; the wallet cannot be used.
	pub(super) async fn reserve(&self) -> Result<Reserved, Problem> {
		self.reserve_on(today()).await
	}

	async fn reserve_on(&self, day: u64) -> Result<Reserved, Problem> {
		let _turn = self.wallet.turn("spending", PATIENCE).await?;
		let mut spending = self.spending(day)?;
		let left = self.limits.day.saturating_sub(spending.today);
		let left = left.min(self.limits.total.saturating_sub(spending.total));
		let amount = self.limits.request.min(left);
		if amount == 0 {
			let why = format!("{} planck were spent today, {} in all", spending.today, spending.total);
			return Err(Problem::new(ProblemKind::SpendingLimit, why));
		}
		spending.total = spending.total.saturating_add(amount);
		spending.today = spending.today.saturating_add(amount);
		replace(&self.path(), &spending)?;
		Ok(Reserved { amount, day })
	}

	/// Gives back what was reserved and not spent.
	///
	/// # Errors
	///
	/// The wallet cannot be used: what was reserved counts as spent.
	pub(super) async fn settle(&self, reserved: Reserved, spent: u128) -> Result<(), WalletError> {
		let _turn = self.wallet.turn("spending", PATIENCE).await?;
		let mut spending = self.spending(today().max(reserved.day))?;
		spending.total = spending.total.saturating_sub(reserved.amount).saturating_add(spent);
		if spending.day == reserved.day {
			spending.today = spending.today.saturating_sub(reserved.amount).saturating_add(spent);
		}
		replace(&self.path(), &spending)
	}

	fn spending(&self, day: u64) -> Result<Spending, WalletError> {
		let spending: Spending = read(&self.path())?.unwrap_or_default();
		// A clock that goes back begins no day anew.
		Ok(if day > spending.day { Spending { day, today: 0, ..spending } } else { spending })
	}

	fn path(&self) -> std::path::PathBuf {
		self.wallet.file("spending.json")
	}
}

fn today() -> u64 {
	let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
	since.as_secs().checked_div(DAY).unwrap_or_default()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn purse(folder: &std::path::Path, request: u128, day: u128, total: u128) -> Purse {
		let wallet = Wallet::open(folder, [7; 32]).unwrap();
		Purse::new(wallet, SpendingLimits { request, day, total })
	}

	#[tokio::test]
	async fn what_is_reserved_counts_as_spent_until_it_is_settled() {
		let folder = tempfile::tempdir().unwrap();
		let purse = purse(folder.path(), 10, 15, 100);
		let first = purse.reserve().await.unwrap();
		let second = purse.reserve().await.unwrap();
		assert_eq!((first.amount(), second.amount()), (10, 5));
		assert_eq!(purse.reserve().await.unwrap_err().known(), Some(ProblemKind::SpendingLimit));
		purse.settle(first, 3).await.unwrap();
		assert_eq!(purse.reserve().await.unwrap().amount(), 7);
	}

	#[tokio::test]
	async fn a_new_day_has_its_own_limit_and_all_days_have_one() {
		let folder = tempfile::tempdir().unwrap();
		let purse = purse(folder.path(), 10, 10, 25);
		let day = today();
		for (day, amount) in [(day, 10), (day + 1, 10), (day + 2, 5)] {
			assert_eq!(purse.reserve_on(day).await.unwrap().amount(), amount);
		}
		assert!(purse.reserve_on(day + 3).await.is_err());
	}

	#[tokio::test]
	async fn a_clock_that_goes_back_begins_no_day_anew() {
		let folder = tempfile::tempdir().unwrap();
		let purse = purse(folder.path(), 10, 10, 100);
		purse.reserve_on(today()).await.unwrap();
		assert!(purse.reserve_on(today() - 1).await.is_err());
	}

	#[tokio::test]
	async fn what_was_spent_outlasts_the_process() {
		let folder = tempfile::tempdir().unwrap();
		purse(folder.path(), 10, 10, 100).reserve().await.unwrap();
		assert!(purse(folder.path(), 10, 10, 100).reserve().await.is_err());
	}
}
