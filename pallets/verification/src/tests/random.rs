//! Whatever is done in whatever order: nothing panics, the state stays sound, and no funds appear or vanish but by
//! the burns that events record.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The accounts that may be verifiers; five are from the start.
const ACCOUNTS: usize = 7;

/// Something that can happen.
#[derive(Clone, Debug)]
pub(super) enum Step {
	Open(TaskId, Tick),
	Wait(Tick),
	Epoch,
	/// A member's verdict, and whether its outputs are right.
	Commit(TaskId, usize, Verdict, bool),
	Reveal(TaskId, usize),
	/// All members commit, and open as soon as they can.
	All(TaskId, Verdict),
	Reopen(TaskId, Tick),
	Resolve(TaskId, bool),
	Close(TaskId, Ending<AccountId32>),
	Bond(usize, u64),
	Unbond(usize, u64),
	Join(usize),
	Capacity(usize, u64),
	Rest(usize),
	Wake(usize),
	Leave(usize),
	Away(usize),
	Dismiss(usize),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
	let task = (0..4u64).prop_map(TaskId::Submission);
	let who = 0..ACCOUNTS;
	let verdict = prop_oneof![
		4 => Just(Verdict::Valid),
		1 => (0..12u32).prop_map(Verdict::Wrong),
		2 => Just(Verdict::Unavailable),
	];
	let ending = prop_oneof![
		Just(Ending::Accepted),
		(0..ACCOUNTS + 2).prop_map(|index| Ending::Overturned { challenger: key(index) }),
		any::<[u8; 32]>().prop_map(|new| Ending::Overturned { challenger: AccountId32::new(new) }),
		Just(Ending::Fallen),
		Just(Ending::Lapsed),
		Just(Ending::Void),
	];
	let window = prop_oneof![4 => 0..12u64, 1 => Just(u64::MAX)];
	prop_oneof![
		4 => (task.clone(), window.clone()).prop_map(|(t, w)| Step::Open(t, w)),
		4 => (0..6u64).prop_map(Step::Wait),
		4 => Just(Step::Epoch),
		8 => (task.clone(), who.clone(), verdict.clone(), prop::bool::weighted(0.8))
			.prop_map(|(t, who, v, right)| Step::Commit(t, who, v, right)),
		8 => (task.clone(), who.clone()).prop_map(|(t, who)| Step::Reveal(t, who)),
		4 => (task.clone(), verdict).prop_map(|(t, v)| Step::All(t, v)),
		1 => (task.clone(), window).prop_map(|(t, w)| Step::Reopen(t, w)),
		2 => (task.clone(), any::<bool>()).prop_map(|(t, right)| Step::Resolve(t, right)),
		2 => (task, ending).prop_map(|(t, e)| Step::Close(t, e)),
		1 => (who.clone(), 1..3_000u64).prop_map(|(who, amount)| Step::Bond(who, amount)),
		1 => (who.clone(), 1..3_000u64).prop_map(|(who, amount)| Step::Unbond(who, amount)),
		1 => who.clone().prop_map(Step::Join),
		1 => (who.clone(), 5..400u64).prop_map(|(who, room)| Step::Capacity(who, room)),
		1 => who.clone().prop_map(Step::Rest),
		1 => who.clone().prop_map(Step::Wake),
		1 => who.clone().prop_map(Step::Leave),
		1 => who.clone().prop_map(Step::Away),
		1 => who.prop_map(Step::Dismiss),
	]
}

/// What members have committed to, and how much was bonded.
#[derive(Default)]
pub(super) struct Model {
	members: BTreeMap<(TaskId, usize), Member>,
	bonded: u64,
}

impl Model {
	fn commit(&mut self, id: TaskId, who: usize, verdict: Verdict, right: bool) {
		let wrong: Vec<_> = if right { vec![] } else { (0..RECORDS).collect() };
		let member = Member::with(who, id, verdict, outputs(&wrong));
		if Tasks::<Test>::contains_key(id) {
			// The signature is not looked at here, so a constant will do.
			let signature = MultiSignature::Sr25519([0; 64].into());
			if commit(who, id, member.commitment(), signature).is_ok() {
				self.members.insert((id, who), member);
			}
		}
	}

	fn reveal(&self, id: TaskId, who: usize) {
		let Some(member) = self.members.get(&(id, who)).filter(|_| Tasks::<Test>::contains_key(id)) else {
			return;
		};
		if member.authorize_open().is_ok() {
			assert_ok!(open(who, id, member.finding, member.proofs()));
		}
	}

	/// Does it; refusals are as good as success, as long as they change nothing.
	pub(super) fn take(&mut self, step: Step) {
		let signed = |index: usize| RuntimeOrigin::signed(key(index));
		match step {
			Step::Open(task, window) => {
				let refused =
					<Verification as Committees<AccountId32>>::open(task, CLAIM, &work(), window).is_err();
				assert!(refused || Verification::task(task).is_some());
			}
			Step::Wait(count) => {
				for _ in 0..count {
					let most = Verification::most_poll_weight();
					assert!(tick_within(Weight::MAX).all_lte(most));
				}
			}
			Step::Epoch => next_epoch(),
			Step::Commit(id, who, verdict, right) => self.commit(id, who, verdict, right),
			Step::Reveal(id, who) => self.reveal(id, who),
			Step::All(id, verdict) => {
				(0..ACCOUNTS).for_each(|who| self.commit(id, who, verdict, true));
				ticks(WINDOW + SEALED_TICKS);
				(0..ACCOUNTS).for_each(|who| self.reveal(id, who));
				tick();
			}
			Step::Reopen(id, window) => {
				let before = Verification::task(id);
				let until = <Verification as Committees<AccountId32>>::reopen(id, window);
				let after = Verification::task(id);
				let asked =
					|view: &Option<crate::TaskViewOf<Test>>| view.as_ref().map(|view| view.task.asked);
				assert_eq!(until.is_some(), asked(&before) != asked(&after));
			}
			Step::Resolve(id, right) => {
				let Some(TaskStatus::Disputed(record)) = Verification::status_of(id) else { return };
				let output = if right { [record as u8; 32] } else { [0xee; 32] };
				assert_ok!(<Verification as Committees<AccountId32>>::resolve(id, record, output));
				assert_ne!(Verification::status_of(id), Some(TaskStatus::Disputed(record)));
			}
			Step::Close(id, ending) => {
				let before = Verification::task(id).map(|view| view.task.members.to_vec());
				let right = <Verification as Committees<_>>::close(id, ending);
				let members = before.unwrap_or_default();
				assert!(right.iter().all(|(who, votes)| members.contains(who) && *votes > 0));
				assert_eq!(Verification::task(id), None);
			}
			Step::Bond(who, amount) => {
				bond(&key(who), amount);
				self.bonded += amount;
			}
			Step::Unbond(who, amount) => unbond(&key(who), amount),
			Step::Join(who) => {
				let _ = Verification::join(signed(who), ROOM);
			}
			Step::Capacity(who, room) => {
				let _ = Verification::set_capacity(signed(who), Load { time: room, bytes: room });
			}
			Step::Rest(who) => {
				let _ = Verification::rest(signed(who));
			}
			Step::Wake(who) => {
				let _ = Verification::wake(signed(who));
			}
			Step::Leave(who) => {
				let _ = Verification::leave(signed(who));
			}
			Step::Away(who) => {
				if Verification::verifier(key(who)).is_some_and(|verifier| verifier.duty == Duty::Awake) {
					Verification::send_away(&key(who));
				}
			}
			Step::Dismiss(who) => {
				let _ = Verification::dismiss(signed(STRANGER), key(who));
			}
		}
	}
}

use polkadot_sdk::frame_support::weights::Weight;

/// What the events say was burned.
fn burned() -> u64 {
	let sum = |amount: fn(&Event<Test>) -> u64| events().iter().map(amount).sum::<u64>();
	let slashed = sum(|event| if let Event::Slashed { amount, .. } = event { *amount } else { 0 });
	let paid = sum(|event| if let Event::ChallengerPaid { amount, .. } = event { *amount } else { 0 });
	slashed - paid
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(96))]

	#[test]
	fn any_sequence_keeps_the_state_sound_and_the_funds_accounted_for(
		able in 0..=60u32,
		steps in prop::collection::vec(step(), 1..70),
	) {
		new_test_ext(5).execute_with(|| {
			AbleShare::set(Perbill::from_percent(able));
			let issued = issuance();
			let mut model = Model::default();
			for step in steps {
				model.take(step);
				check();
				let accounts = polkadot_sdk::frame_system::Account::<Test>::iter_values();
				let owned: u64 = accounts.map(|account| account.data.free + account.data.reserved).sum();
				assert_eq!(issuance(), owned);
				assert_eq!(owned + burned(), issued + model.bonded);
				let bonds: u64 = Bonds::iter_values().map(|bond| bond.active + bond.leaving).sum();
				assert_eq!(Balances::free_balance(POT), bonds);
			}
		});
	}
}
