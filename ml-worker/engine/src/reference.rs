//! The reference evaluator on several threads.

use crate::{EngineError, records::Records};
use oda_evaluator::{EvalError, Evaluator, Graph, Tensor};

/// Records that a thread evaluates before its results are handed on.
const PER_THREAD: usize = 16;

/// The outputs of the records from `start` on: as many as keep `threads` threads busy for a while.
pub(crate) fn batch(
	graph: &Graph,
	weights: &[u8],
	records: &Records<'_>,
	start: usize,
	threads: usize,
) -> Result<Vec<Vec<Tensor>>, EngineError> {
	let end = records.len().min(start + threads * PER_THREAD);
	let share = (end - start).div_ceil(threads.max(1)).max(1);
	let evaluator = Evaluator::new(graph, weights)?;
	let evaluator = &evaluator;
	let run = |from: usize| -> Result<Vec<Vec<Tensor>>, EvalError> {
		(from..end.min(from + share)).map(|i| evaluator.run(records.input(i))).collect()
	};
	let parts: Vec<Result<Vec<_>, EvalError>> = std::thread::scope(|scope| {
		let run = &run;
		let workers: Vec<_> =
			(start..end).step_by(share).map(|from| scope.spawn(move || run(from))).collect();
		workers.into_iter().map(|w| w.join().unwrap_or(Err(EvalError::Inconsistent))).collect()
	});
	let mut outputs = Vec::with_capacity(end - start);
	for part in parts {
		outputs.extend(part?);
	}
	Ok(outputs)
}
