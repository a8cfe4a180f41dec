//! Nothing to do: it has cargo heed the build dependencies.

fn main() {
	println!("cargo::rerun-if-changed=build.rs");
}
