//! Why nothing came back.

/// Why an address could not be asked, in words for whoever typed it. Never says what a
/// name resolved to, nor what the operator's network looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// Not a URL with a host, or one with a name and a password in it.
    #[error("this is not a web address such as `https://id.example.com`")]
    NotAnAddress,
    /// Another scheme than the operator allows.
    #[error("the address must begin with `https://`")]
    NotHttps,
    /// Something of the request cannot be sent, a header for example.
    #[error("the request holds what cannot be sent")]
    NotSendable,
    /// The name has no address, or none but in a network that is not public. Which of them is
    /// not said: else the names of the operator's network could be found by guessing.
    #[error("`{0}` could not be found at a public address")]
    NotFound(String),
    /// No connection.
    #[error("`{0}` could not be reached")]
    Unreachable(String),
    /// No trust.
    #[error("there is no trusted TLS connection to `{0}`: {1}")]
    Untrusted(String, String),
    /// No whole answer in time.
    #[error("`{0}` did not answer in time")]
    TooSlow(String),
    /// The answer is larger than it may be.
    #[error("the answer of `{0}` is too large")]
    TooLarge(String),
    /// The answer is compressed, though nobody asked for that.
    #[error("the answer of `{0}` is compressed")]
    Encoded(String),
    /// The connection broke, or what came is not HTTP.
    #[error("the connection to `{0}` broke")]
    Broken(String),
}

impl Failed {
    /// A stable word for the record.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnAddress => "not_an_address",
            Self::NotHttps => "not_https",
            Self::NotSendable => "not_sendable",
            Self::NotFound(_) => "no_public_address",
            Self::Unreachable(_) => "unreachable",
            Self::Untrusted(..) => "untrusted",
            Self::TooSlow(_) => "too_slow",
            Self::TooLarge(_) => "too_large",
            Self::Encoded(_) => "encoded",
            Self::Broken(_) => "broken",
        }
    }
}
