//! How a provider works, as its operator says.

use crate::amount::Amount;
use anyhow::{Context as _, bail, ensure};
use oda_client::{
	AccountId, ExposeSecret, InferenceTerms, Key, KeyFile, Offer, OfferTerms, OfferedModel, SecretString,
	read_private,
};
use oda_inference::{Http, Times};
use oda_primitives::{ModelId, Tick, inference::Price};
use oda_provider::{Config, Tls, claims::Policy};
use serde::{Deserialize, Serialize};
use std::{
	net::SocketAddr,
	path::{Path, PathBuf},
};

/// Ticks of the grace period, unless the chain asks for more: an hour of 3 s ticks.
const GRACE: Tick = 1_200;

/// A model that is answered, and what that costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricedModel {
	/// The model, in hexadecimal.
	#[serde(with = "oda_primitives::hexadecimal")]
	pub model: ModelId,
	/// The price of a request, however many inputs it has.
	#[serde(default)]
	pub per_request: Amount,
	/// The price of a million multiply-accumulates.
	#[serde(default)]
	pub per_mmac: Amount,
}

/// How a provider works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
	/// The address and port at which requests are taken.
	pub listen: SocketAddr,
	/// The URL at which users reach it.
	pub endpoint: String,
	/// What is answered.
	#[serde(default)]
	pub models: Vec<PricedModel>,
	/// Whether that is offered; if not, the offer is taken back, and what was promised is claimed.
	#[serde(default = "yes")]
	pub offer: bool,
	/// Ticks between a user's wish to close a channel and its end; if not given, 1,200, or the chain's least if that is more.
	#[serde(default)]
	pub grace: Option<Tick>,
	/// Ticks in which a request on the chain is answered.
	#[serde(default = "answer")]
	pub answer: Tick,
	/// The most inputs of a request.
	#[serde(default = "max_count")]
	pub max_count: u32,
	/// By how much the price of what a channel was answered may exceed what was promised.
	#[serde(default)]
	pub credit: Amount,
	/// The least that a claim has to gain of a channel that goes on.
	#[serde(default = "claim_threshold")]
	pub claim_threshold: Amount,
	/// Ticks before a channel's end from which on it is not answered any more, and claimed; the grace period if not given.
	#[serde(default)]
	pub claim_margin: Option<Tick>,
	/// The file of the key that signs receipts; the account's own key if not given.
	#[serde(default)]
	pub receipt_key_file: Option<PathBuf>,
	/// A file whose first line is its password, if it is encrypted.
	#[serde(default)]
	pub receipt_password_file: Option<PathBuf>,
	/// A certificate in PEM, for HTTPS.
	#[serde(default)]
	pub tls_certificate: Option<PathBuf>,
	/// Its private key in PEM.
	#[serde(default)]
	pub tls_key: Option<PathBuf>,
}

fn yes() -> bool {
	true
}

fn answer() -> Tick {
	100
}

fn max_count() -> u32 {
	64
}

fn claim_threshold() -> Amount {
	Amount(1_000_000_000_000)
}

impl ProviderConfig {
	/// One that listens there, is reached there, and answers nothing yet.
	pub fn new(listen: SocketAddr, endpoint: String) -> Self {
		Self {
			listen,
			endpoint,
			models: Vec::new(),
			offer: true,
			grace: None,
			answer: answer(),
			max_count: max_count(),
			credit: Amount::default(),
			claim_threshold: claim_threshold(),
			claim_margin: None,
			receipt_key_file: None,
			receipt_password_file: None,
			tls_certificate: None,
			tls_key: None,
		}
	}

	/// What is wrong with it, whatever the chain says.
	pub(super) fn check(&self) -> anyhow::Result<()> {
		let url = |http: &Http| oda_inference::provider::Provider::new(http, &self.endpoint).map(drop);
		url(&Http::new(Times::default())?).context("the endpoint")?;
		ensure!(
			!self.offer || !self.models.is_empty(),
			"nothing is offered: name a model, or say that the offer is taken back"
		);
		for (index, priced) in self.models.iter().enumerate() {
			let twice = self.models[..index].iter().any(|other| other.model == priced.model);
			ensure!(!twice, "model {} is named twice", hex::encode(priced.model));
		}
		Ok(())
	}

	/// The key that signs receipts.
	pub(super) fn receipt_key(&self, account: &Key) -> anyhow::Result<Key> {
		let Some(file) = &self.receipt_key_file else { return Ok(account.clone()) };
		KeyFile::read(file)?.open(|| match &self.receipt_password_file {
			Some(password) => first_line(password),
			None => bail!("{} is encrypted, and no file with its password is named", file.display()),
		})
	}

	/// What is put on the chain.
	pub(super) fn on_chain(&self, key: AccountId, chain: &InferenceTerms) -> Offer {
		let models = self.models.iter().map(|priced| OfferedModel {
			model: priced.model,
			price: Price { per_request: priced.per_request.0, per_mmac: priced.per_mmac.0 },
		});
		Offer {
			endpoint: self.endpoint.clone(),
			key,
			models: models.collect(),
			terms: OfferTerms { grace: self.grace(chain), answer: self.answer },
			max_count: self.max_count,
		}
	}

	fn grace(&self, chain: &InferenceTerms) -> Tick {
		self.grace.unwrap_or(GRACE.max(chain.min_grace))
	}

	/// How the server works whose ledger lies in `folder`.
	pub(super) fn server(&self, folder: PathBuf, key: Key, chain: &InferenceTerms) -> anyhow::Result<Config> {
		let tls = match (&self.tls_certificate, &self.tls_key) {
			(Some(certificate), Some(key)) => {
				Some(Tls { certificate: certificate.clone(), key: key.clone() })
			}
			(None, None) => None,
			_ => bail!("HTTPS needs both a certificate and its key"),
		};
		let margin = self.claim_margin.unwrap_or(self.grace(chain));
		let claims = Policy { threshold: self.claim_threshold.0, margin };
		let config = Config::new(self.listen, folder, key);
		Ok(Config { tls, credit: self.credit.0, claims, ..config })
	}
}

/// The first line of a file that its owner alone may read.
fn first_line(path: &Path) -> anyhow::Result<SecretString> {
	let text = read_private(path)?;
	let line = text.expose_secret().lines().next().unwrap_or_default();
	ensure!(!line.is_empty(), "{}: the first line is empty", path.display());
	Ok(SecretString::from(line))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn config() -> ProviderConfig {
		let model = PricedModel { model: [7; 32], per_request: Amount(5), per_mmac: Amount(1) };
		let listen = "127.0.0.1:0".parse().unwrap();
		ProviderConfig { models: vec![model], ..ProviderConfig::new(listen, "https://a.example".to_owned()) }
	}

	fn chain(min_grace: Tick) -> InferenceTerms {
		InferenceTerms {
			receipt_slash: 1,
			receipt_life: 100,
			answer_dispute: 10,
			min_grace,
			max_grace: 10_000,
			max_term: 100_000,
			min_deposit: 1,
			max_models: 16,
			max_claims: 64,
		}
	}

	#[test]
	fn a_file_says_amounts_in_oda_and_leaves_out_what_is_usual() {
		let text = format!(
			"listen = \"127.0.0.1:0\"\nendpoint = \"https://a.example\"\n\
			 [[models]]\nmodel = \"{}\"\nper_request = \"0.000000000005\"\nper_mmac = \"0.000000000001\"\n",
			"07".repeat(32)
		);
		assert_eq!(toml::from_str::<ProviderConfig>(&text).unwrap(), config());
		assert!(toml::from_str::<ProviderConfig>(&format!("prize = 1\n{text}")).is_err());
	}

	#[test]
	fn the_grace_period_is_never_shorter_than_the_chain_asks_for_unless_somebody_says_so() {
		let grace =
			|config: ProviderConfig, least| config.on_chain(AccountId([1; 32]), &chain(least)).terms.grace;
		assert_eq!((grace(config(), 10), grace(config(), 5_000)), (GRACE, 5_000));
		assert_eq!(grace(ProviderConfig { grace: Some(3), ..config() }, 5_000), 3);
	}

	#[test]
	fn channels_are_claimed_a_grace_period_before_their_end() {
		let server = |config: ProviderConfig| {
			let key = Key::from_uri("//Alice").unwrap();
			config.server(PathBuf::new(), key, &chain(10)).unwrap().claims.margin
		};
		assert_eq!(server(config()), GRACE);
		assert_eq!(server(ProviderConfig { claim_margin: Some(7), ..config() }), 7);
	}

	#[test]
	fn what_cannot_be_offered_is_an_error_that_says_why() {
		let fault = |config: ProviderConfig| format!("{:#}", config.check().unwrap_err());
		assert!(config().check().is_ok());
		assert!(fault(ProviderConfig { models: Vec::new(), ..config() }).contains("name a model"));
		let twice = vec![config().models[0]; 2];
		assert!(fault(ProviderConfig { models: twice, ..config() }).contains("named twice"));
		let endpoint = "ftp://a.example".to_owned();
		assert!(fault(ProviderConfig { endpoint, ..config() }).contains("neither http nor https"));
		assert!(ProviderConfig { models: Vec::new(), offer: false, ..config() }.check().is_ok());
		let half = ProviderConfig { tls_key: Some("key.pem".into()), ..config() };
		let key = Key::from_uri("//Alice").unwrap();
		let error = half.server(PathBuf::new(), key, &chain(10)).unwrap_err();
		assert!(error.to_string().contains("both a certificate and its key"), "{error}");
	}
}
