//! Asking somebody outside to remember a head: C2SP `tlog-witness`, both sides of it, without
//! the network and without the store.

mod answer;
mod decision;
mod request;

pub use answer::{SIZE_TYPE, Unanswered, cosignatures, known_size};
pub use decision::{Accepted, Head, Log, Refusal, decide};
pub use request::{Malformed, REQUEST_BYTES_MAX, Request};
