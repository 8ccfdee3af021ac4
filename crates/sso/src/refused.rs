//! Why somebody was not signed in: for the record, and for an admin who tests. A browser is
//! told none of it.

/// A refusal by its stable name, and what can be said about it without naming anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Stable: what the record is searched by.
    pub code: &'static str,
    /// In words, for an admin.
    pub detail: String,
}

impl Refused {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// The connection is not one that people sign in through now.
    pub(crate) fn not_active() -> Self {
        Self::new("connection_not_active", "the connection is not active")
    }

    /// Nothing outstanding belongs to the answer.
    pub(crate) fn no_flow() -> Self {
        Self::new(
            "unsolicited",
            "nobody asked for this answer, or it came later than ten minutes, or it was used",
        )
    }

    /// What came back came to another browser than the one that began.
    pub(crate) fn other_browser() -> Self {
        Self::new("other_browser", "the sign-in was begun in another browser")
    }

    /// The answer was accepted before.
    pub(crate) fn replayed() -> Self {
        Self::new("replayed", "this answer was accepted before")
    }

    /// The answer names nobody.
    pub(crate) fn no_email() -> Self {
        Self::new("no_email", "the answer has no e-mail address in any of the mapped attributes")
    }

    /// The provider itself does not vouch for the address.
    pub(crate) fn email_not_verified() -> Self {
        Self::new("email_not_verified", "the provider says that the e-mail address is not verified")
    }

    /// Nobody here is meant, and nobody new is let in.
    pub(crate) fn nobody() -> Self {
        Self::new("no_such_member", "nobody here is meant, and the connection makes no new members")
    }

    /// Nobody here is meant, and members come by a directory alone.
    pub(crate) fn by_directory() -> Self {
        Self::new(
            "directory_provisions",
            "nobody here is meant, and a directory provisions the members: it brings this person, \
             or an administrator invites them",
        )
    }

    /// Somebody who was removed does not come back by themselves.
    pub(crate) fn was_removed() -> Self {
        Self::new("member_removed", "this person was removed: an administrator can invite them")
    }

    /// Somebody is here who may not act.
    pub(crate) fn not_acting() -> Self {
        Self::new("member_not_active", "the member is suspended, removed or has not accepted yet")
    }

    /// The address is that of an owner, and an address alone is not enough for that.
    pub(crate) fn owner_by_email() -> Self {
        Self::new(
            "owner_must_connect",
            "the address is that of an owner: owners connect themselves while they are signed in",
        )
    }

    /// The address is that of somebody, and it is not enough here.
    pub(crate) fn not_by_email() -> Self {
        Self::new("not_connected", "the member has not connected themselves")
    }

    /// The member may more than whoever set the provider up, or would.
    pub(crate) fn not_vouched() -> Self {
        Self::new(
            "not_vouched",
            "the member may more than those who answer for this connection, or would: somebody \
             who may as much confirms it on its page",
        )
    }

    /// What the mapping gives cannot be given.
    pub(crate) fn mapping(why: &str) -> Self {
        Self::new("mapping_broken", why)
    }

    /// The member comes as somebody else already.
    pub(crate) fn connected_otherwise() -> Self {
        Self::new(
            "connected_otherwise",
            "the member is known under another name of the provider, or that name is another's",
        )
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}
