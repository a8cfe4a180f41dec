//! A runtime with balances, sessions and staking, and small numbers.

use crate as pallet_oda_staking;
use crate::{Absences, Candidate, Error, Event, Exposure, ExposureNow, HoldReason, PoolOf, PoolView, Pools};
use oda_pallet_traits::{OwnStakes, Rewards, Role, StakeWatcher, Stakes, Tier, TierWatcher as _, Tiers};
use oda_primitives::{Tick, hash};
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{
			ConstU32, ConstU64, Hooks, Imbalance, OneSessionHandler,
			fungible::{Balanced, Credit, Inspect, InspectHold},
		},
		weights::WeightMeter,
	},
	frame_system, pallet_balances, sp_io,
	sp_runtime::{
		BoundToRuntimeAppPublic, BuildStorage, DispatchResult, Perbill, impl_opaque_keys,
		testing::UintAuthorityId,
		traits::{Convert, ConvertInto},
	},
	sp_staking::{
		SessionIndex,
		offence::{Kind, Offence, OffenceDetails, OnOffenceHandler, ReportOffence},
	},
};

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
	// Before session, whose genesis asks for validators.
	#[runtime::pallet_index(2)]
	pub type Staking = pallet_oda_staking::Pallet<Test>;
	#[runtime::pallet_index(3)]
	pub type Session = pallet_session::Pallet<Test>;
	#[runtime::pallet_index(4)]
	pub type Historical = pallet_session::historical::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ConstU64<ED>;
}

/// Does nothing with a session's keys.
pub struct Keeper;

impl OneSessionHandler<u64> for Keeper {
	type Key = UintAuthorityId;

	fn on_genesis_session<'a, I>(_: I)
	where
		I: Iterator<Item = (&'a u64, Self::Key)> + 'a,
	{
	}

	fn on_new_session<'a, I>(_: bool, _: I, _: I)
	where
		I: Iterator<Item = (&'a u64, Self::Key)> + 'a,
	{
	}

	/// Reports those that [`Silent`] names, as im-online does.
	fn on_before_session_ending() {
		let current = Session::current_index();
		let silent = Silent::get();
		let offenders: Vec<_> =
			Session::validators().into_iter().filter(|who| silent.contains(who)).collect();
		if !offenders.is_empty() {
			let exposed = |who| (who, <ExposureNow<Test>>::convert(who).unwrap());
			let offenders = offenders.into_iter().map(exposed).collect();
			<Absences<Test>>::report_offence(vec![], Absence { session: current, offenders }).unwrap();
		}
	}

	fn on_disabled(_: u32) {}
}

impl BoundToRuntimeAppPublic for Keeper {
	type Public = UintAuthorityId;
}

impl_opaque_keys! {
	pub struct Keys {
		pub keeper: Keeper,
	}
}

/// What is said of validators that do not respond.
pub(crate) struct Absence {
	pub(crate) session: SessionIndex,
	pub(crate) offenders: Vec<(u64, Exposure<u64>)>,
}

impl Offence<(u64, Exposure<u64>)> for Absence {
	const ID: Kind = *b"mock:absent_____";
	type Slot = SessionIndex;

	fn offenders(&self) -> Vec<(u64, Exposure<u64>)> {
		self.offenders.clone()
	}
	fn session_index(&self) -> SessionIndex {
		self.session
	}
	fn validator_set_count(&self) -> u32 {
		Session::validators().len() as u32
	}
	fn slot(&self) -> SessionIndex {
		self.session
	}
	fn slash_fraction(&self, _: u32) -> Perbill {
		ABSENCE
	}
}

impl pallet_session::Config for Test {
	type Currency = Balances;
	type DisablingStrategy = pallet_session::disabling::UpToLimitWithReEnablingDisablingStrategy<3>;
	type KeyDeposit = ();
	type Keys = Keys;
	type NextSessionRotation = pallet_session::PeriodicSessions<ConstU64<SESSION>, ConstU64<0>>;
	type RuntimeEvent = RuntimeEvent;
	type SessionHandler = (Keeper,);
	type SessionManager = pallet_session::historical::NoteHistoricalRoot<Test, Staking>;
	type ShouldEndSession = pallet_session::PeriodicSessions<ConstU64<SESSION>, ConstU64<0>>;
	type ValidatorId = u64;
	type ValidatorIdOf = ConvertInto;
	type WeightInfo = ();
}

impl pallet_session::historical::Config for Test {
	type FullIdentification = Exposure<u64>;
	type FullIdentificationOf = ExposureNow<Test>;
	type RuntimeEvent = RuntimeEvent;
}

/// An account's least balance.
pub(crate) const ED: u64 = 10;
/// The least own bond, whatever the role.
pub(crate) const MIN_BOND: u64 = 100_000;
pub(crate) const MIN_DELEGATION: u64 = 10_000;
/// Ticks in which leaving stake answers.
pub(crate) const TERM: Tick = 100;
/// Blocks of a session, each a tick.
pub(crate) const SESSION: u64 = 5;
pub(crate) const REPORT_SESSIONS: SessionIndex = 3;
pub(crate) const NOTICE: Tick = 30;
pub(crate) const MAX_LEAVING: u32 = 4;
pub(crate) const MAX_CANDIDATES: u32 = 6;
pub(crate) const MAX_OFFENCES: u32 = 3;
/// What not responding in a session costs.
pub(crate) const ABSENCE: Perbill = Perbill::from_percent(1);

parameter_types! {
	/// What time it is.
	pub static Time: Tick = 100;
	pub static Bonding: Tick = TERM;
	pub static Least: u64 = MIN_BOND;
	pub static Count: u32 = 4;
	pub static MinValidators: u32 = 2;
	pub static PerBlock: u32 = 1;
	pub static MaxCommission: Perbill = Perbill::from_percent(50);
	/// Validators that do not respond.
	pub static Silent: Vec<u64> = vec![];
	/// What the watcher was told, in this order.
	pub static Told: Vec<(Role, u64, u64)> = vec![];
	/// The accounts that are suspended.
	pub static Suspended: Vec<u64> = vec![];
}

/// Remembers what it is told.
pub struct Watcher;
impl StakeWatcher<u64, u64> for Watcher {
	fn changed(role: Role, who: &u64, active: u64) {
		Told::mutate(|told| told.push((role, *who, active)));
	}
}

/// Knows who is suspended.
pub struct Reputations;
impl Tiers<u64> for Reputations {
	fn tier(_: &u64) -> Tier {
		0
	}

	fn is_suspended(who: &u64) -> bool {
		Suspended::get().contains(who)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_for_benchmark(_: &u64, _: Tier) {}
}

/// Suspends an account.
pub(crate) fn suspend(who: u64) {
	Suspended::mutate(|suspended| suspended.push(who));
	Staking::suspended(&who);
}

/// The first bytes of what the account is called.
pub struct PoolAccount;
impl Convert<Candidate<u64>, u64> for PoolAccount {
	fn convert((role, operator): Candidate<u64>) -> u64 {
		u64::from_le_bytes(hash::pool_account(role as u8, &operator)[..8].try_into().unwrap())
	}
}

/// The same for each role.
pub struct MinBond;
impl Convert<Role, u64> for MinBond {
	fn convert(_: Role) -> u64 {
		Least::get()
	}
}

impl pallet_oda_staking::Config for Test {
	type Clock = Time;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type PoolAccount = PoolAccount;
	type Tiers = Reputations;
	type Watcher = Watcher;
	type Sessions = Session;
	type MinBond = MinBond;
	type MinDelegation = ConstU64<MIN_DELEGATION>;
	type MaxCommission = MaxCommission;
	type CommissionNotice = ConstU64<NOTICE>;
	type BondingDuration = Bonding;
	type SessionLength = ConstU64<SESSION>;
	type ReportSessions = ConstU32<REPORT_SESSIONS>;
	type ValidatorCount = Count;
	type MinValidators = MinValidators;
	type MaxCandidates = ConstU32<MAX_CANDIDATES>;
	type MaxLeaving = ConstU32<MAX_LEAVING>;
	type MaxOffences = ConstU32<MAX_OFFENCES>;
	type OffencesPerBlock = PerBlock;
	type MaxAbsences = ConstU32<3>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = BenchmarkHelper;
}

/// What benchmarks need here.
#[cfg(feature = "runtime-benchmarks")]
pub struct BenchmarkHelper;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_oda_staking::BenchmarkHelper<u64> for BenchmarkHelper {
	fn set_tick(tick: Tick) {
		Time::set(tick);
	}
	fn register_keys(who: &u64) {
		pallet_session::NextKeys::<Test>::insert(who, keys(*who));
	}
}

/// Validators of genesis, with stakes that fall.
pub(crate) const VALIDATORS: [u64; 4] = [1, 2, 3, 4];
/// Have keys and could be validators.
pub(crate) const NEWCOMERS: [u64; 4] = [5, 6, 7, 8];
/// Delegate.
pub(crate) const ALICE: u64 = 11;
pub(crate) const BOB: u64 = 12;
pub(crate) const CHARLIE: u64 = 13;
pub(crate) const EVE: u64 = 14;
pub(crate) const DELEGATORS: [u64; 4] = [ALICE, BOB, CHARLIE, EVE];
/// Has nearly nothing.
pub(crate) const POOR: u64 = 21;
/// What the rich start with.
pub(crate) const ENDOWMENT: u64 = 100_000_000;
/// A validator of genesis has this much, and less the higher its number.
pub(crate) const GENESIS_BOND: u64 = 1_000_000;
pub(crate) const COMMISSION: Perbill = Perbill::from_percent(10);

/// The own bond of a validator of genesis.
pub(crate) fn genesis_bond(who: u64) -> u64 {
	GENESIS_BOND - 100_000 * who
}

pub(crate) fn keys(of: u64) -> Keys {
	Keys { keeper: UintAuthorityId(of) }
}

/// The chain at genesis, with these candidates for validator.
pub(crate) fn genesis(validators: Vec<(u64, u64, Perbill)>) -> sp_io::TestExternalities {
	// Tests of one thread share what is set.
	Told::set(vec![]);
	Silent::set(vec![]);
	let everybody = VALIDATORS.into_iter().chain(NEWCOMERS).chain(DELEGATORS);
	let mut balances: Vec<_> = everybody.map(|who| (who, ENDOWMENT)).collect();
	balances.push((POOR, ED));
	let keyed = |who: u64| (who, who, keys(who));
	let storage = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		staking: pallet_oda_staking::GenesisConfig { validators, ..Default::default() },
		session: pallet_session::GenesisConfig {
			keys: VALIDATORS.into_iter().map(keyed).collect(),
			non_authority_keys: NEWCOMERS.into_iter().map(keyed).collect(),
		},
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = storage.build_storage().unwrap().into();
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// The chain at genesis, with the usual validators.
pub(crate) fn bare_ext() -> sp_io::TestExternalities {
	let validator = |who| (who, genesis_bond(who), COMMISSION);
	genesis(VALIDATORS.map(validator).to_vec())
}

/// Runs `test` with the usual validators, and checks the invariants afterwards.
pub(crate) fn run(test: impl FnOnce()) {
	bare_ext().execute_with(|| {
		System::reset_events();
		test();
		Staking::do_try_state().unwrap();
	});
}

/// Blocks pass, each with its hooks.
pub(crate) fn pass(blocks: u64) {
	for _ in 0..blocks {
		Time::set(Time::get() + 1);
		let number = System::block_number() + 1;
		System::set_block_number(number);
		Session::on_initialize(number);
		Staking::on_poll(number, &mut WeightMeter::new());
	}
}

/// Sessions pass.
pub(crate) fn sessions(number: SessionIndex) {
	let until = Session::current_index() + number;
	while Session::current_index() < until {
		pass(1);
	}
}

pub(crate) fn bond(role: Role, who: u64, amount: u64) -> DispatchResult {
	Staking::bond(RuntimeOrigin::signed(who), role, amount, COMMISSION)
}

pub(crate) fn bond_more(role: Role, who: u64, amount: u64) -> DispatchResult {
	Staking::bond_more(RuntimeOrigin::signed(who), role, amount)
}

pub(crate) fn delegate(role: Role, operator: u64, who: u64, amount: u64) -> DispatchResult {
	Staking::delegate(RuntimeOrigin::signed(who), role, operator, amount)
}

pub(crate) fn unbond(role: Role, operator: u64, who: u64, amount: u64) -> DispatchResult {
	Staking::unbond(RuntimeOrigin::signed(who), role, operator, amount)
}

pub(crate) fn redelegate(role: Role, operator: u64, who: u64, to: u64, amount: u64) -> DispatchResult {
	Staking::redelegate(RuntimeOrigin::signed(who), role, operator, to, amount)
}

/// Somebody else does it.
pub(crate) fn withdraw(role: Role, operator: u64, who: u64) -> DispatchResult {
	Staking::withdraw(RuntimeOrigin::signed(EVE), role, operator, who)
}

pub(crate) fn set_commission(role: Role, who: u64, percent: u32) -> DispatchResult {
	Staking::set_commission(RuntimeOrigin::signed(who), role, Perbill::from_percent(percent))
}

pub(crate) fn chill(role: Role, who: u64) -> DispatchResult {
	Staking::chill(RuntimeOrigin::signed(who), role)
}

pub(crate) fn resume(role: Role, who: u64) -> DispatchResult {
	Staking::resume(RuntimeOrigin::signed(who), role)
}

/// A slash whose reward is burned; how much was taken, and what the reward was.
pub(crate) fn slash(role: Role, who: u64, amount: u64) -> (u64, u64) {
	let (taken, reward) = <Staking as Stakes<u64>>::slash(role, &who, amount);
	(taken, reward.peek())
}

/// A slash by what the operator itself loses, whose reward is burned; how much was taken, and what the reward was.
pub(crate) fn slash_own(role: Role, who: u64, amount: u64) -> (u64, u64) {
	let (taken, reward) = <Staking as OwnStakes<u64>>::slash_own(role, &who, amount);
	(taken, reward.peek())
}

pub(crate) fn own(role: Role, who: u64) -> u64 {
	<Staking as OwnStakes<u64>>::own(role, &who)
}

/// For something that is settled by what is active now.
pub(crate) fn reserve(role: Role, who: u64, amount: u64) -> DispatchResult {
	let active = Pools::<Test>::get(role, who).map_or(0, |pool| pool.active.stake);
	reserve_within(role, who, amount, active)
}

/// For something that was settled when this much was active.
pub(crate) fn reserve_within(role: Role, who: u64, amount: u64, within: u64) -> DispatchResult {
	<Staking as Stakes<u64>>::reserve(role, &who, amount, within)
}

pub(crate) fn release(role: Role, who: u64, amount: u64) {
	<Staking as Stakes<u64>>::release(role, &who, amount);
}

pub(crate) fn active(role: Role, who: u64) -> u64 {
	<Staking as Stakes<u64>>::active(role, &who)
}

/// A newly minted reward; what was handed back.
pub(crate) fn reward(role: Role, who: u64, amount: u64) -> u64 {
	let credit: Credit<u64, Balances> = <Balances as Balanced<u64>>::issue(amount);
	let result = <Staking as Rewards<u64, _>>::reward(role, &who, credit);
	result.map_or_else(|credit| credit.peek(), |()| 0)
}

/// Validators equivocated in a session, as `pallet_offences` says it, and `EVE` reports it.
pub(crate) fn equivocated(offenders: &[(u64, u64)], percent: u32, session: SessionIndex) {
	let details = |&(who, stake): &(u64, u64)| OffenceDetails {
		offender: (who, Exposure { stake }),
		reporters: vec![EVE],
	};
	let details: Vec<_> = offenders.iter().map(details).collect();
	let fractions = vec![Perbill::from_percent(percent); details.len()];
	<Staking as OnOffenceHandler<_, _, _>>::on_offence(&details, &fractions, session);
}

/// A validator equivocated in the session that runs.
pub(crate) fn equivocates(who: u64, percent: u32) {
	let exposure = <ExposureNow<Test>>::convert(who).unwrap();
	equivocated(&[(who, exposure.stake)], percent, Session::current_index());
}

pub(crate) fn pool(role: Role, who: u64) -> PoolView<u64> {
	Staking::pool(role, who).unwrap()
}

pub(crate) fn stored(role: Role, who: u64) -> PoolOf<Test> {
	Pools::<Test>::get(role, who).unwrap()
}

/// What somebody's position is worth: active, leaving.
pub(crate) fn position(role: Role, operator: u64, who: u64) -> (u64, u64) {
	let positions = Staking::positions(who, None, 100);
	let found = positions.into_iter().find(|of| of.role == role && of.operator == operator);
	found.map_or((0, 0), |of| (of.worth, of.leaving.iter().map(|chunk| chunk.amount).sum()))
}

/// The account in which the stake lies.
pub(crate) fn account(role: Role, operator: u64) -> u64 {
	Staking::pool_account(role, operator)
}

/// What is on hold of a pool.
pub(crate) fn held(role: Role, operator: u64) -> u64 {
	let reason = match role {
		Role::Validator => HoldReason::ValidatorStake,
		Role::Verifier => HoldReason::VerifierStake,
		Role::Provider => HoldReason::ProviderStake,
	};
	Balances::balance_on_hold(&reason.into(), &account(role, operator))
}

/// What an account can spend.
pub(crate) fn free(who: u64) -> u64 {
	<Balances as Inspect<_>>::balance(&who)
}

pub(crate) fn issuance() -> u64 {
	<Balances as Inspect<_>>::total_issuance()
}

/// The pallet's events, in order.
pub(crate) fn events() -> Vec<Event<Test>> {
	let of_pallet = |event| match event {
		RuntimeEvent::Staking(event) => Some(event),
		_ => None,
	};
	System::events().into_iter().filter_map(|record| of_pallet(record.event)).collect()
}

/// Whether it happened since the last reset.
pub(crate) fn happened(event: Event<Test>) -> bool {
	events().contains(&event)
}

pub(crate) type Fault = Error<Test>;
