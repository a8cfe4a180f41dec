//! What stakes have earned of late: what they are worth now, less what they were worth and what was put in since.

use anyhow::Context as _;
use oda_client::{
	AccountId, Balance, Chain, ChainError, Leaving, StakeChange, StakeEvent, StakePosition, StakeRole, View,
};
use serde::Serialize;

/// Blocks that are looked back unless somebody says from which: a node keeps the state of at least so many.
const LOOK_BACK: u64 = 200;

/// What an account has earned with one candidate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Earned {
	/// What the candidate is bonded for.
	pub role: StakeRole,
	/// The candidate.
	pub operator: AccountId,
	/// What is bonded or delegated now.
	pub worth: Balance,
	/// What was put in.
	pub put_in: Balance,
	/// What was taken out, and is leaving or gone.
	pub taken_out: Balance,
	/// What the rest has risen by; less than nothing if slashes took more than rewards gave.
	pub earned: i128,
	/// The commission that was paid to the account beside it, if it is the candidate.
	pub commission: Balance,
	/// What is on its way out, or is out and can be withdrawn.
	pub leaving: Vec<Leaving>,
}

/// What an account's stakes earned between two blocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rewards {
	/// The block after which it is counted.
	pub since: u64,
	/// The last one.
	pub until: u64,
	/// By role and candidate.
	pub earned: Vec<Earned>,
}

/// What an account's stakes have earned after block `since`, or in the last 200 blocks, up to the last final one.
///
/// # Errors
///
/// That block is not final yet, or the node no longer has its state.
pub async fn of(chain: &Chain, account: &AccountId, since: Option<u64>) -> anyhow::Result<Rewards> {
	let now = chain.finalised().await?;
	let until = now.number();
	let since = since.unwrap_or_else(|| until.saturating_sub(LOOK_BACK));
	let gone = |number: u64| {
		format!(
			"the state of block {number}, which this node may no longer have: name a later one (--since), or ask a node \
			 that keeps all (--state-pruning archive)"
		)
	};
	let then = at(chain, since).await.with_context(|| gone(since))?;
	let before = then.stake_positions(account).await.with_context(|| gone(since))?;
	let mut events = Vec::new();
	for number in since.saturating_add(1)..=until {
		let view = at(chain, number).await.with_context(|| gone(number))?;
		events.extend(view.stake_events().await.with_context(|| gone(number))?);
	}
	let after = now.stake_positions(account).await?;
	Ok(Rewards { since, until, earned: earned(account, &before, &events, after) })
}

async fn at(chain: &Chain, number: u64) -> Result<View, ChainError> {
	chain.at(number).await?.ok_or(ChainError::Missing("the block, which is not final yet"))
}

/// What came between two looks at an account's stakes.
fn earned(
	account: &AccountId,
	before: &[StakePosition],
	events: &[StakeEvent],
	after: Vec<StakePosition>,
) -> Vec<Earned> {
	let mut found: Vec<Earned> = Vec::new();
	let of = |role, operator, worth, leaving| Earned {
		role,
		operator,
		worth,
		put_in: 0,
		taken_out: 0,
		earned: signed(worth),
		commission: 0,
		leaving,
	};
	found.extend(after.into_iter().map(|now| of(now.role, now.operator, now.worth, now.leaving)));
	let mut with = |role: StakeRole, operator: AccountId, change: &dyn Fn(&mut Earned)| {
		let known = found.iter().position(|earned| earned.role == role && earned.operator == operator);
		let place = known.unwrap_or_else(|| {
			found.push(of(role, operator, 0, Vec::new()));
			found.len() - 1
		});
		if let Some(earned) = found.get_mut(place) {
			change(earned);
		}
	};
	for then in before {
		with(then.role, then.operator, &|earned| earned.earned -= signed(then.worth));
	}
	for StakeEvent { role, operator, what } in events {
		match what {
			StakeChange::PutIn { who, amount } if who == account => with(*role, *operator, &|earned| {
				earned.put_in += amount;
				earned.earned -= signed(*amount);
			}),
			StakeChange::TakenOut { who, amount } if who == account => with(*role, *operator, &|earned| {
				earned.taken_out += amount;
				earned.earned += signed(*amount);
			}),
			StakeChange::Rewarded { commission, .. } if operator == account => {
				with(*role, *operator, &|earned| earned.commission += commission);
			}
			_ => {}
		}
	}
	found
}

/// No more money exists than a signed number holds.
fn signed(amount: Balance) -> i128 {
	amount.try_into().unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::played::Stage;
	use oda_client::played::event;

	fn position(operator: AccountId, worth: Balance) -> StakePosition {
		StakePosition { role: StakeRole::Validator, operator, worth, leaving: Vec::new() }
	}

	#[tokio::test]
	async fn what_stakes_earned_is_what_they_rose_by_beyond_what_was_put_in() {
		let stage = Stage::set().await;
		let (me, other, old) = (stage.me(), AccountId([2; 32]), AccountId([3; 32]));
		let about = |operator: &AccountId, who: &AccountId, amount: u128| {
			vec![
				("operator", operator.0.to_vec()),
				("who", who.0.to_vec()),
				("amount", amount.to_le_bytes().to_vec()),
			]
		};
		stage.finalise(|block| {
			block.set_stake_positions(&me, &[position(me, 1_000), position(old, 50)]);
			// Before what is counted.
			block.events = vec![event("Staking", "Delegated", &about(&me, &me, 7))];
		});
		let since = stage.node.state().best() as u64;
		stage.finalise(|block| {
			let paid = [
				("operator", me.0.to_vec()),
				("amount", 90u128.to_le_bytes().to_vec()),
				("commission", 10u128.to_le_bytes().to_vec()),
			];
			block.events = vec![
				event("Staking", "Delegated", &about(&me, &me, 100)),
				event("Staking", "Delegated", &about(&me, &other, 5)),
				event("Staking", "Unbonded", &about(&old, &me, 40)),
				event("Staking", "Rewarded", &paid),
			];
		});
		stage.finalise(|block| {
			block.set_stake_positions(&me, &[position(me, 1_180)]);
		});
		let actor = stage.actor().await;
		let rewards = of(&actor.chain, &me, Some(since)).await.unwrap();
		assert_eq!((rewards.since, rewards.until), (since, since + 2));
		let [own, left] = <[_; 2]>::try_from(rewards.earned).unwrap();
		assert_eq!(
			(own.operator, own.worth, own.put_in, own.earned, own.commission),
			(me, 1_180, 100, 80, 10)
		);
		// Fifty were there, forty left, and ten were taken.
		assert_eq!((left.operator, left.worth, left.taken_out, left.earned), (old, 0, 40, -10));
		let later = of(&actor.chain, &me, Some(since + 3)).await.unwrap_err();
		assert!(format!("{later:#}").contains("not final yet"), "{later:#}");
	}
}
