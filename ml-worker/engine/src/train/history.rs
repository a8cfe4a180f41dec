//! What a run reports as it goes.

use super::Measure;

/// What an epoch trained.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
	/// Floats; ranges observed.
	Float,
	/// Quantisation simulated; ranges observed.
	Quantised,
	/// Quantisation simulated under final activation scales.
	Frozen,
}

/// One epoch's result.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Epoch {
	/// Its number, from 0.
	pub epoch: u32,
	/// How many there will be.
	pub epochs: u32,
	/// What it trained.
	pub precision: Precision,
	/// The mean training loss.
	pub loss: f64,
	/// The learning rate's factor at its end.
	pub rate: f64,
	/// The integer weights on the held-out data.
	pub integer: Measure,
	/// The float weights on the held-out data.
	pub float: Measure,
	/// Seconds it took.
	pub seconds: f64,
}

/// How far a run is; whoever is told may stop it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Progress<'a> {
	/// A step was made.
	Step {
		/// The epoch, from 0.
		epoch: u32,
		/// Steps of this epoch that are made.
		done: u64,
		/// Steps of an epoch.
		steps: u64,
	},
	/// The held-out data is being measured on.
	Measuring,
	/// An epoch is over.
	Epoch(&'a Epoch),
}

/// Why a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
	/// All epochs are done.
	Done,
	/// The accuracy asked for is reached.
	Target,
	/// The caller asked for it.
	Cancelled,
}
