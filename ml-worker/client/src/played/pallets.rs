//! What the pallets of a played chain hold: entries as the metadata has them, of which a test gives the fields that it
//! is about. All others are zero.

use super::{Block, metadata};
use crate::{
	AccountId, Answer, ChallengeCommitment, Channel, ChannelPhase, Claim, Deal, Demand, Duty, Keeper, Phase,
	Round, Seat, Slot, StakePool, StakePosition, StakeRole, Submission, Target, Task, TaskPhase, Verifier,
	Version, runtime,
};
use codec::{Compact, Decode, Encode};
use oda_evaluator::ModelSpec;
use oda_primitives::{DealId, SubmissionId, TaskId, Tick};
use scale_info::{TypeDef, TypeDefPrimitive};
use subxt::{
	OfflineClient, OfflineClientAtBlock, SubstrateConfig,
	config::substrate::SpecVersionForRange,
	storage::Address,
	utils::{H256, Static},
};

/// A type of the chain that something is to be encoded as.
type TypeId = u32;

/// Fields by name, as they are encoded.
type Fields<'a> = &'a [(&'a str, Vec<u8>)];

/// The chain as the committed metadata has it.
pub(crate) fn offline() -> OfflineClientAtBlock<SubstrateConfig> {
	let config = SubstrateConfig::builder()
		.set_genesis_hash(H256([9; 32]))
		.set_metadata_for_spec_versions([(1, metadata())])
		.set_spec_version_for_block_ranges([SpecVersionForRange {
			block_range: 0..u64::MAX,
			spec_version: 1,
			transaction_version: 1,
		}])
		.build();
	OfflineClient::new_with_config(config).at_block(0u64).unwrap()
}

/// The value of a type that is all zero.
fn zero(ty: TypeId) -> Vec<u8> {
	use TypeDefPrimitive as P;
	let metadata = metadata();
	let all = |types: Vec<TypeId>| types.into_iter().flat_map(zero).collect();
	match &metadata.types().resolve(ty).unwrap().type_def {
		TypeDef::Primitive(P::Bool | P::U8 | P::I8 | P::Str) => vec![0],
		TypeDef::Primitive(P::U16 | P::I16) => vec![0; 2],
		TypeDef::Primitive(P::U32 | P::I32 | P::Char) => vec![0; 4],
		TypeDef::Primitive(P::U64 | P::I64) => vec![0; 8],
		TypeDef::Primitive(P::U128 | P::I128) => vec![0; 16],
		TypeDef::Primitive(P::U256 | P::I256) => vec![0; 32],
		TypeDef::Compact(_) | TypeDef::Sequence(_) | TypeDef::BitSequence(_) => vec![0],
		TypeDef::Array(array) => zero(array.type_param.id).repeat(array.len as usize),
		TypeDef::Tuple(tuple) => all(tuple.fields.iter().map(|field| field.id).collect()),
		TypeDef::Composite(composite) => all(composite.fields.iter().map(|field| field.ty.id).collect()),
		TypeDef::Variant(variants) => {
			let first = variants.variants.iter().min_by_key(|variant| variant.index).unwrap();
			[vec![first.index], all(first.fields.iter().map(|field| field.ty.id).collect())].concat()
		}
	}
}

/// Fields of which some are given.
fn fields(all: &[scale_info::Field<scale_info::form::PortableForm>], given: Fields<'_>) -> Vec<u8> {
	let has = |name: &str| all.iter().any(|field| field.name.as_deref() == Some(name));
	for (name, _) in given {
		assert!(has(name), "there is no field {name}");
	}
	let value = |field: &scale_info::Field<scale_info::form::PortableForm>| {
		let name = field.name.as_deref().unwrap_or_default();
		let found = given.iter().find(|(given, _)| *given == name);
		found.map_or_else(|| zero(field.ty.id), |(_, value)| value.clone())
	};
	all.iter().flat_map(value).collect()
}

/// A struct of which some fields are given.
fn filled(ty: TypeId, given: Fields<'_>) -> Vec<u8> {
	match &metadata().types().resolve(ty).unwrap().type_def {
		TypeDef::Composite(composite) => fields(&composite.fields, given),
		other => panic!("{other:?} has no named fields"),
	}
}

/// The type of a struct's field.
fn field_of(ty: TypeId, name: &str) -> TypeId {
	let metadata = metadata();
	let TypeDef::Composite(composite) = &metadata.types().resolve(ty).unwrap().type_def else {
		panic!("it is a struct");
	};
	composite.fields.iter().find(|field| field.name.as_deref() == Some(name)).unwrap().ty.id
}

/// An event of which some fields are given.
pub fn event(pallet: &str, name: &str, given: &[(&str, Vec<u8>)]) -> Vec<u8> {
	let metadata = metadata();
	let pallet = metadata.pallet_by_name(pallet).unwrap();
	let variant = pallet.event_variants().unwrap().iter().find(|variant| variant.name == name).unwrap();
	[vec![pallet.event_index(), variant.index], fields(&variant.fields, given)].concat()
}

/// A pallet's error, as a transaction fails with it.
pub fn failure(pallet: &str, name: &str) -> Vec<u8> {
	let metadata = metadata();
	let pallet = metadata.pallet_by_name(pallet).unwrap();
	let error = pallet.error_variants().unwrap().iter().find(|variant| variant.name == name).unwrap();
	vec![3, pallet.error_index(), error.index, 0, 0, 0]
}

/// What the runtime says of any model: its price is nothing.
pub(super) fn overview() -> Vec<u8> {
	let metadata = metadata();
	let api = metadata.runtime_api_trait_by_name("OdaApi").unwrap();
	let some = api.method_by_name("model").unwrap().output_ty();
	let TypeDef::Variant(option) = &metadata.types().resolve(some).unwrap().type_def else {
		panic!("it is an option");
	};
	let some = option.variants.iter().find(|variant| variant.name == "Some").unwrap();
	[vec![some.index], zero(some.fields[0].ty.id)].concat()
}

/// What a view function says: what the block has for it, or something that is all zero; lists are empty.
pub(super) fn view_function(block: &Block, call: &[u8]) -> Vec<u8> {
	let (id, arguments) = call.split_at(32);
	let arguments = Vec::<u8>::decode(&mut &*arguments).unwrap();
	let (name, output) = view_functions()
		.into_iter()
		.find_map(|(of, name, output)| (of == id).then_some((name, output)))
		.unwrap();
	let given = block.views.iter().rfind(|((of, begin), _)| *of == name && arguments.starts_with(begin));
	let some_zero = || match &metadata().types().resolve(output).unwrap().type_def {
		TypeDef::Variant(option) if option.variants.iter().any(|variant| variant.name == "Some") => {
			[vec![1], zero(some_of(output))].concat()
		}
		_ => zero(output),
	};
	(0u8, given.map_or_else(some_zero, |(_, value)| value.clone())).encode()
}

/// All view functions: their ids, their names with their pallets', and the types of what they say.
fn view_functions() -> Vec<([u8; 32], String, TypeId)> {
	let metadata = metadata();
	let mut all = Vec::new();
	for pallet in metadata.pallets() {
		for function in pallet.view_functions() {
			let name = format!("{}.{}", pallet.name(), function.name());
			all.push((*function.query_id(), name, function.output_ty()));
		}
	}
	all
}

/// The type of what a view function says.
fn shown_by(name: &str) -> TypeId {
	view_functions().into_iter().find_map(|(_, of, output)| (of == name).then_some(output)).unwrap()
}

/// The type of what is in an option.
fn some_of(ty: TypeId) -> TypeId {
	let metadata = metadata();
	let TypeDef::Variant(option) = &metadata.types().resolve(ty).unwrap().type_def else {
		panic!("it is an option");
	};
	option.variants.iter().find(|variant| variant.name == "Some").unwrap().fields[0].ty.id
}

/// The type of the values of a storage entry.
fn value_of(address: &impl Address) -> TypeId {
	let metadata = metadata();
	let storage = metadata.pallet_by_name(address.pallet_name()).unwrap().storage().unwrap();
	storage.entry_by_name(address.entry_name()).unwrap().value_ty()
}

fn claim(claim: &Claim) -> Vec<u8> {
	(claim.weights, claim.score, claim.hash, claim.revealed_at).encode()
}

impl Block {
	fn set<A: Address>(&mut self, address: A, keys: A::KeyParts, value: Option<Vec<u8>>) {
		let at = offline();
		let key = at.storage().entry(address).unwrap().fetch_key(keys).unwrap();
		match value {
			Some(value) => drop(self.storage.insert(key, value)),
			None => drop(self.storage.remove(&key)),
		}
	}

	/// Sets the fields of an entry.
	fn fill<A: Address>(&mut self, address: A, keys: A::KeyParts, given: Fields<'_>) {
		let value = filled(value_of(&address), given);
		self.set(address, keys, Some(value));
	}

	/// Sets the tick.
	pub fn set_tick(&mut self, tick: Tick) {
		self.set(runtime::storage().clock().now(), (), Some(tick.encode()));
	}

	/// Governs: what is given by its name is so, every other parameter zero.
	pub fn govern(&mut self, given: &[(&str, Vec<u8>)]) {
		let metadata = metadata();
		let address = || runtime::storage().parameters().parameters();
		let prefix = offline().storage().entry(address()).unwrap().key_prefix();
		let TypeDef::Variant(groups) = &metadata.types().resolve(value_of(&address())).unwrap().type_def
		else {
			panic!("parameters are an enum");
		};
		for group in &groups.variants {
			let inner = group.fields[0].ty.id;
			let TypeDef::Variant(parameters) = &metadata.types().resolve(inner).unwrap().type_def else {
				continue;
			};
			for parameter in &parameters.variants {
				let place = [group.index, parameter.index];
				let found = given.iter().find(|(name, _)| *name == parameter.name);
				let value = found.map_or_else(|| zero(parameter.fields[0].ty.id), |(_, value)| value.clone());
				// Which hash it is found by does not matter: all are listed.
				let mut key = prefix.to_vec();
				key.extend([[0; 16].as_slice(), &place].concat());
				self.storage.insert(key, [place.to_vec(), value].concat());
			}
		}
	}

	/// Starts a round of storage challenges.
	pub fn set_round(&mut self, round: &Round) {
		let Round { number, seed, started_at, ends_at } = *round;
		let value = (number, seed, started_at, ends_at).encode();
		self.set(runtime::storage().storage_deals().current_round(), (), Some(value));
	}

	/// Has a keeper, or changes it.
	pub fn set_keeper(&mut self, keeper: &Keeper) {
		self.fill(
			runtime::storage().storage_deals().keepers(),
			(keeper.account,),
			&[
				("capacity", keeper.capacity.encode()),
				("used", keeper.used.encode()),
				("bond", keeper.bond.encode()),
				("staked", keeper.staked.encode()),
				("replicas", keeper.replicas.encode()),
				("free_at", keeper.free_at.encode()),
			],
		);
	}

	/// Has a deal, or changes it.
	pub fn set_deal(&mut self, deal: &Deal) {
		let slot = |slot: &Slot| match slot {
			Slot::Free { since } => (0u8, since).encode(),
			Slot::Kept(replica) => {
				let (stake, misses) = (replica.left, 0u32);
				let mut bytes = (1u8, replica.keeper, replica.price, stake, replica.left).encode();
				(replica.first, replica.proved, misses, replica.until, replica.leaves_after)
					.encode_to(&mut bytes);
				bytes
			}
		};
		let mut slots = Compact(deal.slots.len() as u32).encode();
		slots.extend(deal.slots.iter().flat_map(slot));
		// Two more, of what leaving and missing mean.
		let terms = (deal.raise_rounds, 0u32, (0u32, 0u32)).encode();
		self.fill(
			runtime::storage().storage_deals().deals(),
			(deal.id,),
			&[
				("payer", deal.payer.encode()),
				("model", deal.model.encode()),
				("blob", deal.blob.encode()),
				("price", deal.price.encode()),
				("max_price", deal.max_price.encode()),
				("until", deal.until.encode()),
				("funds", deal.funds.encode()),
				("terms", terms),
				("slots", slots),
			],
		);
	}

	/// Ends a deal.
	pub fn remove_deal(&mut self, id: DealId) {
		self.set(runtime::storage().storage_deals().deals(), (id,), None);
	}

	/// Has a payment channel, or changes it.
	pub fn set_channel(&mut self, channel: &Channel) {
		let state = match channel.phase {
			ChannelPhase::Open => vec![0],
			ChannelPhase::Closing(at) => (1u8, at).encode(),
			ChannelPhase::Closed(until) => (2u8, until).encode(),
		};
		self.fill(
			runtime::storage().inference().channels(),
			(channel.id,),
			&[
				("user", channel.user.encode()),
				("provider", channel.provider.encode()),
				("model", channel.model.encode()),
				("key", channel.key.encode()),
				("receipt_key", channel.receipt_key.encode()),
				("price", channel.price.encode()),
				("deposit", channel.deposit.encode()),
				("claimed", channel.claimed.encode()),
				("grace", channel.grace.encode()),
				("receipts", channel.receipts.encode()),
				("expires_at", channel.expires_at.encode()),
				("state", state),
			],
		);
	}

	/// Registers a model, with a head if there is one.
	pub fn set_model(&mut self, spec: &ModelSpec, head: Option<&Version>) {
		let (id, storage) = (spec.id(), runtime::storage().model_registry());
		self.set(storage.specs(), (id,), Some(spec.encode()));
		// Pending, or active.
		let status = u8::from(head.is_some());
		self.fill(
			storage.models(),
			(id,),
			&[
				("status", vec![status]),
				("head", head.map(|head| head.number).encode()),
				("records", spec.records().encode()),
			],
		);
		if let Some(head) = head {
			self.fill(
				storage.versions(),
				(id, head.number),
				&[
					("trainer", head.trainer.encode()),
					("weights", head.weights.encode()),
					("score", head.score.encode()),
					("submission", head.submission.encode()),
				],
			);
		}
	}

	/// Has a submission, or changes it.
	pub fn set_submission(&mut self, submission: &Submission) {
		let (mut fee, mut window) = (0, 0);
		let phase = match &submission.phase {
			Phase::Committed => vec![0],
			Phase::Queued { claim: claimed } => {
				fee = claimed.fee;
				[vec![1], claim(claimed)].concat()
			}
			Phase::Verifying {
				claim: claimed,
				opened_at,
				open_until,
				held_until,
				challenge_window,
				shown,
				refuted,
			} => {
				(fee, window) = (claimed.fee, *challenge_window);
				let times = (opened_at, open_until, held_until, shown, refuted).encode();
				[vec![2], claim(claimed), times].concat()
			}
		};
		let ty = field_of(value_of(&runtime::storage().training().submissions()), "terms");
		let terms = filled(ty, &[("fee", fee.encode()), ("challenge_window", window.encode())]);
		self.fill(
			runtime::storage().training().submissions(),
			(submission.id,),
			&[
				("model", submission.model.encode()),
				("trainer", submission.trainer.encode()),
				("commitment", submission.commitment.encode()),
				("committed_at", submission.committed_at.encode()),
				("opens_at", submission.opens_at.encode()),
				("closes_at", submission.closes_at.encode()),
				("head_at_commit", submission.head_at_commit.encode()),
				("bond", submission.bond.encode()),
				("terms", terms),
				("phase", phase),
			],
		);
	}

	/// Ends a submission.
	pub fn remove_submission(&mut self, id: SubmissionId) {
		self.set(runtime::storage().training().submissions(), (id,), None);
	}

	/// Has a submission claim these scores, packed.
	pub fn set_claimed_scores(&mut self, id: SubmissionId, scores: &[u8]) {
		let address = runtime::storage().training().claimed_scores();
		self.fill(address, (id,), &[("scores", scores.encode())]);
	}

	/// Has these challenge commitments against a submission.
	pub fn set_challenge_commitments(&mut self, id: SubmissionId, commitments: &[ChallengeCommitment]) {
		let stored = commitments.iter().map(|commitment| {
			let ChallengeCommitment { who, commitment, bond, opens_at, expires_at } = commitment;
			(who, commitment, bond, opens_at, expires_at, true).encode()
		});
		let mut bytes = Compact(commitments.len() as u32).encode();
		bytes.extend(stored.flatten());
		self.set(runtime::storage().training().challenge_commitments(), (id,), Some(bytes));
	}

	/// Whether there are challenge commitments against a submission.
	pub fn is_committed_against(&self, id: SubmissionId) -> bool {
		let at = offline();
		let entry = at.storage().entry(runtime::storage().training().challenge_commitments()).unwrap();
		self.storage.get(&entry.fetch_key((id,)).unwrap()).is_some_and(|stored| *stored != [0])
	}

	/// Has a demand.
	pub fn set_demand(&mut self, demand: &Demand) {
		self.fill(
			runtime::storage().training().demands(),
			(demand.target.into(),),
			&[
				("who", demand.who.encode()),
				("bond", demand.bond.encode()),
				("price", demand.price.encode()),
				("weights", demand.weights.encode()),
				("until", demand.until.encode()),
			],
		);
	}

	/// Ends a demand.
	pub fn remove_demand(&mut self, target: Target) {
		self.set(runtime::storage().training().demands(), (target.into(),), None);
	}

	/// Opens a task, or changes it.
	pub fn set_task(&mut self, task: &Task) {
		let phase = match task.phase {
			TaskPhase::Drawing { ready, until } => (0u8, ready, until).encode(),
			TaskPhase::Committing { until } => (1u8, until).encode(),
			TaskPhase::Sealed { until } => (2u8, until).encode(),
			TaskPhase::Opening { until } => (3u8, until).encode(),
			TaskPhase::Disputed { record, until } => (4u8, record, until).encode(),
			TaskPhase::Passed { at } => (5u8, at).encode(),
			TaskPhase::Lapsed => vec![6, 0],
			TaskPhase::Unavailable => vec![7],
		};
		let address = || runtime::storage().verification().tasks();
		let terms = filled(field_of(value_of(&address()), "terms"), &[("window", task.window.encode())]);
		self.fill(
			address(),
			(Static(TaskId::Submission(task.id)),),
			&[
				("claim", task.claim.encode()),
				("records", task.records.encode()),
				("load", (task.load.time, task.load.bytes).encode()),
				("phase", phase),
				("asked", task.asked.encode()),
				("members", task.members.encode()),
				("quorum", task.quorum.encode()),
				("committed", task.committed.encode()),
				("opened", task.opened.encode()),
				("wanted", task.wanted.encode()),
				("terms", terms),
			],
		);
	}

	/// Gives a member a seat in a task, or changes it; what it has opened is left out.
	pub fn set_seat(&mut self, id: SubmissionId, member: &AccountId, seat: &Seat) {
		let answer = match &seat.answer {
			Answer::None => vec![0],
			Answer::Committed { commitment } => (1u8, commitment).encode(),
			Answer::Opened { verdict } => (2u8, verdict, Vec::<[u8; 32]>::new()).encode(),
			Answer::Refuted => vec![3],
		};
		self.fill(
			runtime::storage().verification().seats(),
			(Static(TaskId::Submission(id)), *member),
			&[("earlier", seat.earlier.encode()), ("answer", answer)],
		);
	}

	/// Has a verifier, or changes it.
	pub fn set_verifier(&mut self, verifier: &Verifier) {
		let duty = match verifier.duty {
			Duty::Awake => vec![0],
			Duty::Away => (1u8, 0u32).encode(),
			Duty::Resting => vec![2],
		};
		let stored = || runtime::storage().verification().verifiers();
		let absences = field_of(value_of(&stored()), "absences");
		let given = [
			("duty", duty),
			("capacity", (verifier.capacity.time, verifier.capacity.bytes).encode()),
			("open", verifier.open.encode()),
			("absences", filled(absences, &[("in_a_row", verifier.absences.encode())])),
		];
		self.fill(stored(), (verifier.account,), &given);
		let name = "Verification.verifier";
		let shown = [vec![1], filled(some_of(shown_by(name)), &given)].concat();
		self.views.insert((name.to_owned(), verifier.account.encode()), shown);
	}

	/// Has a candidate's pool, which is the only one of its role, or changes it.
	pub fn set_stake_pool(&mut self, role: StakeRole, operator: &AccountId, pool: &StakePool) {
		let StakePool { own, delegated, leaving, reserved, counted, min_bond, .. } = *pool;
		let raise = pool.raise.map(|raise| (raise.to, raise.at));
		let mut value =
			(own, delegated, leaving, reserved, counted, min_bond, pool.commission, raise).encode();
		(pool.chilled, pool.offences, pool.members).encode_to(&mut value);
		let role = role as u8;
		let views = &mut self.views;
		views.insert(("Staking.pool".to_owned(), Vec::new()), vec![0]);
		views.insert(
			("Staking.pool".to_owned(), (role, operator).encode()),
			[vec![1], value.clone()].concat(),
		);
		let page = [vec![4], operator.encode(), value].concat();
		views.insert(("Staking.candidates".to_owned(), vec![role, 0]), page);
	}

	/// Has an account have this in pools, and nothing else.
	pub fn set_stake_positions(&mut self, who: &AccountId, positions: &[StakePosition]) {
		let mut page = Compact(positions.len() as u32).encode();
		for StakePosition { role, operator, worth, leaving } in positions {
			let leaving: Vec<_> = leaving.iter().map(|part| (part.amount, part.until, part.to)).collect();
			(*role as u8, operator, 0u128, worth, leaving).encode_to(&mut page);
		}
		self.views.insert(("Staking.positions".to_owned(), (who, 0u8).encode()), page);
	}

	/// Closes a task.
	pub fn remove_task(&mut self, id: SubmissionId) {
		self.set(runtime::storage().verification().tasks(), (Static(TaskId::Submission(id)),), None);
	}
}
