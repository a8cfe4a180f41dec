//! One-shot requests as they are answered.

use super::*;

fn right() -> Vec<u8> {
	outputs(&inputs(1))
}

#[test]
fn an_answer_shows_its_outputs_and_what_the_provider_signed() {
	run(|| {
		let id = ask(1);
		forget();
		let expires = Time::get() + 30;
		assert_ok!(answer(id, 0, &right(), 30));
		let (receipt, signature) = signed(receipt_of(id, 0, &right(), expires));
		assert_eq!(receipt.weights, BlobRef::of(&weights()).root);
		let output = right();
		assert_eq!(events(), [Event::Answered { request: id, version: 0, receipt, signature, output }]);
		let state = Requests::<Test>::get(id).unwrap().state;
		assert_eq!(state, RequestState::Answered { version: 0, until: expires });
		assert_eq!(held(HoldReason::Request, USER), ONE);
	});
}

#[test]
fn what_was_not_asked_is_not_answered() {
	run(|| {
		let output = right().try_into().unwrap();
		let signature = sign(RECEIPT_KEY, vec![]);
		let answer = Inference::answer(origin(PROVIDER), 0, 0, output, Time::get() + 30, signature);
		assert_noop!(answer, Error::<Test>::UnknownRequest);
	});
}

#[test]
fn nobody_answers_for_another() {
	run(|| {
		let id = ask(1);
		let expires = Time::get() + 30;
		let (_, signature) = signed(receipt_of(id, 0, &right(), expires));
		for who in [USER, OTHER, RECEIPT_KEY] {
			let output = right().try_into().unwrap();
			let answer = Inference::answer(origin(who), id, 0, output, expires, signature.clone());
			assert_noop!(answer, Error::<Test>::NotProvider);
		}
	});
}

#[test]
fn what_is_answered_is_not_answered_again() {
	run(|| {
		let id = ask(1);
		assert_ok!(answer(id, 0, &wrong(1), 30));
		assert_noop!(answer(id, 0, &right(), 30), Error::<Test>::AlreadyAnswered);
	});
}

#[test]
fn an_answer_is_not_late() {
	run(|| {
		let id = ask(1);
		pass(TERMS.answer);
		assert_noop!(answer(id, 0, &right(), 30), Error::<Test>::AnsweredTooLate);
		Time::mutate(|now| *now -= 1);
		assert_ok!(answer(id, 0, &right(), 30));
	});
}

#[test]
fn nothing_older_than_the_head_answers_that_was_asked() {
	run(|| {
		assert_eq!(next_head(&model(), TRAINER), 1);
		let id = ask(1);
		assert_noop!(answer(id, 0, &right(), 30), Error::<Test>::OldVersion);
	});
}

#[test]
fn a_newer_head_answers() {
	run(|| {
		let id = ask(1);
		assert_eq!(next_head(&model(), OTHER), 1);
		assert_ok!(answer(id, 1, &right(), 30));
		pass(30);
		assert_ok!(Inference::settle(origin(USER), id));
		assert_eq!(Used::get().iter().map(|(trainer, _)| *trainer).collect::<Vec<_>>(), [OTHER]);
	});
}

#[test]
fn the_head_that_was_asked_answers_after_its_fall() {
	run(|| {
		next_head(&model(), OTHER);
		let id = ask(1);
		revert();
		assert_ok!(answer(id, 1, &right(), 30));
	});
}

#[test]
fn what_fell_before_it_was_asked_answers_nothing() {
	run(|| {
		// Nobody showed its weights when they were demanded: whatever is said to be its answer, nobody could dispute it.
		assert_eq!(next_head(&model(), OTHER), 1);
		revert();
		let id = ask(1);
		assert_noop!(answer(id, 1, &wrong(1), 30), Error::<Test>::OldVersion);
		assert_ok!(answer(id, 0, &right(), 30));
	});
}

#[test]
fn of_the_heads_since_it_was_asked_the_last_answers() {
	run(|| {
		let id = ask(1);
		assert_eq!((next_head(&model(), OTHER), next_head(&model(), OTHER)), (1, 2));
		assert_noop!(answer(id, 1, &right(), 30), Error::<Test>::OldVersion);
		// The second falls.
		revert();
		assert_noop!(answer(id, 2, &right(), 30), Error::<Test>::OldVersion);
		assert_ok!(answer(id, 1, &right(), 30));
	});
}

#[test]
fn a_version_that_never_was_answers_nothing() {
	run(|| {
		let id = ask(1);
		assert_noop!(answer(id, 1, &right(), 30), Error::<Test>::UnknownVersion);
	});
}

#[test]
fn a_receipt_lives_as_long_as_an_answer_can_be_disputed_and_no_longer_than_stakes_answer() {
	run(|| {
		let id = ask(1);
		for life in [0, ANSWER_DISPUTE - 1] {
			assert_noop!(answer(id, 0, &right(), life), Error::<Test>::ExpiresTooEarly);
		}
		for life in [RECEIPT_LIFE + 1, Tick::MAX - Time::get()] {
			assert_noop!(answer(id, 0, &right(), life), Error::<Test>::ExpiresTooLate);
		}
		for life in [ANSWER_DISPUTE, RECEIPT_LIFE] {
			assert_ok!(answer(ask(1), 0, &right(), life));
		}
	});
}

#[test]
fn an_answer_can_be_disputed_as_long_as_was_said_when_it_was_asked_though_receipts_live_shorter_now() {
	run(|| {
		let id = ask(1);
		Life::set(ANSWER_DISPUTE / 2);
		for life in [ANSWER_DISPUTE / 2, ANSWER_DISPUTE - 1] {
			assert_noop!(answer(id, 0, &right(), life), Error::<Test>::ExpiresTooEarly);
		}
		assert_noop!(answer(id, 0, &right(), ANSWER_DISPUTE + 1), Error::<Test>::ExpiresTooLate);
		assert_ok!(answer(id, 0, &right(), ANSWER_DISPUTE));
	});
}

#[test]
fn outputs_have_the_length_that_the_model_says() {
	run(|| {
		let id = ask(2);
		for output in [vec![], right(), vec![0; 15], vec![0; 17], outputs(&inputs(3))] {
			assert_noop!(answer(id, 0, &output, 30), Error::<Test>::WrongOutputLength);
		}
		assert_ok!(answer(id, 0, &outputs(&inputs(2)), 30));
	});
}

#[test]
fn an_answer_is_signed_by_the_receipt_key_over_exactly_what_it_says() {
	run(|| {
		let id = ask(1);
		let expires = Time::get() + 30;
		let receipt = receipt_of(id, 0, &right(), expires);
		let bad = [
			sign(PROVIDER, receipt.message(&genesis())),
			sign(RECEIPT_KEY, receipt.message(&[9; 32])),
			signed(Receipt { price: 0, ..receipt }).1,
			signed(Receipt { nonce: 1, ..receipt }).1,
			signed(Receipt { expires: expires + 1, ..receipt }).1,
			signed(Receipt { output: [0; 32], ..receipt }).1,
			signed(Receipt { payment: Payment::Channel(id), ..receipt }).1,
		];
		for signature in bad {
			let output = right().try_into().unwrap();
			let answer = Inference::answer(origin(PROVIDER), id, 0, output, expires, signature);
			assert_noop!(answer, Error::<Test>::BadReceiptSignature);
		}
	});
}
