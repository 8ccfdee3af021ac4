//! A witness, as logs and people meet it: over HTTP, across restarts, with bad disks.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod asking;
mod clock;
mod cosigning;
mod crowd;
mod disk;
mod evidence;
mod folder;
mod log;
mod sockets;
mod stand;
