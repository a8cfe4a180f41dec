//! A runtime with the real registry, a played stake, and a model small enough to read.
//!
//! The model has one dense node, from four inputs to two outputs of `i32`. Accounts sign by their name.

use crate as pallet_inference;
use crate::*;
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
	model::{Metric, TargetSpec},
};
use oda_pallet_court as court;
use oda_pallet_traits::{AmountOf, Deed, Models as _, RewardOf, Role, Version};
use oda_primitives::{BlobRef, inference::request_hash};
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{
			ConstU32, ConstU64, Imbalance, LinearStoragePrice,
			fungible::{Balanced, Credit, HoldConsideration, Inspect, InspectHold, Mutate},
			tokens::{Fortitude, Precision, Preservation},
		},
	},
	frame_system::{self, EnsureRoot},
	pallet_balances, sp_io,
	sp_runtime::{
		BuildStorage, Perbill,
		testing::{TestSignature, UintAuthorityId},
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
	pub type Registry = pallet_model_registry::Pallet<Test>;
	#[runtime::pallet_index(3)]
	pub type Inference = pallet_inference::Pallet<Test>;
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
pub(crate) const USER: u64 = 1;
pub(crate) const PROVIDER: u64 = 2;
pub(crate) const TRAINER: u64 = 3;
pub(crate) const PARENT: u64 = 4;
pub(crate) const GRANDPARENT: u64 = 5;
pub(crate) const AUTHOR: u64 = 6;
pub(crate) const TREASURY: u64 = 7;
pub(crate) const OTHER: u64 = 8;
/// The key that signs the user's vouchers, and the one that signs receipts.
pub(crate) const VOUCHER_KEY: u64 = 101;
pub(crate) const RECEIPT_KEY: u64 = 102;
/// The storage account of every model.
pub(crate) const STORAGE: u64 = 9;
/// Who has all stakes.
pub(crate) const POT: u64 = 10;
/// An account with nothing.
pub(crate) const NOBODY: u64 = 99;
/// What each account begins with.
pub(crate) const WEALTH: u64 = 1_000_000;
pub(crate) const RECEIPT_SLASH: u64 = 1_000;
pub(crate) const REFUND_RATIO: u32 = 10;
pub(crate) const DISPUTE_FEE: u64 = 7;
pub(crate) const DISPUTE_BOND: u64 = 50;
pub(crate) const RECEIPT_LIFE: Tick = 100;
pub(crate) const ANSWER_DISPUTE: Tick = 20;
pub(crate) const MIN_GRACE: Tick = 5;
pub(crate) const MAX_GRACE: Tick = 50;
pub(crate) const MAX_TERM: Tick = 1_000;
pub(crate) const MIN_DEPOSIT: u64 = 100;
pub(crate) const MAX_CLAIMS: u32 = 8;
/// The provider's time limits.
pub(crate) const TERMS: Terms = Terms { grace: 10, answer: 15 };
/// 3 for a request, and 1 for every million multiply-accumulates that are begun: 8 an input.
pub(crate) const PRICE: Price = Price { per_request: 3, per_mmac: 1 };
/// What a request of one input costs.
pub(crate) const ONE: u64 = 4;
pub(crate) const SPLIT: Split = Split {
	provider: Perbill::from_percent(60),
	trainer: Perbill::from_percent(15),
	royalty: Perbill::from_percent(5),
	author: Perbill::from_percent(3),
	treasury: Perbill::from_percent(4),
	storage: Perbill::from_percent(6),
};

parameter_types! {
	/// What time it is.
	pub static Time: Tick = 1_000;
	/// What each provider has at stake: its own, and what is delegated.
	pub static Stake: alloc::collections::BTreeMap<u64, (u64, u64)> = Default::default();
	/// Who made the block.
	pub static BlockAuthor: Option<u64> = Some(AUTHOR);
	/// How long a dispute may be.
	pub static MaxDisputeBytes: u64 = 20_000;
	/// Who gets what.
	pub static Parts: Split = SPLIT;
	/// How long a receipt of a one-shot request lives at most, and a channel that is opened now is kept.
	pub static Life: Tick = RECEIPT_LIFE;
	/// How many times its price a user gets back.
	pub static Ratio: u32 = REFUND_RATIO;
	/// What was seen, in this order.
	pub static Seen: Vec<(u64, Deed)> = Vec::new();
	/// What trainers were told that their users burned.
	pub static Used: Vec<(u64, u64)> = Vec::new();
	pub const ModelHold: RuntimeHoldReason = RuntimeHoldReason::Registry(pallet_model_registry::HoldReason::Model);
	pub const OfferHold: RuntimeHoldReason = RuntimeHoldReason::Inference(HoldReason::OfferDeposit);
	pub const ChannelHold: RuntimeHoldReason = RuntimeHoldReason::Inference(HoldReason::ChannelDeposit);
	pub const RequestHold: RuntimeHoldReason = RuntimeHoldReason::Inference(HoldReason::RequestDeposit);
	pub MaxEvaluationWeight: Weight = Weight::from_parts(100_000_000, u64::MAX);
}

/// Remembers what it sees.
pub struct SeenDeeds;
impl Evidence<u64> for SeenDeeds {
	fn saw(who: &u64, deed: Deed) {
		Seen::mutate(|seen| seen.push((*who, deed)));
	}
}

/// Remembers what was used.
pub struct Counted;
impl Payments<u64, u64> for Counted {
	fn task_settled(_: &[(u64, u32)], _: u64) {}
	fn used(trainer: &u64, burned: u64) {
		Used::mutate(|used| used.push((*trainer, burned)));
	}
}

/// Stakes that are kept in one pot.
pub struct Played;

impl Played {
	fn lose(who: u64, amount: u64) -> (u64, Credit<u64, Balances>) {
		let (own, delegated) = Stake::get().get(&who).copied().unwrap_or_default();
		let amount = amount.min(own + delegated);
		if amount == 0 {
			return (0, Credit::<u64, Balances>::zero());
		}
		let of_own = amount * own / (own + delegated);
		Stake::mutate(|stake| stake.insert(who, (own - of_own, delegated - (amount - of_own))));
		let taken =
			Balances::withdraw(&POT, amount, Precision::Exact, Preservation::Expendable, Fortitude::Force)
				.expect("the pot has all stakes");
		let (reward, _burned) = taken.split(of_own / 2);
		(amount, reward)
	}
}

impl oda_pallet_traits::Stakes<u64> for Played {
	type Currency = Balances;

	fn active(_: Role, who: &u64) -> u64 {
		Stake::get().get(who).map_or(0, |(own, delegated)| own + delegated)
	}

	fn reserve(_: Role, _: &u64, _: u64, _: u64) -> DispatchResult {
		unreachable!("nothing is reserved for receipts")
	}

	fn release(_: Role, _: &u64, _: u64) {
		unreachable!("nothing is reserved for receipts")
	}

	fn slash(_: Role, who: &u64, amount: u64) -> (AmountOf<u64, Self>, RewardOf<u64, Self>) {
		Self::lose(*who, amount)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn bond_for_benchmark(_: Role, who: &u64, amount: u64) {
		bond(*who, amount, 0);
	}
}

impl OwnStakes<u64> for Played {
	fn own(role: Role, who: &u64) -> u64 {
		assert_eq!(role, Role::Provider);
		Stake::get().get(who).map_or(0, |(own, _)| *own)
	}

	fn slash_own(role: Role, who: &u64, amount: u64) -> (u64, RewardOf<u64, Self>) {
		assert_eq!(role, Role::Provider);
		let (own, delegated) = Stake::get().get(who).copied().unwrap_or_default();
		let whole = match own {
			0 => 0,
			own if own > amount => ((own + delegated) * amount).div_ceil(own),
			_ => own + delegated,
		};
		Self::lose(*who, whole)
	}
}

/// Puts so much at stake, of a provider's own and delegated.
pub(crate) fn bond(who: u64, own: u64, delegated: u64) {
	Balances::mint_into(&POT, own + delegated).unwrap();
	Stake::mutate(|stake| stake.insert(who, (own, delegated)));
}

/// The same for all models.
pub struct ModelAccount;
impl Convert<ModelId, u64> for ModelAccount {
	fn convert(_: ModelId) -> u64 {
		STORAGE
	}
}

/// One for each multiply-accumulate, or byte.
pub struct Unit;
impl Convert<Cost, Weight> for Unit {
	fn convert(cost: Cost) -> Weight {
		Weight::from_parts(cost.macs, 0)
	}
}
impl Convert<u64, Weight> for Unit {
	fn convert(bytes: u64) -> Weight {
		Weight::from_parts(bytes, 0)
	}
}

type Deposit<Reason> =
	HoldConsideration<u64, Balances, Reason, LinearStoragePrice<ConstU64<5>, ConstU64<1>, u64>>;

impl pallet_model_registry::Config for Test {
	type AnnouncementDeposit = ();
	type AnnouncementLifetime = ConstU64<20>;
	type CardDeposit = ();
	type MaxCardBytes = ConstU64<65_536>;
	type Clock = Time;
	type Deposit = Deposit<ModelHold>;
	type EvaluationWeight = Unit;
	type MaxAnnouncements = ConstU32<4>;
	type MaxChallengeBytes = ConstU64<5_000_000>;
	type MaxEvaluationWeight = MaxEvaluationWeight;
	type MaxWeightsBytes = ConstU64<{ 2 << 20 }>;
	type MinAnnouncementAge = ConstU64<2>;
	type OutputWeight = Unit;
	type PendingWindow = ConstU64<10>;
	type WeightInfo = ();
	type FreezeOrigin = EnsureRoot<u64>;
}

impl pallet_inference::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Clock = Time;
	type Models = Registry;
	type Lineage = Registry;
	type Stakes = Played;
	type Evidence = SeenDeeds;
	type Payments = Counted;
	type Author = BlockAuthor;
	type Treasury = ConstU64<TREASURY>;
	type ModelAccount = ModelAccount;
	type Split = Parts;
	type Signature = TestSignature;
	type Signer = UintAuthorityId;
	type OfferDeposit = Deposit<OfferHold>;
	type ChannelDeposit = Deposit<ChannelHold>;
	type RequestDeposit = Deposit<RequestHold>;
	type EvaluationWeight = Unit;
	type OutputWeight = Unit;
	type ReceiptSlash = ConstU64<RECEIPT_SLASH>;
	type RefundRatio = Ratio;
	type DisputeFee = ConstU64<DISPUTE_FEE>;
	type DisputeBond = ConstU64<DISPUTE_BOND>;
	type ReceiptLife = Life;
	type AnswerDispute = ConstU64<ANSWER_DISPUTE>;
	type MinGrace = ConstU64<MIN_GRACE>;
	type MaxGrace = ConstU64<MAX_GRACE>;
	type MaxTerm = ConstU64<MAX_TERM>;
	type MinDeposit = ConstU64<MIN_DEPOSIT>;
	type MaxDisputeBytes = MaxDisputeBytes;
	type MaxModels = ConstU32<3>;
	type MaxClaims = ConstU32<MAX_CLAIMS>;
	type MaxAncestors = ConstU32<4>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
}

#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper<u64, TestSignature> for () {
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

/// A model of one dense node, from four inputs to two outputs, whose data differ by `salt`.
pub(crate) fn spec(salt: u8) -> ModelSpec {
	let output = TensorType::new(DType::I32, [2]);
	ModelSpec {
		graph: Graph {
			version: VERSION,
			inputs: vec![TensorType::new(DType::I8, [4])],
			params: vec![
				TensorType::new(DType::I8, [2, 4]),
				TensorType::new(DType::I32, [2]),
				TensorType::new(DType::I32, [2]),
				TensorType::new(DType::U8, [2]),
			],
			nodes: vec![Node {
				op: Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } },
				inputs: vec![0],
				output,
			}],
			outputs: vec![1],
		},
		objective: Objective {
			metric: Metric::Accuracy,
			target: TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None },
			min_improvement: 1,
			confidence: None,
		},
		data: DataSource::Fixed(DatasetRef { blob: BlobRef::of(&[salt; 5]), records: 1 }),
	}
}

/// Weights whose outputs are the sum of the inputs, and its opposite.
pub(crate) fn weights() -> Vec<u8> {
	let mut bytes = [[1u8; 4], [255; 4]].concat();
	bytes.extend([0i32; 2].into_iter().flat_map(i32::to_le_bytes));
	bytes.extend([1i32; 2].into_iter().flat_map(i32::to_le_bytes));
	bytes.extend([0u8; 2]);
	bytes
}

/// What they make of these inputs, four bytes each.
pub(crate) fn outputs(inputs: &[u8]) -> Vec<u8> {
	let graph = spec(0).graph;
	inputs.chunks(4).flat_map(|input| court::makes(&graph, &weights(), input).unwrap()).collect()
}

/// The model that all tests ask.
pub(crate) fn model() -> ModelId {
	spec(0).id()
}

/// Registers a model, and makes a trainer's weights its head.
pub(crate) fn with_head(spec: ModelSpec, parent: Option<ModelId>, trainer: u64) -> ModelId {
	let id = spec.id();
	let cost = spec.validate().unwrap();
	pallet_model_registry::Models::<Test>::insert(
		id,
		pallet_model_registry::Model {
			registrar: trainer,
			status: oda_pallet_traits::ModelStatus::Pending,
			parent,
			head: None,
			next_version: 0,
			live: 0,
			cost,
			records: 1,
			bytes: 5,
			registered_at: 0,
			free_at: 0,
			ticket: Deposit::<ModelHold>::new(&trainer, Footprint::from_parts(0, 0)).unwrap(),
		},
	);
	pallet_model_registry::Specs::<Test>::insert(id, spec);
	next_head(&id, trainer);
	id
}

/// The next version of a model.
pub(crate) fn next_head(model: &ModelId, trainer: u64) -> VersionId {
	let weights = BlobRef::of(&weights());
	let version = Version { trainer, weights, score: 1, submission: 0, accepted_at: 0, replaced: None };
	Registry::accept(model, version).unwrap()
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let rich = [USER, PROVIDER, TRAINER, PARENT, GRANDPARENT, AUTHOR, TREASURY, OTHER, STORAGE, POT];
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: rich.map(|who| (who, WEALTH)).to_vec(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.execute_with(|| {
		System::set_block_number(1);
		with_head(spec(0), None, TRAINER);
		bond(PROVIDER, RECEIPT_SLASH, 0);
	});
	ext
}

/// Runs a test among a user and a provider that offers the model, and checks what must always be true.
pub(crate) fn run(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		offer();
		test();
		Inference::do_try_state().unwrap();
	});
}

pub(crate) fn origin(who: u64) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// What the provider offers.
pub(crate) fn offered() -> BoundedVec<OfferedModel, ConstU32<3>> {
	vec![OfferedModel { model: model(), price: PRICE }].try_into().unwrap()
}

pub(crate) fn endpoint() -> Endpoint {
	b"https://provider.example".to_vec().try_into().unwrap()
}

pub(crate) fn offer() {
	Inference::set_offer(origin(PROVIDER), endpoint(), RECEIPT_KEY, offered(), TERMS, 8).unwrap();
}

/// Opens a channel with the voucher key, for 500 ticks; its number.
pub(crate) fn open(deposit: u64) -> ChannelId {
	let id = NextChannel::<Test>::get();
	Inference::open(origin(USER), PROVIDER, model(), deposit, Some(VOUCHER_KEY), TERMS, 500).unwrap();
	id
}

/// The signature of a key over a message.
pub(crate) fn sign(key: u64, message: Vec<u8>) -> TestSignature {
	TestSignature(key, message)
}

pub(crate) fn genesis() -> [u8; 32] {
	oda_pallet_funds::genesis_hash::<Test>()
}

/// A voucher of the voucher key.
pub(crate) fn voucher(channel: ChannelId, amount: u64, nonce: u64) -> (Voucher, TestSignature) {
	let voucher = Voucher { channel, version: 0, amount: amount.into(), nonce };
	(voucher, sign(VOUCHER_KEY, voucher.message(&genesis())))
}

pub(crate) fn claim(vouchers: Vec<(Voucher, TestSignature)>) -> DispatchResult {
	Inference::claim(origin(OTHER), vouchers.try_into().unwrap())
}

/// What an account has, holds included.
pub(crate) fn wealth(who: u64) -> u64 {
	Balances::total_balance(&who)
}

pub(crate) fn held(reason: HoldReason, who: u64) -> u64 {
	Balances::balance_on_hold(&reason.into(), &who)
}

/// The input `[1, 2, 3, index]`, so many times.
pub(crate) fn inputs(count: u8) -> Vec<u8> {
	(0..count).flat_map(|index| [1, 2, 3, index]).collect()
}

/// A receipt of so many inputs and these outputs, signed by the provider.
pub(crate) fn receipt(payment: Payment, count: u8, output: &[u8]) -> (Receipt, TestSignature) {
	let input = BlobRef::of(&inputs(count)).root;
	let receipt = Receipt {
		payment,
		request: request_hash(&model(), &input, count.into()),
		weights: BlobRef::of(&weights()).root,
		input,
		output: BlobRef::of(output).root,
		count: count.into(),
		price: 20,
		nonce: 1,
		expires: Time::get() + RECEIPT_LIFE,
	};
	(receipt, sign(RECEIPT_KEY, receipt.message(&genesis())))
}

/// Disputes the output of an input.
pub(crate) fn dispute(
	who: u64,
	(receipt, signature): &(Receipt, TestSignature),
	output: &[u8],
	index: u32,
) -> DispatchResult {
	let all = inputs(receipt.count as u8);
	let at = u64::from(index);
	let input = RangeProof::new(&all, at * 4..at * 4 + 4).unwrap();
	let output = RangeProof::new(output, at * 8..at * 8 + 8).unwrap();
	let cost = Inference::court_price(&model()).unwrap();
	let weights = weights().try_into().unwrap();
	Inference::dispute(origin(who), *receipt, signature.clone(), index, input, output, weights, cost)
}

pub(crate) fn last_event() -> Option<Event<Test>> {
	System::events().into_iter().rev().find_map(|record| match record.event {
		RuntimeEvent::Inference(event) => Some(event),
		_ => None,
	})
}

/// Undoes what a test before this one set: for tests that begin more than once.
pub(crate) fn reset() {
	Time::set(1_000);
	Stake::set(Default::default());
	BlockAuthor::set(Some(AUTHOR));
	Parts::set(SPLIT);
	Life::set(RECEIPT_LIFE);
	Ratio::set(REFUND_RATIO);
	Seen::set(Vec::new());
	Used::set(Vec::new());
}
