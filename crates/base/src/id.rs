//! Typed identifiers: a short prefix that says what it names, and a ULID.
//!
//! The text form (`key_01J…`) is the only form: in URLs, logs, SQL and records
//! alike, so one search finds every trace of one thing.

use crate::time::At;

/// Declares id types, each with its own prefix.
#[macro_export]
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The prefix of this kind of id.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id; ids made later sort later.
            pub fn new(at: $crate::time::At) -> Self { Self($crate::id::render($prefix, at).into()) }

            /// The text form, as stored and as shown.
            pub fn as_str(&self) -> &str { &self.0 }

            /// The 26 characters behind the prefix.
            pub fn ulid(&self) -> &str { self.0.get($prefix.len() + 1..).unwrap_or_default() }

            /// The id whose part behind the prefix is `ulid`.
            pub fn from_ulid(ulid: &str) -> Result<Self, $crate::id::NotAnId> {
                Self::try_from(format!("{}_{ulid}", $prefix))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }

        impl From<$name> for String { fn from(id: $name) -> Self { id.0.as_ref().to_owned() } }

        impl TryFrom<String> for $name {
            type Error = $crate::id::NotAnId;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                $crate::id::check($prefix, &text)?;
                Ok(Self(text.into()))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::NotAnId;
            fn from_str(text: &str) -> Result<Self, Self::Err> { Self::try_from(text.to_owned()) }
        }
    )+};
}

/// The text does not have the prefix and the 26 characters of this kind of id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid `{prefix}_` id")]
pub struct NotAnId {
    prefix: &'static str,
}

#[doc(hidden)]
pub fn render(prefix: &str, at: At) -> String {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    format!("{prefix}_{}", ulid::Ulid::from_parts(millis, rand::random()))
}

#[doc(hidden)]
pub fn check(prefix: &'static str, text: &str) -> Result<(), NotAnId> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|ulid| ulid.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()))
        .and_then(|ulid| ulid::Ulid::from_string(ulid).ok())
        .map(|_| ())
        .ok_or(NotAnId { prefix })
}

/// When an id was made, of whatever kind it is; none: it is no id of ours.
pub fn made_at(id: &str) -> Option<At> {
    let (_, ulid) = id.rsplit_once('_')?;
    let millis = ulid::Ulid::from_string(ulid).ok()?.timestamp_ms();
    At::from_millisecond(i64::try_from(millis).ok()?).ok()
}

#[cfg(test)]
mod tests {
    ids! {
        /// For the test.
        PenId = "pen";
        /// For the test.
        CupId = "cup";
    }

    #[test]
    fn an_id_of_one_kind_is_refused_where_another_belongs() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let pen = PenId::new(at);
        assert!(pen.as_str().starts_with("pen_") && pen.as_str().len() == 30);
        assert_eq!(PenId::from_ulid(pen.ulid()).unwrap(), pen);
        assert!(CupId::try_from(pen.as_str().to_owned()).is_err());
        assert!(serde_json::from_str::<CupId>(&format!("\"{pen}\"")).is_err());
        assert!(PenId::try_from(pen.as_str().to_lowercase()).is_err());
    }
}
