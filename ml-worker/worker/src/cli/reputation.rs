//! Reputation: why an account has the tier that it has.

use super::{Global, account::parse};
use anyhow::Context as _;
use clap::Args;
use oda_client::{AccountId, Clock, Reputation, Standing};
use oda_roles::amount::oda;
use serde::Serialize;

/// What `reputation` needs.
#[derive(Debug, Args)]
pub struct ReputationArgs {
	/// The account, in SS58; the key's own if not named.
	pub account: Option<String>,
}

/// What is known of an account, for machines.
#[derive(Serialize)]
struct Known<'a> {
	account: &'a AccountId,
	/// Nothing, if nothing is known of it.
	reputation: &'a Option<Reputation>,
}

impl ReputationArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = global.open()?;
		let account = match self.account {
			Some(text) => parse(&text)?,
			None => global.key()?.context("name an account, or give a key")?.account(),
		};
		let view = context.chain().await?.finalised().await?;
		let reputation = view.reputation(&account).await?;
		let text = match &reputation {
			None => format!("{account}\n  nothing is known of it: tier 0"),
			Some(known) => format!("{account}\n{}", explained(known, &view.clock().await?)),
		};
		context.output().result(text, &Known { account: &account, reputation: &reputation });
		Ok(())
	}
}

/// What is known, for people.
fn explained(known: &Reputation, clock: &Clock) -> String {
	let mut text = format!("  tier      {}", known.tier);
	if known.due != known.tier {
		text += &format!(", {} once somebody settles it (reputation.bump)", known.due);
	}
	text += &format!("\n  points    {}\n  bonded    {}", known.points, oda(known.bond));
	if let Some(next) = &known.next {
		text += &format!("\n  tier {} needs {} points and {} bonded", next.tier, next.points, oda(next.bond));
	}
	text += &format!("\n  faults    {} of {}", known.faults, known.suspend_at);
	let appealed = |appealed: bool| if appealed { "; it has appealed" } else { "" };
	match known.standing {
		Standing::Good => {}
		Standing::Suspended { until, appealed: it } => {
			text += &format!("\n  suspended until {}{}", clock.at(until), appealed(it));
		}
		Standing::Banned { appealed: it } => text += &format!("\n  banned{}", appealed(it)),
	}
	for points in known.sources.iter().filter(|points| points.now > 0 || points.before > 0) {
		let of = format!("{} of {} in this period, {} in the last", points.now, points.cap, points.before);
		text += &format!("\n    {:10} {of}", points.source);
	}
	for deed in &known.recent {
		let sign = if deed.fault { '-' } else { '+' };
		text += &format!("\n    tick {:8} {} {sign}{}", deed.tick, deed.what, deed.points);
	}
	text
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::{NextTier, RecentDeed, SourcePoints};

	#[test]
	fn what_is_known_is_explained() {
		let known = Reputation {
			tier: 1,
			due: 2,
			points: 800_000,
			bond: 300_000_000_000_000,
			faults: 7,
			suspend_at: 400_000,
			standing: Standing::Suspended { until: 100, appealed: true },
			suspensions: 1,
			sources: vec![
				SourcePoints { source: "served", now: 5, before: 6, cap: 30_000 },
				SourcePoints { source: "kept", now: 0, before: 0, cap: 9 },
			],
			recent: vec![RecentDeed { tick: 12, what: "absent", fault: true, points: 7 }],
			next: Some(NextTier { tier: 2, points: 760_000, bond: 200_000_000_000_000 }),
		};
		let text = explained(&known, &Clock { now: 90, tick_millis: 3_000 });
		for part in [
			"tier      1, 2 once somebody settles it",
			"tier 2 needs 760000 points and 200 ODA bonded",
			"faults    7 of 400000",
			"suspended until tick 100, in about 30 s; it has appealed",
			"served     5 of 30000 in this period, 6 in the last",
			"absent -7",
		] {
			assert!(text.contains(part), "{part:?} in {text}");
		}
		assert!(!text.contains("kept"), "{text}");
	}
}
