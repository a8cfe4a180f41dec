//! Cards.

use super::*;
use crate::{Cards, HoldReason};
use oda_primitives::MAX_CARD_LEN;
use polkadot_sdk::{frame_support::traits::fungible::InspectHold, sp_runtime::TokenError};

fn set(who: u64, model: ModelId, card: Option<BlobRef>) -> DispatchResult {
	Registry::set_card(RuntimeOrigin::signed(who), model, card)
}

/// A card of these bytes.
fn card(bytes: &[u8]) -> Option<BlobRef> {
	Some(BlobRef::of(bytes))
}

/// The blob that is a model's card.
fn blob(model: ModelId) -> Option<BlobRef> {
	Registry::card(model).map(|card| card.blob)
}

/// What is on hold of somebody's money for cards.
fn held(who: u64) -> u64 {
	Balances::balance_on_hold(&HoldReason::Card.into(), &who)
}

#[test]
fn a_card_is_stored_with_a_deposit_of_who_set_it() {
	run(|| {
		let model = pending();
		assert_ok!(set(ALICE, model, card(b"one")));
		System::assert_last_event(Event::CardSet { model, card: card(b"one") }.into());
		let stored = Registry::card(model).unwrap();
		assert_eq!((Some(stored.blob), stored.owner), (card(b"one"), ALICE));
		assert_eq!(held(ALICE), card_deposit());
	});
}

#[test]
fn a_card_is_no_part_of_the_models_id() {
	run(|| {
		let model = active();
		let before = stored(model);
		assert_ok!(set(ALICE, model, card(b"one")));
		assert_eq!(stored(model), before);
		assert_eq!(fixture::spec(2, 0).id(), model);
	});
}

#[test]
fn another_card_takes_the_place_of_the_one_before_for_one_deposit() {
	run(|| {
		let model = active();
		assert_ok!(set(ALICE, model, card(b"one")));
		assert_ok!(set(ALICE, model, card(b"other")));
		assert_eq!(blob(model), card(b"other"));
		assert_eq!(held(ALICE), card_deposit());
	});
}

#[test]
fn who_has_one_deposit_only_can_replace_the_card() {
	run(|| {
		let model = active();
		assert_ok!(accept(model, POOR, 11));
		assert_ok!(set(POOR, model, card(b"one")));
		assert!(Balances::free_balance(POOR) < card_deposit(), "no second deposit");
		assert_ok!(set(POOR, model, card(b"other")));
		assert_eq!(held(POOR), card_deposit());
	});
}

#[test]
fn removing_a_card_returns_the_deposit() {
	run(|| {
		let model = active();
		let free = Balances::free_balance(ALICE);
		assert_ok!(set(ALICE, model, card(b"one")));
		assert_ok!(set(ALICE, model, None));
		System::assert_last_event(Event::CardSet { model, card: None }.into());
		assert_eq!((blob(model), held(ALICE), Balances::free_balance(ALICE)), (None, 0, free));
	});
}

#[test]
fn the_deposit_that_returns_is_the_one_that_was_taken() {
	run(|| {
		let model = active();
		assert_ok!(set(ALICE, model, card(b"one")));
		let taken = held(ALICE);
		CardBase::set(CardBase::get() + 50);
		assert_ok!(set(ALICE, model, card(b"other")));
		assert_eq!(held(ALICE), taken + 50);
		CardBase::set(0);
		assert_ok!(set(ALICE, model, None));
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn the_registrar_sets_the_card_until_somebody_else_brings_the_head() {
	run(|| {
		let model = pending();
		assert_ok!(set(ALICE, model, card(b"pending")));
		assert_ok!(accept(model, ALICE, 10));
		assert_ok!(set(ALICE, model, card(b"version 0")));
		assert_noop!(set(BOB, model, card(b"bob")), Error::<Test>::CardOfAnother);
		assert_ok!(accept(model, BOB, 11));
		assert_noop!(set(ALICE, model, card(b"alice")), Error::<Test>::CardOfAnother);
		assert_noop!(set(ALICE, model, None), Error::<Test>::CardOfAnother);
	});
}

#[test]
fn the_trainer_of_the_head_replaces_the_registrars_card_whose_deposit_returns() {
	run(|| {
		let model = active();
		assert_ok!(set(ALICE, model, card(b"alice")));
		assert_ok!(accept(model, BOB, 11));
		assert_eq!(blob(model), card(b"alice"), "it stays until it is replaced");
		assert_ok!(set(BOB, model, card(b"bob")));
		assert_eq!((held(ALICE), held(BOB)), (0, card_deposit()));
		assert_eq!(Registry::card(model).unwrap().owner, BOB);
	});
}

#[test]
fn the_trainer_of_the_head_removes_the_registrars_card_whose_deposit_returns() {
	run(|| {
		let model = active();
		assert_ok!(set(ALICE, model, card(b"alice")));
		assert_ok!(accept(model, BOB, 11));
		assert_ok!(set(BOB, model, None));
		assert_eq!((blob(model), held(ALICE), held(BOB)), (None, 0, 0));
	});
}

#[test]
fn who_sets_the_card_follows_a_head_that_falls() {
	run(|| {
		let model = active();
		assert_ok!(accept(model, BOB, 11));
		assert_ok!(<Registry as Keeper<u64>>::revert(&model));
		assert_noop!(set(BOB, model, card(b"bob")), Error::<Test>::CardOfAnother);
		assert_ok!(set(ALICE, model, card(b"version 0 again")));
		// Without any head it is the registrar's.
		assert_ok!(<Registry as Keeper<u64>>::revert(&model));
		assert_ok!(set(ALICE, model, card(b"no head")));
		assert_noop!(set(BOB, model, None), Error::<Test>::CardOfAnother);
	});
}

#[test]
fn a_retired_models_card_can_still_be_changed_and_removed() {
	run(|| {
		let model = active();
		assert_ok!(set(ALICE, model, card(b"one")));
		assert_ok!(Registry::retire(RuntimeOrigin::signed(ALICE), model));
		assert_eq!((blob(model), held(ALICE)), (card(b"one"), card_deposit()));
		assert_ok!(set(ALICE, model, card(b"other")));
		assert_ok!(set(ALICE, model, None));
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn an_abandoned_models_card_goes_with_it_and_its_deposit_returns() {
	run(|| {
		let model = pending();
		assert_ok!(set(ALICE, model, card(b"one")));
		Time::set(1_000);
		assert_ok!(Registry::abandon(RuntimeOrigin::signed(BOB), model));
		System::assert_has_event(Event::CardSet { model, card: None }.into());
		System::assert_last_event(Event::Abandoned { model }.into());
		assert_eq!((blob(model), held(ALICE)), (None, 0));
		assert_eq!(Balances::free_balance(ALICE), ENDOWMENT);
		// Registered again, it has none.
		assert_ok!(register(BOB, 2));
		assert_eq!(blob(model), None);
	});
}

#[test]
fn a_card_of_an_unknown_model_is_refused() {
	run(|| {
		assert_noop!(set(ALICE, [9; 32], card(b"one")), Error::<Test>::UnknownModel);
		assert_noop!(set(ALICE, [9; 32], None), Error::<Test>::UnknownModel);
	});
}

#[test]
fn a_card_is_refused_from_the_first_byte_on_that_is_too_many() {
	run(|| {
		let model = active();
		let of = |len| Some(BlobRef { root: [1; 32], len });
		assert_noop!(set(ALICE, model, of(MAX_CARD_LEN + 1)), Error::<Test>::CardTooLarge);
		assert_ok!(set(ALICE, model, of(MAX_CARD_LEN)));
	});
}

#[test]
fn a_card_that_is_not_there_cannot_be_removed() {
	run(|| {
		let model = active();
		assert_noop!(set(ALICE, model, None), Error::<Test>::NoCard);
	});
}

#[test]
fn a_card_whose_deposit_cannot_be_held_changes_nothing() {
	run(|| {
		let model = active();
		assert_ok!(set(ALICE, model, card(b"alice")));
		assert_ok!(accept(model, POOR, 11));
		CardBase::set(ENDOWMENT);
		assert_noop!(set(POOR, model, card(b"poor")), TokenError::FundsUnavailable);
		assert_eq!(blob(model), card(b"alice"));
	});
}

#[test]
fn try_state_notices_a_card_without_a_model() {
	new_test_ext().execute_with(|| {
		let model = active();
		assert_ok!(set(ALICE, model, card(b"one")));
		let stray = Cards::<Test>::take(model).unwrap();
		assert_ok!(Registry::do_try_state());
		Cards::<Test>::insert([9; 32], stray);
		assert_eq!(Registry::do_try_state(), Err("a card without a model".into()));
	});
}
