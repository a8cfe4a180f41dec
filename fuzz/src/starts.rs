//! Chains with a past, from which inputs go on: what comes late need not be found from genesis again each time.

use crate::runtime::Action::{self, *};
use oda_pallet_traits::Role;
use oda_primitives::Verdict;

/// No past.
pub const GENESIS: u8 = 0;
/// A model with a head.
pub const HEAD: u8 = 1;
/// Two verifiers, who are asked about a submission that would be the head.
pub const CLAIM: u8 = 2;
/// Two keepers, and a deal that both have taken, in its second round.
pub const DEAL: u8 = 3;
/// A provider that has been asked: in a channel, and by a one-shot request.
pub const CHANNEL: u8 = 4;

/// What each comes from.
pub const ALL: [fn() -> Vec<Action>; 5] = [Vec::new, head, claim, deal, channel];

/// The model is registered by Alice, and weights that are right on record 0 become its head; Bob verifies.
pub fn head() -> Vec<Action> {
	vec![
		Announce { who: 0, model: 0, salt: 0 },
		Blocks(3),
		Register { who: 0, model: 0, parent: None, salt: 0 },
		Commit { who: 0, model: 0, right: 1, salt: 0 },
		Blocks(3),
		Reveal { who: 0, submission: 0, right: 1, salt: 0, lie: 0 },
	]
	.into_iter()
	.chain(answered(0, Verdict::Valid))
	.chain([Blocks(31), Settle { who: 5, submission: 0 }])
	.collect()
}

/// Bob is drawn for a submission two epochs after its turn has come, commits, and opens once records are drawn.
pub fn answered(submission: u8, verdict: Verdict) -> Vec<Action> {
	let answer = Attest { who: 1, submission, verdict };
	vec![Sessions(2), Blocks(0), answer.clone(), Blocks(4), Blocks(0), answer, Blocks(0), Blocks(0)]
}

fn claim() -> Vec<Action> {
	let then = vec![
		Bond { who: 2, role: Role::Verifier, units: 20_000 },
		Join { who: 2, time: 60 },
		Sessions(3),
		Commit { who: 2, model: 0, right: 7, salt: 1 },
		Blocks(9),
		Reveal { who: 2, submission: 1, right: 7, salt: 1, lie: 0 },
		Sessions(2),
		Blocks(0),
	];
	[head(), then].concat()
}

fn deal() -> Vec<Action> {
	vec![
		Enlist { who: 2, mib: 9 },
		BindPeer { who: 2, peer: 2 },
		BindPeer { who: 3, peer: 3 },
		Enlist { who: 2, mib: 9 },
		Enlist { who: 3, mib: 9 },
		Offer { who: 4, right: None, replicas: 2, rounds: 30, price: 1, raise: 1 },
		Take { who: 2, deal: 0 },
		Take { who: 3, deal: 0 },
		Blocks(20),
		Blocks(0),
		Blocks(20),
		Blocks(0),
	]
}

/// Dave provides, and signs receipts with Eve's key; Charlie asks, and signs vouchers with Ferdie's.
fn channel() -> Vec<Action> {
	let then = vec![
		Bond { who: 3, role: Role::Provider, units: 200 },
		SetOffer { who: 3, key: 4, models: vec![0], price: 1, grace: 12, answer: 20, max_count: 9 },
		OpenChannel { who: 2, provider: 3, model: 0, deposit: 200, key: Some(5), grace: None, term: 100 },
		Request { who: 2, provider: 3, model: 0, count: 2, given: 2, limit: 9 },
	];
	[head(), then].concat()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::runtime::{self, OK, Of, Promise};
	use codec::Encode;

	#[test]
	fn a_start_is_where_it_says() {
		let finding = |who, right| CommitFinding { who, submission: 1, verdict: Verdict::Valid, right };
		let proof = |who, slot| Prove { who, deal: 0, slot, back: 0, right: None };
		let promise = Promise { channel: 0, version: 0, amount: 9, key: 5, forged: false };
		let answer = AnswerRequest { who: 3, request: 0, version: 0, right: 1, count: 2, life: 30, key: 4 };
		let what_only_then_succeeds = [
			(HEAD, vec![Demand { who: 3, of: Of::Head(0) }]),
			(CLAIM, vec![finding(1, 7), finding(2, 6)]),
			(DEAL, vec![proof(2, 0), proof(3, 1)]),
			(CHANNEL, vec![Claim { who: 0, vouchers: vec![promise] }, answer]),
		];
		for (start, then) in what_only_then_succeeds {
			let run = |start: u8| {
				let story = [vec![From(start)], then.clone()].concat();
				runtime::run(&story.iter().flat_map(Encode::encode).collect::<Vec<_>>())
			};
			let (here, before) = (run(start), run(GENESIS));
			let times =
				|tally: &runtime::Tally| tally.values().filter_map(|outcomes| outcomes.get(OK)).sum::<u64>();
			assert_eq!((times(&here), times(&before)), (then.len() as u64, 0), "{start}: {here:?}");
		}
	}
}
