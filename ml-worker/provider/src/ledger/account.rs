//! The account of one channel: what was promised, what was answered, and what may follow.
//!
//! Nothing here touches a file, a clock or the chain, so that each rule can be tested alone. An account has two halves, each
//! a file of its own: the [`Promise`] is written before a request is served, [`Served`] with the answer before it is
//! delivered. Whatever dies in between, the two halves together say where to go on:
//!
//! | the last voucher | the last answer | an equal voucher then |
//! |---|---|---|
//! | nonce 5 | of nonce 4 | is served: it has paid for nothing yet |
//! | nonce 5 | of nonce 5 | gets the same answer again, and costs nothing |

use oda_inference::api::SignedVoucher;
use oda_primitives::{ChannelId, Closing, Tick, Voucher, decimal, hexadecimal};
use serde::{Deserialize, Serialize};

/// Vouchers of earlier versions that are kept until they are claimed. Beyond these the oldest goes: later ones cover what
/// it promised, and only the trainer of its version earns less.
const EARLIER: usize = 16;

/// What was asked with a voucher.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
	/// The request's `Idempotency-Key`.
	pub key: Option<String>,
	/// The BLAKE3 hash of the request's body.
	#[serde(with = "hexadecimal")]
	pub digest: [u8; 32],
}

/// What the user has promised.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
	/// The last voucher: of all, the one with the highest amount and nonce.
	pub last: Option<SignedVoucher>,
	/// What the last voucher was to pay for.
	pub asked: Asked,
	/// Of each version before the last one's, its last voucher, the oldest first. They are claimed before the last one, so
	/// that each trainer gets its share.
	pub earlier: Vec<SignedVoucher>,
	/// The closing that the provider has signed, if any: nothing is served while it can be used.
	pub closing: Option<Closing>,
	/// What was claimed before this account began, in planck: it counts as answered. More than 0 only if the provider has
	/// lost what it kept of the channel.
	#[serde(with = "decimal")]
	pub before: u128,
}

impl Promise {
	/// What can be claimed: each version's last voucher beyond what was claimed, in the order in which they are to be
	/// claimed.
	pub fn claimable(&self, claimed: u128) -> Vec<SignedVoucher> {
		let all = self.earlier.iter().chain(&self.last);
		all.filter(|signed| signed.voucher.amount > claimed).copied().collect()
	}
}

/// What the provider has answered.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
	/// The price of everything answered since the account began, in planck.
	#[serde(with = "decimal")]
	pub sum: u128,
	/// The first tick at which none of its receipts is evidence any more.
	pub receipts: Tick,
	/// The last answer.
	pub last: Option<Answered>,
}

/// The last answer, without its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
	/// The voucher that paid for it.
	pub voucher: Voucher,
	/// What was asked.
	pub asked: Asked,
}

/// What the provider knows of a channel beside the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
	/// The channel.
	pub channel: ChannelId,
	/// What the user has promised.
	pub promise: Promise,
	/// What the provider has answered.
	pub served: Served,
}

/// What the chain says of the channel, as finalised, and what the provider allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
	/// Everything put into the channel, in planck.
	pub deposit: u128,
	/// What was claimed of it, in planck.
	pub claimed: u128,
	/// The present tick.
	pub tick: Tick,
	/// By how much the price of what was answered may exceed what was promised, in planck.
	pub credit: u128,
}

/// A request that wants to be paid for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
	/// The voucher; its signature is right.
	pub voucher: &'a SignedVoucher,
	/// What is asked.
	pub asked: &'a Asked,
	/// The request's price, in planck.
	pub price: u128,
}

/// What follows from a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
	/// It is served once this promise is on disk.
	Serve(Box<Promise>),
	/// It is served: its promise is on disk already.
	Resume,
	/// It was answered, and gets the same answer again.
	Replay,
}

/// Why a request is refused. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
	/// The voucher, or the `Idempotency-Key`, belongs to another request.
	#[error("this voucher or Idempotency-Key was used for another request")]
	OtherRequest,
	/// The voucher's nonce is not above the last one's.
	#[error("the voucher's nonce {nonce} was used; take {next} or more")]
	NonceUsed {
		/// The voucher's.
		nonce: u64,
		/// The least that was not used.
		next: u64,
	},
	/// The voucher promises less than one before it.
	#[error("the voucher promises {amount} planck, an earlier one {least}: amounts never fall")]
	AmountFell {
		/// The voucher's amount.
		amount: u128,
		/// What was promised or claimed.
		least: u128,
	},
	/// The voucher does not cover what was answered and what is asked.
	#[error(
		"the voucher promises {amount} planck; {needed} are needed: {spent} for what was answered, and the price"
	)]
	Insufficient {
		/// The voucher's amount.
		amount: u128,
		/// The least amount that is enough.
		needed: u128,
		/// What was answered.
		spent: u128,
	},
	/// The voucher promises more than there is.
	#[error("the voucher promises {amount} planck; the channel's finalised deposit is {deposit}")]
	BeyondDeposit {
		/// The voucher's amount.
		amount: u128,
		/// The deposit.
		deposit: u128,
	},
	/// The deposit does not cover what was answered and what is asked.
	#[error("{needed} planck are needed in all; the channel's finalised deposit is {deposit}: top it up")]
	DepositUsed {
		/// What was answered and the price.
		needed: u128,
		/// The deposit.
		deposit: u128,
	},
	/// The provider has signed a closing of the channel.
	#[error("the provider has signed a closing of this channel, which is good until tick {until}")]
	Agreed {
		/// The first tick at which the closing is worth nothing.
		until: Tick,
	},
}

impl Account {
	/// The account of a channel of which the provider has kept nothing. What was claimed counts as answered.
	pub fn new(channel: ChannelId, claimed: u128) -> Self {
		let promise = Promise { before: claimed, ..Promise::default() };
		Self { channel, promise, served: Served::default() }
	}

	/// The price of everything answered since the channel was opened, in planck.
	pub fn spent(&self) -> u128 {
		self.promise.before.saturating_add(self.served.sum)
	}

	/// The last voucher.
	pub fn last(&self) -> Option<&Voucher> {
		self.promise.last.as_ref().map(|signed| &signed.voucher)
	}

	/// Whether the last voucher has paid for nothing yet.
	pub fn is_unfinished(&self) -> bool {
		self.last() != self.served.last.as_ref().map(|answered| &answered.voucher)
	}

	/// The highest nonce that was used; 0 before the first request.
	pub fn nonce(&self) -> u64 {
		self.last().map_or(0, |last| last.nonce)
	}

	/// Whether this voucher and request were answered: they get the same answer again, whatever became of the channel.
	///
	/// # Errors
	///
	/// [`Refusal::OtherRequest`].
	pub fn is_answered(&self, voucher: &Voucher, asked: &Asked) -> Result<bool, Refusal> {
		let same_key = |known: &Asked| known.key.is_some() && known.key == asked.key;
		if let Some(answered) = &self.served.last
			&& (answered.voucher == *voucher || same_key(&answered.asked))
		{
			return if answered.asked.digest == asked.digest { Ok(true) } else { Err(Refusal::OtherRequest) };
		}
		let known = &self.promise.asked;
		if self.is_unfinished() && same_key(known) && known.digest != asked.digest {
			return Err(Refusal::OtherRequest);
		}
		Ok(false)
	}

	/// What follows from a request.
	pub fn ask(&self, request: &Request<'_>, standing: &Standing) -> Result<Step, Refusal> {
		let Request { voucher: signed, asked, price } = *request;
		let voucher = &signed.voucher;
		if self.is_answered(voucher, asked)? {
			return Ok(Step::Replay);
		}
		if let Some(closing) = self.promise.closing.filter(|closing| standing.tick < closing.expires) {
			return Err(Refusal::Agreed { until: closing.expires });
		}
		self.check_nonce(voucher)?;
		let amount = voucher.amount;
		let least = self.last().map_or(0, |last| last.amount).max(standing.claimed);
		if amount < least {
			return Err(Refusal::AmountFell { amount, least });
		}
		let (deposit, spent) = (standing.deposit, self.spent());
		let due = spent.saturating_add(price);
		if due > deposit {
			return Err(Refusal::DepositUsed { needed: due, deposit });
		}
		if amount > deposit {
			return Err(Refusal::BeyondDeposit { amount, deposit });
		}
		let needed = due.saturating_sub(standing.credit);
		if amount < needed {
			return Err(Refusal::Insufficient { amount, needed, spent });
		}
		if self.last() == Some(voucher) && self.promise.asked == *asked {
			return Ok(Step::Resume);
		}
		Ok(Step::Serve(Box::new(self.promised(signed, asked, standing))))
	}

	/// Nonces rise. Numbers may be left out: a request that was refused has used up its own.
	fn check_nonce(&self, voucher: &Voucher) -> Result<(), Refusal> {
		let (nonce, used) = (voucher.nonce, self.nonce());
		if nonce > used || (nonce == used && nonce > 0 && self.is_unfinished()) {
			return Ok(());
		}
		Err(Refusal::NonceUsed { nonce, next: used.saturating_add(1) })
	}

	fn promised(&self, signed: &SignedVoucher, asked: &Asked, standing: &Standing) -> Promise {
		let mut earlier = self.promise.earlier.clone();
		earlier.extend(self.promise.last.filter(|last| last.voucher.version != signed.voucher.version));
		earlier.retain(|old| old.voucher.amount > standing.claimed);
		let surplus = earlier.len().saturating_sub(EARLIER);
		earlier.drain(..surplus);
		let before = self.promise.before;
		Promise { last: Some(*signed), asked: asked.clone(), earlier, closing: None, before }
	}

	/// The answered half once the request of the last voucher is answered: for this price, with a receipt that is evidence
	/// until before tick `receipt`. `None` if it was answered before, or nothing was asked.
	pub fn finished(&self, price: u128, receipt: Tick) -> Option<Served> {
		if !self.is_unfinished() {
			return None;
		}
		let answered = Answered { voucher: *self.last()?, asked: self.promise.asked.clone() };
		Some(Served {
			sum: self.served.sum.saturating_add(price),
			receipts: self.served.receipts.max(receipt),
			last: Some(answered),
		})
	}

	/// The promise once the provider has signed this closing.
	///
	/// # Errors
	///
	/// It gives the provider less than it is owed, or more than there is.
	pub fn agreed(&self, closing: &Closing, standing: &Standing) -> Result<Promise, Refusal> {
		let (amount, deposit) = (closing.amount, standing.deposit);
		let needed = self.spent().max(standing.claimed);
		if amount < needed {
			return Err(Refusal::Insufficient { amount, needed, spent: self.spent() });
		}
		if amount > deposit {
			return Err(Refusal::BeyondDeposit { amount, deposit });
		}
		// The one that can be used longest keeps the channel from being served.
		let kept = self.promise.closing.filter(|kept| kept.expires > closing.expires).unwrap_or(*closing);
		Ok(Promise { closing: Some(kept), ..self.promise.clone() })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_inference::api::Signature;

	const OPEN: Standing = Standing { deposit: 1_000, claimed: 0, tick: 10, credit: 0 };

	fn signed(nonce: u64, amount: u128) -> SignedVoucher {
		let voucher = Voucher { channel: 7, version: 0, amount, nonce };
		SignedVoucher { voucher, signature: Signature::Sr25519([0; 64]) }
	}

	fn asked(body: u8) -> Asked {
		Asked { key: None, digest: [body; 32] }
	}

	fn keyed(key: &str, body: u8) -> Asked {
		Asked { key: Some(key.to_owned()), ..asked(body) }
	}

	fn ask(account: &Account, voucher: &SignedVoucher, asked: &Asked) -> Result<Step, Refusal> {
		account.ask(&Request { voucher, asked, price: 100 }, &OPEN)
	}

	/// Accepts a voucher.
	fn accept(account: &mut Account, voucher: &SignedVoucher, asked: &Asked) {
		match ask(account, voucher, asked).unwrap() {
			Step::Serve(promise) => account.promise = *promise,
			step => panic!("{step:?}"),
		}
	}

	/// Accepts a voucher and answers.
	fn serve(account: &mut Account, voucher: &SignedVoucher, asked: &Asked) {
		accept(account, voucher, asked);
		account.served = account.finished(100, 50).unwrap();
	}

	/// An account of which request 1 was answered.
	fn once() -> Account {
		let mut account = Account::new(7, 0);
		serve(&mut account, &signed(1, 100), &asked(1));
		account
	}

	#[test]
	fn what_is_answered_is_spent_once() {
		let account = once();
		assert_eq!((account.spent(), account.served.receipts), (100, 50));
		assert_eq!(account.finished(100, 50), None);
	}

	#[test]
	fn an_equal_voucher_gets_the_same_answer() {
		assert_eq!(ask(&once(), &signed(1, 100), &asked(1)), Ok(Step::Replay));
	}

	#[test]
	fn a_voucher_that_has_paid_pays_for_nothing_else() {
		assert_eq!(ask(&once(), &signed(1, 100), &asked(2)), Err(Refusal::OtherRequest));
	}

	#[test]
	fn an_equal_key_gets_the_same_answer_whatever_the_voucher() {
		let mut account = Account::new(7, 0);
		serve(&mut account, &signed(1, 100), &keyed("k", 1));
		assert_eq!(ask(&account, &signed(2, 200), &keyed("k", 1)), Ok(Step::Replay));
		assert_eq!(ask(&account, &signed(2, 200), &keyed("k", 2)), Err(Refusal::OtherRequest));
	}

	#[test]
	fn a_key_belongs_to_its_request_before_it_is_answered() {
		let mut account = Account::new(7, 0);
		accept(&mut account, &signed(1, 100), &keyed("k", 1));
		assert_eq!(ask(&account, &signed(1, 100), &keyed("k", 2)), Err(Refusal::OtherRequest));
	}

	#[test]
	fn a_request_that_was_not_answered_goes_on_with_its_voucher() {
		let mut account = Account::new(7, 0);
		accept(&mut account, &signed(1, 100), &asked(1));
		assert_eq!(ask(&account, &signed(1, 100), &asked(1)), Ok(Step::Resume));
		assert_eq!(account.spent(), 0);
	}

	#[test]
	fn a_voucher_that_has_paid_for_nothing_may_pay_for_another_request() {
		let mut account = Account::new(7, 0);
		accept(&mut account, &signed(1, 100), &asked(1));
		accept(&mut account, &signed(1, 100), &asked(2));
		assert_eq!(account.promise.asked, asked(2));
	}

	#[test]
	fn a_request_that_was_not_answered_may_be_promised_more() {
		let mut account = Account::new(7, 0);
		accept(&mut account, &signed(1, 100), &asked(1));
		accept(&mut account, &signed(1, 150), &asked(1));
		accept(&mut account, &signed(2, 150), &asked(2));
	}

	#[test]
	fn a_nonce_is_used_once() {
		let used = Err(Refusal::NonceUsed { nonce: 1, next: 2 });
		assert_eq!(ask(&once(), &signed(1, 200), &asked(2)), used);
		let mut account = once();
		serve(&mut account, &signed(2, 200), &asked(2));
		assert_eq!(ask(&account, &signed(1, 300), &asked(3)), Err(Refusal::NonceUsed { nonce: 1, next: 3 }));
	}

	#[test]
	fn the_first_nonce_is_one() {
		let used = Err(Refusal::NonceUsed { nonce: 0, next: 1 });
		assert_eq!(ask(&Account::new(7, 0), &signed(0, 100), &asked(1)), used);
	}

	#[test]
	fn nonces_may_be_left_out() {
		assert!(matches!(ask(&once(), &signed(3, 300), &asked(2)), Ok(Step::Serve(_))));
	}

	#[test]
	fn a_voucher_that_was_claimed_before_it_paid_still_pays() {
		let mut account = Account::new(7, 0);
		accept(&mut account, &signed(1, 100), &asked(1));
		let claimed = Standing { claimed: 100, ..OPEN };
		let request = Request { voucher: &signed(1, 100), asked: &asked(1), price: 100 };
		assert_eq!(account.ask(&request, &claimed), Ok(Step::Resume));
	}

	#[test]
	fn a_channel_that_was_lost_goes_on_where_its_user_is() {
		let lost = Account::new(7, 400);
		let claimed = Standing { claimed: 400, ..OPEN };
		let ask = |nonce, amount| {
			lost.ask(&Request { voucher: &signed(nonce, amount), asked: &asked(1), price: 100 }, &claimed)
		};
		assert!(matches!(ask(9, 900), Ok(Step::Serve(_))));
		assert_eq!(ask(9, 399), Err(Refusal::AmountFell { amount: 399, least: 400 }));
		assert_eq!(ask(9, 499), Err(Refusal::Insufficient { amount: 499, needed: 500, spent: 400 }));
	}

	#[test]
	fn an_amount_never_falls() {
		let mut account = Account::new(7, 0);
		serve(&mut account, &signed(1, 500), &asked(1));
		let fell = Err(Refusal::AmountFell { amount: 499, least: 500 });
		assert_eq!(ask(&account, &signed(2, 499), &asked(2)), fell);
		assert!(matches!(ask(&account, &signed(2, 500), &asked(2)), Ok(Step::Serve(_))));
	}

	#[test]
	fn an_amount_below_what_was_claimed_is_refused() {
		let claimed = Standing { claimed: 150, ..OPEN };
		let request = Request { voucher: &signed(1, 120), asked: &asked(1), price: 100 };
		let fell = Err(Refusal::AmountFell { amount: 120, least: 150 });
		assert_eq!(Account::new(7, 0).ask(&request, &claimed), fell);
	}

	#[test]
	fn an_amount_covers_what_was_answered_and_what_is_asked() {
		let short = Err(Refusal::Insufficient { amount: 199, needed: 200, spent: 100 });
		assert_eq!(ask(&once(), &signed(2, 199), &asked(2)), short);
	}

	#[test]
	fn credit_lets_an_answer_go_ahead_of_its_promise() {
		let credit = Standing { credit: 30, ..OPEN };
		let account = once();
		let ask = |amount| {
			account.ask(&Request { voucher: &signed(2, amount), asked: &asked(2), price: 100 }, &credit)
		};
		assert!(matches!(ask(170), Ok(Step::Serve(_))));
		assert_eq!(ask(169), Err(Refusal::Insufficient { amount: 169, needed: 170, spent: 100 }));
	}

	#[test]
	fn no_more_is_promised_than_there_is() {
		let beyond = Err(Refusal::BeyondDeposit { amount: 1_001, deposit: 1_000 });
		assert_eq!(ask(&once(), &signed(2, 1_001), &asked(2)), beyond);
	}

	#[test]
	fn no_more_is_answered_than_there_is_whatever_the_credit() {
		let standing = Standing { deposit: 150, credit: 1_000, ..OPEN };
		let request = Request { voucher: &signed(2, 150), asked: &asked(2), price: 100 };
		let used = Err(Refusal::DepositUsed { needed: 200, deposit: 150 });
		assert_eq!(once().ask(&request, &standing), used);
	}

	#[test]
	fn nothing_is_served_while_a_signed_closing_can_be_used() {
		let mut account = once();
		let closing = Closing { channel: 7, version: 0, amount: 100, expires: 20 };
		account.promise = account.agreed(&closing, &OPEN).unwrap();
		assert_eq!(ask(&account, &signed(2, 200), &asked(2)), Err(Refusal::Agreed { until: 20 }));
		assert_eq!(
			ask(&account, &signed(1, 100), &asked(1)),
			Ok(Step::Replay),
			"what was paid is still given"
		);
		let later = Standing { tick: 20, ..OPEN };
		let request = Request { voucher: &signed(2, 200), asked: &asked(2), price: 100 };
		assert!(matches!(account.ask(&request, &later), Ok(Step::Serve(_))));
	}

	#[test]
	fn a_second_closing_does_not_shorten_the_first() {
		let mut account = once();
		let closing = |expires| Closing { channel: 7, version: 0, amount: 100, expires };
		account.promise = account.agreed(&closing(30), &OPEN).unwrap();
		account.promise = account.agreed(&closing(20), &OPEN).unwrap();
		assert_eq!(account.promise.closing.map(|closing| closing.expires), Some(30));
	}

	#[test]
	fn a_closing_gives_the_provider_what_it_is_owed_and_no_more_than_there_is() {
		let closing = |amount| Closing { channel: 7, version: 0, amount, expires: 20 };
		let short = Err(Refusal::Insufficient { amount: 99, needed: 100, spent: 100 });
		assert_eq!(once().agreed(&closing(99), &OPEN), short);
		let beyond = Err(Refusal::BeyondDeposit { amount: 1_001, deposit: 1_000 });
		assert_eq!(once().agreed(&closing(1_001), &OPEN), beyond);
	}

	#[test]
	fn each_versions_last_voucher_can_be_claimed() {
		let mut account = Account::new(7, 0);
		for (nonce, version) in [(1, 0), (2, 0), (3, 1), (4, 2)] {
			let mut voucher = signed(nonce, u128::from(nonce) * 100);
			voucher.voucher.version = version;
			serve(&mut account, &voucher, &asked(u8::try_from(nonce).unwrap()));
		}
		let amounts = |claimed| -> Vec<u128> {
			account.promise.claimable(claimed).iter().map(|signed| signed.voucher.amount).collect()
		};
		assert_eq!(amounts(0), [200, 300, 400]);
		assert_eq!(amounts(200), [300, 400]);
		assert_eq!(amounts(400), [0; 0]);
	}

	#[test]
	fn the_vouchers_of_earlier_versions_are_bounded_and_go_when_claimed() {
		let mut account = Account::new(7, 0);
		let standing = Standing { deposit: u128::MAX, ..OPEN };
		for nonce in 1..=20u32 {
			let mut voucher = signed(nonce.into(), u128::from(nonce) * 100);
			voucher.voucher.version = nonce;
			account.promise = account.promised(&voucher, &asked(1), &standing);
		}
		assert_eq!(account.promise.earlier.len(), EARLIER);
		let claimed = Standing { claimed: 1_900, ..standing };
		assert!(account.promised(&signed(21, 2_100), &asked(1), &claimed).earlier.len() < EARLIER);
	}
}
