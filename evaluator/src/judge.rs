//! Whether new weights are better than the head's, from their per-record scores alone.

use crate::{model::Objective, scores::Scores};
use core::fmt;

/// How two lists compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comparison {
	/// By how much the new sum exceeds the head's.
	pub gain: i64,
	/// Records on which the new weights score strictly higher.
	pub won: u32,
	/// Records on which they score strictly lower.
	pub lost: u32,
}

/// Why new weights are not accepted as better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotBetter {
	/// The Ladder rule (Blum and Hardt, 2015): the sum does not exceed the head's by the objective's step.
	BelowMinImprovement,
	/// McNemar's test (1947): so many wins over so many losses may be chance.
	NotSignificant,
}

impl fmt::Display for NotBetter {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::BelowMinImprovement => "the score does not exceed the head's by the minimum improvement",
			Self::NotSignificant => "the wins over the head are too few to be more than chance",
		})
	}
}

#[cfg(feature = "std")]
impl std::error::Error for NotBetter {}

impl Objective {
	/// Whether `new` beats `head`: `Σ new − Σ head ≥ min_improvement`, and with a confidence `b > c` and
	/// `(b − c)² · q ≥ p · (b + c)` for `b` records won and `c` lost.
	pub fn compare(&self, new: &Scores<'_>, head: &Scores<'_>) -> Result<Comparison, NotBetter> {
		let gain = self.gain(new.sum(), head.sum())?;
		let (won, lost) = new.won_lost(head);
		self.significant(won.into(), lost.into())?;
		Ok(Comparison { gain, won, lost })
	}

	/// Whether `new` beats a head of which only the sum of its scores is known: only if it beats every list of that
	/// sum. `Σ new − head ≥ min_improvement`, and with a confidence McNemar's test at its worst, with as many records
	/// lost as the new scores and the head's sum allow, and no more won than make up for them.
	pub fn compare_sum(&self, new: &Scores<'_>, head: i64) -> Result<(), NotBetter> {
		let gain = self.gain(new.sum(), head)?;
		if self.confidence.is_none() {
			return Ok(());
		}
		// With a confidence the metric is accuracy: a score counts positions, from 0 to all of a record's.
		let positions = self.target.tensor.elements().max(1);
		let below = |&record: &u32| {
			let score = new.get(record).and_then(|score| u64::try_from(score).ok());
			score.is_none_or(|score| score < positions)
		};
		// Only where the new weights are not right everywhere can a record be lost, and it takes a position that the
		// head had right.
		let able = u64::try_from((0..new.records()).filter(below).count()).unwrap_or(u64::MAX);
		let [gain, head] = [gain, head].map(|n| u64::try_from(n).unwrap_or_default());
		let lost = head.min(able);
		// A record that is lost takes back at least a position, one that is won brings at most all of its own.
		let won = gain.saturating_add(lost).div_ceil(positions);
		self.significant(won, lost)
	}

	/// By how much a sum exceeds the head's, if it is enough.
	fn gain(&self, new: i64, head: i64) -> Result<i64, NotBetter> {
		let gain = new.saturating_sub(head);
		if u64::try_from(gain).map_or(true, |gain| gain < self.min_improvement) {
			return Err(NotBetter::BelowMinImprovement);
		}
		Ok(gain)
	}

	/// McNemar's test, if the objective asks for a confidence.
	fn significant(&self, won: u64, lost: u64) -> Result<(), NotBetter> {
		let Some(confidence) = self.confidence else { return Ok(()) };
		let excess = u128::from(won.saturating_sub(lost));
		let evidence = excess.saturating_mul(excess).saturating_mul(confidence.q.into());
		let threshold = u128::from(won).saturating_add(lost.into()).saturating_mul(confidence.p.into());
		if won <= lost || evidence < threshold {
			return Err(NotBetter::NotSignificant);
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		graph::{DType, TensorType},
		model::{Confidence, Metric, TargetSpec},
		scores::{ScoreKind, pack},
	};

	fn objective(min_improvement: u64, confidence: Option<Confidence>) -> Objective {
		let target = TargetSpec { tensor: TensorType::new(DType::U8, []), ignore: None };
		Objective { metric: Metric::Accuracy, target, min_improvement, confidence }
	}

	/// `won` records where only the new is right, then `lost` where only the head is, then `both`.
	fn compare(o: &Objective, won: usize, lost: usize, both: usize) -> Result<Comparison, NotBetter> {
		let mut new = vec![1; won];
		new.extend(vec![0; lost]);
		new.extend(vec![1; both]);
		let mut head = vec![0; won];
		head.extend(vec![1; lost + both]);
		let records = new.len() as u32;
		let (new, head) = (pack(ScoreKind::Bit, &new).unwrap(), pack(ScoreKind::Bit, &head).unwrap());
		o.compare(
			&Scores::new(ScoreKind::Bit, records, &new).unwrap(),
			&Scores::new(ScoreKind::Bit, records, &head).unwrap(),
		)
	}

	#[test]
	fn the_ladder_step_is_inclusive() {
		let o = objective(5, None);
		assert_eq!(compare(&o, 4, 0, 10), Err(NotBetter::BelowMinImprovement));
		assert_eq!(compare(&o, 5, 0, 10), Ok(Comparison { gain: 5, won: 5, lost: 0 }));
		assert_eq!(compare(&o, 9, 5, 10), Err(NotBetter::BelowMinImprovement));
	}

	#[test]
	fn mcnemar_refuses_chance() {
		let o = objective(1, Some(Confidence { p: 384, q: 100 }));
		assert_eq!(compare(&o, 12, 9, 50), Err(NotBetter::NotSignificant));
		// 3.84 · 4 > 16 · …: three wins and no loss give 3, four give 4.
		assert_eq!(compare(&o, 3, 0, 50), Err(NotBetter::NotSignificant));
		assert_eq!(compare(&o, 4, 0, 50), Ok(Comparison { gain: 4, won: 4, lost: 0 }));
	}

	#[test]
	fn a_sum_alone_takes_the_ladder_step() {
		let o = objective(5, None);
		let new = pack(ScoreKind::Bit, &[1; 20]).unwrap();
		let new = Scores::new(ScoreKind::Bit, 20, &new).unwrap();
		assert_eq!(o.compare_sum(&new, 15), Ok(()));
		assert_eq!(o.compare_sum(&new, 16), Err(NotBetter::BelowMinImprovement));
	}

	#[test]
	fn a_sum_alone_beats_nothing_that_the_list_would_not() {
		let o = objective(1, Some(Confidence { p: 384, q: 100 }));
		let (mut agreed, mut stricter) = (0, 0);
		for (won, lost, both) in
			(0..12).flat_map(|w| (0..12).flat_map(move |l| (0..4).map(move |b| (w, l, b))))
		{
			let with_list = compare(&o, won, lost, both);
			for neither in [0, 1, 9] {
				let mut new = vec![1; won + both];
				new.extend(vec![0; lost + neither]);
				let records = new.len() as u32;
				let new = pack(ScoreKind::Bit, &new).unwrap();
				let new = Scores::new(ScoreKind::Bit, records, &new).unwrap();
				let with_sum = o.compare_sum(&new, (lost + both) as i64);
				assert!(with_sum.is_err() || with_list.is_ok(), "{won} won, {lost} lost, {both} both");
				agreed += u32::from(with_sum.is_ok());
				stricter += u32::from(with_sum.is_err() && with_list.is_ok());
			}
		}
		assert!(agreed > 0 && stricter > 0);
	}

	/// Every list of `records` scores from 0 to `most`.
	fn lists(records: usize, most: i32) -> Vec<Vec<i32>> {
		let extend = |lists: Vec<Vec<i32>>, _| {
			let longer = |list: Vec<i32>| (0..=most).map(move |score| [&list[..], &[score]].concat());
			lists.into_iter().flat_map(longer).collect()
		};
		(0..records).fold(vec![vec![]], extend)
	}

	#[test]
	fn leak_a_sum_alone_should_beat_no_list_of_several_positions_that_the_list_would_not() {
		let (mut accepted, mut refused) = (0, 0);
		for (most, records) in [(1i32, 7), (2, 5), (3, 4)] {
			let mut o = objective(1, Some(Confidence { p: 150, q: 100 }));
			o.target.tensor.shape = vec![most.unsigned_abs()];
			let all: Vec<_> = lists(records, most).iter().map(|l| pack(ScoreKind::I32, l).unwrap()).collect();
			let scores = |bytes| Scores::new(ScoreKind::I32, records as u32, bytes).unwrap();
			for new in &all {
				let new = scores(new);
				for head in 0..=i64::from(most) * records as i64 {
					if o.compare_sum(&new, head).is_err() {
						refused += 1;
						continue;
					}
					accepted += 1;
					for head in all.iter().map(|list| scores(list)).filter(|list| list.sum() == head) {
						assert!(
							o.compare(&new, &head).is_ok(),
							"{new:?} accepted, though {head:?} is not beaten"
						);
					}
				}
			}
		}
		println!("{accepted} accepted, {refused} refused");
		assert!(accepted > 0 && refused > 0);
	}

	#[test]
	fn the_same_list_never_beats_itself() {
		assert_eq!(compare(&objective(1, None), 0, 0, 10), Err(NotBetter::BelowMinImprovement));
	}

	#[test]
	fn the_greatest_lists_do_not_overflow() {
		let o = objective(1, Some(Confidence { p: u32::MAX, q: u32::MAX }));
		assert!(compare(&o, 524_288, 0, 0).is_ok());
	}
}
