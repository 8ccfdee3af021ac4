//! What somebody shows as an API key.
#![no_main]

use identity::key::Presented;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(key) = Presented::parse(text) else { return };
    assert!(text.len() <= 96 && text.is_ascii());
    assert!(text.starts_with(&format!("pk_{}_{}_", key.region, key.org.ulid())));
    // Another check makes it another text, which is not a key.
    let (body, check) = text.split_at(text.len() - 1);
    let other = if check == "0" { "1" } else { "0" };
    assert!(Presented::parse(&format!("{body}{other}")).is_err());
});
