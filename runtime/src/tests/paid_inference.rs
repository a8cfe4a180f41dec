//! Paid inference among real balances and stakes, to the planck.

#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_wrap, reason = "small numbers of a test")]

use super::{leaks::begin_authored, *};
use crate::parameters::governed::inference::{
	AuthorShare, DisputeBond, DisputeFee, ProviderShare, ReceiptSlash, RoyaltyShare, StorageShare,
	TrainerShare, TreasuryShare,
};
use frame_support::traits::{
	Consideration,
	fungible::{InspectHold, Mutate},
};
use oda_evaluator::{
	DataSource, DatasetRef, Graph, ModelSpec, Objective,
	graph::{DType, Node, Op, Requant, TensorType, VERSION},
	model::{Metric, TargetSpec},
};
use oda_pallet_court as court;
use oda_pallet_traits::{ModelStatus, Models as _, Role, Version};
use oda_primitives::{
	BlobRef, ChannelId, ModelId, Payment, RangeProof, Receipt, Voucher,
	inference::{Price, request_hash},
};
use oda_runtime_api::{RequestEvent, RequestState, runtime_decl_for_oda_api::OdaApiV3};
use pallet_emission::Pot;
use pallet_inference::{OfferedModel, Terms};
use sp_runtime::{Perbill, traits::Convert};

const USER: Sr25519Keyring = Sr25519Keyring::Ferdie;
const PROVIDER: Sr25519Keyring = Sr25519Keyring::Dave;
const DELEGATOR: Sr25519Keyring = Sr25519Keyring::AliceStash;
const TRAINER: Sr25519Keyring = Sr25519Keyring::Charlie;
const PARENT: Sr25519Keyring = Sr25519Keyring::Eve;
/// Keys without money.
const VOUCHER_KEY: Sr25519Keyring = Sr25519Keyring::One;
const RECEIPT_KEY: Sr25519Keyring = Sr25519Keyring::Two;

const TERMS: Terms = Terms { grace: 20, answer: 10 };
/// Odd, so that every part is rounded.
const PRICE: Price = Price { per_request: 1_000_003, per_mmac: 0 };

pub(super) fn spec(salt: u8) -> ModelSpec {
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
				output: TensorType::new(DType::I32, [2]),
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

fn weights() -> Vec<u8> {
	(0u8..26).collect()
}

/// A model whose head is a trainer's.
pub(super) fn model(spec: ModelSpec, parent: Option<ModelId>, trainer: Sr25519Keyring) -> ModelId {
	let (id, trainer) = (spec.id(), trainer.to_account_id());
	let registered = pallet_model_registry::Model {
		registrar: trainer.clone(),
		status: ModelStatus::Pending,
		parent,
		head: None,
		next_version: 0,
		live: 0,
		cost: spec.validate().expect("a valid graph"),
		records: 1,
		bytes: 5,
		registered_at: 0,
		free_at: 0,
		ticket: <Runtime as pallet_model_registry::Config>::Deposit::new(&trainer, Default::default())
			.expect("it has the deposit"),
	};
	pallet_model_registry::Models::<Runtime>::insert(id, registered);
	pallet_model_registry::Specs::<Runtime>::insert(id, spec);
	let weights = BlobRef::of(&weights());
	let version = Version { trainer, weights, score: 1, submission: 0, accepted_at: 0, replaced: None };
	ModelRegistry::accept(&id, version).expect("the model takes it");
	id
}

fn by(who: Sr25519Keyring) -> RuntimeOrigin {
	RuntimeOrigin::signed(who.to_account_id())
}

fn total(who: &AccountId) -> Balance {
	Balances::total_balance(who)
}

fn treasury() -> AccountId {
	<Runtime as pallet_inference::Config>::Treasury::get()
}

fn storage(model: &ModelId) -> AccountId {
	configs::protocol::ModelAccount::convert(*model)
}

fn genesis() -> [u8; 32] {
	System::block_hash(0).0
}

fn sign(key: Sr25519Keyring, message: &[u8]) -> Signature {
	key.sign(message).into()
}

fn voucher(channel: ChannelId, amount: Balance, nonce: u64) -> (Voucher, Signature) {
	let voucher = Voucher { channel, version: 0, amount, nonce };
	(voucher, sign(VOUCHER_KEY, &voucher.message(&genesis())))
}

/// A chain on which a provider offers a model with a parent, and a user has opened a channel; the model and the channel.
fn with_channel(test: impl FnOnce(ModelId, ChannelId)) {
	new_test_ext("development").execute_with(|| {
		begin_authored();
		let parent = model(spec(1), None, PARENT);
		let model = model(spec(0), Some(parent), TRAINER);
		// The accounts exist, and can hold small parts.
		for who in [treasury(), storage(&model)] {
			Balances::mint_into(&who, UNIT).expect("minted");
		}
		Staking::bond(by(PROVIDER), Role::Provider, 100 * UNIT, Perbill::zero()).expect("it has the bond");
		Staking::delegate(by(DELEGATOR), Role::Provider, PROVIDER.to_account_id(), 300 * UNIT)
			.expect("it has the stake");
		let models = vec![OfferedModel { model, price: PRICE }].try_into().expect("one");
		let endpoint = b"http://127.0.0.1:1".to_vec().try_into().expect("short");
		Inference::set_offer(by(PROVIDER), endpoint, RECEIPT_KEY.to_account_id(), models, TERMS, 8)
			.expect("the offer is good");
		let (provider, key) = (PROVIDER.to_account_id(), VOUCHER_KEY.to_account_id());
		Inference::open(by(USER), provider, model, 10 * UNIT, Some(key), TERMS, 1_000).expect("it opens");
		test(model, 0);
		Inference::do_try_state().expect("the state is right");
	});
}

#[test]
fn a_thousand_answers_should_be_paid_by_two_transactions_and_shared_to_the_planck() {
	with_channel(|model, channel| {
		let alice = Authorship::author().expect("the block has an author");
		let people = [
			USER.to_account_id(),
			PROVIDER.to_account_id(),
			TRAINER.to_account_id(),
			PARENT.to_account_id(),
			alice,
			treasury(),
			storage(&model),
		];
		let before = people.clone().map(|who| total(&who));
		let issued = Balances::total_issuance();
		// Off chain, each promises what all that came before have cost, and what it costs itself.
		let last = (1..=1_000u64)
			.map(|nonce| voucher(channel, PRICE.of(8, 1) * Balance::from(nonce), nonce))
			.next_back()
			.expect("a thousand");
		Inference::close(by(PROVIDER), channel, Some(last)).expect("it is the provider's");

		let fee = 1_000 * PRICE.of(8, 1);
		let part = |share: Perbill| share.mul_floor(fee);
		let parts = [
			part(ProviderShare::get()),
			part(TrainerShare::get()),
			part(RoyaltyShare::get()),
			part(AuthorShare::get()),
			part(TreasuryShare::get()),
			part(StorageShare::get()),
		];
		let burned = fee - parts.iter().sum::<Balance>();
		assert!(burned >= Perbill::from_percent(5).mul_floor(fee));
		let gained: Vec<_> =
			people.iter().zip(before).map(|(who, before)| total(who) as i128 - before as i128).collect();
		let expected: Vec<_> = [-(fee as i128)].into_iter().chain(parts.map(|part| part as i128)).collect();
		assert_eq!(gained, expected);
		assert_eq!(issued - Balances::total_issuance(), burned);
		let held = Balances::total_balance_on_hold(&USER.to_account_id());
		// The deposit for the entry is left, until its receipts are too old.
		assert!(held > 0 && held < UNIT);
	});
}

#[test]
fn a_trainer_should_be_minted_half_of_what_its_users_burned() {
	with_channel(|_, channel| {
		pallet_emission::Pots::<Runtime>::insert(Pot::Trainers, 1_000 * UNIT);
		let pots = pallet_emission::Pallet::<Runtime>::account();
		Balances::mint_into(&pots, 1_000 * UNIT).expect("minted");
		let before = total(&TRAINER.to_account_id());
		let fee = UNIT;
		let claims = vec![voucher(channel, fee, 1)].try_into().expect("one");
		Inference::claim(by(USER), claims).expect("anybody may");
		let parts = [ProviderShare::get(), TrainerShare::get(), RoyaltyShare::get()].into_iter();
		let parts = parts.chain([AuthorShare::get(), TreasuryShare::get(), StorageShare::get()]);
		let burned = fee - parts.map(|share: Perbill| share.mul_floor(fee)).sum::<Balance>();
		let share: Perbill = TrainerShare::get();
		assert_eq!(total(&TRAINER.to_account_id()) - before, share.mul_floor(fee) + burned / 2);
	});
}

/// A receipt of one input, signed by the provider, and the dispute of it.
fn disputed(model: ModelId, channel: ChannelId, output: &[u8]) -> frame_support::dispatch::DispatchResult {
	let input = [1u8, 2, 3, 4];
	let receipt = Receipt {
		payment: Payment::Channel(channel),
		request: request_hash(&model, &BlobRef::of(&input).root, 1),
		weights: BlobRef::of(&weights()).root,
		input: BlobRef::of(&input).root,
		output: BlobRef::of(output).root,
		count: 1,
		price: UNIT,
		nonce: 1,
		expires: Clock::now() + 60,
	};
	let signature = sign(RECEIPT_KEY, &receipt.message(&genesis()));
	let input = RangeProof::new(&input, 0..4).expect("in range");
	let output = RangeProof::new(output, 0..8).expect("in range");
	let cost = Inference::dispute_cost(model).expect("there is such a model");
	let weights = weights().try_into().expect("short");
	Inference::dispute(by(USER), receipt, signature, 0, input, output, weights, cost)
}

#[test]
fn a_wrong_answer_should_cost_the_provider_its_own_stake_and_make_the_user_whole() {
	with_channel(|model, channel| {
		let user = USER.to_account_id();
		let before = total(&user);
		let issued = Balances::total_issuance();
		disputed(model, channel, &[7; 8]).expect("it is evidence");
		// Ten times the price, and what the dispute cost: less than half of what the provider lost itself.
		let refund = 10 * UNIT + DisputeFee::get();
		assert_eq!(total(&user) - before, refund);
		let slash: Balance = ReceiptSlash::get();
		let pool = Staking::pool(Role::Provider, PROVIDER.to_account_id()).expect("it is a candidate");
		assert_eq!((pool.own, pool.delegated), (100 * UNIT - slash, 300 * UNIT - 3 * slash));
		assert_eq!(issued - Balances::total_issuance(), 4 * slash - refund);
	});
}

#[test]
fn a_right_answer_that_is_disputed_should_cost_the_user_its_bond() {
	with_channel(|model, channel| {
		let user = USER.to_account_id();
		let (before, stake) = (total(&user), Staking::pool(Role::Provider, PROVIDER.to_account_id()));
		let output = court::makes(&spec(0).graph, &weights(), &[1, 2, 3, 4]).expect("it fits");
		disputed(model, channel, &output).expect("the court looks at it");
		let bond: Balance = DisputeBond::get();
		assert_eq!(before - total(&user), bond);
		assert_eq!(Staking::pool(Role::Provider, PROVIDER.to_account_id()), stake);
	});
}

#[test]
fn the_dearest_dispute_should_cost_less_than_a_winner_gets_back() {
	new_test_ext("testnet").execute_with(|| {
		let most: u64 = <Runtime as pallet_inference::Config>::MaxDisputeBytes::get();
		let length = configs::system::RuntimeBlockLength::get();
		assert!(most < u64::from(*length.max.get(DispatchClass::Normal)));
		let bytes = TransactionPayment::length_to_fee(most.try_into().expect("short"));
		let weight = <Runtime as pallet_model_registry::Config>::MaxEvaluationWeight::get();
		let fee = bytes + TransactionPayment::weight_to_fee(weight);
		let least: Balance = DisputeFee::get();
		assert!(fee <= least + least / 4, "{fee} of {least}");
	});
}

#[test]
fn a_request_s_road_should_be_told_to_who_asks_the_runtime() {
	with_channel(|model, channel| {
		let (provider, user) = (PROVIDER.to_account_id(), USER.to_account_id());
		let offers = Runtime::offers(None);
		let [offer] = offers.as_slice() else { panic!("one offer of {}", offers.len()) };
		assert_eq!((&offer.provider, &offer.models), (&provider, &vec![(model, PRICE)]));
		assert_eq!(Runtime::offers(Some(provider.clone())), vec![]);
		let told = Runtime::channel(channel).expect("it is open");
		assert_eq!((told.user, told.deposit, told.claimed), (user.clone(), 10 * UNIT, 0));
		assert_eq!(Runtime::channel(channel + 1), None);

		System::note_finished_initialize();
		System::set_extrinsic_index(0);
		System::reset_events();
		assert_eq!(Runtime::request_state(0), RequestState::Unknown);
		let input = vec![1; 4].try_into().expect("short");
		Inference::request(by(USER), provider.clone(), model, input, 1, UNIT).expect("it is asked");
		assert_eq!(Runtime::request_state(0), RequestState::Asked);
		let price = PRICE.of(8, 1);
		let until = Clock::now() + TERMS.answer;
		let asked = RequestEvent::Asked { user, provider, price, until };
		assert_eq!(Runtime::request_events(), vec![(0, Some(0), asked)]);

		System::reset_events();
		pallet_clock::Now::<Runtime>::put(until);
		Inference::settle(by(USER), 0).expect("it was not answered in time");
		assert_eq!(Runtime::request_state(0), RequestState::Ended);
		let returned = RequestEvent::Returned { returned: price };
		assert_eq!(Runtime::request_events(), vec![(0, Some(0), returned)]);
	});
}

#[test]
fn a_failed_extrinsic_should_be_told_by_its_error_s_name() {
	with_channel(|_, _| {
		System::note_finished_initialize();
		let failed = |dispatch_error| {
			System::deposit_event(frame_system::Event::ExtrinsicFailed {
				dispatch_error,
				dispatch_info: frame_system::DispatchEventInfo::default(),
			});
		};
		failed(pallet_inference::Error::<Runtime>::UnknownRequest.into());
		let name = Runtime::failure(0).map(|name| String::from_utf8(name).expect("words"));
		assert_eq!(name.as_deref(), Some("Inference::UnknownRequest"));
		assert_eq!(Runtime::failure(1), None);
		System::note_applied_extrinsic(&Ok(().into()), frame_support::dispatch::DispatchInfo::default());
		failed(sp_runtime::DispatchError::BadOrigin);
		assert_eq!(Runtime::failure(1).as_deref(), Some(&b"BadOrigin"[..]));
	});
}
