//! A runtime with balances, peers and storage deals, small numbers, and accounts that sign by their name.

use crate as pallet_storage_deals;
use crate::{Call, DealId, Error, Event, HoldReason};
use codec::Encode;
use oda_pallet_traits::{Deed, Evidence, OpenModels, Tier, Tiers};
use oda_primitives::{
	BlobRef, ModelId, RangeProof, RoundNumber, Tick, hash, message, storage::INVALID_PROOF,
};
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{
			Authorize, ConstU32, ConstU64, Hooks, LinearStoragePrice, Randomness,
			fungible::{HoldConsideration, Inspect, InspectHold},
		},
		weights::{Weight, WeightMeter},
	},
	frame_system::{self, RawOrigin},
	pallet_balances,
	sp_core::{H256, Pair, ed25519},
	sp_io,
	sp_keystore::{KeystoreExt, testing::MemoryKeystore},
	sp_runtime::{
		BuildStorage, DispatchResult,
		testing::{TestSignature, UintAuthorityId},
		traits::Convert,
		transaction_validity::{
			InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
		},
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
	#[runtime::pallet_index(2)]
	pub type StorageDeals = pallet_storage_deals::Pallet<Test>;
	#[runtime::pallet_index(3)]
	pub type Peers = pallet_peers::Pallet<Test>;
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

/// An account's least balance.
pub(crate) const ED: u64 = 10;
pub(crate) const MIN_BOND: u64 = 1_000;
pub(crate) const BOND_PER_MIB: u64 = 100;
/// Odd, so that its halves differ.
pub(crate) const MIN_STAKE: u64 = 101;
pub(crate) const UNBONDING: Tick = 50;
pub(crate) const MIN_PRICE: u64 = 2;
pub(crate) const MAX_REPLICAS: u32 = 4;
pub(crate) const MAX_ROUNDS: u32 = 1_000;
pub(crate) const RAISE_ROUNDS: u32 = 10;
pub(crate) const QUIT_ROUNDS: u32 = 3;
pub(crate) const HEAD_ROUNDS: u32 = 8;
pub(crate) const HEAD_REPLICAS: u32 = 2;
pub(crate) const HEAD_MAX_LEN: u64 = 4 << 20;
/// What a model's account offers for a mebibyte; it pays twice as much at most.
pub(crate) const HEAD_PRICE: u64 = 5;

parameter_types! {
	/// What time it is.
	pub static Time: Tick = 100;
	pub static RoundLength: Tick = 10;
	pub static Raising: u32 = RAISE_ROUNDS;
	pub static Quitting: u32 = QUIT_ROUNDS;
	pub static FreeMisses: u32 = 1;
	pub static MaxMisses: u32 = 3;
	pub static HeadTerm: u32 = HEAD_ROUNDS;
	pub static HeadPays: u64 = HEAD_PRICE;
	pub static UnbondingPeriod: Tick = UNBONDING;
	/// How many deals a tick visits.
	pub static SweepDeals: u32 = 2;
	/// What rounds are drawn from.
	pub static Luck: u64 = 7;
	/// The models that are not open; all others are.
	pub static Closed: Vec<ModelId> = vec![];
	/// What was seen, in this order.
	pub static Seen: Vec<(u64, Deed)> = Vec::new();
	/// The accounts that are suspended.
	pub static Suspended: Vec<u64> = Vec::new();
	pub const PeerHold: RuntimeHoldReason = RuntimeHoldReason::Peers(pallet_peers::HoldReason::PeerDeposit);
}

/// Remembers what it sees.
pub struct SeenDeeds;
impl Evidence<u64> for SeenDeeds {
	fn saw(who: &u64, deed: Deed) {
		Seen::mutate(|seen| seen.push((*who, deed)));
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

/// Whatever [`Luck`] says.
pub struct Dice;
impl Randomness<H256, u64> for Dice {
	fn random(subject: &[u8]) -> (H256, u64) {
		(sp_io::hashing::blake2_256(&(subject, Luck::get()).encode()).into(), 0)
	}
}

type Price = LinearStoragePrice<ConstU64<5>, ConstU64<1>, u64>;

/// Everything but what [`Closed`] names.
pub struct Models;
impl OpenModels for Models {
	fn is_open(model: &ModelId) -> bool {
		!Closed::get().contains(model)
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn open_for_benchmark() -> ModelId {
		[1; 32]
	}
}

/// The first bytes of what the account is called.
pub struct ModelAccount;
impl Convert<ModelId, u64> for ModelAccount {
	fn convert(model: ModelId) -> u64 {
		u64::from_le_bytes(hash::model_account(&model)[..8].try_into().unwrap())
	}
}

impl pallet_peers::Config for Test {
	type PeerDeposit = HoldConsideration<u64, Balances, PeerHold, Price>;
	type WeightInfo = ();
}

impl pallet_storage_deals::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Clock = Time;
	type Evidence = SeenDeeds;
	type Tiers = Reputations;
	type Randomness = Dice;
	type RoundLength = RoundLength;
	type Signature = TestSignature;
	type Signer = UintAuthorityId;
	type DealDeposit = Price;
	type Peers = Peers;
	type Models = Models;
	type ModelAccount = ModelAccount;
	type MinBond = ConstU64<MIN_BOND>;
	type BondPerMib = ConstU64<BOND_PER_MIB>;
	type MinStake = ConstU64<MIN_STAKE>;
	type UnbondingPeriod = UnbondingPeriod;
	type MinPrice = ConstU64<MIN_PRICE>;
	type MaxReplicas = ConstU32<MAX_REPLICAS>;
	type MaxRounds = ConstU32<MAX_ROUNDS>;
	type RaiseRounds = Raising;
	type QuitRounds = Quitting;
	type FreeMisses = FreeMisses;
	type MaxMisses = MaxMisses;
	type SweepDeals = SweepDeals;
	type HeadReplicas = ConstU32<HEAD_REPLICAS>;
	type HeadRounds = HeadTerm;
	type HeadPricePerMib = HeadPays;
	type HeadMaxLen = ConstU64<HEAD_MAX_LEN>;
	type ProvePriority = ConstU64<9>;
	type WeightInfo = Weights;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = BenchmarkHelper;
}

/// Small weights, so that tests see them: calls weigh [`CALL`], the rest what is said.
pub struct Weights;

/// What a call weighs.
pub(crate) const CALL: Weight = Weight::from_parts(100, 0);
/// What settling one replica weighs.
pub(crate) const CATCH_UP: Weight = Weight::from_parts(10, 0);
pub(crate) const POLL: Weight = Weight::from_parts(1, 0);
pub(crate) const START_ROUND: Weight = Weight::from_parts(20, 0);
pub(crate) const SWEEP_DEAL: Weight = Weight::from_parts(5, 0);
pub(crate) const RETRY_HEAD: Weight = Weight::from_parts(50, 0);

impl pallet_storage_deals::WeightInfo for Weights {
	fn enlist() -> Weight {
		CALL
	}
	fn set_capacity() -> Weight {
		CALL
	}
	fn retire() -> Weight {
		CALL
	}
	fn withdraw() -> Weight {
		CALL
	}
	fn offer() -> Weight {
		CALL
	}
	fn cancel() -> Weight {
		CALL
	}
	fn take() -> Weight {
		CALL
	}
	fn quit() -> Weight {
		CALL
	}
	fn stay() -> Weight {
		CALL
	}
	fn prove() -> Weight {
		CALL
	}
	fn authorize_prove(_: u32) -> Weight {
		CALL
	}
	fn settle() -> Weight {
		CALL
	}
	fn authorize_settle() -> Weight {
		CALL
	}
	fn fund() -> Weight {
		CALL
	}
	fn catch_up(r: u32) -> Weight {
		CATCH_UP * u64::from(r)
	}
	fn poll() -> Weight {
		POLL
	}
	fn start_round() -> Weight {
		START_ROUND
	}
	fn sweep_deal() -> Weight {
		SWEEP_DEAL
	}
	fn retry_head() -> Weight {
		RETRY_HEAD
	}
}

/// What benchmarks need here.
#[cfg(feature = "runtime-benchmarks")]
pub struct BenchmarkHelper;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_storage_deals::BenchmarkHelper<u64, TestSignature> for BenchmarkHelper {
	fn set_tick(tick: Tick) {
		Time::set(tick);
	}
	fn signer() -> u64 {
		777
	}
	fn sign(signer: &u64, message: &[u8]) -> TestSignature {
		TestSignature(*signer, message.to_vec())
	}
}

/// Keep blobs, or might.
pub(crate) const KEEPERS: [u64; 5] = [1, 2, 3, 4, 5];
pub(crate) const ALICE: u64 = 1;
pub(crate) const BOB: u64 = 2;
pub(crate) const CHARLIE: u64 = 3;
/// Pays for deals.
pub(crate) const PAYER: u64 = 11;
/// Has nearly nothing.
pub(crate) const POOR: u64 = 12;
/// What the rich start with.
pub(crate) const ENDOWMENT: u64 = 1_000_000;

/// The chain at genesis.
pub(crate) fn bare_ext() -> sp_io::TestExternalities {
	let mut balances: Vec<_> = KEEPERS.into_iter().chain([PAYER]).map(|who| (who, ENDOWMENT)).collect();
	balances.push((POOR, ED));
	let storage = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = storage.build_storage().unwrap().into();
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Runs `test` in a runtime where all of [`KEEPERS`] are keepers of 4 MiB and the first round runs, and checks the
/// invariants afterwards.
pub(crate) fn run(test: impl FnOnce()) {
	bare_ext().execute_with(|| {
		KEEPERS.into_iter().for_each(|who| enlist(who, CAPACITY));
		pass(1);
		System::reset_events();
		test();
		StorageDeals::do_try_state().unwrap();
		Peers::do_try_state().unwrap();
	});
}

/// The payer puts money into a model's account.
pub(crate) fn fund(model: ModelId, amount: u64) -> DispatchResult {
	StorageDeals::fund(RuntimeOrigin::signed(PAYER), model, amount)
}

/// What a model's account has, on hold or not.
pub(crate) fn account_of(model: ModelId) -> u64 {
	wealth(StorageDeals::storage_account(model).0)
}

/// What each of [`KEEPERS`] offers to keep.
pub(crate) const CAPACITY: u64 = 4 << 20;

/// Ticks pass, each with its hooks.
pub(crate) fn pass(ticks: Tick) {
	for _ in 0..ticks {
		Time::set(Time::get() + 1);
		System::set_block_number(System::block_number() + 1);
		StorageDeals::on_poll(System::block_number(), &mut WeightMeter::new());
	}
}

/// The number of the round that runs.
pub(crate) fn round() -> RoundNumber {
	StorageDeals::current_round()
}

/// Time passes until that round has just started.
pub(crate) fn until_round(number: RoundNumber) {
	assert!(round() <= number, "that round is over");
	while round() < number {
		pass(1);
	}
}

/// The keys of an account's peer.
pub(crate) fn peer(of: u64) -> ed25519::Pair {
	let mut seed = [0; 32];
	seed[..8].copy_from_slice(&of.to_le_bytes());
	ed25519::Pair::from_seed(&seed)
}

/// What a peer's key signs to be bound.
pub(crate) fn binding(pair: &ed25519::Pair, who: u64) -> [u8; 64] {
	pair.sign(&message::peer_binding(&genesis(), &who)).0
}

/// Binds an account's own peer to it.
pub(crate) fn bind(who: u64) -> DispatchResult {
	let pair = peer(who);
	Peers::bind(RuntimeOrigin::signed(who), pair.public().0, binding(&pair, who))
}

/// Binds its peer and makes it a keeper.
pub(crate) fn enlist(who: u64, capacity: u64) {
	bind(who).unwrap();
	StorageDeals::enlist(RuntimeOrigin::signed(who), capacity).unwrap();
}

/// A blob of this many bytes.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
	(0..len).map(|i| (i % 251) as u8).collect()
}

/// The payer offers so many replicas of a blob for so many rounds, at 10 to 30.
pub(crate) fn offer(blob: &[u8], replicas: u8, rounds: u32) -> DealId {
	offer_reference(BlobRef::of(blob), replicas, rounds).unwrap();
	crate::NextDeal::<Test>::get() - 1
}

/// What a slot of [`offer`] pays to begin with, and at most.
pub(crate) const PRICE: u64 = 10;
pub(crate) const MAX_PRICE: u64 = 30;

/// The same by a reference.
pub(crate) fn offer_reference(blob: BlobRef, replicas: u8, rounds: u32) -> DispatchResult {
	StorageDeals::offer(RuntimeOrigin::signed(PAYER), blob, replicas, rounds, PRICE, MAX_PRICE)
}

/// A keeper takes a slot.
pub(crate) fn take(who: u64, deal: DealId) -> DispatchResult {
	StorageDeals::take(RuntimeOrigin::signed(who), deal).map(|_| ()).map_err(|e| e.error)
}

/// A keeper announces that it leaves a deal.
pub(crate) fn quit(who: u64, deal: DealId) -> DispatchResult {
	StorageDeals::quit(RuntimeOrigin::signed(who), deal).map(|_| ()).map_err(|e| e.error)
}

/// A keeper agrees to a longer term.
pub(crate) fn stay(who: u64, deal: DealId) -> DispatchResult {
	StorageDeals::stay(RuntimeOrigin::signed(who), deal).map(|_| ()).map_err(|e| e.error)
}

/// Somebody settles a deal.
pub(crate) fn settle(deal: DealId) -> DispatchResult {
	StorageDeals::settle(RuntimeOrigin::signed(PAYER), deal).map(|_| ()).map_err(|e| e.error)
}

/// The same, if the sweep has not yet.
pub(crate) fn catch_up(deal: DealId) {
	if let Err(error) = settle(deal) {
		assert_eq!(error, Error::<Test>::NothingDue.into());
	}
}

pub(crate) fn genesis() -> [u8; 32] {
	System::block_hash(0).0
}

/// A keeper's signature under a proof.
pub(crate) fn sign(who: u64, deal: DealId, round: RoundNumber, proof: &RangeProof) -> TestSignature {
	TestSignature(who, message::storage_proof(&genesis(), deal, round, proof))
}

/// What the pool says of a proof.
pub(crate) fn authorize(
	who: u64,
	deal: DealId,
	round: RoundNumber,
	proof: RangeProof,
	signature: TestSignature,
) -> Result<ValidTransaction, TransactionValidityError> {
	let call = RuntimeCall::from(Call::<Test>::prove { deal, round, keeper: who, proof, signature });
	call.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid)
}

/// What the pool says when it refuses for this error.
pub(crate) fn refused(error: Error<Test>) -> TransactionValidityError {
	InvalidTransaction::Custom(INVALID_PROOF + error.encode()[0]).into()
}

/// The proof of what the keeper is asked for in this round.
pub(crate) fn proof(who: u64, deal: DealId, blob: &[u8]) -> RangeProof {
	let (start, end) = StorageDeals::challenge(deal, who).expect("it is challenged");
	RangeProof::new(blob, start..end).unwrap()
}

/// A proof is dispatched without asking the pool.
pub(crate) fn dispatch(who: u64, deal: DealId, round: RoundNumber, proof: RangeProof) -> DispatchResult {
	let signature = sign(who, deal, round, &proof);
	StorageDeals::prove(RawOrigin::Authorized.into(), deal, round, who, proof, signature)
		.map(|_| ())
		.map_err(|e| e.error)
}

/// A keeper's answer goes through the pool into a block.
pub(crate) fn prove(who: u64, deal: DealId, blob: &[u8]) {
	let proof = proof(who, deal, blob);
	let signature = sign(who, deal, round(), &proof);
	authorize(who, deal, round(), proof.clone(), signature).unwrap();
	dispatch(who, deal, round(), proof).unwrap();
}

/// What is on hold of an account.
pub(crate) fn held(reason: HoldReason, who: u64) -> u64 {
	Balances::balance_on_hold(&reason.into(), &who)
}

/// All that an account has.
pub(crate) fn wealth(who: u64) -> u64 {
	<Balances as Inspect<_>>::total_balance(&who)
}

/// The slot that a keeper has.
pub(crate) fn replica(who: u64, deal: DealId) -> Option<crate::ReplicaOf<Test>> {
	let deal = StorageDeals::deal(deal)?;
	deal.slots.iter().filter_map(crate::Slot::replica).find(|replica| replica.keeper == who).cloned()
}

/// The pallet's events, in order.
pub(crate) fn events() -> Vec<Event<Test>> {
	let of_pallet = |event| match event {
		RuntimeEvent::StorageDeals(event) => Some(event),
		_ => None,
	};
	System::events().into_iter().filter_map(|record| of_pallet(record.event)).collect()
}

/// Whether it happened since the last reset.
pub(crate) fn happened(event: Event<Test>) -> bool {
	events().contains(&event)
}

/// What the events say was burned.
pub(crate) fn burned() -> u64 {
	let of = |event: &Event<Test>| match event {
		Event::RoundMissed { burned, .. } => *burned,
		Event::LeftoverBurned { amount, .. } => *amount,
		_ => 0,
	};
	events().iter().map(of).sum()
}
