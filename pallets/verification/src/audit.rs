//! What must hold of the parameters, and of the storage at any time.

use crate::{pallet::*, types::*, *};
use alloc::collections::{BTreeMap, BTreeSet};
use polkadot_sdk::sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
	/// The relations between the parameters; panics, in tests and before a runtime is built.
	pub(crate) fn check_parameters() {
		let (least, size, most) = (T::MinCommittee::get(), T::Committee::get(), T::MaxCommittee::get());
		assert!(least > 0, "a committee must have a member");
		assert!(
			least <= size && size <= most && most <= T::MaxMembers::get(),
			"committees must grow, up to the most members"
		);
		for members in 1..=T::MaxMembers::get() {
			let quorum = u64::from(T::Quorum::get().mul_ceil(members));
			assert!(
				quorum.saturating_mul(3) > u64::from(members).saturating_mul(2),
				"a quorum must be more than two thirds"
			);
			assert!(quorum <= u64::from(members), "a quorum could never be reached");
		}
		let samples = T::Samples::get();
		assert!(
			most <= samples && samples <= T::MaxSamples::get(),
			"a draw must have a sample for each vote"
		);
		assert!((1..=T::MaxWanted::get()).contains(&T::Wanted::get()), "members must have to show something");
		for (window, message) in [
			(T::OpenWindow::get(), "there must be time to open"),
			(T::DisputeWindow::get(), "there must be time to resolve a dispute"),
			(T::Patience::get(), "there must be time for a draw"),
		] {
			assert!(window > 0, "{message}");
		}
		let (lie, absence) = (T::VerifierSlash::get(), T::AbsenceSlash::get());
		assert!(
			!lie.is_zero() && lie <= T::MinStake::get(),
			"a lie must cost something, and no more than a stake"
		);
		let accusation = T::AccusationSlash::get();
		assert!(
			!accusation.is_zero() && accusation <= lie,
			"accusing must cost something, and no more than a lie"
		);
		let unopened = T::UnopenedSlash::get();
		assert!(!absence.is_zero(), "absence must cost something");
		assert!(
			absence <= unopened && unopened <= lie,
			"not opening must cost at least absence, at most a lie"
		);
		assert!(absence <= T::AbsenceCap::get(), "absence must cost something, the first time at least");
		assert!(T::MaxAbsences::get() > 0, "nobody could ever be awake");
		assert!(T::AwayEpochs::get() > 0, "who is away must have time to wake");
		let room = T::MinCapacity::get();
		assert!(room.time > 0 && room.bytes > 0, "a verifier must have room for something");
		assert!(T::MaxDraws::get() > 0 && T::MaxAdvances::get() > 0, "tasks must go on");
		let block = T::BlockWeights::get().max_block;
		assert!(
			Self::most_poll_weight().all_lte(block.div(2)),
			"what happens by itself must leave half of a block to others"
		);
		assert!(T::Hash::default().as_ref().len() == 32, "messages name the genesis block by 32 bytes");
	}

	/// The most that a tick weighs.
	pub(crate) fn most_poll_weight() -> Weight {
		let advance =
			T::WeightInfo::next_in_agenda().saturating_add(T::WeightInfo::advance(T::MaxMembers::get()));
		let draw = T::WeightInfo::next_in_queue()
			.saturating_add(T::WeightInfo::draw(T::MaxSamples::get(), T::MaxMembers::get()));
		T::WeightInfo::poll()
			.saturating_add(advance.saturating_mul(T::MaxAdvances::get().into()))
			.saturating_add(T::WeightInfo::next_in_agenda().saturating_mul(phases::MAX_TICKS_PASSED.into()))
			.saturating_add(draw.saturating_mul(T::MaxDraws::get().into()))
			.saturating_add(T::WeightInfo::next_in_queue().saturating_mul(draw::MAX_EPOCHS_PASSED.into()))
	}

	/// Checks the pallet's invariants over all of its storage.
	///
	/// * Verifiers and places name each other, and every place was given out once or is free.
	/// * Every sum of the tree is that of its children, at every epoch that a draw can ask for.
	/// * Who rests weighs nothing; everybody else weighs its stake, or nothing.
	/// * A verifier's open tasks and what they take are those of its seats.
	/// * Tasks, seats and members name each other; what is counted of them is so; every task that waits for something is in
	///   the queue or the agenda for it.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::try_tree()?;
		let used = Self::try_tasks()?;
		Self::try_verifiers(used)?;
		Self::try_agenda()
	}

	fn try_tree() -> Result<(), TryRuntimeError> {
		let epoch = T::Epoch::get();
		let before = epoch.saturating_sub(1);
		for ((level, index), node) in Nodes::<T>::iter() {
			ensure!(node.iter().any(|sum| *sum != Versioned::default()), "a node of nothing is stored");
			for (child, sum) in (0..tree::FAN_OUT).zip(node.iter()) {
				let versions: Vec<_> = sum.versions().collect();
				ensure!(versions.is_sorted_by(|a, b| a < b), "versions out of order");
				ensure!(versions.last().is_none_or(|last| *last <= epoch), "a version of an epoch to come");
				if u32::from(level).saturating_add(1) == tree::DEPTH {
					continue;
				}
				let below =
					(level.saturating_add(1), index.saturating_mul(tree::FAN_OUT).saturating_add(child));
				let below = Nodes::<T>::get(below);
				let added = |of: &dyn Fn(&Versioned<u128>) -> u128| below.iter().map(of).sum::<u128>();
				ensure!(added(&|leaf| leaf.now()) == sum.now(), "a sum is not that of its children");
				for at in [before, epoch] {
					ensure!(
						added(&|leaf| leaf.at_start_of(at)) == sum.at_start_of(at),
						"a sum was not that of its children"
					);
				}
			}
		}
		Ok(())
	}

	/// Checks tasks and seats; what the seats of each verifier take, and how many they are.
	fn try_tasks() -> Result<BTreeMap<T::AccountId, (Usage, u32)>, TryRuntimeError> {
		let mut used = BTreeMap::<T::AccountId, (Usage, u32)>::new();
		let mut seated = 0usize;
		for (id, task) in Tasks::<T>::iter() {
			let members: BTreeSet<_> = task.members.iter().collect();
			ensure!(members.len() == task.members.len(), "a member has two seats");
			seated = seated.saturating_add(members.len());
			let (mut size, mut answering, mut committed, mut opened) = (0u32, 0u32, 0u32, 0u32);
			for who in &task.members {
				let seat = Seats::<T>::get(id, who).ok_or("a member has no seat")?;
				ensure!(SeatsOf::<T>::contains_key(who, id), "a verifier does not know its seat");
				if let Answer::Opened { verdict, outputs } = &seat.answer {
					let shown = if *verdict == Verdict::Unavailable { 0 } else { task.wanted.len() };
					ensure!(seat.earlier || outputs.len() == shown, "other outputs are shown than wanted");
				}
				size = size.saturating_add(seat.votes);
				if seat.earlier {
					let bound = matches!(seat.answer.verdict(), Some(Verdict::Valid | Verdict::Wrong(_)));
					ensure!(bound && task.redrawn, "an earlier seat that binds to nothing");
					ensure!(seat.votes <= seat.reserved, "no stake answers for a vote");
				} else {
					ensure!(0 < seat.votes && seat.votes == seat.reserved, "no stake answers for a vote");
				}
				if !seat.earlier && seat.answer != Answer::Refuted {
					let count =
						|sum: u32, counts: bool| sum.saturating_add(if counts { seat.votes } else { 0 });
					answering = count(answering, true);
					committed = count(committed, seat.answer != Answer::None);
					opened = count(opened, seat.answer.verdict().is_some());
				}
				if seat.answer != Answer::Refuted {
					let (usage, open) = used.entry(who.clone()).or_default();
					let lie: u128 = task.terms.penalties.lie.saturated_into();
					*usage = usage.plus(&task.load, lie.saturating_mul(seat.reserved.into()));
					*open = open.saturating_add(1);
				}
			}
			let counted = (task.size, task.answering, task.committed, task.opened);
			ensure!(counted == (size, answering, committed, opened), "votes are miscounted");
			ensure!(task.quorum <= task.size, "a quorum that cannot be reached");
			let drawing = matches!(task.phase, Phase::Drawing { .. });
			ensure!(!drawing || task.size == 0, "a committee is drawn that is there");
			ensure!(task.wanted.is_sorted_by(|a, b| a < b), "wanted records out of order");
			ensure!(task.wanted.last().is_none_or(|last| *last < task.records), "no such record is wanted");
			if let Phase::Disputed { record, .. } = task.phase {
				ensure!(task.wanted.contains(&record), "a record is disputed that is not wanted");
			}
			if let Phase::Drawing { ready, until } = task.phase {
				let waits = Waiting::<T>::iter_prefix_values(ready).any(|waiting| waiting == id);
				// Who has waited too long is drawn no more, and lapses when its turn on the agenda comes.
				ensure!(waits || until <= T::Clock::get(), "a task waits in no queue");
			}
			if let Some(until) = task.phase.until() {
				ensure!(Agenda::<T>::contains_key(until, id), "a task is not on the agenda");
			}
		}
		ensure!(Seats::<T>::iter_keys().count() == seated, "a seat of nobody");
		ensure!(SeatsOf::<T>::iter_keys().count() == seated, "a verifier knows a seat that is not there");
		Ok(used)
	}

	fn try_verifiers(mut used: BTreeMap<T::AccountId, (Usage, u32)>) -> Result<(), TryRuntimeError> {
		let mut eligible = 0u32;
		let mut places = BTreeSet::new();
		for (who, verifier) in Verifiers::<T>::iter() {
			ensure!(Places::<T>::get(verifier.place).as_ref() == Some(&who), "a verifier has no place");
			places.insert(verifier.place);
			let weight = Self::leaf(verifier.place).now();
			let stake: u128 = T::Stakes::active(Role::Verifier, &who).saturated_into();
			ensure!(weight == 0 || verifier.duty != Duty::Resting, "a resting verifier weighs something");
			let away = matches!(verifier.duty, Duty::Away { .. });
			let room = if away { Load::default() } else { verifier.capacity };
			ensure!(verifier.room.now() == room, "draws see another capacity than was declared");
			ensure!(weight == 0 || weight == stake, "a verifier does not weigh its stake");
			eligible = eligible.saturating_add(Self::is_eligible(&verifier).into());
			let (usage, open) = used.remove(&who).unwrap_or_default();
			ensure!(verifier.drawn.minus(verifier.closed.now()) == usage, "seats take what is not counted");
			ensure!(verifier.open == open, "open tasks are miscounted");
		}
		ensure!(used.is_empty(), "a member is no verifier");
		ensure!(eligible == Eligible::<T>::get(), "eligible verifiers are miscounted");
		ensure!(Places::<T>::iter_keys().count() == places.len(), "a place of nobody");
		for free in 0..FreePlaceCount::<T>::get() {
			let place = FreePlaces::<T>::get(free).ok_or("a free place is missing")?;
			ensure!(places.insert(place), "a place is free that is taken");
			ensure!(Self::leaf(place) == Versioned::default(), "a free place weighs something");
		}
		let next = NextPlace::<T>::get();
		ensure!(places.len() as u64 == u64::from(next), "a place is lost");
		ensure!(places.last().is_none_or(|last| *last < next), "a place that was not given out");
		ensure!(next <= tree::PLACES, "more places than there are");
		Ok(())
	}

	fn try_agenda() -> Result<(), TryRuntimeError> {
		for (tick, id) in Agenda::<T>::iter_keys() {
			let until = Tasks::<T>::get(id).and_then(|task| task.phase.until());
			ensure!(until == Some(tick), "the agenda names a task for which nothing is due");
			ensure!(AgendaFrom::<T>::get().is_some_and(|from| from <= tick), "what was due was passed over");
		}
		for (epoch, number) in Waiting::<T>::iter_keys() {
			let queue = Queues::<T>::get(epoch);
			ensure!((queue.next..queue.end).contains(&number), "a task waits outside of the queue");
			ensure!(DrawFrom::<T>::get().is_some_and(|from| from <= epoch), "a queue was passed over");
		}
		Ok(())
	}
}
