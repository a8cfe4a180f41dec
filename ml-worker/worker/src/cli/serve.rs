//! Answering questions to models for pay.

use super::{Global, ModelName, Monitoring, address, endpoint};
use clap::Args;
use oda_primitives::Tick;
use oda_roles::{
	amount::Amount,
	provider::{self, PricedModel, ProviderConfig},
};
use std::{net::SocketAddr, path::PathBuf, str::FromStr};

/// What `serve` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker --key-file my.key stake bond provider 1000\n  \
	ml-worker serve --bind 0.0.0.0:80 --endpoint http://192.0.2.1 --model <ID> --per-request 0.01\n  \
	ml-worker serve --bind 0.0.0.0:80 --endpoint http://192.0.2.1 --no-offer")]
pub struct ServeArgs {
	/// The address and port at which requests are taken.
	#[arg(long, value_parser = address, value_name = "ADDRESS:PORT")]
	pub bind: SocketAddr,
	/// The URL at which users reach it: that of a proxy, if there is one before it.
	#[arg(long, value_name = "URL")]
	pub endpoint: String,
	/// A model that is answered, by its id or the first digits of it; may be given several times.
	#[arg(long = "model", value_name = "ID", required_unless_present = "no_offer")]
	pub models: Vec<ModelName>,
	/// The price of a request, however many inputs it has, in ODA.
	#[arg(long, value_parser = Amount::from_str, value_name = "ODA", required_unless_present = "no_offer")]
	pub per_request: Option<Amount>,
	/// The price of a million multiply-accumulates, in ODA; nothing if not given.
	#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
	pub per_mmac: Option<Amount>,
	/// Take the offer back, and only claim what was promised.
	#[arg(long)]
	pub no_offer: bool,
	/// Ticks between a user's wish to close a channel and its end; 1,200 if not given, or the chain's least if that is more.
	#[arg(long, value_name = "TICKS")]
	pub grace: Option<Tick>,
	/// Ticks in which a request on the chain is answered.
	#[arg(long, default_value_t = 100, value_name = "TICKS")]
	pub answer: Tick,
	/// The most inputs of a request.
	#[arg(long, default_value_t = 64, value_name = "N")]
	pub max_count: u32,
	/// By how much the price of what a channel was answered may exceed what was promised, in ODA; nothing if not given.
	#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
	pub credit: Option<Amount>,
	/// The least that a claim has to gain of a channel that goes on, in ODA; 1 if not given.
	#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
	pub claim_threshold: Option<Amount>,
	/// Ticks before a channel's end from which on it is not answered any more, and claimed; the grace period if not given.
	#[arg(long, value_name = "TICKS")]
	pub claim_margin: Option<Tick>,
	/// The file of the key that signs receipts; the account's own key if not given.
	#[arg(long, value_name = "FILE")]
	pub receipt_key_file: Option<PathBuf>,
	/// A file whose first line is its password, if it is encrypted.
	#[arg(long, value_name = "FILE", requires = "receipt_key_file")]
	pub receipt_password_file: Option<PathBuf>,
	/// A certificate in PEM, with those that lead to one that everybody knows, for HTTPS.
	#[arg(long, value_name = "FILE", requires = "tls_key")]
	pub tls_cert: Option<PathBuf>,
	/// Its private key in PEM.
	#[arg(long, value_name = "FILE", requires = "tls_cert")]
	pub tls_key: Option<PathBuf>,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
}

impl ServeArgs {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = global.open_watched(&self.monitoring)?;
		let _endpoint = endpoint(&context).await?;
		let key = global.signer(&context).await?;
		context.peers().await?;
		let (per_request, per_mmac) =
			(self.per_request.unwrap_or_default(), self.per_mmac.unwrap_or_default());
		let mut models = Vec::new();
		for name in &self.models {
			models.push(PricedModel { model: name.id(&context).await?, per_request, per_mmac });
		}
		let usual = ProviderConfig::new(self.bind, self.endpoint);
		let config = ProviderConfig {
			models,
			offer: !self.no_offer,
			grace: self.grace,
			answer: self.answer,
			max_count: self.max_count,
			credit: self.credit.unwrap_or_default(),
			claim_threshold: self.claim_threshold.unwrap_or(usual.claim_threshold),
			claim_margin: self.claim_margin,
			receipt_key_file: self.receipt_key_file,
			receipt_password_file: self.receipt_password_file,
			tls_certificate: self.tls_cert,
			tls_key: self.tls_key,
			..usual
		};
		provider::run(context, key, config).await
	}
}
