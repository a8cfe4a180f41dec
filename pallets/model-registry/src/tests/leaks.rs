//! Attacks on the registry.

use super::*;
use oda_evaluator::{
	DataSource, DatasetRef,
	graph::{DType, Graph, Node, Op, Requant, TensorType, VERSION},
	memory::{MAX_HEAP_BYTES, MAX_POWER_BYTES},
	model::Metric,
	testing::memory,
};
use oda_pallet_court as court;

/// A model of this graph, whose output is compared with a target of its own shape, on one record.
fn of(graph: Graph) -> ModelSpec {
	let mut spec = fixture::spec(1, 0);
	let output = graph.value_type(graph.outputs[0].into()).unwrap();
	spec.objective.target.tensor = TensorType::new(DType::I8, output.shape.as_slice());
	spec.objective.metric = Metric::SquaredError;
	spec.graph = graph;
	let blob = BlobRef { root: [1; 32], len: spec.record_bytes() };
	spec.data = DataSource::Fixed(DatasetRef { blob, records: 1 });
	spec
}

/// A model of records of `h` · `k` + 1 bytes, so many of them, and of `n` · (`k` + 9) bytes of weights.
fn sized([h, k, n]: [u32; 3], records: u32) -> ModelSpec {
	let dense = Op::Dense { weight: 0, requant: Requant { bias: 1, mult: 2, shift: 3 } };
	let pool = Op::AvgPool2d { kernel: [h as u16, 1], stride: [1, 1] };
	let mut spec = fixture::spec(1, 0);
	spec.graph = Graph {
		version: VERSION,
		inputs: vec![TensorType::new(DType::I8, [h, 1, k])],
		params: vec![
			TensorType::new(DType::I8, [n, k]),
			TensorType::new(DType::I32, [n]),
			TensorType::new(DType::I32, [n]),
			TensorType::new(DType::U8, [n]),
		],
		nodes: vec![
			Node { op: pool, inputs: vec![0], output: TensorType::new(DType::I8, [1, 1, k]) },
			Node { op: dense, inputs: vec![1], output: TensorType::new(DType::I8, [1, 1, n]) },
		],
		outputs: vec![2],
	};
	spec.objective.target.tensor = TensorType::new(DType::U8, [1, 1]);
	let blob = BlobRef { root: [1; 32], len: spec.record_bytes() * u64::from(records) };
	spec.data = DataSource::Fixed(DatasetRef { blob, records });
	spec
}

fn check(spec: &ModelSpec) -> DispatchResult {
	Registry::check_spec(spec)?;
	Ok(())
}

#[test]
fn a_copier_who_sees_a_registration_in_the_pool_should_not_register_first() {
	run(|| {
		let spec = fixture::spec(2, 0);
		let model = spec.id();
		// Alice announces, waits, and sends; the pool shows the specification and the salt.
		announced(ALICE, model);
		let shown = || register_spec(ALICE, spec.clone(), proof(2), None);
		// Bob sends the same at once, with a higher tip.
		assert_noop!(register_spec(BOB, spec.clone(), proof(2), None), Error::<Test>::NotAnnounced);
		// Alice's announcement is no use to him, nor has one of his own the age.
		assert_ok!(Registry::announce(RuntimeOrigin::signed(BOB), commitment(ALICE, model)));
		assert_noop!(register_spec(BOB, spec.clone(), proof(2), None), Error::<Test>::NotAnnounced);
		assert_ok!(Registry::announce(RuntimeOrigin::signed(BOB), commitment(BOB, model)));
		assert_noop!(register_spec(BOB, spec.clone(), proof(2), None), Error::<Test>::AnnouncementTooYoung);
		// He cannot remove hers either.
		let remove =
			Registry::remove_announcement(RuntimeOrigin::signed(BOB), ALICE, commitment(ALICE, model));
		assert_noop!(remove, Error::<Test>::AnnouncementLive);
		assert_ok!(shown());
		assert_eq!(stored(model).registrar, ALICE);
		Time::set(Time::get() + MinAnnouncementAge::get());
		assert_noop!(register_spec(BOB, spec.clone(), proof(2), None), Error::<Test>::AlreadyRegistered);
	});
}

#[test]
fn a_model_whose_challenge_fits_no_block_should_be_refused() {
	run(|| {
		CourtLimit::set(u64::MAX);
		// Nearly 2 MiB of weights, and a record of over 3 MiB: each by itself is well within its bound.
		let spec = sized([50, 65_536, 31], 1);
		assert!(spec.validate().is_ok() && spec.graph.param_bytes() <= MaxWeightsBytes::get());
		assert!(spec.heap().fits());
		assert_eq!(check(&spec), Err(Error::<Test>::ChallengeTooLong.into()));
		assert_eq!(check(&sized([46, 65_536, 31], 1)), Ok(()));
		assert_eq!(check(&sized([50, 65_536, 1], 1)), Ok(()));
	});
}

#[test]
fn the_longest_challenge_should_be_what_a_real_one_is() {
	// A record that is no multiple of a chunk, at each of its places.
	let spec = sized([1, 1_600, 1], 7);
	let data: Vec<u8> = (0..spec.data.dataset().blob.len).map(|i| i as u8).collect();
	let longest = (0..7).map(|record| {
		let proof = RangeProof::new(&data, spec.record_range(record).unwrap()).unwrap();
		spec.graph.param_bytes() + proof.chunks.len() as u64 + 32 * proof.siblings.len() as u64
	});
	let longest = longest.max().unwrap() + court::CHALLENGE_OVERHEAD;
	let bound = court::challenge_bytes(&spec);
	assert!(longest <= bound && bound <= longest + 1_024 + 8 * 32, "{longest} of at most {bound}");
}

#[test]
fn a_challenge_should_be_refused_from_the_first_byte_on_that_has_no_room() {
	run(|| {
		let spec = sized([1, 1_600, 1], 7);
		MaxChallengeBytes::set(court::challenge_bytes(&spec));
		assert_eq!(check(&spec), Ok(()));
		MaxChallengeBytes::set(court::challenge_bytes(&spec) - 1);
		assert_eq!(check(&spec), Err(Error::<Test>::ChallengeTooLong.into()));
	});
}

#[test]
fn a_model_that_exhausts_the_courts_memory_should_be_refused() {
	run(|| {
		CourtLimit::set(u64::MAX);
		let spec = of(memory::shrinking(&[5, 13, 29, 61, 17]));
		// Nothing but its memory is wrong with it.
		let cost = spec.validate().unwrap();
		assert!(cost.live_bytes <= 16 << 20, "{} bytes live", cost.live_bytes);
		assert!(court::challenge_bytes(&spec) <= MaxChallengeBytes::get());
		assert!(spec.heap().bytes() > 128 << 20, "{} bytes of heap", spec.heap().bytes());
		assert_eq!(check(&spec), Err(Error::<Test>::RecordTakesTooMuchMemory.into()));
	});
}

#[test]
fn a_model_that_takes_much_of_one_power_should_be_refused() {
	run(|| {
		CourtLimit::set(u64::MAX);
		let spec = of(memory::shrinking(&[3]));
		assert!(spec.heap().bytes() <= MAX_HEAP_BYTES && spec.heap().power_bytes() > MAX_POWER_BYTES);
		assert_eq!(check(&spec), Err(Error::<Test>::RecordTakesTooMuchMemory.into()));
		assert_eq!(check(&of(memory::shrinking(&[2]))), Ok(()));
	});
}
