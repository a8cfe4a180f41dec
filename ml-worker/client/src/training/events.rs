//! What happened to submissions.

use super::Target;
use crate::{AccountId, Balance, ChainError, View, error::node, runtime};
use oda_primitives::{ModelId, SubmissionId, TaskId, Tick, Verdict, VersionId, hexadecimal};
use serde::Serialize;

/// Something that happened to a submission.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SubmissionEvent {
	/// Which.
	pub submission: SubmissionId,
	/// What.
	#[serde(flatten)]
	pub what: Happened,
}

/// What happened to a submission.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Happened {
	/// Its trainer committed to weights.
	Committed {
		/// The model.
		#[serde(serialize_with = "hexadecimal::serialize")]
		model: ModelId,
		/// Whose it is.
		trainer: AccountId,
	},
	/// Weights and scores were revealed.
	Revealed {
		/// The sum of the claimed scores.
		score: i64,
		/// What the verifiers will share.
		fee: Balance,
	},
	/// It is being verified.
	VerificationStarted {
		/// The first tick at which it can be settled. Its verifiers are yet to be drawn.
		open_until: Tick,
	},
	/// Too few verifiers had room for it: it waits for the next draw.
	DrawFailed,
	/// Its verifiers were drawn.
	CommitteeDrawn {
		/// How many.
		members: u32,
		/// How many of them have to say `Valid`.
		quorum: u32,
		/// The first tick at which their commitments are refused.
		until: Tick,
	},
	/// A verifier committed to what it found.
	FindingCommitted {
		/// Who.
		verifier: AccountId,
	},
	/// All verifiers that committed are to open.
	RecordsDrawn {
		/// The records whose outputs they show.
		records: Vec<u32>,
		/// The first tick at which openings are refused.
		until: Tick,
	},
	/// A verifier opened what it had committed to.
	FindingOpened {
		/// Who.
		verifier: AccountId,
		/// What it found.
		verdict: Verdict,
	},
	/// Verifiers differ about a record.
	TaskDisputed {
		/// Which.
		record: u32,
		/// The tick at which the task lapses, unless the record is resolved.
		until: Tick,
	},
	/// The runtime ran the record about which they differed.
	DisputeResolved {
		/// Which.
		record: u32,
		/// What was claimed.
		claimed: i32,
		/// What the runtime found.
		actual: i32,
	},
	/// Most verifiers could not get the weights or the data.
	TaskUnavailable,
	/// Too few verifiers said that it is valid.
	TaskLapsed,
	/// Too few verifiers said that it is valid; more are drawn.
	DrawnAgain {
		/// How many votes they are to have.
		votes: u32,
	},
	/// Enough verifiers said that it is valid.
	TaskPassed,
	/// Somebody committed to evidence against it.
	ChallengeCommitted {
		/// The challenger.
		who: AccountId,
		/// The first tick at which the commitment is worth nothing.
		expires_at: Tick,
	},
	/// A challenge found that a claimed score is right.
	ChallengeFailed {
		/// Which record's.
		record: u32,
		/// Who claimed otherwise.
		challenger: AccountId,
	},
	/// Its weights were demanded.
	WeightsDemanded {
		/// The demander; nobody if most verifiers could not get them.
		who: Option<AccountId>,
		/// The first tick at which it is too late to post them.
		until: Tick,
	},
	/// Its weights, which were demanded, were posted.
	WeightsPosted {
		/// The trainer's part of the price of the block space.
		by_trainer: Balance,
	},
	/// Verifiers that could not get its weights are asked again.
	TaskReopened {
		/// The tick until which verifiers answer.
		until: Tick,
	},
	/// Nobody posted its weights in time, which were demanded.
	Withheld {
		/// The demander; nobody if most verifiers could not get them.
		demander: Option<AccountId>,
		/// The amount that the trainer lost.
		burned: Balance,
	},
	/// The runtime found a wrong score when verifiers differed, and nobody had committed to evidence before.
	Refuted {
		/// The amount that the trainer lost.
		burned: Balance,
	},
	/// It became its model's head.
	Accepted {
		/// The new version's number.
		version: VersionId,
		/// The sum of its scores.
		score: i64,
	},
	/// A claimed score was wrong.
	Overturned {
		/// Which record's.
		record: u32,
		/// What was claimed.
		claimed: i32,
		/// What the runtime found.
		actual: i32,
		/// Who proved it.
		challenger: AccountId,
		/// How much the trainer lost.
		slashed: Balance,
	},
	/// It ended without a verification; the bond was returned.
	Expired {
		/// Why.
		why: String,
	},
	/// It does not beat the head that there is now; all was returned.
	Outdated,
	/// Its trainer took it back.
	Withdrawn,
	/// It was not revealed in time, and the bond burned.
	Forfeited,
}

impl Happened {
	/// Whether this was the end of the submission.
	pub fn is_end(&self) -> bool {
		matches!(
			self,
			Self::Accepted { .. }
				| Self::Overturned { .. }
				| Self::Withheld { .. }
				| Self::Refuted { .. }
				| Self::Expired { .. }
				| Self::Outdated
				| Self::Withdrawn
				| Self::Forfeited
		)
	}
}

impl View {
	/// What happened to submissions in this block, in order.
	pub async fn submission_events(&self) -> Result<Vec<SubmissionEvent>, ChainError> {
		use runtime::{training::events as training, verification::events as verification};
		let events = self.at.events().fetch().await.map_err(node)?;
		let mut found = Vec::new();
		for event in events.iter() {
			let event = event.map_err(node)?;
			macro_rules! map {
				($type:ty, |$e:ident| $submission:expr => $what:expr) => {
					if let Some($e) = event.decode_fields_as::<$type>() {
						let $e = $e.map_err(node)?;
						found.push(SubmissionEvent { submission: $submission, what: $what });
						continue;
					}
				};
			}
			map!(training::Committed, |e| e.submission => Happened::Committed { model: e.model, trainer: e.trainer });
			map!(training::Revealed, |e| e.submission => Happened::Revealed { score: e.score, fee: e.fee });
			map!(training::VerificationStarted, |e| e.submission =>
				Happened::VerificationStarted { open_until: e.open_until });
			macro_rules! task {
				($type:ty, |$e:ident| $what:expr) => {
					if let Some($e) = event.decode_fields_as::<$type>() {
						let $e = $e.map_err(node)?;
						if let TaskId::Submission(submission) = $e.task.0 {
							found.push(SubmissionEvent { submission, what: $what });
						}
						continue;
					}
				};
			}
			task!(verification::DrawFailed, |e| Happened::DrawFailed);
			task!(verification::CommitteeDrawn, |e| Happened::CommitteeDrawn {
				members: e.members,
				quorum: e.quorum,
				until: e.until
			});
			task!(verification::Committed, |e| Happened::FindingCommitted { verifier: e.verifier });
			task!(verification::RecordsDrawn, |e| Happened::RecordsDrawn {
				records: e.records,
				until: e.until
			});
			task!(verification::Opened, |e| Happened::FindingOpened {
				verifier: e.verifier,
				verdict: e.verdict.0
			});
			task!(verification::TaskDisputed, |e| Happened::TaskDisputed {
				record: e.record,
				until: e.until
			});
			task!(verification::TaskUnavailable, |e| Happened::TaskUnavailable);
			task!(verification::TaskLapsed, |e| Happened::TaskLapsed);
			task!(verification::DrawnAgain, |e| Happened::DrawnAgain { votes: e.votes });
			task!(verification::TaskPassed, |e| Happened::TaskPassed);
			task!(verification::TaskReopened, |e| Happened::TaskReopened { until: e.until });
			map!(training::ChallengeCommitted, |e| e.submission =>
				Happened::ChallengeCommitted { who: e.who, expires_at: e.expires_at });
			map!(training::ChallengeFailed, |e| e.submission =>
				Happened::ChallengeFailed { record: e.record, challenger: e.challenger });
			map!(training::DisputeResolved, |e| e.submission => Happened::DisputeResolved {
				record: e.record,
				claimed: e.claimed,
				actual: e.actual,
			});
			map!(training::Refuted, |e| e.submission => Happened::Refuted { burned: e.burned });
			map!(training::Accepted, |e| e.submission => Happened::Accepted { version: e.version, score: e.score });
			map!(training::Overturned, |e| e.submission => Happened::Overturned {
				record: e.record,
				claimed: e.claimed,
				actual: e.actual,
				challenger: e.challenger,
				slashed: e.slashed,
			});
			macro_rules! demand {
				($type:ty, |$e:ident| $what:expr) => {
					if let Some($e) = event.decode_fields_as::<$type>() {
						let $e = $e.map_err(node)?;
						if let Target::Submission(submission) = Target::from($e.target) {
							found.push(SubmissionEvent { submission, what: $what });
						}
						continue;
					}
				};
			}
			demand!(training::WeightsDemanded, |e| Happened::WeightsDemanded { who: e.who, until: e.until });
			demand!(training::WeightsPosted, |e| Happened::WeightsPosted { by_trainer: e.by_trainer });
			demand!(training::Withheld, |e| Happened::Withheld { demander: e.demander, burned: e.burned });
			map!(training::Expired, |e| e.submission => Happened::Expired { why: format!("{:?}", e.why) });
			map!(training::Outdated, |e| e.submission => Happened::Outdated);
			map!(training::Withdrawn, |e| e.submission => Happened::Withdrawn);
			map!(training::Forfeited, |e| e.submission => Happened::Forfeited);
		}
		Ok(found)
	}
}
