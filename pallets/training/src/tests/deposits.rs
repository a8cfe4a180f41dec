use super::*;

#[test]
fn a_retired_models_deposits_are_returned() {
	with_head(|model| {
		let first = Attempt::new(REGISTRAR, |i| i < 10).blob().root;
		let second = Attempt::new(REGISTRAR, |i| i < 20);
		become_head(model, &second);
		assert_eq!(held(HoldReason::ScoreList, REGISTRAR), SCORE_DEPOSIT);
		assert_eq!(held(HoldReason::KnownWeights, REGISTRAR), 2 * KNOWN_DEPOSIT);
		let anyone = || RuntimeOrigin::signed(EVE);
		assert_noop!(Training::drop_scores(anyone(), model), Error::<Test>::NotRetired);
		assert_noop!(Training::forget_weights(anyone(), model, first), Error::<Test>::NotRetired);
		assert_ok!(Registry::retire(RuntimeOrigin::signed(REGISTRAR), model));

		assert_ok!(Training::drop_scores(anyone(), model));
		assert!(happened(Event::ScoresDropped { model }));
		assert_eq!(held(HoldReason::ScoreList, REGISTRAR), 0);
		assert_noop!(Training::drop_scores(anyone(), model), Error::<Test>::NoScores);

		for root in [first, second.blob().root] {
			assert_ok!(Training::forget_weights(anyone(), model, root));
			assert!(happened(Event::WeightsForgotten { model, root }));
			assert_noop!(Training::forget_weights(anyone(), model, root), Error::<Test>::UnknownWeights);
		}
		assert_eq!(held(HoldReason::KnownWeights, REGISTRAR), 0);
	});
}

#[test]
fn deposits_of_an_unknown_model_are_not_returned() {
	with_head(|_| {
		let anyone = || RuntimeOrigin::signed(EVE);
		assert_noop!(Training::drop_scores(anyone(), [9; 32]), Error::<Test>::UnknownModel);
		assert_noop!(Training::forget_weights(anyone(), [9; 32], [0; 32]), Error::<Test>::UnknownModel);
	});
}

#[test]
fn weights_of_a_live_submission_are_not_forgotten() {
	with_head(|model| {
		let attempt = Attempt::new(ALICE, |i| i < 20);
		submit(model, &attempt);
		close_model(model);
		assert_noop!(
			Training::forget_weights(RuntimeOrigin::signed(EVE), model, attempt.blob().root),
			Error::<Test>::StillLive
		);
		reopen_model(model);
	});
}
