//! The rehearsal of an upgrade: what a chain of the last runtime has under way ends as it would have.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use oda_primitives::{
	BlobRef, ModelId, RangeProof, SubmissionId, TaskId, hash, message, storage::challenged_range,
};
use oda_runtime::{
	AccountId, Balance, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, Signature, StorageDeals, Training,
	UNIT, VERSION, Verification,
	configs::protocol::EvaluationWeight,
	parameters::{
		RuntimeParameters,
		governed::{storage_deals, training, verification},
	},
};
use oda_runtime_integration_tests::{
	PREVIOUS,
	chain::Chain,
	current,
	world::{SALT, data, spec, weights},
};
use pallet_training::{Phase, Target};
use polkadot_sdk::{
	frame_support::storage::storage_prefix,
	frame_system,
	sp_core::{Pair, ed25519, storage::well_known_keys::CODE},
	sp_io::{hashing::twox_128, storage},
	sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie},
	sp_runtime::{
		traits::{Convert, Dispatchable, Get},
		transaction_validity::InvalidTransaction,
	},
};
use std::collections::BTreeMap;

type Train = pallet_training::Call<Runtime>;
type Store = pallet_storage_deals::Call<Runtime>;

fn account(who: Sr25519Keyring) -> AccountId {
	who.public().into()
}

/// A chain, and what is under way on it.
struct Story {
	chain: Chain,
	/// With version 0 and a bounty.
	active: ModelId,
	/// Registered, without a version.
	pending: ModelId,
	/// Being verified, attested, challenged: a lie about record 4.
	liar: SubmissionId,
	/// Waits for its turn.
	queued: SubmissionId,
	/// Not revealed yet.
	committed: SubmissionId,
	/// About the data.
	deal: u64,
}

/// What the weights are right on, bit by bit.
const ZERO: u8 = 0b0000_0011;
const LIE: u8 = 0b0000_1111;
const CLAIMED: u8 = 0b0001_1111;
const BETTER: u8 = 0b0111_1111;
const BEST: u8 = 0b1111_1111;

/// The pay for a proved round.
const PAY: Balance = UNIT / 100;

impl Story {
	/// A chain of the last runtime with something of every kind under way.
	fn begin() -> Self {
		let mut chain = Chain::start(PREVIOUS);
		assert_eq!(chain.version().spec_version, VERSION.spec_version - 1, "the runtime in `previous/`");
		let [active, announced, pending] = [spec(1), spec(2), spec(3)];
		chain.announce(Alice, &active);
		chain.announce(Alice, &pending);
		chain.announce(Ferdie, &announced);
		chain.blocks(3);
		chain.register(Alice, &active);
		chain.register(Alice, &pending);
		let zero = chain.commit(Alice, &active, ZERO);
		chain.blocks(3);
		chain.reveal(Alice, zero, ZERO, ZERO);
		chain.attest(Bob, zero);
		let mut story = Self {
			chain,
			active: active.id(),
			pending: pending.id(),
			liar: zero + 1,
			queued: zero + 2,
			committed: zero + 3,
			deal: 0,
		};
		story.settle(zero);
		assert_eq!(story.head(), Some(0));
		story.fill(&active);
		story
	}

	fn fill(&mut self, active: &oda_evaluator::ModelSpec) {
		let chain = &mut self.chain;
		let until = chain.natively(oda_runtime::Clock::now) + 1_000;
		let model = self.active;
		chain.signed(Alice, Train::post_bounty { model, threshold: 7, amount: 5 * UNIT, until });
		for (who, peer) in [(Charlie, 1), (Ferdie, 2)] {
			let pair = ed25519::Pair::from_seed(&[peer; 32]);
			let signature = pair.sign(&message::peer_binding(&chain.genesis(), &account(who))).0;
			chain.signed(who, pallet_peers::Call::bind { peer: pair.public().0, signature });
			chain.signed(who, Store::enlist { capacity: 10 << 20 });
		}
		chain.signed(Ferdie, Store::retire {});
		for (who, right, submission) in
			[(Dave, LIE, self.liar), (Eve, BETTER, self.queued), (Ferdie, BEST, self.committed)]
		{
			assert_eq!(chain.commit(who, active, right), submission);
		}
		chain.blocks(3);
		let blob = BlobRef::of(&data());
		self.deal = chain.natively(pallet_storage_deals::NextDeal::<Runtime>::get);
		chain.signed(Alice, Store::offer { blob, replicas: 1, rounds: 50, price: PAY, max_price: PAY });
		chain.signed(Charlie, Store::take { deal: self.deal });
		chain.reveal(Dave, self.liar, LIE, CLAIMED);
		chain.reveal(Eve, self.queued, BETTER, BETTER);
		chain.attest(Bob, self.liar);
		let commitment = hash::challenge_commitment(&chain.genesis(), self.liar, 4, &account(Charlie), &SALT);
		chain.signed(Charlie, Train::commit_challenge { submission: self.liar, commitment });
		chain.signed(Alice, Train::demand { target: Target::Head(self.active) });
	}

	/// Everything that the protocol's pallets and holds are in, by key.
	fn entries(&mut self) -> BTreeMap<Vec<u8>, Vec<u8>> {
		let mut prefixes: Vec<Vec<u8>> = ["ModelRegistry", "Peers", "Training", "Verification"]
			.map(|pallet| twox_128(pallet.as_bytes()).to_vec())
			.into();
		// Not the round, nor how far the sweep is: these go on by themselves.
		for (pallet, item) in [("StorageDeals", "Deals"), ("StorageDeals", "Keepers"), ("Balances", "Holds")]
		{
			prefixes.push(storage_prefix(pallet.as_bytes(), item.as_bytes()).to_vec());
		}
		self.chain.natively(|| {
			let mut entries = BTreeMap::new();
			for prefix in prefixes {
				let mut key = prefix.clone();
				while let Some(next) = storage::next_key(&key).filter(|next| next.starts_with(&prefix)) {
					entries.insert(next.clone(), storage::get(&next).expect("it is there").to_vec());
					key = next;
				}
			}
			entries
		})
	}

	/// The number of the active model's head.
	fn head(&mut self) -> Option<u32> {
		let model = self.active;
		self.chain.natively(|| oda_runtime::ModelRegistry::head(model)).map(|(number, _)| number)
	}

	/// Settles a submission as soon as it can be.
	fn settle(&mut self, submission: SubmissionId) {
		let due = self.chain.natively(|| {
			let entry = pallet_training::Submissions::<Runtime>::get(submission).expect("it is live");
			let Phase::Verifying { answers_until, held_until, .. } = entry.phase else {
				panic!("{submission} is not being verified");
			};
			let task = Verification::task(TaskId::Submission(submission)).expect("it has a task");
			let passed = task.passed_at.expect("the verifier attested");
			answers_until.max(held_until).max(passed + entry.terms.challenge_window)
		});
		self.chain.until(due);
		self.chain.settle(submission);
	}

	/// Expects an event in the last block.
	fn expect(&mut self, event: impl Into<RuntimeEvent>) {
		let (event, events) = (event.into(), self.chain.events());
		assert!(events.contains(&event), "no {event:?} in {events:#?}");
	}

	/// Waits for the round in which Charlie is asked first, and proves.
	fn prove(&mut self) {
		let (deal, keeper) = (self.deal, account(Charlie));
		while self.chain.natively(|| StorageDeals::challenge(deal, keeper.clone())).is_none() {
			self.chain.block(&[]);
		}
		let bytes = data();
		let round = self.chain.natively(StorageDeals::round).expect("a round runs");
		let range = challenged_range(&round.seed, deal, round.number, 0, 1, &BlobRef::of(&bytes));
		let proof = RangeProof::new(&bytes, range).expect("a chunk of them");
		let message = message::storage_proof(&self.chain.genesis(), deal, round.number, &proof);
		let signature = Signature::Sr25519(Charlie.sign(&message));
		let round = round.number;
		self.chain.authorised(Store::prove { deal, round, keeper: keeper.clone(), proof, signature });
		self.expect(pallet_storage_deals::Event::RoundProved { deal, round, keeper, paid: PAY });
	}
}

/// Makes every amount dearer, and windows longer or shorter: nothing that is under way may notice.
fn change_parameters() {
	macro_rules! change {
		($($group:ident, $pallet:ident { $($name:ident = $value:expr,)* })*) => {
			vec![$($(
				RuntimeParameters::$group($pallet::Parameters::$name($pallet::$name, Some($value))),
			)*)*]
		};
	}
	let changes = change! {
		Training, training {
			MinCommitAge = 5,
			RevealWindow = 10,
			AttestBase = 50,
			ChallengeWindow = 12,
			MinChallengeAge = 9,
			ChallengeLifetime = 11,
			DemandWindow = 200,
			TrainerBond = 140 * UNIT,
			ChallengeBond = 20 * UNIT,
			DemandBond = 9 * UNIT,
			FeeBase = 4 * UNIT,
			MinBounty = 50 * UNIT,
		}
		Verification, verification {
			VerifierSlash = 400 * UNIT,
		}
		StorageDeals, storage_deals {
			RoundLength = 30,
			UnbondingPeriod = 900,
			MinBond = 300 * UNIT,
			BondPerMib = UNIT,
			MinStake = 20 * UNIT,
			MinPrice = UNIT,
		}
	};
	let changes = changes.try_into().expect("not too many");
	let call = RuntimeCall::from(oda_runtime::parameters::changes::Call::set { changes });
	call.dispatch(RuntimeOrigin::root()).expect("they fit together");
}

#[test]
fn what_is_under_way_should_end_as_it_began() {
	let mut story = Story::begin();
	let before = story.entries();
	let stale = story.chain.sign(Alice, frame_system::Call::remark { remark: vec![1] });

	story.chain.set_code(current());
	story.chain.block(&[]);

	// The state is that of the new runtime, and what is under way is as it was.
	assert_eq!(story.chain.version(), VERSION);
	story.chain.natively(|| {
		let last = frame_system::LastRuntimeUpgrade::<Runtime>::get().expect("it is known");
		assert_eq!(last.spec_version.0, VERSION.spec_version);
		assert!(!storage::exists(&storage_prefix(b"Tempo", b"ProtocolWindows")));
		assert_eq!(training::ChallengeWindow::get(), 8);
		assert_eq!(storage_deals::RoundLength::get(), 15);
	});
	assert_eq!(story.entries(), before);
	story.chain.check();

	// A transaction is for the runtime that it was signed for.
	assert_eq!(story.chain.send(&stale), Err(InvalidTransaction::BadProof.into()));
	story.chain.signed(Alice, frame_system::Call::remark { remark: vec![1] });

	story.chain.natively(change_parameters);
	let entries = story.entries();
	assert_eq!(entries, before, "a change of parameters touches nothing");

	// The lie falls; its bond and its verifier's penalty are those of before.
	let proof = RangeProof::new(&data(), spec(1).record_range(4).expect("it exists")).expect("it exists");
	let cost = EvaluationWeight::convert(spec(1).validate().expect("a valid model"));
	let (submission, task) = (story.liar, TaskId::Submission(story.liar));
	let weights_of_lie = weights(LIE).try_into().expect("short");
	story.chain.authorised(Train::challenge {
		submission,
		record: 4,
		challenger: account(Charlie),
		salt: SALT,
		proof,
		weights: weights_of_lie,
		cost,
	});
	story.expect(pallet_training::Event::Overturned {
		submission,
		record: 4,
		claimed: 1,
		actual: 0,
		challenger: account(Charlie),
		slashed: 100 * UNIT,
		paid: 50 * UNIT,
	});
	story.expect(pallet_verification::Event::Slashed {
		task,
		verifier: account(Bob),
		fault: pallet_verification::Fault::FalseValid,
		amount: 300 * UNIT,
	});

	// The demand is answered at the price of before.
	let target = Target::Head(story.active);
	let price = story.chain.natively(|| Training::demand_for(target)).expect("it is open").price;
	let weights_of_head = weights(ZERO).try_into().expect("short");
	story.chain.authorised(Train::post_weights { target, weights: weights_of_head });
	story.expect(pallet_training::Event::WeightsPosted { target, by_demander: price, by_trainer: 0 });

	// The next in line had its turn at once, and earns the bounty.
	story.chain.attest(Bob, story.queued);
	story.prove();
	story.settle(story.queued);
	assert_eq!(story.head(), Some(1));
	let (model, submission) = (story.active, story.queued);
	story.expect(pallet_training::Event::BountyPaid { bounty: 0, model, submission, amount: 5 * UNIT });

	// A commitment older than the new window is opened.
	let age = story.chain.natively(|| {
		let entry = pallet_training::Submissions::<Runtime>::get(story.committed).expect("it is live");
		assert_eq!((entry.bond, entry.closes_at - entry.committed_at), (100 * UNIT, 300));
		oda_runtime::Clock::now() - entry.committed_at
	});
	assert!(age > 10, "{age} ticks");
	story.chain.reveal(Ferdie, story.committed, BEST, BEST);
	story.chain.attest(Bob, story.committed);
	story.settle(story.committed);
	assert_eq!(story.head(), Some(2));

	// An announcement is used, a pending model is brought to life, by the bonds of now.
	story.chain.register(Ferdie, &spec(2));
	let submission = story.chain.commit(Alice, &spec(3), ZERO);
	let (model, trainer, bond) = (story.pending, account(Alice), 140 * UNIT);
	story.expect(pallet_training::Event::Committed { submission, model, trainer, bond });

	// A keeper that was leaving has its bond back, and one that stays lost nothing.
	let free_at = story.chain.natively(|| StorageDeals::keeper(account(Ferdie))).expect("it leaves").free_at;
	story.chain.until(free_at.expect("it leaves"));
	story.chain.signed(Ferdie, Store::withdraw {});
	story.expect(pallet_storage_deals::Event::Withdrawn { keeper: account(Ferdie), bond: 100 * UNIT });
	story.prove();
	let keeper = story.chain.natively(|| StorageDeals::keeper(account(Charlie))).expect("it keeps");
	assert_eq!((keeper.bond, keeper.staked), (100 * UNIT, UNIT));
	story.chain.signed(Bob, pallet_verification::Call::leave {});
	story.expect(pallet_verification::Event::Left { verifier: account(Bob), bond: 700 * UNIT });
	story.chain.check();
}

#[test]
fn what_nobody_tends_after_an_upgrade_should_lapse_and_leave_a_sound_state() {
	let mut story = Story::begin();
	story.chain.set_code(current());
	story.chain.blocks(30);
	assert_eq!(story.chain.natively(|| storage::get(CODE)).expect("there is code"), current());
	story.chain.check();
}
