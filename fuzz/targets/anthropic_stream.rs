//! A provider's stream, translated.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::fuzzing::anthropic_stream(bytes));
