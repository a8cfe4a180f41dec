//! Whatever is called in whatever order: money is conserved, nothing panics, and everything ends.

use super::*;
use oda_primitives::Tick;
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use proptest::prelude::*;

const PEOPLE: [u64; 5] = [REGISTRAR, ALICE, BOB, EVE, PATRON];

/// One thing that somebody does. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
pub(super) enum Step {
	Commit {
		who: usize,
		right: u32,
		claimed: u32,
	},
	Reveal {
		which: usize,
	},
	Withdraw {
		which: usize,
	},
	Attest {
		which: usize,
		verifier: usize,
		verdict: u8,
	},
	AttestAll {
		which: usize,
	},
	Settle {
		which: usize,
	},
	CommitChallenge {
		who: usize,
		which: usize,
		record: u32,
	},
	Challenge {
		who: usize,
		which: usize,
		record: u32,
	},
	/// Commits and, as soon as allowed, reveals.
	Submit {
		who: usize,
		right: u32,
		claimed: u32,
	},
	/// All verifiers approve what is being verified, the windows pass, and it is settled.
	Conclude,
	/// Commits to evidence against what is being verified and challenges it: on its first wrong record, or on a right one.
	Accuse {
		who: usize,
		rightly: bool,
	},
	/// Demands what is being verified, or the head.
	Demand {
		who: usize,
		head: bool,
	},
	/// Shows what is being verified, or the head.
	Post {
		head: bool,
	},
	Revert,
	PostBounty {
		who: usize,
		threshold: i64,
		amount: u64,
		term: Tick,
	},
	WithdrawBounty {
		which: u64,
	},
	Retire,
	DropScores,
	Forget {
		which: usize,
	},
	/// There are so many verifiers from now on.
	Bench {
		size: usize,
	},
	/// Tasks opened from now on wait so long for their draw.
	DrawAfter {
		ticks: Tick,
	},
	/// Verifiers of what is being verified, who answer first if they have not, differ about a record, which is wrong if there
	/// is such a one and it shall be; `liars` of them made their output up.
	Differ {
		record: u32,
		wrong: bool,
		liars: usize,
	},
	/// Has the court run what is disputed.
	Resolve,
	Pass {
		ticks: Tick,
	},
}

pub(super) fn step() -> impl Strategy<Value = Step> {
	let who = 0..PEOPLE.len();
	// Mostly the latest submissions.
	let which = 0..4usize;
	let record = 0..RECORDS + 1;
	prop_oneof![
		4 => (who.clone(), 0..=RECORDS, 0..=RECORDS)
			.prop_map(|(who, right, claimed)| Step::Commit { who, right, claimed }),
		4 => (who.clone(), 0..=RECORDS)
			.prop_map(|(who, right)| Step::Commit { who, right, claimed: right }),
		10 => which.clone().prop_map(|which| Step::Reveal { which }),
		1 => which.clone().prop_map(|which| Step::Withdraw { which }),
		2 => (which.clone(), 0..3usize, 0..3u8)
			.prop_map(|(which, verifier, verdict)| Step::Attest { which, verifier, verdict }),
		8 => which.clone().prop_map(|which| Step::AttestAll { which }),
		10 => which.clone().prop_map(|which| Step::Settle { which }),
		3 => (who.clone(), which.clone(), record.clone())
			.prop_map(|(who, which, record)| Step::CommitChallenge { who, which, record }),
		3 => (who.clone(), which.clone(), record)
			.prop_map(|(who, which, record)| Step::Challenge { who, which, record }),
		12 => (who.clone(), 0..=RECORDS, 0..=RECORDS)
			.prop_map(|(who, right, more)| Step::Submit { who, right, claimed: right.max(more) }),
		12 => (who.clone(), 0..=RECORDS)
			.prop_map(|(who, right)| Step::Submit { who, right, claimed: right }),
		6 => Just(Step::Conclude),
		8 => (who.clone(), any::<bool>()).prop_map(|(who, rightly)| Step::Accuse { who, rightly }),
		4 => (who.clone(), any::<bool>()).prop_map(|(who, head)| Step::Demand { who, head }),
		3 => any::<bool>().prop_map(|head| Step::Post { head }),
		3 => Just(Step::Revert),
		2 => (who, -5..60i64, 0..2_000u64, 0..40u64)
			.prop_map(|(who, threshold, amount, term)| Step::PostBounty { who, threshold, amount, term }),
		1 => (0..4u64).prop_map(|which| Step::WithdrawBounty { which }),
		1 => prop_oneof![3 => Just(Step::Pass { ticks: 1 }), 1 => Just(Step::Retire)],
		1 => Just(Step::DropScores),
		1 => which.prop_map(|which| Step::Forget { which }),
		2 => prop_oneof![1 => 0..3usize, 2 => Just(3)].prop_map(|size| Step::Bench { size }),
		2 => prop_oneof![Just(0), 1..40u64].prop_map(|ticks| Step::DrawAfter { ticks }),
		6 => (0..RECORDS, any::<bool>(), 0..4usize)
			.prop_map(|(record, wrong, liars)| Step::Differ { record, wrong, liars }),
		6 => Just(Step::Resolve),
		12 => (1..9u64).prop_map(|ticks| Step::Pass { ticks }),
	]
}

impl Attempt {
	/// The first record whose claimed score is wrong, or right.
	fn first(&self, wrong: bool) -> Option<u32> {
		let claimed = scores::Scores::new(spec().score_kind(), RECORDS, &self.scores).unwrap();
		(0..RECORDS).find(|i| (claimed.get(*i) != Some(self.actual(*i))) == wrong)
	}
}

pub(super) struct World {
	model: ModelId,
	attempts: Vec<(u64, Attempt)>,
	issued: u64,
}

impl World {
	pub(super) fn new() -> Self {
		let model = register(spec());
		Self { model, attempts: Vec::new(), issued: issuance() }
	}

	pub(super) fn model(&self) -> ModelId {
		self.model
	}

	/// The `which`-th submission from the last.
	fn pick(&self, which: usize) -> Option<(u64, Attempt)> {
		self.attempts.iter().rev().nth(which).cloned()
	}

	/// What is being verified.
	fn verifying(&self) -> Option<(u64, Attempt)> {
		let id = Training::verifying(self.model)?;
		self.attempts.iter().find(|(other, _)| *other == id).cloned()
	}

	/// The court runs what is disputed, if anything is.
	fn resolve(&self) -> DispatchResult {
		let Some((id, attempt)) = self.verifying() else { return Ok(()) };
		committee::disputed(id).map_or(Ok(()), |record| resolve(id, record, &attempt))
	}

	/// What is being verified, or the head.
	fn target(&self, head: bool) -> Option<Target> {
		match head {
			true => Some(Target::Head(self.model)),
			false => Training::verifying(self.model).map(Target::Submission),
		}
	}

	/// Does it, or is refused; whether anything happened is not the question here.
	pub(super) fn take(&mut self, step: Step) -> DispatchResult {
		use RuntimeOrigin as Origin;
		let model = self.model;
		match step {
			Step::Commit { who, right, claimed } => {
				let attempt = Attempt::claiming(PEOPLE[who], |i| i < right, |i| i < claimed);
				let id = next();
				Training::commit(Origin::signed(PEOPLE[who]), model, attempt.commitment(&model))?;
				self.attempts.push((id, attempt));
			}
			Step::Reveal { which } => {
				if let Some((id, attempt)) = self.pick(which) {
					reveal(id, &attempt)?;
				}
			}
			Step::Withdraw { which } => {
				if let Some((id, attempt)) = self.pick(which) {
					let origin = Origin::signed(attempt.trainer);
					Training::withdraw(origin, id, attempt.blob(), attempt.salt)?;
				}
			}
			Step::Attest { which, verifier, verdict } => {
				if let Some((id, _)) = self.pick(which) {
					let verdict =
						[Verdict::Valid, Verdict::Wrong(3), Verdict::Unavailable][usize::from(verdict)];
					attest(id, VERIFIERS[verifier], verdict)?;
				}
			}
			Step::AttestAll { which } => {
				if let Some((id, _)) = self.pick(which) {
					for verifier in VERIFIERS {
						let _ = attest(id, verifier, Verdict::Valid);
					}
				}
			}
			Step::Settle { which } => {
				if let Some((id, _)) = self.pick(which) {
					let before = Submissions::<Test>::get(id);
					if let Err(refused) = send(Call::settle { submission: id }) {
						assert_eq!(before, Submissions::<Test>::get(id));
						return Err(refused.error);
					}
				}
			}
			Step::CommitChallenge { who, which, record } => {
				if let Some((id, _)) = self.pick(which) {
					commit_challenge(PEOPLE[who], id, record)?;
				}
			}
			Step::Challenge { who, which, record } => {
				if let Some((id, attempt)) = self.pick(which) {
					let record = record % RECORDS;
					challenge(PEOPLE[who], id, record, &attempt).map_err(|e| e.error)?;
				}
			}
			Step::Submit { who, right, claimed } => {
				self.take(Step::Commit { who, right, claimed })?;
				pass(MIN_COMMIT_AGE);
				self.take(Step::Reveal { which: 0 })?;
			}
			Step::Conclude => {
				let Some(id) = Training::verifying(model) else { return Ok(()) };
				for verifier in committee::members(id) {
					let _ = attest(id, verifier, Verdict::Valid);
				}
				pass(CHALLENGE_WINDOW);
				settle(id)?;
			}
			Step::Accuse { who, rightly } => {
				let Some((id, attempt)) = self.verifying() else { return Ok(()) };
				if let Some(record) = attempt.first(rightly) {
					commit_challenge(PEOPLE[who], id, record)?;
					pass(MIN_CHALLENGE_AGE);
					challenge(PEOPLE[who], id, record, &attempt).map_err(|e| e.error)?;
				}
			}
			Step::Demand { who, head } => {
				let Some(target) = self.target(head) else { return Ok(()) };
				Training::demand(Origin::signed(PEOPLE[who]), target)?;
			}
			Step::Post { head } => {
				let Some(target) = self.target(head) else { return Ok(()) };
				let Some(demand) = Training::demand_for(target) else { return Ok(()) };
				let shown = self.attempts.iter().find(|(_, attempt)| attempt.blob() == demand.weights);
				if let Some((_, attempt)) = shown {
					let weights = attempt.shown();
					send(Call::post_weights { target, weights }).map_err(|e| e.error)?;
				}
			}
			Step::Revert => {
				Training::revert(Origin::signed(EVE), model).map_err(|e| e.error)?;
			}
			Step::PostBounty { who, threshold, amount, term } => {
				let origin = Origin::signed(PEOPLE[who]);
				Training::post_bounty(origin, model, threshold, amount, now() + term)?;
			}
			Step::WithdrawBounty { which } => {
				let bounties = Training::bounties(model);
				if let Some(bounty) = bounties.get(which as usize) {
					Training::withdraw_bounty(Origin::signed(bounty.poster), model, bounty.id)?;
				}
			}
			Step::Retire => Registry::retire(Origin::signed(REGISTRAR), model)?,
			Step::DropScores => Training::drop_scores(Origin::signed(EVE), model)?,
			Step::Forget { which } => {
				if let Some((_, attempt)) = self.pick(which) {
					Training::forget_weights(Origin::signed(EVE), model, attempt.blob().root)?;
				}
			}
			Step::Bench { size } => committee::seat(&VERIFIERS[..size]),
			Step::DrawAfter { ticks } => draw_after(ticks),
			Step::Differ { record, wrong, liars } => {
				let Some((id, attempt)) = self.verifying() else { return Ok(()) };
				let record = attempt.first(wrong).filter(|_| wrong).unwrap_or(record);
				let mut said = Vec::new();
				for (at, who) in committee::members(id).into_iter().enumerate() {
					let _ = attest(id, who, Verdict::Valid);
					said.push((who, if at < liars { [9; 32] } else { attempt.output(record) }));
				}
				differ(id, record, &said)?;
			}
			Step::Resolve => self.resolve()?,
			Step::Pass { ticks } => pass(ticks),
		}
		Ok(())
	}

	fn check(&self) {
		check();
		assert_eq!(issuance() + burned(), self.issued, "issuance is not what the events say");
		let accounts: u64 = PEOPLE.into_iter().chain(VERIFIERS).chain([POOR, DELEGATORS]).map(wealth).sum();
		assert_eq!(accounts, issuance(), "somebody else has something");
	}

	/// Lets everything come to its end.
	pub(super) fn finish(&mut self) {
		for _ in 0..200 {
			let live = Training::submissions(self.model);
			if live.is_empty() {
				break;
			}
			pass(REVEAL_WINDOW + DEMAND_WINDOW);
			for id in live {
				self.resolve().unwrap();
				let _ = settle(id);
				self.check();
			}
		}
		assert!(Training::submissions(self.model).is_empty(), "a submission does not end");
		pass(MAX_BOUNTY_TERM);
		for bounty in Training::bounties(self.model) {
			let origin = RuntimeOrigin::signed(bounty.poster);
			Training::withdraw_bounty(origin, self.model, bounty.id).unwrap();
		}
		if Demands::<Test>::contains_key(Target::Head(self.model)) {
			Training::revert(RuntimeOrigin::signed(EVE), self.model).unwrap();
		}
		self.check();
		assert_eq!(Demands::<Test>::iter().count(), 0);
		assert_eq!(Submissions::<Test>::iter().count(), 0);
		assert_eq!(ClaimedScores::<Test>::iter().count(), 0);
		assert_eq!(ChallengeCommitments::<Test>::iter().count(), 0);
		assert_eq!(Queue::<Test>::iter().count(), 0);
		assert_eq!(Verifying::<Test>::iter().count(), 0);
		let total = |reason: HoldReason| -> u64 { PEOPLE.into_iter().map(|who| held(reason, who)).sum() };
		assert_eq!(total(HoldReason::Submission), 0);
		assert_eq!(total(HoldReason::VerificationFee), 0);
		assert_eq!(total(HoldReason::Challenge), 0);
		assert_eq!(total(HoldReason::Demand), 0);
		assert_eq!(total(HoldReason::Bounty), 0);
		let heads = HeadScores::<Test>::iter().count() as u64;
		assert_eq!(total(HoldReason::ScoreList), heads * SCORE_DEPOSIT);
		let versions = KnownWeights::<Test>::iter().count() as u64;
		assert_eq!(total(HoldReason::KnownWeights), versions * KNOWN_DEPOSIT);
		assert!(versions <= u64::from(Registry::model(self.model).unwrap().next_version));
		self.check_ends();
	}

	/// Nothing that the court has found wrong was accepted, and whoever mints was told of no more than was burned.
	fn check_ends(&self) {
		let events: Vec<_> = System::events().into_iter().map(|record| record.event).collect();
		let refuted = events.iter().filter_map(|event| match event {
			RuntimeEvent::Training(Event::DisputeResolved { submission, claimed, actual, .. })
				if claimed != actual =>
			{
				Some(*submission)
			}
			_ => None,
		});
		for id in refuted {
			let ended = closed(id).unwrap().ended;
			assert!(matches!(ended, Ended::Fallen | Ended::Overturned(_)), "{id} ended as {ended:?}");
		}
		let of_fees = events.iter().map(|event| match event {
			RuntimeEvent::Training(Event::FeePaid { burned, .. }) => *burned,
			_ => 0,
		});
		let told: u64 = Settled::get().into_iter().map(|(_, burned)| burned).sum();
		assert!(told <= of_fees.sum(), "whoever mints was told of more than was burned of fees");
	}
}

/// What the events say was burned, over all time.
fn burned() -> u64 {
	System::events()
		.into_iter()
		.map(|record| match record.event {
			RuntimeEvent::Training(Event::Forfeited { burned, .. })
			| RuntimeEvent::Training(Event::Withdrawn { burned, .. })
			| RuntimeEvent::Training(Event::ChallengeCommitmentExpired { burned, .. })
			| RuntimeEvent::Training(Event::ChallengeFailed { burned, .. })
			| RuntimeEvent::Training(Event::FeePaid { burned, .. }) => burned,
			RuntimeEvent::Training(Event::Withheld { burned, .. }) => burned,
			RuntimeEvent::Training(Event::WeightsPosted { by_demander, by_trainer, .. }) => {
				by_demander + by_trainer
			}
			RuntimeEvent::Training(Event::Overturned { slashed, paid, .. }) => slashed - paid,
			RuntimeEvent::Training(Event::Refuted { burned, .. }) => burned,
			_ => 0,
		})
		.sum()
}

proptest! {
	#![proptest_config(ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::default() })]

	#[test]
	fn money_is_conserved_and_everything_ends(
		steps in proptest::collection::vec(step(), 1..120),
		headed in any::<bool>(),
	) {
		bare_ext().execute_with(|| {
			let mut world = World::new();
			if headed {
				become_head(world.model, &Attempt::new(REGISTRAR, |i| i < 3));
			}
			for step in steps {
				// A refusal changes nothing, which the invariants then show.
				let _ = world.take(step);
				world.check();
			}
			world.finish();
		});
	}
}
