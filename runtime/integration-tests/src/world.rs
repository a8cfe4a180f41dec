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
use oda_runtime::{
	AccountId, Runtime, Signature, Training, Verification, configs::protocol::EvaluationWeight,
};
use pallet_training::types::ScoreBytes;
use pallet_verification::{Phase, TaskOf};
use polkadot_sdk::{sp_keyring::Sr25519Keyring, sp_runtime::traits::Convert};

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

/// Proves a record of the data.
pub fn proof(spec: &ModelSpec, record: u32) -> RangeProof {
	RangeProof::new(&data(), spec.record_range(record).expect("it exists")).expect("it exists")
}

/// Reveals weights that are right on some records, and claims others.
pub fn reveal(submission: SubmissionId, right: u8, claimed: u8) -> pallet_training::Call<Runtime> {
	let (weights, scores) = (BlobRef::of(&weights(right)), scores(claimed));
	pallet_training::Call::reveal { submission, weights, salt: SALT, scores }
}

/// The evidence of who has committed to it, that weights which are right on some records score another one than
/// claimed.
pub fn challenge(
	who: Sr25519Keyring,
	submission: SubmissionId,
	spec: &ModelSpec,
	record: u32,
	right: u8,
) -> pallet_training::Call<Runtime> {
	pallet_training::Call::challenge {
		submission,
		record,
		challenger: who.public().into(),
		salt: SALT,
		proof: proof(spec, record),
		weights: weights(right).try_into().expect("short"),
		cost: EvaluationWeight::convert(spec.validate().expect("a valid model")),
	}
}

/// What hides a commitment.
pub const SALT: [u8; 32] = [7; 32];

/// What a verifier answers about a submission.
#[derive(Clone)]
pub struct Answer {
	/// The verifier.
	pub verifier: Sr25519Keyring,
	/// The submission.
	pub submission: SubmissionId,
	/// What it finds.
	pub finding: Finding,
	/// Its outputs.
	pub tree: OutputTree,
}

impl Answer {
	/// That of one who has these outputs of the records.
	pub fn new(
		verifier: Sr25519Keyring,
		submission: SubmissionId,
		verdict: Verdict,
		outputs: Vec<[u8; 32]>,
	) -> Self {
		let (account, task) = (AccountId::from(verifier.public()), TaskId::Submission(submission));
		let tree = OutputTree::new(&account, task, outputs).expect("there are records");
		let finding = Finding { root: tree.root(), verdict, salt: SALT };
		Self { verifier, submission, finding, tree }
	}

	/// The hash of it, for the present round.
	pub fn commitment(&self, chain: &mut Chain) -> [u8; 32] {
		let (genesis, task) = (chain.genesis(), chain.task(self.submission));
		let account = AccountId::from(self.verifier.public());
		self.finding.commitment(
			&genesis,
			TaskId::Submission(self.submission),
			&task.claim,
			task.asked,
			&account,
		)
	}

	/// Commits to a hash, which need not be its own.
	pub fn commit_to(&self, chain: &mut Chain, commitment: [u8; 32]) -> pallet_verification::Call<Runtime> {
		let (genesis, entry) = (chain.genesis(), chain.task(self.submission));
		let task = TaskId::Submission(self.submission);
		let message = message::answer(&genesis, task, &entry.claim, entry.asked, &commitment);
		let signature = Signature::Sr25519(self.verifier.sign(&message));
		let verifier = self.verifier.public().into();
		pallet_verification::Call::commit { task, commitment, verifier, signature }
	}

	/// Commits to it.
	pub fn commit(&self, chain: &mut Chain) -> pallet_verification::Call<Runtime> {
		let commitment = self.commitment(chain);
		self.commit_to(chain, commitment)
	}

	/// Shows it, with its outputs of the wanted records unless it says that it has none.
	pub fn open(&self, chain: &mut Chain) -> pallet_verification::Call<Runtime> {
		let wanted = match self.finding.verdict {
			Verdict::Unavailable => Vec::new(),
			Verdict::Valid | Verdict::Wrong(_) => chain.task(self.submission).wanted.to_vec(),
		};
		pallet_verification::Call::open {
			task: TaskId::Submission(self.submission),
			verifier: self.verifier.public().into(),
			finding: self.finding,
			proofs: wanted.iter().map(|record| self.tree.prove(*record).expect("it exists")).collect(),
		}
	}
}

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
		let submission = self.natively(pallet_training::NextSubmission::<Runtime>::get);
		let call = self.commit_call(who, spec, right);
		self.signed(who, call);
		submission
	}

	/// The call by which somebody commits to them.
	pub fn commit_call(
		&mut self,
		who: Sr25519Keyring,
		spec: &ModelSpec,
		right: u8,
	) -> pallet_training::Call<Runtime> {
		let (genesis, account) = (self.genesis(), AccountId::from(who.public()));
		let (model, blob) = (spec.id(), BlobRef::of(&weights(right)));
		let commitment = hash::commitment(&genesis, &model, &account, &blob, &SALT);
		pallet_training::Call::commit { model, commitment }
	}

	/// Reveals weights that are right on some records, and claims others.
	pub fn reveal(&mut self, who: Sr25519Keyring, submission: SubmissionId, right: u8, claimed: u8) {
		self.signed(who, reveal(submission, right, claimed));
	}

	/// The task of a submission.
	pub fn task(&mut self, submission: SubmissionId) -> TaskOf<Runtime> {
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
		let answer = Answer::new(who, submission, Verdict::Valid, outputs(right));
		self.until_phase(submission, |phase| matches!(phase, Phase::Committing { .. }), &mut tend);
		let commit = answer.commit(self);
		self.authorised(commit);
		self.until_phase(submission, |phase| matches!(phase, Phase::Opening { .. }), &mut tend);
		let open = answer.open(self);
		self.authorised(open);
	}

	/// The hash by which somebody commits to evidence about a record.
	pub fn commit_challenge(
		&mut self,
		who: Sr25519Keyring,
		submission: SubmissionId,
		record: u32,
	) -> pallet_training::Call<Runtime> {
		let account = AccountId::from(who.public());
		let commitment = hash::challenge_commitment(&self.genesis(), submission, record, &account, &SALT);
		pallet_training::Call::commit_challenge { submission, commitment }
	}

	/// Posts weights that are right on some records.
	pub fn post(&mut self, submission: SubmissionId, right: u8) {
		let target = pallet_training::Target::Submission(submission);
		let weights = weights(right).try_into().expect("short");
		self.authorised(pallet_training::Call::post_weights { target, weights });
	}

	/// Has the court run the disputed record, with weights that are right on some.
	pub fn resolve(&mut self, submission: SubmissionId, spec: &ModelSpec, right: u8) {
		let Phase::Disputed { record, .. } = self.task(submission).phase else {
			panic!("{:?} is not disputed", self.task(submission))
		};
		let cost = self.natively(|| Training::resolution_cost(spec.id())).expect("the model is there");
		let weights = weights(right).try_into().expect("short");
		let proof = proof(spec, record);
		self.authorised(pallet_training::Call::resolve_dispute { submission, record, proof, weights, cost });
	}

	/// Settles a submission, signed by nobody.
	pub fn settle(&mut self, submission: SubmissionId) {
		self.authorised(pallet_training::Call::settle { submission });
	}
}
