//! Writes the inputs that a corpus starts from: `cargo run -p oda-fuzz --example seeds -- FOLDER`.

use codec::Encode;
use oda_evaluator::testing::random_case;
use oda_fuzz::{
	runtime::{
		Action::{self, *},
		Answer,
		Govern::{self, *},
		Of, Paid, Promise, account,
	},
	starts::{self, answered},
};
use oda_pallet_traits::Role;
use oda_primitives::Verdict;
use oda_runtime::{Runtime, RuntimeCall, UNIT};
use pallet_verification::Load;
use polkadot_sdk::{pallet_session, sp_runtime::Perbill};
use std::{fs, path::Path};

type SessionCall = pallet_session::Call<Runtime>;
type Stake = pallet_oda_staking::Call<Runtime>;
type Verify = pallet_verification::Call<Runtime>;

/// Random graphs among the seeds, and the most bytes that one may have.
const GRAPHS: usize = 100;
const GRAPH_BYTES: usize = 600;

fn after_head(then: Vec<Action>) -> Vec<Action> {
	[vec![From(starts::HEAD)], then].concat()
}

/// A call for which there is no action.
fn any(who: u8, call: impl Into<RuntimeCall>) -> Action {
	Any { who, call: call.into().encode() }
}

fn stories() -> Vec<Vec<Action>> {
	[protocol(), inference(), governance()].concat()
}

/// All else.
fn protocol() -> Vec<Vec<Action>> {
	let commit = Commit { who: 2, model: 0, right: 7, salt: 1 };
	let reveal = Reveal { who: 2, submission: 1, right: 7, salt: 1, lie: 0 };
	let lie = Reveal { who: 2, submission: 1, right: 7, salt: 1, lie: 16 };
	let challenge = |record| Challenge { who: 3, submission: 1, record, salt: 9, right: 7, stingy: false };
	let commit_challenge = |record| CommitChallenge { who: 3, submission: 1, record, salt: 9 };
	let accused = |then: Vec<Action>| {
		let lies = vec![commit.clone(), Blocks(3), lie.clone()];
		after_head([lies, answered(1, Verdict::Valid), then].concat())
	};
	vec![
		starts::head(),
		// A bounty, earned.
		after_head(
			[
				vec![
					PostBounty { who: 4, model: 0, threshold: 3, amount: 20, term: 500 },
					commit.clone(),
					Blocks(3),
					reveal.clone(),
				],
				answered(1, Verdict::Valid),
				vec![Blocks(31), Settle { who: 5, submission: 1 }],
			]
			.concat(),
		),
		// One that nobody earned.
		after_head(vec![
			PostBounty { who: 4, model: 0, threshold: 9, amount: 20, term: 5 },
			Blocks(10),
			WithdrawBounty { who: 4, model: 0, bounty: 0 },
		]),
		// A lie, caught; and a challenge of the truth.
		accused(vec![commit_challenge(4), Blocks(3), challenge(4)]),
		accused(vec![commit_challenge(1), Blocks(3), challenge(1)]),
		// The head moves under a commitment, which is withdrawn.
		after_head(
			[
				vec![
					Commit { who: 2, model: 0, right: 3, salt: 1 },
					Commit { who: 3, model: 0, right: 31, salt: 2 },
					Blocks(3),
					Reveal { who: 3, submission: 2, right: 31, salt: 2, lie: 0 },
				],
				answered(2, Verdict::Valid),
				vec![
					Blocks(31),
					Settle { who: 5, submission: 2 },
					Withdraw { who: 2, submission: 1, right: 3, salt: 1 },
				],
			]
			.concat(),
		),
		// A copy, weights that are no better, a queue, a withdrawal.
		after_head(
			[
				vec![
					Commit { who: 2, model: 0, right: 1, salt: 1 },
					Commit { who: 3, model: 0, right: 2, salt: 2 },
					Commit { who: 4, model: 0, right: 3, salt: 3 },
					Commit { who: 5, model: 0, right: 31, salt: 4 },
					Blocks(3),
					Reveal { who: 2, submission: 1, right: 1, salt: 1, lie: 0 },
					Reveal { who: 3, submission: 2, right: 2, salt: 2, lie: 0 },
					Reveal { who: 4, submission: 3, right: 3, salt: 3, lie: 0 },
					Reveal { who: 5, submission: 4, right: 31, salt: 4, lie: 0 },
					Withdraw { who: 2, submission: 1, right: 1, salt: 1 },
				],
				answered(3, Verdict::Wrong(2)),
				vec![Blocks(31), Settle { who: 0, submission: 3 }],
			]
			.concat(),
		),
		// Never revealed.
		after_head(
			[vec![commit.clone()], vec![Blocks(250), Blocks(250)], vec![Settle { who: 0, submission: 1 }]]
				.concat(),
		),
		// Head and model go; so does what was kept of them.
		after_head(vec![
			Retire { who: 0, model: 0 },
			DropScores { who: 5, model: 0 },
			ForgetWeights { who: 5, model: 0, right: 1 },
			Leave { who: 1 },
		]),
		// The registrar's card, replaced by the next trainer's, who removes it; and what is refused.
		after_head(
			[
				vec![
					SetCard { who: 0, model: 0, card: Some(1) },
					SetCard { who: 2, model: 0, card: Some(2) },
					SetCard { who: 0, model: 0, card: Some(u8::MAX) },
					commit.clone(),
					Blocks(3),
					reveal.clone(),
				],
				answered(1, Verdict::Valid),
				vec![
					Blocks(31),
					Settle { who: 5, submission: 1 },
					SetCard { who: 0, model: 0, card: None },
					SetCard { who: 2, model: 0, card: Some(3) },
					SetCard { who: 2, model: 0, card: None },
					SetCard { who: 2, model: 0, card: None },
				],
			]
			.concat(),
		),
		// Weights that are demanded and shown, and accepted; and that nobody shows.
		after_head(
			[
				vec![commit.clone(), Blocks(3), reveal.clone(), Demand { who: 3, of: Of::Submission(1) }],
				answered(1, Verdict::Valid),
				vec![
					PostWeights { of: Of::Submission(1), right: 6 },
					PostWeights { of: Of::Submission(1), right: 7 },
					Demand { who: 3, of: Of::Submission(1) },
					Blocks(31),
					Settle { who: 5, submission: 1 },
				],
			]
			.concat(),
		),
		after_head(
			[
				vec![commit.clone(), Blocks(3), reveal.clone(), Demand { who: 3, of: Of::Submission(1) }],
				answered(1, Verdict::Valid),
				vec![Blocks(31), Settle { who: 5, submission: 1 }],
			]
			.concat(),
		),
		// A head that nobody shows, and one after it.
		after_head(
			[
				vec![
					Demand { who: 3, of: Of::Head(0) },
					Revert { who: 3, model: 0 },
					Blocks(31),
					Revert { who: 3, model: 0 },
					commit.clone(),
					Blocks(3),
					reveal.clone(),
				],
				answered(1, Verdict::Valid),
				vec![Blocks(31), Settle { who: 5, submission: 1 }],
			]
			.concat(),
		),
		// Keepers enlist, and a deal is offered and taken, or cannot be.
		vec![
			Enlist { who: 2, mib: 9 },
			BindPeer { who: 2, peer: 2 },
			BindPeer { who: 3, peer: 2 },
			BindPeer { who: 3, peer: 3 },
			Enlist { who: 2, mib: 9 },
			Enlist { who: 2, mib: 9 },
			Enlist { who: 3, mib: 9 },
			UnbindPeer { who: 2 },
			SetCapacity { who: 2, mib: 12 },
			SetCapacity { who: 5, mib: 12 },
			Offer { who: 4, right: None, replicas: 0, rounds: 30, price: 1, raise: 1 },
			Offer { who: 4, right: None, replicas: 2, rounds: 30, price: 1, raise: 1 },
			Take { who: 2, deal: 0 },
			Take { who: 2, deal: 0 },
			Take { who: 3, deal: 0 },
		],
		// A keeper who proves, and leaves; one who stays away, and loses; a deal that ends early.
		vec![
			From(starts::DEAL),
			Prove { who: 2, deal: 0, slot: 1, back: 0, right: None },
			Prove { who: 2, deal: 0, slot: 0, back: 1, right: None },
			Prove { who: 2, deal: 0, slot: 0, back: 0, right: Some(3) },
			Prove { who: 2, deal: 0, slot: 0, back: 0, right: None },
			Prove { who: 2, deal: 0, slot: 0, back: 0, right: None },
			Stay { who: 2, deal: 0 },
			Quit { who: 2, deal: 0 },
			Quit { who: 2, deal: 0 },
			Stay { who: 2, deal: 0 },
			Quit { who: 2, deal: 0 },
			SettleDeal { who: 5, deal: 0 },
			Blocks(20),
			Blocks(0),
			SettleDeal { who: 255, deal: 0 },
			Prove { who: 2, deal: 0, slot: 0, back: 0, right: None },
			Blocks(20),
			Blocks(0),
			Blocks(20),
			Blocks(0),
			Blocks(20),
			Blocks(0),
			RetireKeeper { who: 3 },
			RetireKeeper { who: 3 },
			WithdrawKeeper { who: 3 },
			Cancel { who: 5, deal: 0 },
			Cancel { who: 4, deal: 0 },
		],
		// A keeper comes and goes.
		vec![
			BindPeer { who: 2, peer: 2 },
			Enlist { who: 2, mib: 1 },
			WithdrawKeeper { who: 2 },
			RetireKeeper { who: 2 },
			Blocks(70),
			WithdrawKeeper { who: 2 },
			UnbindPeer { who: 2 },
			UnbindPeer { who: 2 },
		],
		// More deals end at once than a tick's sweep visits.
		[
			vec![Offer { who: 4, right: None, replicas: 1, rounds: 2, price: 1, raise: 0 }; 46],
			[Blocks(20), Blocks(0)].into_iter().cycle().take(6).collect(),
			(0..9).map(|deal| SettleDeal { who: 5, deal }).collect(),
		]
		.concat(),
		// The head's blobs are kept, and paid from the model's account.
		after_head(vec![
			Fund { who: 0, model: 0, amount: 1_000 },
			Fund { who: 0, model: 1, amount: 1_000 },
			BindPeer { who: 2, peer: 2 },
			Enlist { who: 2, mib: 9 },
			Take { who: 2, deal: 0 },
			Take { who: 2, deal: 1 },
			Blocks(20),
			Blocks(0),
			Blocks(20),
			Blocks(0),
			Prove { who: 2, deal: 0, slot: 0, back: 0, right: Some(1) },
			Prove { who: 2, deal: 1, slot: 0, back: 0, right: None },
		]),
		// Two verifiers whose outputs differ, and the court runs the record: for nobody's weights, and for the claim's.
		vec![
			From(starts::CLAIM),
			CommitFinding { who: 1, submission: 1, verdict: Verdict::Valid, right: 7 },
			CommitFinding { who: 2, submission: 1, verdict: Verdict::Valid, right: 6 },
			Blocks(4),
			Blocks(0),
			OpenFinding { who: 1, submission: 1, verdict: Verdict::Valid, right: 7, other: Some(3) },
			OpenFinding { who: 1, submission: 1, verdict: Verdict::Valid, right: 7, other: None },
			OpenFinding { who: 2, submission: 1, verdict: Verdict::Valid, right: 6, other: None },
			Blocks(1),
			Blocks(0),
			Resolve { submission: 1, record: 0, right: 6 },
			Resolve { submission: 1, record: 0, right: 7 },
			Blocks(31),
			Settle { who: 5, submission: 1 },
		],
		// A verifier bonds, joins, rests, wakes and leaves.
		vec![
			Join { who: 2, time: 60 },
			Bond { who: 2, role: Role::Verifier, units: 600 },
			Bond { who: 2, role: Role::Verifier, units: 600 },
			Join { who: 2, time: 60 },
			Join { who: 2, time: 60 },
			any(2, Verify::set_capacity { capacity: Load { time: 3_000_000_000_000_000, bytes: 1 << 31 } }),
			any(2, Verify::set_capacity { capacity: Load { time: 1, bytes: 1 } }),
			Wake { who: 2 },
			Rest { who: 2 },
			Rest { who: 2 },
			Wake { who: 2 },
			Rest { who: 2 },
			Leave { who: 2 },
			Sessions(3),
			Leave { who: 2 },
			Leave { who: 2 },
		],
		// Its stake grows, is of no use for a while, and is looked at again.
		vec![
			Bond { who: 2, role: Role::Verifier, units: 600 },
			any(2, Stake::bond_more { role: Role::Verifier, amount: 5 * UNIT }),
			any(3, Stake::bond_more { role: Role::Verifier, amount: 5 * UNIT }),
			any(2, Stake::set_commission { role: Role::Verifier, commission: Perbill::from_percent(9) }),
			any(2, Stake::set_commission { role: Role::Verifier, commission: Perbill::one() }),
			any(2, Stake::chill { role: Role::Verifier }),
			any(2, Stake::chill { role: Role::Verifier }),
			any(2, Stake::resume { role: Role::Verifier }),
			any(2, Stake::resume { role: Role::Verifier }),
			any(5, Stake::refresh { role: Role::Verifier, operator: account(2) }),
			MinStake { units: 400 },
			any(5, Stake::refresh { role: Role::Verifier, operator: account(2) }),
		],
		// A delegator's stake moves on, and leaves.
		vec![
			Bond { who: 2, role: Role::Verifier, units: 600 },
			Bond { who: 3, role: Role::Verifier, units: 700 },
			Delegate { who: 4, role: Role::Verifier, operator: 2, units: 90 },
			Delegate { who: 4, role: Role::Verifier, operator: 5, units: 90 },
			Unbond { who: 4, role: Role::Verifier, operator: 2, units: 40, to: Some(3) },
			Unbond { who: 4, role: Role::Verifier, operator: 2, units: 40, to: Some(5) },
			Unbond { who: 4, role: Role::Verifier, operator: 2, units: 50, to: None },
			Unbond { who: 4, role: Role::Verifier, operator: 2, units: 50, to: None },
			WithdrawStake { who: 4, role: Role::Verifier, operator: 2 },
			Blocks(250),
			Sessions(3),
			WithdrawStake { who: 4, role: Role::Verifier, operator: 2 },
		],
		// A verifier is absent again and again, is sent away, and does not come back.
		after_head(
			[
				vec![any(5, Verify::dismiss { verifier: account(1) })],
				vec![commit.clone(), Blocks(3), reveal.clone()],
				[Sessions(3), Blocks(30), Blocks(0)].into_iter().cycle().take(9).collect(),
				vec![Settle { who: 5, submission: 1 }],
				vec![Commit { who: 3, model: 0, right: 31, salt: 2 }, Blocks(3)],
				vec![Reveal { who: 3, submission: 2, right: 31, salt: 2, lie: 0 }],
				[Sessions(3), Blocks(30), Blocks(0)].into_iter().cycle().take(9).collect(),
				vec![any(5, Verify::dismiss { verifier: account(1) })],
				vec![Sessions(3), any(5, Verify::dismiss { verifier: account(1) })],
			]
			.concat(),
		),
		// Validators come and go.
		vec![
			Bond { who: 2, role: Role::Validator, units: 20_000 },
			Delegate { who: 3, role: Role::Validator, operator: 2, units: 50 },
			Sessions(3),
			any(2, Stake::chill { role: Role::Validator }),
			Sessions(3),
			Unbond { who: 2, role: Role::Validator, operator: 2, units: 20_000, to: None },
			Sessions(3),
			Blocks(250),
			WithdrawStake { who: 2, role: Role::Validator, operator: 2 },
		],
		// One with keys of its own is elected, stays away, and goes.
		vec![
			SetKeys { who: 2, keys: 2 },
			SetKeys { who: 3, keys: 2 },
			any(2, SessionCall::purge_keys {}),
			any(2, SessionCall::purge_keys {}),
			SetKeys { who: 2, keys: 2 },
			Bond { who: 2, role: Role::Validator, units: 20_000 },
			Sessions(3),
			SetKeys { who: 2, keys: 3 },
			Sessions(3),
			Sessions(3),
			Sessions(3),
			any(2, Stake::resume { role: Role::Validator }),
			Sessions(3),
			any(2, Stake::chill { role: Role::Validator }),
			Sessions(3),
			any(2, SessionCall::purge_keys {}),
			Sessions(3),
		],
		// Never accepted.
		vec![
			Announce { who: 3, model: 1, salt: 0 },
			Announce { who: 4, model: 2, salt: 1 },
			RemoveAnnouncement { who: 4, registrar: 4, model: 2, salt: 1 },
			Announce { who: 4, model: 2, salt: 2 },
			Blocks(3),
			Register { who: 3, model: 1, parent: None, salt: 0 },
			Register { who: 4, model: 2, parent: Some(1), salt: 2 },
			SetCard { who: 3, model: 1, card: Some(1) },
			Abandon { who: 3, model: 1 },
		],
	]
}

/// What is paid from the channel that there is: a voucher of its key.
fn promise(amount: u8) -> Promise {
	Promise { channel: 0, version: 0, amount, key: 5, forged: false }
}

/// A receipt of the head's weights about three inputs, with what weights make that are right on these records.
fn receipt(of: Paid, made: u8) -> Answer {
	Answer { of, model: 0, count: 3, right: Some(1), made, price: 2, life: 50 }
}

/// Offers, channels and one-shot requests.
fn inference() -> Vec<Vec<Action>> {
	let claim = |vouchers| Claim { who: 5, vouchers };
	let offer = |models, grace, answer, max_count| SetOffer {
		who: 3,
		key: 6,
		models,
		price: 1,
		grace,
		answer,
		max_count,
	};
	let open = |provider, model, deposit, grace, term| OpenChannel {
		who: 2,
		provider,
		model,
		deposit,
		key: None,
		grace,
		term,
	};
	let close = |life, user, provider| CloseAgreed {
		who: 1,
		channel: 0,
		version: 0,
		amount: 40,
		life,
		user,
		provider,
	};
	let ask = |model, count, given, limit| Request { who: 2, provider: 3, model, count, given, limit };
	let answer = |version, right, count, life, key| AnswerRequest {
		who: 3,
		request: 0,
		version,
		right,
		count,
		life,
		key,
	};
	let channel = Paid::Channel(0);
	// A receipt that this key signed, before the court with the input and the proofs of these numbers.
	let court = |receipt, key, (index, other)| Dispute {
		who: 2,
		key,
		receipt,
		shown: Some(1),
		index,
		other,
		stingy: false,
	};
	let dispute =
		|who, receipt, shown, stingy| Dispute { who, key: 4, receipt, shown, index: 0, other: 0, stingy };
	let wrong = |price| dispute(2, Answer { price, ..receipt(channel, 0) }, Some(1), false);
	let on = |then: Vec<Action>| [vec![From(starts::CHANNEL)], then].concat();
	vec![
		// What may be offered, and by whom; an offer that is changed, taken and withdrawn.
		after_head(vec![
			offer(vec![0], 12, 20, 9),
			Bond { who: 3, role: Role::Provider, units: 200 },
			offer(vec![], 12, 20, 9),
			offer(vec![0, 0], 12, 20, 9),
			offer(vec![1], 12, 20, 9),
			offer(vec![0], 9, 20, 9),
			offer(vec![0], 12, 0, 9),
			offer(vec![0], 12, 20, 0),
			offer(vec![0], 12, 20, 9),
			offer(vec![0], 10, 1, 1),
			open(3, 0, 200, None, 10),
			RemoveOffer { who: 3 },
			RemoveOffer { who: 3 },
			open(3, 0, 200, None, 10),
		]),
		// Channels that cannot be opened, and one that its term ends.
		on(vec![
			open(4, 0, 200, None, 99),
			open(3, 1, 200, None, 99),
			open(3, 0, 0, None, 99),
			open(3, 0, 200, Some(11), 99),
			open(3, 0, 200, None, 11),
			open(3, 0, 1, None, 12),
			FinishClose { who: 1, channel: 1 },
			Blocks(12),
			TopUp { who: 2, channel: 1, amount: 1 },
			FinishClose { who: 1, channel: 1 },
			FinishClose { who: 1, channel: 1 },
		]),
		// Vouchers, until the provider closes the channel and it is removed.
		on(vec![
			TopUp { who: 3, channel: 0, amount: 5 },
			TopUp { who: 2, channel: 0, amount: 0 },
			TopUp { who: 2, channel: 0, amount: 5 },
			claim(vec![]),
			claim(vec![promise(20)]),
			claim(vec![promise(20)]),
			claim(vec![promise(206), Promise { key: 4, ..promise(30) }, promise(205)]),
			CloseChannel { who: 2, channel: 0, last: None },
			CloseChannel { who: 3, channel: 1, last: None },
			CloseChannel { who: 3, channel: 0, last: Some(Promise { channel: 1, ..promise(60) }) },
			RemoveChannel { who: 5, channel: 0 },
			CloseChannel { who: 3, channel: 0, last: None },
			claim(vec![promise(60)]),
			RemoveChannel { who: 5, channel: 0 },
			Blocks(61),
			RemoveChannel { who: 5, channel: 0 },
			RemoveChannel { who: 5, channel: 0 },
		]),
		// Forged ones; several versions, of which one never was; one that is redeemed at the end.
		on(vec![
			claim(vec![Promise { forged: true, ..promise(20) }, Promise { channel: 9, ..promise(20) }]),
			claim(vec![promise(1), promise(2), promise(3), Promise { version: 7, ..promise(50) }]),
			CloseChannel { who: 3, channel: 0, last: Some(Promise { key: 2, ..promise(60) }) },
			CloseChannel { who: 3, channel: 0, last: Some(promise(50)) },
			CloseChannel { who: 3, channel: 0, last: Some(promise(60)) },
		]),
		// Agreements: one is over, others are not signed by user or provider, who may sign by its account, or say too little.
		on(vec![
			close(0, 5, 4),
			close(9, 2, 4),
			close(9, 5, 2),
			claim(vec![promise(41)]),
			close(9, 5, 4),
			CloseAgreed { who: 1, channel: 0, version: 0, amount: 201, life: 9, user: 5, provider: 3 },
			CloseAgreed { who: 1, channel: 0, version: 0, amount: 200, life: 9, user: 5, provider: 3 },
			close(9, 5, 4),
		]),
		on(vec![close(9, 5, 4)]),
		// The user wants it to end; vouchers are redeemed until it does.
		on(vec![
			BeginClose { who: 3, channel: 0 },
			BeginClose { who: 2, channel: 9 },
			BeginClose { who: 2, channel: 0 },
			BeginClose { who: 2, channel: 0 },
			TopUp { who: 2, channel: 0, amount: 5 },
			FinishClose { who: 4, channel: 0 },
			claim(vec![promise(30)]),
			Blocks(12),
			claim(vec![promise(31)]),
			FinishClose { who: 4, channel: 0 },
			BeginClose { who: 2, channel: 0 },
		]),
		// One-shot requests that are refused; one that nobody answers, and one that is answered and paid.
		on(vec![
			ask(1, 2, 2, 9),
			ask(0, 0, 0, 9),
			ask(0, 10, 10, 99),
			ask(0, 2, 1, 9),
			ask(0, 2, 2, 0),
			ask(0, 9, 9, 2),
			AnswerRequest { who: 4, request: 0, version: 0, right: 1, count: 2, life: 30, key: 4 },
			AnswerRequest { who: 3, request: 9, version: 0, right: 1, count: 2, life: 30, key: 4 },
			answer(1, 1, 2, 30, 4),
			answer(0, 1, 2, 23, 4),
			answer(0, 1, 2, 61, 4),
			answer(0, 1, 1, 30, 4),
			answer(0, 1, 2, 30, 3),
			answer(0, 1, 2, 30, 4),
			answer(0, 1, 2, 30, 4),
			SettleRequest { who: 5, request: 0 },
			Blocks(21),
			AnswerRequest { who: 3, request: 1, version: 0, right: 1, count: 9, life: 30, key: 4 },
			SettleRequest { who: 5, request: 1 },
			Blocks(10),
			SettleRequest { who: 5, request: 0 },
			SettleRequest { who: 5, request: 0 },
		]),
		// Answers before the court: right, wrong, wrong again; in time, and about the channel's model.
		on(vec![
			court(receipt(channel, 1), 4, (0, 0)),
			wrong(2),
			wrong(2),
			wrong(3),
			court(Answer { life: 0, ..receipt(channel, 0) }, 4, (0, 0)),
			court(Answer { model: 1, ..receipt(channel, 0) }, 4, (0, 0)),
			// A right output of a wrong answer.
			court(receipt(channel, 0), 4, (1, 0)),
		]),
		// What it does not look at: what others signed, inputs that are not there, other weights, or such as no model has.
		on(vec![
			court(receipt(Paid::Channel(1), 0), 4, (0, 0)),
			court(receipt(channel, 0), 3, (0, 0)),
			court(receipt(channel, 0), 4, (3, 0)),
			court(receipt(channel, 0), 4, (0, 1)),
			court(Answer { right: None, ..receipt(channel, 0) }, 4, (0, 0)),
			dispute(2, Answer { right: None, ..receipt(channel, 0) }, None, false),
			dispute(3, receipt(channel, 0), Some(1), false),
			dispute(2, receipt(channel, 0), Some(1), true),
		]),
		// A wrong answer to a one-shot request: its price goes back.
		on(vec![
			answer(0, 0, 2, 30, 4),
			court(Answer { count: 2, ..receipt(Paid::Request(0), 0) }, 4, (0, 0)),
			SettleRequest { who: 5, request: 0 },
			court(receipt(Paid::Request(0), 0), 4, (0, 0)),
		]),
		// A provider with a delegator, until nothing is left to lose; what is disputed goes with the channel.
		on(vec![
			Delegate { who: 4, role: Role::Provider, operator: 3, units: 90 },
			wrong(1),
			wrong(2),
			wrong(3),
			open(3, 0, 200, None, 12),
			wrong(4),
			wrong(5),
			open(3, 0, 200, None, 12),
			ask(0, 2, 2, 9),
			CloseChannel { who: 3, channel: 0, last: Some(promise(9)) },
			wrong(6),
			Blocks(61),
			court(Answer { life: 99, ..receipt(channel, 0) }, 4, (0, 0)),
			RemoveChannel { who: 5, channel: 0 },
		]),
		// A provider that leaves answers for what it signed, as long as its stake is there.
		on(vec![
			Unbond { who: 3, role: Role::Provider, operator: 3, units: 200, to: None },
			ask(0, 2, 2, 9),
			offer(vec![0], 12, 20, 9),
			wrong(1),
			Blocks(61),
			WithdrawStake { who: 3, role: Role::Provider, operator: 3 },
			wrong(2),
			RemoveOffer { who: 3 },
		]),
		// The model is retired: what is under way goes on.
		on(vec![
			Retire { who: 0, model: 0 },
			open(3, 0, 200, None, 12),
			offer(vec![0], 12, 20, 9),
			answer(0, 1, 2, 24, 4),
			claim(vec![promise(10)]),
			Blocks(25),
			SettleRequest { who: 5, request: 0 },
			wrong(1),
		]),
		// A model that descends from another: its trainer has a royalty.
		after_head(
			[
				vec![
					Announce { who: 4, model: 2, salt: 0 },
					Blocks(3),
					Register { who: 4, model: 2, parent: Some(0), salt: 0 },
					Commit { who: 4, model: 2, right: 31, salt: 0 },
					Blocks(3),
					Reveal { who: 4, submission: 1, right: 31, salt: 0, lie: 0 },
				],
				answered(1, Verdict::Valid),
				vec![
					Blocks(31),
					Settle { who: 5, submission: 1 },
					Bond { who: 3, role: Role::Provider, units: 200 },
					offer(vec![0, 2], 12, 20, 9),
					open(3, 2, 200, None, 12),
					claim(vec![Promise { key: 2, ..promise(99) }]),
					ask(2, 3, 3, 9),
					answer(0, 31, 3, 24, 6),
					Blocks(25),
					SettleRequest { who: 5, request: 0 },
				],
			]
			.concat(),
		),
	]
}

/// Reputation, and what is decided by it. Alice and Bob have the highest tier.
fn governance() -> Vec<Vec<Action>> {
	let all = |actions: Vec<Govern>| actions.into_iter().map(Action::Govern).collect::<Vec<_>>();
	let aye = |who, poll| Vote { who, poll, aye: Some(true) };
	let change = Propose { who: 0, track: 2, units: 600 };
	vec![
		// A change of a parameter is approved and enacted; votes are forgotten, deposits returned.
		[
			all(vec![
				change.clone(),
				Propose { who: 2, track: 2, units: 600 },
				Back { who: 3, poll: 0 },
				Back { who: 3, poll: 0 },
				aye(0, 0),
				aye(1, 0),
				aye(2, 0),
				Govern::Forget { who: 2, whose: 0 },
			]),
			// Every fifth block begins an epoch, and has no room for what is scheduled.
			vec![Blocks(2); 9],
			all(vec![
				Poke { who: 4, poll: 0 },
				Poke { who: 4, poll: 9 },
				Govern::Forget { who: 2, whose: 0 },
				Refund { who: 0, poll: 0, decision: false },
				Refund { who: 3, poll: 0, decision: true },
			]),
		]
		.concat(),
		// One is rejected, one waits for its deposit for too long.
		[
			all(vec![
				change.clone(),
				Propose { who: 1, track: 0, units: 1 },
				Back { who: 1, poll: 0 },
				Vote { who: 1, poll: 0, aye: Some(false) },
				Poke { who: 4, poll: 1 },
			]),
			vec![Blocks(2), Blocks(2), Blocks(2), Blocks(40), Blocks(2), Blocks(2)],
			all(vec![Refund { who: 1, poll: 0, decision: true }, aye(0, 1)]),
		]
		.concat(),
		// Votes change, are taken back and lent; a tier is lost under them, and comes back.
		[
			all(vec![
				change.clone(),
				aye(0, 0),
				Vote { who: 0, poll: 0, aye: None },
				Vote { who: 0, poll: 0, aye: None },
				Lend { who: 0, track: 2, to: Some(1) },
				Lend { who: 0, track: 2, to: Some(1) },
				aye(1, 0),
				Govern::CatchUp { who: 3, whose: 1 },
				Seen { who: 1, well: false, times: 9 },
				Govern::CatchUp { who: 3, whose: 1 },
				Appeal { who: 1 },
				Appeal { who: 1 },
				Answered { whose: 1, upheld: Some(true) },
				Answered { whose: 1, upheld: Some(true) },
				Seen { who: 0, well: false, times: 9 },
			]),
			vec![Blocks(1)],
			all(vec![
				Lend { who: 0, track: 2, to: None },
				Lend { who: 0, track: 2, to: None },
				Appeal { who: 0 },
				Answered { whose: 0, upheld: None },
			]),
			vec![Blocks(250), Blocks(60)],
			all(vec![
				Answered { whose: 0, upheld: None },
				Bump { who: 3, whose: 0 },
				Bump { who: 3, whose: 4 },
			]),
		]
		.concat(),
		// Somebody serves and rises, and falls as time passes.
		[
			vec![Bond { who: 2, role: Role::Provider, units: 20_000 }],
			all(vec![
				Earned { who: 2, payer: 3, burned: 200 },
				Earned { who: 2, payer: 4, burned: 200 },
				Seen { who: 2, well: true, times: 30 },
				Tidy { who: 4, payers: vec![3, 4] },
			]),
			vec![Blocks(100)],
			all(vec![Tidy { who: 4, payers: vec![3, 4] }, Bump { who: 4, whose: 2 }]),
		]
		.concat(),
		// More is proposed than a track has room for.
		[
			all((0..18).map(|units| Propose { who: 0, track: 4, units }).collect()),
			all((0..18).map(|poll| Back { who: 1, poll }).collect()),
			vec![Blocks(2), Blocks(2), Blocks(2), Blocks(40), Blocks(2), Blocks(2), Blocks(2)],
			all(vec![Propose { who: 0, track: 4, units: 9 }]),
		]
		.concat(),
		// A model is frozen and thawed; safe mode begins, and ends by itself.
		after_head(
			[
				all(vec![
					Freeze { model: 0, thaw: true },
					Freeze { model: 0, thaw: false },
					Freeze { model: 0, thaw: false },
				]),
				vec![Commit { who: 2, model: 0, right: 7, salt: 1 }],
				all(vec![Freeze { model: 0, thaw: true }, Brake { on: true }, Brake { on: true }]),
				vec![Commit { who: 2, model: 0, right: 7, salt: 1 }, Blocks(40), Blocks(1)],
				all(vec![Brake { on: false }]),
				vec![Commit { who: 2, model: 0, right: 7, salt: 1 }],
			]
			.concat(),
		),
	]
}

fn write(folder: &Path, inputs: impl Iterator<Item = Vec<u8>>) -> std::io::Result<()> {
	fs::create_dir_all(folder)?;
	for (i, input) in inputs.enumerate() {
		fs::write(folder.join(format!("seed-{i:03}")), input)?;
	}
	Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let folder = std::env::args().nth(1).ok_or("usage: seeds FOLDER")?;
	let folder = Path::new(&folder);
	// One action after the other, without a count.
	let encoded = |story: Vec<Action>| story.iter().flat_map(Encode::encode).collect();
	write(&folder.join("runtime"), stories().into_iter().map(encoded))?;
	let graphs = (0..).map(random_case).map(|case| [case.graph.encode(), case.weights].concat());
	write(&folder.join("evaluator"), graphs.filter(|bytes| bytes.len() <= GRAPH_BYTES).take(GRAPHS))?;
	Ok(())
}
