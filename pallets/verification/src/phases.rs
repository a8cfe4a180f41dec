//! What happens to tasks by itself: every phase ends at a tick that the task stores.
//!
//! ```text
//!            ┌──────────── once more, with a larger committee ────────────┐
//!            ▼                                                            │ too few
//! open ─► Drawing ─► Committing ─► Sealed ─► Opening ─┬────────────────► Passed | Lapsed | Unavailable
//!            │ patience          ▲                    └─► Disputed ──┘         reopen
//!            ▼                   └────────────────────────────────────────────────┘
//!          Lapsed
//! ```

use crate::{pallet::*, types::*, *};
use alloc::collections::BTreeSet;
use oda_primitives::hash;
use polkadot_sdk::frame_support::{traits::Randomness, weights::WeightMeter};

/// Ticks between the last tick at which somebody could commit and the draw of the records that the members show.
///
/// The author of a block knows its own randomness beforehand. So the records are drawn from the randomness of this many
/// blocks together, of which all but the first come after the last commitment: who could foresee them would have to make
/// all of these blocks.
pub const SEALED_TICKS: Tick = 4;

/// The most ticks of the agenda that are passed over in a block.
pub(crate) const MAX_TICKS_PASSED: u32 = 32;

impl<T: Config> Pallet<T> {
	/// All that happens by itself, within what the meter has left.
	pub(crate) fn poll(meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::poll()).is_err() {
			return;
		}
		Self::stir();
		Self::advance_due(meter);
		Self::draw_due(meter);
	}

	/// Adds the randomness of the last block to that of all before it.
	pub(crate) fn stir() {
		let (fresh, _known_since) = T::FreshRandomness::random(b"oda/entropy/1");
		Entropy::<T>::mutate(|entropy| *entropy = hash::stirred(entropy, fresh));
	}

	/// Ends the phases that have lasted long enough: [`Config::MaxAdvances`], or fewer if the weight does not suffice.
	fn advance_due(meter: &mut WeightMeter) {
		let Some(mut tick) = AgendaFrom::<T>::get() else { return };
		let (before, now) = (tick, T::Clock::get());
		let (mut advances, mut passed) = (T::MaxAdvances::get(), MAX_TICKS_PASSED);
		while tick <= now && advances > 0 && passed > 0 {
			if meter.try_consume(T::WeightInfo::next_in_agenda()).is_err() {
				break;
			}
			let Some(id) = Agenda::<T>::iter_key_prefix(tick).next() else {
				tick = tick.saturating_add(1);
				passed = passed.saturating_sub(1);
				continue;
			};
			if meter.try_consume(T::WeightInfo::advance(T::MaxMembers::get())).is_err() {
				break;
			}
			Agenda::<T>::remove(tick, id);
			advances = advances.saturating_sub(1);
			if let Some(task) = Tasks::<T>::get(id) {
				Self::advance(id, task);
			}
		}
		if tick != before {
			AgendaFrom::<T>::put(tick);
		}
	}

	/// Changes a task's phase, and what is to happen to it next.
	pub(crate) fn enter(id: TaskId, task: &mut TaskOf<T>, phase: Phase) {
		Self::unschedule(id, task);
		task.phase = phase;
		if let Some(until) = phase.until() {
			AgendaFrom::<T>::mutate(|from| {
				from.get_or_insert_with(T::Clock::get);
			});
			Agenda::<T>::insert(until, id, ());
		}
	}

	/// Nothing is to happen to a task any more.
	pub(crate) fn unschedule(id: TaskId, task: &TaskOf<T>) {
		if let Some(until) = task.phase.until() {
			Agenda::<T>::remove(until, id);
		}
	}

	/// Ends the phase of a task, which is due.
	pub(crate) fn advance(id: TaskId, mut task: TaskOf<T>) {
		let now = T::Clock::get();
		match task.phase {
			Phase::Drawing { .. } => Self::lapse(id, &mut task, false),
			Phase::Committing { .. } if task.committed == 0 => Self::conclude(id, &mut task),
			Phase::Committing { .. } => Self::seal(id, &mut task),
			Phase::Sealed { .. } => {
				let seed = hash::records_seed(&Entropy::<T>::get(), id, task.asked);
				task.wanted = Self::choose_records(&seed, task.terms.wanted, task.records);
				let until = now.saturating_add(task.terms.open_window);
				let wanted = task.wanted.to_vec();
				Self::deposit_event(Event::RecordsDrawn { task: id, records: wanted, until });
				Self::enter(id, &mut task, Phase::Opening { until });
			}
			Phase::Opening { .. } => Self::conclude(id, &mut task),
			Phase::Disputed { .. } => Self::lapse(id, &mut task, true),
			Phase::Passed { .. } | Phase::Lapsed { .. } | Phase::Unavailable => {}
		}
		Tasks::<T>::insert(id, task);
	}

	/// Nobody can commit any more.
	pub(crate) fn seal(id: TaskId, task: &mut TaskOf<T>) {
		let until = T::Clock::get().saturating_add(SEALED_TICKS);
		Self::enter(id, task, Phase::Sealed { until });
	}

	fn lapse(id: TaskId, task: &mut TaskOf<T>, disputed: bool) {
		Self::enter(id, task, Phase::Lapsed { disputed });
		Self::deposit_event(Event::TaskLapsed { task: id });
	}

	/// A random subset of `count` of the records, or all of them, in ascending order (Floyd's algorithm).
	pub(crate) fn choose_records(seed: &[u8; 32], count: u32, records: u32) -> BoundedVec<u32, T::MaxWanted> {
		let count = count.min(records).min(T::MaxWanted::get());
		let mut chosen = BTreeSet::new();
		for last in records.saturating_sub(count)..records {
			let below = u128::from(last).saturating_add(1);
			let any = hash::number(seed, last).checked_rem(below).unwrap_or_default();
			let any = u32::try_from(any).unwrap_or(last);
			let record = if chosen.contains(&any) { last } else { any };
			chosen.insert(record);
		}
		BoundedVec::truncate_from(chosen.into_iter().collect())
	}

	/// What the answers of the present committee come to, now that all had their time.
	pub(crate) fn conclude(id: TaskId, task: &mut TaskOf<T>) {
		let seats = Self::seats_of(id, task);
		let now = T::Clock::get();
		if let Some(record) = Self::disputed_record(task, &seats) {
			let until = now.saturating_add(task.terms.dispute_window);
			Self::enter(id, task, Phase::Disputed { record, until });
			Self::deposit_event(Event::TaskDisputed { task: id, record, until });
			return;
		}
		let tally = Tally::of(seats.iter().map(|(_, seat)| seat));
		if task.size > 0 && tally.valid >= task.quorum {
			Self::enter(id, task, Phase::Passed { at: now });
			Self::deposit_event(Event::TaskPassed { task: id });
		} else if task.shown.is_none() && u64::from(tally.unavailable).saturating_mul(2) > task.size.into() {
			Self::enter(id, task, Phase::Unavailable);
			Self::deposit_event(Event::TaskUnavailable { task: id });
		} else if !Self::draw_again(id, task, &seats) {
			Self::lapse(id, task, false);
		}
	}

	/// The seats of a task, in the order of its members.
	pub(crate) fn seats_of(id: TaskId, task: &TaskOf<T>) -> Vec<(T::AccountId, SeatOf<T>)> {
		let seats = task.members.iter().filter_map(|who| Some((who.clone(), Seats::<T>::get(id, who)?)));
		seats.collect()
	}

	/// Lets a larger committee be drawn, once, if there is room for one. The faults of the first are settled; who said `Valid`
	/// or `Wrong` keeps its seat: it is not asked again, but answers for what it said, and has the votes for it that the draw
	/// gives it.
	fn draw_again(id: TaskId, task: &mut TaskOf<T>, seats: &[(T::AccountId, SeatOf<T>)]) -> bool {
		let kept: Vec<_> = seats
			.iter()
			.filter(|(_, seat)| matches!(seat.answer.verdict(), Some(Verdict::Valid | Verdict::Wrong(_))))
			.map(|(who, _)| who.clone())
			.collect();
		let room = T::MaxMembers::get().saturating_sub(u32::try_from(kept.len()).unwrap_or(u32::MAX));
		let votes = task.votes.saturating_mul(2).min(task.terms.most).min(room);
		if task.redrawn || votes < task.terms.least {
			return false;
		}
		let excused =
			!task.shown_before() && !Tally::of(seats.iter().map(|(_, seat)| seat)).overrules_unavailable();
		for (who, seat) in seats {
			let fault = match &seat.answer {
				Answer::None => Some(Fault::Absence),
				Answer::Committed(_) => Some(Fault::Unopened),
				Answer::Opened { verdict: Verdict::Unavailable, .. } => {
					(!excused).then_some(Fault::Abstention)
				}
				Answer::Opened { .. } => {
					Self::edit_seat(id, who, |seat| (seat.earlier, seat.votes) = (true, 0));
					continue;
				}
				// It has paid, and its seat was freed.
				Answer::Refuted => {
					Seats::<T>::remove(id, who);
					SeatsOf::<T>::remove(who, id);
					continue;
				}
			};
			Self::unseat(id, who, task, seat);
			if let Some(fault) = fault {
				drop(Self::punish(id, who, fault, task, seat));
			}
		}
		let ready = T::Epoch::get().saturating_add(draw::EPOCHS_BEFORE_DRAW);
		let until = T::Clock::get().saturating_add(task.terms.patience);
		task.members = BoundedVec::truncate_from(kept);
		task.redrawn = true;
		task.votes = votes;
		task.asked = task.asked.saturating_add(1);
		(task.size, task.quorum, task.answering, task.committed, task.opened) = (0, 0, 0, 0, 0);
		task.wanted = BoundedVec::new();
		Self::enter(id, task, Phase::Drawing { ready, until });
		Self::enqueue(id, ready);
		Self::deposit_event(Event::DrawnAgain { task: id, votes });
		true
	}
}
