//! "Are you well?": what a room answers when readiness is asked for.

use std::future::Future;
use std::pin::Pin;

/// A part that can be unwell. Implemented by rooms, collected by the server.
pub trait Pulse: Send + Sync + std::fmt::Debug {
    /// What the part is called in `/readyz`.
    fn name(&self) -> &str;

    /// `Err` says in a few words what is wrong; nothing secret.
    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}
