//! How a task begins and ends for whoever opened it, and what faults cost.

use crate::{pallet::*, types::*, *};
use oda_pallet_traits::{Committees, Deed, Ending, Evidence, RewardOf, TaskStatus, Work};
use polkadot_sdk::{
	frame_support::traits::{Imbalance, fungible::Balanced},
	sp_runtime::traits::Zero,
};

impl<T: Config> Pallet<T> {
	/// What verifying takes of a member.
	pub(crate) fn load_of(work: &Work) -> Load {
		let each = T::Price::convert(work.cost).ref_time();
		Load { time: each.saturating_mul(work.records.into()), bytes: work.bytes }
	}

	/// What a task that is opened now is opened on.
	fn terms(window: Tick) -> Terms<BalanceOf<T>> {
		Terms {
			window,
			open_window: T::OpenWindow::get(),
			dispute_window: T::DisputeWindow::get(),
			patience: T::Patience::get(),
			least: T::MinCommittee::get(),
			most: T::MaxCommittee::get(),
			samples: T::Samples::get().min(T::MaxSamples::get()),
			able: T::AbleShare::get(),
			quorum: T::Quorum::get(),
			wanted: T::Wanted::get(),
			penalties: Penalties {
				lie: T::VerifierSlash::get(),
				false_accusation: T::AccusationSlash::get(),
				unopened: T::UnopenedSlash::get(),
				absence: T::AbsenceSlash::get(),
			},
		}
	}

	/// What a member is guilty of, given how the task ended; what it has paid for already is not among it.
	fn fault(
		ending: &Ending<T::AccountId>,
		task: &TaskOf<T>,
		tally: &Tally,
		seat: &SeatOf<T>,
	) -> Option<Fault> {
		let now = T::Clock::get();
		let unresolved = !seat.earlier && task.phase == (Phase::Lapsed { disputed: true });
		match (ending, &seat.answer) {
			// The head moved, or the like: nobody can be blamed, and what was not proved might have been.
			(Ending::Void, _) | (_, Answer::Refuted) => None,
			(Ending::Overturned { .. }, Answer::Opened { verdict, .. }) => {
				(*verdict == Verdict::Valid).then_some(Fault::FalseValid)
			}
			// The claim fell before an accuser's time to prove it was over; and who was absent could not have the weights.
			(Ending::Fallen, answer) => {
				(answer.verdict() == Some(Verdict::Valid)).then_some(Fault::FalseValid)
			}
			(Ending::Accepted, Answer::Opened { verdict, .. }) => match verdict {
				Verdict::Valid => None,
				Verdict::Wrong(_) => Some(Fault::FalseAccusation),
				// Enough others could verify it.
				Verdict::Unavailable => Some(Fault::Abstention),
			},
			(Ending::Lapsed, Answer::Opened { verdict, .. }) => match verdict {
				Verdict::Valid => unresolved.then_some(Fault::Absence),
				// Who proves an accusation ends the task by it.
				Verdict::Wrong(_) => Some(Fault::FalseAccusation),
				Verdict::Unavailable => {
					(task.shown_before() || tally.overrules_unavailable()).then_some(Fault::Abstention)
				}
			},
			(_, Answer::Committed(_)) => task.phase.opened(now).then_some(Fault::Unopened),
			(_, Answer::None) => task.phase.committed(now).then_some(Fault::Absence),
		}
	}

	/// Whether a member without a fault answered as the task ended.
	fn is_right(ending: &Ending<T::AccountId>, verdict: Option<Verdict>) -> bool {
		match verdict {
			Some(Verdict::Valid) => matches!(ending, Ending::Accepted | Ending::Lapsed | Ending::Void),
			Some(Verdict::Wrong(_)) => matches!(ending, Ending::Overturned { .. } | Ending::Void),
			Some(Verdict::Unavailable) | None => false,
		}
	}

	/// Takes what a fault costs from a verifier's stake, for each lie that it was reserved for; the half that a challenger may
	/// have. Who is absent too often is sent away.
	pub(crate) fn punish(
		id: TaskId,
		who: &T::AccountId,
		fault: Fault,
		task: &TaskOf<T>,
		seat: &SeatOf<T>,
	) -> RewardOf<T::AccountId, T::Stakes> {
		let mut penalty = task.terms.penalties.of(fault).saturating_mul(seat.reserved.into());
		let mut tired = false;
		Verifiers::<T>::mutate_extant(who, |verifier| {
			let absences = &mut verifier.absences;
			match fault {
				Fault::FalseValid | Fault::FalseOutput | Fault::FalseAccusation => return,
				Fault::Absence | Fault::Abstention => {
					// Whenever the task ends: or who opens many during an outage could let them end in one epoch after the
					// other. Those of an epoch before count as if they were of the last one.
					if absences.epoch < task.drawn {
						(absences.epoch, absences.paid) = (task.drawn, Zero::zero());
					}
					penalty = penalty.min(T::AbsenceCap::get().saturating_sub(absences.paid));
					absences.paid = absences.paid.saturating_add(penalty);
				}
				Fault::Unopened => {}
			}
			absences.in_a_row = absences.in_a_row.saturating_add(1);
			tired = absences.in_a_row >= T::MaxAbsences::get() && verifier.duty == Duty::Awake;
		});
		let (amount, reward) = T::Stakes::slash(Role::Verifier, who, penalty);
		Self::deposit_event(Event::Slashed { task: id, verifier: who.clone(), fault, amount });
		let deed = match fault {
			Fault::FalseValid | Fault::FalseOutput | Fault::FalseAccusation => Deed::Misverified(id),
			Fault::Absence | Fault::Abstention | Fault::Unopened => Deed::Absent(id),
		};
		T::Evidence::saw_times(who, deed, seat.reserved);
		if tired {
			Self::send_away(who);
		}
		reward
	}
}

impl<T: Config> Committees<T::AccountId> for Pallet<T> {
	fn able() -> bool {
		Eligible::<T>::get() >= T::MinCommittee::get().max(1)
	}

	fn open(id: TaskId, claim: [u8; 32], work: &Work, window: Tick) -> DispatchResult {
		ensure!(window > 0, Error::<T>::EmptyWindow);
		ensure!(work.records > 0, Error::<T>::NoRecords);
		ensure!(!Tasks::<T>::contains_key(id), Error::<T>::TaskExists);
		ensure!(Self::able(), Error::<T>::NoVerifiers);
		let terms = Self::terms(window);
		let ready = T::Epoch::get().saturating_add(draw::EPOCHS_BEFORE_DRAW);
		let until = T::Clock::get().saturating_add(terms.patience);
		let phase = Phase::Drawing { ready, until };
		let mut task = Task {
			claim,
			records: work.records,
			load: Self::load_of(work),
			phase,
			asked: 1,
			shown: None,
			redrawn: false,
			votes: T::Committee::get().min(T::MaxMembers::get()),
			drawn: 0,
			members: BoundedVec::new(),
			size: 0,
			quorum: 0,
			answering: 0,
			committed: 0,
			opened: 0,
			wanted: BoundedVec::new(),
			terms,
		};
		Self::enter(id, &mut task, phase);
		Self::enqueue(id, ready);
		Self::deposit_event(Event::TaskOpened { task: id, ready, load: task.load });
		Tasks::<T>::insert(id, task);
		Ok(())
	}

	fn status(id: TaskId) -> Option<TaskStatus> {
		Tasks::<T>::get(id).map(|task| task.phase.into())
	}

	/// All members of the present committee are asked again, and what they committed to or opened is forgotten, provided
	/// that they still answer, or somebody who answered said `Unavailable` and the task has not passed. Who has not done
	/// what its time was over for pays for that now: it had that time, and could have said `Unavailable`.
	fn reopen(id: TaskId, window: Tick) -> Option<Tick> {
		let mut task = Tasks::<T>::get(id)?;
		let seats = Self::seats_of(id, &task);
		let missed = seats.iter().any(|(_, seat)| seat.answer.verdict() == Some(Verdict::Unavailable));
		let now = T::Clock::get();
		let least = match task.phase {
			Phase::Committing { until } => until,
			Phase::Sealed { .. } | Phase::Opening { .. } | Phase::Unavailable => now,
			Phase::Lapsed { disputed: false } if missed => now,
			// Nobody is asked yet; whoever will be can have it.
			Phase::Drawing { .. } => {
				task.shown = task.shown.or(Some(task.asked));
				Tasks::<T>::insert(id, task);
				return None;
			}
			// Nobody is asked before the court has spoken; whoever will be then can have it.
			Phase::Disputed { .. } => {
				task.shown = task.shown.or(Some(task.asked.saturating_add(1)));
				Tasks::<T>::insert(id, task);
				return None;
			}
			_ => return None,
		};
		for (who, seat) in seats.iter().filter(|(_, seat)| !seat.earlier && seat.answer != Answer::Refuted) {
			let fault = match &seat.answer {
				Answer::None => task.phase.committed(now).then_some(Fault::Absence),
				Answer::Committed(_) => task.phase.opened(now).then_some(Fault::Unopened),
				Answer::Opened { .. } | Answer::Refuted => None,
			};
			Self::edit_seat(id, who, |seat| seat.answer = Answer::None);
			if let Some(fault) = fault {
				drop(Self::punish(id, who, fault, &task, seat));
			}
		}
		task.asked = task.asked.saturating_add(1);
		task.shown = task.shown.or(Some(task.asked));
		(task.committed, task.opened) = (0, 0);
		task.wanted = BoundedVec::new();
		let until = now.saturating_add(window.max(1)).max(least);
		Self::enter(id, &mut task, Phase::Committing { until });
		Tasks::<T>::insert(id, task);
		Self::deposit_event(Event::TaskReopened { task: id, until });
		Some(until)
	}

	fn resolve(id: TaskId, record: u32, output: [u8; 32]) -> DispatchResult {
		Self::do_resolve(id, record, output)
	}

	/// Members of the task: none of them is to gain by what others of them lose.
	fn answered(id: TaskId, who: &T::AccountId) -> bool {
		Seats::<T>::contains_key(id, who)
	}

	/// Half of what who said `Valid` loses goes to the challenger, unless it is a member of the task or its account cannot
	/// hold it; the rest is burned, as is everything else that is slashed.
	fn close(id: TaskId, ending: Ending<T::AccountId>) -> Vec<(T::AccountId, u32)> {
		let Some(task) = Tasks::<T>::take(id) else { return Vec::new() };
		Self::unschedule(id, &task);
		let rewarded = match &ending {
			Ending::Overturned { challenger } if !task.members.contains(challenger) => Some(challenger),
			_ => None,
		};
		let mut reward = RewardOf::<T::AccountId, T::Stakes>::zero();
		let mut right = Vec::new();
		let seats = Self::seats_of(id, &task);
		let tally = Tally::of(seats.iter().map(|(_, seat)| seat));
		for (who, seat) in &seats {
			if seat.answer == Answer::Refuted {
				Seats::<T>::remove(id, who);
				SeatsOf::<T>::remove(who, id);
				continue;
			}
			Self::unseat(id, who, &task, seat);
			if let Some(fault) = Self::fault(&ending, &task, &tally, seat) {
				let half = Self::punish(id, who, fault, &task, seat);
				if rewarded.is_some() && fault == Fault::FalseValid {
					reward.subsume(half);
				}
			} else if Self::is_right(&ending, seat.answer.verdict()) {
				Verifiers::<T>::mutate_extant(who, |verifier| verifier.absences.in_a_row = 0);
				T::Evidence::saw_times(who, Deed::Verified(id), seat.reserved);
				right.push((who.clone(), seat.reserved));
			}
		}
		if let Some(challenger) = rewarded {
			let amount = reward.peek();
			let paid =
				<<T::Stakes as Stakes<_>>::Currency as Balanced<_>>::resolve(challenger, reward).is_ok();
			if paid && !amount.is_zero() {
				Self::deposit_event(Event::ChallengerPaid {
					task: id,
					challenger: challenger.clone(),
					amount,
				});
			}
		}
		Self::deposit_event(Event::TaskClosed { task: id, outcome: Outcome::from(&ending) });
		right
	}

	fn max_members() -> u32 {
		T::MaxMembers::get()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark() {
		benchmarking::fill::<T>();
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn pass_for_benchmark(task: TaskId) {
		benchmarking::pass::<T>(task);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fail_for_benchmark(task: TaskId) {
		benchmarking::seal::<T>(task);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn lapse_for_benchmark(task: TaskId) {
		benchmarking::lapse::<T>(task);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn dispute_for_benchmark(task: TaskId, record: u32) {
		benchmarking::dispute::<T>(task, record);
	}
}
