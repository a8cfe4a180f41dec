//! What benchmarks need of the runtime.

use crate::*;
use codec::Decode;
use frame_system::RawOrigin;
use oda_pallet_traits::Role;
use oda_primitives::Tick;
use sp_runtime::{
	Perbill,
	traits::{Convert, TrailingZeroInput},
};

/// Sets the clock, registers keys and bonds.
pub struct Helper;

fn set_tick(tick: Tick) {
	pallet_clock::Now::<Runtime>::put(tick);
}

/// Gives an account as much as it may need.
fn endow(who: &AccountId) {
	let amount = UNIT.saturating_mul(1_000_000);
	let _ = <Balances as frame_support::traits::fungible::Mutate<_>>::mint_into(who, amount);
}

impl pallet_training::BenchmarkHelper for Helper {
	fn set_tick(tick: Tick) {
		set_tick(tick);
	}
}

impl pallet_storage_deals::SetTick for Helper {
	fn set_tick(tick: Tick) {
		set_tick(tick);
	}
}

impl pallet_inference::SetTick for Helper {
	fn set_tick(tick: Tick) {
		set_tick(tick);
	}
}

impl pallet_verification::SetEpoch for Helper {
	fn set_epoch(epoch: pallet_verification::EpochIndex) {
		pallet_session::CurrentIndex::<Runtime>::put(epoch);
	}
}

impl pallet_oda_staking::BenchmarkHelper<AccountId> for Helper {
	fn set_tick(tick: Tick) {
		set_tick(tick);
	}

	fn register_keys(who: &AccountId) {
		// Keys that nobody else has; elections do not ask who owns them.
		let seed = sp_io::hashing::blake2_256(&codec::Encode::encode(who));
		let keys = SessionKeys::decode(&mut TrailingZeroInput::new(&seed));
		pallet_session::NextKeys::<Runtime>::set(who, keys.ok());
	}
}

impl pallet_reputation::BenchmarkHelper<AccountId> for Helper {
	fn set_tick(tick: Tick) {
		set_tick(tick);
	}

	fn endow(who: &AccountId) {
		endow(who);
	}
}

impl pallet_tier_voting::BenchmarkHelper for Helper {
	fn next_block() {
		governance::proposals::Now::<Runtime>::mutate(|now| *now = now.saturating_add(1));
	}
}

impl pallet_treasury::ArgumentsFactory<(), AccountId> for Helper {
	fn create_asset_kind(_: u32) {}

	fn create_beneficiary(seed: [u8; 32]) -> AccountId {
		let who = AccountId::from(seed);
		endow(&who);
		who
	}
}

impl pallet_emission::BenchmarkHelper<AccountId> for Helper {
	fn set_tick(tick: Tick) {
		set_tick(tick);
	}

	fn candidate(role: Role, who: &AccountId) {
		let bond = configs::stakes::MinBond::convert(role);
		let delegator = AccountId::new(sp_io::hashing::blake2_256(&codec::Encode::encode(who)));
		endow(who);
		endow(&delegator);
		let operator = RuntimeOrigin::from(RawOrigin::Signed(who.clone()));
		let _ = Staking::bond(operator, role, bond, Perbill::from_percent(10));
		let _ = Staking::delegate(RawOrigin::Signed(delegator).into(), role, who.clone(), bond);
	}
}
