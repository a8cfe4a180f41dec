//! What each command does.

use crate::{
	chain_spec,
	cli::{Cli, Command},
	service::{self, Block, Components, FullClient},
};
use polkadot_sdk::*;
use sc_cli::SubstrateCli;
use std::sync::Arc;

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"ODA Node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		"the project's issue tracker".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		Ok(Box::new(match id {
			"dev" | "development" => chain_spec::development()?,
			"" | "local" => chain_spec::local()?,
			"testnet" => chain_spec::testnet()?,
			path => chain_spec::ChainSpec::from_json_file(path.into())?,
		}))
	}
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> sc_cli::Result<()> {
	let mut cli = Cli::from_args();
	// A validator makes no network key by itself, lest it changes identity unnoticed. One that signs with the
	// well-known keys of `--alice` and the like has no identity to lose.
	if cli.run.get_keyring().is_some() {
		cli.run.network_params.node_key_params.unsafe_force_node_key_generation = true;
	}
	match &cli.subcommand {
		None => cli.create_runner(&cli.run)?.run_node_until_exit(|config| async move {
			service::new_full(config).map_err(sc_cli::Error::Service)
		}),
		Some(Command::Key(cmd)) => cmd.run(&cli),
		Some(Command::ExportChainSpec(cmd)) => cmd.run(cli.load_spec(&cmd.chain)?),
		Some(Command::CheckBlock(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let Components { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Command::ExportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let Components { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.database), task_manager))
		}),
		Some(Command::ExportState(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let Components { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.chain_spec), task_manager))
		}),
		Some(Command::ImportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let Components { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Command::PurgeChain(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database)),
		Some(Command::Revert(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let Components { client, task_manager, backend, .. } = service::new_partial(&config)?;
			// BABE and GRANDPA keep their own records of the blocks that go.
			let revert_consensus = Box::new(|client: Arc<FullClient>, backend, blocks| {
				sc_consensus_babe::revert(client.clone(), backend, blocks)?;
				sc_consensus_grandpa::revert(client, blocks)?;
				Ok(())
			});
			Ok((cmd.run(client, backend, Some(revert_consensus)), task_manager))
		}),
		Some(Command::ChainInfo(cmd)) => cli.create_runner(cmd)?.sync_run(|config| cmd.run::<Block>(&config)),
	}
}
