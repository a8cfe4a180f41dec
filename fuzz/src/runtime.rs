//! Any bytes as blocks and calls on a development chain.

mod governance;

pub use governance::Govern;

use crate::{starts, state::Rootless};
use codec::{Decode, DecodeLimit, Encode};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
	model::{Confidence, Metric, TargetSpec},
	scores,
};
use oda_pallet_court::{makes, output_root};
use oda_pallet_traits::Role;
use oda_primitives::{
	BlobRef, Closing, DealId, MAX_CARD_LEN, ModelId, OutputTree, Payment, RangeProof, Receipt, SubmissionId,
	TaskId, Verdict, Voucher,
	hash::{self, Finding},
	inference::{Price, request_hash},
	message,
	storage::challenged_range,
};
use oda_runtime::{
	AccountId, Babe, Balance, Balances, Clock, Emission, Executive, Header, Inference, ModelRegistry,
	Parameters, Peers, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeHoldReason, RuntimeOrigin,
	SessionKeys, Signature, Staking, StorageDeals, System, Training, UNIT, UncheckedExtrinsic, Verification,
	tempo::EpochSlots,
};
use pallet_inference::{HoldReason as Paying, OfferedModel, Terms};
use pallet_training::Target;
use pallet_verification::{Load, Phase};
use polkadot_sdk::{
	frame_support::{
		BoundedVec,
		dispatch::{GetDispatchInfo, PostDispatchInfo},
		genesis_builder_helper::get_preset,
		traits::{Authorize, Get, GetCallMetadata, PalletInfoAccess},
		weights::Weight,
	},
	frame_system::{self, RawOrigin},
	pallet_balances, pallet_session, pallet_timestamp,
	sc_chain_spec::json_merge,
	sp_consensus_babe::{
		BABE_ENGINE_ID, Slot,
		digests::{PreDigest, SecondaryPlainPreDigest},
	},
	sp_core::{Pair, ed25519, proof_of_possession::statement_of_ownership, sr25519},
	sp_keyring::Sr25519Keyring,
	sp_runtime::{
		BuildStorage, Digest, DigestItem, Perbill,
		traits::{Convert, Dispatchable, Header as _},
		transaction_validity::TransactionSource,
	},
};
use std::{cell::RefCell, collections::BTreeMap, sync::LazyLock};
use tracing::subscriber::NoSubscriber;

/// Actions in one input, and bytes of one: more would only be slow.
const MAX_ACTIONS: usize = 64;
/// Blocks that one input may make: they take most of the time.
const MAX_BLOCKS: u32 = 64;
/// How deep a call may nest.
const MAX_DEPTH: u32 = 16;
/// Records of every model here.
const RECORDS: u32 = 8;
/// The first slot after genesis.
const FIRST_SLOT: u64 = 1_000;

/// Something that happens on the chain. Names are small numbers, so that they often meet.
#[derive(Clone, Debug, Encode, Decode)]
#[allow(missing_docs, reason = "the fields are numbers of what they are called")]
pub enum Action {
	/// A block ends and the next begins, so many empty ones later.
	Blocks(u8),
	/// Any call, of a signed or an authorised origin.
	Any { who: u8, call: Vec<u8> },
	/// Announces one of the models.
	Announce { who: u8, model: u8, salt: u8 },
	/// Removes somebody's announcement of one of the models.
	RemoveAnnouncement { who: u8, registrar: u8, model: u8, salt: u8 },
	/// Registers one of the models.
	Register { who: u8, model: u8, parent: Option<u8>, salt: u8 },
	/// Commits to weights that are right on the records whose bits are set.
	Commit { who: u8, model: u8, right: u8, salt: u8 },
	/// Reveals them, with the scores of some records turned round.
	Reveal { who: u8, submission: u8, right: u8, salt: u8, lie: u8 },
	/// Withdraws a commitment to them.
	Withdraw { who: u8, submission: u8, right: u8, salt: u8 },
	/// Settles a submission.
	Settle { who: u8, submission: u8 },
	/// Notes a challenge.
	CommitChallenge { who: u8, submission: u8, record: u8, salt: u8 },
	/// Challenges with these weights.
	Challenge { who: u8, submission: u8, record: u8, salt: u8, right: u8, stingy: bool },
	/// A verifier does what is next: it commits to a verdict and outputs, or opens them.
	Attest { who: u8, submission: u8, verdict: Verdict },
	/// Promises a bounty.
	PostBounty { who: u8, model: u8, threshold: i8, amount: u8, term: u16 },
	/// Takes one back.
	WithdrawBounty { who: u8, model: u8, bounty: u8 },
	/// Removes a retired model's scores.
	DropScores { who: u8, model: u8 },
	/// Removes what is known of a retired model's weights.
	ForgetWeights { who: u8, model: u8, right: u8 },
	/// Retires a model.
	Retire { who: u8, model: u8 },
	/// Abandons one that was never accepted.
	Abandon { who: u8, model: u8 },
	/// Stops being a verifier.
	Leave { who: u8 },
	/// Demands a submission's or a model's head's weights.
	Demand { who: u8, of: Of },
	/// Posts weights that are right on the records whose bits are set.
	PostWeights { of: Of, right: u8 },
	/// Lets a head fall.
	Revert { who: u8, model: u8 },
	/// Binds a peer to an account, by a peer of the same number.
	BindPeer { who: u8, peer: u8 },
	/// Releases it.
	UnbindPeer { who: u8 },
	/// Becomes a keeper of so many mebibytes.
	Enlist { who: u8, mib: u8 },
	/// Keeps more or less.
	SetCapacity { who: u8, mib: u8 },
	/// Takes no more replicas.
	RetireKeeper { who: u8 },
	/// Leaves the keepers.
	WithdrawKeeper { who: u8 },
	/// Offers a deal about the data or about weights.
	Offer { who: u8, right: Option<u8>, replicas: u8, rounds: u8, price: u8, raise: u8 },
	/// Ends a deal early.
	Cancel { who: u8, deal: u8 },
	/// Takes a replica.
	Take { who: u8, deal: u8 },
	/// Leaves a deal.
	Quit { who: u8, deal: u8 },
	/// Proves a deal about the data or about weights: in the slot, so many rounds back.
	Prove { who: u8, deal: u8, slot: u8, back: u8, right: Option<u8> },
	/// Settles a deal; nobody signs if `who` is 255.
	SettleDeal { who: u8, deal: u8 },
	/// Puts hundredths of an ODA into a model's account.
	Fund { who: u8, model: u8, amount: u16 },
	/// Agrees to a longer term of a deal.
	Stay { who: u8, deal: u8 },
	/// A verifier commits to outputs of weights that are right on some records.
	CommitFinding { who: u8, submission: u8, verdict: Verdict, right: u8 },
	/// A verifier opens them; or, instead of these, others for the record of this number.
	OpenFinding { who: u8, submission: u8, verdict: Verdict, right: u8, other: Option<u8> },
	/// Has a disputed record run.
	Resolve { submission: u8, record: u8, right: u8 },
	/// Becomes a candidate.
	Bond { who: u8, role: Role, units: u16 },
	/// Delegates.
	Delegate { who: u8, role: Role, operator: u8, units: u16 },
	/// Takes stake out, or to another candidate.
	Unbond { who: u8, role: Role, operator: u8, units: u16, to: Option<u8> },
	/// Gets what has left.
	WithdrawStake { who: u8, role: Role, operator: u8 },
	/// Becomes a verifier.
	Join { who: u8, time: u8 },
	/// Is not drawn for a while.
	Rest { who: u8 },
	/// Is drawn again.
	Wake { who: u8 },
	/// So many sessions begin. Of an epoch only the last block and the first are not empty.
	Sessions(u8),
	/// Whoever governs changes the verifiers' least stake.
	MinStake { units: u16 },
	/// Sets the session keys of this number, of six.
	SetKeys { who: u8, keys: u8 },
	/// Goes on from one of [`starts`]; only before all else.
	From(u8),
	/// Sets the card of this number, or removes the model's card. A card of number 255 is too large.
	SetCard { who: u8, model: u8, card: Option<u8> },
	/// Offers to answer for models, with receipts of a [`key`]; the price is an [`amount`] a request.
	SetOffer { who: u8, key: u8, models: Vec<u8>, price: u8, grace: u8, answer: u8, max_count: u8 },
	/// Offers nothing any more.
	RemoveOffer { who: u8 },
	/// Opens a channel, on the provider's terms or with another grace period.
	OpenChannel {
		who: u8,
		provider: u8,
		model: u8,
		deposit: u8,
		key: Option<u8>,
		grace: Option<u8>,
		term: u8,
	},
	/// Puts more into one.
	TopUp { who: u8, channel: u8, amount: u8 },
	/// Redeems vouchers.
	Claim { who: u8, vouchers: Vec<Promise> },
	/// Ends a channel as its provider.
	CloseChannel { who: u8, channel: u8, last: Option<Promise> },
	/// Ends one by an agreement that these keys signed, and that is good for so many ticks.
	CloseAgreed { who: u8, channel: u8, version: u8, amount: u8, life: u8, user: u8, provider: u8 },
	/// Asks for a channel's end.
	BeginClose { who: u8, channel: u8 },
	/// Ends one whose time is over.
	FinishClose { who: u8, channel: u8 },
	/// Removes one that has ended.
	RemoveChannel { who: u8, channel: u8 },
	/// Asks on chain about so many inputs, of which so many are given.
	Request { who: u8, provider: u8, model: u8, count: u8, given: u8, limit: u8 },
	/// Answers with what weights that are right on some records make of so many inputs.
	AnswerRequest { who: u8, request: u8, version: u8, right: u8, count: u8, life: u8, key: u8 },
	/// Settles a request.
	SettleRequest { who: u8, request: u8 },
	/// Takes to court a receipt that this key signed.
	Dispute { who: u8, key: u8, receipt: Answer, shown: Option<u8>, index: u8, other: u8, stingy: bool },
	/// Something about reputation and votes.
	Govern(Govern),
}

/// A voucher, and the key that signs it; or, if it is forged, one of another amount.
#[derive(Clone, Debug, Encode, Decode)]
#[allow(missing_docs, reason = "the fields are numbers of what they are called")]
pub struct Promise {
	pub channel: u8,
	pub version: u8,
	pub amount: u8,
	pub key: u8,
	pub forged: bool,
}

/// What a receipt says that is good for so many ticks: the weights are those that are right on some records, or the data.
#[derive(Clone, Debug, Encode, Decode)]
#[allow(missing_docs, reason = "the fields are numbers of what they are called")]
pub struct Answer {
	pub of: Paid,
	pub model: u8,
	pub count: u8,
	pub right: Option<u8>,
	/// The answer is what weights make that are right on these records.
	pub made: u8,
	pub price: u8,
	pub life: u8,
}

/// What an answer is paid from.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub enum Paid {
	/// This channel.
	Channel(u8),
	/// This one-shot request.
	Request(u8),
}

impl From<Paid> for Payment {
	fn from(of: Paid) -> Self {
		match of {
			Paid::Channel(id) => Self::Channel(id.into()),
			Paid::Request(id) => Self::OneShot(id.into()),
		}
	}
}

/// Whose weights.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub enum Of {
	/// This submission's.
	Submission(u8),
	/// This model's head's.
	Head(u8),
}

impl From<Of> for Target {
	fn from(of: Of) -> Self {
		match of {
			Of::Submission(id) => Self::Submission(id.into()),
			Of::Head(model) => Self::Head(model_id(model)),
		}
	}
}

/// How often each call, by pallet and name, succeeded, and how often it failed with which error.
pub type Tally = BTreeMap<(&'static str, &'static str), BTreeMap<String, u64>>;

/// Every call of every pallet.
pub fn calls() -> Vec<(&'static str, &'static str)> {
	let pallets = RuntimeCall::get_module_names().iter();
	pallets
		.flat_map(|&pallet| RuntimeCall::get_call_names(pallet).iter().map(move |&call| (pallet, call)))
		.collect()
}

/// What a call that succeeded is counted under.
pub const OK: &str = "ok";

/// Deriving a pair takes longer than most calls.
static PAIRS: LazyLock<Vec<sr25519::Pair>> = LazyLock::new(|| {
	use Sr25519Keyring::*;
	[Alice, Bob, Charlie, Dave, Eve, Ferdie].map(Sr25519Keyring::pair).into()
});

fn pair(who: u8) -> &'static sr25519::Pair {
	&PAIRS[usize::from(who) % PAIRS.len()]
}

/// The account of this number, of six.
pub fn account(who: u8) -> AccountId {
	pair(who).public().into()
}

/// The key of the account of this number; the seventh is nobody's, and of another kind.
pub fn key(number: u8) -> AccountId {
	match number % 7 {
		6 => ed25519::Pair::from_seed(&[6; 32]).public().0.into(),
		who => account(who),
	}
}

fn sign(key: u8, message: &[u8]) -> Signature {
	match key % 7 {
		6 => ed25519::Pair::from_seed(&[6; 32]).sign(message).into(),
		who => pair(who).sign(message).into(),
	}
}

/// Hundredths of an ODA, and a little more, so that parts of it are rounded.
pub fn amount(hundredths: u8) -> Balance {
	(UNIT / 100 + 1) * Balance::from(hundredths)
}

/// Record `i` has a 1 at `i`, and the class `i mod 3`.
static DATA: LazyLock<Vec<u8>> = LazyLock::new(|| {
	let record = |i: u32| {
		let mut record = vec![0; RECORDS as usize];
		record[i as usize] = 1;
		record.push((i % 3) as u8);
		record
	};
	(0..RECORDS).flat_map(record).collect()
});

/// What the court's evaluation of a record of the first model weighs.
fn price() -> Weight {
	let cost = MODELS[0].validate().expect("a valid model");
	oda_runtime::configs::protocol::EvaluationWeight::convert(cost)
}

static MODELS: LazyLock<Vec<ModelSpec>> = LazyLock::new(|| {
	let model = |min_improvement, confidence| ModelSpec {
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
			confidence,
		},
		data: DataSource::Fixed(DatasetRef { blob: BlobRef::of(&DATA), records: RECORDS }),
	};
	vec![model(1, None), model(3, None), model(1, Some(Confidence { p: 384, q: 100 }))]
});

fn spec(model: u8) -> &'static ModelSpec {
	&MODELS[usize::from(model) % MODELS.len()]
}

fn model_id(model: u8) -> ModelId {
	static IDS: LazyLock<Vec<ModelId>> = LazyLock::new(|| MODELS.iter().map(ModelSpec::id).collect());
	IDS[usize::from(model) % IDS.len()]
}

/// Weights that are right on the records whose bits are set.
fn weights(right: u8) -> Vec<u8> {
	let mut weights = vec![0; 3 * RECORDS as usize];
	for i in 0..RECORDS {
		let class = if right >> i & 1 == 1 { i % 3 } else { (i + 1) % 3 };
		weights[(class * RECORDS + i) as usize] = 1;
	}
	weights.extend([0; 12]);
	weights.extend([1, 0, 0, 0].repeat(3));
	weights.extend([0; 3]);
	weights
}

/// Weights that are right on the records whose bits are set, or the data.
fn bytes(right: Option<u8>) -> Vec<u8> {
	right.map_or_else(|| DATA.to_vec(), weights)
}

/// What is asked about each record.
fn questions() -> impl Iterator<Item = &'static [u8]> {
	DATA.chunks_exact(RECORDS as usize + 1).map(|record| &record[..RECORDS as usize])
}

/// So many inputs, one after the other: the records', again and again.
fn inputs(count: u8) -> Vec<u8> {
	let each: Vec<_> = questions().collect();
	each.iter().cycle().take(count.into()).copied().flatten().copied().collect()
}

/// What weights that are right on some records make of so many inputs.
fn outputs(right: u8, count: u8) -> Vec<u8> {
	let (graph, weights) = (&MODELS[0].graph, weights(right));
	let each: Vec<_> =
		questions().map(|input| makes(graph, &weights, input).expect("it can be run")).collect();
	each.iter().cycle().take(count.into()).flatten().copied().collect()
}

/// The part of one of so many inputs, or of their outputs.
fn part(bytes: &[u8], count: u8, index: u8) -> RangeProof {
	let (each, index) = (bytes.len() as u64 / u64::from(count), u64::from(index % count));
	RangeProof::new(bytes, each * index..each * (index + 1)).expect("it lies within")
}

/// The chain's state after genesis.
static GENESIS: LazyLock<polkadot_sdk::sp_runtime::Storage> = LazyLock::new(|| {
	// Where there is no subscriber, each access to the state asks the logger instead.
	tracing::subscriber::set_global_default(NoSubscriber::default()).expect("nobody subscribed");
	let patch = oda_runtime::genesis_config_presets::get_preset(&"development".into()).expect("the preset");
	let default = get_preset::<RuntimeGenesisConfig>(&None, |_| None).expect("the default");
	let mut config: serde_json::Value = serde_json::from_slice(&default).expect("JSON");
	json_merge(&mut config, serde_json::from_slice(&patch).expect("JSON"));
	let config: RuntimeGenesisConfig = serde_json::from_value(config).expect("a genesis");
	config.build_storage().expect("the preset builds")
});

thread_local! {
	/// The chains that inputs have begun from, each in the middle of a block.
	static STARTS: RefCell<BTreeMap<usize, (Rootless, Header)>> = const { RefCell::new(BTreeMap::new()) };
}

/// One of [`starts`].
fn start(number: usize) -> (Rootless, Header) {
	let mut state = Rootless::new(GENESIS.clone(), Parameters::name_hash());
	let parent = state.execute_with(|| {
		let none = Default::default();
		let mut chain = Chain::new(Header::new(0, none, none, none, Digest::default()));
		chain.begin(0);
		starts::ALL[number]().into_iter().for_each(|action| chain.act(action));
		chain.parent
	});
	(state, parent)
}

/// A chain in the middle of a block.
struct Chain {
	tally: Tally,
	parent: Header,
	blocks: u32,
}

impl Chain {
	fn new(parent: Header) -> Self {
		Self { tally: Tally::new(), parent, blocks: 0 }
	}

	/// Begins a block after so many empty ones, of which only the numbers and the ticks are made: each would cost a
	/// storage root.
	fn begin(&mut self, empty: u8) {
		self.blocks += 1;
		pallet_clock::Now::<Runtime>::mutate(|now| *now += u64::from(empty));
		governance::pass(empty);
		System::set_block_number(self.parent.number + u32::from(empty));
		let number = self.parent.number + u32::from(empty) + 1;
		let slot = Slot::from(FIRST_SLOT + u64::from(number));
		let author = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index: 0, slot });
		let digest = Digest { logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, author.encode())] };
		let header = Header::new(number, Default::default(), Default::default(), self.parent.hash(), digest);
		Executive::initialize_block(&header);
		// A slot lasts a second in this preset.
		let now = pallet_timestamp::Call::set { now: u64::from(slot) * 1_000 };
		let inherent = UncheckedExtrinsic::new_bare(RuntimeCall::Timestamp(now));
		Executive::apply_extrinsic(inherent).expect("valid").expect("the time is set");
		// As the first transaction would: then what happens by itself each tick.
		Executive::inherents_applied();
	}

	fn end(&mut self) {
		self.parent = Executive::finalize_block();
	}

	fn dispatch(&mut self, origin: RuntimeOrigin, call: RuntimeCall) {
		let declared = call.get_dispatch_info().call_weight;
		let result = call.clone().dispatch(origin);
		let PostDispatchInfo { actual_weight, .. } = match &result {
			Ok(post) => *post,
			Err(error) => error.post_info,
		};
		if let Some(used) = actual_weight {
			assert!(used.all_lte(declared), "{call:?} used {used:?}, declared {declared:?}");
		}
		match result {
			Ok(_) => self.count(&call, OK),
			Err(error) => self.count(&call, error.error.into()),
		}
	}

	fn signed(&mut self, who: u8, call: impl Into<RuntimeCall>) {
		self.dispatch(RuntimeOrigin::signed(account(who)), call.into());
	}

	/// Dispatches a call that carries its own authorisation, if it is one and the authorisation holds.
	fn authorised(&mut self, call: RuntimeCall) {
		match call.authorize(TransactionSource::External) {
			Some(Ok(_)) => self.dispatch(RawOrigin::Authorized.into(), call),
			Some(Err(_)) => self.count(&call, "not authorised"),
			None => {}
		}
	}

	/// A call that needs no signature, with or without one.
	fn by_anybody(&mut self, who: u8, call: impl Into<RuntimeCall>) {
		if who.is_multiple_of(2) {
			self.signed(who, call);
		} else {
			self.authorised(call.into());
		}
	}

	fn count(&mut self, call: &RuntimeCall, outcome: &str) {
		let name = call.get_call_metadata();
		let outcomes = self.tally.entry((name.pallet_name, name.function_name)).or_default();
		*outcomes.entry(outcome.to_owned()).or_default() += 1;
	}

	/// Proves what is asked for in a slot of a deal, of these bytes.
	fn prove(&mut self, who: u8, deal: DealId, slot: u8, back: u8, right: Option<u8>) {
		let Some(current) = pallet_storage_deals::CurrentRound::<Runtime>::get() else { return };
		let replicas =
			pallet_storage_deals::Deals::<Runtime>::get(deal).map_or(1, |deal| deal.slots.len() as u32);
		let round = current.number.saturating_sub(back.into());
		let bytes = bytes(right);
		let blob = BlobRef::of(&bytes);
		let range = challenged_range(&current.seed, deal, round, slot.into(), replicas, &blob);
		let proof = RangeProof::new(&bytes, range).expect("a chunk of them");
		let genesis = System::block_hash(0).0;
		let message = message::storage_proof(&genesis, deal, round, &proof);
		let (keeper, signature) = (account(who), Signature::Sr25519(pair(who).sign(&message)));
		self.authorised(pallet_storage_deals::Call::prove { deal, round, keeper, proof, signature }.into());
	}

	/// What a verifier finds by weights that are right on some records, and its tree.
	fn finding(who: u8, submission: u8, verdict: Verdict, right: u8) -> (Finding, OutputTree) {
		let (graph, weights) = (&MODELS[0].graph, weights(right));
		let outputs = questions().map(|input| output_root(graph, &weights, input).expect("it can be run"));
		let task = TaskId::Submission(submission.into());
		let tree = OutputTree::new(&account(who), task, outputs.collect()).expect("there are records");
		(Finding { root: tree.root(), verdict, salt: [who; 32] }, tree)
	}

	/// A verifier commits to what it finds.
	fn commit(&mut self, who: u8, submission: u8, verdict: Verdict, right: u8) {
		let (genesis, task) = (System::block_hash(0).0, TaskId::Submission(submission.into()));
		let (claim, asked) =
			Verification::task(task).map(|view| (view.task.claim, view.task.asked)).unwrap_or_default();
		let (finding, _) = Self::finding(who, submission, verdict, right);
		let verifier = account(who);
		let commitment = finding.commitment(&genesis, task, &claim, asked, &verifier);
		let message = message::answer(&genesis, task, &claim, asked, &commitment);
		let signature = Signature::Sr25519(pair(who).sign(&message));
		self.authorised(pallet_verification::Call::commit { task, commitment, verifier, signature }.into());
	}

	/// A verifier opens what it committed to, with the proof of another record in the place of one.
	fn open(&mut self, who: u8, submission: u8, verdict: Verdict, right: u8, other: Option<u8>) {
		let task = TaskId::Submission(submission.into());
		let (finding, tree) = Self::finding(who, submission, verdict, right);
		let mut wanted = Verification::task(task).map(|view| view.task.wanted.to_vec()).unwrap_or_default();
		if let Some((other, first)) = other.zip(wanted.first_mut()) {
			*first = u32::from(other) % RECORDS;
		}
		if verdict == Verdict::Unavailable {
			wanted.clear();
		}
		let proofs = wanted.iter().filter_map(|record| tree.prove(*record)).collect();
		let verifier = account(who);
		self.authorised(pallet_verification::Call::open { task, verifier, finding, proofs }.into());
	}

	/// A user's voucher, signed.
	fn voucher(promise: &Promise) -> (Voucher, Signature) {
		let Promise { channel, version, amount: hundredths, key, forged } = *promise;
		let (channel, version) = (channel.into(), version.into());
		let voucher = Voucher { channel, version, amount: amount(hundredths), nonce: 1 };
		let signed = Voucher { amount: voucher.amount + u128::from(forged), ..voucher };
		(voucher, sign(key, &signed.message(&System::block_hash(0).0)))
	}

	/// A provider answers with what weights that are right on some records make of so many inputs.
	fn answer(&mut self, who: u8, id: u8, version: u8, (right, count): (u8, u8), life: u8, key: u8) {
		let (id, version, expires) = (id.into(), version.into(), Clock::now() + u64::from(life));
		let output = outputs(right, count);
		let request = Inference::one_shot(id);
		let model = request.as_ref().map_or_else(|| model_id(0), |request| request.model);
		let answers = pallet_model_registry::Versions::<Runtime>::get(model, version);
		let asked = request.as_ref().map_or(0, |request| request.count);
		let input = request.as_ref().map_or([0; 32], |request| request.input);
		let receipt = Receipt {
			payment: Payment::OneShot(id),
			request: request_hash(&model, &input, asked),
			weights: answers.map_or([0; 32], |version| version.weights.root),
			input,
			output: BlobRef::of(&output).root,
			count: asked,
			price: request.map_or(0, |request| request.price),
			nonce: 0,
			expires,
		};
		let signature = sign(key, &receipt.message(&System::block_hash(0).0));
		let output = output.try_into().expect("it is short");
		self.signed(who, pallet_inference::Call::answer { request: id, version, output, expires, signature });
	}

	/// Takes a receipt to court, with proofs of an input so many further on than the one that is said.
	fn dispute(
		&mut self,
		who: u8,
		key: u8,
		answer: &Answer,
		shown: Option<u8>,
		(index, other): (u8, u8),
		stingy: bool,
	) {
		let Answer { of, model, count, right, made, price: hundredths, life } = *answer;
		let (model, some) = (model_id(model), count.max(1));
		let (inputs, outputs) = (inputs(some), outputs(made, some));
		let input = BlobRef::of(&inputs).root;
		let receipt = Receipt {
			payment: of.into(),
			request: request_hash(&model, &input, count.into()),
			weights: BlobRef::of(&bytes(right)).root,
			input,
			output: BlobRef::of(&outputs).root,
			count: count.into(),
			price: amount(hundredths),
			nonce: 1,
			expires: Clock::now() + u64::from(life),
		};
		let signature = sign(key, &receipt.message(&System::block_hash(0).0));
		let proved = index.wrapping_add(other);
		let (input, output) = (part(&inputs, some, proved), part(&outputs, some, proved));
		let weights = bytes(shown).try_into().expect("they are short");
		// All models here cost the same.
		let cost = (0..MODELS.len() as u8).find_map(|model| Inference::dispute_cost(model_id(model)));
		let cost = if stingy { Weight::zero() } else { cost.unwrap_or_else(price) };
		let index = index.into();
		self.signed(
			who,
			pallet_inference::Call::dispute { receipt, signature, index, input, output, weights, cost },
		);
	}

	fn act(&mut self, action: Action) {
		type Infer = pallet_inference::Call<Runtime>;
		type Registry = pallet_model_registry::Call<Runtime>;
		type Train = pallet_training::Call<Runtime>;
		type Store = pallet_storage_deals::Call<Runtime>;
		type Stake = pallet_oda_staking::Call<Runtime>;
		let genesis = System::block_hash(0).0;
		match action {
			Action::Blocks(empty) => {
				self.end();
				self.begin(empty);
			}
			Action::Any { who, call } => {
				let Ok(call) = RuntimeCall::decode_all_with_depth_limit(MAX_DEPTH, &mut &call[..]) else {
					return;
				};
				if who == u8::MAX { self.authorised(call) } else { self.signed(who, call) }
			}
			Action::Announce { who, model, salt } => {
				let commitment = hash::registration(&genesis, &account(who), &model_id(model), &[salt; 32]);
				self.signed(who, Registry::announce { commitment });
			}
			Action::RemoveAnnouncement { who, registrar, model, salt } => {
				let registrar = account(registrar);
				let commitment = hash::registration(&genesis, &registrar, &model_id(model), &[salt; 32]);
				self.signed(who, Registry::remove_announcement { registrar, commitment });
			}
			Action::Register { who, model, parent, salt } => {
				let length_proof = RangeProof::of_end(&DATA).expect("there is data");
				let (spec, parent, salt) = (Box::new(spec(model).clone()), parent.map(model_id), [salt; 32]);
				self.signed(who, Registry::register { spec, length_proof, parent, salt });
			}
			Action::Commit { who, model, right, salt } => {
				let (model, blob) = (model_id(model), BlobRef::of(&weights(right)));
				let commitment = hash::commitment(&genesis, &model, &account(who), &blob, &[salt; 32]);
				self.signed(who, Train::commit { model, commitment });
			}
			Action::Reveal { who, submission, right, salt, lie } => {
				let claimed: Vec<i32> = (0..RECORDS).map(|i| i32::from((right ^ lie) >> i & 1)).collect();
				let scores = scores::pack(MODELS[0].score_kind(), &claimed).expect("bits");
				let (weights, scores) = (BlobRef::of(&weights(right)), scores.try_into().expect("a byte"));
				self.signed(
					who,
					Train::reveal { submission: submission.into(), weights, salt: [salt; 32], scores },
				);
			}
			Action::Withdraw { who, submission, right, salt } => {
				let weights = BlobRef::of(&weights(right));
				self.signed(
					who,
					Train::withdraw { submission: submission.into(), weights, salt: [salt; 32] },
				);
			}
			Action::Settle { who, submission } => {
				let call = Train::settle { submission: submission.into() };
				self.by_anybody(who, call);
			}
			Action::CommitChallenge { who, submission, record, salt } => {
				let submission = SubmissionId::from(submission);
				let commitment = hash::challenge_commitment(
					&genesis,
					submission,
					record.into(),
					&account(who),
					&[salt; 32],
				);
				self.signed(who, Train::commit_challenge { submission, commitment });
			}
			Action::Challenge { who, submission, record, salt, right, stingy } => {
				let record = u32::from(record);
				let range = MODELS[0].record_range(record % RECORDS).expect("the record exists");
				let proof = RangeProof::new(&DATA, range).expect("the range exists");
				let weights = weights(right).try_into().expect("they are short");
				let cost = if stingy { Weight::zero() } else { price() };
				let (submission, challenger) = (submission.into(), account(who));
				let salt = [salt; 32];
				self.authorised(
					Train::challenge { submission, record, challenger, salt, proof, weights, cost }.into(),
				);
			}
			Action::Attest { who, submission, verdict } => {
				let task = TaskId::Submission(submission.into());
				let phase = Verification::task(task).map(|view| view.task.phase);
				if matches!(phase, Some(Phase::Opening { .. })) {
					self.open(who, submission, verdict, u8::MAX, None);
				} else {
					self.commit(who, submission, verdict, u8::MAX);
				}
			}
			Action::CommitFinding { who, submission, verdict, right } => {
				self.commit(who, submission, verdict, right);
			}
			Action::OpenFinding { who, submission, verdict, right, other } => {
				self.open(who, submission, verdict, right, other);
			}
			Action::Resolve { submission, record, right } => {
				let record = u32::from(record);
				let range = MODELS[0].record_range(record % RECORDS).expect("the record exists");
				let proof = RangeProof::new(&DATA, range).expect("the range exists");
				let weights = weights(right).try_into().expect("they are short");
				let submission = SubmissionId::from(submission);
				let cost = Training::resolution_cost(model_id(0)).unwrap_or_else(price);
				self.authorised(Train::resolve_dispute { submission, record, proof, weights, cost }.into());
			}
			Action::Bond { who, role, units } => {
				let (amount, commission) = (UNIT * u128::from(units), Perbill::from_percent(5));
				self.signed(who, Stake::bond { role, amount, commission });
			}
			Action::Delegate { who, role, operator, units } => {
				let (operator, amount) = (account(operator), UNIT * u128::from(units));
				self.signed(who, Stake::delegate { role, operator, amount });
			}
			Action::Unbond { who, role, operator, units, to } => {
				let (operator, amount) = (account(operator), UNIT * u128::from(units));
				match to.map(account) {
					Some(to) => self.signed(who, Stake::redelegate { role, operator, to, amount }),
					None => self.signed(who, Stake::unbond { role, operator, amount }),
				}
			}
			Action::WithdrawStake { who, role, operator } => {
				let (operator, member) = (account(operator), account(who));
				self.signed(who, Stake::withdraw { role, operator, who: member });
			}
			Action::Join { who, time } => {
				let capacity = Load { time: u64::from(time) * 60_000_000_000_000, bytes: 1 << 30 };
				self.signed(who, pallet_verification::Call::join { capacity });
			}
			Action::Rest { who } => self.signed(who, pallet_verification::Call::rest {}),
			Action::Wake { who } => self.signed(who, pallet_verification::Call::wake {}),
			Action::Sessions(number) => {
				let until = oda_runtime::Session::current_index() + u32::from(number % 4);
				while oda_runtime::Session::current_index() < until {
					self.end();
					let epoch = u64::from(Babe::current_epoch_start()) + EpochSlots::<Runtime>::get();
					let left = epoch.saturating_sub(FIRST_SLOT + u64::from(self.parent.number) + 2);
					self.begin(left as u8);
				}
			}
			Action::From(_) => {}
			Action::MinStake { units } => {
				use oda_runtime::parameters::{RuntimeParameters, changes, governed::verification};
				let value = verification::Parameters::MinStake(
					verification::MinStake,
					Some(UNIT * u128::from(units)),
				);
				let changes = vec![RuntimeParameters::Verification(value)].try_into().expect("one change");
				self.dispatch(RawOrigin::Root.into(), changes::Call::<Runtime>::set { changes }.into());
			}
			Action::SetKeys { who, keys } => {
				let statement = statement_of_ownership(&account(who).encode());
				let (sr25519, ed25519) = (pair(keys), ed25519::Pair::from_seed(&[keys % 6; 32]));
				let (signed, also) = (sr25519.sign(&statement), ed25519.sign(&statement));
				let proof = (&signed, also, &signed).encode();
				let (babe, grandpa) = (sr25519.public().into(), ed25519.public().into());
				let keys = SessionKeys { babe, grandpa, im_online: sr25519.public().into() };
				self.signed(who, pallet_session::Call::set_keys { keys, proof });
			}
			Action::PostBounty { who, model, threshold, amount, term } => {
				let until = Clock::now() + u64::from(term);
				let amount = UNIT / 4 * u128::from(amount);
				let (model, threshold) = (model_id(model), threshold.into());
				self.signed(who, Train::post_bounty { model, threshold, amount, until });
			}
			Action::WithdrawBounty { who, model, bounty } => {
				self.signed(who, Train::withdraw_bounty { model: model_id(model), bounty: bounty.into() });
			}
			Action::DropScores { who, model } => {
				self.signed(who, Train::drop_scores { model: model_id(model) })
			}
			Action::ForgetWeights { who, model, right } => {
				let root = BlobRef::of(&weights(right)).root;
				self.signed(who, Train::forget_weights { model: model_id(model), root });
			}
			Action::Retire { who, model } => self.signed(who, Registry::retire { model: model_id(model) }),
			Action::SetCard { who, model, card } => {
				let blob = |number| BlobRef {
					root: [number; 32],
					len: if number == u8::MAX { MAX_CARD_LEN + 1 } else { number.into() },
				};
				self.signed(who, Registry::set_card { model: model_id(model), card: card.map(blob) });
			}
			Action::Abandon { who, model } => self.signed(who, Registry::abandon { model: model_id(model) }),
			Action::Leave { who } => self.signed(who, pallet_verification::Call::leave {}),
			Action::Demand { who, of } => self.signed(who, Train::demand { target: of.into() }),
			Action::PostWeights { of, right } => {
				let weights = weights(right).try_into().expect("they are short");
				self.authorised(Train::post_weights { target: of.into(), weights }.into());
			}
			Action::Revert { who, model } => {
				let call = Train::revert { model: model_id(model) };
				self.by_anybody(who, call);
			}
			Action::BindPeer { who, peer } => {
				let pair = ed25519::Pair::from_seed(&[peer; 32]);
				let message = message::peer_binding(&genesis, &account(who));
				let (peer, signature) = (pair.public().0, pair.sign(&message).0);
				self.signed(who, pallet_peers::Call::bind { peer, signature });
			}
			Action::UnbindPeer { who } => self.signed(who, pallet_peers::Call::unbind {}),
			Action::Enlist { who, mib } => {
				self.signed(who, Store::enlist { capacity: u64::from(mib) << 20 });
			}
			Action::SetCapacity { who, mib } => {
				self.signed(who, Store::set_capacity { capacity: u64::from(mib) << 20 });
			}
			Action::RetireKeeper { who } => self.signed(who, Store::retire {}),
			Action::WithdrawKeeper { who } => self.signed(who, Store::withdraw {}),
			Action::Offer { who, right, replicas, rounds, price, raise } => {
				let (blob, rounds) = (BlobRef::of(&bytes(right)), rounds.into());
				let price = UNIT / 100 * u128::from(price);
				let max_price = price + UNIT / 100 * u128::from(raise);
				self.signed(who, Store::offer { blob, replicas, rounds, price, max_price });
			}
			Action::Cancel { who, deal } => self.signed(who, Store::cancel { deal: deal.into() }),
			Action::Take { who, deal } => self.signed(who, Store::take { deal: deal.into() }),
			Action::Quit { who, deal } => self.signed(who, Store::quit { deal: deal.into() }),
			Action::Prove { who, deal, slot, back, right } => self.prove(who, deal.into(), slot, back, right),
			Action::SettleDeal { who: u8::MAX, deal } => {
				self.authorised(Store::settle { deal: deal.into() }.into());
			}
			Action::SettleDeal { who, deal } => self.signed(who, Store::settle { deal: deal.into() }),
			Action::Fund { who, model, amount } => {
				let (model, amount) = (model_id(model), UNIT / 100 * u128::from(amount));
				self.signed(who, Store::fund { model, amount });
			}
			Action::Stay { who, deal } => self.signed(who, Store::stay { deal: deal.into() }),
			Action::SetOffer { who, key: signs, models, price, grace, answer, max_count } => {
				let price = Price { per_request: amount(price), per_mmac: amount(price) };
				let offered = |model| OfferedModel { model: model_id(model), price };
				let models = BoundedVec::truncate_from(models.into_iter().map(offered).collect());
				let endpoint = BoundedVec::truncate_from(b"https://provider.example".to_vec());
				let terms = Terms { grace: grace.into(), answer: answer.into() };
				let max_count = max_count.into();
				self.signed(who, Infer::set_offer { endpoint, key: key(signs), models, terms, max_count });
			}
			Action::RemoveOffer { who } => self.signed(who, Infer::remove_offer {}),
			Action::OpenChannel { who, provider, model, deposit, key: signs, grace, term } => {
				let (provider, model, deposit) = (account(provider), model_id(model), amount(deposit));
				let offered = Inference::offer(provider.clone()).map(|offer| offer.terms);
				let mut terms = offered.unwrap_or(Terms { grace: 0, answer: 0 });
				terms.grace = grace.map_or(terms.grace, u64::from);
				let (key, term) = (signs.map(key), term.into());
				self.signed(who, Infer::open { provider, model, deposit, key, terms, term });
			}
			Action::TopUp { who, channel, amount: more } => {
				self.signed(who, Infer::top_up { channel: channel.into(), amount: amount(more) });
			}
			Action::Claim { who, vouchers } => {
				let vouchers = BoundedVec::truncate_from(vouchers.iter().map(Self::voucher).collect());
				self.signed(who, Infer::claim { vouchers });
			}
			Action::CloseChannel { who, channel, last } => {
				let last = last.as_ref().map(Self::voucher);
				self.signed(who, Infer::close { channel: channel.into(), last });
			}
			Action::CloseAgreed { who, channel, version, amount: paid, life, user, provider } => {
				let (channel, version, expires) =
					(channel.into(), version.into(), Clock::now() + u64::from(life));
				let closing = Closing { channel, version, amount: amount(paid), expires };
				let message = closing.message(&genesis);
				let (of_user, of_provider) = (sign(user, &message), sign(provider, &message));
				self.signed(who, Infer::close_agreed { closing, of_user, of_provider });
			}
			Action::BeginClose { who, channel } => {
				self.signed(who, Infer::begin_close { channel: channel.into() });
			}
			Action::FinishClose { who, channel } => {
				self.signed(who, Infer::finish_close { channel: channel.into() });
			}
			Action::RemoveChannel { who, channel } => {
				self.signed(who, Infer::remove { channel: channel.into() });
			}
			Action::Request { who, provider, model, count, given, limit } => {
				let (provider, model, limit) = (account(provider), model_id(model), amount(limit));
				let (input, count) = (BoundedVec::truncate_from(inputs(given)), count.into());
				self.signed(who, Infer::request { provider, model, input, count, limit });
			}
			Action::AnswerRequest { who, request, version, right, count, life, key } => {
				self.answer(who, request, version, (right, count), life, key);
			}
			Action::SettleRequest { who, request } => {
				self.signed(who, Infer::settle { request: request.into() });
			}
			Action::Dispute { who, key, receipt, shown, index, other, stingy } => {
				self.dispute(who, key, &receipt, shown, (index, other), stingy);
			}
			Action::Govern(action) => self.govern(action),
		}
	}
}

/// That for paid inference so much is on hold as offers, channels and requests say: nothing is forgotten.
fn check_payments() {
	// A ticket is the amount of its deposit.
	let deposit = |ticket: Vec<u8>| Balance::decode(&mut &ticket[..]).expect("an amount");
	let holds: Vec<_> = pallet_balances::Holds::<Runtime>::iter_values().flatten().collect();
	let offers: Vec<_> = pallet_inference::Offers::<Runtime>::iter_values().collect();
	let channels: Vec<_> = pallet_inference::Channels::<Runtime>::iter_values().collect();
	let requests: Vec<_> = pallet_inference::Requests::<Runtime>::iter_values().collect();
	let live = channels.iter().filter(|channel| channel.is_live());
	let said: [(Paying, Balance); 6] = [
		(Paying::Channel, live.map(|channel| channel.deposit - channel.claimed).sum()),
		(Paying::Request, requests.iter().map(|request| request.price).sum()),
		// A dispute is decided at once.
		(Paying::Dispute, 0),
		(Paying::OfferDeposit, offers.iter().map(|offer| deposit(offer.ticket.encode())).sum()),
		(Paying::ChannelDeposit, channels.iter().map(|channel| deposit(channel.ticket.encode())).sum()),
		(Paying::RequestDeposit, requests.iter().map(|request| deposit(request.ticket.encode())).sum()),
	];
	for (reason, amount) in said {
		let of_it = holds.iter().filter(|hold| hold.id == RuntimeHoldReason::Inference(reason));
		assert_eq!(of_it.map(|hold| hold.amount).sum::<Balance>(), amount, "{reason:?}");
	}
}

/// That no funds were made or lost, that holds are reserved, and every pallet's own invariants. Those of parameters take
/// longest, and concern nothing else: they are for when one was written.
fn check(parameters: bool) {
	let mut sum = 0u128;
	for (who, account) in frame_system::Account::<Runtime>::iter() {
		let data = account.data;
		sum += data.free + data.reserved;
		let held: u128 = pallet_balances::Holds::<Runtime>::get(&who).iter().map(|hold| hold.amount).sum();
		assert!(held <= data.reserved, "{who} has {held} on hold and {} reserved", data.reserved);
	}
	assert_eq!(sum, Balances::total_issuance(), "issuance");
	Clock::do_try_state().expect("the clock");
	if parameters {
		oda_runtime::ProtocolParameters::do_try_state().expect("parameters");
	}
	Emission::do_try_state().expect("emission");
	Staking::do_try_state().expect("stakes");
	Inference::do_try_state().expect("paid inference");
	check_payments();
	ModelRegistry::do_try_state().expect("the registry");
	Training::do_try_state().expect("training");
	StorageDeals::do_try_state().expect("storage");
	Peers::do_try_state().expect("peers");
	Verification::do_try_state().expect("verification");
	governance::check();
}

/// Runs the actions that these bytes are, and checks what is left; which calls there were and what came of them.
pub fn run(mut bytes: &[u8]) -> Tally {
	let mut rest = bytes;
	let number = match Action::decode(&mut rest) {
		Ok(Action::From(start)) => {
			bytes = rest;
			usize::from(start) % starts::ALL.len()
		}
		_ => 0,
	};
	STARTS.with_borrow_mut(|starts| {
		let (state, parent) = starts.entry(number).or_insert_with(|| start(number));
		state.undone(|state| {
			let tally = state.execute_with(|| {
				let mut chain = Chain::new(parent.clone());
				for _ in 0..MAX_ACTIONS {
					if chain.blocks >= MAX_BLOCKS {
						break;
					}
					let Ok(action) = Action::decode(&mut bytes) else { break };
					chain.act(action);
				}
				chain.end();
				chain.tally
			});
			let parameters = state.touched();
			state.execute_with(|| check(parameters));
			tally
		})
	})
}
