//! What paid inference does, one behaviour a test.

mod answer;
mod claim;
mod close;
mod dispute;
mod explored;
mod offer;
mod open;
mod property;
mod remove;
mod request;
mod settle;
mod split;
mod state;
mod top_up;
mod views;

pub(crate) use crate::{mock::*, *};
pub(crate) use oda_pallet_traits::{Deed, ModelStatus};
pub(crate) use oda_primitives::{BlobRef, inference::request_hash};
pub(crate) use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		traits::fungible::{Inspect, Mutate},
	},
	sp_runtime::{DispatchError, TokenError, testing::TestSignature},
};

/// What there is of money.
pub(crate) fn issuance() -> u64 {
	<Balances as Inspect<u64>>::total_issuance()
}

/// What the pallet said since the events were last reset.
pub(crate) fn events() -> Vec<Event<Test>> {
	let ours = System::events().into_iter().filter_map(|record| match record.event {
		RuntimeEvent::Inference(event) => Some(event),
		_ => None,
	});
	ours.collect()
}

/// Forgets what was said.
pub(crate) fn forget() {
	System::reset_events();
}

pub(crate) fn pass(ticks: Tick) {
	Time::mutate(|now| *now += ticks);
}

/// An account has exactly this beside what is on hold.
pub(crate) fn set_free(who: u64, amount: u64) {
	Balances::set_balance(&who, amount);
}

pub(crate) fn channel(id: ChannelId) -> ChannelOf<Test> {
	Channels::<Test>::get(id).unwrap()
}

/// What a channel's entry holds.
pub(crate) fn channel_ticket() -> u64 {
	5 + Inference::channel_footprint().size
}

/// What a request's entry holds.
pub(crate) fn request_ticket() -> u64 {
	5 + Inference::request_footprint().size
}

/// A voucher that this key signs.
pub(crate) fn voucher_of(key: u64, voucher: Voucher) -> (Voucher, TestSignature) {
	(voucher, sign(key, voucher.message(&genesis())))
}

/// A receipt that the provider's key signs.
pub(crate) fn signed(receipt: Receipt) -> (Receipt, TestSignature) {
	(receipt, sign(RECEIPT_KEY, receipt.message(&genesis())))
}

/// The outputs of so many inputs, the last of which is wrong.
pub(crate) fn wrong(count: u8) -> Vec<u8> {
	let mut output = outputs(&inputs(count));
	*output.last_mut().unwrap() ^= 1;
	output
}

/// A receipt over one wrong output.
pub(crate) fn wrong_receipt(payment: Payment) -> (Receipt, TestSignature) {
	receipt(payment, 1, &wrong(1))
}

pub(crate) fn set_status(model: ModelId, status: ModelStatus) {
	pallet_model_registry::Models::<Test>::mutate(model, |entry| entry.as_mut().unwrap().status = status);
}

/// The model's head falls.
pub(crate) fn revert() {
	<Registry as oda_pallet_traits::Models<u64>>::revert(&model()).unwrap();
}

/// Asks the provider on chain; the request's number.
pub(crate) fn ask(count: u8) -> RequestId {
	let id = NextRequest::<Test>::get();
	let input = inputs(count).try_into().unwrap();
	Inference::request(origin(USER), PROVIDER, model(), input, count.into(), u64::MAX).unwrap();
	id
}

/// What the provider has to sign of an answer to a request.
pub(crate) fn receipt_of(id: RequestId, version: VersionId, output: &[u8], expires: Tick) -> Receipt {
	let request = Requests::<Test>::get(id).unwrap();
	let (_, weights) = <Registry as Lineage<u64>>::trainer(&model(), version).unwrap_or_default();
	Receipt {
		payment: Payment::OneShot(id),
		request: request_hash(&model(), &request.input, request.count),
		weights,
		input: request.input,
		output: BlobRef::of(output).root,
		count: request.count,
		price: request.price.into(),
		nonce: 0,
		expires,
	}
}

/// The provider answers with these outputs of this version, good for so many ticks.
pub(crate) fn answer(id: RequestId, version: VersionId, output: &[u8], life: Tick) -> DispatchResult {
	let expires = Time::get() + life;
	let (_, signature) = signed(receipt_of(id, version, output, expires));
	let output = output.to_vec().try_into().unwrap();
	Inference::answer(origin(PROVIDER), id, version, output, expires, signature)
}
