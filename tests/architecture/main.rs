//! The crates of this workspace depend on each other one way only, as `docs/architecture.md` says.
//!
//! What is checked are the manifests, as `cargo metadata` reads them: dependencies and build dependencies, optional
//! ones included. Dev-dependencies are free, so that a pallet's tests may be composed with other pallets.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, reason = "tests")]

mod features;

use serde_json::Value;
use std::{
	collections::{BTreeMap, BTreeSet},
	ffi::OsString,
	fs,
	path::Path,
	process::Command,
};

/// Which part of the system a crate belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
	Build,
	Shared,
	Chain,
	Worker,
	Tests,
}

impl Side {
	fn name(self) -> &'static str {
		match self {
			Side::Build => "build",
			Side::Shared => "shared",
			Side::Chain => "chain",
			Side::Worker => "worker",
			Side::Tests => "tests",
		}
	}

	/// Whether crates of this side may use crates of the `other`.
	fn may_use(self, other: Side) -> bool {
		match self {
			Side::Build => false,
			Side::Shared => other == Side::Shared,
			Side::Chain => other == Side::Shared || other == Side::Chain,
			Side::Worker => other == Side::Shared || other == Side::Worker,
			Side::Tests => other != Side::Tests && other != Side::Build,
		}
	}
}

/// A crate's place.
struct Place {
	name: &'static str,
	folder: &'static str,
	side: Side,
	/// It uses lower layers only, so that two crates of one layer do not know each other.
	layer: u8,
	/// The crates of this workspace that it may use.
	may_use: &'static [&'static str],
}

const fn place(
	name: &'static str,
	folder: &'static str,
	side: Side,
	layer: u8,
	may_use: &'static [&'static str],
) -> Place {
	Place { name, folder, side, layer, may_use }
}

const SHARED: &[&str] = &["oda-primitives", "oda-evaluator"];
const SHARED_AND_FILES: &[&str] = &["oda-primitives", "oda-evaluator", "oda-files"];
const BELOW_PALLETS: &[&str] =
	&["oda-primitives", "oda-evaluator", "oda-pallet-court", "oda-pallet-funds", "oda-pallet-traits"];
const BELOW_RUNTIME: &[&str] = &[
	"oda-primitives",
	"oda-evaluator",
	"oda-pallet-court",
	"oda-pallet-traits",
	"oda-runtime-api",
	"pallet-clock",
	"pallet-emission",
	"pallet-inference",
	"pallet-model-registry",
	"pallet-oda-staking",
	"pallet-peers",
	"pallet-reputation",
	"pallet-storage-deals",
	"pallet-tier-voting",
	"pallet-training",
	"pallet-verification",
];
const BELOW_NODE: &[&str] = &["oda-primitives", "oda-evaluator", "oda-runtime-api", "oda-runtime"];
const BELOW_TRIALS: &[&str] = &[
	"oda-primitives",
	"oda-evaluator",
	"oda-pallet-funds",
	"pallet-clock",
	"pallet-model-registry",
	"pallet-training",
	"oda-runtime",
];
const RUNTIME_AND_BELOW: &[&str] = &[
	"oda-primitives",
	"oda-evaluator",
	"oda-pallet-court",
	"oda-pallet-traits",
	"oda-runtime-api",
	"pallet-clock",
	"pallet-emission",
	"pallet-inference",
	"pallet-model-registry",
	"pallet-oda-staking",
	"pallet-peers",
	"pallet-reputation",
	"pallet-storage-deals",
	"pallet-tier-voting",
	"pallet-training",
	"pallet-verification",
	"oda-runtime",
];
const BELOW_BENCHMARKS: &[&str] = &[
	"oda-primitives",
	"oda-evaluator",
	"oda-pallet-traits",
	"pallet-emission",
	"pallet-inference",
	"pallet-model-registry",
	"pallet-oda-staking",
	"pallet-training",
	"oda-runtime",
	"oda-trials",
	"oda-cards",
	"oda-client",
	"oda-engine",
	"oda-inference",
	"oda-provider",
];
const BELOW_SIMULATION: &[&str] =
	&["oda-primitives", "oda-pallet-traits", "pallet-reputation", "oda-runtime"];
const BELOW_INFERENCE: &[&str] = &["oda-primitives", "oda-evaluator", "oda-files", "oda-cards", "oda-client"];
const BELOW_PROVIDER: &[&str] = &[
	"oda-primitives",
	"oda-evaluator",
	"oda-files",
	"oda-cards",
	"oda-client",
	"oda-engine",
	"oda-inference",
];
const BELOW_ROLES: &[&str] = &[
	"oda-primitives",
	"oda-evaluator",
	"oda-files",
	"oda-blobs",
	"oda-cards",
	"oda-client",
	"oda-engine",
	"oda-inference",
	"oda-network",
	"oda-provider",
	"oda-trust",
];
const BELOW_WORKER: &[&str] = &[
	"oda-primitives",
	"oda-evaluator",
	"oda-files",
	"oda-blobs",
	"oda-cards",
	"oda-client",
	"oda-engine",
	"oda-inference",
	"oda-network",
	"oda-provider",
	"oda-roles",
	"oda-trust",
];

/// Crates without code that hold the features of third-party packages: the first belongs to every crate, the second to
/// those that are built on polkadot-sdk. `features.rs` checks what they are for.
const CARRIERS: &[&str] = &["oda-features", "oda-chain-features"];

/// Every crate of the workspace.
const PLACES: &[Place] = &[
	place("oda-features", "features/common", Side::Build, 0, &[]),
	place("oda-chain-features", "features/chain", Side::Build, 0, &[]),
	place("oda-primitives", "primitives", Side::Shared, 0, &[]),
	place("oda-evaluator", "evaluator", Side::Shared, 1, &["oda-primitives"]),
	place("oda-pallet-court", "pallets/court", Side::Chain, 2, SHARED),
	place("oda-pallet-funds", "pallets/funds", Side::Chain, 2, &[]),
	place("oda-pallet-traits", "pallets/traits", Side::Chain, 2, SHARED),
	place("pallet-clock", "pallets/clock", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-emission", "pallets/emission", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-inference", "pallets/inference", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-model-registry", "pallets/model-registry", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-oda-staking", "pallets/staking", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-peers", "pallets/peers", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-reputation", "pallets/reputation", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-storage-deals", "pallets/storage-deals", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-tier-voting", "pallets/tier-voting", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-training", "pallets/training", Side::Chain, 3, BELOW_PALLETS),
	place("pallet-verification", "pallets/verification", Side::Chain, 3, BELOW_PALLETS),
	place("oda-runtime-api", "runtime/api", Side::Chain, 3, BELOW_PALLETS),
	place("oda-runtime", "runtime", Side::Chain, 4, BELOW_RUNTIME),
	place("oda-node", "node", Side::Chain, 5, BELOW_NODE),
	place("oda-trials", "runtime/trials", Side::Chain, 5, BELOW_TRIALS),
	place("oda-blobs", "ml-worker/blobs", Side::Worker, 2, SHARED),
	place("oda-cards", "ml-worker/cards", Side::Worker, 2, SHARED),
	place("oda-files", "ml-worker/files", Side::Worker, 1, &[]),
	place("oda-client", "ml-worker/client", Side::Worker, 2, SHARED_AND_FILES),
	place("oda-engine", "ml-worker/engine", Side::Worker, 2, SHARED_AND_FILES),
	place("oda-inference", "ml-worker/inference", Side::Worker, 3, BELOW_INFERENCE),
	place("oda-network", "ml-worker/network", Side::Worker, 3, &["oda-primitives", "oda-blobs", "oda-files"]),
	place("oda-provider", "ml-worker/provider", Side::Worker, 4, BELOW_PROVIDER),
	place("oda-roles", "ml-worker/roles", Side::Worker, 5, BELOW_ROLES),
	place("oda-trust", "ml-worker/trust", Side::Worker, 2, SHARED_AND_FILES),
	place("ml-worker", "ml-worker/worker", Side::Worker, 6, BELOW_WORKER),
	place("oda-e2e", "tests", Side::Tests, 7, BELOW_ROLES),
	place("oda-fuzz", "fuzz", Side::Tests, 7, RUNTIME_AND_BELOW),
	place("oda-runtime-integration-tests", "runtime/integration-tests", Side::Tests, 7, RUNTIME_AND_BELOW),
	place("oda-benchmarks", "benchmarks", Side::Tests, 7, BELOW_BENCHMARKS),
	place("oda-simulation", "simulation", Side::Tests, 7, BELOW_SIMULATION),
];

/// Large libraries, and the only crates that use them directly.
const LIBRARIES: &[(&str, &[&str])] = &[
	(
		"polkadot-sdk",
		&[
			"oda-pallet-court",
			"oda-pallet-funds",
			"oda-pallet-traits",
			"pallet-clock",
			"pallet-emission",
			"pallet-inference",
			"pallet-model-registry",
			"pallet-oda-staking",
			"pallet-peers",
			"pallet-reputation",
			"pallet-storage-deals",
			"pallet-tier-voting",
			"pallet-training",
			"pallet-verification",
			"oda-runtime-api",
			"oda-runtime",
			"oda-node",
			"oda-trials",
			"oda-fuzz",
			"oda-runtime-integration-tests",
			"oda-benchmarks",
			"oda-simulation",
		],
	),
	("subxt", &["oda-client", "oda-e2e"]),
	("subxt-signer", &["oda-client"]),
	("libp2p", &["oda-network"]),
	("tch", &["oda-engine", "oda-benchmarks"]),
];

/// What a manifest says of a crate.
struct Package {
	folder: String,
	/// The crates that it uses, of this workspace and others.
	uses: BTreeSet<String>,
	/// Those that it uses except when it is built as wasm.
	uses_outside_wasm: BTreeSet<String>,
}

fn text(value: &Value, key: &str) -> String {
	value[key].as_str().expect("cargo names it").to_owned()
}

/// The workspace's members.
fn members() -> BTreeMap<String, Package> {
	let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
	let output = Command::new(cargo)
		.args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
		.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
		.output()
		.expect("cargo can be started");
	assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
	let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
	let root = text(&metadata, "workspace_root");
	let mut members = BTreeMap::new();
	for package in metadata["packages"].as_array().expect("there are packages") {
		let manifest = text(package, "manifest_path");
		let folder = Path::new(&manifest)
			.parent()
			.and_then(|folder| folder.strip_prefix(&root).ok())
			.expect("a member lies in the workspace");
		let (mut uses, mut uses_outside_wasm) = (BTreeSet::new(), BTreeSet::new());
		for dependency in package["dependencies"].as_array().expect("there is a list") {
			if dependency["kind"].as_str() != Some("dev") {
				uses.insert(text(dependency, "name"));
				if dependency["target"].as_str() == Some("cfg(not(target_family = \"wasm\"))") {
					uses_outside_wasm.insert(text(dependency, "name"));
				}
			}
		}
		let folder = folder.to_string_lossy().into_owned();
		members.insert(text(package, "name"), Package { folder, uses, uses_outside_wasm });
	}
	members
}

fn find(name: &str) -> Option<&'static Place> {
	PLACES.iter().find(|place| place.name == name)
}

#[test]
fn every_crate_has_a_place() {
	let mut found: Vec<(String, String)> = Vec::new();
	for (name, package) in members() {
		found.push((name, package.folder));
	}
	let mut expected: Vec<(String, String)> = Vec::new();
	for place in PLACES {
		expected.push((place.name.to_owned(), place.folder.to_owned()));
	}
	expected.sort();
	assert_eq!(found, expected, "the workspace's members, and those that this test knows");
}

#[test]
fn the_page_lists_the_same_crates() {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
	let page = fs::read_to_string(path).expect("the page is there");
	let section =
		page.split("\n## ").find(|section| section.starts_with("The crates\n")).expect("it lists the crates");
	let mut found: Vec<[String; 4]> = Vec::new();
	for line in section.lines().filter(|line| line.starts_with("| `")) {
		let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
		assert!(cells.len() > 5, "a row with crate, folder, side and layer: {line}");
		found.push([cells[1].to_owned(), cells[2].to_owned(), cells[3].to_owned(), cells[4].to_owned()]);
	}
	found.sort();
	let mut expected: Vec<[String; 4]> = Vec::new();
	for place in PLACES {
		expected.push([
			place.name.to_owned(),
			place.folder.to_owned(),
			place.side.name().to_owned(),
			place.layer.to_string(),
		]);
	}
	expected.sort();
	assert_eq!(found, expected, "the rows of docs/architecture.md, and what this test knows");
}

#[test]
fn what_is_allowed_points_one_way() {
	let mut faults: Vec<String> = Vec::new();
	for place in PLACES {
		for used in place.may_use {
			let allowed =
				find(used).is_some_and(|lower| lower.layer < place.layer && place.side.may_use(lower.side));
			if !allowed {
				faults.push(format!("{} must not use {used}", place.name));
			}
		}
	}
	assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_crate_uses_what_it_may_not() {
	let mut faults: Vec<String> = Vec::new();
	for (name, package) in members() {
		let Some(place) = find(&name) else { continue };
		for used in &package.uses {
			if find(used).is_some()
				&& !CARRIERS.contains(&used.as_str())
				&& !place.may_use.contains(&used.as_str())
			{
				faults.push(format!("{name} uses {used}"));
			}
		}
	}
	assert!(faults.is_empty(), "dependencies that docs/architecture.md rules out: {faults:#?}");
}

#[test]
fn every_crate_carries_the_features_but_not_into_wasm() {
	let mut faults: Vec<String> = Vec::new();
	for (name, package) in members() {
		if CARRIERS.contains(&name.as_str()) {
			continue;
		}
		let mut expected = BTreeSet::from([CARRIERS[0].to_owned()]);
		if package.uses.contains("polkadot-sdk") {
			expected.insert(CARRIERS[1].to_owned());
		}
		if package.uses_outside_wasm != expected {
			faults.push(format!("{name} uses {:?} instead of {expected:?}", package.uses_outside_wasm));
		}
	}
	assert!(faults.is_empty(), "under `cfg(not(target_family = \"wasm\"))`: {faults:#?}");
}

#[test]
fn large_libraries_stay_where_they_belong() {
	let mut faults: Vec<String> = Vec::new();
	for (name, package) in members() {
		// These use nothing, they name features.
		if CARRIERS.contains(&name.as_str()) {
			continue;
		}
		for (library, users) in LIBRARIES {
			if package.uses.contains(*library) && !users.contains(&name.as_str()) {
				faults.push(format!("{name} uses {library}"));
			}
		}
	}
	assert!(faults.is_empty(), "libraries in the wrong crate: {faults:#?}");
}
