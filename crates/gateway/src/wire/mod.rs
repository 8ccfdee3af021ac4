//! The wire: bytes in, bytes out. No I/O, no clock, no lock; ids and times are passed in.
//!
//! What a caller sends is read by borrowing ([`ask`]) and changed byte for byte ([`splice`]); what a
//! provider streams is cut into events ([`sse`]) and metered without being rewritten ([`meter`]).
//! Only [`anthropic`] translates, because there the two sides speak different languages.

pub(crate) mod anthropic;
pub(crate) mod ask;
mod bad_ask;
pub(crate) mod ceiling;
mod json;
pub(crate) mod last_user_text;
pub(crate) mod meter;
pub(crate) mod openai_error;
pub(crate) mod splice;
pub(crate) mod sse;
pub(crate) mod tally;
pub(crate) mod usage;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod goldens;

pub(crate) use bad_ask::BadAsk;
