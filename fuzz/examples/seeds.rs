//! Writes the inputs that a corpus starts from: `cargo run -p oda-fuzz --example seeds -- FOLDER`.

use codec::Encode;
use oda_evaluator::testing::random_case;
use oda_fuzz::runtime::{
	Action::{self, *},
	Of,
};
use oda_primitives::Verdict;
use std::{fs, path::Path};

/// Random graphs among the seeds, and the most bytes that one may have.
const GRAPHS: usize = 100;
const GRAPH_BYTES: usize = 600;

/// The model is registered by Alice, and weights that are right on record 0 become its head; Bob verifies.
fn head() -> Vec<Action> {
	vec![
		Announce { who: 0, model: 0, salt: 0 },
		Blocks(3),
		Register { who: 0, model: 0, parent: None, salt: 0 },
		Commit { who: 0, model: 0, right: 1, salt: 0 },
		Blocks(3),
		Reveal { who: 0, submission: 0, right: 1, salt: 0, lie: 0 },
		Attest { who: 1, submission: 0, verdict: Verdict::Valid },
		Blocks(31),
		Settle { who: 5, submission: 0 },
	]
}

fn after_head(then: Vec<Action>) -> Vec<Action> {
	[head(), then].concat()
}

fn stories() -> Vec<Vec<Action>> {
	let commit = Commit { who: 2, model: 0, right: 7, salt: 1 };
	let reveal = Reveal { who: 2, submission: 1, right: 7, salt: 1, lie: 0 };
	let lie = Reveal { who: 2, submission: 1, right: 7, salt: 1, lie: 16 };
	let challenge = |record| Challenge { who: 3, submission: 1, record, salt: 9, right: 7, stingy: false };
	let commit_challenge = |record| CommitChallenge { who: 3, submission: 1, record, salt: 9 };
	let accused = |then: Vec<Action>| {
		after_head(
			[
				vec![
					commit.clone(),
					Blocks(3),
					lie.clone(),
					Attest { who: 1, submission: 1, verdict: Verdict::Valid },
				],
				then,
			]
			.concat(),
		)
	};
	vec![
		head(),
		// A bounty, earned.
		after_head(vec![
			PostBounty { who: 4, model: 0, threshold: 3, amount: 20, term: 500 },
			commit.clone(),
			Blocks(3),
			reveal.clone(),
			Attest { who: 1, submission: 1, verdict: Verdict::Valid },
			Blocks(31),
			Settle { who: 5, submission: 1 },
		]),
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
		after_head(vec![
			Commit { who: 2, model: 0, right: 3, salt: 1 },
			Commit { who: 3, model: 0, right: 31, salt: 2 },
			Blocks(3),
			Reveal { who: 3, submission: 2, right: 31, salt: 2, lie: 0 },
			Attest { who: 1, submission: 2, verdict: Verdict::Valid },
			Blocks(31),
			Settle { who: 5, submission: 2 },
			Withdraw { who: 2, submission: 1, right: 3, salt: 1 },
		]),
		// A copy, weights that are no better, a queue, a withdrawal.
		after_head(vec![
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
			Attest { who: 1, submission: 3, verdict: Verdict::Wrong(2) },
			Blocks(31),
			Settle { who: 0, submission: 3 },
		]),
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
		after_head(vec![
			commit.clone(),
			Blocks(3),
			reveal.clone(),
			Demand { who: 3, of: Of::Submission(1) },
			Attest { who: 1, submission: 1, verdict: Verdict::Valid },
			PostWeights { of: Of::Submission(1), right: 6 },
			PostWeights { of: Of::Submission(1), right: 7 },
			Demand { who: 3, of: Of::Submission(1) },
			Blocks(31),
			Settle { who: 5, submission: 1 },
		]),
		after_head(vec![
			commit.clone(),
			Blocks(3),
			reveal.clone(),
			Demand { who: 3, of: Of::Submission(1) },
			Attest { who: 1, submission: 1, verdict: Verdict::Valid },
			Blocks(31),
			Settle { who: 5, submission: 1 },
		]),
		// A head that nobody shows, and one after it.
		after_head(vec![
			Demand { who: 3, of: Of::Head(0) },
			Revert { who: 3, model: 0 },
			Blocks(31),
			Revert { who: 3, model: 0 },
			commit.clone(),
			Blocks(3),
			reveal.clone(),
			Attest { who: 1, submission: 1, verdict: Verdict::Valid },
			Blocks(31),
			Settle { who: 5, submission: 1 },
		]),
		// A keeper who proves; one who stays away, and loses; who leaves; a deal that ends early.
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
			Blocks(20),
			Blocks(0),
			Blocks(20),
			Blocks(0),
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
