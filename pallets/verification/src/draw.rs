//! The draw of a committee.
//!
//! A task that is opened in epoch `e` is drawn in `e + 2`: from weights and capacities as they were when `e + 1` began,
//! by randomness that follows from the VRFs of `e + 1`. So all that the draw looks at was fixed before anybody knew what
//! it would be looked at with, and the draw comes out the same at whatever tick of `e + 2` it is made.

use crate::{pallet::*, types::*, *};
use oda_primitives::hash;
use polkadot_sdk::{
	frame_support::{traits::Randomness, weights::WeightMeter},
	frame_system,
	sp_runtime::SaturatedConversion,
};

/// How many epochs after it was opened a task is drawn.
pub const EPOCHS_BEFORE_DRAW: EpochIndex = 2;

/// A verifier that is drawn.
pub(crate) type CandidateOf<T> = (<T as frame_system::Config>::AccountId, VerifierOf<T>);

/// The most empty epochs that are passed over in a tick.
pub(crate) const MAX_EPOCHS_PASSED: u32 = 16;

impl<T: Config> Pallet<T> {
	/// Lets a task wait for a draw in `ready`.
	pub(crate) fn enqueue(id: TaskId, ready: EpochIndex) {
		let number = Queues::<T>::mutate(ready, |queue| {
			let number = queue.end;
			queue.end = number.saturating_add(1);
			number
		});
		Waiting::<T>::insert(ready, number, id);
		DrawFrom::<T>::mutate(|from| *from = Some(from.map_or(ready, |from| from.min(ready))));
	}

	/// Draws committees for the tasks that have waited longest: [`Config::MaxDraws`], or fewer if the weight does not
	/// suffice.
	pub(crate) fn draw_due(meter: &mut WeightMeter) {
		let Some(mut from) = DrawFrom::<T>::get() else { return };
		let (before, epoch) = (from, T::Epoch::get());
		let (mut draws, mut passed) = (T::MaxDraws::get(), MAX_EPOCHS_PASSED);
		while from <= epoch && draws > 0 && passed > 0 {
			if meter.try_consume(T::WeightInfo::next_in_queue()).is_err() {
				break;
			}
			let mut queue = Queues::<T>::get(from);
			if queue.next >= queue.end {
				Queues::<T>::remove(from);
				from = from.saturating_add(1);
				passed = passed.saturating_sub(1);
				continue;
			}
			if meter.try_consume(T::WeightInfo::draw(T::MaxSamples::get(), T::MaxMembers::get())).is_err() {
				break;
			}
			let id = Waiting::<T>::take(from, queue.next);
			queue.next = queue.next.saturating_add(1);
			Queues::<T>::insert(from, queue);
			draws = draws.saturating_sub(1);
			if let Some(id) = id {
				Self::draw(id);
			}
		}
		if from != before {
			DrawFrom::<T>::put(from);
		}
	}

	/// Draws the committee of a task, or lets it wait for the next epoch.
	pub(crate) fn draw(id: TaskId) {
		let (now, epoch) = (T::Clock::get(), T::Epoch::get());
		let Some(mut task) = Tasks::<T>::get(id) else { return };
		let Phase::Drawing { ready, until } = task.phase else { return };
		// What was closed and opened again waits further back; what has waited too long lapses in this tick.
		if ready > epoch || until <= now {
			return;
		}
		match Self::select(id, &task, epoch) {
			Ok(chosen) => Self::seat(id, task, chosen),
			Err(able) => {
				let ready = epoch.saturating_add(1);
				task.phase = Phase::Drawing { ready, until };
				let samples = task.terms.samples;
				Tasks::<T>::insert(id, task);
				Self::enqueue(id, ready);
				Self::deposit_event(Event::DrawFailed { task: id, able, samples });
			}
		}
	}

	/// Who is drawn in `epoch`; or, if the draw does not count, how many of its samples were able. Of everyone who is drawn
	/// the stake for one lie is reserved.
	///
	/// Samples are drawn by frozen weight, with replacement. The first different ones that are able are the committee: that
	/// is drawing without replacement among the able.
	pub(crate) fn select(
		id: TaskId,
		task: &TaskOf<T>,
		epoch: EpochIndex,
	) -> Result<Vec<CandidateOf<T>>, u32> {
		let frozen = epoch.saturating_sub(1);
		let total = Self::total_at(frozen);
		let (randomness, _known_since) = T::Randomness::random(b"oda/draw/1");
		let seed = hash::draw_seed(randomness, id, task.asked);
		let stake = task.terms.penalties.lie;
		let mut seen: Vec<(u32, bool)> = Vec::new();
		let mut chosen = Vec::<CandidateOf<T>>::new();
		let mut able = 0u32;
		for sample in 0..task.terms.samples {
			// The remainder favours nobody by more than `total` ÷ 2^128.
			let Some(point) = hash::number(&seed, sample).checked_rem(total) else { break };
			let Some((place, weight)) = Self::place_at(point, frozen) else { continue };
			if let Some((_, was_able)) = seen.iter().find(|(other, _)| *other == place) {
				able = able.saturating_add((*was_able).into());
				continue;
			}
			let mut is_able = false;
			if let Some(who) = Places::<T>::get(place)
				&& let Some(verifier) = Verifiers::<T>::get(&who)
			{
				if task.members.contains(&who) {
					// It has answered in the first committee, and keeps its seat.
					is_able = true;
				} else if Self::has_room(&verifier, &task.load, stake, weight, frozen) {
					let full = chosen.len() as u64 >= task.seats.into();
					is_able = full || {
						let within = weight.saturated_into();
						T::Stakes::reserve(Role::Verifier, &who, stake, within).is_ok()
					};
					if is_able && !full {
						chosen.push((who, verifier));
					}
				}
			}
			able = able.saturating_add(is_able.into());
			seen.push((place, is_able));
		}
		let enough = able >= task.terms.able.mul_ceil(task.terms.samples);
		if enough && chosen.len() as u64 >= task.terms.least.into() {
			return Ok(chosen);
		}
		for (who, _) in &chosen {
			T::Stakes::release(Role::Verifier, who, stake);
		}
		Err(able)
	}

	/// Whether a verifier had room for another seat when `frozen` began. What it has been drawn for since counts; what it
	/// has closed since does not, or it could make room once the draw is known. Nor does what it has bonded since.
	fn has_room(
		verifier: &VerifierOf<T>,
		load: &Load,
		stake: BalanceOf<T>,
		weight: u128,
		frozen: EpochIndex,
	) -> bool {
		let used = verifier.drawn.minus(verifier.closed.at_start_of(frozen));
		let needed = used.plus(load, stake.saturated_into());
		let capacity = verifier.room.at_start_of(frozen);
		capacity != Load::default()
			&& needed.time <= capacity.time.into()
			&& needed.bytes <= capacity.bytes.into()
			&& needed.stake <= weight
	}

	/// Gives the chosen their seats, and lets them commit.
	pub(crate) fn seat(id: TaskId, mut task: TaskOf<T>, chosen: Vec<CandidateOf<T>>) {
		let stake = task.terms.penalties.lie.saturated_into();
		let mut size = 0u32;
		for (who, mut verifier) in chosen {
			// `Task::seats` leaves no more to be chosen than there is room for.
			if task.members.try_push(who.clone()).is_err() {
				T::Stakes::release(Role::Verifier, &who, task.terms.penalties.lie);
				continue;
			}
			verifier.drawn = verifier.drawn.plus(&task.load, stake);
			verifier.open = verifier.open.saturating_add(1);
			Verifiers::<T>::insert(&who, verifier);
			Seats::<T>::insert(id, &who, Seat::new());
			SeatsOf::<T>::insert(&who, id, ());
			size = size.saturating_add(1);
		}
		task.size = size;
		task.answering = size;
		task.quorum = task.terms.quorum.mul_ceil(size).max(1);
		let until = T::Clock::get().saturating_add(task.terms.window);
		Self::deposit_event(Event::CommitteeDrawn { task: id, members: size, quorum: task.quorum, until });
		Self::enter(id, &mut task, Phase::Committing { until });
		Tasks::<T>::insert(id, task);
	}

	/// Changes a member's seat.
	pub(crate) fn edit_seat(id: TaskId, who: &T::AccountId, change: impl FnOnce(&mut SeatOf<T>)) {
		Seats::<T>::mutate_exists(id, who, |seat| {
			if let Some(seat) = seat {
				change(seat);
			}
		});
	}

	/// Takes a member's seat away: its room and the stake that answered for it are free again.
	pub(crate) fn unseat(id: TaskId, who: &T::AccountId, task: &TaskOf<T>) {
		Seats::<T>::remove(id, who);
		SeatsOf::<T>::remove(who, id);
		Self::free_seat(who, task);
	}

	/// Frees the room and the stake of a seat.
	pub(crate) fn free_seat(who: &T::AccountId, task: &TaskOf<T>) {
		let stake = task.terms.penalties.lie;
		Verifiers::<T>::mutate_extant(who, |verifier| {
			verifier.open = verifier.open.saturating_sub(1);
			let closed = verifier.closed.now().plus(&task.load, stake.saturated_into());
			verifier.closed.set(T::Epoch::get(), closed);
		});
		T::Stakes::release(Role::Verifier, who, stake);
	}
}
