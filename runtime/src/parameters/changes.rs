//! The only way to change a parameter.
//!
//! Parameters stand in relations: a commitment must be openable for some time, a quorum of slashes must exceed what it
//! guards. The SDK's own call sets one parameter and sees no other, so it takes its orders from [`Origin::Checked`] only,
//! which is this pallet's: [`Call::set`] makes a number of changes at once and keeps all of them or, if a relation does
//! not hold in the end, none. Values that only fit together are thus changed together.

// The pallet macro generates items without documentation, and `expect`.
#![allow(missing_docs, clippy::expect_used)]

pub use pallet::*;

use super::*;
use crate::configs::protocol::PostPrice;
use frame_support::traits::{EnsureOriginWithArg, Get, OriginTrait};
use sp_runtime::traits::Convert;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;
	use pallet_parameters::WeightInfo;

	/// The most changes in one call: there are fewer parameters.
	pub const MAX_CHANGES: u32 = 96;

	/// The longest window, in ticks: a year of 3 s slots. Whatever is entered keeps its deadlines, so what began under a
	/// window without end would never end.
	pub const MAX_WINDOW: Tick = 10_512_000;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		polkadot_sdk::frame_system::Config<RuntimeOrigin: From<Origin>>
		+ pallet_parameters::Config<RuntimeParameters = RuntimeParameters>
	{
		/// Who may change which parameter.
		type ChangeOrigin: EnsureOriginWithArg<Self::RuntimeOrigin, RuntimeParametersKey>;
	}

	/// Where the SDK's pallet takes changes from.
	#[pallet::origin]
	#[derive(
		Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
	)]
	pub enum Origin {
		/// A change whose relations to the other parameters are checked.
		#[codec(index = 0)]
		Checked,
	}

	/// The windows of a new chain.
	#[pallet::genesis_config]
	#[derive(frame_support::DebugNoBound, frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The protocol's windows.
		pub windows: Windows,
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// Panics on windows that make no sense together: no chain starts from them.
		fn build(&self) {
			write(&self.windows);
			if let Err(error) = Pallet::<T>::check() {
				panic!("the parameters of genesis do not fit together: {error:?}");
			}
		}
	}

	/// Why a change is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// A change names no value. Every parameter always has one.
		#[codec(index = 0)]
		NoValue,
		/// A window is longer than a year of 3 s slots, or `MinGrace` than a day of them.
		#[codec(index = 1)]
		WindowTooLong,
		/// `MinCommitAge` is not below `RevealWindow`: no commitment could be opened.
		#[codec(index = 2)]
		NoTimeToReveal,
		/// `MinChallengeAge` is not below `ChallengeLifetime`: no challenge could follow its commitment.
		#[codec(index = 3)]
		NoTimeToChallenge,
		/// `DemandWindow` is not above `ChallengeLifetime` and `MinChallengeAge` together: a demand must outlast challenge
		/// commitments.
		#[codec(index = 4)]
		DemandTooShort,
		/// `RoundLength` is zero: no storage challenge could be answered.
		#[codec(index = 5)]
		NoTimeToProve,
		/// A bond, a slash, a minimum stake, price or bounty is zero.
		#[codec(index = 6)]
		NothingAtStake,
		/// `TrainerBond` does not cover the price of posting the largest weights.
		#[codec(index = 7)]
		TrainerBondTooLow,
		/// `Quorum` is not more than two thirds for every number of members.
		#[codec(index = 8)]
		QuorumTooLow,
		/// A slash exceeds the verifiers' `MinStake`.
		#[codec(index = 9)]
		SlashAboveBond,
		/// `AbsenceSlash` or `AccusationSlash` exceeds `VerifierSlash`: staying away, or accusing, would cost more than lying.
		#[codec(index = 10)]
		AbsenceAboveLie,
		/// The halves of `VerifierSlash` that a quorum burns do not exceed `TrainerBond`: a lie would pay.
		#[codec(index = 11)]
		QuorumTooCheap,
		/// The keepers' `MinStake` exceeds their `MinBond`: a keeper could not take a replica.
		#[codec(index = 12)]
		StakeAboveBond,
		/// `MinCommittee`, `Committee` and `MaxCommittee` are not in this order, from 1 to the most members that a task can
		/// have; or fewer samples are drawn than `MaxCommittee`, or more than a draw can take; or no records are wanted, or
		/// more than members can show.
		#[codec(index = 13)]
		CommitteeOutOfRange,
		/// `OpenWindow` or `DisputeWindow` is zero, or `Patience` shorter than three epochs: a task could not get so far.
		#[codec(index = 14)]
		NoTimeToAnswer,
		/// `UnopenedSlash` is below `AbsenceSlash`, or `AbsenceCap` is: hiding an answer would be cheaper than none, or absence
		/// cost nothing.
		#[codec(index = 15)]
		UnopenedTooCheap,
		/// `MinValidators` and `ValidatorCount` are not in this order, from 1 to the most candidates; or one absence would be
		/// enough to be removed.
		#[codec(index = 16)]
		ValidatorsOutOfRange,
		/// `MinDelegation` is below what an account has to have, or above a candidate's least bond.
		#[codec(index = 17)]
		DelegationOutOfRange,
		/// The shares of what is minted are more than all of it, or `VerifiersRatio` is all of what is burned: emptying the
		/// verifiers' pot would cost nothing.
		#[codec(index = 18)]
		EmissionOutOfRange,
		/// `FeeBurn` is the whole fee: verifiers would earn nothing.
		#[codec(index = 19)]
		NothingEarned,
		/// The shares of a fee for inference are more than all of it.
		#[codec(index = 20)]
		SplitOutOfRange,
		/// `ReceiptSlash` exceeds the providers' `MinProviderBond`, or half of it does not cover `DisputeFee`: a provider could
		/// not answer for a receipt.
		#[codec(index = 21)]
		ReceiptsTooCheap,
		/// `AnswerDispute`, `ReceiptLife` and the ticks for which leaving stake answers are not in this order, from 1: stake
		/// would be gone before a receipt can be disputed.
		#[codec(index = 22)]
		NoTimeToDispute,
		/// Tiers do not rise, or need more than two that are together as high; or they need no bond:
		/// splitting an account would gain. Or the first needs a larger bond than a validator's least: nobody
		/// might be left to vote.
		#[codec(index = 23)]
		TiersUnsound,
		/// A source of points that is worth something gives less in a period than decays of the first tier's:
		/// nobody could rise by it.
		#[codec(index = 24)]
		CapsTooLow,
		/// No suspension is a ban, or more than sixteen come before it; or suspensions or appeals have no
		/// time; or stake leaves sooner than a period of reputation ends, so that one bond would lift the
		/// caps of two accounts.
		#[codec(index = 25)]
		SuspensionOutOfRange,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "std")]
		fn integrity_test() {
			assert!(Self::check().is_ok(), "the defaults do not fit together");
			assert!(
				all(&Windows::DEFAULT).len() <= MAX_CHANGES as usize,
				"all parameters can be changed at once"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_block: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Changes parameters, all of them or none.
		///
		/// What is under way keeps what it began with.
		///
		/// - `changes`: parameters and their new values, each as the call `set_parameter` of the pallet `Parameters`, which
		///   refuses them, would take it. The origin must be allowed to change every one.
		///
		/// Emits `Parameters::Updated` for each. Fails with one of [`Error`] if a relation between parameters would not hold
		/// any longer.
		#[pallet::call_index(0)]
		#[pallet::weight(Pallet::<T>::weight_of(changes.len() as u64))]
		pub fn set(
			origin: OriginFor<T>,
			changes: BoundedVec<RuntimeParameters, ConstU32<MAX_CHANGES>>,
		) -> DispatchResult {
			for change in changes {
				let (key, value) = change.clone().into_parts();
				T::ChangeOrigin::ensure_origin(origin.clone(), &key)?;
				ensure!(value.is_some(), Error::<T>::NoValue);
				pallet_parameters::Pallet::<T>::set_parameter(Origin::Checked.into(), change)?;
			}
			// The call is a transaction of the state: a refusal undoes the changes.
			Ok(Self::check()?)
		}
	}

	impl<T: Config> Pallet<T> {
		/// What so many changes weigh: each as the SDK measured it, and the reads of every parameter, beside which the
		/// arithmetic of [`Self::check`] is nothing.
		fn weight_of(changes: u64) -> Weight {
			<T as pallet_parameters::Config>::WeightInfo::set_parameter()
				.saturating_mul(changes)
				.saturating_add(T::DbWeight::get().reads(MAX_CHANGES.into()))
		}

		/// Whether every relation between parameters holds.
		pub(crate) fn check() -> Result<(), Error<T>> {
			use governed::{inference, model_registry, staking, storage_deals, training, verification};
			let (reveal, challenge_life) =
				(training::RevealWindow::get(), training::ChallengeLifetime::get());
			let (demand, round) = (training::DemandWindow::get(), storage_deals::RoundLength::get());
			let windows = [
				reveal,
				challenge_life,
				demand,
				round,
				training::AttestBase::get(),
				training::ChallengeWindow::get(),
				verification::Patience::get(),
				verification::OpenWindow::get(),
				verification::DisputeWindow::get(),
				staking::CommissionNotice::get(),
				staking::BondingDuration::get(),
				model_registry::PendingWindow::get(),
				storage_deals::UnbondingPeriod::get(),
				inference::ReceiptLife::get(),
			];
			ensure!(windows.iter().all(|window| *window <= MAX_WINDOW), Error::<T>::WindowTooLong);
			ensure!(training::MinCommitAge::get() < reveal, Error::<T>::NoTimeToReveal);
			let min_challenge_age = training::MinChallengeAge::get();
			ensure!(min_challenge_age < challenge_life, Error::<T>::NoTimeToChallenge);
			ensure!(challenge_life.saturating_add(min_challenge_age) < demand, Error::<T>::DemandTooShort);
			ensure!(round > 0, Error::<T>::NoTimeToProve);

			let trainer_bond = training::TrainerBond::get();
			let slash = verification::VerifierSlash::get();
			let (accusation, absence) =
				(verification::AccusationSlash::get(), verification::AbsenceSlash::get());
			let min_stake = storage_deals::MinStake::get();
			let stakes = [
				trainer_bond,
				training::ChallengeBond::get(),
				training::DemandBond::get(),
				training::MinBounty::get(),
				slash,
				accusation,
				absence,
				min_stake,
				storage_deals::BondPerMib::get(),
				storage_deals::MinPrice::get(),
				storage_deals::HeadPricePerMib::get(),
				inference::ReceiptSlash::get(),
				inference::DisputeBond::get(),
				inference::MinDeposit::get(),
			];
			ensure!(stakes.iter().all(|stake| *stake > 0), Error::<T>::NothingAtStake);
			let posting = PostPrice::convert(pallet_training::types::MAX_WEIGHT_BYTES.into());
			ensure!(posting <= trainer_bond, Error::<T>::TrainerBondTooLow);
			ensure!(training::FeeBurn::get() < Perbill::one(), Error::<T>::NothingEarned);

			let unopened = verification::UnopenedSlash::get();
			let dearest = slash.max(accusation).max(absence).max(unopened);
			ensure!(dearest <= verification::MinStake::get(), Error::<T>::SlashAboveBond);
			ensure!(absence <= slash && accusation <= slash, Error::<T>::AbsenceAboveLie);
			let cap = verification::AbsenceCap::get();
			ensure!(absence <= unopened && absence <= cap, Error::<T>::UnopenedTooCheap);
			Self::check_committees(trainer_bond, slash)?;
			Self::check_stakes()?;
			Self::check_emission()?;
			Self::check_inference()?;
			Self::check_reputation()?;
			ensure!(min_stake <= storage_deals::MinBond::get(), Error::<T>::StakeAboveBond);
			Ok(())
		}

		/// What must be true of committees, of all sizes that there can be.
		fn check_committees(trainer_bond: Balance, slash: Balance) -> Result<(), Error<T>> {
			use governed::verification;
			type Limits = Runtime;
			let most = <<Limits as pallet_verification::Config>::MaxMembers as Get<u32>>::get();
			let (least, first, second) = (
				verification::MinCommittee::get(),
				verification::Committee::get(),
				verification::MaxCommittee::get(),
			);
			let (samples, wanted) = (verification::Samples::get(), verification::Wanted::get());
			let in_order = 1 <= least && least <= first && first <= second && second <= most;
			// A vote takes a sample at least.
			let drawn = (second..=<<Limits as pallet_verification::Config>::MaxSamples as Get<u32>>::get())
				.contains(&samples)
				&& (1..=<<Limits as pallet_verification::Config>::MaxWanted as Get<u32>>::get())
					.contains(&wanted);
			ensure!(in_order && drawn, Error::<T>::CommitteeOutOfRange);
			let three_epochs = tempo::EpochSlots::<Runtime>::get().saturating_mul(3);
			let windows = verification::OpenWindow::get().min(verification::DisputeWindow::get());
			let patience = verification::Patience::get() >= three_epochs;
			let away = verification::AwayEpochs::get() > 0;
			ensure!(windows > 0 && patience && away, Error::<T>::NoTimeToAnswer);
			let share = verification::Quorum::get();
			for members in 1..=most {
				let quorum = share.mul_ceil(members).max(1);
				ensure!(
					u64::from(quorum).saturating_mul(3) > u64::from(members).saturating_mul(2),
					Error::<T>::QuorumTooLow
				);
				// The other half is the challenger's, who may be the trainer's friend.
				let burned = Balance::from(quorum).saturating_mul(slash / 2);
				ensure!(burned > trainer_bond, Error::<T>::QuorumTooCheap);
			}
			Ok(())
		}

		/// What must be true of stakes.
		fn check_stakes() -> Result<(), Error<T>> {
			use governed::{staking, verification};
			let (least, count) = (staking::MinValidators::get(), staking::ValidatorCount::get());
			let most = <crate::configs::consensus::MaxAuthorities as Get<u32>>::get();
			let in_order = 1 <= least && least <= count && count <= most;
			ensure!(in_order && staking::MaxAbsences::get() > 1, Error::<T>::ValidatorsOutOfRange);
			let delegation = staking::MinDelegation::get();
			let bonds = [
				staking::MinValidatorBond::get(),
				staking::MinProviderBond::get(),
				verification::MinStake::get(),
			];
			let deposit = crate::configs::tokens::ExistentialDeposit::get();
			ensure!(
				deposit <= delegation && bonds.iter().all(|bond| delegation <= *bond),
				Error::<T>::DelegationOutOfRange
			);
			Ok(())
		}

		/// What must be true of what is minted.
		fn check_emission() -> Result<(), Error<T>> {
			let shares = crate::configs::stakes::EmissionShares::get();
			let ratio = governed::emission::VerifiersRatio::get();
			ensure!(shares.fit() && ratio < Perbill::one(), Error::<T>::EmissionOutOfRange);
			Ok(())
		}

		/// What must be true of fees and receipts.
		fn check_inference() -> Result<(), Error<T>> {
			use governed::{inference, staking};
			ensure!(crate::configs::protocol::FeeSplit::get().fits(), Error::<T>::SplitOutOfRange);
			let slash = inference::ReceiptSlash::get();
			let answers =
				slash <= staking::MinProviderBond::get() && inference::DisputeFee::get() <= slash / 2;
			ensure!(answers, Error::<T>::ReceiptsTooCheap);
			let (dispute, life) = (inference::AnswerDispute::get(), inference::ReceiptLife::get());
			let bonded: Tick = staking::BondingDuration::get();
			let in_order = 1 <= dispute && dispute <= life && life <= bonded.max(Staking::least_bonding());
			ensure!(in_order, Error::<T>::NoTimeToDispute);
			let longest = <<Runtime as pallet_inference::Config>::MaxGrace as Get<Tick>>::get();
			ensure!(inference::MinGrace::get() <= longest, Error::<T>::WindowTooLong);
			Ok(())
		}

		/// What must be true of reputation.
		fn check_reputation() -> Result<(), Error<T>> {
			use governed::{reputation, staking};
			let deposit = crate::configs::tokens::ExistentialDeposit::get();
			let bond: Balance = reputation::BondPerTier::get();
			// Whoever can be a validator can have a tier: there is always somebody who can vote.
			let reachable = bond <= staking::MinValidatorBond::get();
			let sound = Reputation::ladder().is_sound() && bond > deposit && reachable;
			ensure!(sound, Error::<T>::TiersUnsound);
			ensure!(Reputation::caps_suffice(), Error::<T>::CapsTooLow);
			let (term, appeal) = (reputation::SuspensionTerm::get(), reputation::AppealTerm::get());
			let bans = (1..=pallet_reputation::MOST_SUSPENSIONS).contains(&reputation::BanAfter::get());
			let bonded: Tick = staking::BondingDuration::get().max(Staking::least_bonding());
			let stays = tempo::PeriodTicks::<Runtime>::get() <= bonded;
			ensure!(bans && term > 0 && appeal > 0 && stays, Error::<T>::SuspensionOutOfRange);
			ensure!(term <= MAX_WINDOW && appeal <= MAX_WINDOW, Error::<T>::WindowTooLong);
			Ok(())
		}

		/// Checks that every parameter has a value, and that their relations hold.
		pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
			for parameter in all(&Windows::DEFAULT) {
				let (key, _) = parameter.into_parts();
				ensure!(pallet_parameters::Parameters::<T>::contains_key(key), "a parameter without a value");
			}
			Self::check().map_err(DispatchError::from)
		}
	}
}

/// The origin of checked changes, for the SDK's pallet.
pub struct EnsureChecked;
impl EnsureOriginWithArg<RuntimeOrigin, RuntimeParametersKey> for EnsureChecked {
	type Success = ();

	fn try_origin(origin: RuntimeOrigin, _key: &RuntimeParametersKey) -> Result<(), RuntimeOrigin> {
		match origin.caller() {
			OriginCaller::ProtocolParameters(Origin::Checked) => Ok(()),
			_ => Err(origin),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_key: &RuntimeParametersKey) -> Result<RuntimeOrigin, ()> {
		Ok(Origin::Checked.into())
	}
}
