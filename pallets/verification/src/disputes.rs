//! Outputs that differ: the court says which are right.

use crate::{pallet::*, types::*, *};

impl<T: Config> Pallet<T> {
	/// The first wanted record of which these answers show different outputs.
	pub(crate) fn disputed_record(task: &TaskOf<T>, answers: &[(T::AccountId, AnswerOf<T>)]) -> Option<u32> {
		let shown = answers.iter().filter_map(|(_, answer)| match answer {
			Answer::Opened { outputs, .. } if !outputs.is_empty() => Some(outputs),
			_ => None,
		});
		let (first, others) = {
			let mut all = shown;
			(all.next()?, all.collect::<Vec<_>>())
		};
		let differ = |at: &usize| others.iter().any(|outputs| outputs.get(*at) != first.get(*at));
		let at = (0..task.wanted.len()).find(differ)?;
		task.wanted.get(at).copied()
	}

	/// The court found `output` to be that of the disputed record: who showed another pays, and the task goes on.
	pub(crate) fn do_resolve(id: TaskId, record: u32, output: [u8; 32]) -> DispatchResult {
		let mut task = Tasks::<T>::get(id).ok_or(Error::<T>::UnknownTask)?;
		let disputed = matches!(task.phase, Phase::Disputed { record: disputed, .. } if disputed == record);
		ensure!(disputed, Error::<T>::NotDisputed);
		let at = task.wanted.iter().position(|wanted| *wanted == record).ok_or(Error::<T>::NotDisputed)?;
		Self::deposit_event(Event::DisputeResolved { task: id, record, output });
		for (who, answer) in Self::present_answers(id, &task) {
			let Answer::Opened { outputs, .. } = answer else { continue };
			if outputs.get(at).is_none_or(|shown| *shown == output) {
				continue;
			}
			Self::edit_seat(id, &who, |seat| seat.answer = Answer::Refuted);
			task.answering = task.answering.saturating_sub(1);
			task.committed = task.committed.saturating_sub(1);
			task.opened = task.opened.saturating_sub(1);
			Self::free_seat(&who, &task);
			drop(Self::punish(id, &who, Fault::FalseOutput, &task.terms.penalties));
		}
		Self::conclude(id, &mut task);
		Tasks::<T>::insert(id, task);
		Ok(())
	}
}
