//! The real binary, one story per file.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod backup;
mod bodies;
mod bootstrap;
mod clients;
mod cluster;
mod console;
mod crash;
mod deadlines;
mod demo;
mod door;
mod drain;
mod forgotten;
mod http;
mod keys;
mod mail;
mod memory;
mod moves;
mod nodes;
mod once;
mod outage;
mod portico;
mod proxy;
mod relapse;
mod relay;
mod reload;
mod residency;
mod revoked;
mod routes;
mod setup;
mod shared;
mod shelter;
mod spending;
mod standby;
mod tiers;
mod tls;
mod traces;
mod until;
mod walls;
