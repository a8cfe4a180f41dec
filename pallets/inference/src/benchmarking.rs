//! Benchmarks: what the calls cost in their worst case.
//!
//! What reads a specification reads one that takes long to read: its graph has the most nodes that there may be, and nearly as
//! many parameters. Whoever has a part in a fee is another account for each fee, and has it: provider, trainer, as many
//! ancestors as are paid, and the model's storage account. The block's author is nobody here. Its account is written for
//! every transaction in any case, because the transaction's fee goes there.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, clippy::expect_used)]

use super::*;
use crate::channels::FORGOTTEN_AT_ONCE;
use alloc::{vec, vec::Vec};
use core::{iter, marker::PhantomData};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
	limits::MAX_NODES,
	model::{Metric, TargetSpec},
};
use oda_pallet_traits::{Role, Stakes, Version};
use oda_primitives::{BlobRef, CHUNK_LEN, MAX_BLOB_LEN, ProofError, hash, inference::request_hash};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::traits::fungible::{Inspect, Mutate, MutateHold},
	frame_system::RawOrigin,
	sp_core::{crypto::KeyTypeId, sr25519},
	sp_io,
	sp_runtime::{
		AccountId32, MultiSignature,
		traits::{Bounded, Saturating},
	},
};

/// Makes accounts that can sign, and lets time pass.
pub trait BenchmarkHelper<AccountId, Signature> {
	/// Lets it be `tick`.
	fn set_tick(tick: Tick);
	/// An account whose key is at hand.
	fn signer() -> AccountId;
	/// Its signature of `message`.
	fn sign(signer: &AccountId, message: &[u8]) -> Signature;
}

/// Signs with sr25519 by the host's keystore, and sets the clock by `C`.
pub struct Sr25519Helper<C>(PhantomData<C>);

/// A clock that benchmarks can set.
pub trait SetTick {
	/// Lets it be `tick`.
	fn set_tick(tick: Tick);
}

/// Under which the host keeps the keys of the benchmarks.
const KEY_TYPE: KeyTypeId = KeyTypeId(*b"odab");

impl<C: SetTick> BenchmarkHelper<AccountId32, MultiSignature> for Sr25519Helper<C> {
	fn set_tick(tick: Tick) {
		C::set_tick(tick);
	}

	fn signer() -> AccountId32 {
		sp_io::crypto::sr25519_generate(KEY_TYPE, None).into()
	}

	fn sign(signer: &AccountId32, message: &[u8]) -> MultiSignature {
		let public = sr25519::Public::from_raw(signer.clone().into());
		let signature = sp_io::crypto::sr25519_sign(KEY_TYPE, &public, message);
		signature.expect("the keystore made the key").into()
	}
}

/// When everything begins.
const START: Tick = 1_000;

/// Nodes that multiply one number by one weight: all but a pool and two more.
const IDLE: usize = MAX_NODES - 3;

/// Bytes of the weights of a node of one output, beside those that are multiplied: the constants of its requantisation.
const REQUANT_BYTES: u32 = 9;

/// Outputs of the model that is disputed: a whole chunk, so that its proof has no other bytes.
const OUTPUTS: u32 = CHUNK_LEN as u32;

/// Bytes of weights of the model that is disputed which do not grow.
const LEAST_WEIGHTS: u32 = IDLE as u32 * (REQUANT_BYTES + 1) + OUTPUTS * REQUANT_BYTES;

/// And those of each number between its last two nodes.
const WEIGHTS_EACH: u32 = OUTPUTS + REQUANT_BYTES + 1;

/// About the bytes that the proofs of a dispute have beside those of the input.
const PROOF_OVERHEAD: u32 = 3_100;

/// The least and the most bytes of proofs that are measured.
const LEAST_PROOFS: u32 = PROOF_OVERHEAD + CHUNK_LEN as u32;
const MOST_PROOFS: u32 = 1024 * 1024;

/// A model that looks at the first byte of an input of so many, a byte or whole chunks: multiplies it over and over, makes
/// `wide` numbers of it, and the outputs of those. So the bytes of an input and those of the weights are chosen apart, and
/// evaluating it takes little beside hashing them. Another `salt` makes it another model.
fn spec(salt: u32, input: u32, wide: u32, outputs: u32) -> ModelSpec {
	let image = |shape: [u32; 3]| TensorType::new(DType::I8, shape);
	let columns = input.min(OUTPUTS);
	let first = Op::AvgPool2d { kernel: [1, 1], stride: [u16::MAX; 2] };
	let mut params = Vec::new();
	let mut nodes = vec![Node { op: first, inputs: vec![0], output: image([1, 1, 1]) }];
	let mut before = 1;
	for n in iter::repeat_n(1, IDLE).chain([wide, outputs]) {
		let weight = params.len() as u16;
		let requant = Requant { bias: weight + 1, mult: weight + 2, shift: weight + 3 };
		params.extend([
			TensorType::new(DType::I8, [n, before]),
			TensorType::new(DType::I32, [n]),
			TensorType::new(DType::I32, [n]),
			TensorType::new(DType::U8, [n]),
		]);
		let inputs = vec![nodes.len() as u16];
		nodes.push(Node { op: Op::Dense { weight, requant }, inputs, output: image([1, 1, n]) });
		before = n;
	}
	let graph = Graph {
		version: VERSION,
		inputs: vec![image([input / columns, columns, 1])],
		params,
		outputs: vec![nodes.len() as u16],
		nodes,
	};
	let target = TensorType::new(DType::U8, [1, 1]);
	let len = graph.input_bytes() + target.bytes();
	let blob = BlobRef { root: hash::tagged("oda/benchmark/1", salt), len };
	ModelSpec {
		graph,
		objective: Objective {
			metric: Metric::Accuracy,
			target: TargetSpec { tensor: target, ignore: None },
			min_improvement: 1,
			confidence: None,
		},
		data: DataSource::Fixed(DatasetRef { blob, records: 1 }),
	}
}

/// Lets `who` pay for everything.
fn endow<T: Config>(who: &T::AccountId) {
	let share = BalanceOf::<T>::max_value() / 1_048_576u32.into();
	T::Currency::set_balance(who, share.max(T::Currency::minimum_balance()));
}

/// A rich account.
fn rich<T: Config>(name: &'static str, index: u32) -> T::AccountId {
	let who = account(name, index, 0);
	endow::<T>(&who);
	who
}

/// A fee of which every part is more than nothing.
fn fee<T: Config>() -> BalanceOf<T> {
	T::MinDeposit::get().max(T::Currency::minimum_balance()).saturating_mul(1_000u32.into())
}

/// Makes a trainer's weights the head of a model; the number of the version.
fn head<T: Config>(model: &ModelId, trainer: T::AccountId, weights: BlobRef) -> VersionId {
	let version = Version { trainer, weights, score: 0, submission: 0, accepted_at: START, replaced: None };
	T::Models::accept(model, version).expect("it takes versions")
}

/// Registers a model, with a head of these weights and as many ancestors as have a part in its fees. All who do can be paid.
fn register<T: Config>(salt: u32, spec: ModelSpec, weights: BlobRef) -> ModelId {
	T::BenchmarkHelper::set_tick(START);
	T::Payments::fill_for_benchmark();
	let trainer = rich::<T>("trainer", salt);
	let model = T::Models::register_for_benchmark(spec, &trainer);
	head::<T>(&model, trainer, weights);
	T::Lineage::descend_for_benchmark(&model, T::MaxAncestors::get());
	let ancestors = T::Lineage::ancestors(&model, T::MaxAncestors::get());
	assert!(ancestors.len() == T::MaxAncestors::get() as usize);
	ancestors.iter().for_each(endow::<T>);
	endow::<T>(&T::ModelAccount::convert(model));
	endow::<T>(&T::Treasury::get());
	model
}

/// The weights of models that are not evaluated.
const WEIGHTS: BlobRef = BlobRef { root: [7; 32], len: 0 };

/// The `salt`-th model of one byte of input and one of output.
fn model<T: Config>(salt: u32) -> ModelId {
	register::<T>(salt, spec(salt, 1, 1, 1), WEIGHTS)
}

/// Twice what a provider has to have at stake.
fn bond<T: Config>(provider: &T::AccountId) {
	let stake = T::ReceiptSlash::get().saturating_mul(2u32.into());
	T::Stakes::bond_for_benchmark(Role::Provider, provider, stake);
}

/// The longest endpoint.
fn endpoint() -> Endpoint {
	Endpoint::truncate_from(vec![b'a'; MAX_ENDPOINT_BYTES as usize])
}

/// What a provider says of time.
fn terms<T: Config>() -> Terms {
	Terms { grace: T::MinGrace::get(), answer: T::MaxGrace::get() }
}

/// What one request costs: a fee, and nearly nothing for the work.
fn price<T: Config>() -> Price {
	Price { per_request: Pallet::<T>::planck(fee::<T>()), per_mmac: 1 }
}

/// A provider that offers as many models as it can, this one last, and takes inputs without end; and its receipt key.
fn offer<T: Config>(model: ModelId) -> (T::AccountId, T::AccountId) {
	let provider = rich::<T>("provider", 0);
	bond::<T>(&provider);
	let key = T::BenchmarkHelper::signer();
	let others = (1..T::MaxModels::get()).map(|other| hash::tagged("oda/benchmark/1", ("other", other)));
	let models = others.chain([model]).map(|model| OfferedModel { model, price: price::<T>() });
	let ticket = T::OfferDeposit::new(&provider, Pallet::<T>::offer_footprint()).expect("it is rich");
	let offer = Offer {
		endpoint: endpoint(),
		key: key.clone(),
		models: BoundedVec::truncate_from(models.collect()),
		terms: terms::<T>(),
		max_count: u32::MAX,
		ticket,
	};
	Offers::<T>::insert(&provider, offer);
	(provider, key)
}

/// Opens the `index`-th channel, of accounts of its own, whose deposit is two fees.
fn channel<T: Config>(index: u32, model: ModelId) -> (ChannelId, ChannelOf<T>) {
	let user = rich::<T>("user", index);
	let ticket = T::ChannelDeposit::new(&user, Pallet::<T>::channel_footprint()).expect("it is rich");
	let deposit = fee::<T>().saturating_mul(2u32.into());
	T::Currency::hold(&HoldReason::Channel.into(), &user, deposit).expect("it is rich");
	let provider = T::BenchmarkHelper::signer();
	endow::<T>(&provider);
	let id = NextChannel::<T>::get();
	NextChannel::<T>::put(id + 1);
	let channel = Channel {
		user,
		provider,
		model,
		key: T::BenchmarkHelper::signer(),
		receipt_key: T::BenchmarkHelper::signer(),
		price: price::<T>(),
		deposit,
		claimed: Zero::zero(),
		grace: T::MinGrace::get(),
		receipts: T::ReceiptLife::get(),
		expires_at: START + T::MaxTerm::get(),
		state: ChannelState::Open,
		ticket,
	};
	Channels::<T>::insert(id, &channel);
	(id, channel)
}

/// A channel that the benchmark is about.
fn opened<T: Config>() -> (ChannelId, ChannelOf<T>) {
	channel::<T>(0, model::<T>(0))
}

/// A voucher for half of a channel's deposit.
fn voucher<T: Config>(channel: ChannelId, of: &ChannelOf<T>) -> (Voucher, T::Signature) {
	let amount = Pallet::<T>::planck(fee::<T>());
	let voucher = Voucher { channel, version: 0, amount, nonce: 1 };
	let message = voucher.message(&funds::genesis_hash::<T>());
	(voucher, T::BenchmarkHelper::sign(&of.key, &message))
}

/// A one-shot request of so many inputs, of a byte each.
fn asked<T: Config>(count: u32) -> (RequestId, RequestOf<T>, T::AccountId) {
	let model = model::<T>(0);
	let (provider, key) = offer::<T>(model);
	let user = rich::<T>("user", 0);
	let input = InlineBytes::truncate_from(vec![1; count as usize]);
	let id = NextRequest::<T>::get();
	Pallet::<T>::do_request(user, provider, model, input, count, BalanceOf::<T>::max_value())
		.expect("it is offered");
	(id, Requests::<T>::get(id).expect("it was just made"), key)
}

/// What answers it by as many outputs, until when that is evidence, and the signature of the receipt.
fn answer_to<T: Config>(
	id: RequestId,
	request: &RequestOf<T>,
	key: &T::AccountId,
) -> (InlineBytes, Tick, T::Signature) {
	let output = InlineBytes::truncate_from(vec![2; request.count as usize]);
	let expires = T::Clock::get() + T::AnswerDispute::get();
	let receipt = Receipt {
		payment: Payment::OneShot(id),
		request: request_hash(&request.model, &request.input, request.count),
		weights: WEIGHTS.root,
		input: request.input,
		output: BlobRef::of(&output).root,
		count: request.count,
		price: Pallet::<T>::planck(request.price),
		nonce: 0,
		expires,
	};
	let message = receipt.message(&funds::genesis_hash::<T>());
	(output, expires, T::BenchmarkHelper::sign(key, &message))
}

/// Whole chunks as the last of a blob of `count` times as many bytes, proved; and the blob's root.
fn proved(bytes: Vec<u8>, count: u32) -> (RangeProof, [u8; 32]) {
	let len = bytes.len() as u64;
	let start = len * u64::from(count - 1);
	let mut proof = RangeProof { start, len, chunks: bytes, siblings: Vec::new() };
	loop {
		match proof.implied_root(start + len) {
			Err(ProofError::SiblingCount) => proof.siblings.push([5; 32]),
			root => return (proof, root.expect("it only lacks siblings")),
		}
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// A first offer, for which a deposit is taken.
	#[benchmark]
	fn set_offer(m: Linear<1, { T::MaxModels::get() }>) {
		let models = (0..m).map(|salt| OfferedModel { model: model::<T>(salt), price: price::<T>() });
		let models = BoundedVec::truncate_from(models.collect());
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		bond::<T>(&caller);
		let key = T::BenchmarkHelper::signer();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), endpoint(), key, models, terms::<T>(), u32::MAX);

		assert!(Offers::<T>::get(caller).is_some_and(|offer| offer.models.len() == m as usize));
	}

	#[benchmark]
	fn remove_offer() {
		let (provider, _) = offer::<T>([1; 32]);

		#[extrinsic_call]
		_(RawOrigin::Signed(provider.clone()));

		assert!(!Offers::<T>::contains_key(provider));
	}

	#[benchmark]
	fn open() {
		let model = model::<T>(0);
		let (provider, _) = offer::<T>(model);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		let key = Some(T::BenchmarkHelper::signer());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), provider, model, fee::<T>(), key, terms::<T>(), T::MaxTerm::get());

		assert!(Channels::<T>::contains_key(0));
	}

	#[benchmark]
	fn top_up() {
		let (id, channel) = opened::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(channel.user), id, fee::<T>());

		assert!(Channels::<T>::get(id).is_some_and(|now| now.deposit > channel.deposit));
	}

	/// Vouchers of which nobody who is paid is paid by another.
	#[benchmark]
	fn claim(n: Linear<1, { T::MaxClaims::get() }>) {
		let vouchers = (0..n).map(|index| {
			let (id, channel) = channel::<T>(index, model::<T>(index));
			voucher::<T>(id, &channel)
		});
		let vouchers = BoundedVec::truncate_from(vouchers.collect());
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), vouchers);

		assert!(
			Channels::<T>::iter_values().filter(|channel| !channel.claimed.is_zero()).count() == n as usize
		);
	}

	#[benchmark]
	fn close() {
		let (id, channel) = opened::<T>();
		let last = Some(voucher::<T>(id, &channel));

		#[extrinsic_call]
		_(RawOrigin::Signed(channel.provider), id, last);

		assert!(Channels::<T>::get(id).is_some_and(|now| !now.is_live() && !now.claimed.is_zero()));
	}

	/// The provider's account signs, which is looked at after its receipt key.
	#[benchmark]
	fn close_agreed() {
		let (id, channel) = opened::<T>();
		let amount = Pallet::<T>::planck(fee::<T>());
		let closing = Closing { channel: id, version: 0, amount, expires: Tick::MAX };
		let message = closing.message(&funds::genesis_hash::<T>());
		let of_user = T::BenchmarkHelper::sign(&channel.key, &message);
		let of_provider = T::BenchmarkHelper::sign(&channel.provider, &message);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), closing, of_user, of_provider);

		assert!(Channels::<T>::get(id).is_some_and(|now| !now.is_live() && !now.claimed.is_zero()));
	}

	#[benchmark]
	fn begin_close() {
		let (id, channel) = opened::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(channel.user), id);

		let at = START + channel.grace;
		assert!(Channels::<T>::get(id).is_some_and(|now| now.state == ChannelState::Closing { at }));
	}

	#[benchmark]
	fn finish_close() {
		let (id, channel) = opened::<T>();
		Pallet::<T>::do_begin_close(channel.user, id).expect("it is open");
		T::BenchmarkHelper::set_tick(START + channel.grace);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);

		assert!(Channels::<T>::get(id).is_some_and(|now| !now.is_live()));
	}

	#[benchmark]
	fn remove() {
		let (id, channel) = opened::<T>();
		Pallet::<T>::do_close(channel.provider, id, None).expect("it is open");
		for receipt in 0..FORGOTTEN_AT_ONCE {
			let receipt = hash::tagged("oda/benchmark/1", receipt as u64);
			Disputed::<T>::insert(Payment::Channel(id), receipt, ());
		}
		T::BenchmarkHelper::set_tick(START + channel.receipts);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);

		assert!(!Channels::<T>::contains_key(id));
		assert!(Disputed::<T>::iter_prefix(Payment::Channel(id)).next().is_none());
	}

	/// Inputs of a byte each, so that they have any length.
	#[benchmark]
	fn request(b: Linear<1, MAX_INLINE_BYTES>) {
		let model = model::<T>(0);
		let (provider, _) = offer::<T>(model);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		let input = InlineBytes::truncate_from(vec![1; b as usize]);
		let limit = BalanceOf::<T>::max_value();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), provider, model, input, b, limit);

		assert!(Requests::<T>::contains_key(0));
	}

	/// Outputs of a byte each, likewise, by a version that became the head since. The evaluation is the provider's, off chain.
	#[benchmark]
	fn answer(b: Linear<1, MAX_INLINE_BYTES>) {
		let (id, asked, key) = super::asked::<T>(b);
		let version = head::<T>(&asked.model, account("trainer", 0, 0), WEIGHTS);
		let (output, expires, signature) = answer_to::<T>(id, &asked, &key);

		#[extrinsic_call]
		_(RawOrigin::Signed(asked.provider), id, version, output, expires, signature);

		let answered = RequestState::Answered { version, until: expires };
		assert!(Requests::<T>::get(id).is_some_and(|now| now.state == answered));
	}

	#[benchmark]
	fn settle() {
		let (id, asked, key) = super::asked::<T>(1);
		let (output, expires, signature) = answer_to::<T>(id, &asked, &key);
		Pallet::<T>::do_answer(asked.provider, id, 0, output, expires, signature).expect("it is asked");
		T::BenchmarkHelper::set_tick(expires);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);

		assert!(!Requests::<T>::contains_key(id));
	}

	/// A won dispute of a one-shot request, which slashes, refunds and ends the request: `w` bytes of weights and `p` of
	/// proofs, in trees as deep as they can be. `w` and `p` are what is hashed.
	///
	/// **Not in it** is what the call's `cost` is for: the evaluation, with splitting the weights, and comparing its output.
	/// The court's benchmarks measure these. An evaluation cannot be left out here, so this one is as cheap as one with so
	/// many bytes of weights can be, and is paid for twice. That errs on the safe side.
	///
	/// A slash costs the same however many have delegated (`pallets/staking/README.md`), so this stake is the provider's alone.
	#[benchmark]
	fn dispute(w: Linear<LEAST_WEIGHTS, MAX_WEIGHT_BYTES>, p: Linear<LEAST_PROOFS, MOST_PROOFS>) {
		let wide = ((w - LEAST_WEIGHTS) / WEIGHTS_EACH).max(1);
		let each = (p - PROOF_OVERHEAD) / OUTPUTS * OUTPUTS;
		let spec = spec(0, each, wide, OUTPUTS);
		let weights = WeightBytes::truncate_from(vec![0; spec.graph.param_bytes() as usize]);
		let head = BlobRef::of(&weights);
		let model = register::<T>(0, spec, head);
		let cost = Pallet::<T>::court_price(&model).expect("it was just registered");

		// A receipt for the most inputs of which there are proofs. All weights are 0, and so are all outputs but these.
		let count = u32::try_from(MAX_BLOB_LEN / u64::from(each)).unwrap_or(u32::MAX);
		let (input, input_root) = proved(vec![3; each as usize], count);
		let (output, output_root) = proved(vec![1; OUTPUTS as usize], count);
		let bytes = (input.encoded_size() + output.encoded_size()) as u32;
		assert!(bytes.abs_diff(p) < 2 * OUTPUTS && weights.len() <= MAX_WEIGHT_BYTES as usize);

		let provider = rich::<T>("provider", 0);
		bond::<T>(&provider);
		let key = T::BenchmarkHelper::signer();
		let user: T::AccountId = whitelisted_caller();
		endow::<T>(&user);
		let escrow = fee::<T>();
		T::Currency::hold(&HoldReason::Request.into(), &user, escrow).expect("it is rich");
		let ticket = T::RequestDeposit::new(&user, Pallet::<T>::request_footprint()).expect("it is rich");
		let expires = START + T::AnswerDispute::get();
		let asked = Request {
			user: user.clone(),
			provider,
			model,
			version: 0,
			receipt_key: key.clone(),
			input: input_root,
			count,
			price: escrow,
			dispute: T::AnswerDispute::get(),
			state: RequestState::Answered { version: 0, until: expires },
			ticket,
		};
		NextRequest::<T>::put(1);
		Requests::<T>::insert(0, asked);
		let receipt = Receipt {
			payment: Payment::OneShot(0),
			request: request_hash(&model, &input_root, count),
			weights: head.root,
			input: input_root,
			output: output_root,
			count,
			price: Pallet::<T>::planck(escrow),
			nonce: 0,
			expires,
		};
		let message = receipt.message(&funds::genesis_hash::<T>());
		let signature = T::BenchmarkHelper::sign(&key, &message);

		#[extrinsic_call]
		_(RawOrigin::Signed(user), receipt, signature, count - 1, input, output, weights, cost);

		assert!(!Requests::<T>::contains_key(0));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
