//! A file of patterns: what is read can be written, and read back to the same.
#![no_main]

use patterns::engine::{export, import};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match import(text) {
        Ok(drafts) => {
            let written = export(&drafts).expect("what was read can be written");
            assert_eq!(import(&written).as_ref(), Ok(&drafts), "{written}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
