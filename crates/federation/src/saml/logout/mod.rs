//! Single logout: asked for and answered, both ways, always signed.

mod open;
mod request;
mod response;

pub use request::{LogoutRequest, LogoutSubject};
pub use response::LogoutOutcome;
