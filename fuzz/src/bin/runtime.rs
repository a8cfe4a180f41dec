//! The runtime under libFuzzer.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer's entry point, which the macro makes, and the order of libraries")]

use libfuzzer_sys::fuzz_target;

// Before libFuzzer, which has a `memcmp` of its own and looks into what each compares. State is a tree of keys: that would
// take half of the time, and finds nothing here.
#[link(name = "c")]
unsafe extern "C" {}

fuzz_target!(|bytes: &[u8]| {
	oda_fuzz::runtime::run(bytes);
});
