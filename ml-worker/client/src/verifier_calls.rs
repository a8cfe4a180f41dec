//! Joining the verifiers, resting and leaving.

use crate::{
	AccountId, Balance, Call, Chain, ChainError, Key, View,
	error::node,
	runtime::{self, runtime_types as generated},
};
use generated::pallet_verification::types::{Duty as Stored, Load};
use serde::Serialize;

/// What a verifier has room for at a time, or what verifying takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Capacity {
	/// Computing time, in picoseconds of the machine that weights are measured on.
	pub time: u64,
	/// Bytes of weights and data to fetch and keep.
	pub bytes: u64,
}

/// What the seats of a verifier take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Seated {
	/// Computing time, in picoseconds of the machine that weights are measured on.
	pub time: u128,
	/// Bytes of weights and data.
	pub bytes: u128,
	/// The stake that answers for the seats.
	pub stake: Balance,
}

/// Whether a verifier is there to be drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
	/// It is.
	Awake,
	/// It was absent too often, and gets no new tasks until it wakes.
	Away,
	/// It rests, as it said.
	Resting,
}

/// How a verifier fares, at one block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct VerifierStatus {
	/// The account.
	pub account: AccountId,
	/// Whether it is there to be drawn.
	pub duty: Duty,
	/// What it weighs in draws of the epoch after the next on: nothing while it rests, or has too little stake.
	pub weight: u128,
	/// What it has room for at a time, as it has declared last.
	pub capacity: Capacity,
	/// What its seats take now.
	pub seated: Seated,
	/// The number of open tasks of which it is a member.
	pub open: u32,
	/// The number of its absences since it last answered rightly.
	pub absences: u32,
}

impl View {
	/// How a verifier fares; `None` if the account is not one.
	pub async fn verifier_status(&self, account: &AccountId) -> Result<Option<VerifierStatus>, ChainError> {
		let call = runtime::view_functions().verification().verifier(*account);
		let found = self.at.view_functions().call(call).await.map_err(node)?;
		Ok(found.map(|verifier| VerifierStatus {
			account: *account,
			duty: match verifier.duty {
				Stored::Awake => Duty::Awake,
				Stored::Away => Duty::Away,
				Stored::Resting => Duty::Resting,
			},
			weight: verifier.weight,
			capacity: Capacity { time: verifier.capacity.time, bytes: verifier.capacity.bytes },
			seated: Seated {
				time: verifier.used.time,
				bytes: verifier.used.bytes,
				stake: verifier.used.stake,
			},
			open: verifier.open,
			absences: verifier.absences.in_a_row,
		}))
	}
}

impl Chain {
	/// Becomes a verifier with a capacity; the account has to have a stake as one. It is drawn from the next but one epoch on.
	pub fn join_verifiers(&self, key: &Key, capacity: Capacity) -> Call {
		self.submit(key, runtime::transactions().verification().join(load(capacity)))
	}

	/// Changes what the account has room for at a time.
	pub fn set_verifier_capacity(&self, key: &Key, capacity: Capacity) -> Call {
		self.submit(key, runtime::transactions().verification().set_capacity(load(capacity)))
	}

	/// Takes the account out of the draws, from the next but one epoch on.
	pub fn rest_verifier(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().verification().rest())
	}

	/// Lets the account be drawn again, from the next but one epoch on.
	pub fn wake_verifier(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().verification().wake())
	}

	/// Leaves the verifiers; the account's deposit is released.
	pub fn leave_verifiers(&self, key: &Key) -> Call {
		self.submit(key, runtime::transactions().verification().leave())
	}
}

fn load(capacity: Capacity) -> Load {
	Load { time: capacity.time, bytes: capacity.bytes }
}
