//! What everybody owns, to the last unit.

use crate::chain::Chain;
use oda_runtime::{AccountId, Balance, Balances, Runtime, configs::stakes::PoolAccount};
use pallet_oda_staking::{Pools, Positions};
use polkadot_sdk::{frame_system, sp_runtime::traits::Convert};
use std::collections::BTreeMap;

/// An amount by account, in planck.
pub type Amounts = BTreeMap<AccountId, i128>;

/// What everybody owned at a time, on hold, staked or free.
pub struct Books {
	owned: Amounts,
	/// What transactions had cost and brought by then.
	fees: Amounts,
}

impl Chain {
	/// What everybody owns now. Together it is all that was issued, or this panics.
	pub fn books(&mut self) -> Books {
		Books { owned: self.natively(owned), fees: self.fees.clone() }
	}
}

impl Books {
	/// What each owns more, or less, at a later time, apart from transaction fees. Who owns as much is not listed.
	pub fn changes(&self, later: &Self) -> Amounts {
		let mut changes = later.owned.clone();
		for (sign, amounts) in [(-1, &self.owned), (-1, &later.fees), (1, &self.fees)] {
			for (who, amount) in amounts {
				*changes.entry(who.clone()).or_default() += sign * amount;
			}
		}
		changes.retain(|_, change| *change != 0);
		changes
	}

	/// What of all that was issued there was no more at a later time, apart from transaction fees.
	pub fn burned(&self, later: &Self) -> i128 {
		let sum = |amounts: &Amounts| amounts.values().sum::<i128>();
		(sum(&self.owned) - sum(&later.owned)) - (sum(&self.fees) - sum(&later.fees))
	}
}

/// What each owns. The account of a pool owns nothing: what lies in it is the stake of its members, and the deposit of
/// its operator.
fn owned() -> Amounts {
	let mut owned = Amounts::new();
	let planck = |amount: Balance| i128::try_from(amount).expect("less than is ever issued");
	for (who, account) in frame_system::Account::<Runtime>::iter() {
		*owned.entry(who).or_default() += planck(account.data.free + account.data.reserved);
	}
	for (role, operator, pool) in Pools::<Runtime>::iter() {
		let all = owned.remove(&PoolAccount::convert((role, operator.clone()))).expect("it has an account");
		*owned.entry(operator).or_default() += all - planck(pool.total());
	}
	for (who, (role, operator), position) in Positions::<Runtime>::iter() {
		let pool = Pools::<Runtime>::get(role, operator).expect("there is no position without a pool");
		let leaving = position.chunks.iter().map(|chunk| pool.leaving.worth(chunk.shares)).sum::<Balance>();
		*owned.entry(who).or_default() += planck(pool.active.worth(position.shares) + leaving);
	}
	assert_eq!(
		owned.values().sum::<i128>(),
		planck(Balances::total_issuance()),
		"nothing is owned by nobody"
	);
	owned
}
