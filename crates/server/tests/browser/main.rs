//! The console as people meet it: in a real browser, against the real binary.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first surprise, and says why it does nothing"
)]

mod corporate;
mod driver;
mod every_page;
mod eyes;
mod finding;
mod first_answer;
mod furnished;
mod hands;
mod harness;
mod history;
#[path = "../journeys/http.rs"]
mod http;
mod moving;
mod page;
mod passkeys;
mod planted;
mod png;
#[path = "../journeys/portico.rs"]
#[expect(dead_code, reason = "the journeys use the rest")]
mod portico;
mod receipts;
mod recorded;
mod screens;
mod signing;
mod talking;
mod teller;
mod tools;
mod vouching;
mod walk;
mod world;
