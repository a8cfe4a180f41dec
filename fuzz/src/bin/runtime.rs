//! The runtime under libFuzzer.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer's entry point, which the macro makes")]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
	oda_fuzz::runtime::run(bytes);
});
