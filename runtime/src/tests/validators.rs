//! Validators that make two blocks at a time, and such that are away.

#![allow(
	clippy::arithmetic_side_effects,
	clippy::cast_possible_truncation,
	clippy::cloned_ref_to_slice_refs,
	clippy::indexing_slicing,
	reason = "tests"
)]

use super::*;
use codec::{Decode, Encode};
use configs::stakes::REPORT_SESSIONS;
use frame_support::{
	assert_noop, assert_ok,
	traits::{KeyOwnerProofSystem, fungible::Mutate},
};
use oda_pallet_traits::Role;
use serde_json::json;
use sp_consensus_babe::{
	AuthorityId, AuthoritySignature, BABE_ENGINE_ID, EquivocationProof, KEY_TYPE,
	digests::{PreDigest, SecondaryPlainPreDigest},
};
use sp_consensus_grandpa as grandpa;
use sp_keyring::Ed25519Keyring;
use sp_runtime::{
	ApplyExtrinsicResult, Digest, DigestItem, Perbill,
	traits::Header as _,
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
};
use std::collections::BTreeSet;

/// The first slot after genesis.
const FIRST_SLOT: u64 = 1_000;

fn account(who: Sr25519Keyring) -> AccountId {
	who.to_account_id()
}

/// The head of a block that somebody makes.
fn header(author: Sr25519Keyring, slot: u64, number: BlockNumber, root: Hash) -> Header {
	let index = Session::validators().iter().position(|who| *who == account(author)).expect("it validates");
	let authority_index = u32::try_from(index).expect("there are few");
	let digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index, slot: slot.into() });
	let logs = vec![DigestItem::PreRuntime(BABE_ENGINE_ID, digest.encode())];
	Header::new(number, root, Hash::default(), System::parent_hash(), Digest { logs })
}

/// Alice makes the next block; its slot.
fn block() -> u64 {
	block_of(Sr25519Keyring::Alice, &[]).0
}

/// Somebody makes the next block, with these calls in it that nobody signed; its slot, and what came of them.
fn block_of(author: Sr25519Keyring, calls: &[RuntimeCall]) -> (u64, Vec<ApplyExtrinsicResult>) {
	let number = System::block_number().saturating_add(1);
	let slot = FIRST_SLOT.saturating_add(number.into());
	Executive::initialize_block(&header(author, slot, number, Hash::default()));
	let now = pallet_timestamp::Call::set { now: slot.saturating_mul(Babe::slot_duration()) };
	let applied = Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(now.into()));
	applied.expect("valid").expect("the time is set");
	let apply = |call: &RuntimeCall| Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(call.clone()));
	let results = calls.iter().map(apply).collect();
	Executive::finalize_block();
	(slot, results)
}

/// Alice makes blocks until so many sessions have begun.
fn sessions(number: u32) {
	let until = Session::current_index().saturating_add(number);
	while Session::current_index() < until {
		block();
	}
}

/// What a validator's stake is.
fn stake(who: Sr25519Keyring) -> Balance {
	pallet_oda_staking::Pools::<Runtime>::get(Role::Validator, account(who)).map_or(0, |pool| pool.total())
}

/// A block of Bob's, sealed by it.
fn sealed(slot: u64, root: Hash) -> Header {
	let mut header = header(Sr25519Keyring::Bob, slot, 1_000, root);
	let seal = AuthoritySignature::from(Sr25519Keyring::Bob.sign(header.hash().as_ref()));
	header.digest.push(DigestItem::Seal(BABE_ENGINE_ID, seal.encode()));
	header
}

#[test]
fn a_validator_that_makes_two_blocks_at_a_time_should_lose_of_its_stake_and_validate_no_more() {
	new_test_ext("local_testnet").execute_with(|| {
		sessions(1);
		let (slot, before) = (block(), stake(Sr25519Keyring::Bob));
		assert!(before > 0);
		let offender = AuthorityId::from(Sr25519Keyring::Bob.public());
		let owner = Historical::prove((KEY_TYPE, offender.clone())).expect("it validates");
		let proof = EquivocationProof {
			offender,
			slot: slot.into(),
			first_header: sealed(slot, Hash::repeat_byte(1)),
			second_header: sealed(slot, Hash::repeat_byte(2)),
		};
		let reporter = RuntimeOrigin::signed(account(Sr25519Keyring::Charlie));
		assert_ok!(Babe::report_equivocation(reporter.clone(), Box::new(proof.clone()), owner.clone()));
		assert_noop!(
			Babe::report_equivocation(reporter, Box::new(proof), owner),
			pallet_babe::Error::<Runtime>::DuplicateOffenceReport
		);
		// The next session has been planned already; of two validators none is disabled meanwhile.
		block();
		assert!(stake(Sr25519Keyring::Bob) < before, "{} of {before}", stake(Sr25519Keyring::Bob));
		sessions(2);
		assert_eq!(Session::validators(), [account(Sr25519Keyring::Alice)]);
		assert_ok!(Staking::do_try_state());
	});
}

#[test]
fn a_validator_that_is_away_for_a_session_should_stay_one() {
	new_test_ext("local_testnet").execute_with(|| {
		let before = stake(Sr25519Keyring::Bob);
		// The second is the first in which absence can be seen from its start.
		sessions(2);
		let absent = pallet_oda_staking::LastAbsent::<Runtime>::get();
		assert!(absent.encode().windows(32).any(|part| part == Sr25519Keyring::Bob.public().0), "{absent:?}");
		sessions(1);
		assert!(Session::validators().contains(&account(Sr25519Keyring::Bob)));
		assert_eq!(stake(Sr25519Keyring::Bob), before);
	});
}

#[test]
fn a_validator_that_stays_away_should_be_removed() {
	new_test_ext("local_testnet").execute_with(|| {
		sessions(8);
		assert_eq!(Session::validators(), [account(Sr25519Keyring::Alice)]);
	});
}

/// Four validators: in a session of the chain for local use each has its turn several times.
const FOUR: [(Sr25519Keyring, Ed25519Keyring); 4] = [
	(Sr25519Keyring::Alice, Ed25519Keyring::Alice),
	(Sr25519Keyring::Bob, Ed25519Keyring::Bob),
	(Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
	(Sr25519Keyring::Dave, Ed25519Keyring::Dave),
];

/// What each of them has bonded.
const BOND: Balance = 10_000 * UNIT;

fn four() -> TestExternalities {
	changed_test_ext("local_testnet", |genesis| {
		let keys = FOUR.map(|(account, voter)| {
			let who = account.to_account_id();
			let keys = SessionKeys {
				babe: account.public().into(),
				grandpa: voter.public().into(),
				im_online: account.public().into(),
			};
			json!((&who, &who, keys))
		});
		genesis["session"]["keys"] = json!(keys);
		genesis["staking"]["validators"] = json!(FOUR.map(|(who, _)| (
			account(who),
			u64::try_from(BOND).expect("it fits"),
			Perbill::zero()
		)));
	})
}

/// The validator whose turn it is, of those that are not disabled, makes the next block.
fn block_of_all(turn: usize) {
	let disabled = Session::disabled_validators();
	let indices = (0u32..).zip(Session::validators());
	let able: Vec<_> = indices.filter(|(index, _)| !disabled.contains(index)).collect();
	let (_, next) = &able[turn % able.len()];
	let (author, _) = FOUR.into_iter().find(|(who, _)| account(*who) == *next).expect("one of the four");
	block_of(author, &[]);
}

/// All validators that are not disabled make blocks in turn until so many sessions have begun.
fn sessions_of_all(number: u32) {
	let until = Session::current_index().saturating_add(number);
	for turn in 0.. {
		if Session::current_index() >= until {
			break;
		}
		block_of_all(turn);
	}
}

/// Whether the runtime takes somebody's block as the next one, of a session in which it is a validator. What the block
/// does is undone.
fn could_be_made_by(author: Sr25519Keyring) -> bool {
	sp_io::storage::start_transaction();
	let made = std::panic::catch_unwind(|| block_of(author, &[]));
	let validates = Session::validators().contains(&account(author));
	sp_io::storage::rollback_transaction();
	if let Err(why) = &made {
		let why = why.downcast_ref::<String>().map_or("", String::as_str);
		assert!(why.contains("is disabled and should not be attempting to author"), "{why}");
	}
	made.is_ok() && validates
}

/// Whose votes finality asks for.
fn voters() -> Vec<Ed25519Keyring> {
	let all = Grandpa::grandpa_authorities();
	let votes = |who: &Ed25519Keyring| all.iter().any(|(key, _)| *key == who.public().into());
	FOUR.into_iter().map(|(_, voter)| voter).filter(votes).collect()
}

/// Lets every block's author be paid.
fn pay_authors() {
	let pot = 1_000 * UNIT;
	assert_ok!(Balances::mint_into(&Emission::account(), pot));
	pallet_emission::Pots::<Runtime>::insert(pallet_emission::Pot::Authors, pot);
	pallet_emission::PerBlock::<Runtime>::put(UNIT);
}

/// The validators, in the order of [`FOUR`].
fn validators() -> Vec<Sr25519Keyring> {
	let all = Session::validators();
	FOUR.into_iter().map(|(who, _)| who).filter(|who| all.contains(&account(*who))).collect()
}

/// Votes of a voter for two blocks, or for one twice, as GRANDPA signs them.
fn two_votes(who: Ed25519Keyring, set: u64, round: u64, blocks: [u8; 2]) -> VotedTwice {
	let vote = |block: u8| {
		let vote = grandpa::Prevote::<Header> { target_hash: Hash::repeat_byte(block), target_number: 1 };
		let signed =
			grandpa::localized_payload(round, set, &grandpa::Message::<Header>::Prevote(vote.clone()));
		(vote, grandpa::AuthoritySignature::from(who.sign(&signed)))
	};
	let voter = grandpa::AuthorityId::from(who.public());
	// Two votes in the first phase of a round.
	let votes = (0u8, round, voter, vote(blocks[0]), vote(blocks[1])).encode();
	let votes = grandpa::Equivocation::decode(&mut &votes[..]).expect("as it is encoded");
	grandpa::EquivocationProof::new(set, votes)
}

type VotedTwice = grandpa::EquivocationProof<Hash, BlockNumber>;

/// The proof that a key is a validator's in the session that runs.
fn owner(who: Ed25519Keyring) -> sp_session::MembershipProof {
	let key = (grandpa::KEY_TYPE, grandpa::AuthorityId::from(who.public()));
	Historical::prove(key).expect("it validates")
}

/// What a node that has seen two votes sends by itself.
fn report(votes: VotedTwice, owner: sp_session::MembershipProof) -> RuntimeCall {
	let call = pallet_grandpa::Call::report_equivocation_unsigned {
		equivocation_proof: Box::new(votes),
		key_owner_proof: owner,
	};
	call.into()
}

/// Whether the pool takes a report that comes from there.
fn pool(source: TransactionSource, report: &RuntimeCall) -> Result<(), TransactionValidityError> {
	let transaction = UncheckedExtrinsic::new_bare(report.clone());
	Executive::validate_transaction(source, transaction, System::parent_hash()).map(drop)
}

fn invalid(why: InvalidTransaction) -> TransactionValidityError {
	TransactionValidityError::Invalid(why)
}

/// What one of four that equivocates alone loses of what was behind it: `(3/4)²`.
const LOST: Balance = BOND / 16 * 9;

#[test]
fn a_validator_that_votes_twice_should_lose_nine_sixteenths_once_and_validate_no_more() {
	four().execute_with(|| {
		sessions_of_all(3);
		let set = Grandpa::current_set_id();
		let owner = owner(Ed25519Keyring::Bob);
		let seen = report(two_votes(Ed25519Keyring::Bob, set, 7, [1, 2]), owner.clone());
		// From the node's own eyes only, or anybody could fill blocks with them for nothing.
		assert_ok!(pool(TransactionSource::Local, &seen));
		assert_eq!(pool(TransactionSource::External, &seen), Err(invalid(InvalidTransaction::Call)));

		let (issued, alice) =
			(Balances::total_issuance(), Balances::free_balance(account(Sr25519Keyring::Alice)));
		let (_, results) = block_of(Sr25519Keyring::Alice, &[seen.clone()]);
		assert_eq!(results, [Ok(Ok(()))]);
		let index = Session::validators().iter().position(|who| *who == account(Sr25519Keyring::Bob));
		assert_eq!(Session::disabled_validators(), [index.expect("it validates still") as u32]);
		assert_eq!(stake(Sr25519Keyring::Bob), BOND, "it is taken in the next block");
		// Who made the block with the report has half, and half is burned.
		block_of(Sr25519Keyring::Dave, &[]);
		assert_eq!(stake(Sr25519Keyring::Bob), BOND - LOST);
		assert_eq!(Balances::total_issuance(), issued - LOST / 2);
		assert_eq!(Balances::free_balance(account(Sr25519Keyring::Alice)), alice + LOST / 2);

		// The same again is no news to the pool, nor to a block, nor from an account.
		let known = Err(invalid(InvalidTransaction::Stale));
		assert_eq!(pool(TransactionSource::Local, &seen), known);
		assert_eq!(block_of(Sr25519Keyring::Alice, &[seen]).1, [Err(invalid(InvalidTransaction::Stale))]);
		let again = Grandpa::report_equivocation(
			RuntimeOrigin::signed(account(Sr25519Keyring::Charlie)),
			Box::new(two_votes(Ed25519Keyring::Bob, set, 7, [1, 2])),
			owner.clone(),
		);
		assert_eq!(again, Err(pallet_grandpa::Error::<Runtime>::DuplicateOffenceReport.into()));
		// Another round of the same session is, and costs no more.
		let more = report(two_votes(Ed25519Keyring::Bob, set, 8, [1, 2]), owner);
		assert_eq!(block_of(Sr25519Keyring::Charlie, &[more]).1, [Ok(Ok(()))]);
		sessions_of_all(1);
		assert_eq!(stake(Sr25519Keyring::Bob), BOND - LOST);

		// The session that runs was planned before.
		assert!(validators().contains(&Sr25519Keyring::Bob));
		sessions_of_all(1);
		let others = [Sr25519Keyring::Alice, Sr25519Keyring::Charlie, Sr25519Keyring::Dave];
		assert_eq!(validators(), others);
		for other in others {
			assert_eq!(stake(other), BOND);
		}
		assert_ok!(Staking::do_try_state());
	});
}

#[test]
fn who_voted_twice_should_make_no_block_from_the_report_until_it_is_out_and_vote_no_more_in_the_next_session()
{
	four().execute_with(|| {
		sessions_of_all(3);
		pay_authors();
		let (session, bob) = (Session::current_index(), Sr25519Keyring::Bob);
		let before = stake(bob);
		block_of(bob, &[]);
		assert_eq!(stake(bob), before + UNIT, "an author is paid");
		let set = Grandpa::current_set_id();
		let seen = report(two_votes(Ed25519Keyring::Bob, set, 7, [1, 2]), owner(Ed25519Keyring::Bob));
		block_of(Sr25519Keyring::Alice, &[seen]);

		let mut validated = BTreeSet::new();
		for turn in 0.. {
			if !validators().contains(&bob) {
				break;
			}
			let now = Session::current_index();
			assert!(!could_be_made_by(bob), "a block of Bob's in session {now}, reported in {session}");
			assert!(could_be_made_by(Sr25519Keyring::Dave));
			// A session's voters cannot be changed; the next one's can.
			assert_eq!(voters().contains(&Ed25519Keyring::Bob), now == session, "in session {now}");
			validated.insert(now);
			block_of_all(turn);
		}
		// The validators of the next session were announced before the report.
		assert_eq!(validated, BTreeSet::from([session, session + 1]));
		assert_eq!(stake(bob), before + UNIT - LOST);
		assert!(stake(Sr25519Keyring::Dave) > BOND);
		assert_eq!(voters(), [Ed25519Keyring::Alice, Ed25519Keyring::Charlie, Ed25519Keyring::Dave]);
		assert_ok!(Staking::do_try_state());
	});
}

#[test]
fn of_four_validators_one_should_be_disabled_however_many_vote_twice() {
	four().execute_with(|| {
		sessions_of_all(3);
		let set = Grandpa::current_set_id();
		let seen = [Ed25519Keyring::Bob, Ed25519Keyring::Charlie]
			.map(|who| report(two_votes(who, set, 1, [1, 2]), owner(who)));
		assert_eq!(block_of(Sr25519Keyring::Alice, &seen).1, [Ok(Ok(())), Ok(Ok(()))]);
		assert_eq!(Session::disabled_validators().len(), 1);
		block_of(Sr25519Keyring::Dave, &[]);
		// Two at the same time, of four: `min((3 × 2 / 4)², 1)`.
		for who in [Sr25519Keyring::Bob, Sr25519Keyring::Charlie] {
			assert_eq!(stake(who), 0);
		}
		// Nor in the next session, which goes on with the other three.
		sessions_of_all(1);
		assert_eq!((Session::disabled_validators().len(), validators().len(), voters().len()), (1, 4, 3));
		sessions_of_all(1);
		assert_eq!(validators(), [Sr25519Keyring::Alice, Sr25519Keyring::Dave]);
		assert_ok!(Staking::do_try_state());
	});
}

#[test]
fn a_report_should_count_for_as_many_sessions_as_are_remembered_and_no_longer() {
	four().execute_with(|| {
		sessions_of_all(3);
		let set = Grandpa::current_set_id();
		let [bob, charlie] = [Ed25519Keyring::Bob, Ed25519Keyring::Charlie]
			.map(|who| report(two_votes(who, set, 1, [1, 2]), owner(who)));
		sessions_of_all(REPORT_SESSIONS);
		assert_ok!(pool(TransactionSource::Local, &bob));
		assert_eq!(block_of(Sr25519Keyring::Alice, &[bob]).1, [Ok(Ok(()))]);
		block_of(Sr25519Keyring::Dave, &[]);
		assert_eq!(stake(Sr25519Keyring::Bob), BOND - LOST);

		sessions_of_all(1);
		let old = Err(invalid(InvalidTransaction::BadProof));
		assert_eq!(pool(TransactionSource::Local, &charlie), old);
		assert_eq!(
			block_of(Sr25519Keyring::Alice, &[charlie]).1,
			[Err(invalid(InvalidTransaction::BadProof))]
		);
		block_of(Sr25519Keyring::Dave, &[]);
		assert_eq!(stake(Sr25519Keyring::Charlie), BOND);
		assert!(validators().contains(&Sr25519Keyring::Charlie));
		assert_ok!(Staking::do_try_state());
	});
}

#[test]
fn votes_that_prove_nothing_should_cost_nobody_anything() {
	four().execute_with(|| {
		sessions_of_all(2);
		let before = owner(Ed25519Keyring::Bob);
		sessions_of_all(1);
		let set = Grandpa::current_set_id();
		let (bob, charlie) = (Ed25519Keyring::Bob, Ed25519Keyring::Charlie);
		let honest = two_votes(bob, set, 1, [1, 2]);
		// Charlie's signatures under Bob's name.
		let mut forged = two_votes(charlie, set, 1, [1, 2]).encode();
		let name =
			forged.windows(32).position(|part| part == charlie.public().0).expect("the voter is named");
		forged[name..name + 32].copy_from_slice(&bob.public().0);
		let forged = VotedTwice::decode(&mut &forged[..]).expect("as it is encoded");
		let reporter = || RuntimeOrigin::signed(account(Sr25519Keyring::Dave));
		type Error = pallet_grandpa::Error<Runtime>;
		for (what, votes, owner, why) in [
			("one vote twice", two_votes(bob, set, 1, [1, 1]), owner(bob), Error::InvalidEquivocationProof),
			("somebody else's signatures", forged, owner(bob), Error::InvalidEquivocationProof),
			(
				"a set of another session",
				two_votes(bob, set - 1, 1, [1, 2]),
				owner(bob),
				Error::InvalidEquivocationProof,
			),
			(
				"a set to come",
				two_votes(bob, set + 1, 1, [1, 2]),
				owner(bob),
				Error::InvalidEquivocationProof,
			),
			("an owner in another session", honest.clone(), before, Error::InvalidEquivocationProof),
			("somebody else as the owner", honest, owner(charlie), Error::InvalidKeyOwnershipProof),
		] {
			println!("{what}");
			assert_noop!(
				Grandpa::report_equivocation(reporter(), Box::new(votes.clone()), owner.clone()),
				why
			);
			let (_, results) = block_of(Sr25519Keyring::Alice, &[report(votes, owner)]);
			assert!(!matches!(results[..], [Ok(Ok(()))]), "{what}: {results:?}");
		}
		sessions_of_all(2);
		assert_eq!(validators(), FOUR.map(|(who, _)| who));
		for (who, _) in FOUR {
			assert_eq!(stake(who), BOND);
		}
	});
}
