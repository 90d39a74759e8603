//! Coverage-guided runs of the target `parquet`: see the README beside this folder.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| longhaul_fuzz::parquet::check(input));
