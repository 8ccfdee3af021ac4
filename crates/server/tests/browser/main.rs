//! The console as people meet it: in a real browser, against the real binary.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first surprise, and says why it does nothing"
)]

mod driver;
mod eyes;
mod finding;
mod hands;
mod harness;
#[path = "../journeys/http.rs"]
#[expect(dead_code, reason = "the journeys use the rest")]
mod http;
mod page;
#[path = "../journeys/portico.rs"]
#[expect(dead_code, reason = "the journeys use the rest")]
mod portico;
mod tools;
mod world;
