//! A runtime with balances, tiers that tests set, polls that tests start and end, and the votes.

use crate as pallet_tier_voting;
use crate::{Behind, HoldReason, Tally, TotalVotes, Turnout, Votes, WeightInfo};
use codec::{Decode, Encode};
use oda_pallet_traits::{Deed, Evidence, Tier, TierWatcher, Tiers};
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{
			ConstU32, ConstU64, LinearStoragePrice, PollStatus, Polling, VoteTally,
			fungible::{HoldConsideration, InspectHold},
		},
		weights::Weight,
	},
	frame_system, pallet_balances, sp_io,
	sp_runtime::{BuildStorage, DispatchError, DispatchResult, traits::Dispatchable},
};
use std::collections::BTreeMap;

type Block = frame_system::mocking::MockBlock<Test>;

#[polkadot_sdk::frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Test>;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances::Pallet<Test>;
	#[runtime::pallet_index(2)]
	pub type Voting = pallet_tier_voting::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ConstU64<10>;
}

/// A poll.
#[derive(Clone, Encode, Decode)]
pub(crate) enum PollState {
	Ongoing(Tally<Test>, u16),
	Completed(bool),
	Cancelled,
}

parameter_types! {
	pub(crate) storage AllPolls: BTreeMap<u32, PollState> = BTreeMap::new();
	/// How often a poll was touched, so that whoever keeps it would have looked at it.
	pub storage Touches: BTreeMap<u32, u32> = BTreeMap::new();
	pub storage AllTiers: BTreeMap<u64, Tier> = BTreeMap::new();
	/// How often who was seen to vote, in which order.
	pub storage Seen: Vec<(u64, u32)> = Vec::new();
	/// The tier that whoever is seen to vote has from then on, if any.
	pub storage Promotes: Option<Tier> = None;
	/// Enough for an account, whatever it votes on; and so for two that vote on less.
	pub CatchUpWeight: Weight =
		<() as WeightInfo>::catch_up(3 * MAX_VOTES).saturating_add(Weight::from_parts(1_750_000_000, u64::MAX));
	pub const ListHold: RuntimeHoldReason = RuntimeHoldReason::Voting(HoldReason::ListDeposit);
}

impl pallet_tier_voting::Config for Test {
	type Polls = TestPolls;
	type Tiers = TestTiers;
	type Evidence = Witness;
	type ListDeposit =
		HoldConsideration<u64, Balances, ListHold, LinearStoragePrice<ConstU64<5>, ConstU64<1>, u64>>;
	type MaxVotes = ConstU32<MAX_VOTES>;
	type MaxClasses = ConstU32<3>;
	type CatchUpWeight = CatchUpWeight;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Blocks;
}

/// Polls here have no time.
#[cfg(feature = "runtime-benchmarks")]
pub struct Blocks;
#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for Blocks {
	fn next_block() {}
}

pub struct TestTiers;
impl Tiers<u64> for TestTiers {
	fn tier(who: &u64) -> Tier {
		AllTiers::get().get(who).copied().unwrap_or_default()
	}

	fn is_suspended(_: &u64) -> bool {
		false
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_for_benchmark(who: &u64, tier: Tier) {
		change_tier(*who, tier);
	}
}

/// Writes down what it is told.
pub struct Witness;
impl Evidence<u64> for Witness {
	fn saw(who: &u64, deed: Deed) {
		Self::saw_times(who, deed, 1);
	}

	fn saw_times(who: &u64, deed: Deed, times: u32) {
		assert!(matches!(deed, Deed::Voted(_)));
		let mut seen = Seen::get();
		seen.push((*who, times));
		Seen::set(&seen);
		if let Some(tier) = Promotes::get() {
			set_tier(*who, tier);
		}
	}
}

/// Behaves as `pallet-referenda` 50.0.0 does: what is ongoing is stored again and looked at after each
/// access.
pub struct TestPolls;
impl Polling<Tally<Test>> for TestPolls {
	type Index = u32;
	type Votes = Votes;
	type Moment = u64;
	type Class = u16;

	fn classes() -> Vec<u16> {
		vec![0, 1, 2]
	}

	fn as_ongoing(poll: u32) -> Option<(Tally<Test>, u16)> {
		match AllPolls::get().remove(&poll)? {
			PollState::Ongoing(tally, class) => Some((tally, class)),
			PollState::Completed(_) | PollState::Cancelled => None,
		}
	}

	fn access_poll<R>(poll: u32, f: impl FnOnce(PollStatus<&mut Tally<Test>, u64, u16>) -> R) -> R {
		Self::try_access_poll(poll, |status| Ok(f(status))).unwrap()
	}

	fn try_access_poll<R>(
		poll: u32,
		f: impl FnOnce(PollStatus<&mut Tally<Test>, u64, u16>) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		let mut polls = AllPolls::get();
		match polls.get_mut(&poll) {
			Some(PollState::Ongoing(tally, class)) => {
				let result = f(PollStatus::Ongoing(tally, *class))?;
				AllPolls::set(&polls);
				let mut touches = Touches::get();
				*touches.entry(poll).or_default() += 1;
				Touches::set(&touches);
				Ok(result)
			}
			Some(PollState::Completed(approved)) => f(PollStatus::Completed(0, *approved)),
			Some(PollState::Cancelled) | None => f(PollStatus::None),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_ongoing(class: u16) -> Result<u32, ()> {
		Ok(start(class))
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn end_ongoing(poll: u32, approved: bool) -> Result<(), ()> {
		Self::as_ongoing(poll).ok_or(())?;
		end(poll, approved);
		Ok(())
	}
}

pub(crate) const MAX_VOTES: u32 = 4;
pub(crate) const ALICE: u64 = 1;
pub(crate) const BOB: u64 = 2;
pub(crate) const CAROL: u64 = 3;
pub(crate) const DAVE: u64 = 4;
/// Has no tier.
pub(crate) const NOBODY: u64 = 5;
/// Has nearly nothing.
pub(crate) const POOR: u64 = 6;
/// Their tiers at genesis.
pub(crate) const TIERS: [(u64, Tier); 5] = [(ALICE, 1), (BOB, 2), (CAROL, 3), (DAVE, 4), (POOR, 1)];
/// What the rich start with.
pub(crate) const ENDOWMENT: u64 = 100_000;
/// An entry of a list of votes: its key, and the list at its longest.
pub(crate) const VOTES_DEPOSIT: u64 = 5 + 8 + 1 + MAX_VOTES as u64 * (4 + 2 + 1 + 4);
/// An entry of a list of delegations, and one a track of what is delegated.
pub(crate) const DELEGATIONS_DEPOSIT: u64 = 5 + (8 + 1 + 3 * (2 + 8)) + 3 * (8 + 2 + 4);

/// The chain at genesis, without polls.
pub(crate) fn ext() -> sp_io::TestExternalities {
	let rich = [ALICE, BOB, CAROL, DAVE, NOBODY].map(|who| (who, ENDOWMENT));
	let balances = rich.into_iter().chain([(POOR, 10)]).collect();
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = genesis.build_storage().unwrap().into();
	ext.execute_with(|| {
		System::set_block_number(1);
		TIERS.into_iter().for_each(|(who, tier)| set_tier(who, tier));
	});
	ext
}

/// Runs `test` on it, and checks the invariants afterwards.
pub(crate) fn run(test: impl FnOnce()) {
	ext().execute_with(|| {
		test();
		check();
	});
}

/// What holds always.
pub(crate) fn check() {
	Voting::do_try_state().unwrap();
	let counted = AllTiers::get().into_keys().map(|who| Votes::from(Voting::counted(&who)));
	assert_eq!(TotalVotes::<Test>::get(), counted.sum::<Votes>(), "all votes are all tiers");
}

/// Lets an account's tier be another one.
pub(crate) fn change_tier(who: u64, tier: Tier) {
	let mut tiers = AllTiers::get();
	let before = tiers.insert(who, tier).unwrap_or_default();
	AllTiers::set(&tiers);
	<Voting as TierWatcher<u64>>::tier_changed(&who, before, tier);
}

/// Lets an account's tier be another one, and its votes catch up.
pub(crate) fn set_tier(who: u64, tier: Tier) {
	change_tier(who, tier);
	let behind = Behind::<Test>::contains_key(who);
	assert_eq!(catch_up(NOBODY, who).is_ok(), behind);
}

/// Starts a poll of a track.
pub(crate) fn start(class: u16) -> u32 {
	let mut polls = AllPolls::get();
	let poll = polls.len() as u32;
	polls.insert(poll, PollState::Ongoing(Tally::new(class), class));
	AllPolls::set(&polls);
	poll
}

/// Starts as many polls of a track as an account can vote on.
pub(crate) fn start_all(class: u16) -> Vec<u32> {
	(0..MAX_VOTES).map(|_| start(class)).collect()
}

/// Ends a poll.
pub(crate) fn end(poll: u32, approved: bool) {
	set_poll(poll, PollState::Completed(approved));
}

/// Ends a poll without a decision.
pub(crate) fn cancel(poll: u32) {
	set_poll(poll, PollState::Cancelled);
}

/// Lets a poll be in this state.
pub(crate) fn set_poll(poll: u32, state: PollState) {
	let mut polls = AllPolls::get();
	polls.insert(poll, state);
	AllPolls::set(&polls);
}

/// Dispatches a call, and undoes what it did if it fails.
pub(crate) fn dispatch(who: u64, call: impl Into<RuntimeCall>) -> DispatchResult {
	call.into().dispatch(RuntimeOrigin::signed(who)).map(|_| ()).map_err(|failed| failed.error)
}

pub(crate) fn vote(who: u64, poll: u32, aye: bool) -> DispatchResult {
	dispatch(who, crate::Call::<Test>::vote { poll, aye })
}

pub(crate) fn retract(who: u64, poll: u32) -> DispatchResult {
	dispatch(who, crate::Call::<Test>::retract { poll })
}

pub(crate) fn forget(caller: u64, who: u64) -> DispatchResult {
	dispatch(caller, crate::Call::<Test>::forget { who })
}

pub(crate) fn delegate(who: u64, class: u16, to: u64) -> DispatchResult {
	dispatch(who, crate::Call::<Test>::delegate { class, to })
}

pub(crate) fn undelegate(who: u64, class: u16) -> DispatchResult {
	dispatch(who, crate::Call::<Test>::undelegate { class })
}

pub(crate) fn catch_up(caller: u64, who: u64) -> DispatchResult {
	dispatch(caller, crate::Call::<Test>::catch_up { who })
}

/// The ayes and nays of an ongoing poll.
pub(crate) fn tally(poll: u32) -> (Votes, Votes) {
	let Turnout { ayes, nays, .. } = Voting::turnout(poll).unwrap();
	(ayes, nays)
}

/// The number of times that a poll was touched.
pub(crate) fn touches(poll: u32) -> u32 {
	Touches::get().get(&poll).copied().unwrap_or_default()
}

/// What is on hold of an account.
pub(crate) fn held(who: u64) -> u64 {
	Balances::balance_on_hold(&HoldReason::ListDeposit.into(), &who)
}

/// Whether it happened.
pub(crate) fn happened(event: crate::Event<Test>) -> bool {
	System::events().into_iter().any(|record| record.event == RuntimeEvent::Voting(event.clone()))
}
