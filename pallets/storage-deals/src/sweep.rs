//! What happens by itself each tick: rounds start, deals are visited in turn, waiting heads are tried again.

use crate::{deals::Due, pallet::*, types::*, *};
use oda_primitives::hash;
use polkadot_sdk::frame_support::{traits::Randomness, weights::WeightMeter};

impl<T: Config> Pallet<T> {
	/// All of it, within what the meter has left.
	pub(crate) fn poll(meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::poll()).is_err() {
			return;
		}
		if Self::round_is_over() && meter.try_consume(T::WeightInfo::start_round()).is_ok() {
			Self::start_round();
		}
		if Waiting::<T>::iter_keys().next().is_some()
			&& meter.try_consume(T::WeightInfo::retry_head()).is_ok()
		{
			Self::retry_head();
		}
		Self::sweep(meter);
	}

	/// Whether the next round is due.
	fn round_is_over() -> bool {
		CurrentRound::<T>::get().is_none_or(|round| T::Clock::get() >= round.ends_at)
	}

	/// Starts the next round, however long the last one was.
	pub(crate) fn start_round() {
		let number = Self::current_round().saturating_add(1);
		let (randomness, _known_since) = T::Randomness::random(b"oda/round/1");
		let seed = hash::round_seed(number, randomness);
		let started_at = T::Clock::get();
		let ends_at = started_at.saturating_add(T::RoundLength::get().max(1));
		CurrentRound::<T>::put(Round { number, seed, started_at, ends_at });
		Self::deposit_event(Event::RoundStarted { round: number, seed });
	}

	/// Visits the next deals, each at most once a round: [`Config::SweepDeals`], or fewer if the weight does not
	/// suffice.
	fn sweep(meter: &mut WeightMeter) {
		let mut state = SweepState::<T>::get();
		let current = Self::current_round();
		if state.done && state.began < current {
			state = Sweep { began: current, after: None, done: false };
		}
		let most = T::WeightInfo::sweep_deal().saturating_add(Self::most_due_weight());
		let mut visited = false;
		for _ in 0..T::SweepDeals::get() {
			if state.done || !meter.can_consume(most) {
				break;
			}
			meter.consume(Self::sweep_deal(&mut state));
			visited = true;
		}
		if visited {
			SweepState::<T>::put(state);
		}
	}

	/// Visits the deal after the one visited last; what it cost.
	pub(crate) fn sweep_deal(state: &mut Sweep) -> Weight {
		let weight = T::WeightInfo::sweep_deal();
		let next = match state.after {
			Some(id) => Deals::<T>::iter_from_key(id).next(),
			None => Deals::<T>::iter().next(),
		};
		let Some((id, mut deal)) = next else {
			state.done = true;
			return weight;
		};
		state.after = Some(id);
		let due = Self::catch_up(id, &mut deal);
		let weight = weight.saturating_add(Self::due_weight(due, &deal));
		if due == Due::Settled {
			Deals::<T>::insert(id, deal);
		}
		weight
	}
}
