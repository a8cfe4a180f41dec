//! What everybody can ask.

use super::*;

#[test]
fn nobody_has_nothing_to_explain() {
	run(|| assert_eq!(Reputation::explain(ALICE), None));
}

#[test]
fn an_explanation_has_the_points_by_source() {
	run(|| {
		bond(ALICE, 2);
		verified(ALICE, 1);
		pass(1);
		saw(ALICE, Deed::Accepted(1));
		let sources = Reputation::explain(ALICE).unwrap().sources;
		let found: Vec<_> = sources.into_iter().filter(|points| points.now + points.before > 0).collect();
		let cap = 2 * CAPS.verified;
		let verified = SourcePoints { source: Source::Verified, now: 0, before: 100, cap };
		let cap = 2 * CAPS.accepted;
		let accepted = SourcePoints { source: Source::Accepted, now: 400, before: 0, cap };
		assert_eq!(found, [verified, accepted]);
	});
}

#[test]
fn an_explanation_has_the_last_deeds() {
	run(|| {
		bond(ALICE, 1);
		for tick in 1..=20 {
			Now::set(tick);
			saw(ALICE, Deed::Kept(tick));
		}
		saw(ALICE, Deed::Missed(1, 2));
		let recent = Reputation::explain(ALICE).unwrap().recent;
		assert_eq!(recent.len(), MAX_RECENT as usize);
		assert_eq!(recent[0].tick, 6);
		let what = Counted::Fault(Fault::Missed);
		assert_eq!(recent.last(), Some(&Recent { tick: 20, what, points: 40 }));
	});
}

#[test]
fn an_explanation_says_what_the_next_tier_needs() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, 2_000);
		let next = Reputation::explain(ALICE).unwrap().next;
		assert_eq!(next, Some(Next { tier: 3, points: THRESHOLDS[2], bond: 3 * UNIT }));
		endow(ALICE, 2_000);
		assert_eq!(Reputation::explain(ALICE).unwrap().next, None, "there is none above");
	});
}

#[test]
fn an_explanation_says_what_a_bump_would_do_and_does_nothing() {
	run(|| {
		bond(ALICE, 5);
		endow(ALICE, 1_000);
		pass(3);
		let explained = Reputation::explain(ALICE).unwrap();
		assert_eq!((explained.tier, explained.due, explained.points), (1, 0, 728));
		assert_eq!((tier(ALICE), points(ALICE)), (1, 1_000));
	});
}

#[test]
fn an_explanation_has_the_faults_and_the_standing() {
	run(|| {
		suspend(ALICE);
		saw(ALICE, Deed::Absent(TASK));
		let explained = Reputation::explain(ALICE).unwrap();
		assert_eq!((explained.faults, explained.suspend_at, explained.suspensions), (60, SUSPEND_AT, 1));
		assert_eq!(explained.standing, Standing::Suspended { until: TERM, appealed: false });
	});
}

#[test]
fn signs_of_life_in_a_row_are_remembered_as_one() {
	run(|| {
		bond(ALICE, 3);
		saw(ALICE, Deed::Verified(TASK));
		(0..40).for_each(|_| saw(ALICE, Deed::Heartbeat));
		saw(ALICE, Deed::Verified(TASK));
		saw(ALICE, Deed::Heartbeat);
		let recent = Reputation::explain(ALICE).unwrap().recent;
		let what = recent.iter().map(|deed| deed.what).collect::<Vec<_>>();
		let [verified, alive] = [Source::Verified, Source::Heartbeat].map(Counted::Earned);
		assert_eq!(what, [verified, alive, verified, alive]);
	});
}
