//! Whatever is done in whatever order: nothing panics, the state stays sound, and no funds appear or vanish but by
//! the burns that events record.

use super::*;
use polkadot_sdk::frame_support::traits::fungible::Inspect;
use proptest::prelude::*;

/// Something that can happen.
#[derive(Clone, Debug)]
pub(super) enum Step {
	Open(TaskId, Tick),
	Wait(Tick),
	Attest(TaskId, usize, Verdict),
	Reopen(TaskId, Tick),
	Close(TaskId, Ending<AccountId32>),
	Leave(usize),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
	let task = (0..4u64).prop_map(TaskId::Submission);
	let verdict = prop_oneof![
		4 => Just(Verdict::Valid),
		1 => any::<u32>().prop_map(Verdict::Wrong),
		1 => Just(Verdict::Unavailable),
	];
	let ending = prop_oneof![
		Just(Ending::Accepted),
		(0..KEYS.len()).prop_map(|index| Ending::Overturned { challenger: key(index) }),
		any::<[u8; 32]>().prop_map(|new| Ending::Overturned { challenger: AccountId32::new(new) }),
		Just(Ending::Withheld),
		Just(Ending::Lapsed),
		Just(Ending::Void),
	];
	prop_oneof![
		3 => (task.clone(), prop_oneof![0..12u64, Just(u64::MAX)]).prop_map(|(t, w)| Step::Open(t, w)),
		2 => (0..6u64).prop_map(Step::Wait),
		12 => (task.clone(), 0..KEYS.len(), verdict).prop_map(|(t, who, v)| Step::Attest(t, who, v)),
		1 => (task.clone(), 0..12u64).prop_map(|(t, w)| Step::Reopen(t, w)),
		2 => (task, ending).prop_map(|(t, e)| Step::Close(t, e)),
		1 => (0..KEYS.len()).prop_map(Step::Leave),
	]
}

/// Does it; refusals are as good as success, as long as they change nothing.
pub(super) fn take(step: Step) {
	match step {
		Step::Open(task, window) => {
			let refused = <Verification as Committees<AccountId32>>::open(task, CLAIM, window).is_err();
			assert!(refused || Verification::task(task).is_some());
		}
		Step::Reopen(task, window) => {
			let open = Verification::task(task).is_some_and(|task| {
				let missed = task.answers.iter().any(|(_, verdict)| *verdict == Verdict::Unavailable);
				task.passed_at.is_none() && missed
			});
			assert_eq!(<Verification as Committees<AccountId32>>::reopen(task, window).is_some(), open);
		}
		Step::Wait(ticks) => Time::set(Time::get() + ticks),
		Step::Attest(task, who, verdict) => {
			// The signature is not looked at here, so a constant will do.
			let signature = MultiSignature::Sr25519([0; 64].into());
			let origin = RawOrigin::Authorized.into();
			let _ = Verification::attest(origin, task, verdict, key(who), signature);
		}
		Step::Close(task, ending) => {
			let before = Verification::task(task);
			let innocent = <Verification as Committees<_>>::close(task, ending);
			let answered = |who| before.as_ref().is_some_and(|t| t.answer_of(who).is_some());
			assert!(innocent.iter().all(answered));
			assert_eq!(Verification::task(task), None);
		}
		Step::Leave(who) => {
			let _ = Verification::leave(RuntimeOrigin::signed(key(who)));
		}
	}
}

/// What the events say was burned.
fn burned() -> u64 {
	let sum = |amount: fn(&Event<Test>) -> u64| events().iter().map(amount).sum::<u64>();
	let slashed = sum(|event| if let Event::Slashed { amount, .. } = event { *amount } else { 0 });
	let paid = sum(|event| if let Event::ChallengerPaid { amount, .. } = event { *amount } else { 0 });
	slashed - paid
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	#[test]
	fn any_sequence_keeps_the_state_sound_and_the_funds_accounted_for(
		verifiers in 0..=KEYS.len(),
		steps in prop::collection::vec(step(), 1..60),
	) {
		new_test_ext(verifiers).execute_with(|| {
			Time::set(100);
			let issued = <Balances as Inspect<_>>::total_issuance();
			for step in steps {
				take(step);
				assert_ok!(Verification::do_try_state());
				let accounts = polkadot_sdk::frame_system::Account::<Test>::iter_values();
				let owned: u64 = accounts.map(|account| account.data.free + account.data.reserved).sum();
				assert_eq!(<Balances as Inspect<_>>::total_issuance(), owned);
				assert_eq!(owned + burned(), issued);
			}
		});
	}
}
