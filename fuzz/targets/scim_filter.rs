//! What directories ask over SCIM: filters, paths and patches.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scim::fuzz(bytes));
