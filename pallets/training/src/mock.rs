//! A runtime with the real clock and registry, a played committee, and a model small enough to read.
//!
//! The model has one dense node, from 64 inputs to 3 logits. Record `i` of 40 is all zeros but for a one at input
//! `i`, and its class is `i mod 3`: so column `i` of the weight decides record `i` alone, and a test can make
//! weights that are right on exactly the records it likes.

pub(crate) mod committee;

pub(crate) use committee::{Closing, Ended, closed, differ, draw_after};

use crate as pallet_training;
use crate::{HoldReason, ScoreBytes, Submissions, WeightBytes};
use alloc::collections::BTreeMap;
use codec::Encode;
use oda_evaluator::{
	Cost, DataSource, DatasetRef, Evaluator, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
	model::{Confidence, Metric, TargetSpec},
	scores,
};
use oda_pallet_court as court;
use oda_pallet_funds as funds;
use oda_pallet_traits::{Deed, Role, Tier, Tiers, Work};
use oda_primitives::{BlobRef, ModelId, RangeProof, SubmissionId, Tick, Verdict, hash, refusal};
use polkadot_sdk::{
	frame_support::{
		derive_impl,
		dispatch::{DispatchResultWithPostInfo, PostDispatchInfo},
		parameter_types,
		traits::{
			Authorize, ConstU32, ConstU64, Imbalance, LinearStoragePrice,
			fungible::{Balanced, Credit, HoldConsideration, Inspect, InspectHold},
		},
		weights::Weight,
	},
	frame_system::{self, EnsureRoot, RawOrigin},
	pallet_balances, sp_io,
	sp_runtime::{
		BuildStorage, DispatchError, DispatchResult, ModuleError, Perbill,
		traits::{Convert, Dispatchable},
		transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
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
	pub type Clock = pallet_clock::Pallet<Test>;
	#[runtime::pallet_index(3)]
	pub type Registry = pallet_model_registry::Pallet<Test>;
	#[runtime::pallet_index(5)]
	pub type Training = pallet_training::Pallet<Test>;
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

impl pallet_clock::Config for Test {
	type WeightInfo = ();
}

/// An account's least balance.
pub(crate) const ED: u64 = 10;
pub(crate) const TRAINER_BOND: u64 = 1_001;
pub(crate) const CHALLENGE_BOND: u64 = 200;
pub(crate) const FEE_BASE: u64 = 30;
/// Base, one for each of 40 records, and one for each chunk of their data and of the weights.
pub(crate) const FEE: u64 = 73;
/// The tenth of it that is burned, and what is left for the verifiers.
pub(crate) const BURN: u64 = 8;
pub(crate) const POT: u64 = FEE - BURN;
/// What each of three verifiers gets, and what a fee costs that they share.
pub(crate) const SHARE: u64 = 21;
pub(crate) const SPENT: u64 = 3 * SHARE + BURN;
pub(crate) const MIN_BOUNTY: u64 = 50;
pub(crate) const MIN_COMMIT_AGE: Tick = 3;
pub(crate) const REVEAL_WINDOW: Tick = 20;
pub(crate) const CHALLENGE_WINDOW: Tick = 10;
pub(crate) const ATTEST_WINDOW: Tick = 8;
pub(crate) const MIN_CHALLENGE_AGE: Tick = 2;
pub(crate) const CHALLENGE_LIFETIME: Tick = 6;
pub(crate) const DEMAND_WINDOW: Tick = 9;
/// What a demand takes beside the price of posting.
pub(crate) const DEMAND_BOND: u64 = 50;
/// The price of posting the 219 bytes of the test model's weights.
pub(crate) const POST_PRICE: u64 = 219;
pub(crate) const MAX_BOUNTY_TERM: Tick = 1_000;
pub(crate) const MAX_LIVE: u32 = 5;
pub(crate) const MAX_QUEUE: u32 = 6;
pub(crate) const MAX_CHALLENGERS: u32 = 2;
pub(crate) const MAX_BOUNTIES: u32 = 3;
/// The deposit for 5 bytes of scores.
pub(crate) const SCORE_DEPOSIT: u64 = 100 + 5;
/// The deposit for model, root, submission, time and account.
pub(crate) const KNOWN_DEPOSIT: u64 = 100 + 32 + 32 + 8 + 8 + 8;

parameter_types! {
	pub const ModelHold: RuntimeHoldReason = RuntimeHoldReason::Registry(pallet_model_registry::HoldReason::Model);
	pub const ScoreHold: RuntimeHoldReason = RuntimeHoldReason::Training(HoldReason::ScoreList);
	pub const KnownHold: RuntimeHoldReason = RuntimeHoldReason::Training(HoldReason::KnownWeights);
	pub MaxEvaluationWeight: Weight = Weight::from_parts(100_000_000, u64::MAX);
}

/// What evaluating a record weighs: 10 for each multiply-accumulate, which is 1,920 in the test's model.
pub struct EvaluationWeight;
impl Convert<Cost, Weight> for EvaluationWeight {
	fn convert(cost: Cost) -> Weight {
		Weight::from_parts(10 * cost.macs, 0)
	}
}

/// What evaluating a record of the test's model weighs.
pub(crate) const EVALUATION: Weight = Weight::from_parts(1_920, 0);

type Price = LinearStoragePrice<ConstU64<100>, ConstU64<1>, u64>;

impl pallet_model_registry::Config for Test {
	type AnnouncementDeposit = ();
	type AnnouncementLifetime = ConstU64<1>;
	type CardDeposit = ();
	type Clock = Clock;
	type Deposit = HoldConsideration<u64, Balances, ModelHold, Price>;
	type EvaluationWeight = EvaluationWeight;
	type OutputWeight = OutputWeight;
	type MaxAnnouncements = ConstU32<1>;
	type MaxCardBytes = ConstU64<{ 64 * 1024 }>;
	type MaxChallengeBytes = ConstU64<{ 5 * 1024 * 1024 }>;
	type MaxEvaluationWeight = MaxEvaluationWeight;
	type MaxWeightsBytes = ConstU64<{ 2 * 1024 * 1024 }>;
	type MinAnnouncementAge = ConstU64<0>;
	type PendingWindow = ConstU64<50>;
	type WeightInfo = ();
	type FreezeOrigin = EnsureRoot<u64>;
}

/// Picoseconds for each byte of an output, which has 12 in the test's model.
pub struct OutputWeight;
impl Convert<u64, Weight> for OutputWeight {
	fn convert(bytes: u64) -> Weight {
		Weight::from_parts(3 * bytes, 0)
	}
}

/// What resolving a disputed record of the test's model has to state.
pub(crate) const RESOLUTION: Weight = Weight::from_parts(1_920 + 36, 0);

/// Whoever mints: gives verifiers as much as was burned of a fee, which is the most that it may, as one number for each
/// of its tasks.
pub struct Mint;
impl oda_pallet_traits::Payments<u64, u64> for Mint {
	fn task_settled(verifiers: &[(u64, u32)], burned: u64) {
		Settled::append((verifiers.to_vec(), burned));
	}
	fn used(_: &u64, _: u64) {}
}

/// What whoever mints was told: who shared a fee, and what was burned of it.
#[polkadot_sdk::frame_support::storage_alias]
pub(crate) type Settled =
	StorageValue<Mint, Vec<(Vec<(u64, u32)>, u64)>, polkadot_sdk::frame_support::pallet_prelude::ValueQuery>;

/// What a verifier's commission leaves goes to the account of its delegators.
pub struct Pools;
impl oda_pallet_traits::Rewards<u64, Credit<u64, Balances>> for Pools {
	fn reward(role: Role, who: &u64, credit: Credit<u64, Balances>) -> Result<(), Credit<u64, Balances>> {
		assert_eq!(role, Role::Verifier);
		if NoPool::get().contains(who) {
			return Err(credit);
		}
		let commission = Commission::get().mul_floor(credit.peek());
		let (commission, rest) = credit.split(commission);
		Balances::resolve(&DELEGATORS, rest).map_err(|_| ()).expect("it has an account");
		Balances::resolve(who, commission)
	}
}

/// Where the part of the fees goes that is no commission.
pub(crate) const DELEGATORS: u64 = 77;

/// One for each record, and for each chunk that is fetched.
pub struct FeeOfWork;
impl Convert<Work, u64> for FeeOfWork {
	fn convert(work: Work) -> u64 {
		u64::from(work.records) + work.bytes.div_ceil(1_024)
	}
}

/// [`BytePrice`] for each byte, and never more than a trainer's bond.
pub struct PostPrice;
impl Convert<u64, u64> for PostPrice {
	fn convert(len: u64) -> u64 {
		(len * BytePrice::get()).min(TRAINER_BOND)
	}
}

parameter_types! {
	/// What whoever keeps heads was told of each model.
	pub static Told: BTreeMap<ModelId, Option<[BlobRef; 2]>> = BTreeMap::new();
	/// What was seen, in this order.
	pub static Seen: Vec<(u64, Deed)> = Vec::new();
	/// The accounts that are suspended.
	pub static Suspended: Vec<u64> = Vec::new();
	/// The part of a fee that a verifier keeps for itself.
	pub static Commission: Perbill = Perbill::one();
	/// Who has no stake any more.
	pub static NoPool: Vec<u64> = Vec::new();
}

/// Remembers what it sees.
pub struct SeenDeeds;
impl oda_pallet_traits::Evidence<u64> for SeenDeeds {
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

/// What can change while submissions are under way.
mod parameters {
	use super::{Perbill, Tick, parameter_types};

	parameter_types! {
		pub static FeeBase: u64 = super::FEE_BASE;
		pub static TrainerBond: u64 = super::TRAINER_BOND;
		pub static ChallengeBond: u64 = super::CHALLENGE_BOND;
		pub static DemandBond: u64 = super::DEMAND_BOND;
		/// The price of posting a byte.
		pub static BytePrice: u64 = 1;
		pub static MinBounty: u64 = super::MIN_BOUNTY;
		pub static MinCommitAge: Tick = super::MIN_COMMIT_AGE;
		pub static RevealWindow: Tick = super::REVEAL_WINDOW;
		pub static AttestBase: Tick = super::ATTEST_WINDOW;
		pub static ChallengeWindow: Tick = super::CHALLENGE_WINDOW;
		pub static MinChallengeAge: Tick = super::MIN_CHALLENGE_AGE;
		pub static ChallengeLifetime: Tick = super::CHALLENGE_LIFETIME;
		pub static DemandWindow: Tick = super::DEMAND_WINDOW;
		pub static FeeBurn: Perbill = Perbill::from_percent(10);
	}
}
pub(crate) use parameters::*;

/// Remembers what it is told.
pub struct ToldHeads;
impl oda_pallet_traits::Heads for ToldHeads {
	fn set_head(model: &ModelId, blobs: Option<[BlobRef; 2]>) {
		Told::mutate(|told| told.insert(*model, blobs));
	}
}

/// The same for all models of the tests, and more where a mebibyte or more is fetched.
pub struct AttestWindow;
impl Convert<Work, Tick> for AttestWindow {
	fn convert(work: Work) -> Tick {
		AttestBase::get() + (work.bytes >> 20)
	}
}

impl pallet_training::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Clock = Clock;
	type Models = Registry;
	type Heads = ToldHeads;
	type Evidence = SeenDeeds;
	type Tiers = Reputations;
	type Committees = committee::Played;
	type FeeBurn = FeeBurn;
	type Payments = Mint;
	type Rewards = Pools;
	type ScoreDeposit = HoldConsideration<u64, Balances, ScoreHold, Price>;
	type WeightsDeposit = HoldConsideration<u64, Balances, KnownHold, Price>;
	type VerificationFee = FeeOfWork;
	type AttestWindow = AttestWindow;
	type EvaluationWeight = EvaluationWeight;
	type OutputWeight = OutputWeight;
	type FeeBase = FeeBase;
	type TrainerBond = TrainerBond;
	type ChallengeBond = ChallengeBond;
	type DemandBond = DemandBond;
	type PostPrice = PostPrice;
	type DefencePriority = ConstU64<{ u64::MAX }>;
	type SettlePriority = ConstU64<77>;
	type DemandWindow = DemandWindow;
	type MinBounty = MinBounty;
	type MinCommitAge = MinCommitAge;
	type RevealWindow = RevealWindow;
	type ChallengeWindow = ChallengeWindow;
	type MinChallengeAge = MinChallengeAge;
	type ChallengeLifetime = ChallengeLifetime;
	type MaxBountyTerm = ConstU64<MAX_BOUNTY_TERM>;
	type MaxLive = ConstU32<MAX_LIVE>;
	type MaxQueue = ConstU32<MAX_QUEUE>;
	type MaxChallengers = ConstU32<MAX_CHALLENGERS>;
	type MaxBounties = ConstU32<MAX_BOUNTIES>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = BenchmarkHelper;
}

/// What benchmarks need here.
#[cfg(feature = "runtime-benchmarks")]
pub struct BenchmarkHelper;

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for BenchmarkHelper {
	fn set_tick(tick: Tick) {
		pallet_clock::Now::<Test>::put(tick);
	}
}

/// Registers the model and trains its version 0.
pub(crate) const REGISTRAR: u64 = 1;
pub(crate) const ALICE: u64 = 2;
pub(crate) const BOB: u64 = 3;
/// Finds wrong scores.
pub(crate) const EVE: u64 = 4;
/// Promises bounties.
pub(crate) const PATRON: u64 = 5;
/// Has nearly nothing.
pub(crate) const POOR: u64 = 6;
pub(crate) const VERIFIERS: [u64; 3] = [101, 102, 103];
/// What the rich start with.
pub(crate) const ENDOWMENT: u64 = 1_000_000;

/// A runtime in which nothing is registered.
pub(crate) fn bare_ext() -> sp_io::TestExternalities {
	Told::take();
	Seen::take();
	let rich = [REGISTRAR, ALICE, BOB, EVE, PATRON].into_iter().chain(VERIFIERS);
	let mut balances: Vec<_> = rich.map(|who| (who, ENDOWMENT)).collect();
	balances.extend([(POOR, ED), (DELEGATORS, ENDOWMENT)]);
	let mut ext: sp_io::TestExternalities = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.execute_with(|| {
		System::set_block_number(1);
		pallet_clock::Now::<Test>::put(1);
		committee::seat(&VERIFIERS);
	});
	ext
}

/// Runs `test` in a runtime where the model has a head, right on records 0 to 9, and checks the invariants
/// afterwards.
pub(crate) fn with_head(test: impl FnOnce(ModelId)) {
	bare_ext().execute_with(|| {
		let model = register(spec());
		become_head(model, &Attempt::new(REGISTRAR, |i| i < 10));
		System::reset_events();
		test(model);
		check();
	});
}

/// Runs `test` in a runtime where the model has no head yet.
pub(crate) fn with_pending(test: impl FnOnce(ModelId)) {
	bare_ext().execute_with(|| {
		let model = register(spec());
		test(model);
		check();
	});
}

/// Checks the invariants of all pallets, and that whoever keeps heads knows of them.
pub(crate) fn check() {
	for (model, blobs) in Told::get() {
		let head = Registry::head(model).map(|(_, head)| [head.weights, BlobRef::of(&data())]);
		assert_eq!(blobs, head, "the head's blobs");
	}
	Training::do_try_state().unwrap();
	Registry::do_try_state().unwrap();
}

pub(crate) const RECORDS: u32 = 40;
const INPUTS: usize = 64;

/// The class of record `i`.
fn class(i: u32) -> u8 {
	(i % 3) as u8
}

/// The bytes of all records: three chunks.
pub(crate) fn data() -> Vec<u8> {
	(0..RECORDS)
		.flat_map(|i| {
			let mut record = vec![0; INPUTS];
			record[i as usize] = 1;
			record.push(class(i));
			record
		})
		.collect()
}

/// The model; better by 2 is better.
pub(crate) fn spec() -> ModelSpec {
	ModelSpec {
		graph: Graph {
			version: VERSION,
			inputs: vec![TensorType::new(DType::I8, [INPUTS as u32])],
			params: vec![
				TensorType::new(DType::I8, [3, INPUTS as u32]),
				TensorType::new(DType::I32, [3]),
				TensorType::new(DType::I32, [3]),
				TensorType::new(DType::U8, [3]),
			],
			nodes: vec![Node {
				op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
				inputs: vec![0],
				output: TensorType::new(DType::I32, [3]),
			}],
			outputs: vec![1],
		},
		objective: Objective {
			metric: Metric::Accuracy,
			target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
			min_improvement: 2,
			confidence: None,
		},
		data: DataSource::Fixed(DatasetRef { blob: BlobRef::of(&data()), records: RECORDS }),
	}
}

/// The model, better by 2 and at the 5 % level.
pub(crate) fn careful_spec() -> ModelSpec {
	let mut spec = spec();
	spec.objective.confidence = Some(Confidence { p: 384, q: 100 });
	spec
}

/// Weights that a trainer has, and what they say of them.
#[derive(Clone)]
pub(crate) struct Attempt {
	pub(crate) trainer: u64,
	pub(crate) weights: Vec<u8>,
	pub(crate) salt: [u8; 32],
	pub(crate) scores: ScoreBytes,
}

impl Attempt {
	/// Weights that are right on the records that `right` picks, honestly scored.
	pub(crate) fn new(trainer: u64, right: impl Fn(u32) -> bool) -> Self {
		Self::claiming(trainer, &right, &right)
	}

	/// Weights that are right on the records that `right` picks, scored as if on those that `claimed` picks.
	pub(crate) fn claiming(trainer: u64, right: impl Fn(u32) -> bool, claimed: impl Fn(u32) -> bool) -> Self {
		let mut weights = vec![0; 3 * INPUTS];
		for i in 0..RECORDS {
			let says = if right(i) { class(i) } else { class(i + 1) };
			weights[usize::from(says) * INPUTS + i as usize] = 1;
		}
		// A column that no record uses: so trainers' weights differ even when they are as good.
		weights[INPUTS - 1] = trainer as u8;
		weights.extend([0; 12]);
		weights.extend([1, 0, 0, 0].repeat(3));
		weights.extend([0; 3]);
		let scores: Vec<i32> = (0..RECORDS).map(|i| claimed(i).into()).collect();
		let scores = scores::pack(spec().score_kind(), &scores).unwrap().try_into().unwrap();
		Self { trainer, weights, salt: [trainer as u8; 32], scores }
	}

	/// A liar: right on records 0 to 9, claiming `claimed` more.
	pub(crate) fn lie(trainer: u64, claimed: u32) -> Self {
		Self::claiming(trainer, |i| i < 10, move |i| i < 10 + claimed)
	}

	pub(crate) fn blob(&self) -> BlobRef {
		BlobRef::of(&self.weights)
	}

	pub(crate) fn commitment(&self, model: &ModelId) -> [u8; 32] {
		hash::commitment(&funds::genesis_hash::<Test>(), model, &self.trainer, &self.blob(), &self.salt)
	}

	pub(crate) fn shown(&self) -> WeightBytes {
		self.weights.clone().try_into().unwrap()
	}

	/// The root of what the evaluator makes of `record`.
	pub(crate) fn output(&self, record: u32) -> [u8; 32] {
		let start = record as usize * (INPUTS + 1);
		court::output_root(&spec().graph, &self.weights, &data()[start..start + INPUTS]).unwrap()
	}

	/// What the evaluator says of `record`.
	pub(crate) fn actual(&self, record: u32) -> i32 {
		let spec = spec();
		let range = spec.record_range(record).unwrap();
		let evaluator = Evaluator::new(&spec.graph, &self.weights).unwrap();
		spec.score_record(&evaluator, &data()[range.start as usize..range.end as usize]).unwrap()
	}
}

/// The number of the next submission.
pub(crate) fn next() -> SubmissionId {
	pallet_training::NextSubmission::<Test>::get()
}

pub(crate) fn register(spec: ModelSpec) -> ModelId {
	register_on(spec, &data())
}

/// Announces and registers a model on these bytes.
pub(crate) fn register_on(spec: ModelSpec, data: &[u8]) -> ModelId {
	let (model, salt) = (spec.id(), [0; 32]);
	let registrar = || RuntimeOrigin::signed(REGISTRAR);
	let proof = RangeProof::of_end(data).unwrap();
	let commitment = hash::registration(&funds::genesis_hash::<Test>(), &REGISTRAR, &model, &salt);
	Registry::announce(registrar(), commitment).unwrap();
	Registry::register(registrar(), Box::new(spec), proof, None, salt).unwrap();
	model
}

pub(crate) fn now() -> Tick {
	pallet_clock::Now::<Test>::get()
}

/// Lets `ticks` pass.
pub(crate) fn pass(ticks: Tick) {
	pallet_clock::Now::<Test>::mutate(|now| *now += ticks);
	System::set_block_number(System::block_number() + ticks);
}

pub(crate) fn commit(model: ModelId, attempt: &Attempt) -> SubmissionId {
	let id = next();
	let commitment = attempt.commitment(&model);
	Training::commit(RuntimeOrigin::signed(attempt.trainer), model, commitment).unwrap();
	id
}

pub(crate) fn reveal(id: SubmissionId, attempt: &Attempt) -> DispatchResult {
	let origin = RuntimeOrigin::signed(attempt.trainer);
	let revealed = Training::reveal(origin, id, attempt.blob(), attempt.salt, attempt.scores.clone());
	revealed.map(|_| ()).map_err(|refused| refused.error)
}

/// Commits and, as soon as allowed, reveals.
pub(crate) fn submit(model: ModelId, attempt: &Attempt) -> SubmissionId {
	let id = commit(model, attempt);
	pass(MIN_COMMIT_AGE);
	reveal(id, attempt).unwrap();
	id
}

pub(crate) fn attest(id: SubmissionId, verifier: u64, verdict: Verdict) -> DispatchResult {
	committee::answer(id, verifier, verdict)
}

/// All verifiers say that a submission is as claimed.
pub(crate) fn approve(id: SubmissionId) {
	for verifier in committee::members(id) {
		attest(id, verifier, Verdict::Valid).unwrap();
	}
}

pub(crate) fn settle(id: SubmissionId) -> Result<PostDispatchInfo, DispatchError> {
	Training::settle(RuntimeOrigin::signed(PATRON), id).map_err(|refused| refused.error)
}

/// Takes an attempt all the way.
pub(crate) fn become_head(model: ModelId, attempt: &Attempt) -> SubmissionId {
	let id = submit(model, attempt);
	approve(id);
	pass(CHALLENGE_WINDOW);
	settle(id).unwrap();
	assert!(!Submissions::<Test>::contains_key(id));
	id
}

pub(crate) fn commit_challenge(who: u64, id: SubmissionId, record: u32) -> DispatchResult {
	let commitment =
		hash::challenge_commitment(&funds::genesis_hash::<Test>(), id, record, &who, &[who as u8; 32]);
	Training::commit_challenge(RuntimeOrigin::signed(who), id, commitment)
}

/// The proof of a record's bytes.
pub(crate) fn proof(record: u32) -> RangeProof {
	RangeProof::new(&data(), spec().record_range(record).unwrap()).unwrap()
}

/// Sends a call that nobody signed through the pool's checks into a block.
pub(crate) fn send(call: crate::Call<Test>) -> DispatchResultWithPostInfo {
	let call = RuntimeCall::from(call);
	if let Err(error) = call.authorize(TransactionSource::External).unwrap() {
		return Err(refused(error).into());
	}
	call.dispatch(RawOrigin::Authorized.into())
}

/// The error behind what the pool says.
pub(crate) fn refused(error: TransactionValidityError) -> DispatchError {
	let TransactionValidityError::Invalid(InvalidTransaction::Custom(code)) = error else {
		return DispatchError::Other("refused without a code");
	};
	let index = code - refusal::TRAINING;
	DispatchError::Module(ModuleError { index: 5, error: [index, 0, 0, 0], message: None })
}

/// A challenge with all that belongs to it.
pub(crate) fn challenge_call(
	who: u64,
	id: SubmissionId,
	record: u32,
	attempt: &Attempt,
) -> crate::Call<Test> {
	crate::Call::challenge {
		submission: id,
		record,
		challenger: who,
		salt: [who as u8; 32],
		proof: proof(record),
		weights: attempt.shown(),
		cost: EVALUATION,
	}
}

/// Challenges with all that belongs to it.
pub(crate) fn challenge(
	who: u64,
	id: SubmissionId,
	record: u32,
	attempt: &Attempt,
) -> DispatchResultWithPostInfo {
	send(challenge_call(who, id, record, attempt))
}

/// A disputed record with all that belongs to it.
pub(crate) fn resolution(id: SubmissionId, record: u32, attempt: &Attempt) -> crate::Call<Test> {
	crate::Call::resolve_dispute {
		submission: id,
		record,
		proof: proof(record),
		weights: attempt.shown(),
		cost: RESOLUTION,
	}
}

/// Has the court run a disputed record.
pub(crate) fn resolve(id: SubmissionId, record: u32, attempt: &Attempt) -> DispatchResult {
	send(resolution(id, record, attempt)).map(|_| ()).map_err(|refused| refused.error)
}

pub(crate) fn held(reason: HoldReason, who: u64) -> u64 {
	Balances::balance_on_hold(&RuntimeHoldReason::Training(reason), &who)
}

/// What an account has, on hold or not.
pub(crate) fn wealth(who: u64) -> u64 {
	Balances::total_balance(&who)
}

pub(crate) fn issuance() -> u64 {
	Balances::total_issuance()
}

/// This pallet's events since the last reset.
pub(crate) fn events() -> Vec<crate::Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Training(event) => Some(event),
			_ => None,
		})
		.collect()
}

/// Whether an event of this pallet was deposited since the last reset.
pub(crate) fn happened(event: crate::Event<Test>) -> bool {
	let found = events().iter().any(|other| other.encode() == event.encode());
	if !found {
		eprintln!("{:#?}", events());
	}
	found
}
