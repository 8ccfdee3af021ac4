//! The class of every field of an event.

use super::Class;

/// A field as the record tells it, the class that it stands in, and what it is.
///
/// INVARIANT: a field never changes its class, and none is taken away: what was committed to
/// is read for ever.
pub(crate) const FIELDS: &[(&str, Class, &str)] = &[
    ("action", Class::Core, "what was done: `room.noun.verb`"),
    ("actorKind", Class::Core, "what did it: a member, a service account, a node, …"),
    ("call", Class::Core, "of a call: model, provider, tokens, price; never what was said"),
    (
        "journal",
        Class::Core,
        "of what an outage kept: the journal and the entry through which it came",
    ),
    ("node", Class::Core, "of a call: the node that had it in hand"),
    ("organizationId", Class::Core, "whose record it is"),
    ("outcome", Class::Core, "how it ended"),
    ("region", Class::Core, "where it is kept"),
    ("requestId", Class::Core, "the request that it came with"),
    ("resourceId", Class::Core, "what it was done to, if that is no person"),
    ("resourceType", Class::Core, "what kind of thing it was done to"),
    ("timestamp", Class::Core, "when"),
    ("v", Class::Core, "the version of the codec"),
    ("ipAddress", Class::Subject, "where it came from"),
    ("keyId", Class::Subject, "the key that was shown"),
    ("session", Class::Subject, "how the session was signed in, and how old its factor was"),
    ("supportRequest", Class::Subject, "the request that the org consented to"),
    ("teamIds", Class::Subject, "the teams of whoever did it"),
    ("userAgent", Class::Subject, "the program that asked"),
    ("userId", Class::Subject, "who did it"),
    ("changes", Class::Payload, "what changed; every field of it"),
    ("reason", Class::Payload, "why it ended so; every field of it"),
    ("resourceId", Class::Payload, "whom it was done to, if that is a person"),
];

/// The class of a field of an event about a person or about a thing. What nobody knows may
/// not be forgotten.
pub(crate) fn class_of(field: &str, is_person: bool) -> Class {
    let known = FIELDS.iter().filter(|(name, ..)| *name == field).map(|(_, class, _)| *class);
    let class = if is_person { known.max() } else { known.min() };
    class.unwrap_or(Class::Core)
}
