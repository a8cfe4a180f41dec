//! Receipts before the court.

use super::*;

/// All that a dispute shows, to be bent.
struct Case {
	receipt: Receipt,
	signature: TestSignature,
	index: u32,
	input: RangeProof,
	output: RangeProof,
	weights: Vec<u8>,
	cost: Weight,
}

impl Case {
	/// Input `index` of so many, with these outputs of all.
	fn new(payment: Payment, count: u8, outputs: &[u8], index: u32) -> Self {
		let (receipt, signature) = receipt(payment, count, outputs);
		let (all, at) = (inputs(count), u64::from(index));
		Self {
			receipt,
			signature,
			index,
			input: RangeProof::new(&all, at * 4..at * 4 + 4).unwrap(),
			output: RangeProof::new(outputs, at * 8..at * 8 + 8).unwrap(),
			weights: weights(),
			cost: Inference::dispute_cost(model()).unwrap(),
		}
	}

	/// One wrong output.
	fn wrong(payment: Payment) -> Self {
		Self::new(payment, 1, &wrong(1), 0)
	}

	/// The last of many inputs, whose outputs are two chunks.
	fn long(payment: Payment) -> Self {
		Self::new(payment, 255, &wrong(255), 254)
	}

	/// With another receipt, which the provider signs.
	fn signing(self, receipt: Receipt) -> Self {
		let (receipt, signature) = signed(receipt);
		Self { receipt, signature, ..self }
	}

	fn bring(self, who: u64) -> DispatchResult {
		let Self { receipt, signature, index, input, output, weights, cost } = self;
		let weights = weights.try_into().unwrap();
		Inference::dispute(origin(who), receipt, signature, index, input, output, weights, cost)
	}
}

/// Asserts that the user is refused, and that nothing changes.
fn refused(case: Case, error: Error<Test>) {
	assert_noop!(case.bring(USER), error);
}

/// Runs `test` with what a channel's receipts name.
fn with_channel(test: impl FnOnce(Payment)) {
	run(|| {
		let id = open(500);
		forget();
		test(Payment::Channel(id));
	});
}

fn misserved(receipt: &Receipt, index: u32, slashed: u64, refunded: u64) -> Event<Test> {
	let (payment, receipt) = (receipt.payment, receipt.id(&genesis()));
	Event::Misserved { payment, receipt, index, provider: PROVIDER, slashed, refunded }
}

/// Ten times what the receipt cost, and the fee.
const REFUND: u64 = 20 * REFUND_RATIO as u64 + DISPUTE_FEE;

#[test]
fn a_wrong_output_costs_the_provider_its_stake_and_makes_the_user_whole() {
	with_channel(|payment| {
		let before = issuance();
		let case = Case::wrong(payment);
		let receipt = case.receipt;
		assert_ok!(case.bring(USER));
		assert_eq!(events(), [misserved(&receipt, 0, RECEIPT_SLASH, REFUND)]);
		assert_eq!((wealth(USER), wealth(PROVIDER)), (WEALTH + REFUND, WEALTH));
		assert_eq!(Stake::get()[&PROVIDER], (0, 0));
		assert_eq!(issuance(), before - (RECEIPT_SLASH - REFUND));
		assert_eq!(held(HoldReason::Dispute, USER), 0);
		assert_eq!(Seen::get(), [(PROVIDER, Deed::Misserved(payment))]);
	});
}

#[test]
fn a_right_output_costs_the_user_its_bond() {
	with_channel(|payment| {
		let before = issuance();
		for disputed in 1..=2 {
			assert_ok!(Case::new(payment, 1, &outputs(&inputs(1)), 0).bring(USER));
			let event = Event::DisputeFailed { payment, user: USER, burned: DISPUTE_BOND };
			assert_eq!(last_event(), Some(event));
			assert_eq!(wealth(USER), WEALTH - disputed * DISPUTE_BOND);
			assert_eq!(issuance(), before - disputed * DISPUTE_BOND);
		}
		assert_eq!(held(HoldReason::Dispute, USER), 0);
		assert_eq!(Seen::get(), [(USER, Deed::DisputeFailed(payment)); 2]);
		assert_eq!(Stake::get()[&PROVIDER], (RECEIPT_SLASH, 0));
		assert_eq!(Disputed::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_provider_is_slashed_once_for_a_receipt() {
	with_channel(|payment| {
		bond(PROVIDER, 10 * RECEIPT_SLASH, 0);
		let twice_wrong = vec![0xaa; 16];
		assert_ok!(Case::new(payment, 2, &twice_wrong, 0).bring(USER));
		refused(Case::new(payment, 2, &twice_wrong, 0), Error::AlreadyDisputed);
		// Not even for another of its outputs.
		refused(Case::new(payment, 2, &twice_wrong, 1), Error::AlreadyDisputed);
		assert_eq!(Stake::get()[&PROVIDER], (9 * RECEIPT_SLASH, 0));
	});
}

#[test]
fn every_wrong_receipt_costs_a_slash() {
	with_channel(|payment| {
		bond(PROVIDER, 10 * RECEIPT_SLASH, 0);
		for nonce in 1..=3 {
			let case = Case::wrong(payment);
			let receipt = Receipt { nonce, ..case.receipt };
			assert_ok!(case.signing(receipt).bring(USER));
		}
		assert_eq!(Stake::get()[&PROVIDER], (7 * RECEIPT_SLASH, 0));
		assert_eq!(wealth(USER), WEALTH + 3 * REFUND);
	});
}

#[test]
fn one_wrong_output_of_many_is_found() {
	with_channel(|payment| {
		// Whoever shows one that is right has not found it.
		assert_ok!(Case::new(payment, 255, &wrong(255), 253).bring(USER));
		assert_eq!(wealth(USER), WEALTH - DISPUTE_BOND);
		let case = Case::long(payment);
		let receipt = case.receipt;
		assert_ok!(case.bring(USER));
		assert_eq!(last_event(), Some(misserved(&receipt, 254, RECEIPT_SLASH, REFUND)));
	});
}

#[test]
fn only_who_paid_disputes() {
	with_channel(|payment| {
		for who in [OTHER, PROVIDER, VOUCHER_KEY, RECEIPT_KEY] {
			assert_noop!(Case::wrong(payment).bring(who), Error::<Test>::NotUser);
		}
	});
}

#[test]
fn an_expired_receipt_is_no_evidence() {
	with_channel(|payment| {
		let case = || {
			let case = Case::wrong(payment);
			let receipt = Receipt { expires: 1_050, ..case.receipt };
			case.signing(receipt)
		};
		pass(50);
		refused(case(), Error::ReceiptExpired);
		Time::mutate(|now| *now -= 1);
		assert_ok!(case().bring(USER));
	});
}

#[test]
fn a_receipt_of_no_channel_and_no_request_is_refused() {
	run(|| {
		refused(Case::wrong(Payment::Channel(0)), Error::UnknownChannel);
		refused(Case::wrong(Payment::OneShot(0)), Error::UnknownRequest);
	});
}

#[test]
fn a_receipt_of_another_channel_is_not_the_providers() {
	with_channel(|payment| {
		let other = Payment::Channel(open(500));
		let case = Case::wrong(payment);
		let receipt = Receipt { payment: other, ..case.receipt };
		refused(Case { receipt, ..case }, Error::BadReceiptSignature);
	});
}

#[test]
fn a_receipt_that_the_receipt_key_has_not_signed_on_this_chain_is_refused() {
	with_channel(|payment| {
		let receipt = Case::wrong(payment).receipt;
		let bad = [
			sign(PROVIDER, receipt.message(&genesis())),
			sign(USER, receipt.message(&genesis())),
			sign(RECEIPT_KEY, receipt.message(&[9; 32])),
			signed(Receipt { price: 0, ..receipt }).1,
		];
		for signature in bad {
			refused(Case { signature, ..Case::wrong(payment) }, Error::BadReceiptSignature);
		}
	});
}

#[test]
fn a_dispute_states_what_the_court_takes() {
	with_channel(|payment| {
		let one = Weight::from_parts(1, 0);
		let cost = Inference::dispute_cost(model()).unwrap();
		for cost in [cost.saturating_add(one), cost.saturating_sub(one), Weight::zero(), Weight::MAX] {
			refused(Case { cost, ..Case::wrong(payment) }, Error::WrongCost);
		}
	});
}

#[test]
fn an_input_that_was_not_asked_is_refused() {
	with_channel(|payment| {
		refused(Case { index: 1, ..Case::wrong(payment) }, Error::InputOutOfRange);
		refused(Case { index: u32::MAX, ..Case::wrong(payment) }, Error::InputOutOfRange);
		// A receipt over no inputs says nothing.
		let case = Case::wrong(payment);
		let receipt = Receipt { count: 0, ..case.receipt };
		refused(case.signing(receipt), Error::InputOutOfRange);
	});
}

#[test]
fn a_receipt_names_the_request_that_its_inputs_are() {
	with_channel(|payment| {
		let input = Case::wrong(payment).receipt.input;
		let other_model = request_hash(&spec(1).id(), &input, 1);
		let other_input = request_hash(&model(), &[0; 32], 1);
		let other_count = request_hash(&model(), &input, 2);
		for request in [other_model, other_input, other_count] {
			let case = Case::wrong(payment);
			let receipt = Receipt { request, ..case.receipt };
			refused(case.signing(receipt), Error::OtherRequest);
		}
	});
}

#[test]
fn weights_are_those_that_the_receipt_names() {
	with_channel(|payment| {
		let mut other = weights();
		other[0] ^= 1;
		for weights in [other, vec![], weights()[1..].to_vec()] {
			refused(Case { weights, ..Case::wrong(payment) }, Error::WeightsMismatch);
		}
	});
}

#[test]
fn weights_of_another_length_make_nothing() {
	with_channel(|payment| {
		let short = weights()[1..].to_vec();
		let case = Case::wrong(payment);
		let receipt = Receipt { weights: BlobRef::of(&short).root, ..case.receipt };
		refused(Case { weights: short, ..case.signing(receipt) }, Error::EvaluationFailed);
	});
}

#[test]
fn a_proof_is_for_the_input_that_the_dispute_names() {
	with_channel(|payment| {
		let other = || Case::new(payment, 255, &wrong(255), 253);
		let (input, output) = (other().input, other().output);
		refused(Case { input, ..Case::long(payment) }, Error::ProofForOtherRange);
		refused(Case { output, ..Case::long(payment) }, Error::ProofForOtherRange);
		refused(Case { index: 253, ..Case::long(payment) }, Error::ProofForOtherRange);
	});
}

#[test]
fn a_proof_has_as_many_bytes_as_its_range_takes() {
	with_channel(|payment| {
		let (mut of_input, mut of_output) = (Case::long(payment), Case::long(payment));
		of_input.input.chunks.pop();
		of_output.output.chunks.push(0);
		refused(of_input, Error::ProofChunksMismatch);
		refused(of_output, Error::ProofChunksMismatch);
	});
}

#[test]
fn a_proof_has_as_many_hashes_as_its_range_takes() {
	with_channel(|payment| {
		let (mut of_input, mut of_output) = (Case::long(payment), Case::long(payment));
		of_input.input.siblings.push([0; 32]);
		assert!(of_output.output.siblings.pop().is_some());
		refused(of_input, Error::ProofSiblingsMismatch);
		refused(of_output, Error::ProofSiblingsMismatch);
	});
}

#[test]
fn a_proof_leads_to_the_roots_that_the_receipt_names() {
	with_channel(|payment| {
		let (mut of_input, mut of_output) = (Case::long(payment), Case::long(payment));
		of_input.input.chunks[0] ^= 1;
		of_output.output.siblings[0][0] ^= 1;
		refused(of_input, Error::ProofRootMismatch);
		refused(of_output, Error::ProofRootMismatch);
		// Nor does somebody else's wrong output accuse who was right.
		let right = Case::new(payment, 1, &outputs(&inputs(1)), 0);
		let output = Case::wrong(payment).output;
		refused(Case { output, ..right }, Error::ProofRootMismatch);
	});
}

#[test]
fn who_cannot_lose_a_bond_disputes_nothing() {
	with_channel(|payment| {
		set_free(USER, ED + DISPUTE_BOND - 1);
		assert_noop!(Case::wrong(payment).bring(USER), TokenError::FundsUnavailable);
		set_free(USER, ED + DISPUTE_BOND);
		assert_ok!(Case::wrong(payment).bring(USER));
	});
}

#[test]
fn a_refund_is_no_more_than_half_of_what_the_provider_itself_loses() {
	for price in [50, 1_000, u128::MAX] {
		with_channel(|payment| {
			reset();
			bond(PROVIDER, RECEIPT_SLASH, 9_000);
			let case = Case::wrong(payment);
			let receipt = Receipt { price, ..case.receipt };
			assert_ok!(case.signing(receipt).bring(USER));
			assert_eq!(wealth(USER), WEALTH + RECEIPT_SLASH / 2);
			assert_eq!(last_event(), Some(misserved(&receipt, 0, 10 * RECEIPT_SLASH, RECEIPT_SLASH / 2)));
		});
	}
}

#[test]
fn delegated_stake_loses_its_part_and_takes_nothing_from_the_user() {
	with_channel(|payment| {
		bond(PROVIDER, 2 * RECEIPT_SLASH, 6 * RECEIPT_SLASH);
		let before = issuance();
		let case = Case::wrong(payment);
		let receipt = case.receipt;
		assert_ok!(case.bring(USER));
		assert_eq!(last_event(), Some(misserved(&receipt, 0, 4 * RECEIPT_SLASH, REFUND)));
		assert_eq!(Stake::get()[&PROVIDER], (RECEIPT_SLASH, 3 * RECEIPT_SLASH));
		assert_eq!(wealth(USER), WEALTH + REFUND);
		assert_eq!(issuance(), before - (4 * RECEIPT_SLASH - REFUND));
	});
}

/// A provider disputes a receipt of its own over this price, through the user's account, and has less than before.
fn loses_by_disputing_itself(ratio: u32, own: u64, delegated: u64, price: u128) {
	reset();
	Ratio::set(ratio);
	with_channel(|payment| {
		bond(PROVIDER, own, delegated);
		let all = || wealth(PROVIDER) + wealth(USER) + Stake::get()[&PROVIDER].0;
		let before = all();
		let lost = own.min(RECEIPT_SLASH);
		let case = Case::wrong(payment);
		let receipt = Receipt { price, ..case.receipt };
		assert_ok!(case.signing(receipt).bring(USER));
		let promised = price.saturating_mul(ratio.into()).saturating_add(DISPUTE_FEE.into());
		let refund = u64::try_from(promised).unwrap_or(u64::MAX).min(lost / 2);
		assert_eq!(wealth(USER), WEALTH + refund, "{ratio}, {own}, {delegated}, {price}");
		// A division of stakes that does not come out even costs a planck more.
		let after = all();
		let loss = before - after;
		let expected = lost - refund..=lost - refund + 1;
		assert!(expected.contains(&loss), "{ratio}, {own}, {delegated}, {price}");
		assert!(after < before, "{ratio}, {own}, {delegated}, {price}");
	});
}

#[test]
fn a_provider_gains_nothing_by_disputing_its_own_receipts() {
	for own in [1, 300, RECEIPT_SLASH, RECEIPT_SLASH + 1, 10 * RECEIPT_SLASH] {
		for delegated in [0, 1, 7_777, 1_000_000] {
			for price in [0, 1, 20, 49, 50, 1_000, u128::MAX] {
				loses_by_disputing_itself(REFUND_RATIO, own, delegated, price);
			}
		}
	}
}

#[test]
fn a_provider_gains_nothing_by_disputing_its_own_receipts_whatever_the_refund_ratio() {
	for ratio in [0, 1, 2, 1_000, u32::MAX] {
		for own in [1, RECEIPT_SLASH, 10 * RECEIPT_SLASH] {
			for delegated in [0, 1_000_000] {
				for price in [0, 1, 499, 1_000, u128::MAX] {
					loses_by_disputing_itself(ratio, own, delegated, price);
				}
			}
		}
	}
}

#[test]
fn a_provider_with_nothing_left_to_lose_is_not_disputed_in_a_channel() {
	with_channel(|payment| {
		// Or the marks of its receipts would fill the state, and cost nobody anything. Delegations alone answer for nothing.
		for delegated in [0, 1_000] {
			bond(PROVIDER, 0, delegated);
			refused(Case::wrong(payment), Error::NotBonded);
			assert_eq!(Stake::get()[&PROVIDER], (0, delegated));
		}
		assert_eq!((Disputed::<Test>::iter().count(), Seen::get()), (0, vec![]));
		// Its receipts are as good as before, should it have a stake again.
		bond(PROVIDER, RECEIPT_SLASH, 0);
		assert_ok!(Case::wrong(payment).bring(USER));
		assert_eq!(wealth(USER), WEALTH + REFUND);
	});
}

#[test]
fn a_right_output_costs_the_bond_whatever_the_provider_has_at_stake() {
	with_channel(|payment| {
		bond(PROVIDER, 0, 0);
		assert_ok!(Case::new(payment, 1, &outputs(&inputs(1)), 0).bring(USER));
		assert_eq!(wealth(USER), WEALTH - DISPUTE_BOND);
	});
}

#[test]
fn the_receipts_of_a_closed_channel_are_evidence_until_it_is_removed() {
	with_channel(|payment| {
		bond(PROVIDER, 10 * RECEIPT_SLASH, 0);
		let case = |nonce| {
			let case = Case::wrong(payment);
			// Signed for longer than the channel is kept.
			let receipt = Receipt { nonce, expires: Tick::MAX, ..case.receipt };
			case.signing(receipt)
		};
		assert_ok!(Inference::close(origin(PROVIDER), 0, None));
		pass(RECEIPT_LIFE - 1);
		assert_ok!(case(1).bring(USER));
		pass(1);
		// Whether somebody has removed it yet makes no difference to what it is worth.
		refused(case(2), Error::ReceiptExpired);
		assert_ok!(Inference::remove(origin(OTHER), 0));
		refused(case(2), Error::UnknownChannel);
		assert_eq!(Disputed::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_wrong_answer_to_a_one_shot_request_returns_its_escrow_as_well() {
	run(|| {
		let id = ask(1);
		assert_ok!(answer(id, 0, &wrong(1), 30));
		let case = Case::wrong(Payment::OneShot(id));
		let case = case.signing(receipt_of(id, 0, &wrong(1), Time::get() + 30));
		let receipt = case.receipt;
		forget();
		assert_ok!(case.bring(USER));
		let refund = ONE * u64::from(REFUND_RATIO) + DISPUTE_FEE;
		let returned = Event::RequestReturned { request: id, returned: ONE };
		assert_eq!(events(), [misserved(&receipt, 0, RECEIPT_SLASH, refund), returned]);
		assert_eq!(wealth(USER), WEALTH + refund);
		assert_eq!((held(HoldReason::Request, USER), held(HoldReason::RequestDeposit, USER)), (0, 0));
		assert_eq!(Requests::<Test>::get(id), None);
		assert_eq!(Disputed::<Test>::iter().count(), 0);
		assert_noop!(Inference::settle(origin(PROVIDER), id), Error::<Test>::UnknownRequest);
	});
}

#[test]
fn a_wrong_answer_to_a_one_shot_request_returns_its_escrow_whatever_the_provider_has_at_stake() {
	run(|| {
		let id = ask(1);
		assert_ok!(answer(id, 0, &wrong(1), 30));
		bond(PROVIDER, 0, 0);
		let payment = Payment::OneShot(id);
		let case = Case::wrong(payment).signing(receipt_of(id, 0, &wrong(1), Time::get() + 30));
		let receipt = case.receipt;
		forget();
		assert_ok!(case.bring(USER));
		let returned = Event::RequestReturned { request: id, returned: ONE };
		assert_eq!(events(), [misserved(&receipt, 0, 0, 0), returned]);
		assert_eq!((wealth(USER), held(HoldReason::Request, USER)), (WEALTH, 0));
		assert_eq!(Seen::get(), [(PROVIDER, Deed::Misserved(payment))]);
	});
}

#[test]
fn a_right_answer_to_a_one_shot_request_is_paid_after_a_dispute() {
	run(|| {
		let id = ask(1);
		let output = outputs(&inputs(1));
		assert_ok!(answer(id, 0, &output, 30));
		let case = Case::new(Payment::OneShot(id), 1, &output, 0);
		assert_ok!(case.signing(receipt_of(id, 0, &output, Time::get() + 30)).bring(USER));
		assert_eq!(wealth(USER), WEALTH - DISPUTE_BOND);
		pass(30);
		assert_ok!(Inference::settle(origin(PROVIDER), id));
		assert_eq!(wealth(USER), WEALTH - DISPUTE_BOND - ONE);
	});
}

#[test]
fn a_settled_answer_is_not_disputed() {
	run(|| {
		let id = ask(1);
		assert_ok!(answer(id, 0, &wrong(1), 30));
		let case = || {
			let receipt = receipt(Payment::OneShot(id), 1, &wrong(1)).0;
			Case::wrong(Payment::OneShot(id)).signing(Receipt { expires: Tick::MAX, ..receipt })
		};
		pass(30);
		assert_ok!(Inference::settle(origin(PROVIDER), id));
		refused(case(), Error::UnknownRequest);
	});
}

#[test]
fn a_wrong_receipt_for_a_request_that_is_not_answered_on_chain_returns_its_escrow() {
	run(|| {
		let id = ask(1);
		assert_ok!(Case::wrong(Payment::OneShot(id)).bring(USER));
		assert_eq!(wealth(USER), WEALTH + REFUND);
		assert_noop!(Inference::settle(origin(OTHER), id), Error::<Test>::UnknownRequest);
	});
}
