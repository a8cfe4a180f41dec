//! The rehearsal of an upgrade: what a chain of the last runtime has under way ends as it would have.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use codec::{Decode, Encode};
use oda_pallet_traits::Role;
use oda_primitives::{
	BlobRef, ModelId, RangeProof, SubmissionId, TaskId, Verdict, hash, message, storage::challenged_range,
};
use oda_runtime::{
	AccountId, Balance, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, Session, Signature, StorageDeals,
	Training, UNIT, VERSION, Verification,
	configs::{protocol::EvaluationWeight, stakes::PoolAccount},
	parameters::{
		RuntimeParameters,
		governed::{inference, storage_deals, training, verification},
	},
};
use oda_runtime_integration_tests::{
	PREVIOUS,
	chain::{Chain, unsigned},
	current,
	world::{SALT, data, spec, weights},
};
use pallet_training::{Phase, Target};
use pallet_verification::Duty;
use polkadot_sdk::{
	frame_support::storage::storage_prefix,
	frame_system, pallet_im_online,
	sp_core::{Pair, ed25519, storage::well_known_keys::CODE},
	sp_io::{
		hashing::{blake2_128, twox_128},
		storage,
	},
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

/// What Bob, the only verifier of the last runtime, has bonded there.
const BOND: Balance = 1_000 * UNIT;

/// Bob finds a claim valid, as verifiers of the last runtime did: by one signed answer.
fn attest_before(chain: &mut Chain, submission: SubmissionId) {
	let (genesis, task) = (chain.genesis(), TaskId::Submission(submission));
	let key = [storage_prefix(b"Verification", b"Tasks").to_vec(), blake2_128_concat(&task)].concat();
	let entry = chain.natively(|| storage::get(&key)).expect("the task is open");
	// Members, quorum, claim, how often they were asked; and more.
	let (members, _, claim, asked): (Vec<AccountId>, u32, [u8; 32], u32) =
		Decode::decode(&mut &entry[..]).expect("a task of the last runtime");
	assert_eq!(members, [account(Bob)]);
	let verdict = Verdict::Valid;
	let message = (*b"oda/attest/1", genesis, task, claim, asked, verdict).encode();
	let signature = Signature::Sr25519(Bob.sign(&message));
	// Pallet 23, call 0.
	chain.authorised_raw(&(23u8, 0u8, task, verdict, account(Bob), signature).encode());
}

/// What an entry's key ends in.
fn blake2_128_concat(key: &impl Encode) -> Vec<u8> {
	key.using_encoded(|key| [&blake2_128(key)[..], key].concat())
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
		attest_before(&mut chain, zero);
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
		attest_before(chain, self.liar);
		let commitment = hash::challenge_commitment(&chain.genesis(), self.liar, 4, &account(Charlie), &SALT);
		chain.signed(Charlie, Train::commit_challenge { submission: self.liar, commitment });
		chain.signed(Alice, Train::demand { target: Target::Head(self.active) });
	}

	/// Everything that the protocol's pallets and holds are in and that no upgrade changes, by key: all but verification,
	/// submissions, and what Bob has bonded.
	fn entries(&mut self) -> BTreeMap<Vec<u8>, Vec<u8>> {
		let mut prefixes: Vec<Vec<u8>> =
			["ModelRegistry", "Peers", "Training"].map(|pallet| twox_128(pallet.as_bytes()).to_vec()).into();
		// Not the round, nor how far the sweep is: these go on by themselves.
		for (pallet, item) in [("StorageDeals", "Deals"), ("StorageDeals", "Keepers"), ("Balances", "Holds")]
		{
			prefixes.push(storage_prefix(pallet.as_bytes(), item.as_bytes()).to_vec());
		}
		self.chain.natively(|| {
			let pool = PoolAccount::convert((Role::Verifier, account(Bob)));
			let holds = |who| [&storage_prefix(b"Balances", b"Holds")[..], &blake2_128_concat(&who)].concat();
			let changed =
				[storage_prefix(b"Training", b"Submissions").to_vec(), holds(account(Bob)), holds(pool)];
			let mut entries = BTreeMap::new();
			for prefix in prefixes {
				let mut key = prefix.clone();
				while let Some(next) = storage::next_key(&key).filter(|next| next.starts_with(&prefix)) {
					if !changed.iter().any(|changed| next.starts_with(changed)) {
						entries.insert(next.clone(), storage::get(&next).expect("it is there").to_vec());
					}
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
		let settle = unsigned(Train::settle { submission });
		let live = || pallet_training::Submissions::<Runtime>::contains_key(submission);
		for _ in 0..200 {
			// Refused while nothing is due.
			let _ = self.chain.send(&settle);
			if !self.chain.natively(live) {
				return;
			}
			tend(&mut self.chain, self.deal);
		}
		panic!("{submission} cannot be settled");
	}

	/// Bob runs weights that are right on these records, and finds them as they are claimed.
	fn verify(&mut self, submission: SubmissionId, right: u8) {
		let deal = self.deal;
		self.chain.verify(Bob, submission, right, |chain| {
			tend(chain, deal);
		});
	}

	/// Expects an event in the last block.
	fn expect(&mut self, event: impl Into<RuntimeEvent>) {
		let (event, events) = (event.into(), self.chain.events());
		assert!(events.contains(&event), "no {event:?} in {events:#?}");
	}

	/// Waits for the round in which Charlie is asked first, and proves.
	fn prove(&mut self) {
		let deal = self.deal;
		while self.chain.natively(|| StorageDeals::challenge(deal, account(Charlie))).is_none() {
			self.chain.empty_block();
		}
		let round = tend(&mut self.chain, deal).expect("it is asked");
		self.expect(pallet_storage_deals::Event::RoundProved {
			deal,
			round,
			keeper: account(Charlie),
			paid: PAY,
		});
	}
}

/// Lets Charlie prove, if it is asked; the round.
fn tend(chain: &mut Chain, deal: u64) -> Option<u32> {
	let keeper = account(Charlie);
	chain.natively(|| StorageDeals::challenge(deal, keeper.clone()))?;
	let bytes = data();
	let round = chain.natively(StorageDeals::round).expect("a round runs");
	let range = challenged_range(&round.seed, deal, round.number, 0, 1, &BlobRef::of(&bytes));
	let proof = RangeProof::new(&bytes, range).expect("a chunk of them");
	let message = message::storage_proof(&chain.genesis(), deal, round.number, &proof);
	let signature = Signature::Sr25519(Charlie.sign(&message));
	chain.authorised(Store::prove { deal, round: round.number, keeper, proof, signature });
	Some(round.number)
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
	story.chain.empty_block();

	// The state is that of the new runtime, and what is under way is as it was.
	assert_eq!(story.chain.version(), VERSION);
	story.chain.natively(|| {
		let last = frame_system::LastRuntimeUpgrade::<Runtime>::get().expect("it is known");
		assert_eq!(last.spec_version.0, VERSION.spec_version);
		assert!(!storage::exists(&storage_prefix(b"Tempo", b"ProtocolWindows")));
		assert_eq!(training::ChallengeWindow::get(), 8);
		assert_eq!(storage_deals::RoundLength::get(), 15);
		// What is new follows what was.
		assert_eq!(inference::AnswerDispute::get(), training::DemandWindow::get());
	});
	assert_eq!(story.entries(), before);
	story.chain.check();

	// Bob has staked what it had bonded, and will be asked again; Alice stays, and has a third key.
	story.chain.natively(|| {
		let pool =
			pallet_oda_staking::Pools::<Runtime>::get(Role::Verifier, account(Bob)).expect("it bonded");
		assert_eq!((pool.active.stake, pool.counted()), (BOND, BOND));
		let bob = Verification::verifier(account(Bob)).expect("it joined");
		assert_eq!((bob.duty, bob.weight, bob.open), (Duty::Awake, BOND, 0));
		let phases = [story.liar, story.queued, story.committed]
			.map(|id| pallet_training::Submissions::<Runtime>::get(id).expect("it is live").phase);
		assert!(matches!(phases[0], Phase::Verifying { refuted: false, .. }), "{phases:?}");
		assert!(matches!(phases[1], Phase::Queued(_)), "{phases:?}");
		assert!(matches!(phases[2], Phase::Committed), "{phases:?}");
		let task = Verification::task(TaskId::Submission(story.liar)).expect("it is verified again").task;
		assert!(matches!(task.phase, pallet_verification::Phase::Drawing { .. }), "{task:?}");
		assert_eq!(Session::validators(), [account(Alice)]);
		let keys = pallet_session::NextKeys::<Runtime>::get(account(Alice)).expect("it has keys");
		assert_eq!(keys.im_online.encode(), keys.babe.encode());
	});

	// A transaction is for the runtime that it was signed for.
	assert_eq!(story.chain.send(&stale), Err(InvalidTransaction::BadProof.into()));
	story.chain.signed(Alice, frame_system::Call::remark { remark: vec![1] });

	story.chain.natively(change_parameters);
	let entries = story.entries();
	assert_eq!(entries, before, "a change of parameters touches nothing");

	// Each vote of a committee is backed by the cost of a lie, and Bob is all that there is of it: he bonds more.
	let more = pallet_oda_staking::Call::bond_more { role: Role::Verifier, amount: 10_000 * UNIT };
	story.chain.signed(Bob, more);

	// The lie falls; its bond is that of before. What Bob answered before is forgotten.
	let proof = RangeProof::new(&data(), spec(1).record_range(4).expect("it exists")).expect("it exists");
	let cost = EvaluationWeight::convert(spec(1).validate().expect("a valid model"));
	let submission = story.liar;
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
	// The demand is answered at the price of before.
	let target = Target::Head(story.active);
	let price = story.chain.natively(|| Training::demand_for(target)).expect("it is open").price;
	let weights_of_head = weights(ZERO).try_into().expect("short");
	story.chain.authorised(Train::post_weights { target, weights: weights_of_head });
	story.expect(pallet_training::Event::WeightsPosted { target, by_demander: price, by_trainer: 0 });

	// The next in line had its turn at once, and earns the bounty.
	story.prove();
	let (queued, committed) = (story.queued, story.committed);
	story.verify(queued, BETTER);
	story.settle(queued);
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
	story.chain.reveal(Ferdie, committed, BEST, BEST);
	story.verify(committed, BEST);
	story.settle(committed);
	assert_eq!(story.head(), Some(2));

	// An announcement is used, a pending model is brought to life, by the bonds of now.
	story.chain.register(Ferdie, &spec(2));
	let submission = story.chain.commit(Alice, &spec(3), ZERO);
	let (model, trainer, bond) = (story.pending, account(Alice), 140 * UNIT);
	story.expect(pallet_training::Event::Committed { submission, model, trainer, bond });

	// A keeper that was leaving has its bond back, and one that stays lost nothing.
	let free_at = story.chain.natively(|| StorageDeals::keeper(account(Ferdie))).expect("it leaves").free_at;
	while story.chain.natively(oda_runtime::Clock::now) < free_at.expect("it leaves") {
		tend(&mut story.chain, story.deal);
		story.chain.empty_block();
	}
	story.chain.signed(Ferdie, Store::withdraw {});
	story.expect(pallet_storage_deals::Event::Withdrawn { keeper: account(Ferdie), bond: 100 * UNIT });
	story.prove();
	let keeper = story.chain.natively(|| StorageDeals::keeper(account(Charlie))).expect("it keeps");
	assert_eq!((keeper.bond, keeper.staked), (100 * UNIT, UNIT));

	// Bob was paid and not slashed, rests, and leaves when no draw can name it any more.
	story.chain.signed(Bob, pallet_verification::Call::rest {});
	story.chain.blocks(60);
	story.chain.signed(Bob, pallet_verification::Call::leave {});
	story.expect(pallet_verification::Event::Left { verifier: account(Bob) });
	let stake =
		story.chain.natively(|| pallet_oda_staking::Pools::<Runtime>::get(Role::Verifier, account(Bob)));
	assert!(stake.expect("it is bonded").active.stake >= BOND);
	// Who validated does, with three keys, for nobody else could be elected.
	story.chain.natively(|| {
		assert_eq!(Session::validators(), [account(Alice)]);
		assert_eq!(pallet_im_online::Keys::<Runtime>::get().len(), 1);
		assert!(pallet_oda_staking::CurrentSession::<Runtime>::get() > 0);
	});
	story.chain.check();
}

#[test]
fn what_nobody_tends_after_an_upgrade_should_lapse_and_leave_a_sound_state() {
	let mut story = Story::begin();
	story.chain.set_code(current());
	story.chain.blocks(300);
	assert_eq!(story.chain.natively(|| storage::get(CODE)).expect("there is code"), current());
	story.chain.check();
}
