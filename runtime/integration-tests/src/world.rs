//! Models of one layer that look eight inputs up, and weights that are right on chosen records.

use crate::chain::Chain;
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
	model::{Metric, TargetSpec},
	scores,
};
use oda_pallet_court::output_root;
use oda_primitives::{
	BlobRef, OutputTree, RangeProof, SubmissionId, TaskId, Verdict,
	hash::{self, Finding},
	message,
};
use oda_runtime::{AccountId, Signature, Verification};
use pallet_training::types::ScoreBytes;
use pallet_verification::{Phase, TaskOf};
use polkadot_sdk::sp_keyring::Sr25519Keyring;

/// Records of each model's data.
pub const RECORDS: u32 = 8;

/// The data: record `i` has a 1 at `i`, and the class `i mod 3`.
pub fn data() -> Vec<u8> {
	let record = |i: u32| (0..RECORDS).map(move |at| u8::from(at == i)).chain([(i % 3) as u8]);
	(0..RECORDS).flat_map(record).collect()
}

/// A model that is improved by a number of records at a time: another number, another model.
pub fn spec(min_improvement: u64) -> ModelSpec {
	ModelSpec {
		graph: Graph {
			version: VERSION,
			inputs: vec![TensorType::new(DType::I8, [RECORDS])],
			params: vec![
				TensorType::new(DType::I8, [3, RECORDS]),
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
			min_improvement,
			confidence: None,
		},
		data: DataSource::Fixed(DatasetRef { blob: BlobRef::of(&data()), records: RECORDS }),
	}
}

/// Weights that are right on the records whose bits are set.
pub fn weights(right: u8) -> Vec<u8> {
	let mut weights = vec![0; 3 * RECORDS as usize];
	for i in 0..RECORDS {
		let class = if right >> i & 1 == 1 { i % 3 } else { (i + 1) % 3 };
		weights[(class * RECORDS + i) as usize] = 1;
	}
	// No bias, a factor of one, no shift.
	weights.extend([0; 12]);
	weights.extend([1, 0, 0, 0].repeat(3));
	weights.extend([0; 3]);
	weights
}

/// The scores of weights that are right on these records.
pub fn scores(right: u8) -> ScoreBytes {
	let claimed: Vec<i32> = (0..RECORDS).map(|i| i32::from(right >> i & 1)).collect();
	let packed = scores::pack(spec(1).score_kind(), &claimed).expect("each is 0 or 1");
	packed.try_into().expect("a byte")
}

/// The outputs' roots of weights that are right on these records.
pub fn outputs(right: u8) -> Vec<[u8; 32]> {
	let (graph, weights, data) = (spec(1).graph, weights(right), data());
	// The inputs, and the class.
	let records = data.chunks_exact(RECORDS as usize + 1).map(|record| &record[..RECORDS as usize]);
	records.map(|input| output_root(&graph, &weights, input).expect("it can be run")).collect()
}

/// What hides a commitment.
pub const SALT: [u8; 32] = [7; 32];

impl Chain {
	/// Announces a model; the announcement.
	pub fn announce(&mut self, who: Sr25519Keyring, spec: &ModelSpec) -> [u8; 32] {
		let (genesis, account) = (self.genesis(), AccountId::from(who.public()));
		let commitment = hash::registration(&genesis, &account, &spec.id(), &SALT);
		self.signed(who, pallet_model_registry::Call::announce { commitment });
		commitment
	}

	/// Registers a model that is announced.
	pub fn register(&mut self, who: Sr25519Keyring, spec: &ModelSpec) {
		let length_proof = RangeProof::of_end(&data()).expect("there is data");
		let spec = Box::new(spec.clone());
		self.signed(
			who,
			pallet_model_registry::Call::register { spec, length_proof, parent: None, salt: SALT },
		);
	}

	/// Commits to weights that are right on some records; the submission.
	pub fn commit(&mut self, who: Sr25519Keyring, spec: &ModelSpec, right: u8) -> SubmissionId {
		let (genesis, account) = (self.genesis(), AccountId::from(who.public()));
		let (model, blob) = (spec.id(), BlobRef::of(&weights(right)));
		let commitment = hash::commitment(&genesis, &model, &account, &blob, &SALT);
		let submission = self.natively(pallet_training::NextSubmission::<oda_runtime::Runtime>::get);
		self.signed(who, pallet_training::Call::commit { model, commitment });
		submission
	}

	/// Reveals weights that are right on some records, and claims others.
	pub fn reveal(&mut self, who: Sr25519Keyring, submission: SubmissionId, right: u8, claimed: u8) {
		let weights = BlobRef::of(&weights(right));
		let scores = scores(claimed);
		self.signed(who, pallet_training::Call::reveal { submission, weights, salt: SALT, scores });
	}

	/// The task of a submission.
	pub fn task(&mut self, submission: SubmissionId) -> TaskOf<oda_runtime::Runtime> {
		let task = TaskId::Submission(submission);
		self.natively(|| Verification::task(task)).expect("the task is open").task
	}

	/// Makes blocks until a submission's task is in such a phase; `tend` is done between them.
	pub fn until_phase(
		&mut self,
		submission: SubmissionId,
		is: fn(&Phase) -> bool,
		mut tend: impl FnMut(&mut Self),
	) {
		for _ in 0..200 {
			if is(&self.task(submission).phase) {
				return;
			}
			tend(self);
			self.empty_block();
		}
		panic!("{:?} after 200 blocks", self.task(submission));
	}

	/// A verifier runs weights that are right on some records, commits to what it has found, and opens it when all have
	/// committed: that the claim is valid. `tend` is done while it waits.
	pub fn verify(
		&mut self,
		who: Sr25519Keyring,
		submission: SubmissionId,
		right: u8,
		mut tend: impl FnMut(&mut Self),
	) {
		let (genesis, task) = (self.genesis(), TaskId::Submission(submission));
		let verifier = AccountId::from(who.public());
		self.until_phase(submission, |phase| matches!(phase, Phase::Committing { .. }), &mut tend);
		let tree = OutputTree::new(&verifier, task, outputs(right)).expect("there are records");
		let finding = Finding { root: tree.root(), verdict: Verdict::Valid, salt: SALT };
		let entry = self.task(submission);
		let commitment = finding.commitment(&genesis, task, &entry.claim, entry.asked, &verifier);
		let message = message::answer(&genesis, task, &entry.claim, entry.asked, &commitment);
		let signature = Signature::Sr25519(who.sign(&message));
		self.authorised(pallet_verification::Call::commit {
			task,
			commitment,
			verifier: verifier.clone(),
			signature,
		});
		self.until_phase(submission, |phase| matches!(phase, Phase::Opening { .. }), &mut tend);
		let wanted = self.task(submission).wanted;
		let proofs = wanted.iter().map(|record| tree.prove(*record).expect("it exists")).collect();
		self.authorised(pallet_verification::Call::open { task, verifier, finding, proofs });
	}

	/// Settles a submission, signed by nobody.
	pub fn settle(&mut self, submission: SubmissionId) {
		self.authorised(pallet_training::Call::settle { submission });
	}
}
