//! The ground every room stands on: ids, time, money, the database, sealing,
//! the shape of an error, background tasks and the test bench.
//!
//! This crate has no business noun in it. If a type here could be named in a
//! customer's contract (a budget, a region, a control), it belongs in a room.

pub mod bodies;
pub mod bytes;
pub mod checks;
pub mod csv;
pub mod db;
pub mod fetch;
pub mod hex;
pub mod http;
pub mod id;
pub mod metrics;
pub mod money;
pub mod page;
pub mod problem;
pub mod seal;
pub mod secret;
pub mod shares;
pub mod tasks;
pub mod time;
pub mod tls;

#[cfg(feature = "testing")]
pub mod testing;
