//! Who answers a model's requests, at what price, and what speaks for them.

use super::{Global, ModelName};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use oda_client::StakeRole;
use oda_inference::{Deposits, Offer};
use oda_roles::{amount::oda, payer, trust::Advice};
use serde_json::json;

/// What `offers` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker --key-file my.key offers <ID>\n  \
	ml-worker --key-file my.key offers <ID> --by trust")]
pub struct OffersArgs {
	/// The model's id.
	#[arg(value_name = "ID")]
	pub model: ModelName,
	/// Which come first.
	#[arg(long, value_enum, default_value_t = OrderBy::Price, value_name = "WHAT")]
	pub by: OrderBy,
}

/// In which order offers are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum OrderBy {
	/// The cheapest first, as `infer` asks them.
	Price,
	/// Those first for which most speaks.
	Trust,
}

impl OffersArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = global.open()?;
		let model = self.model.id(&context).await?;
		let key = global.signer(&context).await?;
		// Nothing is put in here.
		let payer = payer::open(&context, key, Deposits { requests: 0, most: 0, term: 0 }).await?;
		let user = payer.chain();
		let (mut offers, advice) = (user.offers_for(model).await?, user.advice().await?);
		if self.by == OrderBy::Trust {
			offers.sort_by(|(_, a), (_, b)| trust(&advice, b).total_cmp(&trust(&advice, a)));
		}
		if offers.is_empty() {
			context.output().note("no provider with a stake offers the model");
		}
		let view = user.connection().finalised().await?;
		for (price, offer) in offers {
			let pool = view.stake_pool(StakeRole::Provider, &offer.provider).await?;
			let bond = pool.context("a provider without a stake")?.own;
			let (score, wronged) = (advice.score(&offer.provider), advice.has_wronged(&offer.provider));
			let value = json!({
				"provider": offer.provider,
				"endpoint": offer.endpoint,
				"price": price.to_string(),
				"max_count": offer.max_count,
				"bond": bond.to_string(),
				"trust": score.map(|score| json!({
					"own": planck(score.own).to_string(),
					"through_others": planck(score.through_others).to_string(),
				})),
				"wronged": wronged,
			});
			let known = match score {
				_ if wronged => "gave this account a wrong answer".to_owned(),
				None => "unknown to this account, and to users of providers that it paid".to_owned(),
				Some(score) => format!(
					"{} of trust by payments of this account, {} by those of others",
					oda(planck(score.own)),
					oda(planck(score.through_others))
				),
			};
			let text = format!(
				"{}: {} an input, {} at stake, {}\n  {known}",
				offer.provider,
				oda(price),
				oda(bond),
				offer.endpoint
			);
			context.output().result(text, &value);
		}
		Ok(())
	}
}

/// A score in whole planck.
#[allow(clippy::cast_sign_loss, reason = "what was paid is no less than nothing")]
fn planck(score: f64) -> u128 {
	score as u128
}

/// What offers are ordered by: who is unknown comes before who gave a wrong answer.
fn trust(advice: &Advice, offer: &Offer) -> f64 {
	match advice.has_wronged(&offer.provider) {
		true => -1.0,
		false => advice.score(&offer.provider).map_or(0.0, |score| score.total()),
	}
}
