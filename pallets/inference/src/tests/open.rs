//! How a channel begins.

use super::*;

/// Opens a channel whose vouchers the account's own key signs.
fn open_with(
	user: u64,
	provider: u64,
	model: ModelId,
	deposit: u64,
	terms: Terms,
	term: Tick,
) -> DispatchResult {
	Inference::open(origin(user), provider, model, deposit, None, terms, term)
}

fn usual(deposit: u64, term: Tick) -> DispatchResult {
	open_with(USER, PROVIDER, model(), deposit, TERMS, term)
}

#[test]
fn a_channel_holds_its_deposit_and_one_for_its_entry() {
	run(|| {
		forget();
		let id = open(500);
		assert_eq!(held(HoldReason::Channel, USER), 500);
		assert_eq!(held(HoldReason::ChannelDeposit, USER), channel_ticket());
		assert_eq!(wealth(USER), WEALTH);
		let event = Event::Opened {
			channel: id,
			user: USER,
			provider: PROVIDER,
			model: model(),
			deposit: 500,
			expires_at: Time::get() + 500,
		};
		assert_eq!(events(), [event]);
		let channel = channel(id);
		assert_eq!((channel.user, channel.provider, channel.model), (USER, PROVIDER, model()));
		assert_eq!((channel.key, channel.receipt_key, channel.price), (VOUCHER_KEY, RECEIPT_KEY, PRICE));
		assert_eq!((channel.deposit, channel.claimed), (500, 0));
		assert_eq!((channel.grace, channel.receipts), (TERMS.grace, RECEIPT_LIFE));
		assert_eq!((channel.expires_at, channel.state), (Time::get() + 500, ChannelState::Open));
	});
}

#[test]
fn the_account_signs_where_no_key_is_named() {
	run(|| {
		assert_ok!(usual(500, 500));
		assert_noop!(claim(vec![voucher(0, 100, 1)]), Error::<Test>::BadVoucherSignature);
		assert_ok!(claim(vec![voucher_of(USER, voucher(0, 100, 1).0)]));
	});
}

#[test]
fn no_channel_is_opened_with_who_offers_nothing() {
	run(|| {
		let open = || open_with(USER, OTHER, model(), 500, TERMS, 500);
		assert_noop!(open(), Error::<Test>::NoOffer);
		bond(OTHER, RECEIPT_SLASH, 0);
		assert_noop!(open(), Error::<Test>::NoOffer);
	});
}

#[test]
fn no_channel_is_opened_for_a_model_that_is_not_offered() {
	run(|| {
		let other = with_head(spec(1), None, TRAINER);
		let open = open_with(USER, PROVIDER, other, 500, TERMS, 500);
		assert_noop!(open, Error::<Test>::ModelNotOffered);
	});
}

#[test]
fn no_channel_is_opened_for_a_model_that_is_gone() {
	run(|| {
		pallet_model_registry::Models::<Test>::remove(model());
		assert_noop!(usual(500, 500), Error::<Test>::UnknownModel);
	});
}

#[test]
fn no_channel_is_opened_for_a_retired_model() {
	run(|| {
		assert_ok!(Registry::retire(origin(TRAINER), model()));
		assert_noop!(usual(500, 500), Error::<Test>::ModelNotActive);
	});
}

#[test]
fn no_channel_is_opened_with_a_provider_whose_stake_is_gone() {
	run(|| {
		bond(PROVIDER, RECEIPT_SLASH - 1, 1_000_000);
		assert_noop!(usual(500, 500), Error::<Test>::NotBonded);
	});
}

#[test]
fn no_channel_is_opened_at_time_limits_that_the_user_has_not_seen() {
	run(|| {
		for terms in [Terms { grace: 11, ..TERMS }, Terms { answer: 14, ..TERMS }] {
			let open = open_with(USER, PROVIDER, model(), 500, terms, 500);
			assert_noop!(open, Error::<Test>::TermsChanged);
		}
	});
}

#[test]
fn a_deposit_is_not_below_the_least() {
	run(|| {
		assert_noop!(usual(MIN_DEPOSIT - 1, 500), Error::<Test>::DepositTooSmall);
		assert_ok!(usual(MIN_DEPOSIT, 500));
	});
}

#[test]
fn a_term_is_at_least_the_grace_period_and_not_too_long() {
	run(|| {
		for term in [0, TERMS.grace - 1, MAX_TERM + 1, Tick::MAX] {
			assert_noop!(usual(500, term), Error::<Test>::TermOutOfRange);
		}
		for term in [TERMS.grace, MAX_TERM] {
			assert_ok!(usual(500, term));
		}
	});
}

#[test]
fn nobody_opens_a_channel_that_they_cannot_pay() {
	run(|| {
		assert_noop!(usual(WEALTH, 500), TokenError::FundsUnavailable);
		let open = open_with(NOBODY, PROVIDER, model(), 500, TERMS, 500);
		assert_noop!(open, TokenError::FundsUnavailable);
		// Nor one of which they cannot pay the entry.
		set_free(OTHER, 500 + ED + channel_ticket() - 1);
		let open = || open_with(OTHER, PROVIDER, model(), 500, TERMS, 500);
		assert_noop!(open(), TokenError::FundsUnavailable);
		set_free(OTHER, 500 + ED + channel_ticket());
		assert_ok!(open());
	});
}

#[test]
fn numbers_that_are_used_up_open_no_channel() {
	run(|| {
		NextChannel::<Test>::put(ChannelId::MAX);
		assert_noop!(usual(500, 500), Error::<Test>::Exhausted);
	});
}

#[test]
fn a_number_is_never_given_again() {
	run(|| {
		let first = open(500);
		assert_ok!(Inference::close(origin(PROVIDER), first, None));
		pass(RECEIPT_LIFE);
		assert_ok!(Inference::remove(origin(OTHER), first));
		assert_eq!((first, open(500)), (0, 1));
		assert_noop!(claim(vec![voucher(first, 100, 1)]), Error::<Test>::UnknownChannel);
	});
}

#[test]
fn a_channel_keeps_the_price_and_the_keys_that_it_was_opened_with() {
	run(|| {
		let id = open(500);
		let dear = OfferedModel { model: model(), price: Price { per_request: 9, per_mmac: 9 } };
		let (models, terms) = (vec![dear].try_into().unwrap(), Terms { grace: 50, answer: 1 });
		assert_ok!(Inference::set_offer(origin(PROVIDER), endpoint(), OTHER, models, terms, 1));
		let channel = channel(id);
		assert_eq!((channel.receipt_key, channel.price, channel.grace), (RECEIPT_KEY, PRICE, TERMS.grace));
		// So that a new key does not make old receipts worth nothing.
		assert_ok!(dispute(USER, &wrong_receipt(Payment::Channel(id)), &wrong(1), 0));
	});
}
