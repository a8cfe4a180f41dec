//! What came of each round of each replica, as finalised state shows it.

use oda_client::{AccountId, Deal};
use oda_primitives::{DealId, RoundNumber};
use std::collections::BTreeMap;

/// What came of a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Outcome {
	pub(super) deal: DealId,
	pub(super) round: RoundNumber,
	pub(super) proved: bool,
}

/// A replica's last round that was told of, and the last in which it is challenged.
#[derive(Clone, Copy)]
struct Told {
	to: RoundNumber,
	last: RoundNumber,
}

/// The replicas of an account, at the last look.
#[derive(Default)]
pub(super) struct Rounds(BTreeMap<DealId, Told>);

impl Rounds {
	/// What the last look did not show; at the first, the rounds that were missed since the last proof.
	///
	/// A proof in the last block of a deal may never be seen, because the deal goes with the next one. It is told of
	/// as missed: rather one false alarm than none.
	pub(super) fn look(&mut self, round: RoundNumber, deals: &[Deal], account: &AccountId) -> Vec<Outcome> {
		let mut before = std::mem::take(&mut self.0);
		let mut outcomes = Vec::new();
		let mut tell = |deal, told: &mut Told, proved| {
			for number in told.to.saturating_add(1)..=round.min(told.last) {
				let is_proved = proved == Some(number);
				if is_proved || number < round {
					outcomes.push(Outcome { deal, round: number, proved: is_proved });
					told.to = number;
				}
			}
		};
		for deal in deals {
			let Some((_, replica)) = deal.replica_of(account) else { continue };
			let unchallenged = replica.first.saturating_sub(1);
			let known = match before.remove(&deal.id) {
				Some(told) => told.to,
				None => replica.proved.unwrap_or_default(),
			};
			let last = replica.last().min(deal.until);
			let mut told = Told { to: known.max(unchallenged), last };
			tell(deal.id, &mut told, replica.proved);
			self.0.insert(deal.id, told);
		}
		// Lost, left, or over.
		for (deal, mut told) in before {
			tell(deal, &mut told, None);
		}
		outcomes
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::{Replica, Slot};
	use oda_primitives::BlobRef;

	const ME: AccountId = AccountId([1; 32]);

	fn deal(id: DealId, proved: Option<RoundNumber>) -> Deal {
		let replica =
			Replica { keeper: ME, price: 1, left: 1, first: 5, proved, until: 20, leaves_after: None };
		Deal {
			id,
			payer: AccountId([9; 32]),
			model: None,
			blob: BlobRef::of(b"kept"),
			price: 1,
			max_price: 1,
			until: 20,
			funds: 100,
			raise_rounds: 4,
			slots: vec![Slot::Free { since: 1 }, Slot::Kept(replica)],
		}
	}

	/// The rounds of deal 3 that are told of at each look.
	fn told(looks: &[(RoundNumber, &[Deal])]) -> Vec<Vec<(RoundNumber, bool)>> {
		let mut rounds = Rounds::default();
		looks
			.iter()
			.map(|(round, deals)| {
				let outcomes = rounds.look(*round, deals, &ME);
				outcomes.iter().map(|outcome| (outcome.round, outcome.proved)).collect()
			})
			.collect()
	}

	#[test]
	fn each_round_is_told_once_as_soon_as_it_is_known() {
		let at = |round, proved| (round, vec![deal(3, proved)]);
		let looks = [
			at(4, None),
			at(5, None),
			at(5, Some(5)),
			at(5, Some(5)),
			at(6, Some(5)),
			// Seen only when the round was over.
			at(7, Some(6)),
			at(8, Some(6)),
			at(8, Some(8)),
			at(11, Some(8)),
		];
		let looks: Vec<_> = looks.iter().map(|(round, deals)| (*round, deals.as_slice())).collect();
		let expected: [&[_]; 9] = [
			&[],
			&[],
			&[(5, true)],
			&[],
			&[],
			&[(6, true)],
			&[(7, false)],
			&[(8, true)],
			&[(9, false), (10, false)],
		];
		assert_eq!(told(&looks), expected);
	}

	#[test]
	fn the_first_look_tells_what_was_missed_since_the_last_proof() {
		assert_eq!(told(&[(9, &[deal(3, Some(6))])]), [[(7, false), (8, false)]]);
		assert_eq!(told(&[(7, &[deal(3, None)])]), [[(5, false), (6, false)]]);
		assert!(told(&[(9, &[deal(3, Some(9))])])[0].is_empty());
	}

	#[test]
	fn a_lost_replica_and_a_deal_that_is_over_are_told_of() {
		let lost = Deal { slots: vec![Slot::Free { since: 8 }], ..deal(3, None) };
		assert_eq!(told(&[(7, &[deal(3, Some(6))]), (8, &[lost])])[1], [(7, false)]);
		assert_eq!(told(&[(20, &[deal(3, Some(19))]), (23, &[])])[1], [(20, false)]);
		assert!(told(&[(20, &[deal(3, Some(20))]), (21, &[])])[1].is_empty());
	}
}
