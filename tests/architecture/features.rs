//! Third-party packages have the same features whatever part of the workspace is built, so that none is built twice.

use crate::{CARRIERS, PLACES};
use std::{collections::BTreeMap, ffi::OsString, process::Command};

/// Every machine is asked about the same one.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The features of each package, by its name and version and by whether it is built for the host: for build scripts
/// and procedural macros.
type Features = BTreeMap<(String, bool), String>;

/// What cargo would build for a selection of packages. With a target named, its tree tells packages for the host from
/// those for the target.
fn tree(selection: &[&str], edges: &str) -> Features {
	let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
	let output = Command::new(cargo)
		.args(["tree", "--offline", "--charset", "ascii", "--target", TARGET, "--format", "{p}|{f}"])
		.args(["--edges", edges, "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")])
		.args(selection)
		.output()
		.expect("cargo can be started");
	assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
	let printed = String::from_utf8(output.stdout).expect("names are text");

	let mut found = Features::new();
	// Of each depth: whether its last package is for the host, and whether build dependencies follow.
	let (mut host, mut build) = (vec![false; 500], vec![false; 500]);
	for line in printed.lines() {
		let rest = line.trim_start_matches(['|', '`', '-', ' ']);
		// A level takes four characters.
		let depth = (line.len() - rest.len()) / 4;
		if rest.starts_with('[') {
			build[depth + 1] = rest == "[build-dependencies]";
			continue;
		}
		let Some((package, features)) = rest.split_once('|') else { continue };
		host[depth] = build[depth] || package.contains("(proc-macro)") || (depth > 0 && host[depth - 1]);
		build[depth + 1] = false;
		// Those of this repository have a path.
		if !package.contains("(/") {
			let key = (package.trim_end_matches(" (proc-macro)").to_owned(), host[depth]);
			found.insert(key, features.trim_end_matches(" (*)").to_owned());
		}
	}
	found
}

#[test]
fn third_party_packages_have_one_set_of_features_whatever_is_built() {
	let all = tree(&["--workspace"], "normal,build,dev");
	assert!(all.len() > 500, "a tree that is read rightly: {}", all.len());
	assert!(all.keys().any(|(_, host)| *host));
	let mut selections: Vec<Vec<&str>> = vec![vec!["--workspace"]];
	for place in PLACES.iter().filter(|place| !CARRIERS.contains(&place.name)) {
		selections.push(vec!["--package", place.name]);
	}
	let mut faults: BTreeMap<String, Vec<String>> = BTreeMap::new();
	for selection in &selections {
		for edges in ["normal,build", "normal,build,dev"] {
			for (key, features) in tree(selection, edges) {
				if all.get(&key).is_some_and(|wanted| *wanted != features) {
					faults.entry(key.0).or_default().push(selection.join(" "));
				}
			}
		}
	}
	assert!(
		faults.is_empty(),
		"packages with other features in the whole workspace than in a part; scripts/features.py mends it: {faults:#?}"
	);
}
