//! The draw of a committee.
//!
//! A task that is opened in epoch `e` is drawn in `e + 2`: from weights and capacities as they were when `e + 1` began,
//! by randomness that follows from the VRFs of `e + 1`. So all that the draw looks at was fixed before anybody knew what
//! it would be looked at with, and the draw comes out the same at whatever tick of `e + 2` it is made.

use crate::{pallet::*, types::*, *};
use oda_primitives::hash;
use polkadot_sdk::{
	frame_support::{traits::Randomness, weights::WeightMeter},
	sp_runtime::SaturatedConversion,
};

/// How many epochs after it was opened a task is drawn.
pub const EPOCHS_BEFORE_DRAW: EpochIndex = 2;

/// A verifier that a draw has met.
pub(crate) struct Candidate<T: Config> {
	pub(crate) who: T::AccountId,
	pub(crate) verifier: VerifierOf<T>,
	/// The seat that it is to have. What it said in the first committee stands.
	pub(crate) seat: SeatOf<T>,
	/// The lies that its stake was reserved for before the draw.
	held: u32,
	/// What it weighed.
	weight: u128,
}

impl<T: Config> Candidate<T> {
	/// One without a vote.
	pub(crate) fn new(
		who: T::AccountId,
		verifier: VerifierOf<T>,
		earlier: Option<SeatOf<T>>,
		weight: u128,
	) -> Self {
		let seat = earlier.unwrap_or_else(|| Seat::new(0));
		Self { who, verifier, held: seat.reserved, seat, weight }
	}

	/// The lies that its stake is reserved for by this draw.
	fn newly_reserved(&self) -> u32 {
		self.seat.reserved.saturating_sub(self.held)
	}

	/// Whether it had room for another vote when `frozen` began. What it has been drawn for since counts; what it has closed
	/// since does not, or it could make room once the draw is known. Nor does what it has bonded since.
	///
	/// Time and bytes are taken once, whatever its votes are, and the stake for one lie each.
	fn has_room(&self, task: &TaskOf<T>, frozen: EpochIndex) -> bool {
		let lies = self.seat.votes.saturating_add(1).saturating_sub(self.held);
		let stake: u128 = task.terms.penalties.lie.saturated_into();
		let used = self.verifier.drawn.minus(self.verifier.closed.at_start_of(frozen));
		let load = if self.seat.earlier { Load::default() } else { task.load };
		let needed = used.plus(&load, stake.saturating_mul(lies.into()));
		let capacity = self.verifier.room.at_start_of(frozen);
		let answers = capacity != Load::default()
			&& needed.time <= capacity.time.into()
			&& needed.bytes <= capacity.bytes.into();
		// Who has answered is not asked for anything but its stake.
		(self.seat.earlier || answers) && (lies == 0 || needed.stake <= self.weight)
	}

	/// Gives it another vote, and reserves the stake for the lie; whether it had room for it.
	pub(crate) fn give_vote(&mut self, task: &TaskOf<T>, frozen: EpochIndex) -> bool {
		if !self.has_room(task, frozen) {
			return false;
		}
		let votes = self.seat.votes.saturating_add(1);
		if votes > self.seat.reserved {
			let (lie, within) = (task.terms.penalties.lie, self.weight.saturated_into());
			if T::Stakes::reserve(Role::Verifier, &self.who, lie, within).is_err() {
				return false;
			}
			self.seat.reserved = votes;
		}
		self.seat.votes = votes;
		true
	}

	/// Takes back what this draw has reserved.
	pub(crate) fn release(&self, task: &TaskOf<T>) {
		let stake = task.terms.penalties.lie.saturating_mul(self.newly_reserved().into());
		if !stake.is_zero() {
			T::Stakes::release(Role::Verifier, &self.who, stake);
		}
	}
}

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

	/// Who is drawn in `epoch`, with its votes; or, if the draw does not count, how many of its samples were able. Of everyone
	/// who is drawn the stake for one lie a vote is reserved.
	///
	/// Samples are drawn by frozen weight. Each of the first, one for each vote, is uniform in a part of the whole weight of its
	/// own: so who has a share of it gets that share of the votes, to within two if it lies in one place, on average however
	/// many places it lies in. The others are uniform in all of it: the able ones of them take the votes that those could not
	/// give. A sample is able if its verifier can do what it is asked for by it: have the vote, or, where no vote is left to be
	/// given, have any.
	pub(crate) fn select(id: TaskId, task: &TaskOf<T>, epoch: EpochIndex) -> Result<Vec<Candidate<T>>, u32> {
		let frozen = epoch.saturating_sub(1);
		let total = Self::total_at(frozen);
		let (randomness, _known_since) = T::Randomness::random(b"oda/draw/1");
		let seed = hash::draw_seed(randomness, id, task.asked);
		let samples = task.terms.samples;
		let votes = task.votes.min(samples);
		let mut met: Vec<(u32, Option<Candidate<T>>)> = Vec::new();
		let (mut able, mut given) = (0u32, 0u32);
		for sample in 0..samples {
			let Some(point) = Self::point(&seed, sample, votes, total) else { break };
			let Some((place, weight)) = Self::place_at(point, frozen) else { continue };
			let known = met.iter().position(|(other, _)| *other == place).unwrap_or_else(|| {
				met.push((place, Self::candidate(id, task, place, weight)));
				met.len().saturating_sub(1)
			});
			let Some((_, Some(candidate))) = met.get_mut(known) else { continue };
			let asked = sample < votes || given < votes;
			let is_able = if asked {
				let has_vote = candidate.give_vote(task, frozen);
				given = given.saturating_add(has_vote.into());
				has_vote
			} else {
				candidate.seat.votes > 0 || candidate.has_room(task, frozen)
			};
			able = able.saturating_add(is_able.into());
		}
		let all = met.into_iter().filter_map(|(_, candidate)| candidate);
		let chosen: Vec<_> = all.filter(|candidate| candidate.seat.votes > 0).collect();
		let enough = able >= task.terms.able.mul_ceil(samples);
		if enough && chosen.len() as u64 >= task.terms.least.into() {
			return Ok(chosen);
		}
		chosen.iter().for_each(|candidate| candidate.release(task));
		Err(able)
	}

	/// Where a sample falls: those for votes each in a part of its own, of as many as there are votes; the others anywhere.
	///
	/// The remainder favours nobody by more than `total` ÷ 2^128.
	fn point(seed: &[u8; 32], sample: u32, votes: u32, total: u128) -> Option<u128> {
		let anywhere = hash::number(seed, sample).checked_rem(total)?;
		if sample >= votes {
			return Some(anywhere);
		}
		let scaled = u128::from(sample).checked_mul(total)?.checked_add(anywhere)?;
		scaled.checked_div(votes.into())
	}

	/// Who has a place, if it is a verifier.
	fn candidate(id: TaskId, task: &TaskOf<T>, place: u32, weight: u128) -> Option<Candidate<T>> {
		let who = Places::<T>::get(place)?;
		let verifier = Verifiers::<T>::get(&who)?;
		let earlier = task.members.contains(&who).then(|| Seats::<T>::get(id, &who)).flatten();
		Some(Candidate::new(who, verifier, earlier, weight))
	}

	/// Gives the chosen their seats, and lets them commit.
	pub(crate) fn seat(id: TaskId, mut task: TaskOf<T>, chosen: Vec<Candidate<T>>) {
		let lie: u128 = task.terms.penalties.lie.saturated_into();
		let mut members = 0u32;
		for candidate in chosen {
			let stake = lie.saturating_mul(candidate.newly_reserved().into());
			let mut load = Load::default();
			if !candidate.seat.earlier {
				// `Task::votes` are no more than there is room for members.
				if task.members.try_push(candidate.who.clone()).is_err() {
					candidate.release(&task);
					continue;
				}
				load = task.load;
				task.answering = task.answering.saturating_add(candidate.seat.votes);
			}
			let Candidate { who, mut verifier, seat, .. } = candidate;
			verifier.drawn = verifier.drawn.plus(&load, stake);
			if !seat.earlier {
				verifier.open = verifier.open.saturating_add(1);
				SeatsOf::<T>::insert(&who, id, ());
			}
			task.size = task.size.saturating_add(seat.votes);
			Verifiers::<T>::insert(&who, verifier);
			Seats::<T>::insert(id, &who, seat);
			members = members.saturating_add(1);
		}
		task.drawn = T::Epoch::get();
		task.quorum = task.terms.quorum.mul_ceil(task.size).max(1);
		// If all who were drawn have answered, there is nobody to wait for.
		let window = if task.answering == 0 { 1 } else { task.terms.window };
		let until = T::Clock::get().saturating_add(window);
		let (votes, quorum) = (task.size, task.quorum);
		Self::deposit_event(Event::CommitteeDrawn { task: id, members, votes, quorum, until });
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
	pub(crate) fn unseat(id: TaskId, who: &T::AccountId, task: &TaskOf<T>, seat: &SeatOf<T>) {
		Seats::<T>::remove(id, who);
		SeatsOf::<T>::remove(who, id);
		Self::free_seat(who, task, seat);
	}

	/// Frees the room and the stake of a seat.
	pub(crate) fn free_seat(who: &T::AccountId, task: &TaskOf<T>, seat: &SeatOf<T>) {
		let stake = task.terms.penalties.lie.saturating_mul(seat.reserved.into());
		Verifiers::<T>::mutate_extant(who, |verifier| {
			verifier.open = verifier.open.saturating_sub(1);
			let closed = verifier.closed.now().plus(&task.load, stake.saturated_into());
			verifier.closed.set(T::Epoch::get(), closed);
		});
		T::Stakes::release(Role::Verifier, who, stake);
	}
}
