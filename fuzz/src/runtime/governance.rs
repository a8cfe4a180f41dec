//! What concerns reputation, votes and what is decided by them.

use super::{Chain, account, amount, model_id};
use codec::{Decode, Encode};
use oda_pallet_traits::{Deed, Evidence, Tiers};
use oda_primitives::{BlobRef, Payment};
use oda_runtime::{
	AccountId, Preimage, Proposals, Reputation, Runtime, RuntimeCall, TierVoting, UNIT,
	governance::{origins::Origin, tracks},
	parameters::{RuntimeParameters, changes, governed::verification},
};
use polkadot_sdk::{
	frame_support::{
		BoundedVec,
		traits::{StorePreimage, schedule::DispatchTime},
	},
	frame_system::RawOrigin,
	pallet_referenda, pallet_safe_mode, pallet_scheduler,
};

/// Something that somebody does about it. Names are small numbers.
#[derive(Clone, Debug, Encode, Decode)]
#[allow(missing_docs, reason = "the fields are numbers of what they are called")]
pub enum Govern {
	/// Proposes on the track of this number.
	Propose { who: u8, track: u8, units: u16 },
	/// Places a referendum's decision deposit.
	Back { who: u8, poll: u8 },
	/// Votes, or takes the vote back.
	Vote { who: u8, poll: u8, aye: Option<bool> },
	/// Has a referendum looked at.
	Poke { who: u8, poll: u8 },
	/// Drops somebody's votes on what is over.
	Forget { who: u8, whose: u8 },
	/// Lets somebody's votes count as its tier is.
	CatchUp { who: u8, whose: u8 },
	/// Lets somebody else vote on a track, or nobody any more.
	Lend { who: u8, track: u8, to: Option<u8> },
	/// Gets deposits back.
	Refund { who: u8, poll: u8, decision: bool },
	/// The chain sees somebody do well, or ill.
	Seen { who: u8, well: bool, times: u16 },
	/// Fees are paid to somebody, in hundredths.
	Earned { who: u8, payer: u8, burned: u8 },
	/// Settles somebody's reputation.
	Bump { who: u8, whose: u8 },
	/// Removes what is known of payers.
	Tidy { who: u8, payers: Vec<u8> },
	/// Appeals.
	Appeal { who: u8 },
	/// An appeal is answered as was decided; or by nobody in time.
	Answered { whose: u8, upheld: Option<bool> },
	/// A model is frozen as was decided, or thawed.
	Freeze { model: u8, thaw: bool },
	/// Safe mode begins or ends as was decided.
	Brake { on: bool },
}

/// The track of this number, and what dispatches its calls.
fn track(number: u8) -> (u16, oda_runtime::OriginCaller) {
	match number % 6 {
		0 => (tracks::ROOT, RawOrigin::Root.into()),
		1 => (tracks::WHITELISTED, Origin::Whitelisted.into()),
		2 => (tracks::PARAMETERS, Origin::Parameters.into()),
		3 => (tracks::MODEL_FREEZE, Origin::ModelFreeze.into()),
		4 => (tracks::TREASURY, Origin::Treasury.into()),
		_ => (tracks::EMERGENCY, Origin::Emergency.into()),
	}
}

/// What is proposed on a track.
fn proposal(track: u16, units: u16) -> RuntimeCall {
	match track {
		tracks::MODEL_FREEZE => {
			pallet_model_registry::Call::freeze { model: model_id(units.to_le_bytes()[0]) }.into()
		}
		tracks::EMERGENCY => pallet_safe_mode::Call::force_enter {}.into(),
		_ => {
			let value = Some(UNIT * u128::from(units));
			let value = verification::Parameters::MinStake(verification::MinStake, value);
			let changes = vec![RuntimeParameters::Verification(value)];
			changes::Call::set { changes: changes.try_into().expect("one change") }.into()
		}
	}
}

impl Chain {
	pub(super) fn govern(&mut self, action: Govern) {
		use pallet_reputation::Call as Repute;
		use pallet_tier_voting::Call as Votes;
		match action {
			Govern::Propose { who, track: number, units } => {
				let (track, origin) = track(number);
				let Ok(proposal) = Preimage::bound(proposal(track, units)) else { return };
				let (proposal_origin, enactment_moment) = (Box::new(origin), DispatchTime::After(0));
				let call = pallet_referenda::Call::submit { proposal_origin, proposal, enactment_moment };
				self.signed(who, call);
			}
			Govern::Back { who, poll } => {
				self.signed(who, pallet_referenda::Call::place_decision_deposit { index: poll.into() });
			}
			Govern::Vote { who, poll, aye: Some(aye) } => {
				self.signed(who, Votes::vote { poll: poll.into(), aye });
			}
			Govern::Vote { who, poll, aye: None } => self.signed(who, Votes::retract { poll: poll.into() }),
			Govern::Poke { who, poll } => self.signed(who, Votes::poke { poll: poll.into() }),
			Govern::Forget { who, whose } => self.signed(who, Votes::forget { who: account(whose) }),
			Govern::CatchUp { who, whose } => self.signed(who, Votes::catch_up { who: account(whose) }),
			Govern::Lend { who, track: number, to } => {
				let class = track(number).0;
				match to {
					Some(to) => self.signed(who, Votes::delegate { class, to: account(to) }),
					None => self.signed(who, Votes::undelegate { class }),
				}
			}
			Govern::Refund { who, poll, decision } => {
				let index = poll.into();
				if decision {
					self.signed(who, pallet_referenda::Call::refund_decision_deposit { index });
				} else {
					self.signed(who, pallet_referenda::Call::refund_submission_deposit { index });
				}
			}
			Govern::Seen { who, well, times } => {
				let deed = if well { Deed::Accepted(0) } else { Deed::Misserved(Payment::OneShot(0)) };
				Reputation::saw_times(&account(who), deed, times.into());
			}
			Govern::Earned { who, payer, burned } => {
				Reputation::earned(&account(who), &account(payer), amount(burned));
			}
			Govern::Bump { who, whose } => self.signed(who, Repute::bump { who: account(whose) }),
			Govern::Tidy { who, payers } => {
				let payers = BoundedVec::truncate_from(payers.into_iter().map(account).collect());
				self.signed(who, Repute::tidy { payers });
			}
			Govern::Appeal { who } => self.signed(who, Repute::appeal { reason: BlobRef::of(b"why") }),
			Govern::Answered { whose, upheld: Some(upheld) } => {
				let call = Repute::resolve_appeal { who: account(whose), upheld };
				self.dispatch(Origin::Parameters.into(), call.into());
			}
			Govern::Answered { whose, upheld: None } => {
				self.signed(whose, Repute::close_appeal { who: account(whose) });
			}
			Govern::Freeze { model, thaw } => {
				use pallet_model_registry::Call;
				let model = model_id(model);
				let call = if thaw { Call::thaw { model } } else { Call::freeze { model } };
				self.dispatch(Origin::ModelFreeze.into(), call.into());
			}
			Govern::Brake { on } => {
				use pallet_safe_mode::Call;
				let call = if on { Call::force_enter {} } else { Call::force_exit {} };
				self.dispatch(Origin::Emergency.into(), call.into());
			}
		}
	}
}

/// Lets so many empty blocks go by. What is scheduled for them is due in the next one.
pub(super) fn pass(blocks: u8) {
	use oda_runtime::governance::proposals::Now;
	let now = Now::<Runtime>::get();
	if !pallet_scheduler::IncompleteSince::<Runtime>::exists() {
		pallet_scheduler::IncompleteSince::<Runtime>::put(now);
	}
	Now::<Runtime>::put(now + u32::from(blocks));
}

/// That votes are the tiers that count.
pub(super) fn check() {
	Reputation::do_try_state().expect("reputation");
	TierVoting::do_try_state().expect("votes");
	Proposals::do_try_state().expect("proposals");
	let counted = |who: &AccountId| {
		let behind = pallet_tier_voting::Behind::<Runtime>::get(who);
		u32::from(behind.unwrap_or_else(|| Reputation::tier(who)))
	};
	let behind = pallet_tier_voting::Behind::<Runtime>::iter_keys();
	let gone = behind.filter(|who| !pallet_reputation::Entries::<Runtime>::contains_key(who));
	let known = pallet_reputation::Entries::<Runtime>::iter_keys().chain(gone);
	let sum: u32 = known.map(|who| counted(&who)).sum();
	assert_eq!(pallet_tier_voting::TotalVotes::<Runtime>::get(), sum, "all votes are all tiers that count");
}
