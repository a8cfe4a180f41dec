//! What the calls cost. The runtime measures and supplies the numbers (`runtime/src/weights/`).

use polkadot_sdk::frame_support::weights::Weight;

/// What the calls weigh.
pub trait WeightInfo {
	/// `m` models are offered.
	fn set_offer(m: u32) -> Weight;
	/// An offer is removed.
	fn remove_offer() -> Weight;
	/// A channel is opened.
	fn open() -> Weight;
	/// A channel is topped up.
	fn top_up() -> Weight;
	/// `n` vouchers are redeemed, each of another channel and model.
	fn claim(n: u32) -> Weight;
	/// A channel is closed by a last voucher.
	fn close() -> Weight;
	/// A channel is closed by two signatures.
	fn close_agreed() -> Weight;
	/// A channel's end is asked for.
	fn begin_close() -> Weight;
	/// A channel's end is finished.
	fn finish_close() -> Weight;
	/// A channel is removed with as many disputed receipts as one call forgets.
	fn remove() -> Weight;
	/// A request of `b` bytes of input.
	fn request(b: u32) -> Weight;
	/// An answer of `b` bytes of output.
	fn answer(b: u32) -> Weight;
	/// A request is settled, and paid.
	fn settle() -> Weight;
	/// A dispute with `w` bytes of weights and `p` bytes of proofs, without the evaluation.
	fn dispute(w: u32, p: u32) -> Weight;
}

/// Nothing weighs anything: for tests.
impl WeightInfo for () {
	fn set_offer(_: u32) -> Weight {
		Weight::zero()
	}
	fn remove_offer() -> Weight {
		Weight::zero()
	}
	fn open() -> Weight {
		Weight::zero()
	}
	fn top_up() -> Weight {
		Weight::zero()
	}
	fn claim(_: u32) -> Weight {
		Weight::zero()
	}
	fn close() -> Weight {
		Weight::zero()
	}
	fn close_agreed() -> Weight {
		Weight::zero()
	}
	fn begin_close() -> Weight {
		Weight::zero()
	}
	fn finish_close() -> Weight {
		Weight::zero()
	}
	fn remove() -> Weight {
		Weight::zero()
	}
	fn request(_: u32) -> Weight {
		Weight::zero()
	}
	fn answer(_: u32) -> Weight {
		Weight::zero()
	}
	fn settle() -> Weight {
		Weight::zero()
	}
	fn dispute(_: u32, _: u32) -> Weight {
		Weight::zero()
	}
}
