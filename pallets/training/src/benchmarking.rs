//! Benchmarks: what the calls cost in their worst case.
//!
//! The model has one image, which is pooled to one number, 250 nodes that change nothing, so that its graph is
//! long to read, and one dense node of `n` outputs: so the bytes of a record and the bytes of the weights can be
//! chosen apart. Its scores are words and it asks for a confidence, which is the dearest comparison.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	missing_docs
)]

use crate::{pallet::*, types::*, *};
use alloc::{vec, vec::Vec};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Padding, Requant, TensorType, VERSION},
	model::{Confidence, Metric, TargetSpec},
};
use oda_pallet_traits::{Ending, TaskStatus, Version};
use oda_primitives::hash;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::traits::{
		Authorize,
		fungible::{Inspect, Mutate},
	},
	frame_system::RawOrigin,
	sp_runtime::traits::{Bounded, Dispatchable},
};

const SALT: [u8; 32] = [7; 32];
/// Columns of the image.
const WIDTH: u32 = 256;

/// Nodes that change nothing.
const IDLE: u16 = 250;

/// A model of about `w` bytes of weights, and records of about `p` bytes.
fn spec(w: u32, p: u32, records: u32) -> ModelSpec {
	let rows = (p / WIDTH).max(1);
	let n = (w / 10).max(1);
	let mut spec = ModelSpec {
		graph: Graph {
			version: VERSION,
			inputs: vec![TensorType::new(DType::I8, [rows, WIDTH, 1])],
			params: vec![
				TensorType::new(DType::I8, [n, 1]),
				TensorType::new(DType::I32, [n]),
				TensorType::new(DType::I32, [n]),
				TensorType::new(DType::U8, [n]),
			],
			nodes: Vec::new(),
			outputs: vec![IDLE + 2],
		},
		objective: Objective {
			metric: Metric::Accuracy,
			target: TargetSpec { tensor: TensorType::new(DType::U8, [1, 1]), ignore: None },
			min_improvement: 1,
			confidence: Some(Confidence { p: 1, q: 1 }),
		},
		data: DataSource::Fixed(DatasetRef { blob: BlobRef { root: [0; 32], len: 0 }, records }),
	};
	let node = |op, input, dtype, shape: [u32; 3]| Node {
		op,
		inputs: vec![input],
		output: TensorType::new(dtype, shape),
	};
	let pool =
		Op::MaxPool2d { kernel: [rows as u16, WIDTH as u16], stride: [1, 1], padding: Padding::default() };
	let dense = Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } };
	spec.graph.nodes.push(node(pool, 0, DType::I8, [1, 1, 1]));
	spec.graph.nodes.extend((1..=IDLE).map(|i| node(Op::Reshape, i, DType::I8, [1, 1, 1])));
	spec.graph.nodes.push(node(dense, IDLE + 1, DType::I8, [1, 1, n]));
	let len = spec.record_bytes() * u64::from(records);
	spec.data = DataSource::Fixed(DatasetRef { blob: BlobRef { root: [0; 32], len }, records });
	spec
}

/// An account that can pay for everything.
fn rich<T: Config>(name: &'static str, index: u32) -> T::AccountId {
	let who: T::AccountId = account(name, index, 0);
	endow::<T>(&who);
	who
}

fn endow<T: Config>(who: &T::AccountId) {
	let share = BalanceOf::<T>::max_value() / 1_048_576u32.into();
	T::Currency::set_balance(who, share.max(T::Currency::minimum_balance()));
}

/// Lets `ticks` pass.
fn pass<T: Config>(ticks: Tick) {
	T::BenchmarkHelper::set_tick(T::Clock::get() + ticks);
}

/// `records` words, the first `ones` of them 1.
fn scores(records: u32, ones: u32) -> ScoreBytes {
	let words = (0..records).flat_map(|i| u32::from(i < ones).to_le_bytes());
	words.collect::<Vec<_>>().try_into().unwrap()
}

/// A weights blob of the right length, the `index`-th.
fn weights(spec: &ModelSpec, index: u8) -> BlobRef {
	BlobRef { root: [index; 32], len: spec.graph.param_bytes() }
}

/// Registers the model, with a head that scores `ones` and as many bounties as there can be, which every
/// score earns; its registrar.
fn model<T: Config>(spec: &ModelSpec, ones: u32) -> (ModelId, T::AccountId) {
	T::BenchmarkHelper::set_tick(1_000);
	T::Payments::fill_for_benchmark();
	let registrar = rich::<T>("registrar", 0);
	let model = T::Models::register_for_benchmark(spec.clone(), &registrar);
	let version = Version {
		trainer: registrar.clone(),
		weights: weights(spec, 255),
		score: ones.into(),
		submission: SubmissionId::MAX,
		accepted_at: 1_000,
		replaced: None,
	};
	T::Models::accept(&model, version).unwrap();
	let scores = scores(spec.records(), ones);
	let ticket = T::ScoreDeposit::new(&registrar, Pallet::<T>::scores_footprint(scores.len())).unwrap();
	HeadScores::<T>::insert(model, ScoreList { owner: registrar.clone(), ticket, scores });
	(model, registrar)
}

fn fill_bounties<T: Config>(model: ModelId, count: u32) {
	for i in 0..count {
		let until = T::Clock::get() + T::MaxBountyTerm::get();
		let poster = rich::<T>("poster", i);
		Pallet::<T>::do_post_bounty(poster, model, i64::MIN, T::MinBounty::get(), until).unwrap();
	}
}

/// The `index`-th trainer's commitment, old enough to be opened.
fn committed<T: Config>(
	model: ModelId,
	spec: &ModelSpec,
	trainer: &T::AccountId,
	weights: BlobRef,
) -> SubmissionId {
	debug_assert!(weights.len == spec.graph.param_bytes());
	let id = NextSubmission::<T>::get();
	let genesis = funds::genesis_hash::<T>();
	let commitment = hash::commitment(&genesis, &model, trainer, &weights, &SALT);
	Pallet::<T>::do_commit(trainer.clone(), model, commitment).unwrap();
	pass::<T>(T::MinCommitAge::get());
	id
}

/// The `index`-th trainer's revealed submission, which claims `ones`.
fn revealed<T: Config>(model: ModelId, spec: &ModelSpec, index: u8, ones: u32) -> SubmissionId {
	let trainer = rich::<T>("trainer", index.into());
	let blob = weights(spec, index);
	let id = committed::<T>(model, spec, &trainer, blob);
	Pallet::<T>::do_reveal(trainer, id, blob, SALT, scores(spec.records(), ones)).unwrap();
	id
}

/// For how many ticks a submission's task can be answered.
fn answer_window<T: Config>(id: SubmissionId) -> Tick {
	Submissions::<T>::get(id).and_then(|s| s.phase.claim().map(|_| s.terms.answer_window)).unwrap()
}

/// As many challenge commitments against a submission as there can be, but `left`.
fn fill_challenges<T: Config>(id: SubmissionId, left: u32) {
	for i in left..T::MaxChallengers::get() {
		let who = rich::<T>("challenger", i);
		Pallet::<T>::do_commit_challenge(who, id, [i as u8; 32]).unwrap();
	}
}

#[benchmarks(where T::RuntimeCall: From<Call<T>>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn commit() {
		let spec = spec(100, 1_000, 8);
		let (model, _) = model::<T>(&spec, 0);
		fill_bounties::<T>(model, T::MaxBounties::get());
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), model, [0; 32]);

		assert_eq!(NextSubmission::<T>::get(), 1);
	}

	#[benchmark]
	fn reveal(s: Linear<4, { MAX_SCORE_LIST }>) {
		let spec = spec(100, 1_000, s / 4);
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		let blob = weights(&spec, 1);
		let id = committed::<T>(model, &spec, &caller, blob);
		let scores = scores(spec.records(), spec.records());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, blob, SALT, scores);

		assert_eq!(Verifying::<T>::get(model), Some(id));
	}

	#[benchmark]
	fn withdraw() {
		let spec = spec(100, 1_000, 8);
		let (model, registrar) = model::<T>(&spec, 0);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		let blob = weights(&spec, 1);
		fill_bounties::<T>(model, T::MaxBounties::get());
		let id = committed::<T>(model, &spec, &caller, blob);
		let version = Version {
			trainer: registrar,
			weights: weights(&spec, 254),
			score: 1,
			submission: SubmissionId::MAX,
			accepted_at: 1_000,
			replaced: None,
		};
		T::Models::accept(&model, version).unwrap();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, blob, SALT);

		assert!(!Submissions::<T>::contains_key(id));
	}

	#[benchmark]
	fn settle_forfeited() {
		let spec = spec(100, 1_000, 8);
		let (model, _) = model::<T>(&spec, 0);
		fill_bounties::<T>(model, T::MaxBounties::get());
		let trainer = rich::<T>("trainer", 0);
		let id = committed::<T>(model, &spec, &trainer, weights(&spec, 1));
		pass::<T>(T::RevealWindow::get());
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		settle(RawOrigin::Signed(caller), id);

		assert!(!Submissions::<T>::contains_key(id));
	}

	#[benchmark]
	fn settle_accepted(b: Linear<0, { T::MaxBounties::get() }>) {
		let spec = spec(100, 1_000, MAX_SCORE_LIST / 4);
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		fill_bounties::<T>(model, b);
		let id = revealed::<T>(model, &spec, 1, 8);
		T::Committees::pass_for_benchmark(TaskId::Submission(id));
		fill_challenges::<T>(id, 0);
		pass::<T>(
			answer_window::<T>(id)
				+ T::ChallengeWindow::get()
				+ T::ChallengeLifetime::get()
				+ T::MinChallengeAge::get(),
		);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		settle(RawOrigin::Signed(caller), id);

		assert_eq!(T::Models::standing(&model).unwrap().head, Some(1));
		assert!(!Bounties::<T>::contains_key(model));
		assert!(!ChallengeCommitments::<T>::contains_key(id));
	}

	#[benchmark]
	fn settle_expired() {
		let spec = spec(100, 1_000, MAX_SCORE_LIST / 4);
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		fill_bounties::<T>(model, T::MaxBounties::get());
		let id = revealed::<T>(model, &spec, 1, 8);
		T::Committees::lapse_for_benchmark(TaskId::Submission(id));
		fill_challenges::<T>(id, 0);
		pass::<T>(answer_window::<T>(id) + T::ChallengeLifetime::get() + T::MinChallengeAge::get());
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		settle(RawOrigin::Signed(caller), id);

		assert!(!Submissions::<T>::contains_key(id));
		assert!(T::Committees::status(TaskId::Submission(id)).is_none());
	}

	#[benchmark]
	fn settle_withheld() {
		let spec = spec(100, 1_000, MAX_SCORE_LIST / 4);
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		fill_bounties::<T>(model, T::MaxBounties::get());
		let id = revealed::<T>(model, &spec, 1, 8);
		T::Committees::pass_for_benchmark(TaskId::Submission(id));
		fill_challenges::<T>(id, 0);
		let who = rich::<T>("demander", 0);
		Pallet::<T>::do_demand(who, Target::Submission(id)).unwrap();
		pass::<T>(T::DemandWindow::get().max(T::ChallengeLifetime::get()));
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		settle(RawOrigin::Signed(caller), id);

		assert!(!Submissions::<T>::contains_key(id));
		assert!(!ChallengeCommitments::<T>::contains_key(id));
	}

	#[benchmark]
	fn settle_nothing() {
		let spec = spec(100, 1_000, 8);
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		fill_bounties::<T>(model, T::MaxBounties::get());
		let id = revealed::<T>(model, &spec, 1, 8);
		fill_challenges::<T>(id, 0);
		let refused;

		#[block]
		{
			refused = Pallet::<T>::do_settle(id);
		}

		assert_eq!(refused, Err(Error::<T>::NothingDue.into()));
	}

	#[benchmark]
	fn advance(q: Linear<0, { T::MaxQueue::get() - 1 }>) {
		let spec = spec(100, 1_000, MAX_SCORE_LIST / 4);
		let records = spec.records();
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		fill_bounties::<T>(model, T::MaxBounties::get());
		let first = revealed::<T>(model, &spec, 0, 1);
		for index in 1..=q {
			revealed::<T>(model, &spec, index as u8, 8);
		}
		// One was the first.
		let last = (q + 1 < T::MaxQueue::get()).then(|| revealed::<T>(model, &spec, 200, records));
		// Now the head is as good as those that wait, but for the last.
		HeadScores::<T>::mutate_extant(model, |list| list.scores = scores(records, records / 2));
		let submission = Submissions::<T>::get(first).unwrap();
		T::Committees::close(TaskId::Submission(first), Ending::Void);
		Verifying::<T>::remove(model);
		Pallet::<T>::forget_claim(&submission);
		Pallet::<T>::end(first, &submission);
		let ended;

		#[block]
		{
			ended = Pallet::<T>::advance(&model);
		}

		assert_eq!(ended, q);
		assert_eq!(Verifying::<T>::get(model), last);
	}

	#[benchmark]
	fn commit_challenge() {
		let spec = spec(100, 1_000, 8);
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		let id = revealed::<T>(model, &spec, 1, 8);
		fill_challenges::<T>(id, 0);
		pass::<T>(T::ChallengeLifetime::get());
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, [0; 32]);

		assert_eq!(ChallengeCommitments::<T>::decode_len(id), Some(1));
	}

	/// A submission that is being verified, of which the score of record 2 of 4 is wrong; and what shows it.
	fn lied<T: Config>(w: u32, p: u32) -> (SubmissionId, WeightBytes, RangeProof, ModelSpec) {
		let mut spec = spec(w, p, 4);
		let data = vec![0u8; (spec.record_bytes() * 4) as usize];
		spec.data = DataSource::Fixed(DatasetRef { blob: BlobRef::of(&data), records: 4 });
		// All weights are 0, so that class 0 wins, which is every record's: but record 2 is claimed as wrong.
		let weights: WeightBytes = vec![0u8; spec.graph.param_bytes() as usize].try_into().unwrap();
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		fill_bounties::<T>(model, T::MaxBounties::get());
		let trainer = rich::<T>("trainer", 0);
		let blob = BlobRef::of(&weights);
		let id = committed::<T>(model, &spec, &trainer, blob);
		Pallet::<T>::do_reveal(trainer, id, blob, SALT, scores(4, 2)).unwrap();
		let proof = RangeProof::new(&data, spec.record_range(2).unwrap()).unwrap();
		(id, weights, proof, spec)
	}

	/// A challenge of a wrong score, all of it but the origin.
	fn challenged<T: Config>(w: u32, p: u32) -> (SubmissionId, Call<T>) {
		let (id, weights, proof, spec) = lied::<T>(w, p);
		T::Committees::pass_for_benchmark(TaskId::Submission(id));
		assert!(matches!(T::Committees::status(TaskId::Submission(id)), Some(TaskStatus::Passed(_))));
		let record = 2;
		let challenger = rich::<T>("first challenger", 0);
		let genesis = funds::genesis_hash::<T>();
		let commitment = hash::challenge_commitment(&genesis, id, record, &challenger, &SALT);
		Pallet::<T>::do_commit_challenge(challenger.clone(), id, commitment).unwrap();
		fill_challenges::<T>(id, 1);
		pass::<T>(T::MinChallengeAge::get());
		let cost = T::EvaluationWeight::convert(spec.validate().unwrap());
		let submission = id;
		(id, Call::challenge { submission, record, challenger, salt: SALT, proof, weights, cost })
	}

	/// A disputed record whose score is wrong, all of it but the origin.
	fn disputed<T: Config>(w: u32, p: u32) -> (SubmissionId, Call<T>) {
		let (id, weights, proof, spec) = lied::<T>(w, p);
		let (submission, record) = (id, 2);
		T::Committees::dispute_for_benchmark(TaskId::Submission(id), record);
		let cost = T::EvaluationWeight::convert(spec.validate().unwrap())
			.saturating_add(T::OutputWeight::convert(spec.graph.output_bytes()));
		(id, Call::resolve_dispute { submission, record, proof, weights, cost })
	}

	#[benchmark]
	fn authorize_challenge(
		w: Linear<10, { MAX_WEIGHT_BYTES }>,
		p: Linear<1_024, 1_048_576>,
	) -> Result<(), BenchmarkError> {
		let (_, call) = challenged::<T>(w, p);
		let call: T::RuntimeCall = call.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("challenge has no authorisation")?
				.map_err(|_| "not authorised")?;
		}

		Ok(())
	}

	#[benchmark]
	fn challenge() -> Result<(), BenchmarkError> {
		let (id, call) = challenged::<T>(10, 1_024);
		let call: T::RuntimeCall = call.into();

		#[block]
		{
			call.dispatch(RawOrigin::Authorized.into()).map_err(|e| e.error)?;
		}

		assert!(!Submissions::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn authorize_resolve_dispute(
		w: Linear<10, { MAX_WEIGHT_BYTES }>,
		p: Linear<1_024, 1_048_576>,
	) -> Result<(), BenchmarkError> {
		let (_, call) = disputed::<T>(w, p);
		let call: T::RuntimeCall = call.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("resolve_dispute has no authorisation")?
				.map_err(|_| "not authorised")?;
		}

		Ok(())
	}

	#[benchmark]
	fn resolve_dispute() -> Result<(), BenchmarkError> {
		let (id, call) = disputed::<T>(10, 1_024);
		let call: T::RuntimeCall = call.into();

		#[block]
		{
			call.dispatch(RawOrigin::Authorized.into()).map_err(|e| e.error)?;
		}

		let submission = Submissions::<T>::get(id).unwrap();
		assert!(matches!(submission.phase, Phase::Verifying { refuted: true, .. }));
		Ok(())
	}

	#[benchmark]
	fn demand() {
		let spec = spec(100, 1_000, 8);
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		let id = revealed::<T>(model, &spec, 1, 8);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), Target::Submission(id));

		assert!(Demands::<T>::contains_key(Target::Submission(id)));
	}

	/// A submission's weights that are demanded.
	fn demanded<T: Config>(w: u32) -> (Target, WeightBytes) {
		let spec = spec(w, 1_000, 8);
		let (model, _) = model::<T>(&spec, 0);
		T::Committees::fill_for_benchmark();
		let shown: WeightBytes = vec![0u8; spec.graph.param_bytes() as usize].try_into().unwrap();
		let trainer = rich::<T>("trainer", 0);
		let blob = BlobRef::of(&shown);
		let id = committed::<T>(model, &spec, &trainer, blob);
		Pallet::<T>::do_reveal(trainer, id, blob, SALT, scores(8, 2)).unwrap();
		T::Committees::fail_for_benchmark(TaskId::Submission(id));
		let who = rich::<T>("demander", 0);
		let target = Target::Submission(id);
		Pallet::<T>::do_demand(who, target).unwrap();
		(target, shown)
	}

	#[benchmark]
	fn authorize_post_weights(w: Linear<100, { MAX_WEIGHT_BYTES }>) -> Result<(), BenchmarkError> {
		let (target, weights) = demanded::<T>(w);
		let call: T::RuntimeCall = Call::post_weights { target, weights }.into();

		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("post_weights has no authorisation")?
				.map_err(|_| "not authorised")?;
		}

		Ok(())
	}

	#[benchmark]
	fn post_weights() {
		let (target, shown) = demanded::<T>(100);

		#[extrinsic_call]
		_(RawOrigin::Authorized, target, shown);

		assert!(!Demands::<T>::contains_key(target));
	}

	#[benchmark]
	fn revert() {
		let spec = spec(100, 1_000, MAX_SCORE_LIST / 4);
		let (model, registrar) = model::<T>(&spec, 0);
		let ticket = T::WeightsDeposit::new(&registrar, Pallet::<T>::known_footprint()).unwrap();
		let known = Known { submission: SubmissionId::MAX, revealed_at: 0, owner: registrar.clone(), ticket };
		KnownWeights::<T>::insert(model, weights(&spec, 254).root, known);
		let version = Version {
			trainer: registrar,
			weights: weights(&spec, 254),
			score: 1,
			submission: SubmissionId::MAX,
			accepted_at: 1_000,
			replaced: None,
		};
		T::Models::accept(&model, version).unwrap();
		Pallet::<T>::announce_head(&model);
		let who = rich::<T>("demander", 0);
		Pallet::<T>::do_demand(who, Target::Head(model)).unwrap();
		pass::<T>(T::DemandWindow::get());
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), model);

		assert_eq!(T::Models::standing(&model).unwrap().head, Some(0));
		assert!(!HeadScores::<T>::contains_key(model));
	}

	#[benchmark]
	fn post_bounty() {
		let spec = spec(100, 1_000, 8);
		let (model, _) = model::<T>(&spec, 0);
		fill_bounties::<T>(model, T::MaxBounties::get() - 1);
		let caller: T::AccountId = whitelisted_caller();
		endow::<T>(&caller);
		let until = T::Clock::get() + 1;

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), model, 0, T::MinBounty::get(), until);

		assert_eq!(Bounties::<T>::decode_len(model), Some(T::MaxBounties::get() as usize));
	}

	#[benchmark]
	fn withdraw_bounty() {
		let spec = spec(100, 1_000, 8);
		let (model, _) = model::<T>(&spec, 0);
		fill_bounties::<T>(model, T::MaxBounties::get());
		pass::<T>(T::MaxBountyTerm::get());
		let bounty = Bounties::<T>::get(model).last().unwrap().clone();

		#[extrinsic_call]
		_(RawOrigin::Signed(bounty.poster), model, bounty.id);

		assert!(Bounties::<T>::get(model).iter().all(|other| other.id != bounty.id));
	}

	/// The list of a model that is not retired, whose state this pallet cannot change, so without that check.
	#[benchmark]
	fn drop_scores() {
		let spec = spec(100, 1_000, MAX_SCORE_LIST / 4);
		let (model, _) = model::<T>(&spec, 0);

		#[block]
		{
			let _ = Pallet::<T>::ensure_retired(&model);
			Pallet::<T>::remove_scores(model).unwrap();
		}

		assert!(!HeadScores::<T>::contains_key(model));
	}

	/// The weights of a model that is not retired, likewise.
	#[benchmark]
	fn forget_weights() {
		let spec = spec(100, 1_000, 8);
		let (model, registrar) = model::<T>(&spec, 0);
		let ticket = T::WeightsDeposit::new(&registrar, Pallet::<T>::known_footprint()).unwrap();
		let known = Known { submission: SubmissionId::MAX, revealed_at: 0, owner: registrar, ticket };
		KnownWeights::<T>::insert(model, [1; 32], known);

		#[block]
		{
			let _ = Pallet::<T>::ensure_retired(&model);
			Pallet::<T>::remove_known(model, [1; 32]).unwrap();
		}

		assert!(!KnownWeights::<T>::contains_key(model, [1; 32]));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::bare_ext(), crate::mock::Test);
}
