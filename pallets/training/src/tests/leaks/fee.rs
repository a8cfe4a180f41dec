//! Attacks on the fee.

use super::*;
use polkadot_sdk::sp_runtime::Perbill;

#[test]
fn what_a_liars_fee_loses_beyond_the_usual_part_should_not_be_told() {
	with_head(|model| {
		Settled::kill();
		let lie = Attempt::lie(ALICE, 5);
		let id = submit(model, &lie);
		approve(id);
		assert_ok!(commit_challenge(EVE, id, 10));
		pass(MIN_CHALLENGE_AGE);
		assert_ok!(challenge(EVE, id, 10, &lie));
		assert!(happened(Event::FeePaid { submission: id, verifiers: 0, each: 0, returned: 0, burned: FEE }));
		assert_eq!(Settled::get(), []);
	});
}

/// What a trainer and its friends, who are the whole committee and challenge each other, have more in the end, if whoever
/// mints gives them as much as was burned, which is the most that it may.
fn gain(model: ModelId, attempt: &Attempt, act: impl FnOnce(u64)) -> i64 {
	let friends = || [ALICE, EVE].into_iter().chain(VERIFIERS).map(wealth).sum::<u64>() as i64;
	Settled::kill();
	let before = friends();
	let id = submit(model, attempt);
	act(id);
	assert!(Training::submission(id).is_none());
	let minted: u64 = Settled::get().into_iter().map(|(_, burned)| burned).sum();
	friends() + minted as i64 - before
}

#[test]
fn a_trainer_who_is_its_own_committee_should_gain_nothing_however_its_task_ends() {
	let honest = || Attempt::new(ALICE, |i| i < 20);
	let lie = || Attempt::lie(ALICE, 5);
	let demand = |id| Training::demand(RuntimeOrigin::signed(EVE), Target::Submission(id)).unwrap();
	for burn in [1, 10, 50, 99] {
		FeeBurn::set(Perbill::from_percent(burn));
		with_head(|model| {
			let accepted = gain(model, &honest(), |id| {
				approve(id);
				pass(CHALLENGE_WINDOW);
				assert_ok!(settle(id));
			});
			assert!(accepted <= 0, "{accepted} by accepted weights");
		});
		with_head(|model| {
			let lapsed = gain(model, &honest(), |id| {
				attest(id, 101, Verdict::Valid).unwrap();
				pass(ATTEST_WINDOW);
				assert_ok!(settle(id));
			});
			assert!(lapsed <= 0, "{lapsed} by a task that lapses");
			let overturned = gain(model, &lie(), |id| {
				for verifier in VERIFIERS {
					attest(id, verifier, Verdict::Wrong(10)).unwrap();
				}
				assert_ok!(commit_challenge(EVE, id, 10));
				pass(MIN_CHALLENGE_AGE);
				assert_ok!(challenge(EVE, id, 10, &lie()));
			});
			assert!(overturned <= -(TRAINER_BOND as i64) / 2, "{overturned} by a lie that is challenged");
			let refuted = gain(model, &lie(), |id| {
				for verifier in VERIFIERS {
					attest(id, verifier, Verdict::Wrong(10)).unwrap();
				}
				differ(id, 10, &[(101, [1; 32])]).unwrap();
				assert_ok!(resolve(id, 10, &lie()));
				assert_ok!(settle(id));
			});
			assert!(refuted <= -(TRAINER_BOND as i64), "{refuted} by a lie that is refuted");
			let withheld = gain(model, &lie(), |id| {
				demand(id);
				for verifier in VERIFIERS {
					attest(id, verifier, Verdict::Wrong(10)).unwrap();
				}
				pass(DEMAND_WINDOW);
				assert_ok!(settle(id));
			});
			assert!(withheld <= -(TRAINER_BOND as i64), "{withheld} by withholding");
		});
	}
	FeeBurn::set(Perbill::from_percent(10));
}
