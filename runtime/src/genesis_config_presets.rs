//! The chains that this runtime can start: `development`, `local` and `testnet`.

use crate::{
	configs::consensus::BABE_GENESIS_EPOCH_CONFIG,
	parameters::Windows,
	tempo::{DEFAULT_EPOCH_LENGTH, DEFAULT_REPUTATION_PERIOD, DEFAULT_SLOT_DURATION, DEFAULT_VOTING_PERIOD},
	*,
};
use alloc::vec::Vec;
use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, PresetId};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::Perbill;

/// What each well-known account owns on the chains for development.
const ENDOWMENT: Balance = UNIT.saturating_mul(1_000_000);

/// What each validator and each verifier of genesis has bonded.
const BOND: Balance = UNIT.saturating_mul(10_000);

/// The points of each validator and verifier of genesis: ten times what the highest tier needs, so that it
/// lasts for a hundred periods.
const SEED: u64 = 16_000_000;

/// What each verifier of genesis has room for at a time: an hour of computing on the reference machine, and 16 GiB.
const CAPACITY: (u64, u64) = (3_600_000_000_000_000, 16 << 30);

/// The slot duration, the epoch length, the periods of reputation and of votes, and the windows of a chain.
struct Tempo {
	slot_millis: u64,
	epoch_slots: u64,
	reputation_ticks: u64,
	voting_blocks: u32,
	windows: Windows,
}

/// A validator that signs with the well-known keys of one name.
struct Validator {
	account: Sr25519Keyring,
	grandpa: Ed25519Keyring,
}

impl Validator {
	const ALICE: Self = Self { account: Sr25519Keyring::Alice, grandpa: Ed25519Keyring::Alice };
	const BOB: Self = Self { account: Sr25519Keyring::Bob, grandpa: Ed25519Keyring::Bob };

	fn session_keys(&self) -> (AccountId, AccountId, SessionKeys) {
		let account = self.account.to_account_id();
		let keys = SessionKeys {
			babe: self.account.public().into(),
			grandpa: self.grandpa.public().into(),
			im_online: self.account.public().into(),
		};
		(account.clone(), account, keys)
	}
}

/// The preset of a public network. Its validators, its verifiers and all money come with the specification.
pub const TESTNET_RUNTIME_PRESET: &str = "testnet";

/// What these accounts have bonded for a role, and their commissions.
fn bonded(accounts: impl Iterator<Item = Sr25519Keyring>) -> Vec<(AccountId, Balance, Perbill)> {
	accounts.map(|account| (account.to_account_id(), BOND, Perbill::zero())).collect()
}

fn genesis(
	tempo: Tempo,
	owners: impl Iterator<Item = Sr25519Keyring>,
	validators: &[Validator],
	verifiers: &[Sr25519Keyring],
) -> Value {
	build_struct_json_patch!(RuntimeGenesisConfig {
		tempo: TempoConfig {
			slot_duration: tempo.slot_millis,
			epoch_length: tempo.epoch_slots,
			reputation_period: tempo.reputation_ticks,
			voting_period: tempo.voting_blocks,
		},
		protocol_parameters: ProtocolParametersConfig { windows: tempo.windows },
		babe: BabeConfig { epoch_config: BABE_GENESIS_EPOCH_CONFIG },
		balances: BalancesConfig {
			balances: owners.map(|account| (account.to_account_id(), ENDOWMENT)).collect::<Vec<_>>(),
		},
		staking: StakingConfig {
			validators: bonded(validators.iter().map(|validator| validator.account)),
			verifiers: bonded(verifiers.iter().copied()),
		},
		verification: VerificationConfig {
			verifiers: verifiers
				.iter()
				.map(|account| (account.to_account_id(), CAPACITY.0, CAPACITY.1))
				.collect::<Vec<_>>(),
		},
		reputation: ReputationConfig {
			// Who has nothing bonded has no tier of them.
			seeds: validators
				.iter()
				.map(|validator| validator.account)
				.chain(verifiers.iter().copied())
				.map(|account| (account.to_account_id(), SEED))
				.collect::<Vec<_>>(),
		},
		session: SessionConfig { keys: validators.iter().map(Validator::session_keys).collect::<Vec<_>>() },
	})
}

/// One validator, Alice, one verifier, Bob, and slots of a second, so that a person at a terminal need not
/// wait: a submission takes about half a minute, in which verifiers can get weights and data from peers.
fn development() -> Value {
	let windows = Windows {
		min_commit_age: 3,
		reveal: 300,
		attest_base: 15,
		challenge: 8,
		min_challenge_age: 2,
		challenge_lifetime: 20,
		demand: 24,
		verifier_patience: 60,
		open: 10,
		dispute: 24,
		pending: 300,
		storage_round: 15,
		unbonding: 60,
		commission_notice: 60,
		bonding: 60,
		receipts: 60,
		suspension: 120,
		appeal: 300,
		min_committee: 1,
		away_epochs: 6,
		min_validators: 1,
	};
	let tempo =
		Tempo { slot_millis: 1_000, epoch_slots: 5, reputation_ticks: 60, voting_blocks: 32, windows };
	genesis(tempo, Sr25519Keyring::well_known(), &[Validator::ALICE], &[Sr25519Keyring::Bob])
}

/// Two validators and three verifiers at the pace of a public network, with shorter epochs and windows.
fn local() -> Value {
	let windows = Windows {
		min_commit_age: 5,
		reveal: 600,
		attest_base: 20,
		challenge: 20,
		min_challenge_age: 2,
		challenge_lifetime: 20,
		demand: 40,
		verifier_patience: 200,
		open: 15,
		dispute: 40,
		pending: 600,
		storage_round: 40,
		unbonding: 200,
		commission_notice: 200,
		bonding: 400,
		receipts: 100,
		suspension: 400,
		appeal: 600,
		min_committee: 2,
		away_epochs: 6,
		min_validators: 1,
	};
	let tempo =
		Tempo { slot_millis: 3_000, epoch_slots: 20, reputation_ticks: 100, voting_blocks: 40, windows };
	genesis(
		tempo,
		Sr25519Keyring::well_known(),
		&[Validator::ALICE, Validator::BOB],
		&[Sr25519Keyring::Charlie, Sr25519Keyring::Dave, Sr25519Keyring::Eve],
	)
}

/// The pace of a public network, and nobody in it: neither keys nor money of those whose secrets everybody knows.
fn testnet() -> Value {
	let tempo = Tempo {
		slot_millis: DEFAULT_SLOT_DURATION,
		epoch_slots: DEFAULT_EPOCH_LENGTH,
		reputation_ticks: DEFAULT_REPUTATION_PERIOD,
		voting_blocks: DEFAULT_VOTING_PERIOD,
		windows: Windows::DEFAULT,
	};
	genesis(tempo, core::iter::empty(), &[], &[])
}

/// The genesis of a preset, as a JSON patch of the default one.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_ref() {
		DEV_RUNTIME_PRESET => development(),
		LOCAL_TESTNET_RUNTIME_PRESET => local(),
		TESTNET_RUNTIME_PRESET => testnet(),
		_ => return None,
	};
	serde_json::to_vec(&patch).ok()
}

/// The names that [`get_preset`] knows.
pub fn preset_names() -> Vec<PresetId> {
	[DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, TESTNET_RUNTIME_PRESET].map(PresetId::from).to_vec()
}
