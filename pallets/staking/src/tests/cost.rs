//! What is read and written, however many delegate.

use super::*;
use polkadot_sdk::frame_support::traits::fungible::Mutate;
use std::{
	collections::BTreeSet,
	fmt::Debug,
	sync::{Arc, Mutex},
};
use tracing::{
	Event as Traced, Metadata, Subscriber,
	field::{Field, Visit},
	span::{Attributes, Id, Record},
};

/// The keys of storage that were touched, each with how.
type Keys = BTreeSet<(String, String)>;

/// Listens to what the state machine says of each access.
struct Listener(Arc<Mutex<Keys>>);

#[derive(Default)]
struct Access {
	method: String,
	key: String,
}

impl Visit for Access {
	fn record_str(&mut self, field: &Field, value: &str) {
		if field.name() == "method" {
			self.method = value.to_owned();
		}
	}

	fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
		if field.name() == "key" {
			self.key = format!("{value:?}");
		}
	}
}

impl Subscriber for Listener {
	fn enabled(&self, metadata: &Metadata<'_>) -> bool {
		metadata.target() == "state"
	}
	fn new_span(&self, _: &Attributes<'_>) -> Id {
		Id::from_u64(1)
	}
	fn record(&self, _: &Id, _: &Record<'_>) {}
	fn record_follows_from(&self, _: &Id, _: &Id) {}
	fn event(&self, event: &Traced<'_>) {
		let mut access = Access::default();
		event.record(&mut access);
		if !access.key.is_empty() {
			self.0.lock().unwrap().insert((access.method, access.key));
		}
	}
	fn enter(&self, _: &Id) {}
	fn exit(&self, _: &Id) {}
}

/// How many keys are read, and how many written.
fn touched(act: impl FnOnce()) -> (usize, usize) {
	let keys = Arc::new(Mutex::new(Keys::new()));
	tracing::subscriber::with_default(Listener(keys.clone()), act);
	let keys = keys.lock().unwrap();
	let of = |methods: &[&str]| keys.iter().filter(|(method, _)| methods.contains(&method.as_str())).count();
	(of(&["Get", "Exists", "Hash"]), of(&["Put", "Append"]))
}

/// What slashing, rewarding and letting one out touches with so many delegators.
fn costs(delegators: u64) -> [(usize, usize); 3] {
	let mut costs = [(0, 0); 3];
	bare_ext().execute_with(|| {
		assert_ok!(bond(Verifier, 5, 300_000));
		for who in 1_000..1_000 + delegators {
			Balances::mint_into(&who, 2 * MIN_DELEGATION).unwrap();
			assert_ok!(delegate(Verifier, 5, who, MIN_DELEGATION));
			// The mock's watcher copies all that it remembers.
			Told::set(vec![]);
		}
		assert_ok!(unbond(Verifier, 5, 1_001, MIN_DELEGATION));
		Time::set(Time::get() + TERM);
		System::reset_events();
		costs[0] = touched(|| {
			slash(Verifier, 5, 10_000);
		});
		System::reset_events();
		costs[1] = touched(|| {
			reward(Verifier, 5, 10_000);
		});
		System::reset_events();
		costs[2] = touched(|| withdraw(Verifier, 5, 1_001).unwrap());
	});
	costs
}

#[test]
fn a_slash_a_reward_and_a_withdrawal_touch_as_much_with_a_hundred_thousand_delegators_as_with_ten() {
	let few = costs(10);
	assert!(few.iter().all(|(reads, writes)| *reads > 2 && *writes > 1), "{few:?}: nothing was heard");
	assert_eq!(costs(100_000), few);
}
