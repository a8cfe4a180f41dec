//! Many records at once, on several threads.

use super::CpuKernel;
use crate::{EngineError, records::Records};
use oda_evaluator::{Cost, EvalError, Evaluator, Tensor};
use std::panic::resume_unwind;

/// Bytes of activations that a thread works on at a time: they stay in its cache.
const CACHE: u64 = 256 << 10;
/// Records that a thread takes at a time, at most.
const TOGETHER: u64 = 64;
/// Elements that a thread works on before its results are handed on: much more work than starting the thread.
const WORK: u64 = 1 << 28;
/// And at least, or a thread is not worth starting.
const LEAST: u64 = 1 << 23;
/// Bytes of a thread's results before they are handed on, if one record's are not more.
const RESULTS: u64 = 16 << 20;
/// And records.
const RECORDS: u64 = 1_024;

/// Elements that one record makes the evaluator look at.
fn work(cost: &Cost) -> u64 {
	let elements = [cost.patch_elements, cost.requants, cost.element_ops, cost.activation_bytes];
	elements.into_iter().fold(cost.macs, u64::saturating_add).max(1)
}

/// The outputs of the records from `start` on: as many as keep up to `most` threads busy for a while.
pub(crate) fn batch(
	evaluator: &Evaluator<'_, CpuKernel>,
	records: &Records<'_>,
	start: usize,
	most: usize,
) -> Result<Vec<Vec<Tensor>>, EngineError> {
	let (cost, graph) = (evaluator.cost(), evaluator.graph());
	let left = records.len() - start;
	let outputs = graph.outputs.iter().filter_map(|&value| graph.value_type(value.into()));
	let result = outputs.fold(1u64, |bytes, t| bytes.saturating_add(t.bytes()));
	let each = (WORK / work(cost)).min(RESULTS / result).clamp(1, RECORDS) as usize;
	let worth = work(cost).saturating_mul(left.min(most.saturating_mul(each)) as u64) / LEAST;
	let threads = usize::try_from(worth).unwrap_or(usize::MAX).clamp(1, most.max(1));
	let count = left.min(threads * each);
	let share = count.div_ceil(threads);
	let together = (CACHE / cost.live_bytes.max(1)).clamp(1, TOGETHER) as usize;
	let run = |from: usize| -> Result<Vec<Vec<Tensor>>, EvalError> {
		let inputs: Vec<&[u8]> =
			(from..(start + count).min(from + share)).map(|i| records.input(i)).collect();
		let mut results = Vec::with_capacity(inputs.len());
		for inputs in inputs.chunks(together) {
			let outputs = evaluator.run_batch(inputs)?;
			results.extend(by_record(&outputs, inputs.len()));
		}
		Ok(results)
	};
	if threads == 1 {
		return Ok(run(start)?);
	}
	let parts: Vec<Result<Vec<_>, EvalError>> = std::thread::scope(|scope| {
		let run = &run;
		let workers: Vec<_> =
			(start..start + count).step_by(share).map(|from| scope.spawn(move || run(from))).collect();
		// A panic goes on here, as it does with one thread.
		workers.into_iter().map(|w| w.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
	});
	let mut outputs = Vec::with_capacity(count);
	for part in parts {
		outputs.extend(part?);
	}
	Ok(outputs)
}

/// From all records of each output to all outputs of each record.
fn by_record(outputs: &[Tensor], count: usize) -> Vec<Vec<Tensor>> {
	let mut results = vec![Vec::with_capacity(outputs.len()); count];
	for output in outputs {
		for (result, part) in results.iter_mut().zip(output.split(output.len() / count.max(1))) {
			result.push(part);
		}
	}
	results
}
