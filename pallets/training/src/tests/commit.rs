use super::*;

#[test]
fn commit_holds_the_bond_and_stores_the_submission() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 12);
		let id = commit(model, &attempt);
		assert_eq!(held(HoldReason::Submission, ALICE), TRAINER_BOND);
		let submission = Submissions::<Test>::get(id).unwrap();
		assert_eq!(submission.trainer, ALICE);
		assert_eq!(submission.model, model);
		assert_eq!(submission.committed_at, now());
		assert_eq!(submission.head_at_commit, Some(0));
		assert_eq!(submission.phase, Phase::Committed);
		assert!(happened(Event::Committed { submission: id, model, trainer: ALICE, bond: TRAINER_BOND }));
	});
}

#[test]
fn submissions_are_numbered_in_commit_order_over_all_models() {
	with_head(|model| {
		let other = register(careful_spec());
		let first = commit(model, &Attempt::new(ALICE, |_| true));
		let second = commit(other, &Attempt::new(REGISTRAR, |_| true));
		let third = commit(model, &Attempt::new(ALICE, |_| true));
		assert_eq!((second, third), (first + 1, first + 2));
	});
}

#[test]
fn who_is_suspended_commits_to_nothing_new() {
	with_head(|model| {
		Suspended::set(vec![ALICE]);
		let commit = || Training::commit(RuntimeOrigin::signed(ALICE), model, [0; 32]);
		assert_noop!(commit(), Error::<Test>::Suspended);
		Suspended::take();
		assert_ok!(commit());
	});
}

#[test]
fn commit_fails_for_an_unknown_model() {
	with_head(|_| {
		assert_noop!(
			Training::commit(RuntimeOrigin::signed(ALICE), [9; 32], [0; 32]),
			pallet_model_registry::Error::<Test>::UnknownModel
		);
	});
}

#[test]
fn commit_to_a_pending_model_is_the_registrars_alone() {
	with_pending(|model| {
		assert_noop!(
			Training::commit(RuntimeOrigin::signed(ALICE), model, [0; 32]),
			pallet_model_registry::Error::<Test>::NotRegistrar
		);
		assert_ok!(Training::commit(RuntimeOrigin::signed(REGISTRAR), model, [0; 32]));
		assert_eq!(Submissions::<Test>::get(0).unwrap().head_at_commit, None);
	});
}

#[test]
fn commit_fails_when_the_bond_cannot_be_held() {
	with_head(|model| {
		assert_noop!(
			Training::commit(RuntimeOrigin::signed(POOR), model, [0; 32]),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn commit_fails_when_unsigned() {
	with_head(|model| {
		assert_noop!(Training::commit(RuntimeOrigin::none(), model, [0; 32]), DispatchError::BadOrigin);
	});
}

#[test]
fn commit_fails_when_the_trainer_has_too_many_live_but_others_may() {
	with_head(|model| {
		for _ in 0..MAX_LIVE {
			commit(model, &Attempt::new(ALICE, |_| true));
		}
		assert_noop!(
			Training::commit(RuntimeOrigin::signed(ALICE), model, [0; 32]),
			Error::<Test>::TooManyLive
		);
		assert_ok!(Training::commit(RuntimeOrigin::signed(BOB), model, [0; 32]));
		assert_eq!(Training::submissions(model), (1..=u64::from(MAX_LIVE) + 1).collect::<Vec<_>>());
	});
}
