//! A block that pays its author and slashes it, in the runtime's own wasm, with its instructions counted.

use crate::{
	counted::Counted,
	wasm::{APPLY, header, time, wasm},
};
use anyhow::{Context, Result, anyhow, ensure};
use codec::{Decode, Encode};
use oda_pallet_traits::Role;
use oda_runtime::{
	AccountId, Balance, Balances, Emission, Runtime, RuntimeEvent, RuntimeOrigin, Session, Staking, System,
	UNIT, parameters::governed::staking::MinDelegation,
};
use oda_trials::genesis;
use pallet_emission::{PerBlock, Pot, Pots};
use pallet_oda_staking::{Exposure, Pools};
use polkadot_sdk::{
	frame_support::traits::{Get, fungible::Mutate},
	sp_io::TestExternalities,
	sp_runtime::{ApplyExtrinsicResult, DispatchError, Perbill},
	sp_staking::offence::{OffenceDetails, OnOffenceHandler},
	sp_state_machine::BasicExternalities,
};

/// What it takes to pay a validator and to slash it, in instructions of the runtime's wasm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Costs {
	/// Paying the author of a block, commission and pool.
	pub payout: u64,
	/// Applying an offence of it.
	pub slash: u64,
}

/// What the author is paid for the block.
const PAID: Balance = UNIT;

fn failed(error: DispatchError) -> anyhow::Error {
	anyhow!("{error:?}")
}

/// What the first block takes, from its start and to its end, by a validator with so many delegators; with `costs`, it is
/// paid and slashed.
fn block(runtime: &Counted, delegators: u32, costs: bool) -> Result<[u64; 2]> {
	let mut storage = genesis()?;
	let author = BasicExternalities::execute_with_storage(&mut storage, || {
		let author = Session::validators().into_iter().next().context("a validator")?;
		let amount: Balance = MinDelegation::get();
		for index in 0..delegators {
			// Keys of the state are hashed, so that these are spread like any.
			let mut who = [1; 32];
			who.iter_mut().zip(index.to_le_bytes()).for_each(|(byte, of)| *byte = of);
			let who = AccountId::from(who);
			Balances::mint_into(&who, amount.saturating_mul(2)).map_err(failed)?;
			let origin = RuntimeOrigin::signed(who);
			Staking::delegate(origin, Role::Validator, author.clone(), amount).map_err(failed)?;
		}
		if costs {
			let pot = PAID.saturating_mul(1_000);
			Balances::mint_into(&Emission::account(), pot).map_err(failed)?;
			Pots::<Runtime>::insert(Pot::Authors, pot);
			PerBlock::<Runtime>::put(PAID);
			let stake =
				Pools::<Runtime>::get(Role::Validator, &author).context("it has a pool")?.active.stake;
			let offender = (author.clone(), Exposure { stake });
			let details = OffenceDetails { offender, reporters: Vec::new() };
			<Staking as OnOffenceHandler<_, _, _>>::on_offence(&[details], &[Perbill::from_percent(50)], 0);
		}
		anyhow::Ok(author)
	})?;

	let mut state = TestExternalities::new(storage);
	let stake = |state: &mut TestExternalities| {
		state.execute_with(|| {
			let pool = Pools::<Runtime>::get(Role::Validator, &author).context("it has a pool")?;
			ensure!(pool.members == delegators.saturating_add(1), "{} are in the pool", pool.members);
			Ok(pool.total())
		})
	};
	let before = stake(&mut state)?;
	let (_, begin) = runtime.call(&mut state, "Core_initialize_block", &header(1).encode())?;
	let paid = stake(&mut state)?;
	let set = runtime.call(&mut state, APPLY, &time(1))?.0;
	let set = ApplyExtrinsicResult::decode(&mut &*set)?;
	ensure!(set == Ok(Ok(())), "the time is not set: {set:?}");
	let (_, end) = runtime.call(&mut state, "BlockBuilder_finalize_block", &[])?;
	let slashed = stake(&mut state)?;
	if costs {
		let event = state.execute_with(|| {
			System::events().into_iter().find_map(|record| match record.event {
				RuntimeEvent::Emission(pallet_emission::Event::AuthorPaid { amount, .. }) => Some(amount),
				_ => None,
			})
		});
		ensure!(event == Some(PAID), "the author is not paid: {event:?}");
		ensure!(paid > before, "the author's pool is not paid");
		// The stake that was behind it, less the payment.
		ensure!(slashed == paid.saturating_sub(before.div_euclid(2)), "{paid} became {slashed}");
	} else {
		ensure!(slashed == before, "nothing happens to the stake");
	}
	Ok([begin, end])
}

impl Costs {
	/// Counts them for a validator with each of so many delegators: a block with them less one without.
	///
	/// # Errors
	///
	/// A validator that is not paid, or not slashed.
	pub fn of<const N: usize>(delegators: [u32; N]) -> Result<[Self; N]> {
		let runtime = Counted::new(wasm()?)?;
		let mut all = [Self { payout: 0, slash: 0 }; N];
		for (costs, number) in all.iter_mut().zip(delegators) {
			let [begin, end] = block(&runtime, number, true)?;
			let [empty_begin, empty_end] = block(&runtime, number, false)?;
			*costs = Self { payout: begin.saturating_sub(empty_begin), slash: end.saturating_sub(empty_end) };
		}
		Ok(all)
	}
}
