//! The file of `ml-worker run`.

use oda_engine::EngineConfig;
use oda_network::NetworkConfig;
use oda_roles::{
	evaluation::Limits, keeper::KeeperConfig, trainer::TrainerConfig, verifier::VerifierConfig,
	watcher::WatcherConfig,
};
use serde::Deserialize;
use std::{
	net::SocketAddr,
	path::{Path, PathBuf},
};

/// The file of `ml-worker run`. What it leaves out is as the command line says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
	/// The node's address.
	pub node: Option<String>,
	/// Where blobs and journal lie.
	pub base_path: Option<PathBuf>,
	/// The address and port at which metrics are served.
	pub prometheus: Option<SocketAddr>,
	/// How models are evaluated.
	pub engine: Option<EngineConfig>,
	/// What evaluating may take.
	#[serde(default)]
	pub limits: Limits,
	/// How blobs are had from peers.
	pub network: Option<NetworkConfig>,
	/// What to do, at least one.
	#[serde(rename = "role")]
	pub roles: Vec<Role>,
}

/// One role, and the account it acts as.
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
	/// A file whose first line is the account's secret URI; the command line's key if there is none.
	pub key_file: Option<PathBuf>,
	/// What it does.
	#[serde(flatten)]
	pub kind: RoleKind,
}

/// What a role does.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RoleKind {
	/// Answers tasks.
	Verifier(VerifierConfig),
	/// Recomputes submissions.
	Watcher(WatcherConfig),
	/// Trains and submits.
	Trainer(Box<TrainerConfig>),
	/// Keeps blobs for pay.
	Keeper(KeeperConfig),
}

impl RoleKind {
	/// Its name in the log.
	pub fn name(&self) -> &'static str {
		match self {
			Self::Verifier(_) => "verifier",
			Self::Watcher(_) => "watcher",
			Self::Trainer(_) => "trainer",
			Self::Keeper(_) => "keeper",
		}
	}
}

/// Reads the file.
pub fn read(path: &Path) -> anyhow::Result<RunConfig> {
	let text = std::fs::read_to_string(path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
	let config: RunConfig = toml::from_str(&text).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
	anyhow::ensure!(!config.roles.is_empty(), "{}: no role", path.display());
	Ok(config)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn parse(text: &str) -> Result<RunConfig, toml::de::Error> {
		toml::from_str(text)
	}

	#[test]
	fn roles_are_read_with_their_defaults() {
		let config = parse(
			"node = \"ws://node:9944\"\nprometheus = \"127.0.0.1:9616\"\n\
			 [engine]\nthreads = 2\n\
			 [[role]]\nkind = \"verifier\"\nkey_file = \"v.key\"\n\
			 [[role]]\nkind = \"watcher\"\nsettle = false\n",
		)
		.unwrap();
		assert_eq!(config.engine.unwrap().threads, 2);
		assert_eq!(config.prometheus, Some(SocketAddr::from(([127, 0, 0, 1], 9616))));
		let [verifier, watcher] = &config.roles[..] else { panic!("two roles") };
		assert!(matches!(&verifier.kind, RoleKind::Verifier(v) if v.challenge));
		assert_eq!(verifier.key_file.as_deref(), Some(Path::new("v.key")));
		assert!(matches!(&watcher.kind, RoleKind::Watcher(w) if w.challenge && !w.settle));
	}

	#[test]
	fn a_trainer_has_settings_of_its_own() {
		let root = "ab".repeat(32);
		let config = parse(&format!(
			"[[role]]\nkind = \"trainer\"\nmodel = \"{root}\"\ndata = \"0x{root}\"\nonce = true\n\
			 [role.train]\nepochs = 3\n"
		))
		.unwrap();
		let RoleKind::Trainer(trainer) = &config.roles[0].kind else { panic!("a trainer") };
		assert_eq!((trainer.train.epochs, trainer.once, trainer.model), (3, true, [0xab; 32]));
	}

	/// What pages and units show as the file of `run`, with something in place of what stands for a user's own.
	#[test]
	fn every_example_is_read() {
		let pages = [
			include_str!("../../README.md"),
			include_str!("../../../README.md"),
			include_str!("../../../docs/operations.md"),
		];
		let shown = pages.into_iter().flat_map(|page| page.split("```toml\n").skip(1));
		let examples: Vec<_> = shown.filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
		assert!(examples.len() >= 2, "{} examples", examples.len());
		for example in examples.into_iter().chain([include_str!("../../../systemd/verifier.toml")]) {
			let root = "ab".repeat(32);
			let peer = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";
			let text = example.replace("<ID>", &root).replace("<ROOT>", &root).replace("12D3KooW...", peer);
			let role = if text.contains("[[role]]") { "" } else { "\n[[role]]\nkind = \"watcher\"\n" };
			let read = parse(&(text + role));
			assert!(read.is_ok(), "{example}: {}", read.unwrap_err());
		}
	}

	#[test]
	fn a_keeper_says_its_price_in_oda() {
		let config = parse("[[role]]\nkind = \"keeper\"\nmin_price = \"0.001\"\n").unwrap();
		let RoleKind::Keeper(keeper) = &config.roles[0].kind else { panic!("a keeper") };
		assert_eq!(keeper.min_price, oda_roles::amount::Amount(1_000_000_000));
	}

	#[test]
	fn an_unknown_role_is_refused() {
		assert!(parse("[[role]]\nkind = \"dreamer\"\n").is_err());
	}

	#[test]
	fn metrics_need_an_address_and_a_port() {
		let error = parse("prometheus = \"9616\"\n[[role]]\nkind = \"watcher\"\n").unwrap_err().to_string();
		assert!(error.contains("prometheus") && error.contains("socket address"), "{error}");
	}

	#[test]
	fn a_misspelt_setting_is_refused() {
		assert!(parse("nodes = \"ws://x\"\n[[role]]\nkind = \"watcher\"\n").is_err());
		assert!(parse("[engine]\nrefrence = true\n[[role]]\nkind = \"watcher\"\n").is_err());
		assert!(parse("[network]\nmdsn = true\n[[role]]\nkind = \"watcher\"\n").is_err());
		for kind in ["verifier", "watcher", "keeper"] {
			assert!(parse(&format!("[[role]]\nkind = \"{kind}\"\nkeyfile = \"k\"\n")).is_err(), "{kind}");
		}
		let trainer =
			format!("[[role]]\nkind = \"trainer\"\nmodel = \"{0}\"\ndata = \"{0}\"\n", "ab".repeat(32));
		assert!(parse(&trainer).is_ok());
		assert!(parse(&format!("{trainer}[role.train]\nepoch = 3\n")).is_err());
	}
}
