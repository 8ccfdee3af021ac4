//! What a pattern is, and how a question finds one: the pure part of the room.
//!
//! Nothing here reads a file, a clock or a database, so every rule can be
//! tested in microseconds and the index can be rebuilt anywhere.

mod case;
mod index;
mod pattern;
pub mod seeds;
mod template;
mod template_text;
mod template_variable;
mod terms;
mod yaml;

pub use case::{CASES_MAX, Case, Expected, check_cases};
pub use index::{Index, Match, Overlay, Standing, THRESHOLD};
pub use pattern::{Body, Draft, DraftForm, Flaw, slug_of};
pub(crate) use pattern::{NAME_CHARS_MAX, TRIGGER_CHARS_MAX, TRIGGERS_MAX};
pub use template::{RenderError, Rendered, Template};
pub use template_variable::{Kind, Settings, Value, Variable};
pub use yaml::{FilePattern, ImportError, export, import};
