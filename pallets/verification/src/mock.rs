//! A runtime with balances and verification, and played stakes.

use crate::{self as pallet_verification, EpochIndex, HoldReason, Load, WeightInfo};
use codec::{Decode, Encode, MaxEncodedLen};
use core::cell::RefCell;
use oda_evaluator::Cost;
use oda_pallet_traits::{Deed, Evidence, RewardOf, Role, StakeWatcher, Stakes};
use oda_primitives::Tick;
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types, storage_alias,
		traits::{
			ConstU32, ConstU64, Hooks, Imbalance, LinearStoragePrice, Randomness,
			fungible::{Balanced, HoldConsideration, Mutate},
			tokens::{Fortitude, Precision, Preservation},
		},
		weights::{Weight, WeightMeter},
	},
	frame_system, pallet_balances,
	sp_core::{H256, Pair, sr25519},
	sp_io,
	sp_keystore::{KeystoreExt, testing::MemoryKeystore},
	sp_runtime::{
		AccountId32, BuildStorage, DispatchError, DispatchResult, MultiSignature, MultiSigner, Perbill,
		traits::{BlakeTwo256, Convert, Hash, IdentityLookup},
	},
};
use scale_info::TypeInfo;
use std::collections::BTreeMap;

type Block = frame_system::mocking::MockBlock<Test>;

/// What every account of the tests starts with.
pub(crate) const ENDOWMENT: u64 = 10_000;
/// What a verifier of the tests has at stake.
pub(crate) const STAKE: u64 = 2_000;
/// What a verifier of the tests has room for.
pub(crate) const ROOM: Load = Load { time: 1_000_000, bytes: 1_000_000 };
/// Where the stakes are.
pub(crate) const POT: AccountId32 = AccountId32::new([0xff; 32]);

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
	pub type Verification = pallet_verification::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId32;
	type Lookup = IdentityLookup<AccountId32>;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type ExistentialDeposit = ConstU64<10>;
}

parameter_types! {
	pub static Time: Tick = 100;
	pub static Epoch: EpochIndex = 0;
	/// What the chain's randomness of each epoch is made from.
	pub static Luck: u64 = 0;
	pub static Committee: u32 = 4;
	pub static MinCommittee: u32 = 1;
	pub static MaxCommittee: u32 = 8;
	pub static Samples: u32 = 64;
	pub static AbleShare: Perbill = Perbill::from_percent(50);
	pub static Quorum: Perbill = Perbill::from_parts(666_666_667);
	pub static Wanted: u32 = 3;
	pub static OpenWindow: Tick = 6;
	pub static DisputeWindow: Tick = 7;
	pub static Patience: Tick = 1_000;
	pub static MinStake: u64 = 700;
	pub static VerifierSlash: u64 = 401;
	pub static AccusationSlash: u64 = 300;
	pub static UnopenedSlash: u64 = 60;
	pub static AbsenceSlash: u64 = 50;
	pub static AbsenceCap: u64 = 120;
	pub static MaxAbsences: u32 = 3;
	pub static AwayEpochs: EpochIndex = 5;
	pub static MaxDraws: u32 = 4;
	pub static MaxAdvances: u32 = 4;
	/// What was seen, in this order.
	pub static Seen: Vec<(AccountId32, Deed)> = Vec::new();
	pub const DepositReason: RuntimeHoldReason = RuntimeHoldReason::Verification(HoldReason::VerifierDeposit);
	pub MinCapacity: Load = Load { time: 10, bytes: 10 };
}

/// Remembers what it sees.
pub struct SeenDeeds;
impl Evidence<AccountId32> for SeenDeeds {
	fn saw(who: &AccountId32, deed: Deed) {
		Seen::mutate(|seen| seen.push((who.clone(), deed)));
	}
}

/// The randomness of an epoch.
pub struct OfEpoch;
impl Randomness<H256, u64> for OfEpoch {
	fn random(subject: &[u8]) -> (H256, u64) {
		(BlakeTwo256::hash(&(subject, Epoch::get(), Luck::get()).encode()), 0)
	}
}

/// The randomness of the last block, of every third none.
pub struct OfBlock;
impl Randomness<Option<H256>, u64> for OfBlock {
	fn random(subject: &[u8]) -> (Option<H256>, u64) {
		let hash = BlakeTwo256::hash(&(subject, Time::get(), Luck::get()).encode());
		((!Time::get().is_multiple_of(3)).then_some(hash), 0)
	}
}

/// A record takes as long as it has multiplications.
pub struct Price;
impl Convert<Cost, Weight> for Price {
	fn convert(cost: Cost) -> Weight {
		Weight::from_parts(cost.macs, 0)
	}
}

/// What an account has at stake as a verifier.
#[derive(Clone, Default, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub(crate) struct Bond {
	pub active: u64,
	pub leaving: u64,
	pub reserved: u64,
}

#[storage_alias]
pub(crate) type Bonds =
	StorageMap<PlayedStakes, polkadot_sdk::frame_support::Blake2_128Concat, AccountId32, Bond>;

/// Stakes that are kept in one pot.
pub struct Played;
impl Stakes<AccountId32> for Played {
	type Currency = Balances;

	fn active(role: Role, who: &AccountId32) -> u64 {
		if role == Role::Verifier { Bonds::get(who).unwrap_or_default().active } else { 0 }
	}

	fn reserve(role: Role, who: &AccountId32, amount: u64, within: u64) -> DispatchResult {
		assert_eq!(role, Role::Verifier);
		let mut bond = Bonds::get(who).unwrap_or_default();
		if bond.reserved + amount > within.min(bond.active + bond.leaving) {
			return Err(DispatchError::Other("too little is there"));
		}
		bond.reserved += amount;
		Bonds::insert(who, bond);
		Ok(())
	}

	fn release(role: Role, who: &AccountId32, amount: u64) {
		assert_eq!(role, Role::Verifier);
		Bonds::mutate_extant(who, |bond| {
			bond.reserved = bond.reserved.checked_sub(amount).expect("no more is released than was reserved");
		});
	}

	fn slash(role: Role, who: &AccountId32, amount: u64) -> (u64, RewardOf<AccountId32, Self>) {
		assert_eq!(role, Role::Verifier);
		let mut bond = Bonds::get(who).unwrap_or_default();
		let amount = amount.min(bond.active + bond.leaving);
		let active = amount.min(bond.active);
		bond.active -= active;
		bond.leaving -= amount - active;
		Bonds::insert(who, bond.clone());
		let credit =
			Balances::withdraw(&POT, amount, Precision::Exact, Preservation::Expendable, Fortitude::Force)
				.expect("the pot has all stakes");
		Verification::changed(Role::Verifier, who, bond.active);
		let (reward, _burned) = credit.split(amount / 2);
		(amount, reward)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn bond_for_benchmark(_: Role, who: &AccountId32, amount: u64) {
		bond(who, amount);
	}
}

/// Puts more at stake.
pub(crate) fn bond(who: &AccountId32, amount: u64) {
	Balances::mint_into(&POT, amount).unwrap();
	let active = Bonds::mutate(who, |bond| {
		let bond = bond.get_or_insert_with(Bond::default);
		bond.active += amount;
		bond.active
	});
	Verification::changed(Role::Verifier, who, active);
}

/// Lets a part of what is at stake leave.
pub(crate) fn unbond(who: &AccountId32, amount: u64) {
	let mut bond = Bonds::get(who).unwrap_or_default();
	let amount = amount.min(bond.active);
	bond.active -= amount;
	bond.leaving += amount;
	Bonds::insert(who, bond.clone());
	Verification::changed(Role::Verifier, who, bond.active);
}

impl pallet_verification::Config for Test {
	type Clock = Time;
	type Epoch = Epoch;
	type Randomness = OfEpoch;
	type FreshRandomness = OfBlock;
	type Stakes = Played;
	type Evidence = SeenDeeds;
	type Price = Price;
	type VerifierDeposit = HoldConsideration<
		AccountId32,
		Balances,
		DepositReason,
		LinearStoragePrice<ConstU64<5>, ConstU64<1>, u64>,
	>;
	type Signature = MultiSignature;
	type Signer = MultiSigner;
	type MaxMembers = ConstU32<12>;
	type MaxWanted = ConstU32<4>;
	type MaxSamples = ConstU32<64>;
	type MaxDraws = MaxDraws;
	type MaxAdvances = MaxAdvances;
	type Committee = Committee;
	type MinCommittee = MinCommittee;
	type MaxCommittee = MaxCommittee;
	type Samples = Samples;
	type AbleShare = AbleShare;
	type Quorum = Quorum;
	type Wanted = Wanted;
	type OpenWindow = OpenWindow;
	type DisputeWindow = DisputeWindow;
	type Patience = Patience;
	type MinStake = MinStake;
	type MinCapacity = MinCapacity;
	type VerifierSlash = VerifierSlash;
	type AccusationSlash = AccusationSlash;
	type UnopenedSlash = UnopenedSlash;
	type AbsenceSlash = AbsenceSlash;
	type AbsenceCap = AbsenceCap;
	type MaxAbsences = MaxAbsences;
	type AwayEpochs = AwayEpochs;
	type AnswerPriority = ConstU64<9>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_verification::Sr25519Helper<Epoch>;
}

thread_local! {
	static PAIRS: RefCell<BTreeMap<usize, sr25519::Pair>> = const { RefCell::new(BTreeMap::new()) };
}

/// The keys of the account of this number.
pub(crate) fn pair(index: usize) -> sr25519::Pair {
	PAIRS.with_borrow_mut(|pairs| {
		let new = || sr25519::Pair::from_string(&format!("//{index}"), None).unwrap();
		pairs.entry(index).or_insert_with(new).clone()
	})
}

/// The account of this number.
pub(crate) fn key(index: usize) -> AccountId32 {
	AccountId32::new(pair(index).public().0)
}

/// The number of an account.
pub(crate) fn index_of(who: &AccountId32) -> usize {
	(0..64).find(|index| key(*index) == *who).expect("it is one of the tests' accounts")
}

/// The chain on which the first accounts are verifiers, with these stakes; committees have as many votes, up to four.
pub(crate) fn with_stakes(stakes: &[u64]) -> sp_io::TestExternalities {
	reset();
	// A vote for each, where they are equal.
	Committee::set((stakes.len() as u32).clamp(1, 4));
	let balances = (0..32).map(|index| (key(index), ENDOWMENT)).collect();
	let storage = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	}
	.build_storage()
	.unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext.execute_with(|| {
		System::set_block_number(1);
		for (index, stake) in stakes.iter().enumerate() {
			bond(&key(index), *stake);
			Verification::join(RuntimeOrigin::signed(key(index)), ROOM).unwrap();
		}
		System::reset_events();
	});
	ext
}

/// The same with equal stakes.
pub(crate) fn new_test_ext(verifiers: usize) -> sp_io::TestExternalities {
	with_stakes(&vec![STAKE; verifiers])
}

/// Every parameter as it is at first.
fn reset() {
	Time::set(100);
	Epoch::set(0);
	Luck::set(0);
	Committee::set(4);
	MinCommittee::set(1);
	MaxCommittee::set(8);
	Samples::set(64);
	AbleShare::set(Perbill::from_percent(50));
	Quorum::set(Perbill::from_parts(666_666_667));
	Wanted::set(3);
	OpenWindow::set(6);
	DisputeWindow::set(7);
	Patience::set(1_000);
	MinStake::set(700);
	VerifierSlash::set(401);
	AccusationSlash::set(300);
	UnopenedSlash::set(60);
	AbsenceSlash::set(50);
	AbsenceCap::set(120);
	MaxAbsences::set(3);
	AwayEpochs::set(5);
	MaxDraws::set(4);
	MaxAdvances::set(4);
	Seen::take();
}

/// A tick passes, with all the weight that could be wanted.
pub(crate) fn tick() {
	tick_within(Weight::MAX);
}

/// A tick passes; what it weighed.
pub(crate) fn tick_within(limit: Weight) -> Weight {
	Time::set(Time::get() + 1);
	let mut meter = WeightMeter::with_limit(limit);
	Verification::on_poll(1, &mut meter);
	meter.consumed()
}

/// Ticks pass.
pub(crate) fn ticks(count: u64) {
	(0..count).for_each(|_| tick());
}

/// The epoch changes, and a tick passes.
pub(crate) fn next_epoch() {
	Epoch::set(Epoch::get() + 1);
	tick();
}

/// What a draw weighs.
pub(crate) fn draw_weight() -> Weight {
	<() as WeightInfo>::next_in_queue().saturating_add(<() as WeightInfo>::draw(64, 12))
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_verification::SetEpoch for Epoch {
	fn set_epoch(epoch: EpochIndex) {
		Self::set(epoch);
	}
}
