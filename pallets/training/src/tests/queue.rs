use super::*;

#[test]
fn submissions_are_verified_one_at_a_time_in_commit_order() {
	with_head(|model| {
		let attempts: Vec<_> = [ALICE, BOB, EVE, PATRON]
			.into_iter()
			.zip([14, 18, 22, 26])
			.map(|(who, right)| Attempt::new(who, move |i| i < right))
			.collect();
		let ids: Vec<_> = attempts.iter().map(|attempt| commit(model, attempt)).collect();
		pass(MIN_COMMIT_AGE);
		// Revealed in another order: the first revealed starts, the others wait in commit order.
		for i in [1, 3, 0, 2] {
			reveal(ids[i], &attempts[i]).unwrap();
		}
		assert_eq!(Training::verifying(model), Some(ids[1]));
		assert_eq!(Training::queue(model), [ids[0], ids[2], ids[3]]);
		assert_noop!(settle(ids[0]), Error::<Test>::NothingDue);

		approve(ids[1]);
		pass(CHALLENGE_WINDOW);
		let alice = wealth(ALICE);
		assert_ok!(settle(ids[1]));
		// The first no longer beats the head; all is returned, the fee too.
		assert!(happened(Event::Outdated { submission: ids[0] }));
		assert_eq!(Balances::free_balance(ALICE), alice);
		assert_eq!(wealth(ALICE), ENDOWMENT);
		assert_eq!(Training::verifying(model), Some(ids[2]));
		assert_eq!(Training::queue(model), [ids[3]]);
	});
}

#[test]
fn an_unrevealed_commitment_blocks_nobody() {
	with_head(|model| {
		commit(model, &Attempt::new(ALICE, |i| i < 30));
		become_head(model, &Attempt::new(BOB, |i| i < 20));
		assert_eq!(Registry::head(model).unwrap().0, 1);
	});
}

#[test]
fn commit_fails_when_all_places_are_taken() {
	with_head(|model| {
		submit(model, &Attempt::new(REGISTRAR, |i| i < 40));
		submit(model, &Attempt::new(ALICE, |i| i < 20));
		let revealed_later = Attempt::new(BOB, |i| i < 22);
		let place = commit(model, &revealed_later);
		for _ in 3..MAX_QUEUE {
			commit(model, &Attempt::new(EVE, |i| i < 24));
		}
		let late = Attempt::new(PATRON, |i| i < 30);
		let refused = Training::commit(RuntimeOrigin::signed(PATRON), model, late.commitment(&model));
		assert_noop!(refused, Error::<Test>::QueueFull);
		pass(MIN_COMMIT_AGE);
		assert_ok!(reveal(place, &revealed_later));
	});
}

#[test]
fn the_models_do_not_wait_for_each_other() {
	with_head(|model| {
		let other = register(careful_spec());
		let first = submit(model, &Attempt::new(ALICE, |i| i < 20));
		let second = submit(other, &Attempt::new(REGISTRAR, |i| i < 20));
		assert_eq!(Training::verifying(model), Some(first));
		assert_eq!(Training::verifying(other), Some(second));
	});
}

#[test]
fn the_whole_queue_can_be_outdated_at_once() {
	with_head(|model| {
		let best = submit(model, &Attempt::new(REGISTRAR, |_| true));
		approve(best);
		let ids: Vec<_> =
			[ALICE, BOB, EVE].into_iter().map(|who| submit(model, &Attempt::new(who, |i| i < 20))).collect();
		pass(CHALLENGE_WINDOW);
		assert_ok!(settle(best));
		for id in ids {
			assert!(happened(Event::Outdated { submission: id }));
		}
		assert_eq!(Training::verifying(model), None);
		assert!(Training::queue(model).is_empty());
		assert_eq!([ALICE, BOB, EVE].map(Balances::free_balance), [ENDOWMENT; 3]);
	});
}

#[test]
fn without_verifiers_a_reveal_expires_at_once_and_all_is_returned() {
	with_head(|model| {
		let alice = wealth(ALICE);
		dismiss_verifiers();
		let attempt = Attempt::new(ALICE, |i| i < 20);
		let id = submit(model, &attempt);
		assert!(happened(Event::Expired { submission: id, why: Expiry::NoVerifiers }));
		assert!(Training::submission(id).is_none());
		assert_eq!(Balances::free_balance(ALICE), alice);
		// It comes again when there are some.
		appoint(101);
		become_head(model, &attempt);
	});
}

#[test]
fn when_the_verifiers_have_left_all_that_wait_expire_and_all_is_returned() {
	with_head(|model| {
		let first = submit(model, &Attempt::new(ALICE, |i| i < 20));
		let waiting = [BOB, EVE].map(|who| submit(model, &Attempt::new(who, |i| i < 30)));
		dismiss_verifiers();
		pass(ATTEST_WINDOW);
		assert_ok!(settle(first));
		for id in waiting {
			assert!(happened(Event::Expired { submission: id, why: Expiry::NoVerifiers }));
		}
		assert_eq!([ALICE, BOB, EVE].map(Balances::free_balance), [ENDOWMENT; 3]);
		assert_eq!(Training::verifying(model), None);
	});
}
