//! What models exist, their versions and their lineage.
//!
//! A model is a graph, an objective and data; its id is their hash, so that changing one makes another model and
//! none registers twice. The registry refuses everything that the court, the runtime that re-runs one record,
//! could not judge (`oda-pallet-court`). What it accepts lives as follows:
//!
//! ```text
//! announce ─(age)─► register ──► Pending ──(version 0 accepted)──► Active ──(retire)──► Retired
//!                                   │
//!                                   └─(abandon)──► gone, its id free again
//! ```
//!
//! A model belongs to whoever announced it, without showing it, before anybody saw it: `announce.rs`.
//!
//! Weights come in by `pallet-training`, which sees the registry as [`Models`]: every submission *enters* and
//! *leaves* its model, and an *accepted* one becomes its head. The registrar's version 0 takes the same road.
//!
//! A model may have a *card*, a blob outside its id that says what the model is about and how people ask it: `card.rs`.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	test,
	allow(
		clippy::arithmetic_side_effects,
		clippy::cast_possible_truncation,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

mod announce;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod card;
#[cfg(any(test, feature = "runtime-benchmarks"))]
mod fixture;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

pub use pallet::*;
pub use types::{Announcement, Card, Model, ProofRefusal, SpecRefusal};
pub use weights::WeightInfo;

use alloc::{boxed::Box, vec::Vec};
use oda_evaluator::{Cost, ModelSpec, SpecError};
use oda_pallet_court as court;
use oda_pallet_funds as funds;
use oda_pallet_traits::{Lineage, ModelStatus, Models as ModelKeeper, OpenModels, Standing, Version, Work};
use oda_primitives::{BlobRef, CHUNK_LEN, ModelId, ProofError, RangeProof, Tick, VersionId};
use polkadot_sdk::{
	frame_support::{
		self,
		pallet_prelude::*,
		traits::{Consideration, Footprint},
	},
	frame_system::pallet_prelude::*,
	sp_runtime::{TryRuntimeError, traits::Convert},
};

/// The most entries that one page of a listing holds.
pub const MAX_PAGE: u32 = 100;

/// The levels of the deepest tree that a blob can have: 2⁶⁴ bytes in chunks of 2¹⁰.
const MAX_DEPTH: usize = 54;

/// A model as this pallet stores it.
pub type ModelOf<T> = Model<<T as polkadot_sdk::frame_system::Config>::AccountId, <T as Config>::Deposit>;

/// An announcement as this pallet stores it.
pub type AnnouncementOf<T> = Announcement<<T as Config>::AnnouncementDeposit>;

/// A card as this pallet stores it.
pub type CardOf<T> = Card<<T as polkadot_sdk::frame_system::Config>::AccountId, <T as Config>::CardDeposit>;

/// A version as this pallet stores it.
pub type VersionOf<T> = Version<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// The pallet; see the crate's documentation.
///
/// The two lints are for what FRAME's macros expand to; nothing written here uses either.
#[allow(clippy::cast_possible_truncation, clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the registry needs.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The registrar's deposit for an announcement; held with [`HoldReason::Announcement`].
		type AnnouncementDeposit: Consideration<Self::AccountId, Footprint>;

		/// Ticks after its announcement from which on a model can no longer be registered by it.
		type AnnouncementLifetime: Get<Tick>;

		/// The deposit for naming a card, of who set it; held with [`HoldReason::Card`].
		type CardDeposit: Consideration<Self::AccountId, Footprint>;

		/// Protocol time.
		type Clock: Get<Tick>;

		/// The registrar's deposit for the bytes that the chain keeps of a model; held with
		/// [`HoldReason::Model`].
		type Deposit: Consideration<Self::AccountId, Footprint>;

		/// What the court's evaluation of one record weighs.
		type EvaluationWeight: Convert<Cost, Weight>;

		/// What hashing an output of so many bytes weighs above that.
		type OutputWeight: Convert<u64, Weight>;

		/// The most announcements that an account may have at a time.
		#[pallet::constant]
		type MaxAnnouncements: Get<u32>;

		/// The largest card, in bytes: 64 KiB.
		#[pallet::constant]
		type MaxCardBytes: Get<u64>;

		/// The longest challenge, in bytes, that has room in a block beside what every block holds.
		#[pallet::constant]
		type MaxChallengeBytes: Get<u64>;

		/// The most that the court's evaluation of one record may weigh: half a block.
		#[pallet::constant]
		type MaxEvaluationWeight: Get<Weight>;

		/// The largest weights blob, in bytes, that can be shown to the court: 2 MiB.
		#[pallet::constant]
		type MaxWeightsBytes: Get<u64>;

		/// Ticks that an announcement must have aged before its model is registered.
		type MinAnnouncementAge: Get<Tick>;

		/// For how many ticks a pending model without live submissions belongs to its registrar alone;
		/// afterwards anyone can free its id.
		type PendingWindow: Get<Tick>;

		/// Who may freeze models, and let them go on.
		type FreezeOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// What the calls cost.
		type WeightInfo: WeightInfo;
	}

	/// Why the registry holds somebody's funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For the bytes of a model that the account registered.
		#[codec(index = 0)]
		Model,
		/// For the bytes of an announcement that the account made.
		#[codec(index = 1)]
		Announcement,
		/// For the bytes of a model's card that the account set.
		#[codec(index = 2)]
		Card,
	}

	/// The announcements of each account, in the order in which they were made.
	#[pallet::storage]
	pub type Announcements<T: Config> = StorageMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		BoundedVec<AnnouncementOf<T>, T::MaxAnnouncements>,
		ValueQuery,
	>;

	/// The cards of the models that have one.
	#[pallet::storage]
	pub type Cards<T: Config> = StorageMap<_, Identity, ModelId, CardOf<T>>;

	/// The models. Their ids are hashes, so they are stored under them as they are.
	#[pallet::storage]
	pub type Models<T: Config> = StorageMap<_, Identity, ModelId, ModelOf<T>>;

	/// The specification of each model, its graph, objective and data: one for every entry of [`Models`].
	#[pallet::storage]
	pub type Specs<T: Config> = StorageMap<_, Identity, ModelId, ModelSpec>;

	/// The accepted versions of each model, numbered without gaps from 0.
	#[pallet::storage]
	pub type Versions<T: Config> =
		StorageDoubleMap<_, Identity, ModelId, Twox64Concat, VersionId, VersionOf<T>>;

	/// What happened to a model.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model was registered and waits for its registrar's version 0.
		#[codec(index = 0)]
		Registered {
			/// The registered model.
			model: ModelId,
			/// The account that registered the model.
			registrar: T::AccountId,
			/// The model that the registered one is said to descend from.
			parent: Option<ModelId>,
		},
		/// A version became a model's head.
		#[codec(index = 1)]
		HeadMoved {
			/// The model whose head moved.
			model: ModelId,
			/// The number of the new head.
			version: VersionId,
			/// The account that trained it.
			trainer: T::AccountId,
			/// The sum of its per-record scores.
			score: i64,
		},
		/// A model was closed to new submissions.
		#[codec(index = 2)]
		Retired {
			/// The retired model.
			model: ModelId,
		},
		/// A model that never got a version was deleted; its id is free again.
		#[codec(index = 3)]
		Abandoned {
			/// The deleted model.
			model: ModelId,
		},
		/// A model's head fell, because its weights were withheld.
		#[codec(index = 4)]
		HeadReverted {
			/// The model whose head fell.
			model: ModelId,
			/// The number of the version that fell.
			fallen: VersionId,
			/// The number of the version that is the head again; `None` if the fallen one had replaced none.
			head: Option<VersionId>,
		},
		/// An account announced that it will register a model.
		#[codec(index = 5)]
		Announced {
			/// The account that will be the model's registrar.
			registrar: T::AccountId,
			/// The hash that hides the model.
			commitment: [u8; 32],
			/// The first tick at which the model can be registered.
			opens_at: Tick,
			/// The first tick at which the announcement can no longer be used.
			closes_at: Tick,
		},
		/// An announcement was removed unused; its deposit is released.
		#[codec(index = 6)]
		AnnouncementRemoved {
			/// The account that had made the announcement.
			registrar: T::AccountId,
			/// The hash that hides the model.
			commitment: [u8; 32],
		},
		/// A model's card was set, replaced or removed.
		#[codec(index = 7)]
		CardSet {
			/// The model that the card is about.
			model: ModelId,
			/// The blob that is its card from now on; `None` if it has none any more.
			card: Option<BlobRef>,
		},
		/// A model was closed, until a decision opens it again.
		#[codec(index = 8)]
		Frozen {
			/// The model.
			model: ModelId,
		},
		/// A frozen model is open again.
		#[codec(index = 9)]
		Thawed {
			/// The model.
			model: ModelId,
		},
	}

	/// Why the registry refuses.
	#[pallet::error]
	pub enum Error<T> {
		/// The specification breaks a rule of the evaluator.
		#[codec(index = 0)]
		InvalidSpec(SpecRefusal),
		/// The encoded specification is longer than the chain keeps.
		#[codec(index = 1)]
		SpecTooLarge,
		/// The proof of the data's length is larger than a proof of its last chunk can be.
		#[codec(index = 2)]
		LengthProofTooLarge,
		/// The proof does not show the data's last chunk, so its length is not authenticated.
		#[codec(index = 3)]
		DatasetLengthNotProved(ProofRefusal),
		/// The weights are too large to be shown to the court.
		#[codec(index = 4)]
		WeightsTooLarge,
		/// One record is too expensive for the court to evaluate, and its output to hash.
		#[codec(index = 5)]
		RecordTooExpensive,
		/// A model of the same graph, objective and data exists.
		#[codec(index = 6)]
		AlreadyRegistered,
		/// The stated parent is not a registered model.
		#[codec(index = 7)]
		UnknownParent,
		/// The stated parent has no version yet and may still vanish.
		#[codec(index = 8)]
		PendingParent,
		/// No model with this id is registered.
		#[codec(index = 9)]
		UnknownModel,
		/// The account is not the model's registrar, who alone may do this.
		#[codec(index = 10)]
		NotRegistrar,
		/// The model is pending: it can be abandoned, not retired.
		#[codec(index = 11)]
		ModelPending,
		/// The model is retired and takes no submissions any more.
		#[codec(index = 12)]
		ModelRetired,
		/// The model is not pending: it has had a version.
		#[codec(index = 13)]
		NotPending,
		/// The model has submissions that have not ended.
		#[codec(index = 14)]
		LiveSubmissions,
		/// The model's head is not the registrar's own work, or the model has none.
		#[codec(index = 15)]
		HeadOfAnother,
		/// The time in which only the registrar may abandon the pending model is not over.
		#[codec(index = 16)]
		WindowOpen,
		/// The model can count no more submissions or versions.
		#[codec(index = 17)]
		Exhausted,
		/// The model has no head.
		#[codec(index = 18)]
		NoHead,
		/// The account has made no such announcement, or it has ended.
		#[codec(index = 19)]
		NotAnnounced,
		/// The model was announced too recently to be registered.
		#[codec(index = 20)]
		AnnouncementTooYoung,
		/// The announcement of the model is too old to register it.
		#[codec(index = 21)]
		AnnouncementExpired,
		/// The account has as many announcements as it may have.
		#[codec(index = 22)]
		TooManyAnnouncements,
		/// The account has made this announcement already.
		#[codec(index = 23)]
		AlreadyAnnounced,
		/// The announcement is somebody else's and can still be used.
		#[codec(index = 24)]
		AnnouncementLive,
		/// Weights, record and its proof are together too long for a block, so nobody could challenge.
		#[codec(index = 25)]
		ChallengeTooLong,
		/// Evaluating one record takes more memory than the court has.
		#[codec(index = 26)]
		RecordTakesTooMuchMemory,
		/// The card is set by the trainer of the model's head alone; while there is no head, by the registrar.
		#[codec(index = 27)]
		CardOfAnother,
		/// The card has more bytes than a card may have.
		#[codec(index = 28)]
		CardTooLarge,
		/// The model has no card that could be removed.
		#[codec(index = 29)]
		NoCard,
		/// The model is frozen: it takes no submissions, and cannot be retired.
		#[codec(index = 30)]
		ModelFrozen,
		/// The model is not frozen.
		#[codec(index = 31)]
		NotFrozen,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers a model and makes the caller its registrar, who alone can submit its version 0.
		///
		/// * `spec`: the graph, the objective and the data; its hash is the model's id.
		/// * `length_proof`: the BLAKE3 path of the data blob's last chunk, which authenticates its length.
		/// * `parent`: a registered model that this one descends from, a statement outside its id.
		/// * `salt`: the secret of the caller's own announcement of this model, which is at least
		///   [`Config::MinAnnouncementAge`] ticks old. Whoever sees this call cannot have announced the model before.
		///
		/// Ends the announcement and releases its deposit; holds a deposit for the bytes kept. Emits `Registered`. Fails
		/// with `NotAnnounced`, `AnnouncementTooYoung`, `AnnouncementExpired`, `SpecTooLarge`,
		/// `LengthProofTooLarge`, `InvalidSpec` (which carries the evaluator's reason: among others that the
		/// data's length is not records × record size, or that its scores would be too long a list),
		/// `WeightsTooLarge`, `ChallengeTooLong`, `RecordTooExpensive`, `RecordTakesTooMuchMemory`,
		/// `AlreadyRegistered`, `UnknownParent`, `PendingParent`,
		/// `DatasetLengthNotProved` (which carries the proof's fault), or the deposit's error.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register(
			u32::try_from(spec.encoded_size()).unwrap_or(u32::MAX),
			u32::try_from(length_proof.siblings.len()).unwrap_or(u32::MAX),
		))]
		pub fn register(
			origin: OriginFor<T>,
			spec: Box<ModelSpec>,
			length_proof: RangeProof,
			parent: Option<ModelId>,
			salt: [u8; 32],
		) -> DispatchResult {
			let registrar = ensure_signed(origin)?;
			ensure!(
				length_proof.chunks.len() as u64 <= CHUNK_LEN && length_proof.siblings.len() <= MAX_DEPTH,
				Error::<T>::LengthProofTooLarge
			);
			let cost = Self::check_spec(&spec)?;
			let model = spec.id();
			ensure!(!Models::<T>::contains_key(model), Error::<T>::AlreadyRegistered);
			if let Some(parent) = parent {
				let parent = Models::<T>::get(parent).ok_or(Error::<T>::UnknownParent)?;
				ensure!(parent.status != ModelStatus::Pending, Error::<T>::PendingParent);
			}
			length_proof
				.authenticates_len(&spec.data.dataset().blob)
				.map_err(|fault| Error::<T>::DatasetLengthNotProved(ProofRefusal(fault)))?;
			Self::use_announcement(&registrar, &model, &salt)?;
			Self::insert(model, *spec, cost, &registrar, parent)?;
			Self::deposit_event(Event::Registered { model, registrar, parent });
			Ok(())
		}

		/// Closes a model to new submissions, for ever. Its head stays and can be used.
		///
		/// * `model`: the model, active, without live submissions, and with a head that its registrar trained,
		///   so that nobody retires another's head.
		///
		/// The specification stays on chain, and so does its deposit. Emits `Retired`. Fails with
		/// `UnknownModel`, `NotRegistrar`, `ModelPending`, `ModelRetired`, `ModelFrozen`, `LiveSubmissions`
		/// or `HeadOfAnother`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::retire())]
		pub fn retire(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Models::<T>::try_mutate(model, |entry| -> DispatchResult {
				let entry = entry.as_mut().ok_or(Error::<T>::UnknownModel)?;
				ensure!(entry.registrar == who, Error::<T>::NotRegistrar);
				match entry.status {
					ModelStatus::Pending => return Err(Error::<T>::ModelPending.into()),
					ModelStatus::Retired => return Err(Error::<T>::ModelRetired.into()),
					ModelStatus::Frozen => return Err(Error::<T>::ModelFrozen.into()),
					ModelStatus::Active => {}
				}
				ensure!(entry.live == 0, Error::<T>::LiveSubmissions);
				let head = entry.head.and_then(|number| Versions::<T>::get(model, number));
				ensure!(head.is_some_and(|v| v.trainer == who), Error::<T>::HeadOfAnother);
				entry.status = ModelStatus::Retired;
				Ok(())
			})?;
			Self::deposit_event(Event::Retired { model });
			Ok(())
		}

		/// Deletes a pending model without live submissions, frees its id and releases its deposit, and its card's.
		///
		/// * `model`: the model. Its registrar may do this at any time, anyone else from the tick on that the model
		///   was given when it was registered, [`Config::PendingWindow`] ticks later.
		///
		/// Emits `Abandoned`, after `CardSet` if it had a card. Fails with `UnknownModel`, `NotPending`,
		/// `LiveSubmissions` or `WindowOpen`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::abandon())]
		pub fn abandon(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let entry = Models::<T>::get(model).ok_or(Error::<T>::UnknownModel)?;
			ensure!(entry.status == ModelStatus::Pending, Error::<T>::NotPending);
			ensure!(entry.live == 0, Error::<T>::LiveSubmissions);
			ensure!(entry.registrar == who || T::Clock::get() >= entry.free_at, Error::<T>::WindowOpen);
			Self::remove_card(&model)?;
			entry.ticket.drop(&entry.registrar)?;
			Models::<T>::remove(model);
			Specs::<T>::remove(model);
			Self::deposit_event(Event::Abandoned { model });
			Ok(())
		}

		/// Announces a model that the caller is going to register, without showing it.
		///
		/// * `commitment`: [`oda_primitives::hash::registration`] of the genesis hash, the caller, the model's id and a
		///   secret salt, which has to be kept.
		///
		/// Holds a deposit, which returns when the announcement ends, whichever way. The model can be registered by it
		/// from [`Config::MinAnnouncementAge`] ticks on, and before [`Config::AnnouncementLifetime`]. Emits
		/// `Announced`. Fails with `AlreadyAnnounced`, `TooManyAnnouncements` or the deposit's error.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::announce())]
		pub fn announce(origin: OriginFor<T>, commitment: [u8; 32]) -> DispatchResult {
			Self::do_announce(ensure_signed(origin)?, commitment)
		}

		/// Removes an announcement and releases its deposit to the account that made it.
		///
		/// * `registrar`: the account that made it. It may do this at any time, anyone else once the announcement
		///   is too old to be used.
		/// * `commitment`: the announcement.
		///
		/// Emits `AnnouncementRemoved`. Fails with `NotAnnounced` or `AnnouncementLive`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::remove_announcement())]
		pub fn remove_announcement(
			origin: OriginFor<T>,
			registrar: T::AccountId,
			commitment: [u8; 32],
		) -> DispatchResult {
			Self::do_remove_announcement(&ensure_signed(origin)?, registrar, commitment)
		}

		/// Names a model's card, in the place of the one that it has, or removes it.
		///
		/// * `model`: the model. The caller is the trainer of its head or, while it has none, its registrar.
		/// * `card`: the blob, of at most [`Config::MaxCardBytes`] bytes, which the chain does not read; `None` removes the
		///   card.
		///
		/// Holds a deposit for the bytes kept; that of the card before goes back to who set it. Emits `CardSet`. Fails with
		/// `UnknownModel`, `CardOfAnother`, `CardTooLarge`, `NoCard` or the deposit's error.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::set_card())]
		pub fn set_card(origin: OriginFor<T>, model: ModelId, card: Option<BlobRef>) -> DispatchResult {
			Self::do_set_card(ensure_signed(origin)?, model, card)
		}

		/// Closes an active model to new submissions, offers, channels and requests, until it is thawed; for
		/// [`Config::FreezeOrigin`] only.
		///
		/// * `model`: the model.
		///
		/// What is under way goes on: submissions are decided, channels are settled, and the head's blobs are
		/// kept and paid for. Emits `Frozen`. Fails with `UnknownModel`, `ModelPending`, `ModelRetired` or
		/// `ModelFrozen`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::freeze())]
		pub fn freeze(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			T::FreezeOrigin::ensure_origin(origin)?;
			Models::<T>::try_mutate(model, |entry| -> DispatchResult {
				let entry = entry.as_mut().ok_or(Error::<T>::UnknownModel)?;
				match entry.status {
					ModelStatus::Pending => return Err(Error::<T>::ModelPending.into()),
					ModelStatus::Retired => return Err(Error::<T>::ModelRetired.into()),
					ModelStatus::Frozen => return Err(Error::<T>::ModelFrozen.into()),
					ModelStatus::Active => entry.status = ModelStatus::Frozen,
				}
				Ok(())
			})?;
			Self::deposit_event(Event::Frozen { model });
			Ok(())
		}

		/// Opens a frozen model again; for [`Config::FreezeOrigin`] only.
		///
		/// * `model`: the model.
		///
		/// Emits `Thawed`. Fails with `UnknownModel` or `NotFrozen`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::thaw())]
		pub fn thaw(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			T::FreezeOrigin::ensure_origin(origin)?;
			Models::<T>::try_mutate(model, |entry| -> DispatchResult {
				let entry = entry.as_mut().ok_or(Error::<T>::UnknownModel)?;
				ensure!(entry.status == ModelStatus::Frozen, Error::<T>::NotFrozen);
				entry.status = ModelStatus::Active;
				Ok(())
			})?;
			Self::deposit_event(Event::Thawed { model });
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				SpecError::max_encoded_len() <= SpecRefusal::MAX_BYTES,
				"a SpecError has outgrown the pallet's error"
			);
			assert!(
				ProofError::max_encoded_len() <= ProofRefusal::MAX_BYTES,
				"a ProofError has outgrown the pallet's error"
			);
			assert!(T::MaxWeightsBytes::get() > 0, "no weights could ever be registered");
			assert!(
				T::MinAnnouncementAge::get() < T::AnnouncementLifetime::get(),
				"no announcement could ever be used"
			);
			assert!(T::MaxAnnouncements::get() > 0, "nothing could ever be announced");
			assert!(
				T::EvaluationWeight::convert(Cost::default()).all_lte(T::MaxEvaluationWeight::get()),
				"even an empty graph would be too expensive"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A model.
		pub fn model(id: ModelId) -> Option<ModelOf<T>> {
			Models::<T>::get(id)
		}

		/// A model's specification: its graph, objective and data.
		pub fn spec(id: ModelId) -> Option<ModelSpec> {
			Specs::<T>::get(id)
		}

		/// A model's card, if it has one.
		pub fn card(id: ModelId) -> Option<CardOf<T>> {
			Cards::<T>::get(id)
		}

		/// A version of a model by its number.
		pub fn version(id: ModelId, number: VersionId) -> Option<VersionOf<T>> {
			Versions::<T>::get(id, number)
		}

		/// A model's head and its number.
		pub fn head(id: ModelId) -> Option<(VersionId, VersionOf<T>)> {
			let number = Models::<T>::get(id)?.head?;
			Some((number, Versions::<T>::get(id, number)?))
		}

		/// The announcements of an account.
		pub fn announcements(who: T::AccountId) -> Vec<AnnouncementOf<T>> {
			Announcements::<T>::get(who).into_inner()
		}

		/// A page of the models, in the order of their ids: those after `after`, or from the start; at most
		/// `limit`, and never more than [`MAX_PAGE`].
		pub fn models(after: Option<ModelId>, limit: u32) -> Vec<(ModelId, ModelOf<T>)> {
			let models = match after {
				Some(id) => Models::<T>::iter_from_key(id),
				None => Models::<T>::iter(),
			};
			models.take(limit.min(MAX_PAGE) as usize).collect()
		}

		/// A page of a model's versions from number `from` on; at most `limit`, and never more than
		/// [`MAX_PAGE`].
		pub fn versions(id: ModelId, from: VersionId, limit: u32) -> Vec<(VersionId, VersionOf<T>)> {
			let to = from.saturating_add(limit.min(MAX_PAGE));
			(from..to).map_while(|n| Some((n, Versions::<T>::get(id, n)?))).collect()
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Everything about a specification that can be said without the data and the chain's state: it is valid,
	/// and the court could judge it. Returns what a record costs.
	pub fn check_spec(spec: &ModelSpec) -> Result<Cost, Error<T>> {
		ensure!(spec.encoded_size() <= ModelSpec::max_encoded_len(), Error::<T>::SpecTooLarge);
		let cost = spec.validate().map_err(|reason| Error::<T>::InvalidSpec(SpecRefusal(reason)))?;
		let limits = court::Limits {
			weights: T::MaxWeightsBytes::get(),
			challenge: T::MaxChallengeBytes::get(),
			evaluation: T::MaxEvaluationWeight::get(),
		};
		let output = T::OutputWeight::convert(spec.graph.output_bytes());
		let weight = T::EvaluationWeight::convert(cost).saturating_add(output);
		limits.check(spec, weight).map_err(|unfit| match unfit {
			court::Unfit::WeightsTooLarge => Error::<T>::WeightsTooLarge,
			court::Unfit::ChallengeTooLong => Error::<T>::ChallengeTooLong,
			court::Unfit::RecordTooExpensive => Error::<T>::RecordTooExpensive,
			court::Unfit::RecordTakesTooMuchMemory => Error::<T>::RecordTakesTooMuchMemory,
		})?;
		Ok(cost)
	}

	/// Holds the deposit and stores a pending model.
	fn insert(
		model: ModelId,
		spec: ModelSpec,
		cost: Cost,
		registrar: &T::AccountId,
		parent: Option<ModelId>,
	) -> DispatchResult {
		let ticket = T::Deposit::new(registrar, Self::footprint(&spec))?;
		let Work { cost, records, bytes } = Self::work(&spec, cost);
		let now = T::Clock::get();
		let entry = Model {
			registrar: registrar.clone(),
			status: ModelStatus::Pending,
			parent,
			head: None,
			next_version: 0,
			live: 0,
			cost,
			records,
			bytes,
			registered_at: now,
			free_at: now.saturating_add(T::PendingWindow::get()),
			ticket,
		};
		Models::<T>::insert(model, entry);
		Specs::<T>::insert(model, spec);
		Ok(())
	}

	/// What has to be done to verify a claim: all records, each of which costs this, on weights and data that are
	/// fetched.
	pub fn work(spec: &ModelSpec, cost: Cost) -> Work {
		let bytes = spec.graph.param_bytes().saturating_add(spec.data.dataset().blob.len);
		Work { cost, records: spec.records(), bytes }
	}

	/// What a model's deposit is taken for: the specification and the entry beside it.
	pub fn footprint(spec: &ModelSpec) -> Footprint {
		Footprint::from_parts(1, spec.encoded_size().saturating_add(ModelOf::<T>::max_encoded_len()))
	}

	/// Checks every model against its specification and its versions.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		for (id, model) in Models::<T>::iter() {
			let spec = Specs::<T>::get(id).ok_or("a model without a specification")?;
			ensure!(spec.id() == id, "a specification under another's id");
			let work = Self::work(&spec, model.cost);
			ensure!(work.records == model.records, "a model with another number of records");
			ensure!(work.bytes == model.bytes, "a model with another number of bytes");
			ensure!(spec.validate().ok() == Some(model.cost), "a model with another cost");
			ensure!(model.free_at >= model.registered_at, "a model is free before it was registered");
			ensure!(
				model.head.is_none_or(|head| head < model.next_version),
				"the head has a number not yet given"
			);
			ensure!(
				(model.status == ModelStatus::Pending) == (model.next_version == 0),
				"a model is pending with a version, or not without one"
			);
			ensure!(
				model.status != ModelStatus::Retired || model.live == 0,
				"a submission to a retired model"
			);
			let versions = Versions::<T>::iter_prefix(id).count() as u64;
			ensure!(versions == u64::from(model.next_version), "a gap in the versions");
			if let Some(parent) = model.parent {
				let parent = Models::<T>::get(parent).ok_or("a parent is gone")?;
				ensure!(parent.status != ModelStatus::Pending, "a pending parent");
			}
		}
		ensure!(Specs::<T>::iter_keys().all(Models::<T>::contains_key), "a specification without a model");
		ensure!(Cards::<T>::iter_keys().all(Models::<T>::contains_key), "a card without a model");
		ensure!(
			Versions::<T>::iter_keys().all(|(id, number)| {
				Models::<T>::get(id).is_some_and(|model| number < model.next_version)
			}),
			"a version without a model, or with a number not yet given"
		);
		ensure!(
			Versions::<T>::iter().all(|(_, number, version)| version.replaced.is_none_or(|old| old < number)),
			"a version replaced a later one"
		);
		Self::try_announcements()
	}
}

impl<T: Config> ModelKeeper<T::AccountId> for Pallet<T> {
	fn spec(model: &ModelId) -> Option<ModelSpec> {
		Specs::<T>::get(model)
	}

	fn standing(model: &ModelId) -> Option<Standing<T::AccountId>> {
		let Model { status, registrar, head, cost, records, bytes, .. } = Models::<T>::get(model)?;
		Some(Standing { status, registrar, head, work: Work { cost, records, bytes } })
	}

	fn enter(model: &ModelId, trainer: &T::AccountId) -> DispatchResult {
		Models::<T>::try_mutate(model, |entry| {
			let entry = entry.as_mut().ok_or(Error::<T>::UnknownModel)?;
			match entry.status {
				ModelStatus::Pending => ensure!(entry.registrar == *trainer, Error::<T>::NotRegistrar),
				ModelStatus::Active => {}
				ModelStatus::Retired => return Err(Error::<T>::ModelRetired.into()),
				ModelStatus::Frozen => return Err(Error::<T>::ModelFrozen.into()),
			}
			entry.live = entry.live.checked_add(1).ok_or(Error::<T>::Exhausted)?;
			Ok(())
		})
	}

	fn leave(model: &ModelId) {
		Models::<T>::mutate(model, |entry| {
			debug_assert!(entry.as_ref().is_some_and(|e| e.live > 0), "a submission left that never entered");
			if let Some(entry) = entry {
				entry.live = entry.live.saturating_sub(1);
			}
		});
	}

	fn head(model: &ModelId) -> Option<VersionOf<T>> {
		Versions::<T>::get(model, Models::<T>::get(model)?.head?)
	}

	fn accept(model: &ModelId, mut version: VersionOf<T>) -> Result<VersionId, DispatchError> {
		let number = Models::<T>::try_mutate(model, |entry| -> Result<VersionId, DispatchError> {
			let entry = entry.as_mut().ok_or(Error::<T>::UnknownModel)?;
			ensure!(entry.status != ModelStatus::Retired, Error::<T>::ModelRetired);
			let number = entry.next_version;
			entry.next_version = number.checked_add(1).ok_or(Error::<T>::Exhausted)?;
			version.replaced = entry.head.replace(number);
			if entry.status == ModelStatus::Pending {
				entry.status = ModelStatus::Active;
			}
			Ok(number)
		})?;
		Self::deposit_event(Event::HeadMoved {
			model: *model,
			version: number,
			trainer: version.trainer.clone(),
			score: version.score,
		});
		Versions::<T>::insert(model, number, version);
		Ok(number)
	}

	fn revert(model: &ModelId) -> Result<(VersionId, Option<VersionId>), DispatchError> {
		let (fallen, head) = Models::<T>::try_mutate(model, |entry| {
			let entry = entry.as_mut().ok_or(Error::<T>::UnknownModel)?;
			let fallen = entry.head.ok_or(Error::<T>::NoHead)?;
			let version = Versions::<T>::get(model, fallen).ok_or(Error::<T>::NoHead)?;
			entry.head = version.replaced;
			Ok::<_, Error<T>>((fallen, entry.head))
		})?;
		Self::deposit_event(Event::HeadReverted { model: *model, fallen, head });
		Ok((fallen, head))
	}

	#[cfg(feature = "runtime-benchmarks")]
	#[allow(clippy::expect_used)]
	fn register_for_benchmark(spec: ModelSpec, registrar: &T::AccountId) -> ModelId {
		let cost = Self::check_spec(&spec).expect("a benchmark registers a valid model");
		let model = spec.id();
		T::Deposit::ensure_successful(registrar, Self::footprint(&spec));
		Self::insert(model, spec, cost, registrar, None).expect("the deposit was just provided for");
		model
	}
}

impl<T: Config> Lineage<T::AccountId> for Pallet<T> {
	fn trainer(model: &ModelId, version: VersionId) -> Option<(T::AccountId, [u8; 32])> {
		Versions::<T>::get(model, version).map(|version| (version.trainer, version.weights.root))
	}

	fn ancestors(model: &ModelId, most: u32) -> Vec<T::AccountId> {
		let mut trainers = Vec::new();
		let mut of = *model;
		for _ in 0..most {
			let Some(parent) = Models::<T>::get(of).and_then(|model| model.parent) else { break };
			let Some(head) = <Self as ModelKeeper<_>>::head(&parent) else { break };
			trainers.push(head.trainer);
			of = parent;
		}
		trainers
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn descend_for_benchmark(model: &ModelId, ancestors: u32) {
		use oda_evaluator::DataSource;
		use oda_primitives::{BlobRef, hash};
		let mut of = *model;
		for index in 0..ancestors {
			// No other model has these ancestors.
			let root = hash::tagged("oda/benchmark/1", (model, index));
			let seed = u32::decode(&mut &root[..]).unwrap_or_default();
			let trainer = polkadot_sdk::frame_benchmarking::account("ancestor", index, seed);
			let mut spec = fixture::spec(1, 0);
			let DataSource::Fixed(data) = &mut spec.data;
			data.blob.root = root;
			let parent = <Self as ModelKeeper<_>>::register_for_benchmark(spec, &trainer);
			let weights = BlobRef::of(b"weights");
			let version =
				Version { trainer, weights, score: 0, submission: 0, accepted_at: 0, replaced: None };
			let accepted = <Self as ModelKeeper<_>>::accept(&parent, version);
			debug_assert!(accepted.is_ok());
			Models::<T>::mutate(of, |entry| {
				if let Some(entry) = entry {
					entry.parent = Some(parent);
				}
			});
			of = parent;
		}
	}
}

impl<T: Config> OpenModels for Pallet<T> {
	fn is_open(model: &ModelId) -> bool {
		Models::<T>::get(model).is_some_and(|model| model.status != ModelStatus::Retired)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn open_for_benchmark() -> ModelId {
		let registrar = polkadot_sdk::frame_benchmarking::whitelisted_caller();
		<Self as ModelKeeper<_>>::register_for_benchmark(fixture::spec(1, 0), &registrar)
	}
}
