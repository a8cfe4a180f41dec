//! What can go wrong, one variant per reason.

use oda_evaluator::{EvalError, GraphError, SpecError, graph::DType};
use std::path::PathBuf;

/// Why the engine could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
	/// The graph, the weights or an input is not what the evaluator accepts.
	#[error("evaluation: {0}")]
	Eval(#[from] EvalError),
	/// The graph does not validate.
	#[error("graph: {0}")]
	Graph(#[from] GraphError),
	/// The model does not validate.
	#[error("model: {0}")]
	Spec(#[from] SpecError),
	/// libtorch refused an operation (out of memory, most often).
	#[error("libtorch: {0}")]
	Torch(#[from] tch::TchError),
	/// One record needs more scratch memory than the configured budget.
	#[error("one record needs {needed} bytes of scratch memory in libtorch, the budget is {budget}")]
	MemoryBudget {
		/// Bytes that one record needs.
		needed: u64,
		/// Bytes allowed.
		budget: u64,
	},
	/// The data is not a whole number of records.
	#[error("{len} bytes are no whole number of records of {record} bytes")]
	RecordsLength {
		/// Bytes given.
		len: u64,
		/// Bytes of a record.
		record: u64,
	},
	/// A set of records that has to hold at least one is empty.
	#[error("no records")]
	NoRecords,
	/// The weights have another length than the graph's parameters.
	#[error("weights of {found} bytes, the graph's parameters are {expected}")]
	WeightsLength {
		/// Bytes the graph needs.
		expected: u64,
		/// Bytes given.
		found: u64,
	},
	/// One parameter serves two purposes (a bias that is also a multiplier, say): it can be evaluated, but
	/// not trained.
	#[error("parameter {param} is used both as {first} and as {second}: such a graph cannot be trained")]
	ConflictingRoles {
		/// The parameter's index.
		param: u16,
		/// Its first purpose.
		first: &'static str,
		/// Its other purpose.
		second: &'static str,
	},
	/// A lookup table has no content: training keeps tables as they are, so somebody has to say what is in
	/// them.
	#[error("parameter {param} is a lookup table and no table was given for it")]
	MissingTable {
		/// The parameter's index.
		param: u16,
	},
	/// A table that has not 256 entries of the parameter's type.
	#[error("the table for parameter {param} has not 256 entries of type {dtype:?}")]
	BadTable {
		/// The parameter's index.
		param: u16,
		/// The entries' type.
		dtype: DType,
	},
	/// The graph cannot be trained for this objective.
	#[error("not trainable: {0}")]
	NotTrainable(&'static str),
	/// A setting is out of its range.
	#[error("configuration: {0}")]
	Config(&'static str),
	/// The loss is no longer a number.
	#[error("training diverged in epoch {epoch}: lower the learning rate")]
	Diverged {
		/// The epoch, from 0.
		epoch: u32,
	},
	/// A file could not be read or written.
	#[error("{path}: {source}")]
	Io {
		/// The file.
		path: PathBuf,
		/// Why.
		source: std::io::Error,
	},
	/// Bytes that are no safetensors file.
	#[error("safetensors: {0}")]
	Safetensors(#[from] safetensors::SafeTensorError),
	/// A tensor is missing from a file.
	#[error("the file has no tensor {name:?}")]
	MissingTensor {
		/// Its name.
		name: String,
	},
	/// A file has a tensor that does not belong there.
	#[error("the file has an unknown tensor {name:?}")]
	UnknownTensor {
		/// Its name.
		name: String,
	},
	/// A tensor in a file has the wrong element type.
	#[error("tensor {name:?} is {found}, not {expected}")]
	TensorDtype {
		/// Its name.
		name: String,
		/// The type needed.
		expected: String,
		/// The type in the file.
		found: String,
	},
	/// A tensor in a file has the wrong shape.
	#[error("tensor {name:?} has shape {found:?}, not {expected:?}")]
	TensorShape {
		/// Its name.
		name: String,
		/// The shape needed.
		expected: Vec<usize>,
		/// The shape in the file.
		found: Vec<usize>,
	},
	/// A tensor in a file holds an infinite value or no number.
	#[error("tensor {name:?} holds a value that is not finite")]
	TensorValue {
		/// Its name.
		name: String,
	},
	/// A file lacks a metadata entry, or the entry is not understood.
	#[error("the file's metadata has no valid {key:?}")]
	Metadata {
		/// The entry's name.
		key: &'static str,
	},
	/// A file was made for another graph.
	#[error("the file is for graph {found}, not {expected}")]
	OtherGraph {
		/// This graph's hash, in hexadecimal.
		expected: String,
		/// The hash in the file.
		found: String,
	},
	/// A checkpoint was made with other settings or other data.
	#[error("{path} is the checkpoint of another training run: {what}")]
	OtherRun {
		/// The checkpoint.
		path: PathBuf,
		/// What differs: settings with their values there and here.
		what: String,
	},
	/// The caller asked to stop.
	#[error("cancelled")]
	Cancelled,
}
