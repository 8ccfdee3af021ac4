//! How the binary is linked.
#![expect(clippy::disallowed_methods, reason = "cargo tells a build script so")]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    // There Rust brings its own linker, LLD, unless somebody chose another.
    let ours = is("TARGET", "x86_64-unknown-linux-gnu")
        && !env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().contains("link");
    if ours && is("PROFILE", "release") {
        // Functions that are the same to the byte are there once, as in Chromium: every crate
        // has its own copy of what drops and polls the types of others.
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
