//! Whatever users and providers do in whatever order: nothing panics, the state stays sound, no funds appear or vanish but by
//! the burns that events record, and everything ends.

use super::*;
use polkadot_sdk::sp_runtime::Perbill;
use proptest::prelude::*;

const USERS: [u64; 2] = [USER, OTHER];

/// A voucher: of which channel, counted back from the last, the amount, the nonce, and whether its key has signed it.
type Promise = (u64, u64, u64, bool);

/// One thing that somebody does. Channels and requests are counted back from the last.
#[derive(Clone, Debug)]
enum Step {
	Open {
		user: u64,
		deposit: u64,
		key: Option<u64>,
		term: Tick,
	},
	TopUp(u64, u64, u64),
	Claim(Vec<Promise>),
	Close(u64, Option<Promise>),
	Agree(Promise),
	BeginClose(u64, u64),
	FinishClose(u64),
	Remove(u64),
	Ask {
		user: u64,
		count: u8,
		limit: u64,
	},
	Answer {
		request: u64,
		version: VersionId,
		right: bool,
		life: Tick,
	},
	Settle(u64),
	Dispute {
		user: u64,
		payment: Result<u64, u64>,
		right: bool,
		nonce: u64,
		price: u128,
		life: Tick,
	},
	Offer {
		price: u128,
		count: u32,
		key: u64,
	},
	RemoveOffer,
	Bond(u64, u64),
	NextHead(u64),
	Revert,
	Author(Option<u64>),
	Split([u32; 7]),
	/// For how long receipts live from now on.
	Life(Tick),
	Ratio(u32),
	/// An account has nothing any more.
	Drain(u64),
	Pass(Tick),
}

fn user() -> impl Strategy<Value = u64> {
	prop::sample::select(USERS.to_vec())
}

/// One of the last few.
fn back() -> impl Strategy<Value = u64> {
	0..4u64
}

fn amount() -> impl Strategy<Value = u64> {
	prop_oneof![8 => 0..1_000u64, 1 => 1_000..100_000u64, 1 => Just(u64::MAX)]
}

fn promise() -> impl Strategy<Value = Promise> {
	(back(), amount(), 0..10u64, prop::bool::weighted(0.9))
}

fn life() -> impl Strategy<Value = Tick> {
	prop_oneof![6 => ANSWER_DISPUTE..=RECEIPT_LIFE, 1 => 0..2 * RECEIPT_LIFE]
}

fn price() -> impl Strategy<Value = u128> {
	prop_oneof![8 => 0..200u128, 1 => Just(u128::MAX)]
}

fn step() -> impl Strategy<Value = Step> {
	prop_oneof![
		6 => (user(), 50..2_000u64, proptest::option::of(Just(VOUCHER_KEY)), 5..100u64)
			.prop_map(|(user, deposit, key, term)| Step::Open { user, deposit, key, term }),
		2 => (user(), back(), amount()).prop_map(|(user, id, amount)| Step::TopUp(user, id, amount)),
		8 => prop::collection::vec(promise(), 0..=MAX_CLAIMS as usize).prop_map(Step::Claim),
		2 => (back(), proptest::option::of(promise())).prop_map(|(id, last)| Step::Close(id, last)),
		2 => promise().prop_map(Step::Agree),
		2 => (user(), back()).prop_map(|(user, id)| Step::BeginClose(user, id)),
		2 => back().prop_map(Step::FinishClose),
		2 => back().prop_map(Step::Remove),
		6 => (user(), 0..9u8, amount()).prop_map(|(user, count, limit)| Step::Ask { user, count, limit }),
		6 => (back(), 0..3u32, any::<bool>(), life())
			.prop_map(|(request, version, right, life)| Step::Answer { request, version, right, life }),
		4 => back().prop_map(Step::Settle),
		6 => (user(), prop_oneof![back().prop_map(Ok), back().prop_map(Err)], any::<bool>(), 0..3u64, price(), life())
			.prop_map(|(user, payment, right, nonce, price, life)| {
				Step::Dispute { user, payment, right, nonce, price, life }
			}),
		2 => (price(), 0..9u32, prop::sample::select(vec![RECEIPT_KEY, PROVIDER]))
			.prop_map(|(price, count, key)| Step::Offer { price, count, key }),
		1 => Just(Step::RemoveOffer),
		2 => (prop_oneof![0..2_000u64, 10_000..100_000u64], 0..50_000u64)
			.prop_map(|(own, delegated)| Step::Bond(own, delegated)),
		1 => prop::sample::select(vec![TRAINER, PROVIDER, USER, NOBODY]).prop_map(Step::NextHead),
		1 => Just(Step::Revert),
		1 => proptest::option::of(prop::sample::select(vec![AUTHOR, USER])).prop_map(Step::Author),
		1 => prop::array::uniform7(0..100u32).prop_map(Step::Split),
		1 => (0..=2 * RECEIPT_LIFE).prop_map(Step::Life),
		1 => prop_oneof![0..100u32, Just(u32::MAX)].prop_map(Step::Ratio),
		1 => prop::sample::select(vec![AUTHOR, TREASURY, STORAGE]).prop_map(Step::Drain),
		8 => (1..60u64).prop_map(Step::Pass),
	]
}

/// Whether it was refused is not the question.
fn ignore<T, E>(_: Result<T, E>) {}

fn channel_back(id: u64) -> ChannelId {
	NextChannel::<Test>::get().saturating_sub(id + 1)
}

fn request_back(id: u64) -> RequestId {
	NextRequest::<Test>::get().saturating_sub(id + 1)
}

/// The key that signs for a channel's user, or another.
fn key_of(id: ChannelId, is_right: bool) -> u64 {
	Channels::<Test>::get(id).filter(|_| is_right).map_or(NOBODY, |channel| channel.key)
}

fn kept((back, amount, nonce, is_right): Promise) -> (Voucher, TestSignature) {
	let id = channel_back(back);
	voucher_of(key_of(id, is_right), voucher(id, amount, nonce).0)
}

fn output(count: u8, is_right: bool) -> Vec<u8> {
	if is_right { outputs(&inputs(count)) } else { wrong(count) }
}

/// Signed by the key that the receipt's provider had.
fn signed_rightly(receipt: Receipt) -> (Receipt, TestSignature) {
	let key = match receipt.payment {
		Payment::Channel(id) => Channels::<Test>::get(id).map(|channel| channel.receipt_key),
		Payment::OneShot(id) => Requests::<Test>::get(id).map(|request| request.receipt_key),
	};
	(receipt, sign(key.unwrap_or(NOBODY), receipt.message(&genesis())))
}

fn make(step: Step) {
	match step {
		Step::Open { user, deposit, key, term } => {
			ignore(Inference::open(origin(user), PROVIDER, model(), deposit, key, TERMS, term));
		}
		Step::TopUp(user, id, amount) => ignore(Inference::top_up(origin(user), channel_back(id), amount)),
		Step::Claim(promises) => ignore(claim(promises.into_iter().map(kept).collect())),
		Step::Close(id, last) => {
			ignore(Inference::close(origin(PROVIDER), channel_back(id), last.map(kept)));
		}
		Step::Agree((id, amount, _, is_right)) => {
			let channel = channel_back(id);
			let closing = Closing { channel, version: 0, amount: amount.into(), expires: Tick::MAX };
			let message = closing.message(&genesis());
			let of_user = sign(key_of(channel, is_right), message.clone());
			ignore(Inference::close_agreed(origin(OTHER), closing, of_user, sign(PROVIDER, message)));
		}
		Step::BeginClose(user, id) => ignore(Inference::begin_close(origin(user), channel_back(id))),
		Step::FinishClose(id) => ignore(Inference::finish_close(origin(OTHER), channel_back(id))),
		Step::Remove(id) => ignore(Inference::remove(origin(OTHER), channel_back(id))),
		Step::Ask { user, count, limit } => {
			let input = inputs(count).try_into().unwrap();
			ignore(Inference::request(origin(user), PROVIDER, model(), input, count.into(), limit));
		}
		Step::Answer { request, version, right, life } => {
			let id = request_back(request);
			if let Some(request) = Requests::<Test>::get(id) {
				let output = output(request.count as u8, right);
				let expires = Time::get() + life;
				let (_, signature) = signed_rightly(receipt_of(id, version, &output, expires));
				let output = output.try_into().unwrap();
				ignore(Inference::answer(origin(PROVIDER), id, version, output, expires, signature));
			}
		}
		Step::Settle(id) => ignore(Inference::settle(origin(OTHER), request_back(id))),
		Step::Dispute { user, payment, right, nonce, price, life } => {
			let payment = match payment {
				Ok(id) => Payment::Channel(channel_back(id)),
				Err(id) => Payment::OneShot(request_back(id)),
			};
			let output = output(2, right);
			let (receipt, _) = receipt(payment, 2, &output);
			// So that some are the same.
			let expires = (Time::get() + life) / 100 * 100;
			let receipt = signed_rightly(Receipt { nonce, price, expires, ..receipt });
			ignore(dispute(user, &receipt, &output, 1));
		}
		Step::Offer { price, count, key } => {
			let price = Price { per_request: price, per_mmac: price };
			let models = vec![OfferedModel { model: model(), price }].try_into().unwrap();
			ignore(Inference::set_offer(origin(PROVIDER), endpoint(), key, models, TERMS, count));
		}
		Step::RemoveOffer => ignore(Inference::remove_offer(origin(PROVIDER))),
		Step::Bond(own, delegated) => bond(PROVIDER, own, delegated),
		Step::NextHead(trainer) => {
			next_head(&model(), trainer);
		}
		Step::Revert => ignore(<Registry as oda_pallet_traits::Models<u64>>::revert(&model())),
		Step::Author(author) => BlockAuthor::set(author),
		Step::Split(weights) => {
			let sum = weights.iter().sum::<u32>().max(1);
			let [provider, trainer, royalty, author, treasury, storage, _] =
				weights.map(|weight| Perbill::from_rational(weight, sum));
			Parts::set(Split { provider, trainer, royalty, author, treasury, storage });
		}
		Step::Life(ticks) => Life::set(ticks),
		Step::Ratio(ratio) => Ratio::set(ratio),
		Step::Drain(who) => set_free(who, 0),
		Step::Pass(ticks) => pass(ticks),
	}
}

/// What there must be, and what the emission may still mint.
struct Ledger {
	issuance: u64,
	burned_by_users: u64,
}

impl Ledger {
	fn make(&mut self, step: Step) {
		let from_outside = matches!(step, Step::Bond(..) | Step::Drain(_));
		make(step);
		if from_outside {
			self.issuance = issuance();
		}
		self.check();
	}

	fn check(&mut self) {
		Inference::do_try_state().unwrap();
		for event in events() {
			match event {
				Event::Claimed { shared, .. } | Event::Settled { shared, .. } => {
					self.issuance -= shared.burned;
					self.burned_by_users += shared.burned;
				}
				Event::DisputeFailed { burned, .. } => self.issuance -= burned,
				Event::Misserved { slashed, refunded, .. } => self.issuance -= slashed - refunded,
				_ => {}
			}
		}
		forget();
		assert_eq!(issuance(), self.issuance, "issuance is not what the events say");
		let told = Used::get().into_iter().map(|(_, amount)| amount).sum::<u64>();
		assert!(told <= self.burned_by_users, "the emission may mint what nobody burned");
		let everybody = (USER..=POT).chain([NOBODY]);
		assert_eq!(everybody.map(wealth).sum::<u64>(), self.issuance, "somebody else has something");
		assert!(
			USERS.into_iter().all(|who| held(HoldReason::Dispute, who) == 0),
			"a bond outlives its dispute"
		);
	}
}

proptest! {
	#![proptest_config(ProptestConfig { max_shrink_iters: 1_000, ..ProptestConfig::with_cases(128) })]

	#[test]
	fn any_sequence_keeps_the_state_sound_and_gives_back_what_nobody_earned(
		steps in prop::collection::vec(step(), 1..100),
	) {
		reset();
		new_test_ext().execute_with(|| {
			bond(PROVIDER, 20 * RECEIPT_SLASH, 7_000);
			offer();
			forget();
			let mut ledger = Ledger { issuance: issuance(), burned_by_users: 0 };
			ledger.check();
			steps.into_iter().for_each(|step| ledger.make(step));
			// Nobody does anything but end what is left.
			ledger.make(Step::Pass(MAX_TERM + 2 * RECEIPT_LIFE));
			for id in Channels::<Test>::iter_keys().collect::<Vec<_>>() {
				ignore(Inference::finish_close(origin(OTHER), id));
			}
			for id in Requests::<Test>::iter_keys().collect::<Vec<_>>() {
				assert_ok!(Inference::settle(origin(OTHER), id));
			}
			ledger.make(Step::Pass(2 * RECEIPT_LIFE));
			for id in Channels::<Test>::iter_keys().collect::<Vec<_>>() {
				assert_ok!(Inference::remove(origin(OTHER), id));
			}
			ledger.make(Step::RemoveOffer);
			assert_eq!(Channels::<Test>::iter().count() + Requests::<Test>::iter().count(), 0);
			assert_eq!(Disputed::<Test>::iter().count() + Offers::<Test>::iter().count(), 0);
			let reasons = [
				HoldReason::Channel,
				HoldReason::Request,
				HoldReason::Dispute,
				HoldReason::OfferDeposit,
				HoldReason::ChannelDeposit,
				HoldReason::RequestDeposit,
			];
			for who in (USER..=POT).chain([NOBODY]) {
				assert_eq!(reasons.map(|reason| held(reason, who)), [0; 6], "something of {who}'s stays on hold");
			}
		});
	}
}
