//! The evaluator under libFuzzer.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer's entry point, which the macro makes")]

use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fuzz_target!(|bytes: &[u8]| {
	oda_fuzz::evaluator::run(bytes, Some(&MEMORY));
});
