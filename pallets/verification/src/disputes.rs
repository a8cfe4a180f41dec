//! Outputs that differ: the court says which are right.

use crate::{pallet::*, types::*, *};

impl<T: Config> Pallet<T> {
	/// The first wanted record of which members show different outputs. Who answered in the first committee showed others.
	pub(crate) fn disputed_record(task: &TaskOf<T>, seats: &[(T::AccountId, SeatOf<T>)]) -> Option<u32> {
		let shown = seats.iter().filter_map(|(_, seat)| match &seat.answer {
			Answer::Opened { outputs, .. } if !seat.earlier && !outputs.is_empty() => Some(outputs),
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
		for (who, seat) in Self::seats_of(id, &task) {
			let Answer::Opened { outputs, .. } = &seat.answer else { continue };
			if seat.earlier || outputs.get(at).is_none_or(|shown| *shown == output) {
				continue;
			}
			Self::edit_seat(id, &who, |seat| seat.answer = Answer::Refuted);
			task.answering = task.answering.saturating_sub(seat.votes);
			task.committed = task.committed.saturating_sub(seat.votes);
			task.opened = task.opened.saturating_sub(seat.votes);
			Self::free_seat(&who, &task, &seat);
			drop(Self::punish(id, &who, Fault::FalseOutput, &task, &seat));
		}
		Self::conclude(id, &mut task);
		Tasks::<T>::insert(id, task);
		Ok(())
	}
}
