//! Finding the block in which a one-shot request met its end.

use super::{Refusal, json::Outcome};
use oda_primitives::inference::RequestId;
use oda_runtime::{AccountId, Balance, Hash};
use oda_runtime_api::{RequestEvent, RequestEvents, RequestState};

/// The chain of final blocks. The states of old ones may be gone.
pub(super) trait Final {
	/// The last one's number.
	fn last(&self) -> u32;

	/// How far a request had come after a block.
	fn state(&self, block: u32, request: RequestId) -> Result<RequestState, Refusal>;

	/// What requests met in a block, and the block's hash.
	fn events(&self, block: u32) -> Result<(Hash, RequestEvents<AccountId, Balance>), Refusal>;
}

/// What became of a request: of its answer, or the end without one; nothing while it waits.
///
/// What is on chain of an answer is an event. A request never goes back, so that the block of the event is found by
/// halving.
pub(super) fn outcome(chain: &impl Final, request: RequestId) -> Result<Option<Outcome>, Refusal> {
	let last = chain.last();
	match chain.state(last, request)? {
		RequestState::Unknown => return Err(Refusal::UnknownRequest),
		RequestState::Asked => return Ok(None),
		RequestState::Answered | RequestState::Ended => {}
	}
	// It waited before the one block, or nobody knows any more; it waited no longer after the other.
	let (mut before, mut after) = (0, last);
	while after.saturating_sub(before) > 1 {
		let middle = before.midpoint(after);
		match chain.state(middle, request) {
			Ok(RequestState::Answered | RequestState::Ended) => after = middle,
			Ok(RequestState::Unknown | RequestState::Asked) | Err(_) => before = middle,
		}
	}
	let (block, events) = chain.events(after)?;
	let ends = events.into_iter().filter(|(of, ..)| *of == request);
	let mut ends = ends.filter_map(|(_, _, event)| Outcome::new(block, event));
	ends.next().map(Some).ok_or(Refusal::Forgotten)
}

impl Outcome {
	/// What an event of this block says of a request's end, if it says anything of it.
	fn new(block: Hash, event: RequestEvent<AccountId, Balance>) -> Option<Self> {
		match event {
			RequestEvent::Asked { .. } => None,
			RequestEvent::Answered { version, receipt, signature, output } => Some(Self::Answered {
				block,
				version,
				receipt,
				signature: codec::Encode::encode(&signature).into(),
				output: output.into(),
			}),
			RequestEvent::Returned { returned } => Some(Self::Returned { block, returned }),
		}
	}
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests")]
mod tests {
	use super::*;
	use std::cell::Cell;

	/// A chain that keeps the states from a block on, and has answered request 7, then settled it.
	#[derive(Default)]
	struct Kept {
		from: u32,
		asked: u32,
		answered: u32,
		ended: u32,
		reads: Cell<u32>,
	}

	const LAST: u32 = 1_000;
	const REQUEST: RequestId = 7;

	impl Final for Kept {
		fn last(&self) -> u32 {
			LAST
		}

		fn state(&self, block: u32, request: RequestId) -> Result<RequestState, Refusal> {
			self.reads.set(self.reads.get() + 1);
			if block < self.from {
				return Err(Refusal::Runtime("pruned".into()));
			}
			Ok(match request {
				REQUEST if block >= self.ended => RequestState::Ended,
				REQUEST if block >= self.answered => RequestState::Answered,
				REQUEST if block >= self.asked => RequestState::Asked,
				_ => RequestState::Unknown,
			})
		}

		fn events(&self, block: u32) -> Result<(Hash, RequestEvents<AccountId, Balance>), Refusal> {
			let returned = RequestEvent::Returned { returned: 5 };
			let ours = (block == self.answered).then(|| (REQUEST, Some(1), returned.clone()));
			Ok((hash(block), ours.into_iter().chain([(REQUEST + 1, None, returned)]).collect()))
		}
	}

	fn hash(block: u32) -> Hash {
		Hash::from_low_u64_be(block.into())
	}

	#[test]
	fn the_block_of_the_answer_should_be_found_wherever_it_is() {
		for answered in [1, 2, 3, 500, 998, 999, LAST] {
			for ended in [answered + 1, LAST, LAST + 1] {
				let chain = Kept { asked: answered - 1, answered, ended, ..Kept::default() };
				let found = outcome(&chain, REQUEST);
				assert_eq!(found, Ok(Some(Outcome::Returned { block: hash(answered), returned: 5 })));
			}
		}
	}

	#[test]
	fn a_request_that_waits_should_have_no_outcome_yet() {
		let chain = Kept { asked: 900, answered: LAST + 1, ended: LAST + 2, ..Kept::default() };
		assert_eq!(outcome(&chain, REQUEST), Ok(None));
	}

	#[test]
	fn a_request_that_was_never_made_should_be_unknown() {
		let chain = Kept { asked: LAST + 1, answered: LAST + 2, ended: LAST + 3, ..Kept::default() };
		assert_eq!(outcome(&chain, REQUEST), Err(Refusal::UnknownRequest));
	}

	#[test]
	fn an_answer_should_be_found_as_long_as_its_block_is_kept() {
		let chain = |from| Kept { from, asked: 10, answered: 800, ended: LAST, ..Kept::default() };
		for from in [0, 11, 799, 800] {
			assert!(matches!(outcome(&chain(from), REQUEST), Ok(Some(_))), "states from block {from} on");
		}
		assert_eq!(outcome(&chain(801), REQUEST), Err(Refusal::Forgotten));
	}

	#[test]
	fn leak_looking_for_an_answer_should_take_a_read_for_each_halving() {
		for answered in 1..=LAST {
			let chain = Kept { asked: answered - 1, answered, ended: LAST + 1, ..Kept::default() };
			assert!(matches!(outcome(&chain, REQUEST), Ok(Some(_))));
			assert!(chain.reads.get() <= 1 + LAST.ilog2() + 1, "{} reads", chain.reads.get());
		}
	}
}
