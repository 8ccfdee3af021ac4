//! XML as SAML needs it: read strictly into one tree, written canonically.
//!
//! What is verified is what is read: the signature is checked on the very elements that the
//! values are taken from. There is no second parser and no second tree that could see
//! something else.

mod canonical;
mod characters;
mod read;
mod tree;
mod write;

pub(crate) use canonical::canonical;
pub(crate) use characters::is_name;
pub(crate) use read::{Limits, Scope, read, read_within};
pub(crate) use tree::{Element, Node};
pub(crate) use write::{attribute, text};
