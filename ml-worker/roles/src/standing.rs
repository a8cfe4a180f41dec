//! How candidates stand: what they have at stake and lose of it, and whether they do their work. For the metrics alone.

use crate::{
	context::Context,
	service::{self, Actor, Role, Step},
};
use anyhow::Context as _;
use oda_client::{AccountId, Chain, ChainError, Key, StakeRole, View};
use serde::{Deserialize, Serialize};

/// Blocks back whose events are looked at after an interruption.
const LOOK_BACK: u64 = 200;

/// A candidate that is looked after.
pub(crate) struct Candidate {
	account: AccountId,
	role: StakeRole,
	/// The last block whose events were looked at.
	seen: Option<u64>,
}

impl Candidate {
	pub(crate) fn new(account: AccountId, role: StakeRole) -> Self {
		Self { account, role, seen: None }
	}

	/// Reads how the candidate stands, if metrics are served. Should that fail, no work stops for it.
	pub(crate) async fn observe(&mut self, context: &Context, chain: &Chain, view: &View) {
		if context.settings().prometheus.is_none() {
			return;
		}
		if let Err(error) = self.read(context, chain, view).await {
			tracing::warn!(account = %self.account, role = self.role.name(), %error, "no standing for the metrics");
		}
	}

	async fn read(&mut self, context: &Context, chain: &Chain, view: &View) -> Result<(), ChainError> {
		let (account, metrics) = (&self.account, context.metrics());
		match self.role {
			StakeRole::Verifier => {
				let pool = view.stake_pool(self.role, account).await?;
				metrics.staked(account, self.role, pool.as_ref());
				metrics.verifier(account, view.verifier_status(account).await?.as_ref());
			}
			StakeRole::Validator => {
				let status = view.validator(account).await?;
				let on_node = match &status.keys {
					// Not every node says that to everybody.
					Some(keys) => chain.has_keys(keys).await.ok(),
					None => None,
				};
				metrics.staked(account, self.role, status.pool.as_ref());
				metrics.validator(&status, on_node);
			}
			StakeRole::Provider => {
				let pool = view.stake_pool(self.role, account).await?;
				metrics.staked(account, self.role, pool.as_ref());
			}
		}
		let seen = self.seen.unwrap_or(view.number().saturating_sub(1));
		for number in (seen + 1).max(view.number().saturating_sub(LOOK_BACK))..=view.number() {
			// What lies on the best chain alone is looked at once it is final.
			let Some(at) = chain.at(number).await? else { break };
			for event in at.stake_events().await? {
				if event.role == self.role && event.operator == *account {
					metrics.stake_changed(account, self.role, &event.what);
				}
			}
			self.seen = Some(number);
		}
		Ok(())
	}
}

/// Which validator is looked after.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidatorConfig {
	/// The account, in SS58; the key's own if not named.
	pub account: Option<String>,
}

/// Serves the metrics of a validator, whose work its node does.
pub struct Validator {
	actor: Actor,
	standing: Candidate,
}

impl Role for Validator {
	const NAME: &'static str = "validator";
	type Config = ValidatorConfig;

	async fn start(actor: Actor, config: ValidatorConfig) -> anyhow::Result<Self> {
		let named =
			config.account.map(|text| text.parse().with_context(|| format!("{text:?} is no account")));
		let account = match named {
			Some(account) => account?,
			None => actor.key.as_ref().map(Key::account).context("which validator? name its account")?,
		};
		anyhow::ensure!(
			actor.context.settings().prometheus.is_some(),
			"a validator is looked after for the metrics alone: say where they are served (--prometheus)"
		);
		actor.context.output().event(
			"looking_after",
			format!("looking after the validator {account}"),
			serde_json::json!({ "account": account }),
		);
		Ok(Self { actor, standing: Candidate::new(account, StakeRole::Validator) })
	}

	async fn block(&mut self, view: &View) -> anyhow::Result<Step> {
		self.standing.observe(&self.actor.context, &self.actor.chain, view).await;
		Ok(Step::GoOn)
	}

	async fn finish(self) -> anyhow::Result<()> {
		Ok(())
	}
}

/// Looks after a validator, for the metrics, until it is stopped.
pub async fn run(context: Context, config: ValidatorConfig) -> anyhow::Result<()> {
	service::run::<Validator>(context, None, config, false).await
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		context::Settings,
		played::{Stage, defence, settings},
	};
	use oda_client::{Duty, Load, StakePool, Verifier, played::event};
	use std::net::Ipv4Addr;

	const UNIT: u128 = 1_000_000_000_000;

	async fn watched(stage: &Stage) -> Actor {
		let settings = settings(&stage.node.url, stage.base.path());
		let settings = Settings { prometheus: Some((Ipv4Addr::LOCALHOST, 0).into()), ..settings };
		let context = Context::open(settings).unwrap();
		let chain = context.chain().await.unwrap();
		Actor { context, chain, key: Some(stage.key.clone()) }
	}

	fn pool() -> StakePool {
		StakePool {
			own: 1_000_000_000 * UNIT,
			delegated: 20 * UNIT,
			leaving: 3 * UNIT,
			reserved: 300 * UNIT,
			counted: 0,
			min_bond: 0,
			commission: 0,
			raise: None,
			chilled: true,
			offences: 0,
			members: 2,
		}
	}

	fn has(actor: &Actor, account: &AccountId, lines: &[(&str, &str)]) {
		let text = actor.context.metrics().text().unwrap();
		for (line, value) in lines {
			let line = line.replace('*', &format!("account=\"{account}\""));
			let line = format!("oda_worker_{line} {value}");
			assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
		}
	}

	#[tokio::test]
	async fn a_verifier_s_stake_its_losses_and_its_absences_are_counted() {
		let stage = Stage::set().await;
		let actor = watched(&stage).await;
		let me = stage.me();
		let other = AccountId([7; 32]);
		let mut standing = Candidate::new(me, StakeRole::Verifier);
		let lost = |operator: &AccountId, role: u8, amount: u128| {
			let fields = [
				("role", vec![role]),
				("operator", operator.0.to_vec()),
				("amount", amount.to_le_bytes().to_vec()),
			];
			event("Staking", "Slashed", &fields)
		};
		let capacity = Load { time: 1, bytes: 1 };
		stage.finalise(|block| {
			block.set_stake_pool(StakeRole::Verifier, &me, &pool());
			block.set_verifier(&Verifier { account: me, duty: Duty::Away, capacity, open: 2, absences: 3 });
			block.events = vec![lost(&me, 1, 300 * UNIT), lost(&me, 0, UNIT), lost(&other, 1, UNIT)];
		});
		standing.observe(&actor.context, &actor.chain, &defence(&actor.chain).await).await;
		// Looked at twice, counted once.
		standing.observe(&actor.context, &actor.chain, &defence(&actor.chain).await).await;
		has(
			&actor,
			&me,
			&[
				("stake_oda{*,role=\"verifier\",state=\"own\"}", "1000000000.0"),
				("stake_oda{*,role=\"verifier\",state=\"delegated\"}", "20.0"),
				("stake_oda{*,role=\"verifier\",state=\"leaving\"}", "3.0"),
				("stake_oda{*,role=\"verifier\",state=\"reserved\"}", "300.0"),
				("stake_oda{*,role=\"verifier\",state=\"counted\"}", "0.0"),
				("stake_slashed_oda_total{*,role=\"verifier\"}", "300.0"),
				("stake_rewarded_oda_total{*,role=\"verifier\"}", "0.0"),
				("absences{*,role=\"verifier\"}", "3"),
				("verifier_drawn{*}", "0"),
			],
		);
	}

	#[tokio::test]
	async fn a_validator_that_is_not_elected_and_has_no_keys_is_seen() {
		let stage = Stage::set().await;
		let actor = watched(&stage).await;
		let me = stage.me();
		stage.finalise(|block| {
			block.set_stake_pool(StakeRole::Validator, &me, &pool());
			let paid = [
				("operator", me.0.to_vec()),
				("amount", (2 * UNIT).to_le_bytes().to_vec()),
				("commission", UNIT.to_le_bytes().to_vec()),
			];
			block.events = vec![event("Staking", "Rewarded", &paid)];
		});
		let mut role = Validator::start(actor.clone(), ValidatorConfig::default()).await.unwrap();
		role.block(&defence(&actor.chain).await).await.unwrap();
		has(
			&actor,
			&me,
			&[
				("stake_oda{*,role=\"validator\",state=\"own\"}", "1000000000.0"),
				("stake_rewarded_oda_total{*,role=\"validator\"}", "3.0"),
				("validator_elected{*,session=\"now\"}", "0"),
				("validator_elected{*,session=\"next\"}", "0"),
				("validator_keys{*,place=\"chain\"}", "0"),
				("validator_heard{*}", "0"),
				("validator_offences{*}", "0"),
				("absences{*,role=\"validator\"}", "0"),
			],
		);
	}

	#[tokio::test]
	async fn nothing_is_read_for_metrics_that_nobody_serves() {
		let stage = Stage::set().await;
		let actor = stage.actor().await;
		let named = ValidatorConfig { account: Some("5Grw".to_owned()) };
		assert!(Validator::start(actor.clone(), named).await.is_err());
		assert!(Validator::start(actor, ValidatorConfig::default()).await.is_err());
	}
}
