//! What storage's calls and hooks cost. The runtime measures and supplies its own (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::Weight;

/// What storage's calls and hooks cost. What a call has to settle of a deal first is not part of it, but
/// [`catch_up`](Self::catch_up).
pub trait WeightInfo {
	/// Becoming a keeper.
	fn enlist() -> Weight;
	/// Changing a keeper's capacity.
	fn set_capacity() -> Weight;
	/// Announcing to leave the keepers.
	fn retire() -> Weight;
	/// Leaving them.
	fn withdraw() -> Weight;
	/// Offering a deal.
	fn offer() -> Weight;
	/// Announcing the end of a deal.
	fn cancel() -> Weight;
	/// Taking a replica.
	fn take() -> Weight;
	/// Announcing to leave a deal.
	fn quit() -> Weight;
	/// Agreeing to a longer term.
	fn stay() -> Weight;
	/// Recording and paying a proved round.
	fn prove() -> Weight;
	/// Checking a proof of `d` chaining values before it is recorded, and a signature.
	fn authorize_prove(d: u32) -> Weight;
	/// Finding that nothing is due in a deal.
	fn settle() -> Weight;
	/// Finding whether something is.
	fn authorize_settle() -> Weight;
	/// Funding a model's account, and offering two deals for it.
	fn fund() -> Weight;
	/// Doing what is due in a deal of `r` replicas: at worst all are lost, and the deal ends.
	fn catch_up(r: u32) -> Weight;
	/// Finding that neither a round has to start, nor a deal to be visited, nor a waiting head to be tried.
	fn poll() -> Weight;
	/// Starting a round.
	fn start_round() -> Weight;
	/// Visiting a deal in which nothing is due.
	fn sweep_deal() -> Weight;
	/// Trying again to pay for a blob that a head needs.
	fn retry_head() -> Weight;
}

/// For tests only: costs nothing.
impl WeightInfo for () {
	fn enlist() -> Weight {
		Weight::zero()
	}
	fn set_capacity() -> Weight {
		Weight::zero()
	}
	fn retire() -> Weight {
		Weight::zero()
	}
	fn withdraw() -> Weight {
		Weight::zero()
	}
	fn offer() -> Weight {
		Weight::zero()
	}
	fn cancel() -> Weight {
		Weight::zero()
	}
	fn take() -> Weight {
		Weight::zero()
	}
	fn quit() -> Weight {
		Weight::zero()
	}
	fn stay() -> Weight {
		Weight::zero()
	}
	fn prove() -> Weight {
		Weight::zero()
	}
	fn authorize_prove(_: u32) -> Weight {
		Weight::zero()
	}
	fn settle() -> Weight {
		Weight::zero()
	}
	fn authorize_settle() -> Weight {
		Weight::zero()
	}
	fn fund() -> Weight {
		Weight::zero()
	}
	fn catch_up(_: u32) -> Weight {
		Weight::zero()
	}
	fn poll() -> Weight {
		Weight::zero()
	}
	fn start_round() -> Weight {
		Weight::zero()
	}
	fn sweep_deal() -> Weight {
		Weight::zero()
	}
	fn retry_head() -> Weight {
		Weight::zero()
	}
}
