//! Receipts before the court.

use crate::*;
use oda_evaluator::Graph;
use oda_pallet_court as court;
use oda_pallet_traits::{Deed, Evidence as _, Models as _, OwnStakes as _, Role};
use oda_primitives::{BlobRef, ProofError, RangeProof, Receipt, inference::request_hash};
use polkadot_sdk::{
	frame_support::traits::{
		Imbalance,
		fungible::{Inspect, MutateHold},
	},
	sp_runtime::{SaturatedConversion, traits::Saturating},
};

/// Whose receipt it is, and about what.
struct Parties<AccountId> {
	user: AccountId,
	provider: AccountId,
	model: ModelId,
	key: AccountId,
	/// The first tick at which it is no evidence any more, whatever it says itself.
	until: Tick,
}

/// One input of a receipt and what the provider says its outputs are.
pub(crate) struct Shown<'a> {
	/// The input's index.
	pub index: u32,
	/// The input, proved against the receipt.
	pub input: &'a RangeProof,
	/// Its outputs, proved against the receipt.
	pub output: &'a RangeProof,
	/// The weights, whole.
	pub weights: &'a [u8],
}

impl<T: Config> Pallet<T> {
	/// What the court takes for one input of a model, in weight.
	pub(crate) fn court_price(model: &ModelId) -> Option<Weight> {
		let graph = T::Models::spec(model)?.graph;
		let cost = T::Models::standing(model)?.work.cost;
		let output = T::OutputWeight::convert(graph.output_bytes());
		Some(T::EvaluationWeight::convert(cost).saturating_add(output))
	}

	/// The parties of a receipt, as the chain knows them.
	fn parties(payment: Payment) -> Result<Parties<T::AccountId>, Error<T>> {
		match payment {
			Payment::Channel(id) => {
				let Channel { user, provider, model, receipt_key: key, state, .. } =
					Channels::<T>::get(id).ok_or(Error::<T>::UnknownChannel)?;
				// From then on the channel may be forgotten, and what was disputed of it before it is itself.
				let until = if let ChannelState::Closed { until } = state { until } else { Tick::MAX };
				Ok(Parties { user, provider, model, key, until })
			}
			Payment::OneShot(id) => {
				let Request { user, provider, model, receipt_key: key, .. } =
					Requests::<T>::get(id).ok_or(Error::<T>::UnknownRequest)?;
				Ok(Parties { user, provider, model, key, until: Tick::MAX })
			}
		}
	}

	/// The bytes that a proof shows of a receipt's inputs or outputs, of which one has so many.
	fn proved(whole: Option<BlobRef>, each: u64, index: u32, proof: &RangeProof) -> Result<&[u8], Error<T>> {
		let whole = whole.ok_or(Error::<T>::InputOutOfRange)?;
		let start = each.saturating_mul(index.into());
		proof.verify(&whole, start..start.saturating_add(each)).map_err(|error| match error {
			ProofError::OutOfRange => Error::<T>::InputOutOfRange,
			ProofError::OtherRange | ProofError::NotTheEnd => Error::<T>::ProofForOtherRange,
			ProofError::ChunkBytes => Error::<T>::ProofChunksMismatch,
			ProofError::SiblingCount => Error::<T>::ProofSiblingsMismatch,
			ProofError::RootMismatch => Error::<T>::ProofRootMismatch,
		})
	}

	/// Whether the court makes of the input what the provider said.
	fn is_right(graph: &Graph, receipt: &Receipt, shown: &Shown) -> Result<bool, DispatchError> {
		let (input, output) = (graph.input_bytes(), graph.output_bytes());
		let input = Self::proved(receipt.inputs(input), input, shown.index, shown.input)?;
		let output = Self::proved(receipt.outputs(output), output, shown.index, shown.output)?;
		let made = court::makes(graph, shown.weights, input).map_err(|_| Error::<T>::EvaluationFailed)?;
		Ok(made == output)
	}

	pub(crate) fn do_dispute(
		who: T::AccountId,
		receipt: &Receipt,
		signature: &T::Signature,
		shown: &Shown,
		cost: Weight,
	) -> DispatchResult {
		let Parties { user, provider, model, key, until } = Self::parties(receipt.payment)?;
		ensure!(user == who, Error::<T>::NotUser);
		ensure!(T::Clock::get() < receipt.expires.min(until), Error::<T>::ReceiptExpired);
		let genesis = funds::genesis_hash::<T>();
		let id = receipt.id(&genesis);
		ensure!(!Disputed::<T>::contains_key(receipt.payment, id), Error::<T>::AlreadyDisputed);
		ensure!(Self::court_price(&model) == Some(cost), Error::<T>::WrongCost);
		ensure!(shown.index < receipt.count, Error::<T>::InputOutOfRange);
		let request = request_hash(&model, &receipt.input, receipt.count);
		ensure!(receipt.request == request, Error::<T>::OtherRequest);
		ensure!(signature.verify(&receipt.message(&genesis)[..], &key), Error::<T>::BadReceiptSignature);
		let weights = BlobRef { root: receipt.weights, len: shown.weights.len().saturated_into() };
		ensure!(weights.is_of(shown.weights), Error::<T>::WeightsMismatch);
		let spec = T::Models::spec(&model).ok_or(Error::<T>::UnknownModel)?;
		// Who cannot lose it disputes nothing.
		let bond = T::DisputeBond::get();
		T::Currency::hold(&HoldReason::Dispute.into(), &user, bond)?;
		if Self::is_right(&spec.graph, receipt, shown)? {
			let burned = T::Currency::burn_up(HoldReason::Dispute, &user, bond);
			T::Evidence::saw(&user, Deed::DisputeFailed(receipt.payment));
			Self::deposit_event(Event::DisputeFailed { payment: receipt.payment, user, burned });
			return Ok(());
		}
		T::Currency::give_back(HoldReason::Dispute, &user, bond);
		let (slashed, reward) = T::Stakes::slash_own(Role::Provider, &provider, T::ReceiptSlash::get());
		match receipt.payment {
			// The mark stays, and nothing but the slash pays for it.
			Payment::Channel(_) if slashed.is_zero() => return Err(Error::<T>::NotBonded.into()),
			Payment::Channel(_) => Disputed::<T>::insert(receipt.payment, id, ()),
			// It ends with this.
			Payment::OneShot(_) => {}
		}
		let refund = Self::refund(receipt);
		let (reward, _burned) = reward.split(refund);
		let refunded = T::Currency::reward(&user, reward);
		T::Evidence::saw(&provider, Deed::Misserved(receipt.payment));
		let index = shown.index;
		Self::deposit_event(Event::Misserved {
			payment: receipt.payment,
			receipt: id,
			index,
			provider,
			slashed,
			refunded,
		});
		if let Payment::OneShot(id) = receipt.payment
			&& let Some(request) = Requests::<T>::get(id)
		{
			Self::end_request(id, request);
		}
		Ok(())
	}

	/// What makes a user whole whose answer was wrong: a multiple of its price, and what the dispute costs.
	fn refund(receipt: &Receipt) -> BalanceOf<T> {
		let paid = receipt.price.saturating_mul(T::RefundRatio::get().into());
		let refund: <T::Currency as Inspect<T::AccountId>>::Balance = paid.saturated_into();
		refund.saturating_add(T::DisputeFee::get())
	}
}
