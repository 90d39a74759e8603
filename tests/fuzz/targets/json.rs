//! Coverage-guided runs of the target `json`: see the README beside this folder.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| longhaul_fuzz::json::check(input));
