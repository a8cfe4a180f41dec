//! Who makes blocks and who finalises them.

use crate::*;
use alloc::vec::Vec;
use frame_support::{
	parameter_types,
	traits::{ConstU32, OneSessionHandler},
};
use frame_system::offchain::{
	CreateAuthorizedTransaction, CreateBare, CreateTransaction, CreateTransactionBase,
};
use pallet_session::disabling::UpToLimitWithReEnablingDisablingStrategy;
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_runtime::{
	BoundToRuntimeAppPublic,
	generic::Era,
	traits::{ConvertInto, OpaqueKeys},
};

/// A quarter of the slots has a primary author by VRF, as a `(numerator, denominator)`.
const PRIMARY_PROBABILITY: (u64, u64) = (1, 4);

/// BABE from the first epoch on: every slot without a primary author has a secondary one, by VRF as well.
pub const BABE_GENESIS_EPOCH_CONFIG: BabeEpochConfiguration = BabeEpochConfiguration {
	c: PRIMARY_PROBABILITY,
	allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots,
};

/// The most validators that the chain can have.
pub type MaxAuthorities = ConstU32<100>;

parameter_types! {
	/// For how many blocks a report of an equivocation may wait in the pool: an hour of 3 s slots. Whoever sees the
	/// equivocation can report it again.
	pub const ReportLongevity: u64 = 1_200;
}

impl pallet_babe::Config for Runtime {
	type DisabledValidators = Session;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type EpochDuration = tempo::EpochSlots<Runtime>;
	type EquivocationReportSystem =
		pallet_babe::EquivocationReportSystem<Self, Offences, Historical, ReportLongevity>;
	type ExpectedBlockTime = tempo::SlotMillis<Runtime>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = ConstU32<0>;
	type WeightInfo = ();
}

parameter_types! {
	/// For how many sessions GRANDPA remembers which set of voters was whose: as long as an equivocation is punished.
	pub const MaxSetIdSessionEntries: u64 = (super::stakes::REPORT_SESSIONS as u64).saturating_add(2);
}

impl pallet_grandpa::Config for Runtime {
	type EquivocationReportSystem =
		pallet_grandpa::EquivocationReportSystem<Self, Offences, Historical, ReportLongevity>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = MaxSetIdSessionEntries;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
}

/// GRANDPA's voters: the validators of a session that are not disabled when it begins.
///
/// Nothing keeps a voter from voting. But the voters of a session are named when it begins, unlike BABE's authors, who were
/// announced a session before; so who equivocated in the last one is left out. Less than a third is ever disabled, so
/// this never asks for more votes than there would be to ask for otherwise.
pub struct Voters;

impl BoundToRuntimeAppPublic for Voters {
	type Public = <Grandpa as BoundToRuntimeAppPublic>::Public;
}

impl OneSessionHandler<AccountId> for Voters {
	type Key = <Grandpa as OneSessionHandler<AccountId>>::Key;

	fn on_genesis_session<'a, I>(validators: I)
	where
		I: Iterator<Item = (&'a AccountId, Self::Key)> + 'a,
	{
		Grandpa::on_genesis_session(validators);
	}

	fn on_new_session<'a, I>(changed: bool, validators: I, queued: I)
	where
		I: Iterator<Item = (&'a AccountId, Self::Key)> + 'a,
	{
		let disabled = Session::disabled_validators();
		let able = (0u32..).zip(validators).filter(|(index, _)| !disabled.contains(index));
		let able: Vec<_> = able.map(|(_, validator)| validator).collect();
		Grandpa::on_new_session(changed, able.into_iter(), queued.collect::<Vec<_>>().into_iter());
	}

	/// An index among validators says nothing of voters, and no voter reads it.
	fn on_disabled(_: u32) {}
}

impl pallet_authorship::Config for Runtime {
	type EventHandler = (ImOnline, Emission, super::reputation::Authors);
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Runtime, Babe>;
}

impl pallet_session::historical::Config for Runtime {
	type FullIdentification = pallet_oda_staking::Exposure<Balance>;
	type FullIdentificationOf = pallet_oda_staking::ExposureNow<Runtime>;
	type RuntimeEvent = RuntimeEvent;
}

impl pallet_offences::Config for Runtime {
	type IdentificationTuple = pallet_session::historical::IdentificationTuple<Runtime>;
	type OnOffenceHandler = Staking;
	type RuntimeEvent = RuntimeEvent;
}

parameter_types! {
	/// Heartbeats come before what people send.
	pub const HeartbeatPriority: u64 = u64::MAX / 2;
}

impl pallet_im_online::Config for Runtime {
	type AuthorityId = pallet_im_online::sr25519::AuthorityId;
	type MaxKeys = MaxAuthorities;
	type MaxPeerInHeartbeats = ConstU32<0>;
	type NextSessionRotation = Babe;
	// In the place of `Offences`, which would not say what was reported.
	type ReportUnresponsiveness = pallet_oda_staking::Absences<Runtime>;
	type RuntimeEvent = RuntimeEvent;
	type UnsignedPriority = HeartbeatPriority;
	type ValidatorSet = Historical;
	type WeightInfo = pallet_im_online::weights::SubstrateWeight<Runtime>;
}

// What a validator's node sends by itself: heartbeats, and reports of equivocations.
impl<LocalCall> CreateTransactionBase<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<LocalCall> CreateBare<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}

impl<LocalCall> CreateTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extension = TxExtension;

	fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_transaction(call, extension)
	}
}

impl<LocalCall> CreateAuthorizedTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_extension() -> TxExtension {
		(
			frame_system::AuthorizeCall::new(),
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			// The authorisation says until when the call is good.
			frame_system::CheckMortality::from(Era::Immortal),
			frame_system::CheckNonce::from(0),
			frame_system::CheckWeight::new(),
			pallet_transaction_payment::ChargeTransactionPayment::from(0),
			frame_metadata_hash_extension::CheckMetadataHash::new(false),
			defence::CheckDefence,
			frame_system::WeightReclaim::new(),
		)
	}
}
parameter_types! {
	/// Held while an account has session keys on the chain.
	pub const KeyDeposit: Balance = UNIT;
}

impl pallet_session::Config for Runtime {
	type Currency = Balances;
	type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy<3>;
	type KeyDeposit = KeyDeposit;
	type Keys = SessionKeys;
	type NextSessionRotation = Babe;
	type RuntimeEvent = RuntimeEvent;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type SessionManager = pallet_session::historical::NoteHistoricalRoot<Runtime, Staking>;
	type ShouldEndSession = Babe;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
}
