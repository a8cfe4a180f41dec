//! The file of `ml-worker run`.

use anyhow::Context as _;
use oda_engine::EngineConfig;
use oda_network::NetworkConfig;
use oda_roles::{ROLES, evaluation::Limits, service::Configured};
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
	/// Which one, by its name.
	pub kind: String,
	/// The account's key file; the command line's key if there is none.
	pub key_file: Option<PathBuf>,
	/// A file whose first line is its password, if it is encrypted; the command line's if there is none.
	pub password_file: Option<PathBuf>,
	/// The role's own settings.
	#[serde(flatten)]
	pub settings: toml::Table,
}

impl Role {
	/// The role with its settings, ready to run.
	///
	/// # Errors
	///
	/// There is no such role; a setting that it does not know.
	pub fn configured(&self) -> anyhow::Result<Configured> {
		let known = ROLES.iter().find(|role| role.name == self.kind).with_context(|| {
			let names: Vec<_> = ROLES.iter().map(|role| role.name).collect();
			format!("there is no role {:?}; there are {}", self.kind, names.join(", "))
		})?;
		(known.configure)(self.settings.clone()).with_context(|| format!("the {}", self.kind))
	}
}

/// Reads the file.
pub fn read(path: &Path) -> anyhow::Result<RunConfig> {
	let text = std::fs::read_to_string(path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
	let config: RunConfig = toml::from_str(&text).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
	anyhow::ensure!(!config.roles.is_empty(), "{}: no role", path.display());
	for role in &config.roles {
		role.configured().with_context(|| path.display().to_string())?;
	}
	Ok(config)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::pages::{fences, pages};
	use clap::CommandFactory;
	use oda_roles::{
		keeper::KeeperConfig, provider::ProviderConfig, trainer::TrainerConfig, verifier::VerifierConfig,
		watcher::WatcherConfig,
	};

	fn parse(text: &str) -> anyhow::Result<RunConfig> {
		let file = tempfile::NamedTempFile::new()?;
		std::fs::write(file.path(), text)?;
		read(file.path())
	}

	/// A role's own settings.
	fn own<T: serde::de::DeserializeOwned>(role: &Role) -> T {
		role.settings.clone().try_into().unwrap()
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
		assert!(verifier.kind == "verifier" && own::<VerifierConfig>(verifier).challenge);
		assert_eq!(verifier.key_file.as_deref(), Some(Path::new("v.key")));
		let settings: WatcherConfig = own(watcher);
		assert!(watcher.kind == "watcher" && settings.challenge && !settings.settle);
	}

	#[test]
	fn a_trainer_has_settings_of_its_own() {
		let root = "ab".repeat(32);
		let config = parse(&format!(
			"[[role]]\nkind = \"trainer\"\nmodel = \"{root}\"\ndata = \"0x{root}\"\nonce = true\n\
			 [role.train]\nepochs = 3\n"
		))
		.unwrap();
		let trainer: TrainerConfig = own(&config.roles[0]);
		assert_eq!((trainer.train.epochs, trainer.once, trainer.model), (3, true, [0xab; 32]));
	}

	/// What pages, units and the help show as the file of `run`, with something in place of what stands for a user's own.
	#[test]
	fn every_example_is_read() {
		let mut examples: Vec<String> =
			pages().iter().flat_map(|(_, page)| fences(page, "toml")).map(str::to_owned).collect();
		assert!(examples.len() >= 2, "{} examples", examples.len());
		examples.push(include_str!("../../../systemd/verifier.toml").to_owned());
		let program = crate::cli::Cli::command();
		let help = program.find_subcommand("run").unwrap().get_after_help().unwrap().to_string();
		let (_, shown) = help.split_once("Such a file:").unwrap();
		examples.push(shown.to_owned());
		for example in examples {
			let root = "ab".repeat(32);
			let peer = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";
			let text = example.replace("<ID>", &root).replace("<ROOT>", &root).replace("12D3KooW...", peer);
			let role = if text.contains("[[role]]") { "" } else { "\n[[role]]\nkind = \"watcher\"\n" };
			let read = parse(&(text + role));
			assert!(read.is_ok(), "{example}: {:#}", read.unwrap_err());
		}
	}

	#[test]
	fn a_keeper_says_its_price_in_oda() {
		let config = parse("[[role]]\nkind = \"keeper\"\nmin_price = \"0.001\"\n").unwrap();
		let keeper: KeeperConfig = own(&config.roles[0]);
		assert_eq!(keeper.min_price, oda_roles::amount::Amount(1_000_000_000));
	}

	#[test]
	fn a_provider_has_a_price_for_each_model() {
		let provider = format!(
			"[[role]]\nkind = \"provider\"\nlisten = \"127.0.0.1:0\"\nendpoint = \"https://inference.example\"\n\
			 [[role.models]]\nmodel = \"{}\"\nper_request = \"0.001\"\n",
			"ab".repeat(32)
		);
		let config: ProviderConfig = own(&parse(&provider).unwrap().roles[0]);
		let [priced] = &config.models[..] else { panic!("one model") };
		assert_eq!((priced.model, priced.per_request.0, priced.per_mmac.0), ([0xab; 32], 1_000_000_000, 0));
		assert!(config.offer && parse(&format!("{provider}price = 1\n")).is_err());
	}

	#[test]
	fn an_unknown_role_is_refused() {
		let error = format!("{:#}", parse("[[role]]\nkind = \"dreamer\"\n").unwrap_err());
		assert!(error.contains("dreamer") && error.contains("there are verifier, watcher"), "{error}");
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
		for own in ["epoch = 3", "threads = 2", "device = \"cpu\""] {
			let error = format!("{:#}", parse(&format!("{trainer}[role.train]\n{own}\n")).unwrap_err());
			assert!(error.contains("unknown field"), "{own}: {error}");
		}
	}
}
