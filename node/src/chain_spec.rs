//! The chains that the node knows by name; others come from files.

use oda_runtime::{WASM_BINARY, genesis_config_presets::TESTNET_RUNTIME_PRESET};
use polkadot_sdk::*;
use sc_service::{ChainType, Properties};

/// A specification whose genesis is built by the runtime that it carries.
pub(crate) type ChainSpec = sc_service::GenericChainSpec;

/// Where a chain differs from another.
struct Chain {
	name: &'static str,
	id: &'static str,
	chain_type: ChainType,
	preset: &'static str,
}

impl Chain {
	fn spec(self) -> Result<ChainSpec, String> {
		let wasm = WASM_BINARY.ok_or("this binary was built without the runtime's wasm")?;
		let mut properties = Properties::new();
		properties.insert("tokenSymbol".into(), "ODA".into());
		properties.insert("tokenDecimals".into(), 12.into());
		properties.insert("ss58Format".into(), 42.into());
		Ok(ChainSpec::builder(wasm, None)
			.with_name(self.name)
			.with_id(self.id)
			.with_protocol_id("oda")
			.with_chain_type(self.chain_type)
			.with_genesis_config_preset_name(self.preset)
			.with_properties(properties)
			.build())
	}
}

/// One validator, slots of a second.
pub(crate) fn development() -> Result<ChainSpec, String> {
	Chain {
		name: "ODA Development",
		id: "oda_dev",
		chain_type: ChainType::Development,
		preset: sp_genesis_builder::DEV_RUNTIME_PRESET,
	}
	.spec()
}

/// Two validators, slots of three seconds.
pub(crate) fn local() -> Result<ChainSpec, String> {
	Chain {
		name: "ODA Local",
		id: "oda_local",
		chain_type: ChainType::Local,
		preset: sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET,
	}
	.spec()
}

/// A public network's specification without anybody in it, from which `chain-spec/make.sh` makes one that starts.
pub(crate) fn testnet() -> Result<ChainSpec, String> {
	Chain {
		name: "ODA Testnet",
		id: "oda_testnet",
		chain_type: ChainType::Live,
		preset: TESTNET_RUNTIME_PRESET,
	}
	.spec()
}
