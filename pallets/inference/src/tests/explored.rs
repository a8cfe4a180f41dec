//! Everything that can happen to a channel, in every order, up to a number of steps.
//!
//! A [`Model`] of a channel that fits on a page says what each step must do. Every step is made on the chain from every state
//! that is reached, and the two are compared: the result, the stored channel, and all money. From each state, the channel
//! must be able to end with everything that was not claimed at the user's.

use super::*;
use polkadot_sdk::frame_support::storage::{TransactionOutcome, with_transaction_unchecked};
use std::collections::HashMap;

/// Steps in a row.
const DEPTH: u32 = 6;
/// What the channel begins with, and its term.
const DEPOSIT: u64 = 200;
const TERM: Tick = 20;
/// What a dispute that is won pays, and what it burns.
const REFUND: u64 = 20 * REFUND_RATIO as u64 + DISPUTE_FEE;
const BURNED: u64 = RECEIPT_SLASH - REFUND;
/// When the receipt expires that is disputed.
const RECEIPT_EXPIRES: Tick = 1_000 + RECEIPT_LIFE;

/// What somebody does. A voucher is an amount and a nonce, which decides nothing.
#[derive(Clone, Copy, Debug)]
enum Action {
	TopUp(u64),
	Claim(&'static [(u64, u64)]),
	Close(Option<(u64, u64)>),
	Agree(u64),
	BeginClose,
	FinishClose,
	Remove,
	Dispute,
	Pass(Tick),
}

/// Amounts of which every part is whole.
const ACTIONS: [Action; 14] = [
	Action::TopUp(100),
	Action::Claim(&[(100, 1)]),
	// A voucher with more for an older request.
	Action::Claim(&[(200, 0)]),
	// One that the first deposit does not cover.
	Action::Claim(&[(300, 2)]),
	Action::Claim(&[(300, 2), (200, 0), (100, 1)]),
	Action::Close(None),
	Action::Close(Some((300, 2))),
	Action::Agree(200),
	Action::BeginClose,
	Action::FinishClose,
	Action::Remove,
	Action::Dispute,
	Action::Pass(TERMS.grace),
	Action::Pass(RECEIPT_LIFE),
];

/// What a channel is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Model {
	now: Tick,
	deposit: u64,
	claimed: u64,
	/// `None` once it is removed.
	state: Option<ChannelStateOf>,
	disputed: bool,
}

/// [`ChannelState`], which is no key of a map.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum ChannelStateOf {
	Open,
	Closing(Tick),
	Closed(Tick),
}

impl Model {
	fn new() -> Self {
		let state = Some(ChannelStateOf::Open);
		Self { now: 1_000, deposit: DEPOSIT, claimed: 0, state, disputed: false }
	}

	/// The state of a channel that pays.
	fn live(&self) -> Result<ChannelStateOf, Error<Test>> {
		match self.state {
			None => Err(Error::UnknownChannel),
			Some(ChannelStateOf::Closed(_)) => Err(Error::ChannelClosed),
			Some(state) => Ok(state),
		}
	}

	/// Whether anybody may end it.
	fn is_over(&self) -> bool {
		let expired = self.now >= 1_000 + TERM;
		expired || matches!(self.state, Some(ChannelStateOf::Closing(at)) if self.now >= at)
	}

	fn redeem(&mut self, amount: u64) -> Result<(), Error<Test>> {
		if amount > self.deposit {
			return Err(Error::BeyondDeposit);
		}
		if amount < self.claimed {
			return Err(Error::AmountTooLow);
		}
		self.claimed = amount;
		Ok(())
	}

	fn claim(&mut self, amount: u64) -> Result<(), Error<Test>> {
		self.live()?;
		if amount == self.claimed {
			return Err(Error::AmountTooLow);
		}
		self.redeem(amount)?;
		Ok(())
	}

	fn end(&mut self) {
		self.state = Some(ChannelStateOf::Closed(self.now + RECEIPT_LIFE));
	}

	fn make(&mut self, action: Action) -> Result<(), Error<Test>> {
		match action {
			Action::TopUp(amount) => {
				if self.live()? != ChannelStateOf::Open || self.is_over() {
					return Err(Error::ChannelClosing);
				}
				self.deposit += amount;
			}
			Action::Claim(vouchers) => {
				let results = vouchers.iter().map(|voucher| self.claim(voucher.0)).collect::<Vec<_>>();
				if results.iter().all(Result::is_err) {
					return results.into_iter().next().unwrap();
				}
			}
			Action::Close(last) => {
				self.live()?;
				last.map_or(Ok(()), |voucher| self.claim(voucher.0))?;
				self.end();
			}
			Action::Agree(amount) => {
				self.live()?;
				self.redeem(amount)?;
				self.end();
			}
			Action::BeginClose => {
				if self.live()? != ChannelStateOf::Open {
					return Err(Error::ChannelClosing);
				}
				self.state = Some(ChannelStateOf::Closing(self.now + TERMS.grace));
			}
			Action::FinishClose => {
				self.live()?;
				if !self.is_over() {
					return Err(Error::TooEarlyToClose);
				}
				self.end();
			}
			Action::Remove => {
				let state = self.state.ok_or(Error::UnknownChannel)?;
				let ChannelStateOf::Closed(until) = state else { return Err(Error::ChannelNotClosed) };
				if self.now < until {
					return Err(Error::TooEarlyToRemove);
				}
				self.state = None;
			}
			Action::Dispute => {
				let state = self.state.ok_or(Error::UnknownChannel)?;
				let forgotten = matches!(state, ChannelStateOf::Closed(until) if self.now >= until);
				if self.now >= RECEIPT_EXPIRES || forgotten {
					return Err(Error::ReceiptExpired);
				}
				if self.disputed {
					return Err(Error::AlreadyDisputed);
				}
				self.disputed = true;
			}
			Action::Pass(ticks) => self.now += ticks,
		}
		Ok(())
	}

	/// What is on hold of the user's for the channel.
	fn on_hold(&self) -> u64 {
		if self.live().is_ok() { self.deposit - self.claimed } else { 0 }
	}

	fn won(&self, amount: u64) -> u64 {
		if self.disputed { amount } else { 0 }
	}

	/// Compares with the chain.
	fn check(&self, start: &Start) {
		let state = self.state.map(|state| match state {
			ChannelStateOf::Open => ChannelState::Open,
			ChannelStateOf::Closing(at) => ChannelState::Closing { at },
			ChannelStateOf::Closed(until) => ChannelState::Closed { until },
		});
		let Self { deposit, claimed, .. } = *self;
		let expected =
			state.map(|state| ChannelOf::<Test> { deposit, claimed, state, ..start.channel.clone() });
		assert_eq!(Channels::<Test>::get(0), expected);
		assert_eq!(Time::get(), self.now);
		assert_eq!(held(HoldReason::Channel, USER), self.on_hold());
		let ticket = if state.is_some() { channel_ticket() } else { 0 };
		assert_eq!(held(HoldReason::ChannelDeposit, USER), ticket);
		// All that the provider and the others ever have is of the deposit, and is paid once.
		assert!(claimed <= deposit);
		assert_eq!(wealth(USER), WEALTH - claimed + self.won(REFUND));
		assert_eq!(wealth(PROVIDER), WEALTH + claimed * 60 / 100);
		assert_eq!(wealth(TRAINER), WEALTH + claimed * 20 / 100);
		assert_eq!(wealth(TREASURY), WEALTH + claimed * 4 / 100);
		assert_eq!(issuance(), start.issuance - claimed * 7 / 100 - self.won(BURNED));
		let marks = usize::from(self.disputed && state.is_some());
		assert_eq!(Disputed::<Test>::iter_keys().count(), marks);
		Inference::do_try_state().unwrap();
	}
}

/// How everything was.
struct Start {
	channel: ChannelOf<Test>,
	issuance: u64,
	receipt: (Receipt, TestSignature),
}

/// Makes it on the chain.
fn make(action: Action, start: &Start) -> DispatchResult {
	match action {
		Action::TopUp(amount) => Inference::top_up(origin(USER), 0, amount),
		Action::Claim(vouchers) => {
			claim(vouchers.iter().map(|(amount, nonce)| voucher(0, *amount, *nonce)).collect())
		}
		Action::Close(last) => {
			let last = last.map(|(amount, nonce)| voucher(0, amount, nonce));
			Inference::close(origin(PROVIDER), 0, last)
		}
		Action::Agree(amount) => {
			let closing = Closing { channel: 0, version: 0, amount: amount.into(), expires: Tick::MAX };
			let [of_user, of_provider] =
				[VOUCHER_KEY, RECEIPT_KEY].map(|key| sign(key, closing.message(&genesis())));
			Inference::close_agreed(origin(OTHER), closing, of_user, of_provider)
		}
		Action::BeginClose => Inference::begin_close(origin(USER), 0),
		Action::FinishClose => Inference::finish_close(origin(OTHER), 0),
		Action::Remove => Inference::remove(origin(OTHER), 0),
		Action::Dispute => dispute(USER, &start.receipt, &wrong(1), 0),
		Action::Pass(ticks) => {
			pass(ticks);
			Ok(())
		}
	}
}

/// Does it and undoes it.
fn undone(does: impl FnOnce()) {
	let (now, stake) = (Time::get(), Stake::get());
	with_transaction_unchecked(|| {
		does();
		TransactionOutcome::Rollback(())
	});
	Time::set(now);
	Stake::set(stake);
	Seen::set(vec![]);
	Used::set(vec![]);
}

/// The channel ends, without anybody's consent, and nothing is left behind.
fn ends(model: &Model, start: &Start) {
	undone(|| {
		let mut model = model.clone();
		for action in [Action::Pass(TERM), Action::FinishClose, Action::Pass(RECEIPT_LIFE), Action::Remove] {
			assert_eq!(make(action, start).is_ok(), model.make(action).is_ok());
			model.check(start);
		}
		assert_eq!(model.state, None);
		assert_eq!(held(HoldReason::Channel, USER) + held(HoldReason::ChannelDeposit, USER), 0);
	});
}

/// Makes all actions from here, `left` in a row. `seen` says how many were left where a state was explored before.
fn explore(model: &Model, left: u32, start: &Start, seen: &mut HashMap<Model, u32>) {
	match seen.get(model) {
		Some(explored) if *explored >= left => return,
		Some(_) => {}
		None => ends(model, start),
	}
	seen.insert(model.clone(), left);
	if left == 0 {
		return;
	}
	for action in ACTIONS {
		undone(|| {
			let mut next = model.clone();
			let expected = next.make(action).map_err(DispatchError::from);
			assert_eq!(make(action, start), expected, "{action:?} of {model:?}");
			if expected.is_err() {
				next = model.clone();
			}
			next.check(start);
			explore(&next, left - 1, start, seen);
		});
	}
}

#[test]
fn whatever_happens_to_a_channel_no_money_is_paid_twice_or_stranded() {
	run(|| {
		assert_ok!(Inference::open(origin(USER), PROVIDER, model(), DEPOSIT, Some(VOUCHER_KEY), TERMS, TERM));
		let receipt = wrong_receipt(Payment::Channel(0));
		assert_eq!(receipt.0.expires, RECEIPT_EXPIRES);
		let start = Start { channel: channel(0), issuance: issuance(), receipt };
		let mut seen = HashMap::new();
		explore(&Model::new(), DEPTH, &start, &mut seen);
		assert!(seen.len() > 1_000, "{} states say little", seen.len());
	});
}
