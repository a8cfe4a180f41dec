//! Stakes: candidates for a role, what is bonded and delegated, and what is on its way out.

use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, Receipt, View,
	error::node,
	runtime::{self, runtime_types as generated},
	view::{entries, get},
};
use generated::{
	oda_pallet_traits::stakes::Role,
	pallet_oda_staking::types::{ChunkView, PoolView, PositionView},
	sp_arithmetic::per_things::Perbill,
};
use oda_primitives::Tick;
use serde::Serialize;

/// The number of candidates or positions that are asked for at a time.
const PAGE: u32 = 100;

/// What somebody bonds for. A stake answers for one role only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StakeRole {
	/// Makes and finalises blocks.
	Validator,
	/// Re-runs claims.
	Verifier,
	/// Answers inference.
	Provider,
}

impl StakeRole {
	/// Its name, as commands take it.
	pub fn name(self) -> &'static str {
		match self {
			Self::Validator => "validator",
			Self::Verifier => "verifier",
			Self::Provider => "provider",
		}
	}

	fn stored(self) -> Role {
		match self {
			Self::Validator => Role::Validator,
			Self::Verifier => Role::Verifier,
			Self::Provider => Role::Provider,
		}
	}

	fn from_stored(role: &Role) -> Self {
		match role {
			Role::Validator => Self::Validator,
			Role::Verifier => Self::Verifier,
			Role::Provider => Self::Provider,
		}
	}
}

/// A commission that has been announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Raise {
	/// The commission then, in billionths of each reward.
	pub to: u32,
	/// The first tick at which it counts.
	pub at: Tick,
}

/// The pool of a candidate: what it and others have at stake together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StakePool {
	/// The candidate's own bond.
	pub own: Balance,
	/// What others delegated.
	pub delegated: Balance,
	/// What is on its way out, and answers until it is out.
	pub leaving: Balance,
	/// How much cannot leave now.
	pub reserved: Balance,
	/// The stake that counts: nothing if the candidate is chilled, or its own bond below the least.
	pub counted: Balance,
	/// The own bond below which it does not count.
	pub min_bond: Balance,
	/// The candidate's part of each reward, in billionths.
	pub commission: u32,
	/// The higher one that is announced.
	pub raise: Option<Raise>,
	/// Whether it does not count, whatever its stake.
	pub chilled: bool,
	/// The number of offences that wait to be applied.
	pub offences: u32,
	/// The number of accounts that have something in the pool.
	pub members: u32,
}

impl From<PoolView<Balance>> for StakePool {
	fn from(pool: PoolView<Balance>) -> Self {
		Self {
			own: pool.own,
			delegated: pool.delegated,
			leaving: pool.leaving,
			reserved: pool.reserved,
			counted: pool.counted,
			min_bond: pool.min_bond,
			commission: pool.commission.0,
			raise: pool.raise.map(|raise| Raise { to: raise.to.0, at: raise.at }),
			chilled: pool.chilled,
			offences: pool.offences,
			members: pool.members,
		}
	}
}

/// A part of a stake that is on its way out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Leaving {
	/// What it is worth now.
	pub amount: Balance,
	/// The first tick at which it is out.
	pub until: Tick,
	/// The candidate with which it is delegated then, if any; it is paid out otherwise.
	pub to: Option<AccountId>,
}

impl From<ChunkView<AccountId, Balance>> for Leaving {
	fn from(chunk: ChunkView<AccountId, Balance>) -> Self {
		Self { amount: chunk.amount, until: chunk.until, to: chunk.to }
	}
}

/// What an account has in a pool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StakePosition {
	/// What the pool is bonded for.
	pub role: StakeRole,
	/// The candidate whose pool it is.
	pub operator: AccountId,
	/// What is bonded or delegated, with what it has earned and lost.
	pub worth: Balance,
	/// What is on its way out.
	pub leaving: Vec<Leaving>,
}

impl From<PositionView<AccountId, Balance>> for StakePosition {
	fn from(position: PositionView<AccountId, Balance>) -> Self {
		Self {
			role: StakeRole::from_stored(&position.role),
			operator: position.operator,
			worth: position.worth,
			leaving: position.leaving.into_iter().map(Leaving::from).collect(),
		}
	}
}

/// Something that happened to a candidate's pool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StakeEvent {
	/// What the pool is bonded for.
	pub role: StakeRole,
	/// The candidate whose pool it is.
	pub operator: AccountId,
	/// What happened.
	#[serde(flatten)]
	pub what: StakeChange,
}

/// What happened to a pool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum StakeChange {
	/// An account bonded or delegated.
	PutIn {
		/// The account.
		who: AccountId,
		/// The amount.
		amount: Balance,
	},
	/// An account takes out an amount, which is leaving from now on.
	TakenOut {
		/// The account.
		who: AccountId,
		/// The amount.
		amount: Balance,
	},
	/// The pool was rewarded.
	Rewarded {
		/// The amount by which it rose.
		amount: Balance,
		/// The amount that the candidate was paid beside it.
		commission: Balance,
	},
	/// The pool lost a part of what is in it.
	Slashed {
		/// The amount, of what is leaving too.
		amount: Balance,
	},
}

/// What came of taking out what was due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Withdrawn {
	/// What was paid out.
	pub paid: Balance,
	/// What is delegated with another candidate now.
	pub redelegated: Balance,
	/// What was too little for the account to hold, and was burned.
	pub burned: Balance,
	/// The deposit of the pool that the operator has back, if the pool ended.
	pub deposit: Option<Balance>,
}

/// What the chain asks of stakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct StakeTerms {
	/// The least own bond of a validator.
	pub min_validator_bond: Balance,
	/// The least own bond of a verifier.
	pub min_verifier_bond: Balance,
	/// The least own bond of a provider.
	pub min_provider_bond: Balance,
	/// The least amount that is delegated, or leaves but for the last.
	pub min_delegation: Balance,
	/// The highest commission, in billionths.
	pub max_commission: u32,
	/// Ticks for which a higher commission is announced.
	pub commission_notice: Tick,
	/// Ticks for which what leaves answers like the rest.
	pub bonding: Tick,
	/// What a verifier loses for each `valid` of a wrong claim, and for each output that the court finds to be another.
	pub verifier_slash: Balance,
	/// What a verifier loses for each task that it does not answer.
	pub absence_slash: Balance,
	/// The number of sessions in a row in which a validator does not respond until it is chilled.
	pub max_absences: u32,
	/// The deposit for a pool, which the operator has back when the pool ends.
	pub pool_deposit: Balance,
	/// The deposit for session keys.
	pub key_deposit: Balance,
}

impl StakeTerms {
	/// The least own bond for a role.
	pub fn min_bond(&self, role: StakeRole) -> Balance {
		match role {
			StakeRole::Validator => self.min_validator_bond,
			StakeRole::Verifier => self.min_verifier_bond,
			StakeRole::Provider => self.min_provider_bond,
		}
	}
}

impl View {
	/// What the chain asks of stakes.
	pub async fn stake_terms(&self) -> Result<StakeTerms, ChainError> {
		use generated::oda_runtime::parameters::{RuntimeParametersValue, governed};
		let address = runtime::storage().parameters().parameters();
		let values = entries!(self, address, |_key, value| value);
		macro_rules! governed {
			($group:ident, $pallet:ident, $name:ident) => {
				values
					.iter()
					.find_map(|value| match value {
						RuntimeParametersValue::$group(governed::$pallet::ParametersValue::$name(value)) => {
							Some(value.clone())
						}
						_ => None,
					})
					.ok_or(ChainError::Missing(stringify!($name)))?
			};
		}
		let constants = runtime::constants();
		let deposit = self.at.constants().entry(constants.balances().existential_deposit()).map_err(node)?;
		let keys = self.at.constants().entry(constants.session().key_deposit()).map_err(node)?;
		let least = runtime::view_functions().staking().least_bonding();
		let least = self.ask(least).await?;
		Ok(StakeTerms {
			min_validator_bond: governed!(Staking, staking, MinValidatorBond),
			min_verifier_bond: governed!(Verification, verification, MinStake),
			min_provider_bond: governed!(Staking, staking, MinProviderBond),
			min_delegation: governed!(Staking, staking, MinDelegation),
			max_commission: governed!(Staking, staking, MaxCommission).0,
			commission_notice: governed!(Staking, staking, CommissionNotice),
			bonding: governed!(Staking, staking, BondingDuration).max(least),
			verifier_slash: governed!(Verification, verification, VerifierSlash),
			absence_slash: governed!(Verification, verification, AbsenceSlash),
			max_absences: governed!(Staking, staking, MaxAbsences),
			pool_deposit: deposit,
			key_deposit: keys,
		})
	}

	/// The pool of a candidate.
	pub async fn stake_pool(
		&self,
		role: StakeRole,
		operator: &AccountId,
	) -> Result<Option<StakePool>, ChainError> {
		let call = runtime::view_functions().staking().pool(role.stored(), *operator);
		let pool = self.ask(call).await?;
		Ok(pool.map(StakePool::from))
	}

	/// The candidates for a role, those with most stake that counts first.
	pub async fn candidates(&self, role: StakeRole) -> Result<Vec<(AccountId, StakePool)>, ChainError> {
		let mut found: Vec<(AccountId, StakePool)> = Vec::new();
		loop {
			let after = found.last().map(|(who, _)| *who);
			let call = runtime::view_functions().staking().candidates(role.stored(), after, PAGE);
			let page = self.ask(call).await?;
			if page.is_empty() {
				break;
			}
			found.extend(page.into_iter().map(|(who, pool)| (who, pool.into())));
		}
		found.sort_by(|(who, pool), (other, than)| than.counted.cmp(&pool.counted).then(who.0.cmp(&other.0)));
		Ok(found)
	}

	/// What an account has in pools, its own among them; by role and candidate.
	pub async fn stake_positions(&self, who: &AccountId) -> Result<Vec<StakePosition>, ChainError> {
		let mut found: Vec<StakePosition> = Vec::new();
		loop {
			let after = found.last().map(|position| (position.role.stored(), position.operator));
			let call = runtime::view_functions().staking().positions(*who, after, PAGE);
			let page = self.ask(call).await?;
			if page.is_empty() {
				break;
			}
			found.extend(page.into_iter().map(StakePosition::from));
		}
		found.sort_by_key(|position| (position.role.name(), position.operator.0));
		Ok(found)
	}

	/// What happened to pools in this block, in order.
	pub async fn stake_events(&self) -> Result<Vec<StakeEvent>, ChainError> {
		use runtime::staking::events;
		let all = self.at.events().fetch().await.map_err(node)?;
		let mut found = Vec::new();
		for event in all.iter() {
			let event = event.map_err(node)?;
			macro_rules! map {
				($type:ident, |$e:ident| $operator:expr => $what:expr) => {
					if let Some($e) = event.decode_fields_as::<events::$type>() {
						let $e = $e.map_err(node)?;
						let role = StakeRole::from_stored(&$e.role);
						found.push(StakeEvent { role, operator: $operator, what: $what });
						continue;
					}
				};
			}
			map!(Bonded, |e| e.operator => StakeChange::PutIn { who: e.operator, amount: e.amount });
			map!(Delegated, |e| e.operator => StakeChange::PutIn { who: e.who, amount: e.amount });
			map!(Redelegated, |e| e.to => StakeChange::PutIn { who: e.who, amount: e.amount });
			map!(Unbonded, |e| e.operator => StakeChange::TakenOut { who: e.who, amount: e.amount });
			map!(Rewarded, |e| e.operator =>
				StakeChange::Rewarded { amount: e.amount, commission: e.commission });
			map!(Slashed, |e| e.operator => StakeChange::Slashed { amount: e.amount });
		}
		Ok(found)
	}

	/// The candidates for validator that would be elected now, those with most stake first, with their stake.
	pub async fn next_validators(&self) -> Result<Vec<(AccountId, Balance)>, ChainError> {
		let call = runtime::view_functions().staking().next_validators();
		self.ask(call).await
	}

	/// The first session in which a validator that equivocated may bond again or come back; `None` if it did not.
	pub async fn barred_until(&self, account: &AccountId) -> Result<Option<u32>, ChainError> {
		let known = get!(self, runtime::storage().staking().equivocators(), *account);
		Ok(known.map(|known| known.barred_until))
	}
}

impl Chain {
	/// Becomes a candidate: moves `amount`, the own bond, and the pool's deposit into a new pool. `commission` is its part of
	/// each reward, in billionths.
	pub fn bond(&self, key: &Key, role: StakeRole, amount: Balance, commission: u32) -> Call {
		let call = runtime::transactions().staking().bond(role.stored(), amount, Perbill(commission));
		self.submit(key, call)
	}

	/// Raises the account's own bond.
	pub fn bond_more(&self, key: &Key, role: StakeRole, amount: Balance) -> Call {
		self.submit(key, runtime::transactions().staking().bond_more(role.stored(), amount))
	}

	/// Delegates with another candidate.
	pub fn delegate(&self, key: &Key, role: StakeRole, operator: AccountId, amount: Balance) -> Call {
		self.submit(key, runtime::transactions().staking().delegate(role.stored(), operator, amount))
	}

	/// Takes out an amount, or all if there is not so much or too little would stay; what leaves, and when it is out.
	pub fn unbond(
		&self,
		key: &Key,
		role: StakeRole,
		operator: AccountId,
		amount: Balance,
	) -> Call<(Leaving, Receipt)> {
		let call = runtime::transactions().staking().unbond(role.stored(), operator, amount);
		self.signed(key, call, left)
	}

	/// Takes out an amount as [`unbond`](Self::unbond) does, to be delegated with another candidate when it is out.
	pub fn redelegate(
		&self,
		key: &Key,
		role: StakeRole,
		operator: AccountId,
		to: AccountId,
		amount: Balance,
	) -> Call<(Leaving, Receipt)> {
		let call = runtime::transactions().staking().redelegate(role.stored(), operator, to, amount);
		self.signed(key, call, left)
	}

	/// Pays out, or delegates as was ordered, what is out of an account's stake; anybody may, for anybody.
	pub fn withdraw_stake(
		&self,
		key: &Key,
		role: StakeRole,
		operator: AccountId,
		who: AccountId,
	) -> Call<(Withdrawn, Receipt)> {
		let call = runtime::transactions().staking().withdraw(role.stored(), operator, who);
		self.signed(key, call, |receipt| {
			use runtime::staking::events;
			let sum = |amounts: Vec<Balance>| amounts.into_iter().fold(0, Balance::saturating_add);
			let paid = receipt.all::<events::Withdrawn>()?.into_iter().map(|event| event.amount);
			let moved = receipt.all::<events::Redelegated>()?.into_iter().map(|event| event.amount);
			let burned = receipt.all::<events::DustBurned>()?.into_iter().map(|event| event.amount);
			let withdrawn = Withdrawn {
				paid: sum(paid.collect()),
				redelegated: sum(moved.collect()),
				burned: sum(burned.collect()),
				deposit: receipt.find::<events::PoolEnded>()?.map(|event| event.returned),
			};
			Ok((withdrawn, receipt))
		})
	}

	/// Lowers the account's commission, in billionths, at once, or announces a raise; the tick at which it counts, if it is a
	/// raise.
	pub fn set_commission(
		&self,
		key: &Key,
		role: StakeRole,
		commission: u32,
	) -> Call<(Option<Tick>, Receipt)> {
		let call = runtime::transactions().staking().set_commission(role.stored(), Perbill(commission));
		self.signed(key, call, |receipt| {
			let raise = receipt.find::<runtime::staking::events::RaiseAnnounced>()?;
			Ok((raise.map(|event| event.at), receipt))
		})
	}

	/// Makes the account count no more for a role; its stake stays and answers.
	pub fn chill(&self, key: &Key, role: StakeRole) -> Call {
		self.submit(key, runtime::transactions().staking().chill(role.stored()))
	}

	/// Makes a chilled account count again.
	pub fn resume(&self, key: &Key, role: StakeRole) -> Call {
		self.submit(key, runtime::transactions().staking().resume(role.stored()))
	}
}

/// What is on its way out now, as the event says.
fn left(receipt: Receipt) -> Result<(Leaving, Receipt), ChainError> {
	let event = receipt.find::<runtime::staking::events::Unbonded>()?;
	let event = event.ok_or(ChainError::Missing("the event of a stake that leaves"))?;
	Ok((Leaving { amount: event.amount, until: event.until, to: event.to }, receipt))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::{Played, event};
	use codec::Encode;
	use std::time::Duration;

	/// More than 64 bits hold.
	const MUCH: Balance = 1_000_000_000_000_000_000_000;

	async fn chain(node: &Played) -> Chain {
		Chain::connect(&node.url, Some(Duration::from_secs(3))).await.unwrap()
	}

	fn pool() -> StakePool {
		StakePool {
			own: MUCH,
			delegated: 2,
			leaving: 3,
			reserved: 4,
			counted: MUCH + 2,
			min_bond: 5,
			commission: 6,
			raise: Some(Raise { to: 7, at: 8 }),
			chilled: false,
			offences: 9,
			members: 10,
		}
	}

	fn positions() -> Vec<StakePosition> {
		let leaving = vec![Leaving { amount: 1, until: 9, to: Some(AccountId([3; 32])) }];
		let position = |role, worth| StakePosition {
			role,
			operator: AccountId([2; 32]),
			worth,
			leaving: leaving.clone(),
		};
		vec![position(StakeRole::Validator, MUCH), position(StakeRole::Verifier, 7)]
	}

	#[tokio::test]
	async fn pools_and_positions_are_read_as_the_runtime_tells_them() {
		let (node, who) = (Played::start().await, AccountId([1; 32]));
		node.state().last().set_stake_pool(StakeRole::Verifier, &who, &pool());
		node.state().last().set_stake_positions(&who, &positions());
		let view = chain(&node).await.finalised().await.unwrap();
		assert_eq!(view.stake_pool(StakeRole::Verifier, &who).await.unwrap(), Some(pool()));
		assert_eq!(view.stake_pool(StakeRole::Validator, &who).await.unwrap(), None);
		assert_eq!(view.candidates(StakeRole::Verifier).await.unwrap(), [(who, pool())]);
		assert_eq!(view.stake_positions(&who).await.unwrap(), positions());
		assert_eq!(view.next_validators().await.unwrap(), []);
	}

	#[tokio::test]
	async fn what_happens_to_pools_is_read_with_whose_stake_it_is() {
		let node = Played::start().await;
		let [operator, who, to] = [1, 2, 3].map(|byte| AccountId([byte; 32]));
		let events = [
			event("Staking", "Bonded", &[("operator", operator.encode()), ("amount", MUCH.encode())]),
			event(
				"Staking",
				"Redelegated",
				&[
					("who", who.encode()),
					("operator", operator.encode()),
					("to", to.encode()),
					("amount", 2u128.encode()),
				],
			),
			event(
				"Staking",
				"Rewarded",
				&[("operator", to.encode()), ("amount", 5u128.encode()), ("commission", 1u128.encode())],
			),
			event("Staking", "Slashed", &[("operator", to.encode()), ("amount", 4u128.encode())]),
			event("Staking", "Chilled", &[("operator", to.encode())]),
		];
		{
			let mut state = node.state();
			state.finalise();
			state.last().events = events.to_vec();
		}
		let found = chain(&node).await.finalised().await.unwrap().stake_events().await.unwrap();
		let role = StakeRole::Validator;
		assert_eq!(
			found,
			[
				StakeEvent { role, operator, what: StakeChange::PutIn { who: operator, amount: MUCH } },
				StakeEvent { role, operator: to, what: StakeChange::PutIn { who, amount: 2 } },
				StakeEvent { role, operator: to, what: StakeChange::Rewarded { amount: 5, commission: 1 } },
				StakeEvent { role, operator: to, what: StakeChange::Slashed { amount: 4 } },
			]
		);
	}

	#[tokio::test]
	async fn a_view_function_fails_as_a_storage_read_does_when_the_node_is_away_or_another_chain_s() {
		let (node, who) = (Played::start().await, AccountId([1; 32]));
		let view = chain(&node).await.finalised().await.unwrap();
		// Whether it is the same chain is not known yet.
		let blocks = {
			let mut state = node.state();
			state.chain = 2;
			state.finalised = 0;
			let blocks = state.blocks.clone();
			state.blocks.truncate(2);
			blocks
		};
		node.cut();
		let read = view.tick().await.unwrap_err();
		assert!(matches!(read, ChainError::NodeAway(_)), "{read}");
		let asked = view.stake_pool(StakeRole::Verifier, &who).await.unwrap_err();
		assert!(matches!(asked, ChainError::NodeAway(_)), "{asked}");
		{
			let mut state = node.state();
			(state.blocks, state.finalised) = (blocks, 5);
		}
		let asked = view.stake_pool(StakeRole::Verifier, &who).await.unwrap_err();
		assert!(matches!(asked, ChainError::AnotherChain(_)), "{asked}");
	}
}
