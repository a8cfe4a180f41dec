//! Entries: what time, evidence and bonds make of them.

use crate::{decay::decayed, ladder::Ladder, *};
use oda_pallet_traits::{Deed, Evidence, OwnStakes, Role, StakeWatcher, Tier, TierWatcher, Tiers};
use polkadot_sdk::sp_runtime::traits::{CheckedDiv, Zero};

/// An account's entry as it is now, to be changed, and put back by [`close`](Self::close). Until then nothing
/// is written.
pub(crate) struct Open<T: Config> {
	who: T::AccountId,
	/// The entry, with all that has decayed.
	pub(crate) entry: Entry,
	/// The units of its bond.
	pub(crate) units: u64,
	/// Whether it is stored.
	stored: bool,
	/// The tier that everybody knows.
	told: Tier,
	/// Whether a suspension was over, or was lifted.
	reinstated: bool,
	/// Whether it was suspended, or banned.
	suspended: bool,
}

impl<T: Config> Open<T> {
	/// The entry of an account that has one.
	pub(crate) fn get(who: &T::AccountId) -> Option<Self> {
		Some(Self::settled(who, Entries::<T>::get(who)?, true))
	}

	/// The entry of an account that has none.
	pub(crate) fn new(who: &T::AccountId) -> Self {
		Self::settled(who, Entry { period: Pallet::<T>::period(), ..Default::default() }, false)
	}

	/// Lets pass what has passed.
	///
	/// Between two settlements points only fall, so that the tier that they leave at the end is the one that
	/// settling all the time would have left: a tier that was lost in between has to be reached anew.
	fn settled(who: &T::AccountId, mut entry: Entry, stored: bool) -> Self {
		let (period, told) = (Pallet::<T>::period(), entry.tier);
		let passed = period.saturating_sub(entry.period);
		if passed > 0 {
			entry.costly = decayed(entry.costly, T::Decay::get(), passed);
			entry.free = decayed(entry.free, T::Decay::get(), passed);
			entry.faults = decayed(entry.faults, T::FaultDecay::get(), passed);
			let last = core::mem::take(&mut entry.earned);
			entry.earned_before = if passed == 1 { last } else { PerSource::default() };
			entry.period = period;
		}
		let reinstated = entry.standing != Standing::Good && entry.standing.is_good_at(T::Clock::get());
		if reinstated {
			entry.standing = Standing::Good;
		}
		let units = Pallet::<T>::units(who);
		let who = who.clone();
		let mut open = Self { who, entry, units, stored, told, reinstated, suspended: false };
		open.place();
		open
	}

	/// Sets the tier that the entry has earned.
	fn place(&mut self) {
		self.entry.tier = match self.entry.standing {
			Standing::Good => {
				Pallet::<T>::ladder().tier(Pallet::<T>::points(&self.entry), self.entry.tier, self.units)
			}
			_ => 0,
		};
	}

	/// Remembers a deed. Signs of life in a row are one, or a validator's would soon be all that is
	/// remembered.
	fn remember(&mut self, what: Counted, points: u64) {
		let recent = &mut self.entry.recent;
		let last = recent.last_mut().filter(|last| last.what == what);
		if let Some(last) = last.filter(|_| what == Counted::Earned(Source::Heartbeat)) {
			last.tick = T::Clock::get();
			last.points = last.points.saturating_add(points);
			return;
		}
		if recent.is_full() {
			recent.remove(0);
		}
		// There is room.
		let _ = recent.try_push(Recent { tick: T::Clock::get(), what, points });
	}

	/// Adds points, as far as the cap goes.
	///
	/// Everybody can do what is free, with each account anew: so that counts by the bond, of which more
	/// accounts have no more.
	fn earn(&mut self, source: Source, points: u64) {
		let points = if source.is_free() { points.saturating_mul(self.units) } else { points };
		let room = self.cap(source).saturating_sub(self.entry.earned.of(source));
		let points = if self.entry.standing == Standing::Good { points.min(room) } else { 0 };
		self.entry.earned.add(source, points);
		let sum = if source.is_free() { &mut self.entry.free } else { &mut self.entry.costly };
		*sum = sum.saturating_add(points);
		self.remember(Counted::Earned(source), points);
		self.place();
	}

	/// The most that a source gives the account in this period.
	pub(crate) fn cap(&self, source: Source) -> u64 {
		T::Caps::get().of(source).saturating_mul(self.units)
	}

	/// Takes points, those first without which no others count, and suspends an account whose faults weigh
	/// too much.
	fn fail(&mut self, fault: Fault, weight: u64) {
		let entry = &mut self.entry;
		let before = entry.costly.saturating_add(entry.free);
		let of_free = weight.saturating_sub(entry.costly);
		entry.costly = entry.costly.saturating_sub(weight);
		entry.free = entry.free.saturating_sub(of_free);
		let taken = before.saturating_sub(entry.costly.saturating_add(entry.free));
		entry.faults = entry.faults.saturating_add(weight);
		self.remember(Counted::Fault(fault), taken);
		let limit = T::SuspendAt::get();
		if self.entry.standing != Standing::Good {
			// What was under way when it was suspended does not suspend it twice.
			self.entry.faults = self.entry.faults.min(limit);
		} else if self.entry.faults > limit {
			self.suspend();
		}
		self.place();
	}

	/// Suspends the account, each time for twice as long, or bans it.
	fn suspend(&mut self) {
		let who = self.who.clone();
		let entry = &mut self.entry;
		let doublings = entry.suspensions;
		self.suspended = true;
		entry.faults = 0;
		entry.suspensions = entry.suspensions.saturating_add(1);
		if entry.suspensions >= T::BanAfter::get() {
			entry.standing = Standing::Banned { appealed: false };
			Pallet::<T>::deposit_event(Event::Banned { who });
		} else {
			let term = T::SuspensionTerm::get().saturating_mul(2u64.saturating_pow(doublings));
			let until = T::Clock::get().saturating_add(term);
			entry.standing = Standing::Suspended { until, appealed: false };
			let times = entry.suspensions;
			Pallet::<T>::deposit_event(Event::Suspended { who, until, times });
		}
	}

	/// Takes one suspension back, and ends it if it is the one that was appealed against and it lasts.
	pub(crate) fn absolve(&mut self) {
		self.entry.suspensions = self.entry.suspensions.saturating_sub(1);
		if self.entry.standing.appealed() {
			self.entry.standing = Standing::Good;
			self.reinstated = true;
		}
		self.place();
	}

	/// Writes the entry, or removes it if it says nothing, and tells who wants to know. Whether that was of
	/// use: the tier is another one, a suspension has ended, or an entry is gone.
	pub(crate) fn close(self) -> bool {
		let Self { who, entry, stored, told, reinstated, suspended, .. } = self;
		let (empty, tier) = (entry.is_empty(), entry.tier);
		// Seldom, and not a part of what those who tell of deeds weigh.
		if tier != told || suspended {
			let weight = T::WeightInfo::saw();
			frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Normal);
		}
		match (empty, stored) {
			(true, true) => Entries::<T>::remove(&who),
			(true, false) => {}
			(false, _) => Entries::<T>::insert(&who, entry),
		}
		if reinstated {
			Pallet::<T>::deposit_event(Event::Reinstated { who: who.clone() });
		}
		if tier != told {
			Pallet::<T>::deposit_event(Event::TierChanged { who: who.clone(), from: told, to: tier });
			T::Watcher::tier_changed(&who, told, tier);
		}
		// Last: whoever hears of it makes the bond count no more, of which this pallet hears in turn.
		if suspended {
			T::Watcher::suspended(&who);
		}
		tier != told || reinstated || (empty && stored)
	}
}

impl<T: Config> Pallet<T> {
	/// The number of the present period.
	pub(crate) fn period() -> u64 {
		T::Clock::get().checked_div(T::Period::get()).unwrap_or_default()
	}

	/// What an account itself has bonded over all roles, without what is leaving.
	pub(crate) fn bond(who: &T::AccountId) -> BalanceOf<T> {
		[Role::Validator, Role::Verifier, Role::Provider]
			.into_iter()
			.fold(Zero::zero(), |sum: BalanceOf<T>, role| sum.saturating_add(T::Stakes::own(role, who)))
	}

	/// How many tiers' bonds that is.
	pub(crate) fn units(who: &T::AccountId) -> u64 {
		Self::bond(who).checked_div(&T::BondPerTier::get()).map_or(0, SaturatedConversion::saturated_into)
	}

	/// The points of an entry that count: those that cost nothing only beside those that did.
	pub(crate) fn points(entry: &Entry) -> u64 {
		let free = entry.free.min(T::FreeShare::get().mul_floor(entry.costly));
		entry.costly.saturating_add(free)
	}

	/// What the tiers need.
	pub fn ladder() -> Ladder {
		Ladder { thresholds: T::Thresholds::get().into_inner(), hysteresis: T::Hysteresis::get() }
	}

	/// Gives an account points for something. Only what cost somebody something makes an entry, and only for
	/// an account with a bond: no other gets any.
	pub(crate) fn credit(who: &T::AccountId, source: Source, points: u64) {
		if points == 0 {
			return;
		}
		let open = Open::<T>::get(who).or_else(|| {
			let new = (!source.is_free()).then(|| Open::<T>::new(who));
			new.filter(|open| open.units > 0)
		});
		if let Some(mut open) = open {
			open.earn(source, points);
			open.close();
		}
	}

	/// Charges an account with a fault.
	fn charge(who: &T::AccountId, fault: Fault, weight: u64) {
		if weight > 0 {
			let mut open = Open::<T>::get(who).unwrap_or_else(|| Open::<T>::new(who));
			open.fail(fault, weight);
			open.close();
		}
	}
}

impl<T: Config> Evidence<T::AccountId> for Pallet<T> {
	fn saw(who: &T::AccountId, deed: Deed) {
		Self::saw_times(who, deed, 1);
	}

	fn saw_times(who: &T::AccountId, deed: Deed, times: u32) {
		let worths = T::Worths::get();
		let (counted, each) = Counted::of(deed);
		let times = u64::from(times).saturating_mul(each.into());
		match counted {
			Counted::Earned(source) => {
				Self::credit(who, source, worths.points.of(source).saturating_mul(times));
			}
			Counted::Fault(fault) => Self::charge(who, fault, worths.faults.of(fault).saturating_mul(times)),
		}
	}

	fn earned(provider: &T::AccountId, payer: &T::AccountId, burned: u128) {
		let points = Self::draw_on(payer, T::Worths::get().of_burned(burned));
		Self::credit(provider, Source::Served, points);
	}
}

impl<T: Config> Tiers<T::AccountId> for Pallet<T> {
	fn tier(who: &T::AccountId) -> Tier {
		Entries::<T>::get(who).map_or(0, |entry| entry.tier)
	}

	/// One that nothing is known of is not.
	fn is_suspended(who: &T::AccountId) -> bool {
		Entries::<T>::get(who).is_some_and(|entry| !entry.standing.is_good_at(T::Clock::get()))
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_for_benchmark(who: &T::AccountId, tier: Tier) {
		let from = Self::tier(who);
		let points = Self::ladder().thresholds.get(usize::from(tier).saturating_sub(1)).copied();
		let costly = points.unwrap_or_default();
		let entry = Entry { period: Self::period(), costly, tier, ..Default::default() };
		Entries::<T>::insert(who, entry);
		if from != tier {
			T::Watcher::tier_changed(who, from, tier);
		}
	}
}

impl<T: Config> StakeWatcher<T::AccountId, BalanceOf<T>> for Pallet<T> {
	fn changed(_: Role, who: &T::AccountId, _: BalanceOf<T>) {
		if let Some(open) = Open::<T>::get(who) {
			open.close();
		}
	}
}
