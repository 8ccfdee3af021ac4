//! What OpenID providers send: tokens and their own descriptions.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    federation::oidc::fuzzing::token(bytes);
    federation::oidc::fuzzing::documents(bytes);
});
