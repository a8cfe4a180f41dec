//! The chain decides on itself, with the SDK's referenda and scheduler: what passes is done, and none of
//! their known faults is met.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::indexing_slicing,
	reason = "tests"
)]

use super::*;
use crate::{
	governance::{
		origins::{Origin, TrackId},
		proposals::{MAX_EACH, MAX_ONGOING, MAX_QUEUED, Now, Ongoing},
		tracks::{self, Tracks},
	},
	parameters::{RuntimeParameters, governed::training},
};
use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	traits::{Contains, StorePreimage, VoteTally, fungible::Mutate, schedule::DispatchTime},
};
use oda_pallet_traits::{Deed, Evidence, Models as _, OwnStakes, Role, Tier, Tiers};
use pallet_referenda::{ReferendumInfo, ReferendumInfoFor, TracksInfo};
use sp_consensus_babe::digests::{PreDigest, SecondaryPlainPreDigest};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve};
use sp_runtime::{
	Digest, DigestItem, DispatchError, DispatchResult,
	traits::{Dispatchable, Header as _},
	transaction_validity::InvalidTransaction,
};

/// A chain with slots of a second, on which Alice and Bob have the highest tier.
fn run(test: impl FnOnce()) {
	new_test_ext("development").execute_with(|| {
		block();
		test();
		assert_ok!(TierVoting::do_try_state());
		assert_ok!(Proposals::do_try_state());
		let tiers = pallet_reputation::Entries::<Runtime>::iter_keys().map(|who| counted(&who));
		assert_eq!(pallet_tier_voting::TotalVotes::<Runtime>::get(), tiers.sum::<u32>());
	});
}

/// The tier as which an account's votes count.
fn counted(who: &AccountId) -> u32 {
	pallet_tier_voting::Behind::<Runtime>::get(who).unwrap_or_else(|| Reputation::tier(who)).into()
}

/// The next block, with all hooks.
fn block() {
	let number = System::block_number() + 1;
	let slot = 1_000 + u64::from(number);
	let author = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index: 0, slot: slot.into() });
	let logs = vec![DigestItem::PreRuntime(sp_consensus_babe::BABE_ENGINE_ID, author.encode())];
	let parent = System::parent_hash();
	let header = Header::new(number, Hash::default(), Hash::default(), parent, Digest { logs });
	Executive::initialize_block(&header);
	let now = pallet_timestamp::Call::set { now: slot.saturating_mul(1_000) };
	let applied = Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(now.into()));
	applied.expect("valid").expect("the time is set");
	Executive::finalize_block();
}

fn blocks(number: u32) {
	(0..number).for_each(|_| block());
}

fn id(who: Sr25519Keyring) -> AccountId {
	who.to_account_id()
}

fn send(who: &AccountId, call: impl Into<RuntimeCall>) -> DispatchResult {
	let call: RuntimeCall = call.into();
	call.dispatch(RuntimeOrigin::signed(who.clone())).map(|_| ()).map_err(|failed| failed.error)
}

/// What a call is dispatched by if a referendum on it is approved.
fn origin(track: TrackId) -> OriginCaller {
	match track {
		tracks::ROOT => frame_system::RawOrigin::Root.into(),
		tracks::WHITELISTED => Origin::Whitelisted.into(),
		tracks::PARAMETERS => Origin::Parameters.into(),
		tracks::MODEL_FREEZE => Origin::ModelFreeze.into(),
		tracks::TREASURY => Origin::Treasury.into(),
		tracks::EMERGENCY => Origin::Emergency.into(),
		_ => unreachable!("there is no such track"),
	}
}

fn try_submit(who: &AccountId, track: TrackId, call: impl Into<RuntimeCall>) -> DispatchResult {
	let proposal = Preimage::bound(call.into()).expect("it is short enough");
	let enactment_moment = DispatchTime::After(0);
	let proposal_origin = Box::new(origin(track));
	send(who, pallet_referenda::Call::submit { proposal_origin, proposal, enactment_moment })
}

/// Alice proposes something; the referendum's number.
fn submit(track: TrackId, call: impl Into<RuntimeCall>) -> u32 {
	assert_ok!(try_submit(&id(Alice), track, call));
	pallet_referenda::ReferendumCount::<Runtime>::get() - 1
}

/// As many proposers as can fill a track, with the tier that every track takes.
fn proposers() -> Vec<AccountId> {
	let all: Vec<_> =
		(0..MAX_ONGOING / MAX_EACH).map(|index| AccountId::from([100 + index as u8; 32])).collect();
	all.iter().for_each(|who| promote(who, 2));
	all
}

/// They propose as much as they may on a track; the referenda's numbers.
fn fill(who: &[AccountId], track: TrackId) -> Vec<u32> {
	let first = pallet_referenda::ReferendumCount::<Runtime>::get();
	for who in who {
		for _ in 0..MAX_EACH {
			assert_ok!(try_submit(who, track, remark()));
		}
	}
	(first..pallet_referenda::ReferendumCount::<Runtime>::get()).collect()
}

/// Places the decision deposit.
fn back(index: u32) {
	assert_ok!(send(&id(Alice), pallet_referenda::Call::place_decision_deposit { index }));
}

fn vote(who: Sr25519Keyring, poll: u32, aye: bool) {
	assert_ok!(send(&id(who), pallet_tier_voting::Call::vote { poll, aye }));
}

/// Makes blocks until it is so.
fn until(what: &str, is: impl Fn() -> bool) {
	let limit = System::block_number() + 100;
	while !is() {
		assert!(System::block_number() < limit, "{what}");
		block();
	}
}

/// Everybody who has a tier is for it, until it has been decided on and the call dispatched.
fn pass(track: TrackId, call: impl Into<RuntimeCall>) {
	let index = submit(track, call);
	back(index);
	vote(Alice, index, true);
	vote(Bob, index, true);
	until("it is approved", || matches!(info(index), ReferendumInfo::Approved(..)));
	let enactment = Tracks::info(track).expect("it is a track").min_enactment_period;
	let due = Now::<Runtime>::get() + enactment;
	until("it is enacted", || Now::<Runtime>::get() > due);
}

fn info(index: u32) -> pallet_referenda::ReferendumInfoOf<Runtime, ()> {
	ReferendumInfoFor::<Runtime>::get(index).expect("there is such a referendum")
}

fn is_ongoing(index: u32) -> bool {
	matches!(info(index), ReferendumInfo::Ongoing(_))
}

/// Whether it has begun to be confirmed.
fn is_confirming(index: u32) -> bool {
	let ReferendumInfo::Ongoing(status) = info(index) else { return false };
	status.deciding.is_some_and(|deciding| deciding.confirming.is_some())
}

/// The block at which it is looked at next.
fn alarm(index: u32) -> Option<u32> {
	match info(index) {
		ReferendumInfo::Ongoing(status) => status.alarm.map(|(when, _)| when),
		_ => None,
	}
}

fn remark() -> RuntimeCall {
	frame_system::Call::remark { remark: vec![] }.into()
}

/// Gives an account a bond and the points of a tier.
fn promote(who: &AccountId, tier: Tier) {
	Balances::set_balance(who, 100_000 * UNIT);
	let bond = UNIT * 100 * Balance::from(tier);
	if Staking::own(Role::Provider, who) == 0 {
		let role = Role::Provider;
		let commission = sp_runtime::Perbill::zero();
		assert_ok!(send(who, pallet_oda_staking::Call::bond { role, amount: bond, commission }));
	}
	let points = crate::parameters::points::THRESHOLDS[usize::from(tier) - 1];
	let period = Clock::now() / crate::tempo::ReputationPeriod::<Runtime>::get();
	let entry = pallet_reputation::Entry { period, costly: points * 2, ..Default::default() };
	pallet_reputation::Entries::<Runtime>::insert(who, entry);
	assert_ok!(send(who, pallet_reputation::Call::bump { who: who.clone() }));
	assert_eq!(Reputation::tier(who), tier);
}

/// A change of a parameter.
fn change() -> RuntimeCall {
	let change = training::Parameters::ChallengeBond(training::ChallengeBond, Some(11 * UNIT));
	let changes = vec![RuntimeParameters::Training(change)].try_into().expect("one is not too many");
	crate::parameters::changes::Call::set { changes }.into()
}

#[test]
fn genesis_should_give_its_validators_and_verifiers_the_first_tiers() {
	run(|| {
		assert_eq!([Alice, Bob, Charlie].map(|who| Reputation::tier(&id(who))), [5, 5, 0]);
		assert_eq!(pallet_tier_voting::TotalVotes::<Runtime>::get(), 10);
	});
}

#[test]
fn tracks_should_be_sound_on_every_chain() {
	for name in genesis_config_presets::preset_names() {
		new_test_ext(name.as_ref()).execute_with(|| {
			assert_ok!(Tracks::check_integrity());
			for track in Tracks::tracks() {
				let info = Tracks::info(track.id).expect("it is a track");
				assert_eq!(*info, track.info);
				assert_eq!(Tracks::track_for(&origin(track.id)), Ok(track.id));
				assert!(info.decision_period > info.confirm_period, "{:?}", track.id);
				assert!(Tracks::proposers(track.id).is_some_and(|tier| tier > 0));
			}
		});
	}
}

#[test]
fn a_parameter_should_change_by_vote() {
	run(|| {
		let before: Balance = training::ChallengeBond::get();
		assert_eq!(before, 10 * UNIT);
		pass(tracks::PARAMETERS, change());
		let after: Balance = training::ChallengeBond::get();
		assert_eq!(after, 11 * UNIT);
	});
}

#[test]
fn what_is_rejected_should_change_nothing_and_return_the_decision_deposit() {
	run(|| {
		let index = submit(tracks::PARAMETERS, change());
		back(index);
		vote(Bob, index, false);
		until("it is rejected", || matches!(info(index), ReferendumInfo::Rejected(..)));
		assert_eq!(<training::ChallengeBond as Get<Balance>>::get(), 10 * UNIT);
		let before = Balances::free_balance(id(Alice));
		assert_ok!(send(&id(Alice), pallet_referenda::Call::refund_decision_deposit { index }));
		assert_eq!(Balances::free_balance(id(Alice)) - before, 200 * UNIT);
	});
}

#[test]
fn a_track_should_not_do_what_another_one_decides() {
	run(|| {
		pass(tracks::TREASURY, change());
		assert_eq!(<training::ChallengeBond as Get<Balance>>::get(), 10 * UNIT);
	});
}

#[test]
fn only_who_has_the_tracks_tier_should_propose() {
	run(|| {
		assert_noop!(try_submit(&id(Charlie), tracks::PARAMETERS, change()), DispatchError::BadOrigin);
		promote(&id(Charlie), 1);
		assert_noop!(try_submit(&id(Charlie), tracks::ROOT, remark()), DispatchError::BadOrigin);
		assert_ok!(try_submit(&id(Charlie), tracks::PARAMETERS, change()));
	});
}

#[test]
fn votes_should_weigh_what_tiers_are_and_support_be_of_all_tiers() {
	run(|| {
		for (who, tier) in [(Charlie, 1), (Dave, 2), (Eve, 3)] {
			promote(&id(who), tier);
		}
		let index = submit(tracks::PARAMETERS, change());
		for who in [Charlie, Dave, Eve] {
			vote(who, index, who != Dave);
		}
		let ReferendumInfo::Ongoing(status) = info(index) else { panic!("it is ongoing") };
		assert_eq!((status.tally.ayes, status.tally.nays), (4, 2));
		let support = status.tally.support(tracks::PARAMETERS);
		assert_eq!(support, sp_runtime::Perbill::from_rational(4u32, 16u32));
	});
}

#[test]
fn who_is_suspended_should_lose_its_votes_within_blocks() {
	run(|| {
		promote(&id(Charlie), 5);
		let index = submit(tracks::PARAMETERS, change());
		vote(Charlie, index, true);
		Reputation::saw_times(&id(Charlie), Deed::Misserved(oda_primitives::Payment::OneShot(1)), 100);
		assert!(Reputation::is_suspended(&id(Charlie)));
		blocks(2);
		let ReferendumInfo::Ongoing(status) = info(index) else { panic!("it is ongoing") };
		assert_eq!((status.tally.ayes, status.tally.nays), (0, 0));
		assert_eq!(Staking::own(Role::Provider, &id(Charlie)), 0, "its stake counts for nothing");
		let pool = pallet_oda_staking::Pools::<Runtime>::get(Role::Provider, id(Charlie));
		assert_eq!(pool.map(|pool| pool.total()), Some(500 * UNIT), "and answers");
		assert_eq!(pallet_tier_voting::TotalVotes::<Runtime>::get(), 10);
	});
}

#[test]
fn the_number_of_ongoing_referenda_should_be_bounded_so_that_no_queue_strands_one() {
	run(|| {
		let (who, track) = (proposers(), tracks::TREASURY);
		let all = fill(&who, track);
		all.iter().for_each(|index| back(*index));
		assert_noop!(try_submit(&id(Alice), track, remark()), DispatchError::BadOrigin);
		assert_ok!(try_submit(&id(Alice), tracks::ROOT, remark()));
		blocks(4);
		let deciding = pallet_referenda::DecidingCount::<Runtime>::get(track);
		let queued = pallet_referenda::TrackQueue::<Runtime>::get(track).len() as u32;
		assert_eq!((deciding, queued), (8, MAX_ONGOING - 8));
		assert!(queued < MAX_QUEUED);
		for index in all {
			until("it is rejected", || matches!(info(index), ReferendumInfo::Rejected(..)));
			assert_ok!(send(&id(Alice), pallet_referenda::Call::refund_decision_deposit { index }));
		}
		submit(track, remark());
		assert_eq!(Ongoing::<Runtime>::get(track).len(), 1, "what is over is dropped");
	});
}

#[test]
fn an_account_should_not_fill_a_track_alone() {
	run(|| {
		for _ in 0..MAX_EACH {
			back(submit(tracks::EMERGENCY, remark()));
		}
		assert_noop!(try_submit(&id(Alice), tracks::EMERGENCY, remark()), DispatchError::BadOrigin);
		assert_ok!(try_submit(&id(Bob), tracks::EMERGENCY, remark()));
	});
}

#[test]
fn no_emergency_should_wait_for_another() {
	run(|| {
		let all = fill(&proposers(), tracks::EMERGENCY);
		all.iter().for_each(|index| back(*index));
		blocks(4);
		assert_eq!(pallet_referenda::DecidingCount::<Runtime>::get(tracks::EMERGENCY), MAX_ONGOING);
	});
}

#[test]
fn what_nobody_backs_should_make_room_and_get_its_deposit_back() {
	run(|| {
		let (who, track) = (proposers(), tracks::ROOT);
		let all = fill(&who, track);
		back(all[0]);
		let last = submit(track, remark());
		assert!(is_ongoing(all[0]), "its deposit is placed");
		assert!(matches!(info(all[1]), ReferendumInfo::Cancelled(..)), "the oldest without");
		assert!(is_ongoing(last));
		let before = Balances::free_balance(&who[0]);
		assert_ok!(send(&who[0], pallet_referenda::Call::refund_submission_deposit { index: all[1] }));
		assert_eq!(Balances::free_balance(&who[0]) - before, 10 * UNIT);
	});
}

#[test]
fn a_submission_that_fails_should_cost_nobody_a_place() {
	run(|| {
		promote(&id(Charlie), 2);
		let all = fill(&proposers(), tracks::ROOT);
		Balances::set_balance(&id(Charlie), UNIT);
		assert!(try_submit(&id(Charlie), tracks::ROOT, remark()).is_err(), "it cannot pay the deposit");
		assert!(all.into_iter().all(is_ongoing));
		assert_eq!(Ongoing::<Runtime>::get(tracks::ROOT).len() as u32, MAX_ONGOING);
	});
}

#[test]
fn as_many_referenda_as_can_be_should_all_have_their_alarms_in_one_block() {
	run(|| {
		let who = proposers();
		let all: Vec<_> = Tracks::track_ids().flat_map(|track| fill(&who, track)).collect();
		all.iter().for_each(|index| back(*index));
		assert_eq!(all.len() as u32, tracks::COUNT * MAX_ONGOING);
		for index in &all {
			assert_ok!(send(&id(Charlie), pallet_tier_voting::Call::poke { poll: *index }));
		}
		let next = Now::<Runtime>::get() + 1;
		assert!(all.iter().all(|index| alarm(*index) == Some(next)));
		blocks(3);
		for index in all {
			let ReferendumInfo::Ongoing(status) = info(index) else { continue };
			assert!(status.alarm.is_some() || status.in_queue, "{index} stands still");
		}
	});
}

#[test]
fn a_referendum_that_passes_as_others_lose_their_tiers_should_not_wait_for_a_vote() {
	run(|| {
		promote(&id(Charlie), 1);
		let index = submit(tracks::PARAMETERS, change());
		back(index);
		vote(Charlie, index, true);
		blocks(4);
		assert!(!is_confirming(index));
		for who in [Alice, Bob] {
			Reputation::saw_times(&id(who), Deed::Misserved(oda_primitives::Payment::OneShot(1)), 100);
		}
		assert_eq!(pallet_tier_voting::TotalVotes::<Runtime>::get(), 1);
		assert_ok!(Referenda::is_referendum_passing(index).map(|passing| assert!(passing)));
		assert_ok!(send(&id(Dave), pallet_tier_voting::Call::poke { poll: index }));
		until("it is confirmed", || is_confirming(index));
	});
}

#[test]
fn nothing_should_be_dispatched_while_a_migration_runs() {
	run(|| {
		let index = submit(tracks::PARAMETERS, change());
		back(index);
		vote(Alice, index, true);
		vote(Bob, index, true);
		until("it is approved", || matches!(info(index), ReferendumInfo::Approved(..)));
		let enactment = Tracks::info(tracks::PARAMETERS).expect("it is a track").min_enactment_period;
		let due = Now::<Runtime>::get() + enactment - 1;
		until("it is due", || Now::<Runtime>::get() == due);
		// A migration begins with the block in which it would be dispatched.
		pallet_migrations::Cursor::<Runtime>::put(pallet_migrations::MigrationCursor::Stuck);
		blocks(9);
		assert_eq!(Now::<Runtime>::get(), due);
		assert_eq!(<training::ChallengeBond as Get<Balance>>::get(), 10 * UNIT);
		pallet_migrations::Cursor::<Runtime>::kill();
		until("it is enacted", || <training::ChallengeBond as Get<Balance>>::get() == 11 * UNIT);
	});
}

#[test]
fn the_treasury_should_pay_what_was_decided_and_no_more_than_its_track_may() {
	run(|| {
		let treasury = configs::stakes::TreasuryAccount::get();
		assert_eq!(treasury, Treasury::account_id());
		Balances::set_balance(&treasury, 1_000_000 * UNIT);
		let spend = |amount: Balance| pallet_treasury::Call::spend {
			asset_kind: Box::new(()),
			amount,
			beneficiary: Box::new(id(Dave)),
			valid_from: None,
		};
		pass(tracks::TREASURY, spend(100_001 * UNIT));
		assert_eq!(pallet_treasury::SpendCount::<Runtime>::get(), 0);
		pass(tracks::TREASURY, spend(1_000 * UNIT));
		let before = Balances::free_balance(id(Dave));
		assert_ok!(send(&id(Dave), pallet_treasury::Call::payout { index: 0 }));
		assert_eq!(Balances::free_balance(id(Dave)) - before, 1_000 * UNIT);
	});
}

#[test]
fn an_emergency_should_stop_the_clock_and_all_but_what_ends_it() {
	run(|| {
		let enter = pallet_safe_mode::Call::force_enter {};
		pass(tracks::EMERGENCY, enter);
		assert!(SafeMode::is_entered());
		let (tick, height) = (Clock::now(), Now::<Runtime>::get());
		let transfer: RuntimeCall =
			pallet_balances::Call::transfer_keep_alive { dest: id(Bob).into(), value: UNIT }.into();
		assert_noop!(
			transfer.clone().dispatch(RuntimeOrigin::signed(id(Alice))).map_err(|failed| failed.error),
			frame_system::Error::<Runtime>::CallFiltered
		);
		blocks(3);
		assert_eq!((Clock::now(), Now::<Runtime>::get() > height), (tick, true));
		// Votes go on, and can end it.
		pass(tracks::EMERGENCY, pallet_safe_mode::Call::force_exit {});
		assert!(!SafeMode::is_entered());
		until("time passes", || Clock::now() > tick);
		assert_ok!(send(&id(Alice), transfer));
	});
}

#[test]
fn safe_mode_should_end_by_itself() {
	run(|| {
		assert_ok!(
			RuntimeCall::from(pallet_safe_mode::Call::force_enter {}).dispatch(Origin::Emergency.into())
		);
		let tick = Clock::now();
		blocks(31);
		assert_eq!((SafeMode::is_entered(), Clock::now()), (true, tick));
		blocks(4);
		assert!(!SafeMode::is_entered() && Clock::now() > tick);
	});
}

#[test]
fn what_is_paused_should_enter_no_pool_and_only_beginnings_can_be() {
	run(|| {
		let name = |pallet: &str, call: &str| {
			(
				pallet.as_bytes().to_vec().try_into().expect("it is short"),
				call.as_bytes().to_vec().try_into().expect("it is short"),
			)
		};
		let pause = |pallet, call| pallet_tx_pause::Call::<Runtime>::pause { full_name: name(pallet, call) };
		let by = |call: pallet_tx_pause::Call<Runtime>| {
			RuntimeCall::from(call).dispatch(Origin::Emergency.into()).map_err(|failed| failed.error)
		};
		for (pallet, call) in [("Training", "challenge"), ("Verification", "open"), ("TierVoting", "vote")] {
			assert_noop!(by(pause(pallet, call)), pallet_tx_pause::Error::<Runtime>::Unpausable);
		}
		assert_ok!(by(pause("Training", "commit")));
		assert_noop!(by(pause("Balances", "transfer_all")), pallet_tx_pause::Error::<Runtime>::Unpausable);
		let commit: RuntimeCall =
			pallet_training::Call::commit { model: [0; 32], commitment: [0; 32] }.into();
		assert!(!configs::governance::Brakes::contains(&commit));
		let info = commit.get_dispatch_info();
		let checked = defence::admit(&RuntimeOrigin::signed(id(Alice)), &commit, &info);
		assert_eq!(checked, Err(InvalidTransaction::Call.into()));
		// A pause ends by itself, and one that was lifted does not end the next one sooner.
		blocks(20);
		assert_ok!(by(pallet_tx_pause::Call::unpause { ident: name("Training", "commit") }));
		block();
		assert_ok!(by(pause("Training", "commit")));
		blocks(30);
		assert!(!configs::governance::Brakes::contains(&commit));
		blocks(15);
		assert!(configs::governance::Brakes::contains(&commit));
		assert!(crate::governance::pauses::Since::<Runtime>::get().is_empty());
	});
}

#[test]
fn what_makes_votes_should_be_changed_by_root_alone() {
	use crate::parameters::governed::{reputation, staking, verification};
	run(|| {
		let set = |change, by: RuntimeOrigin| {
			let changes = vec![change].try_into().expect("one is not too many");
			let call = RuntimeCall::from(crate::parameters::changes::Call::set { changes });
			call.dispatch(by).map(|_| ()).map_err(|failed| failed.error)
		};
		let changes = [
			RuntimeParameters::Reputation(reputation::Parameters::SuspendAt(reputation::SuspendAt, Some(9))),
			RuntimeParameters::Staking(staking::Parameters::MinValidatorBond(
				staking::MinValidatorBond,
				Some(999 * UNIT),
			)),
			RuntimeParameters::Staking(staking::Parameters::MinProviderBond(
				staking::MinProviderBond,
				Some(101 * UNIT),
			)),
			RuntimeParameters::Verification(verification::Parameters::MinStake(
				verification::MinStake,
				Some(501 * UNIT),
			)),
		];
		for change in changes {
			assert_noop!(set(change.clone(), Origin::Parameters.into()), DispatchError::BadOrigin);
			assert_ok!(set(change, RuntimeOrigin::root()));
		}
	});
}

#[test]
fn a_suspended_validator_should_stay_if_too_few_would_be_left() {
	run(|| {
		let alice = id(Alice);
		Reputation::saw_times(&alice, Deed::Misserved(oda_primitives::Payment::OneShot(1)), 100);
		assert!(Reputation::is_suspended(&alice));
		assert!(Staking::own(Role::Validator, &alice) > 0, "it is the only one");
		blocks(12);
		assert!(Session::validators().contains(&alice));
	});
}

#[test]
fn what_can_be_paused_should_be_calls_that_there_are() {
	use frame_support::traits::GetCallMetadata;
	for (pallet, calls) in configs::governance::PAUSABLE {
		assert!(RuntimeCall::get_module_names().contains(&pallet), "{pallet}");
		for call in calls {
			assert!(RuntimeCall::get_call_names(pallet).contains(call), "{pallet}::{call}");
		}
	}
}

#[test]
fn a_model_should_be_frozen_by_vote() {
	run(|| {
		let model = super::paid_inference::model(super::paid_inference::spec(1), None, Alice);
		pass(tracks::MODEL_FREEZE, pallet_model_registry::Call::freeze { model });
		assert_noop!(
			ModelRegistry::enter(&model, &id(Charlie)),
			pallet_model_registry::Error::<Runtime>::ModelFrozen
		);
	});
}

#[test]
fn what_an_emergency_whitelists_should_be_dispatched_by_root_sooner() {
	run(|| {
		let call: RuntimeCall = frame_system::Call::set_storage { items: vec![(vec![1], vec![2])] }.into();
		let call_hash = call.using_encoded(sp_io::hashing::blake2_256).into();
		pass(tracks::EMERGENCY, pallet_whitelist::Call::whitelist_call { call_hash });
		let dispatch =
			pallet_whitelist::Call::dispatch_whitelisted_call_with_preimage { call: Box::new(call) };
		pass(tracks::WHITELISTED, dispatch);
		assert_eq!(sp_io::storage::get(&[1]).map(|value| value.to_vec()), Some(vec![2]));
	});
}

#[test]
fn what_was_not_whitelisted_in_time_should_be_dispatched_by_nobody() {
	run(|| {
		let call: RuntimeCall = frame_system::Call::set_storage { items: vec![(vec![1], vec![2])] }.into();
		let call_hash = call.using_encoded(sp_io::hashing::blake2_256).into();
		let by =
			|call: RuntimeCall, origin: RuntimeOrigin| call.dispatch(origin).map_err(|failed| failed.error);
		let dispatch = RuntimeCall::from(pallet_whitelist::Call::dispatch_whitelisted_call_with_preimage {
			call: Box::new(call),
		});
		let _ = by(dispatch.clone(), Origin::Whitelisted.into());
		let whitelist = pallet_whitelist::Call::whitelist_call { call_hash };
		assert_ok!(by(whitelist.into(), Origin::Emergency.into()));
		assert!(by(dispatch, RuntimeOrigin::signed(id(Charlie))).is_err());
		assert_eq!(sp_io::storage::get(&[1]), None);
	});
}

#[test]
fn a_vote_should_earn_points_once_its_poll_is_decided() {
	run(|| {
		pass(tracks::PARAMETERS, change());
		let entry = || pallet_reputation::Entries::<Runtime>::get(id(Bob)).expect("Bob has a tier");
		let before = entry().free;
		assert_ok!(send(&id(Dave), pallet_tier_voting::Call::forget { who: id(Bob) }));
		assert!(entry().free > before);
	});
}
