//! Everybody who can cheat does, on the composed runtime, and who owns what afterwards is counted to the last planck.
//!
//! Each play starts a chain of its own: six verifiers with equal stakes, of which each gets one to three of ten votes, a
//! trainer, and a watcher who is no verifier. The tests compare what everybody has gained or lost with what the protocol
//! says, and with what was burned; the last one writes the table in `docs/security.md`.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cast_possible_wrap,
	clippy::expect_used,
	clippy::indexing_slicing,
	reason = "tests"
)]

use codec::Encode;
use oda_evaluator::ModelSpec;
use oda_pallet_traits::Role;
use oda_primitives::{SubmissionId, TaskId, Verdict, refusal};
use oda_runtime::{
	AccountId, Balance, Emission, ModelRegistry, Runtime, Session, Training, UNIT, Verification,
	parameters::{
		Windows,
		governed::{training, verification},
	},
};
use oda_runtime_integration_tests::{
	books::Books,
	chain::{Chain, FULL, genesis, unsigned},
	world::{Answer, challenge, outputs, reveal, spec},
};
use pallet_training::Target;
use pallet_verification::{Answer as Seated, Duty, Error, Phase, TaskOf};
use polkadot_sdk::{
	sp_core::{Get, storage::Storage},
	sp_keyring::Sr25519Keyring::{
		self, Bob, Charlie, CharlieStash, Dave, DaveStash, Eve, EveStash, Ferdie, FerdieStash,
	},
	sp_runtime::transaction_validity::{InvalidTransaction, TransactionValidityError},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, ops::Range, path::Path, sync::LazyLock};

type Train = pallet_training::Call<Runtime>;

const TRAINER: Sr25519Keyring = Bob;
const WATCHER: Sr25519Keyring = FerdieStash;
const DELEGATOR: Sr25519Keyring = EveStash;
const VERIFIERS: [Sr25519Keyring; 6] = [Charlie, Dave, Eve, Ferdie, CharlieStash, DaveStash];

/// What each verifier has bonded, where nothing else is said.
const BOND: Balance = 10_000 * UNIT;

/// What the weights are right on, bit by bit; and what a trainer claims who lies about record 3.
const RIGHT: u8 = 0b0000_0111;
const LIE: u8 = 0b0000_1111;
const WRONG: u32 = 3;

/// The genesis of every play but those about other bonds or sessions.
static EQUAL: LazyLock<Storage> = LazyLock::new(|| genesis_with([BOND; 6], |_| ()));

/// The development chain's genesis with these bonds of the verifiers, a committee of at least as many members as on a
/// public network, and another change.
fn genesis_with(bonds: [Balance; 6], change: impl FnOnce(&mut Value)) -> Storage {
	genesis(|patch| {
		let bonds = VERIFIERS.iter().zip(bonds).map(|(who, bond)| json!([who.to_account_id(), bond, 0]));
		patch["staking"]["verifiers"] = bonds.collect();
		let room = patch["verification"]["verifiers"][0].clone();
		let rooms = VERIFIERS.iter().map(|who| json!([who.to_account_id(), room[1], room[2]]));
		patch["verification"]["verifiers"] = rooms.collect();
		patch["protocolParameters"]["windows"]["minCommittee"] = json!(Windows::DEFAULT.min_committee);
		change(patch);
	})
}

fn account(who: Sr25519Keyring) -> AccountId {
	who.public().into()
}

/// A governed amount, in planck.
fn amount<Amount: Get<Balance>>(chain: &mut Chain) -> i128 {
	chain.natively(Amount::get) as i128
}

/// A member of a committee, with the votes that its stake answers for.
#[derive(Clone, Copy)]
struct Seat {
	who: Sr25519Keyring,
	votes: i128,
}

/// What a verifier says and shows, if it answers.
type Says = Option<(Verdict, Vec<[u8; 32]>)>;

/// Outputs that nobody has computed.
fn guessed() -> Vec<[u8; 32]> {
	vec![[0x77; 32]; 8]
}

/// Answers rightly about a claim.
fn honestly(claimed: u8) -> Says {
	let verdict = if claimed == RIGHT { Verdict::Valid } else { Verdict::Wrong(WRONG) };
	Some((verdict, outputs(RIGHT)))
}

/// What is said of weights that cannot be had.
fn unavailable() -> Says {
	Some((Verdict::Unavailable, guessed()))
}

fn concluded(task: &TaskOf<Runtime>) -> bool {
	matches!(
		task.phase,
		Phase::Disputed { .. } | Phase::Passed { .. } | Phase::Lapsed { .. } | Phase::Unavailable
	)
}

fn committing(task: &TaskOf<Runtime>) -> bool {
	matches!(task.phase, Phase::Committing { .. })
}

fn opening(task: &TaskOf<Runtime>) -> bool {
	matches!(task.phase, Phase::Opening { .. })
}

/// The first committee has come to nothing.
fn redrawn(task: &TaskOf<Runtime>) -> bool {
	task.redrawn
}

/// A submission, with the verifiers' fee of it and the burned part of that.
struct Claim {
	spec: ModelSpec,
	submission: SubmissionId,
	fee: i128,
	burn: i128,
}

/// A chain with claims that are to be verified.
struct Play {
	chain: Chain,
	claims: Vec<Claim>,
	/// What everybody owned before the first commitment.
	before: Books,
	/// What everybody should have gained and lost.
	due: BTreeMap<AccountId, i128>,
	/// What should have been burned.
	burned: i128,
	/// The votes that somebody pays for, in each committee.
	votes: Vec<i128>,
}

impl Play {
	/// The trainer claims the scores of its weights, or better ones.
	fn begin(claimed: u8) -> Self {
		Self::stage(Chain::start_from(EQUAL.clone()), claimed, 1)
	}

	/// The trainer claims so of each of a number of models, all in one session.
	fn stage(mut chain: Chain, claimed: u8, models: u64) -> Self {
		let specs: Vec<_> = (1..=models).map(spec).collect();
		for some in specs.chunks(4) {
			for spec in some {
				chain.announce(TRAINER, spec);
			}
			chain.blocks(4);
			some.iter().for_each(|spec| chain.register(TRAINER, spec));
		}
		let before = chain.books();
		let commits: Vec<_> = specs.iter().map(|spec| chain.commit_call(TRAINER, spec, RIGHT)).collect();
		let first = chain.natively(pallet_training::NextSubmission::<Runtime>::get);
		chain.signed_together(TRAINER, commits);
		// They are revealed early in a session.
		chain.blocks(4);
		let session = chain.natively(Session::current_index);
		while chain.natively(Session::current_index) == session {
			chain.empty_block();
		}
		let reveals = (first..).take(specs.len()).map(|id| reveal(id, RIGHT, claimed));
		chain.signed_together(TRAINER, reveals);
		assert_eq!(chain.natively(Session::current_index), session + 1);
		let claims = specs.into_iter().zip(first..).map(|(spec, submission)| {
			let entry = chain.natively(|| pallet_training::Submissions::<Runtime>::get(submission));
			let terms = entry.expect("it is live").terms;
			Claim { spec, submission, fee: terms.fee as i128, burn: terms.fee_burn as i128 }
		});
		let claims = claims.collect();
		Self { chain, claims, before, due: BTreeMap::new(), burned: 0, votes: Vec::new() }
	}

	/// Notes that somebody should gain an amount, or lose it.
	fn due(&mut self, who: Sr25519Keyring, amount: i128) {
		*self.due.entry(account(who)).or_default() += amount;
	}

	/// Notes that something of an account should be burned.
	fn burns(&mut self, who: Sr25519Keyring, amount: i128) {
		self.due(who, -amount);
		self.burned += amount;
	}

	/// Notes for whose votes somebody should pay.
	fn votes_of(&mut self, seats: &[Seat]) {
		self.votes.push(seats.iter().map(|seat| seat.votes).sum());
	}

	/// Notes that each of these should lose so much a vote, all of it burned.
	fn burns_each<Amount: Get<Balance>>(&mut self, seats: &[Seat]) {
		self.votes_of(seats);
		let each = amount::<Amount>(&mut self.chain);
		seats.iter().for_each(|seat| self.burns(seat.who, each * seat.votes));
	}

	/// Notes that these should share the fee of a claim by their votes. What cannot be divided stays the trainer's, or is
	/// burned if the claim falls.
	fn shares_fee(&mut self, claim: usize, seats: &[Seat], falls: bool) {
		let Claim { fee, burn, .. } = self.claims[claim];
		let votes: i128 = seats.iter().map(|seat| seat.votes).sum();
		let each = (fee - burn) / votes;
		for seat in seats {
			self.due(TRAINER, -each * seat.votes);
			self.due(seat.who, each * seat.votes);
		}
		self.burns(TRAINER, burn);
		if falls {
			self.burns(TRAINER, fee - burn - each * votes);
		}
	}

	/// Notes that the watcher should have half of the trainer's bond, and half of what each of these loses by a lie a vote.
	fn overturns(&mut self, liars: &[Seat]) {
		let bond = amount::<training::TrainerBond>(&mut self.chain);
		let lie = amount::<verification::VerifierSlash>(&mut self.chain);
		for (who, loss) in liars.iter().map(|seat| (seat.who, lie * seat.votes)).chain([(TRAINER, bond)]) {
			self.burns(who, loss - loss / 2);
			self.due(who, -loss / 2);
			self.due(WATCHER, loss / 2);
		}
		self.votes_of(liars);
	}

	/// The task of a claim.
	fn task(&mut self, claim: usize) -> TaskOf<Runtime> {
		let submission = self.claims[claim].submission;
		self.chain.task(submission)
	}

	/// Its members, in their order.
	fn seats(&mut self, claim: usize) -> Vec<Seat> {
		let task = TaskId::Submission(self.claims[claim].submission);
		let view = self.chain.natively(|| Verification::task(task)).expect("it is open");
		let seats = view.task.members.iter().zip(&view.seats).map(|(member, seat)| {
			let who = Sr25519Keyring::from_account_id(member).expect("a verifier of genesis");
			Seat { who, votes: seat.reserved.into() }
		});
		seats.collect()
	}

	/// Its committee, once it is drawn: the first member, and the others.
	fn committee(&mut self) -> (Seat, Vec<Seat>) {
		self.answers(|_| None, committing);
		let seats = self.seats(0);
		let (first, others) = seats.split_first().expect("it has members");
		// What the others say alone is enough.
		let quorum = i128::from(self.task(0).quorum);
		assert!(others.iter().map(|seat| seat.votes).sum::<i128>() >= quorum);
		(*first, others.to_vec())
	}

	/// Lets members commit and open as soon as they can, those who say something, until every task is so far.
	fn answers(&mut self, says: impl Fn(Sr25519Keyring) -> Says, is_over: fn(&TaskOf<Runtime>) -> bool) {
		for _ in 0..400 {
			let mut calls = Vec::new();
			let mut over = true;
			for claim in 0..self.claims.len() {
				let submission = self.claims[claim].submission;
				let view = self.chain.natively(|| Verification::task(TaskId::Submission(submission)));
				let view = view.expect("it is open");
				if is_over(&view.task) {
					continue;
				}
				over = false;
				for (member, seat) in
					view.task.members.iter().zip(&view.seats).filter(|(_, seat)| !seat.earlier)
				{
					let who = Sr25519Keyring::from_account_id(member).expect("a verifier of genesis");
					let Some((verdict, outputs)) = says(who) else { continue };
					let answer = Answer::new(who, submission, verdict, outputs);
					match (&view.task.phase, &seat.answer) {
						(Phase::Committing { .. }, Seated::None) => {
							calls.push(answer.commit(&mut self.chain))
						}
						(Phase::Opening { .. }, Seated::Committed(_)) => {
							calls.push(answer.open(&mut self.chain))
						}
						_ => {}
					}
				}
			}
			if over {
				return;
			}
			let transactions: Vec<_> = calls.into_iter().map(unsigned).collect();
			for result in self.chain.block(&transactions) {
				assert!([Ok(Ok(())), Err(FULL)].contains(&result), "{result:?}");
			}
		}
		panic!("{:?} after 400 blocks", self.task(0));
	}

	/// What the block space costs that demanded weights take.
	fn price(&mut self, claim: usize) -> i128 {
		let target = Target::Submission(self.claims[claim].submission);
		self.chain.natively(|| Training::demand_for(target)).expect("they are demanded").price as i128
	}

	/// The watcher commits to evidence against each claim.
	fn accuse(&mut self) {
		let calls: Vec<_> = self
			.claims
			.iter()
			.map(|claim| self.chain.commit_challenge(WATCHER, claim.submission, WRONG))
			.collect();
		self.chain.signed_together(WATCHER, calls);
		// Evidence has to age.
		self.chain.blocks(2);
	}

	/// The watcher shows its evidence against a claim, which falls.
	fn overturn(&mut self, claim: usize) {
		let Claim { spec, submission, .. } = &self.claims[claim];
		self.chain.authorised(challenge(WATCHER, *submission, spec, WRONG, RIGHT));
		let live = pallet_training::Submissions::<Runtime>::contains_key;
		assert!(!self.chain.natively(|| live(*submission)));
	}

	/// Settles some claims as soon as that is due, whatever it takes.
	fn settle(&mut self, claims: Range<usize>) {
		let ids: Vec<_> = self.claims[claims].iter().map(|claim| claim.submission).collect();
		for _ in 0..100 {
			let live = |id: &SubmissionId| pallet_training::Submissions::<Runtime>::contains_key(*id);
			let left: Vec<_> = self.chain.natively(|| ids.iter().copied().filter(live).collect());
			let settle = |submission| unsigned(Train::settle { submission });
			if left.is_empty() {
				return;
			}
			// Refused while nothing is due.
			let settles: Vec<_> = left.into_iter().map(settle).collect();
			self.chain.block(&settles);
		}
		panic!("{ids:?} cannot be settled");
	}

	/// Settles a claim, and its weights have to be the head.
	fn accept(&mut self) {
		assert!(matches!(self.task(0).phase, Phase::Passed { .. }), "{:?}", self.task(0));
		self.settle(0..1);
		let Claim { spec, submission, .. } = &self.claims[0];
		let head = self.chain.natively(|| ModelRegistry::head(spec.id())).expect("there is one");
		assert_eq!(head.1.submission, *submission);
	}

	/// Settles it, and there has to be no head.
	fn reject(&mut self) {
		self.settle(0..1);
		let model = self.claims[0].spec.id();
		assert_eq!(self.chain.natively(|| ModelRegistry::head(model)), None);
	}

	/// Compares what everybody owns with what is due, to the last unit, and with what was issued; a row of the table.
	fn end(mut self, [who, does, by]: [&'static str; 3], adversaries: &[Sr25519Keyring]) -> Row {
		self.chain.check();
		// No period of the emission is over yet: nobody was paid anything new.
		assert_eq!(self.chain.natively(Emission::minted), 0);
		let after = self.chain.books();
		let changes = self.before.changes(&after);
		self.due.retain(|_, amount| *amount != 0);
		let names = |amounts: &BTreeMap<AccountId, i128>| {
			let named = amounts.iter().map(|(who, amount)| (Sr25519Keyring::from_account_id(who), *amount));
			named.collect::<BTreeMap<_, _>>()
		};
		assert_eq!(names(&changes), names(&self.due), "{who}");
		let burned = self.before.burned(&after);
		assert_eq!(burned, self.burned, "{who}");
		assert_eq!(changes.values().sum::<i128>() + burned, 0, "{who}");
		let of = |who: &Sr25519Keyring| changes.get(&account(*who)).copied().unwrap_or_default();
		let honest = VERIFIERS.iter().filter(|verifier| !adversaries.contains(verifier)).map(of);
		let votes =
			self.votes.iter().filter(|votes| **votes > 0).map(ToString::to_string).collect::<Vec<_>>();
		Row {
			who,
			does,
			by,
			votes: votes.join(" + "),
			adversary: adversaries.iter().map(of).sum(),
			challenger: (!adversaries.contains(&WATCHER)).then(|| of(&WATCHER)),
			honest: honest.sum(),
			burned,
			trainer: (!adversaries.contains(&TRAINER)).then(|| of(&TRAINER)),
		}
	}
}

/// What a play came to.
struct Row {
	who: &'static str,
	does: &'static str,
	by: &'static str,
	votes: String,
	adversary: i128,
	/// Nothing where the challenger is the adversary.
	challenger: Option<i128>,
	honest: i128,
	burned: i128,
	/// Nothing where the trainer is.
	trainer: Option<i128>,
}

fn whose(seats: &[Seat]) -> Vec<Sr25519Keyring> {
	seats.iter().map(|seat| seat.who).collect()
}

/// What the pool says of an opening that is not the member's own.
fn refused(error: &Error<Runtime>) -> TransactionValidityError {
	let index = error.encode()[0];
	InvalidTransaction::Custom(refusal::VERIFICATION + index).into()
}

fn liar() -> Row {
	let mut play = Play::begin(LIE);
	let (liar, honest) = play.committee();
	let lie = Some((Verdict::Valid, outputs(RIGHT)));
	let says = |who| if who == liar.who { lie.clone() } else { honestly(LIE) };
	play.answers(says, opening);
	play.accuse();
	play.answers(says, redrawn);
	play.overturn(0);
	play.overturns(&[liar]);
	play.shares_fee(0, &honest, true);
	play.end(["A liar", "says `Valid` of a wrong score that the others found", "a challenge"], &[liar.who])
}

fn liar_with_delegators() -> Row {
	// Half of what it answers with is somebody else's.
	let [liar, ..] = VERIFIERS;
	let mut bonds = [BOND; 6];
	bonds[0] = BOND / 2;
	let mut chain = Chain::start_from(genesis_with(bonds, |_| ()));
	let role = Role::Verifier;
	let operator = account(liar);
	chain.signed(DELEGATOR, pallet_oda_staking::Call::delegate { role, operator, amount: BOND / 2 });
	let mut play = Play::stage(chain, LIE, 1);
	play.answers(|_| None, committing);
	let (liars, honest): (Vec<_>, Vec<_>) = play.seats(0).into_iter().partition(|seat| seat.who == liar);
	let lie = Some((Verdict::Valid, outputs(RIGHT)));
	let says = |who| if who == liar { lie.clone() } else { honestly(LIE) };
	play.answers(says, opening);
	play.accuse();
	play.answers(says, redrawn);
	play.overturn(0);
	// The challenger has a half of what the operator itself loses: nothing of the delegators'.
	let loss = amount::<verification::VerifierSlash>(&mut play.chain) * liars[0].votes;
	play.overturns(&[]);
	play.votes = vec![liars[0].votes];
	play.due(WATCHER, loss / 4);
	play.due(liar, -loss / 4);
	play.burns(liar, loss / 4);
	play.burns(DELEGATOR, loss / 2);
	play.shares_fee(0, &honest, true);
	play.end(
		["The same, half of its stake delegated", "the same; its delegators pay the half", "a challenge"],
		&[liar, DELEGATOR],
	)
}

fn copier_of_a_commitment() -> Row {
	let mut play = Play::begin(RIGHT);
	let (copier, honest) = play.committee();
	let submission = play.claims[0].submission;
	let copied = Answer::new(honest[0].who, submission, Verdict::Valid, outputs(RIGHT));
	let own = Answer { verifier: copier.who, ..copied.clone() };
	let commitment = copied.commitment(&mut play.chain);
	let copy = own.commit_to(&mut play.chain, commitment);
	play.chain.authorised(copy);
	let says = |who| if who == copier.who { None } else { honestly(RIGHT) };
	play.answers(says, opening);
	// Everything about the other's answer is public by now.
	let open = own.open(&mut play.chain);
	assert_eq!(play.chain.send(&unsigned(open)), Err(refused(&Error::OtherCommitment)));
	play.answers(says, concluded);
	play.accept();
	play.burns_each::<verification::UnopenedSlash>(&[copier]);
	play.shares_fee(0, &honest, false);
	play.end(
		["A copier", "commits to another's hash", "its account is in the hash: it cannot open it"],
		&[copier.who],
	)
}

fn copier_of_a_root() -> Row {
	let mut play = Play::begin(RIGHT);
	let (copier, honest) = play.committee();
	let submission = play.claims[0].submission;
	let told = Answer::new(honest[0].who, submission, Verdict::Valid, outputs(RIGHT));
	let mut own = Answer::new(copier.who, submission, Verdict::Valid, guessed());
	own.finding.root = told.finding.root;
	let commit = own.commit(&mut play.chain);
	play.chain.authorised(commit);
	let says = |who| if who == copier.who { None } else { honestly(RIGHT) };
	play.answers(says, opening);
	for tree in [told.tree, own.tree.clone()] {
		let open = Answer { tree, ..own.clone() }.open(&mut play.chain);
		assert_eq!(play.chain.send(&unsigned(open)), Err(refused(&Error::OtherOutput)));
	}
	play.answers(says, concluded);
	play.accept();
	play.burns_each::<verification::UnopenedSlash>(&[copier]);
	play.shares_fee(0, &honest, false);
	play.end(
		[
			"A copier",
			"commits to a root that it was told",
			"the other's account is in each leaf: it has no proofs",
		],
		&[copier.who],
	)
}

fn lazy() -> Row {
	let mut play = Play::begin(RIGHT);
	let (lazy, honest) = play.committee();
	let guess = Some((Verdict::Valid, guessed()));
	play.answers(|who| if who == lazy.who { guess.clone() } else { honestly(RIGHT) }, concluded);
	let Claim { spec, submission, .. } = &play.claims[0];
	play.chain.resolve(*submission, spec, RIGHT);
	play.accept();
	play.burns_each::<verification::VerifierSlash>(&[lazy]);
	play.shares_fee(0, &honest, false);
	play.end(
		["A lazy one", "says `Valid`, having run nothing", "its outputs differ: the court runs the record"],
		&[lazy.who],
	)
}

fn absent() -> Row {
	let mut play = Play::begin(RIGHT);
	let (absent, honest) = play.committee();
	play.answers(|who| if who == absent.who { None } else { honestly(RIGHT) }, concluded);
	play.accept();
	play.burns_each::<verification::AbsenceSlash>(&[absent]);
	play.shares_fee(0, &honest, false);
	play.end(["An absent one", "does not answer", "the end of the window"], &[absent.who])
}

fn abstainer() -> Row {
	let mut play = Play::begin(RIGHT);
	let (abstainer, honest) = play.committee();
	play.answers(|who| if who == abstainer.who { unavailable() } else { honestly(RIGHT) }, concluded);
	play.accept();
	play.burns_each::<verification::AbsenceSlash>(&[abstainer]);
	play.shares_fee(0, &honest, false);
	play.end(
		["An abstainer", "says `Unavailable` of what can be had", "a quorum has had it"],
		&[abstainer.who],
	)
}

fn accuser() -> Row {
	let mut play = Play::begin(RIGHT);
	let (accuser, honest) = play.committee();
	let accusation = Some((Verdict::Wrong(WRONG), outputs(RIGHT)));
	play.answers(|who| if who == accuser.who { accusation.clone() } else { honestly(RIGHT) }, concluded);
	play.accept();
	play.burns_each::<verification::AccusationSlash>(&[accuser]);
	play.shares_fee(0, &honest, false);
	play.end(
		["An accuser", "says `Wrong` of a right score, and shows nothing", "no challenge follows"],
		&[accuser.who],
	)
}

fn false_challenger() -> Row {
	let mut play = Play::begin(RIGHT);
	let (first, others) = play.committee();
	let honest = [&[first], &others[..]].concat();
	play.answers(|_| honestly(RIGHT), concluded);
	play.accuse();
	let Claim { spec, submission, .. } = &play.claims[0];
	play.chain.authorised(challenge(WATCHER, *submission, spec, WRONG, RIGHT));
	play.accept();
	let bond = amount::<training::ChallengeBond>(&mut play.chain);
	play.burns(WATCHER, bond);
	play.shares_fee(0, &honest, false);
	play.end(["A challenger", "challenges a right score", "the court runs the record"], &[WATCHER])
}

fn withholder() -> Row {
	let mut play = Play::begin(RIGHT);
	play.answers(|_| unavailable(), concluded);
	assert_eq!(play.task(0).phase, Phase::Unavailable);
	// The weights are demanded by nobody, and nobody posts them.
	play.reject();
	let bond = amount::<training::TrainerBond>(&mut play.chain);
	let fee = play.claims[0].fee;
	play.burns(TRAINER, bond + fee);
	play.end(
		[
			"A trainer",
			"gives its weights to nobody",
			"most say `Unavailable`: they are demanded by themselves",
		],
		&[TRAINER],
	)
}

fn withholder_with_friends() -> Row {
	let mut play = Play::begin(LIE);
	let (outsider, friends) = play.committee();
	let favour = Some((Verdict::Valid, guessed()));
	play.answers(|who| if who == outsider.who { unavailable() } else { favour.clone() }, concluded);
	assert!(matches!(play.task(0).phase, Phase::Passed { .. }));
	// Who lacks them demands them; what it has on hold comes back.
	let target = Target::Submission(play.claims[0].submission);
	play.chain.signed(outsider.who, Train::demand { target });
	play.reject();
	let bond = amount::<training::TrainerBond>(&mut play.chain);
	let fee = play.claims[0].fee;
	play.burns(TRAINER, bond + fee);
	play.burns_each::<verification::VerifierSlash>(&friends);
	let mut adversaries = whose(&friends);
	adversaries.push(TRAINER);
	play.end(
		[
			"A trainer and a quorum of friends",
			"keep the weights among themselves, and say `Valid`",
			"a demand",
		],
		&adversaries,
	)
}

fn demander() -> Row {
	let mut play = Play::begin(RIGHT);
	let (first, others) = play.committee();
	let honest = [&[first], &others[..]].concat();
	play.answers(|_| honestly(RIGHT), concluded);
	let Claim { submission, .. } = play.claims[0];
	play.chain.signed(WATCHER, Train::demand { target: Target::Submission(submission) });
	let price = play.price(0);
	// Each member has them, and nobody has to be the trainer to post them.
	play.chain.post(submission, RIGHT);
	play.accept();
	play.burns(WATCHER, price - price / 2);
	play.burns(TRAINER, price / 2);
	play.shares_fee(0, &honest, false);
	play.end(
		["A demander", "demands weights that can be had", "a member posts them, and nobody earns by it"],
		&[WATCHER],
	)
}

/// How many models a trainer opens tasks about at once.
const MODELS: u64 = 12;

/// The slots of a session in which all of these tasks can be answered and settled, and the ticks in which demanded weights
/// can be posted: as many, as on a public network.
const LONG_SESSION: u64 = 100;

fn outage() -> Row {
	let genesis = genesis_with([BOND; 6], |patch| {
		patch["tempo"]["epochLength"] = json!(LONG_SESSION);
		let windows = &mut patch["protocolParameters"]["windows"];
		windows["verifierPatience"] = json!(3 * LONG_SESSION);
		windows["demand"] = json!(LONG_SESSION);
	});
	let mut play = Play::stage(Chain::start_from(genesis), RIGHT, MODELS);
	let [absent, ..] = VERIFIERS;
	play.answers(|_| None, committing);
	let session = play.chain.natively(Session::current_index);
	let mut missed = 0;
	for claim in 0..play.claims.len() {
		let (absents, honest): (Vec<_>, Vec<_>) =
			play.seats(claim).into_iter().partition(|seat| seat.who == absent);
		missed += absents.iter().map(|seat| seat.votes).sum::<i128>();
		play.shares_fee(claim, &honest, false);
	}
	play.answers(|who| if who == absent { None } else { honestly(RIGHT) }, concluded);
	// The trainer holds half of them back, by demanding its own weights, and posts them in the next session.
	let (half, all) = (play.claims.len() / 2, play.claims.len());
	let held: Vec<_> = play.claims[half..].iter().map(|claim| claim.submission).collect();
	let demands: Vec<_> = held.iter().map(|id| Train::demand { target: Target::Submission(*id) }).collect();
	play.chain.signed_together(TRAINER, demands);
	let price = play.price(half);
	play.settle(0..half);
	assert_eq!(play.chain.natively(Session::current_index), session);
	while play.chain.natively(Session::current_index) == session {
		play.chain.empty_block();
	}
	for id in held {
		play.chain.post(id, RIGHT);
		play.burns(TRAINER, price);
	}
	play.settle(half..all);
	assert_eq!(play.chain.natively(Session::current_index), session + 1);
	let absence = amount::<verification::AbsenceSlash>(&mut play.chain);
	let cap = amount::<verification::AbsenceCap>(&mut play.chain);
	assert!(missed * absence > cap, "{missed} votes");
	play.burns(absent, cap);
	play.votes.push(missed);
	let state = play.chain.natively(|| Verification::verifier(account(absent))).expect("it joined");
	assert!(matches!(state.duty, Duty::Away { .. }));
	assert_eq!(i128::from(state.absences.in_a_row), MODELS.into());
	play.end(
		[
			"One with an outage",
			"does not answer in twelve tasks of one trainer, who lets half of them end a session later",
			"the end of the windows: for tasks drawn in one session the cost is capped",
		],
		&[absent],
	)
}

/// What a verifier has bonded whose stake is to be too small for all tasks: five lies.
const SMALL_BOND: Balance = 1_500 * UNIT;

fn liar_in_many_tasks() -> Row {
	let genesis = genesis_with([SMALL_BOND; 6], |_| ());
	let mut play = Play::stage(Chain::start_from(genesis), LIE, 4);
	let [liar, ..] = VERIFIERS;
	let waiting = |task: &TaskOf<Runtime>| matches!(task.phase, Phase::Drawing { .. });
	while (0..play.claims.len()).all(|claim| waiting(&play.task(claim))) {
		play.chain.empty_block();
	}
	// Two are drawn in a tick.
	play.chain.blocks(3);
	let lie = amount::<verification::VerifierSlash>(&mut play.chain);
	let (mut signed, mut undrawn) = (0, 0);
	for claim in 0..play.claims.len() {
		let (liars, honest): (Vec<_>, Vec<_>) =
			play.seats(claim).into_iter().partition(|seat| seat.who == liar);
		signed += liars.iter().map(|seat| seat.votes).sum::<i128>();
		play.overturns(&liars);
		if honest.is_empty() {
			undrawn += 1;
			let fee = play.claims[claim].fee;
			play.burns(TRAINER, fee);
		} else {
			play.shares_fee(claim, &honest, true);
		}
	}
	assert_eq!((signed, undrawn), (SMALL_BOND as i128 / lie, 1));
	// It does not help to take the stake away.
	let (role, operator) = (Role::Verifier, account(liar));
	play.chain.signed(liar, pallet_oda_staking::Call::unbond { role, operator, amount: SMALL_BOND });
	let signs = Some((Verdict::Valid, outputs(RIGHT)));
	let says = |who| if who == liar { signs.clone() } else { honestly(LIE) };
	play.answers(says, |task| opening(task) || matches!(task.phase, Phase::Drawing { .. }));
	play.accuse();
	play.answers(says, |task| matches!(task.phase, Phase::Drawing { .. }));
	(0..play.claims.len()).for_each(|claim| play.overturn(claim));
	play.end(
		["A liar", "says `Valid` of wrong scores in many tasks at once, on 1,500 ODA", "challenges"],
		&[liar],
	)
}

fn committee_of_liars() -> Row {
	let mut play = Play::begin(LIE);
	let (first, others) = play.committee();
	let liars = [&[first], &others[..]].concat();
	// They agree on outputs that nobody has computed.
	let lie = Some((Verdict::Valid, guessed()));
	play.answers(|_| lie.clone(), concluded);
	assert!(matches!(play.task(0).phase, Phase::Passed { .. }));
	play.accuse();
	play.overturn(0);
	play.overturns(&liars);
	let fee = play.claims[0].fee;
	play.burns(TRAINER, fee);
	play.end(
		["A committee of liars only", "says `Valid` of a wrong score", "a watcher's challenge"],
		&whose(&liars),
	)
}

fn absent_committee() -> Row {
	let mut play = Play::begin(RIGHT);
	play.answers(|_| None, committing);
	let first = play.seats(0);
	play.answers(|_| None, redrawn);
	play.answers(|_| None, committing);
	let second = play.seats(0);
	play.answers(|_| None, concluded);
	play.reject();
	play.burns_each::<verification::AbsenceSlash>(&first);
	play.burns_each::<verification::AbsenceSlash>(&second);
	play.end(
		["An absent committee", "does not answer, nor does the second one", "the end of the windows"],
		&VERIFIERS,
	)
}

fn accusing_committee() -> Row {
	let mut play = Play::begin(RIGHT);
	let accusation = Some((Verdict::Wrong(WRONG), outputs(RIGHT)));
	play.answers(|_| accusation.clone(), concluded);
	// What they said in the first committee stands in the second, for the votes that they have there.
	let accusers = play.seats(0);
	assert!(accusers.iter().map(|seat| seat.votes).sum::<i128>() >= 20);
	play.reject();
	play.burns_each::<verification::AccusationSlash>(&accusers);
	play.end(
		["A hostile committee", "says `Wrong` of right scores, and shows nothing", "no challenge follows"],
		&VERIFIERS,
	)
}

fn abstaining_committee() -> Row {
	let mut play = Play::begin(RIGHT);
	play.answers(|_| unavailable(), concluded);
	let Claim { submission, .. } = play.claims[0];
	play.chain.authorised(Train::settle { submission });
	let price = play.price(0);
	play.chain.post(submission, RIGHT);
	play.burns(TRAINER, price / 2);
	let first = play.seats(0);
	play.answers(|_| unavailable(), redrawn);
	play.answers(|_| unavailable(), committing);
	let second = play.seats(0);
	play.answers(|_| unavailable(), concluded);
	play.reject();
	play.burns_each::<verification::AbsenceSlash>(&first);
	play.burns_each::<verification::AbsenceSlash>(&second);
	play.end(
		[
			"A hostile committee",
			"says `Unavailable`, and goes on when the weights are posted",
			"they were shown",
		],
		&VERIFIERS,
	)
}

fn forging_committee() -> Row {
	let mut play = Play::begin(RIGHT);
	let (honest, forgers) = play.committee();
	let forged = Some((Verdict::Wrong(WRONG), guessed()));
	let says = |who| if who == honest.who { honestly(RIGHT) } else { forged.clone() };
	play.answers(says, concluded);
	let Claim { spec, submission, .. } = &play.claims[0];
	play.chain.resolve(*submission, spec, RIGHT);
	assert!(play.task(0).redrawn);
	play.answers(says, concluded);
	let (right, again): (Vec<_>, Vec<_>) = play.seats(0).into_iter().partition(|seat| seat.who == honest.who);
	play.reject();
	play.burns_each::<verification::VerifierSlash>(&forgers);
	play.burns_each::<verification::AccusationSlash>(&again);
	play.shares_fee(0, &right, false);
	play.end(
		[
			"A hostile committee but one member",
			"shows outputs that it agreed on, and says `Wrong`",
			"the one's outputs differ: the trainer lets the court run the record",
		],
		&whose(&forgers),
	)
}

/// An amount in ODA, with its sign, cut to thousandths.
fn oda(planck: i128) -> String {
	let milli = planck.unsigned_abs() / (UNIT / 1_000);
	let (whole, part) = (milli / 1_000, milli % 1_000);
	let thousands =
		if whole < 1_000 { whole.to_string() } else { format!("{},{:03}", whole / 1_000, whole % 1_000) };
	let sign = if planck < 0 && milli > 0 { "−" } else { "" };
	format!("{sign}{thousands}.{part:03}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The plays, in the order of the table.
const PLAYS: [fn() -> Row; 19] = [
	liar,
	liar_with_delegators,
	liar_in_many_tasks,
	committee_of_liars,
	lazy,
	copier_of_a_commitment,
	copier_of_a_root,
	absent,
	outage,
	abstainer,
	accuser,
	false_challenger,
	withholder,
	withholder_with_friends,
	demander,
	absent_committee,
	accusing_committee,
	abstaining_committee,
	forging_committee,
];

impl Row {
	fn line(&self) -> String {
		let [challenger, trainer] =
			[self.challenger, self.trainer].map(|amount| amount.map_or_else(String::new, oda));
		let [adversary, honest, burned] = [self.adversary, self.honest, self.burned].map(oda);
		let Self { who, does, by, votes, .. } = self;
		format!(
			"| {who} | {does} | {by} | {votes} | {adversary} | {challenger} | {honest} | {trainer} | {burned} |\n"
		)
	}
}

#[test]
fn a_liar_should_pay_for_each_vote_and_half_of_that_be_the_challengers() {
	liar();
}

#[test]
fn delegators_should_pay_with_a_liar_and_the_challenger_have_nothing_of_theirs() {
	liar_with_delegators();
}

#[test]
fn one_stake_should_answer_for_each_of_many_lies_in_full() {
	liar_in_many_tasks();
}

#[test]
fn a_watcher_should_win_against_a_committee_of_liars_only() {
	committee_of_liars();
}

#[test]
fn a_lazy_member_should_pay_for_outputs_that_it_guessed() {
	lazy();
}

#[test]
fn a_copied_commitment_should_cost_who_cannot_open_it() {
	copier_of_a_commitment();
}

#[test]
fn a_copied_root_should_cost_who_cannot_open_it() {
	copier_of_a_root();
}

#[test]
fn an_absent_member_should_pay_and_the_others_share_the_fee() {
	absent();
}

#[test]
fn many_tasks_during_an_outage_should_cost_a_verifier_no_more_than_the_cap() {
	outage();
}

#[test]
fn saying_unavailable_of_what_can_be_had_should_cost_what_absence_does() {
	abstainer();
}

#[test]
fn an_accuser_that_shows_nothing_should_pay() {
	accuser();
}

#[test]
fn a_challenger_of_a_right_score_should_lose_its_bond() {
	false_challenger();
}

#[test]
fn a_trainer_that_withholds_its_weights_should_lose_its_bond_and_the_fee() {
	withholder();
}

#[test]
fn a_quorum_that_signs_what_is_withheld_should_fall_with_the_trainer() {
	withholder_with_friends();
}

#[test]
fn a_demand_of_what_can_be_had_should_cost_its_demander_half_of_posting() {
	demander();
}

#[test]
fn an_absent_committee_should_cost_an_honest_trainer_nothing() {
	absent_committee();
}

#[test]
fn a_committee_of_accusers_should_cost_an_honest_trainer_nothing() {
	accusing_committee();
}

#[test]
fn a_committee_that_abstains_should_cost_an_honest_trainer_its_half_of_posting() {
	abstaining_committee();
}

#[test]
fn a_committee_of_forgers_should_cost_an_honest_trainer_the_fee_and_one_honest_member_nothing() {
	forging_committee();
}

#[test]
fn the_page_should_say_who_loses_what() {
	let mut table = String::from(
		"| adversary | what it does | caught by | votes | it gets | challenger gets | honest verifiers get | trainer gets | burned |\n\
		 |---|---|---|---|---:|---:|---:|---:|---:|\n",
	);
	PLAYS.iter().for_each(|play| table.push_str(&play().line()));
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md");
	let page = std::fs::read_to_string(path).expect("the page is there");
	assert!(page.contains(&table), "docs/security.md has another table than\n{table}");
}
