//! What identity providers send over SAML: responses, logouts, metadata.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| federation::saml::fuzzing::message(bytes));
