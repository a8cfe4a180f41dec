//! The ODA node: a validator or full node of a chain that runs the ODA runtime.
//!
//! The runtime is executed from its wasm only, so the node follows runtime upgrades without being rebuilt.

// The SDK's errors are large, and made at most once a run.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "tests")]
mod tests;

fn main() -> polkadot_sdk::sc_cli::Result<()> {
	command::run()
}
