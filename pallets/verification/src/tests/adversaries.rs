//! Each way to cheat, and what it costs, to the last unit.

use super::*;

fn says(index: usize, verdict: Verdict) -> Member {
	Member::new(index, verdict)
}

fn valid(index: usize) -> Member {
	says(index, Verdict::Valid)
}

/// What the burned half of lies is, and what is left to a challenger.
const BURNED: u64 = 201;

/// It signs what is false, and shows what is right: its outputs give it away to nobody, the challenge does.
#[test]
fn liars_pay_when_the_claim_is_overturned() {
	run_drawn(4, || {
		answer(&[valid(0), valid(1), valid(2), says(3, Verdict::Wrong(4))]);
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
		let before = issuance();
		assert_eq!(close(overturned()), [3]);
		assert!(slashes().iter().all(|(_, fault, amount)| (*fault, *amount) == (Fault::FalseValid, 401)));
		assert_eq!(stakes(4), [STAKE - 401, STAKE - 401, STAKE - 401, STAKE]);
		assert_eq!(Balances::free_balance(key(STRANGER)), ENDOWMENT + 3 * 200);
		assert_eq!(issuance(), before - 3 * BURNED);
	});
}

#[test]
fn a_committee_of_liars_only_loses_together() {
	run_drawn(4, || {
		// They agree on outputs that nobody has computed.
		let agreed = vec![[0x77; 32]; RECORDS as usize];
		let liars = [0, 1, 2, 3].map(|index| Member::with(index, TASK, Verdict::Valid, agreed.clone()));
		answer(&liars);
		assert!(matches!(status(), Some(TaskStatus::Passed(_))));
		let before = issuance();
		assert!(close(overturned()).is_empty());
		assert_eq!(stakes(4), [STAKE - 401; 4]);
		assert_eq!(Balances::free_balance(key(STRANGER)), ENDOWMENT + 4 * 200);
		assert_eq!(issuance(), before - 4 * BURNED);
	});
}

#[test]
fn a_copied_commitment_cannot_be_opened() {
	run_drawn(4, || {
		let honest = [0, 1, 2].map(valid);
		honest.iter().for_each(Member::commit);
		let copied = honest[0].commitment();
		assert_ok!(commit(3, TASK, copied, sign(3, TASK, &copied)));
		ticks(SEALED_TICKS);
		honest.iter().for_each(Member::open);
		// Everything about the first one's answer is public by now.
		let copy = authorize_open(3, TASK, honest[0].finding, honest[0].proofs());
		assert_eq!(copy, refused(Error::OtherCommitment));
		wait_for_the_end_of(|phase| matches!(phase, Phase::Opening { .. }));
		assert_eq!(close(Ending::Accepted), [0, 1, 2]);
		assert_eq!(slashes(), [(3, Fault::Unopened, 60)]);
		assert_eq!(stakes(4), [STAKE, STAKE, STAKE, STAKE - 60]);
	});
}

#[test]
fn a_copied_root_cannot_be_opened() {
	run_drawn(4, || {
		let honest = [0, 1, 2].map(valid);
		// Somebody told it the root.
		let mut copier = valid(3);
		copier.finding.root = honest[0].finding.root;
		commit_all(&[honest[0].clone(), honest[1].clone(), honest[2].clone(), copier.clone()]);
		honest.iter().for_each(Member::open);
		for proofs in [honest[0].proofs(), copier.proofs()] {
			assert_eq!(authorize_open(3, TASK, copier.finding, proofs), refused(Error::OtherOutput));
		}
		wait_for_the_end_of(|phase| matches!(phase, Phase::Opening { .. }));
		close(Ending::Accepted);
		assert_eq!(slashes(), [(3, Fault::Unopened, 60)]);
	});
}

#[test]
fn a_lazy_member_that_guesses_is_found_out_by_its_outputs() {
	run_drawn(4, || {
		let guesses = Member::with(3, TASK, Verdict::Valid, outputs(&(0..RECORDS).collect::<Vec<_>>()));
		answer(&[valid(0), valid(1), valid(2), guesses]);
		let Some(TaskStatus::Disputed(record)) = status() else { panic!() };
		let before = issuance();
		assert_ok!(resolve(record, [record as u8; 32]));
		assert_eq!(close(Ending::Accepted), [0, 1, 2]);
		assert_eq!(slashes(), [(3, Fault::FalseOutput, 401)]);
		assert_eq!((stake(3), issuance()), (STAKE - 401, before - 401));
	});
}

/// What it left out is asked for with this chance: that of one of the wanted among all records.
#[test]
fn a_member_that_leaves_out_some_records_is_caught_as_often_as_they_are_wanted() {
	let mut caught = 0;
	for luck in 0..60 {
		run_drawn(2, || {
			Luck::set(luck);
			answer(&[valid(0), Member::with(1, TASK, Verdict::Valid, outputs(&[0, 1, 2]))]);
			let seen = task(TASK).wanted.iter().any(|record| *record < 3);
			assert_eq!(matches!(status(), Some(TaskStatus::Disputed(_))), seen);
			caught += u32::from(seen);
		});
	}
	// 3 of 9 left out, 3 wanted: 1 − C(6, 3) ÷ C(9, 3) = 76 %; three deviations are 17 %.
	assert!((36..=56).contains(&caught), "{caught}");
}

/// Whoever knew the wanted records before it commits needs no others. They follow from blocks after the last commitment.
#[test]
fn the_wanted_records_are_not_known_to_who_commits_last() {
	let wanted = |after: u64| {
		let mut wanted = Vec::new();
		run_drawn(4, || {
			[0, 1, 2, 3].map(valid).iter().for_each(Member::commit);
			// From now on the blocks are others.
			Luck::set(after);
			ticks(SEALED_TICKS);
			wanted = task(TASK).wanted.to_vec();
		});
		wanted
	};
	let different: std::collections::BTreeSet<_> = (0..12).map(wanted).collect();
	assert!(different.len() > 6, "{different:?}");
}

#[test]
fn the_absent_one_pays_and_the_others_do_not() {
	run_drawn(4, || {
		answer(&[valid(0), valid(1), valid(2)]);
		let before = issuance();
		assert_eq!(close(Ending::Accepted), [0, 1, 2]);
		assert_eq!(slashes(), [(3, Fault::Absence, 50)]);
		assert_eq!((stakes(4), issuance()), (vec![STAKE, STAKE, STAKE, STAKE - 50], before - 50));
	});
}

#[test]
fn saying_unavailable_of_what_enough_others_verified_costs_what_absence_does() {
	run_drawn(4, || {
		answer(&[valid(0), valid(1), valid(2), says(3, Verdict::Unavailable)]);
		assert_eq!(close(Ending::Accepted), [0, 1, 2]);
		assert_eq!(slashes(), [(3, Fault::Abstention, 50)]);
	});
}

#[test]
fn saying_unavailable_of_what_was_shown_to_all_costs_what_absence_does() {
	run_drawn(4, || {
		answer(&[0, 1, 2, 3].map(|index| says(index, Verdict::Unavailable)));
		assert_eq!(status(), Some(TaskStatus::Unavailable));
		assert!(reopen().is_some());
		answer(&[
			valid(0),
			says(1, Verdict::Unavailable),
			says(2, Verdict::Unavailable),
			says(3, Verdict::Unavailable),
		]);
		// It is not asked for again: another committee is.
		let mut settled = slashes();
		settled.sort_by_key(|(index, ..)| *index);
		assert_eq!(settled, [1, 2, 3].map(|index| (index, Fault::Abstention, 50)));
		assert!(task(TASK).redrawn);
	});
}

#[test]
fn an_accuser_without_a_challenge_pays_however_the_task_ends() {
	for (ending, cost) in [(Ending::Accepted, 300), (Ending::Lapsed, 300)] {
		run_drawn(4, || {
			answer(&[valid(0), valid(1), valid(2), says(3, Verdict::Wrong(4))]);
			let before = issuance();
			assert_eq!(close(ending), [0, 1, 2]);
			assert_eq!(slashes(), [(3, Fault::FalseAccusation, cost)]);
			assert_eq!(issuance(), before - cost);
		});
	}
	// Nobody can know any more whether it would have been proved.
	for ending in [Ending::Void, Ending::Fallen] {
		run_drawn(4, || {
			answer(&[valid(0), valid(1), valid(2), says(3, Verdict::Wrong(4))]);
			close(ending);
			assert_eq!(stake(3), STAKE);
		});
	}
}

#[test]
fn committing_without_opening_costs_more_than_absence() {
	run_drawn(4, || {
		commit_all(&[0, 1, 2, 3].map(valid));
		[0, 1, 2].map(valid).iter().for_each(Member::open);
		wait_for_the_end_of(|phase| matches!(phase, Phase::Opening { .. }));
		assert_eq!(close(Ending::Accepted), [0, 1, 2]);
		assert_eq!(slashes(), [(3, Fault::Unopened, 60)]);
	});
}

/// However many tasks it lies in, each has a lie's cost of its own to take.
#[test]
fn no_stake_answers_for_two_lies() {
	run(1, || {
		let tasks: Vec<_> = (10..16).map(TaskId::Submission).collect();
		next_epoch();
		for id in &tasks {
			assert_ok!(open_task(*id));
		}
		next_epoch();
		next_epoch();
		tick();
		// Five times 401 is more than there is.
		let drawn: Vec<_> = tasks.iter().filter(|id| !task(**id).members.is_empty()).collect();
		assert_eq!(drawn.len(), 4);
		assert_eq!(Bonds::get(key(0)).unwrap().reserved, 4 * 401);
		// Nor does it help to take the stake away meanwhile.
		unbond(&key(0), STAKE);
		let lies: Vec<_> =
			drawn.iter().map(|id| Member::with(0, **id, Verdict::Valid, outputs(&[]))).collect();
		lies.iter().for_each(Member::commit);
		ticks(SEALED_TICKS);
		lies.iter().for_each(Member::open);
		tick();
		for id in drawn {
			close_task(*id, overturned());
		}
		assert_eq!(slashes(), [(0, Fault::FalseValid, 401); 4]);
		assert_eq!(Balances::free_balance(key(STRANGER)), ENDOWMENT + 4 * 200);
	});
}

#[test]
fn a_challenger_who_is_a_member_gets_nothing() {
	for index in 0..4 {
		run_drawn(4, || {
			answer(&[valid(0), valid(1), valid(2)]);
			assert!(<Verification as Committees<_>>::answered(TASK, &key(index)));
			assert!(!<Verification as Committees<_>>::answered(TASK, &key(STRANGER)));
			let (before, balance) = (issuance(), Balances::free_balance(key(index)));
			close(Ending::Overturned { challenger: key(index) });
			assert_eq!(Balances::free_balance(key(index)), balance);
			// Three lies and an absence, all of it burned.
			assert_eq!(issuance(), before - 3 * 401 - 50);
			assert!(!events().iter().any(|event| matches!(event, Event::ChallengerPaid { .. })));
		});
	}
}

/// A member with three of four votes, and one with the fourth.
fn run_unequal(test: impl FnOnce()) {
	with_stakes(&[6_000, 2_000]).execute_with(|| {
		Committee::set(4);
		draw(TASK);
		assert_eq!(votes(TASK), [(0, 3), (1, 1)]);
		assert_eq!(Bonds::get(key(0)).unwrap().reserved, 3 * 401);
		test();
		check();
	});
}

#[test]
fn who_has_more_votes_earns_more() {
	run_unequal(|| {
		answer(&[valid(0), valid(1)]);
		assert_eq!(close_with_votes(TASK, Ending::Accepted), [(0, 3), (1, 1)]);
	});
}

#[test]
fn who_has_more_votes_pays_more_for_each_fault() {
	let paid = |act: &dyn Fn(), ending| {
		let mut paid = Vec::new();
		run_unequal(|| {
			AbsenceCap::set(1_000);
			act();
			close(ending);
			paid = slashes();
			paid.sort_by_key(|(index, ..)| *index);
		});
		paid
	};
	let lie = || answer(&[valid(0), valid(1)]);
	assert_eq!(paid(&lie, overturned()), [(0, Fault::FalseValid, 3 * 401), (1, Fault::FalseValid, 401)]);
	let accuse = || answer(&[says(0, Verdict::Wrong(1)), valid(1)]);
	assert_eq!(paid(&accuse, Ending::Lapsed), [(0, Fault::FalseAccusation, 3 * 300)]);
	let absent = || answer(&[valid(1)]);
	assert_eq!(paid(&absent, Ending::Lapsed), [(0, Fault::Absence, 3 * 50)]);
	let dispute = || {
		answer(&[valid(0), Member::with(1, TASK, Verdict::Valid, vec![[0xcc; 32]; RECORDS as usize])]);
		let Some(TaskStatus::Disputed(record)) = status() else { panic!() };
		assert_ok!(resolve(record, [0xcc; 32]));
	};
	assert_eq!(paid(&dispute, Ending::Lapsed), [(0, Fault::FalseOutput, 3 * 401)]);
}

#[test]
fn an_absence_of_many_votes_costs_no_more_in_an_epoch_than_the_cap() {
	run_unequal(|| {
		answer(&[valid(1)]);
		assert_eq!(slashes(), [(0, Fault::Absence, 120)]);
	});
}

/// It was free as long as nobody had shown the weights: a few could keep any claim from passing, for nothing.
#[test]
fn saying_unavailable_of_what_more_could_verify_should_cost_what_absence_does_without_a_quorum() {
	for redrawn in [false, true] {
		run_drawn(4, || {
			Tasks::<Test>::mutate_extant(TASK, |task| task.redrawn = redrawn);
			answer(&[valid(0), valid(1), says(2, Verdict::Unavailable), says(3, Verdict::Wrong(1))]);
			close(Ending::Lapsed);
			assert_eq!(slashes()[0], (2, Fault::Abstention, 50));
			assert_eq!(stakes(4), [STAKE, STAKE, STAKE - 50, STAKE - 300]);
		});
	}
}

/// As many could not have it as could: who is to say whose fault that is?
#[test]
fn saying_unavailable_of_what_no_more_could_verify_costs_nothing() {
	for redrawn in [false, true] {
		run_drawn(4, || {
			Tasks::<Test>::mutate_extant(TASK, |task| task.redrawn = redrawn);
			let unavailable = |index| says(index, Verdict::Unavailable);
			answer(&[valid(0), valid(1), unavailable(2), unavailable(3)]);
			close(Ending::Lapsed);
			assert_eq!((slashes(), stakes(4)), (vec![], vec![STAKE; 4]));
		});
	}
}
