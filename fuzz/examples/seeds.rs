//! Writes the inputs that a corpus starts from: `cargo run -p oda-fuzz --example seeds -- FOLDER`.

use codec::Encode;
use oda_evaluator::testing::random_case;
use oda_fuzz::{
	runtime::{
		Action::{self, *},
		Of, account,
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
			Abandon { who: 3, model: 1 },
		],
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
