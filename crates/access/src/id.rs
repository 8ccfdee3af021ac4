//! The ids that say who somebody is.

base::ids! {
    /// A customer organization: the wall that data never crosses.
    OrgId = "org";
    /// A person in an org.
    MemberId = "mem";
    /// A program that acts for an org under its own name.
    ServiceId = "svc";
    /// A group of members.
    TeamId = "team";
    /// An API key.
    KeyId = "key";
}
