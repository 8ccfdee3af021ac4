//! A provider's stream, passed through.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::fuzzing::stream(bytes));
