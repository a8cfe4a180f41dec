//! Whatever is done in whatever order: nothing panics, the state stays sound, and no funds appear or vanish but by
//! the burns that events record.

use super::*;
use oda_pallet_traits::Heads;
use polkadot_sdk::{
	frame_support::traits::fungible::Inspect, frame_system::RawOrigin, sp_runtime::testing::TestSignature,
};
use proptest::prelude::*;

/// One thing that somebody does. Deals are counted back from the last.
#[derive(Clone, Debug)]
pub(super) enum Step {
	Bind(u64),
	Unbind(u64),
	Enlist(u64, u64),
	SetCapacity(u64, u64),
	Retire(u64),
	Withdraw(u64),
	Offer {
		mib: u64,
		replicas: u8,
		rounds: u32,
		price: u64,
		more: u64,
	},
	Cancel(u64),
	Take(u64, u64),
	Quit(u64, u64),
	Stay(u64, u64),
	Fund(u8, u64),
	/// A model is retired.
	Close(u8),
	Prove(u64, u64),
	/// Everybody proves what they can.
	ProveAll,
	Settle(u64),
	SetHead(u8, Option<[u8; 2]>),
	Sweep(u32),
	Pass(Tick),
	/// No hook runs for a while.
	Stand(Tick),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
	let (who, deal) = (1..=4u64, 0..5u64);
	let capacity = (0..25u64).prop_map(|mib| mib << 20);
	prop_oneof![
		1 => who.clone().prop_map(Step::Bind),
		1 => who.clone().prop_map(Step::Unbind),
		2 => (who.clone(), capacity.clone()).prop_map(|(who, capacity)| Step::Enlist(who, capacity)),
		2 => (who.clone(), capacity).prop_map(|(who, capacity)| Step::SetCapacity(who, capacity)),
		1 => who.clone().prop_map(Step::Retire),
		2 => who.clone().prop_map(Step::Withdraw),
		4 => (0..7u64, 0..6u8, 0..30u32, 1..50u64, 0..50u64).prop_map(|(mib, replicas, rounds, price, more)| {
			Step::Offer { mib, replicas, rounds, price, more }
		}),
		1 => deal.clone().prop_map(Step::Cancel),
		8 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Step::Take(who, deal)),
		1 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Step::Quit(who, deal)),
		2 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Step::Stay(who, deal)),
		4 => (who, deal.clone()).prop_map(|(who, deal)| Step::Prove(who, deal)),
		2 => (0..3u8, prop_oneof![1..2_000u64, Just(30_000u64)]).prop_map(|(model, amount)| Step::Fund(model, amount)),
		1 => (0..3u8).prop_map(Step::Close),
		4 => Just(Step::ProveAll),
		2 => deal.prop_map(Step::Settle),
		2 => (0..3u8, proptest::option::of([0..4u8, 0..4u8])).prop_map(|(model, blobs)| Step::SetHead(model, blobs)),
		1 => (0..4u32).prop_map(Step::Sweep),
		10 => (1..15u64).prop_map(Step::Pass),
		1 => (1..60u64).prop_map(Step::Stand),
	]
}

/// The deal that many from the last.
fn back(deal: u64) -> DealId {
	NextDeal::<Test>::get().saturating_sub(deal + 1)
}

/// It is dispatched as if the pool had let it through: the chunk is not looked at again.
fn answer(who: u64, deal: DealId) {
	let proof = RangeProof { start: 0, len: 0, chunks: vec![], siblings: vec![] };
	let signature = TestSignature(who, vec![]);
	let due = StorageDeals::challenge(deal, who).is_some();
	let result = StorageDeals::prove(RawOrigin::Authorized.into(), deal, round(), who, proof, signature);
	assert_eq!(result.is_ok(), due);
}

/// Whether it was refused is not the question.
fn ignore<T, E>(_: Result<T, E>) {}

/// Does it; refusals are as good as success, as long as they change nothing.
pub(super) fn make(step: Step) {
	let signed = RuntimeOrigin::signed;
	match step {
		Step::Bind(who) => ignore(bind(who)),
		Step::Unbind(who) => ignore(Peers::unbind(signed(who))),
		Step::Enlist(who, capacity) => ignore(StorageDeals::enlist(signed(who), capacity)),
		Step::SetCapacity(who, capacity) => ignore(StorageDeals::set_capacity(signed(who), capacity)),
		Step::Retire(who) => ignore(StorageDeals::retire(signed(who))),
		Step::Withdraw(who) => ignore(StorageDeals::withdraw(signed(who))),
		Step::Offer { mib, replicas, rounds, price, more } => {
			let blob = BlobRef { root: [mib as u8; 32], len: mib * 700_000 };
			ignore(StorageDeals::offer(signed(PAYER), blob, replicas, rounds, price, price + more));
		}
		Step::Cancel(deal) => ignore(StorageDeals::cancel(signed(PAYER), back(deal))),
		Step::Take(who, deal) => ignore(take(who, back(deal))),
		Step::Quit(who, deal) => ignore(quit(who, back(deal))),
		Step::Stay(who, deal) => ignore(stay(who, back(deal))),
		Step::Fund(model, amount) => ignore(fund([model; 32], amount)),
		Step::Close(model) => Closed::mutate(|closed| closed.push([model; 32])),
		Step::Prove(who, deal) => answer(who, back(deal)),
		Step::ProveAll => {
			for deal in 0..5 {
				KEEPERS.into_iter().for_each(|who| answer(who, back(deal)));
			}
		}
		Step::Settle(deal) => ignore(settle(back(deal))),
		Step::SetHead(model, blobs) => {
			let blob = |of: u8| BlobRef { root: [of; 32], len: u64::from(of) * 2_000_000 };
			StorageDeals::set_head(&[model; 32], blobs.map(|blobs| blobs.map(blob)));
		}
		Step::Sweep(deals) => SweepDeals::set(deals),
		Step::Pass(ticks) => pass(ticks),
		Step::Stand(ticks) => Time::set(Time::get() + ticks),
	}
}

/// The accounts of all models.
fn models() -> [u64; 3] {
	[0, 1, 2].map(|model| StorageDeals::model_account(&[model; 32]))
}

fn check(issued: u64) {
	StorageDeals::do_try_state().unwrap();
	Peers::do_try_state().unwrap();
	let issuance = <Balances as Inspect<_>>::total_issuance();
	assert_eq!(issuance + burned(), issued, "issuance is not what the events say");
	let everybody = KEEPERS.into_iter().chain([PAYER, POOR]).chain(models());
	assert_eq!(everybody.map(wealth).sum::<u64>(), issuance, "somebody else has something");
}

proptest! {
	#![proptest_config(ProptestConfig { max_shrink_iters: 1_000, ..ProptestConfig::with_cases(128) })]

	#[test]
	fn any_sequence_keeps_the_state_sound_and_ends(
		steps in prop::collection::vec(step(), 1..150),
	) {
		Closed::set(vec![]);
		bare_ext().execute_with(|| {
			(1..=3).for_each(|who| enlist(who, 12 << 20));
			let issued = <Balances as Inspect<_>>::total_issuance();
			for step in steps {
				make(step);
				check(issued);
			}
			// All heads are dropped, and everything ends by itself.
			(0..3).for_each(|model| StorageDeals::set_head(&[model; 32], None));
			SweepDeals::set(20);
			pass(10 * 45);
			check(issued);
			assert_eq!(Deals::<Test>::iter().count(), 0);
			assert_eq!(HeadDeals::<Test>::iter().count(), 0);
			for who in KEEPERS {
				let _ = StorageDeals::retire(RuntimeOrigin::signed(who));
			}
			pass(UNBONDING);
			for who in KEEPERS {
				let _ = StorageDeals::withdraw(RuntimeOrigin::signed(who));
				let _ = Peers::unbind(RuntimeOrigin::signed(who));
			}
			check(issued);
			for who in KEEPERS.into_iter().chain([PAYER]).chain(models()) {
				assert_eq!(Balances::reserved_balance(who), 0, "something of {} stays on hold", who);
			}
		});
	}
}
