//! What members answer: first a hash, then what is behind it.
//!
//! Whoever commits has a root over the outputs of all records, bound to its own account: neither a copied hash nor a
//! copied root can be opened by anybody else. Only when nobody can commit any more, records are drawn, and everyone who
//! committed shows its outputs of them.
//!
//! A commitment is signed. An opening needs no signature: all that it says is fixed by the commitment, and of its proofs
//! there is one that the root admits. Who takes somebody's opening out of the pool can send it as it is, which is as good,
//! or not at all.

use crate::{pallet::*, types::*, *};
use oda_primitives::{OutputProofError, refusal};
use polkadot_sdk::sp_runtime::{
	traits::Verify,
	transaction_validity::{
		TransactionValidityError, TransactionValidityWithRefund, ValidTransactionBuilder,
	},
};

impl<T: Config> Pallet<T> {
	/// The task and the seat, if `verifier` can commit now.
	fn committable(id: TaskId, verifier: &T::AccountId) -> Result<(TaskOf<T>, SeatOf<T>, Tick), Error<T>> {
		let task = Tasks::<T>::get(id).ok_or(Error::<T>::UnknownTask)?;
		let Phase::Committing { until } = task.phase else { return Err(Error::<T>::NotCommitting) };
		let left = until.saturating_sub(T::Clock::get());
		ensure!(left > 0, Error::<T>::WindowOver);
		let seat = Seats::<T>::get(id, verifier).ok_or(Error::<T>::NotMember)?;
		ensure!(!seat.earlier && seat.answer == Answer::None, Error::<T>::AlreadyCommitted);
		Ok((task, seat, left))
	}

	/// What a member signs.
	pub(crate) fn signed_bytes(id: TaskId, task: &TaskOf<T>, commitment: &[u8; 32]) -> Vec<u8> {
		message::answer(&funds::genesis_hash::<T>(), id, &task.claim, task.asked, commitment)
	}

	/// Whether a commitment may enter the pool and the block: the cheap checks first, the signature last.
	pub(crate) fn authorize_commit(
		_source: TransactionSource,
		id: &TaskId,
		commitment: &[u8; 32],
		verifier: &T::AccountId,
		signature: &T::Signature,
	) -> TransactionValidityWithRefund {
		let (task, _, left) = Self::committable(*id, verifier).map_err(Self::refusal)?;
		let bytes = Self::signed_bytes(*id, &task, commitment);
		if !signature.verify(bytes.as_slice(), verifier) {
			return Err(InvalidTransaction::BadProof.into());
		}
		Self::admit("OdaCommit", (*id, task.asked, verifier), left)
	}

	/// Records a commitment that `authorize` found signed.
	pub(crate) fn do_commit(id: TaskId, commitment: [u8; 32], verifier: T::AccountId) -> DispatchResult {
		let (mut task, mut seat, _) = Self::committable(id, &verifier)?;
		seat.answer = Answer::Committed(commitment);
		task.committed = task.committed.saturating_add(seat.votes);
		Seats::<T>::insert(id, &verifier, seat);
		if task.committed >= task.answering {
			Self::seal(id, &mut task);
		}
		Tasks::<T>::insert(id, task);
		Self::deposit_event(Event::Committed { task: id, verifier });
		Ok(())
	}

	/// The task and the seat, if `verifier` can open this finding now.
	fn openable(
		id: TaskId,
		verifier: &T::AccountId,
		finding: &Finding,
	) -> Result<(TaskOf<T>, SeatOf<T>, Tick), Error<T>> {
		let task = Tasks::<T>::get(id).ok_or(Error::<T>::UnknownTask)?;
		let Phase::Opening { until } = task.phase else { return Err(Error::<T>::NotOpening) };
		let left = until.saturating_sub(T::Clock::get());
		ensure!(left > 0, Error::<T>::WindowOver);
		let seat = Seats::<T>::get(id, verifier).ok_or(Error::<T>::NotMember)?;
		let committed = match seat.answer {
			Answer::Committed(committed) if !seat.earlier => committed,
			Answer::None => return Err(Error::<T>::NotCommitted),
			_ => return Err(Error::<T>::AlreadyOpened),
		};
		if let Verdict::Wrong(record) = finding.verdict {
			ensure!(record < task.records, Error::<T>::NoSuchRecord);
		}
		let genesis = funds::genesis_hash::<T>();
		let commitment = finding.commitment(&genesis, id, &task.claim, task.asked, verifier);
		ensure!(commitment == committed, Error::<T>::OtherCommitment);
		Ok((task, seat, left))
	}

	/// Whether the proofs show the outputs of the wanted records. What has not the right shape is refused before anything is
	/// hashed.
	fn check_proofs(
		id: TaskId,
		task: &TaskOf<T>,
		verifier: &T::AccountId,
		finding: &Finding,
		proofs: &[OutputProof],
	) -> Result<(), Error<T>> {
		let wanted: &[u32] = if finding.verdict == Verdict::Unavailable { &[] } else { &task.wanted };
		ensure!(proofs.len() == wanted.len(), Error::<T>::OutputCount);
		for (record, proof) in wanted.iter().zip(proofs) {
			proof.verify(&finding.root, verifier, id, *record, task.records).map_err(
				|error| match error {
					OutputProofError::OutOfRange => Error::<T>::NoSuchRecord,
					OutputProofError::SiblingCount => Error::<T>::ProofSiblings,
					OutputProofError::RootMismatch => Error::<T>::OtherOutput,
				},
			)?;
		}
		Ok(())
	}

	/// Whether an opening may enter the pool and the block: the cheap checks first, the proofs last.
	#[allow(clippy::ptr_arg, reason = "the macro passes the call's own fields")]
	pub(crate) fn authorize_open(
		_source: TransactionSource,
		id: &TaskId,
		verifier: &T::AccountId,
		finding: &Finding,
		proofs: &Vec<OutputProof>,
	) -> TransactionValidityWithRefund {
		let (task, _, left) = Self::openable(*id, verifier, finding).map_err(Self::refusal)?;
		Self::check_proofs(*id, &task, verifier, finding, proofs).map_err(Self::refusal)?;
		Self::admit("OdaOpen", (*id, task.asked, verifier), left)
	}

	/// Records an opening whose proofs `authorize` found right.
	pub(crate) fn do_open(
		id: TaskId,
		verifier: T::AccountId,
		finding: &Finding,
		proofs: &[OutputProof],
	) -> DispatchResult {
		let (mut task, mut seat, _) = Self::openable(id, &verifier, finding)?;
		let outputs = proofs.iter().map(|proof| proof.output).collect::<Vec<_>>();
		let outputs = outputs.try_into().map_err(|_| Error::<T>::OutputCount)?;
		let verdict = finding.verdict;
		seat.answer = Answer::Opened { verdict, outputs };
		task.opened = task.opened.saturating_add(seat.votes);
		Seats::<T>::insert(id, &verifier, seat);
		if task.opened >= task.committed {
			// What the answers come to is found in the next tick, where it has a weight of its own.
			let until = T::Clock::get().saturating_add(1);
			Self::enter(id, &mut task, Phase::Opening { until });
		}
		Tasks::<T>::insert(id, task);
		Self::deposit_event(Event::Opened { task: id, verifier, verdict });
		Ok(())
	}

	/// An answer that the pool and blocks take, once from each member and round, for `ticks`.
	fn admit(kind: &'static str, what: impl Encode, ticks: Tick) -> TransactionValidityWithRefund {
		let builder: ValidTransactionBuilder = ValidTransaction::with_tag_prefix(kind)
			.priority(T::AnswerPriority::get())
			.and_provides(what)
			.longevity(ticks)
			.propagate(true);
		builder.build().map(|valid| (valid, Weight::zero()))
	}

	/// How the pool says why an answer is refused.
	fn refusal(error: Error<T>) -> TransactionValidityError {
		let index = error.encode().first().copied().unwrap_or_default();
		InvalidTransaction::Custom(refusal::VERIFICATION.saturating_add(index)).into()
	}
}
