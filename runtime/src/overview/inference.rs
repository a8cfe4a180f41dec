//! Answers about paid inference.

use crate::*;
use alloc::format;
use frame_system::{EventRecord, Phase};
use oda_primitives::inference::RequestId;
use oda_runtime_api::{
	ChannelOverview, ChannelState, OfferOverview, RequestEvent, RequestEvents, RequestState,
};
use pallet_inference::{ChannelOf, Event, OfferOf, Requests};

/// A provider's offer.
pub(crate) fn offer((provider, offer): (AccountId, OfferOf<Runtime>)) -> OfferOverview<AccountId> {
	OfferOverview {
		provider,
		receipt_key: offer.key,
		endpoint: offer.endpoint.into_inner(),
		models: offer.models.into_iter().map(|offered| (offered.model, offered.price)).collect(),
		grace: offer.terms.grace,
		answer: offer.terms.answer,
		max_count: offer.max_count,
	}
}

/// A channel.
pub(crate) fn channel(channel: ChannelOf<Runtime>) -> ChannelOverview<AccountId, Balance> {
	ChannelOverview {
		user: channel.user,
		provider: channel.provider,
		model: channel.model,
		voucher_key: channel.key,
		receipt_key: channel.receipt_key,
		price: channel.price,
		deposit: channel.deposit,
		claimed: channel.claimed,
		grace: channel.grace,
		expires_at: channel.expires_at,
		state: match channel.state {
			pallet_inference::ChannelState::Open => ChannelState::Open,
			pallet_inference::ChannelState::Closing { at } => ChannelState::Closing { at },
			pallet_inference::ChannelState::Closed { until } => ChannelState::Closed { until },
		},
	}
}

/// How far a one-shot request has come.
pub(crate) fn request_state(id: RequestId) -> RequestState {
	match Requests::<Runtime>::get(id).map(|request| request.state) {
		Some(pallet_inference::RequestState::Asked { .. }) => RequestState::Asked,
		Some(pallet_inference::RequestState::Answered { .. }) => RequestState::Answered,
		None if id < pallet_inference::NextRequest::<Runtime>::get() => RequestState::Ended,
		None => RequestState::Unknown,
	}
}

/// What one-shot requests met in this block.
pub(crate) fn request_events() -> RequestEvents<AccountId, Balance> {
	let records = System::read_events_no_consensus();
	records
		.filter_map(|record| {
			let EventRecord { phase, event: RuntimeEvent::Inference(event), .. } = *record else {
				return None;
			};
			let (request, event) = match event {
				Event::Requested { request, user, provider, price, until, .. } => {
					(request, RequestEvent::Asked { user, provider, price, until })
				}
				Event::Answered { request, version, receipt, signature, output } => {
					(request, RequestEvent::Answered { version, receipt, signature, output })
				}
				Event::RequestReturned { request, returned } => {
					(request, RequestEvent::Returned { returned })
				}
				_ => return None,
			};
			let extrinsic = match phase {
				Phase::ApplyExtrinsic(index) => Some(index),
				Phase::Finalization | Phase::Initialization => None,
			};
			Some((request, extrinsic, event))
		})
		.collect()
}

/// Why an extrinsic of this block failed: the pallet and the name of its error, where it is a pallet's.
pub(crate) fn failure(extrinsic: u32) -> Option<Vec<u8>> {
	let mut records = System::read_events_no_consensus();
	let error = records.find_map(|record| match *record {
		EventRecord {
			phase: Phase::ApplyExtrinsic(index),
			event: RuntimeEvent::System(frame_system::Event::ExtrinsicFailed { dispatch_error, .. }),
			..
		} if index == extrinsic => Some(dispatch_error),
		_ => None,
	})?;
	Some(match RuntimeError::from_dispatch_error(error) {
		// `Pallet(Error)`.
		Some(named) => format!("{named:?}").replace('(', "::").replace(')', "").into_bytes(),
		None => format!("{error:?}").into_bytes(),
	})
}
