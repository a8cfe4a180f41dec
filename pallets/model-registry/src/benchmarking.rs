//! Benchmarks: what the calls cost at the worst shape of what they are given.

// Benchmarks run off chain, and fail loudly.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, clippy::expect_used)]

use super::*;
use crate::fixture;
use oda_primitives::hash;
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin};

#[benchmarks]
mod benchmarks {
	use super::*;

	/// Encoded bytes of a specification without reshape nodes, which have 10 each.
	const BARE: u32 = 117;

	/// A registered model without submissions, and its registrar.
	fn registered<T: Config>() -> (ModelId, T::AccountId) {
		let registrar: T::AccountId = whitelisted_caller();
		let model = <Pallet<T> as ModelKeeper<_>>::register_for_benchmark(fixture::spec(2, 254), &registrar);
		(model, registrar)
	}

	/// A version that `trainer` brought.
	fn version<T: Config>(trainer: &T::AccountId) -> VersionOf<T> {
		Version {
			trainer: trainer.clone(),
			weights: BlobRef::of(b"weights"),
			score: 1,
			submission: 0,
			accepted_at: 0,
			replaced: None,
		}
	}

	/// `who` has so many announcements.
	fn announced<T: Config>(who: &T::AccountId, count: u32) {
		for number in 0..count {
			T::AnnouncementDeposit::ensure_successful(who, Pallet::<T>::announcement_footprint());
			let commitment = hash::tagged("oda/benchmark/1", number);
			Pallet::<T>::do_announce(who.clone(), commitment).expect("there is room");
		}
	}

	/// `who` has another announcement, which is old enough.
	fn open_announcement<T: Config>(who: &T::AccountId, commitment: [u8; 32]) {
		T::AnnouncementDeposit::ensure_successful(who, Pallet::<T>::announcement_footprint());
		Pallet::<T>::do_announce(who.clone(), commitment).expect("there is room");
		Announcements::<T>::mutate(who, |list| list.iter_mut().for_each(|a| a.opens_at = 0));
	}

	/// `who` has money for a card.
	fn can_set_card<T: Config>(who: &T::AccountId) {
		T::CardDeposit::ensure_successful(who, Pallet::<T>::card_footprint());
	}

	/// `who` sets a card of a model.
	fn card<T: Config>(model: ModelId, who: &T::AccountId) {
		can_set_card::<T>(who);
		Pallet::<T>::do_set_card(who.clone(), model, Some(BlobRef::of(b"card"))).expect("it may");
	}

	/// `s`: encoded bytes of the specification, filled with the nodes that take the fewest bytes each; `d`: how
	/// deep the data's tree is.
	#[benchmark]
	fn register(s: Linear<BARE, { BARE + 2_400 }>, d: Linear<0, 10>) {
		let caller: T::AccountId = whitelisted_caller();
		let parent = {
			let other: T::AccountId = account("registrar", 0, 0);
			let model = <Pallet<T> as ModelKeeper<_>>::register_for_benchmark(fixture::spec(3, 0), &other);
			<Pallet<T> as ModelKeeper<_>>::accept(&model, version::<T>(&other))
				.expect("a pending model takes a version");
			model
		};
		let records = 1u32 << d;
		let spec = fixture::spec(records, ((s - BARE) / 10) as u16);
		// Whole nodes only, and a longer prefix of their list from 64 nodes on.
		assert!((s.saturating_sub(9)..=s + 1).contains(&(spec.encoded_size() as u32)));
		let proof = RangeProof::of_end(&fixture::data(records)).expect("the data is not empty");
		assert_eq!(proof.siblings.len() as u32, d);
		T::Deposit::ensure_successful(&caller, Pallet::<T>::footprint(&spec));
		let model = spec.id();
		let salt = [7; 32];
		announced::<T>(&caller, T::MaxAnnouncements::get().saturating_sub(1));
		open_announcement::<T>(
			&caller,
			hash::registration(&funds::genesis_hash::<T>(), &caller, &model, &salt),
		);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), Box::new(spec), proof, Some(parent), salt);

		assert!(Models::<T>::contains_key(model));
	}

	#[benchmark]
	fn retire() {
		let (model, registrar) = registered::<T>();
		<Pallet<T> as ModelKeeper<_>>::accept(&model, version::<T>(&registrar))
			.expect("a pending model takes a version");

		#[extrinsic_call]
		_(RawOrigin::Signed(registrar), model);

		assert_eq!(Models::<T>::get(model).map(|m| m.status), Some(ModelStatus::Retired));
	}

	#[benchmark]
	fn freeze() -> Result<(), BenchmarkError> {
		let origin = T::FreezeOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let (model, registrar) = registered::<T>();
		<Pallet<T> as ModelKeeper<_>>::accept(&model, version::<T>(&registrar))
			.expect("a pending model takes a version");

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, model);

		assert_eq!(Models::<T>::get(model).map(|m| m.status), Some(ModelStatus::Frozen));
		Ok(())
	}

	#[benchmark]
	fn thaw() -> Result<(), BenchmarkError> {
		let origin = T::FreezeOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let (model, registrar) = registered::<T>();
		<Pallet<T> as ModelKeeper<_>>::accept(&model, version::<T>(&registrar))
			.expect("a pending model takes a version");
		Pallet::<T>::freeze(origin.clone(), model).expect("an active model freezes");

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, model);

		assert_eq!(Models::<T>::get(model).map(|m| m.status), Some(ModelStatus::Active));
		Ok(())
	}

	#[benchmark]
	fn abandon() {
		let (model, registrar) = registered::<T>();
		card::<T>(model, &registrar);

		#[extrinsic_call]
		_(RawOrigin::Signed(registrar), model);

		assert!(!Models::<T>::contains_key(model));
	}

	#[benchmark]
	fn announce() {
		let caller: T::AccountId = whitelisted_caller();
		announced::<T>(&caller, T::MaxAnnouncements::get().saturating_sub(1));
		T::AnnouncementDeposit::ensure_successful(&caller, Pallet::<T>::announcement_footprint());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), [7; 32]);

		assert_eq!(Announcements::<T>::get(caller).len() as u32, T::MaxAnnouncements::get());
	}

	#[benchmark]
	fn remove_announcement() {
		let caller: T::AccountId = whitelisted_caller();
		announced::<T>(&caller, T::MaxAnnouncements::get().saturating_sub(1));
		open_announcement::<T>(&caller, [7; 32]);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), caller.clone(), [7; 32]);

		assert!(Announcements::<T>::get(caller).iter().all(|a| a.commitment != [7; 32]));
	}

	/// In the place of somebody else's, whose deposit is returned.
	#[benchmark]
	fn set_card() {
		let registrar: T::AccountId = account("registrar", 0, 0);
		let model = <Pallet<T> as ModelKeeper<_>>::register_for_benchmark(fixture::spec(2, 254), &registrar);
		card::<T>(model, &registrar);
		let trainer: T::AccountId = whitelisted_caller();
		<Pallet<T> as ModelKeeper<_>>::accept(&model, version::<T>(&trainer))
			.expect("a pending model takes a version");
		can_set_card::<T>(&trainer);
		let another = BlobRef::of(b"another");

		#[extrinsic_call]
		_(RawOrigin::Signed(trainer), model, Some(another));

		assert_eq!(Cards::<T>::get(model).map(|card| card.blob), Some(another));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
