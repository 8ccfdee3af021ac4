//! Stale, too early, or without a time.

use super::Case;
use crate::toolbox::{Draft, World};

const CLASS: &str = "times";
const WINDOW: &str = "NotBefore=\"2026-11-25T11:59:30Z\" NotOnOrAfter=\"2026-11-25T12:06:00Z\"";

/// Stale, too early, or without a time.
pub(crate) fn cases(world: &World) -> Vec<Case> {
    let refused = |name, from: &str, to: &str, verdict| {
        let draft = Draft::new().assertion(from, to).signed(&world.idp);
        Case::response(CLASS, name, &draft, verdict)
    };
    let response = |name, to: &str, verdict| {
        let draft = Draft::new().response("2026-11-25T12:00:00Z", to).signed(&world.idp);
        Case::response(CLASS, name, &draft, verdict)
    };
    let issued = "IssueInstant=\"2026-11-25T12:00:00Z\"";
    let ends = "NotOnOrAfter=\"2026-11-25T12:06:00Z\"";
    let begins = "NotBefore=\"2026-11-25T11:59:30Z\"";
    let confirmed = "NotOnOrAfter=\"2026-11-25T12:05:00Z\"";
    let session = "SessionIndex=\"_session\"";
    let authenticated = "AuthnInstant=\"2026-11-25T11:58:00Z\"";
    vec![
        refused("expired an hour ago", ends, "NotOnOrAfter=\"2026-11-25T11:00:00Z\"", "expired"),
        refused(
            "expired to the second, with the skew",
            ends,
            "NotOnOrAfter=\"2026-11-25T11:59:00Z\"",
            "expired",
        ),
        refused("without an end", WINDOW, begins, "part_missing"),
        refused("with an empty end", ends, "NotOnOrAfter=\"\"", "part_invalid"),
        refused("with an end that is no time", ends, "NotOnOrAfter=\"never\"", "part_invalid"),
        refused(
            "with an end in no zone",
            ends,
            "NotOnOrAfter=\"2026-11-25T12:06:00\"",
            "part_invalid",
        ),
        refused(
            "with an end in a month that is not",
            ends,
            "NotOnOrAfter=\"2026-13-25T12:06:00Z\"",
            "part_invalid",
        ),
        refused(
            "with an end in the year 99999",
            ends,
            "NotOnOrAfter=\"99999-11-25T12:06:00Z\"",
            "part_invalid",
        ),
        refused("not valid yet", begins, "NotBefore=\"2026-11-25T12:01:01Z\"", "not_yet_valid"),
        refused("with a beginning that is no time", begins, "NotBefore=\"\"", "part_invalid"),
        refused(
            "the confirmation has expired",
            confirmed,
            "NotOnOrAfter=\"2026-11-25T11:58:59Z\"",
            "confirmation_expired",
        ),
        refused("the confirmation has no end", &format!(" {confirmed}"), "", "part_missing"),
        refused(
            "the confirmation's end is no time",
            confirmed,
            "NotOnOrAfter=\"x\"",
            "part_invalid",
        ),
        refused(
            "the confirmation is not valid yet",
            confirmed,
            &format!("NotBefore=\"2026-11-25T13:00:00Z\" {confirmed}"),
            "not_yet_valid",
        ),
        refused(
            "issued in the future",
            issued,
            "IssueInstant=\"2026-11-25T12:01:01Z\"",
            "issued_in_future",
        ),
        refused(
            "issued in 2099",
            issued,
            "IssueInstant=\"2099-01-01T00:00:00Z\"",
            "issued_in_future",
        ),
        refused(
            "issued yesterday",
            issued,
            "IssueInstant=\"2026-11-24T12:00:00Z\"",
            "issued_long_ago",
        ),
        refused("issued at no time", &format!(" {issued}"), "", "part_missing"),
        refused("issued at an empty time", issued, "IssueInstant=\"\"", "part_invalid"),
        refused(
            "authenticated in the future",
            authenticated,
            "AuthnInstant=\"2026-11-25T12:01:01Z\"",
            "issued_in_future",
        ),
        refused("authenticated at no time", &format!(" {authenticated}"), "", "part_missing"),
        refused(
            "the session there is over",
            session,
            &format!("{session} SessionNotOnOrAfter=\"2026-11-25T11:00:00Z\""),
            "session_over",
        ),
        refused(
            "the session's end is no time",
            session,
            &format!("{session} SessionNotOnOrAfter=\"soon\""),
            "part_invalid",
        ),
        response(
            "the response was issued in the future",
            "2026-11-25T12:01:01Z",
            "issued_in_future",
        ),
        response("the response was issued in 2018", "2018-01-01T00:00:00Z", "issued_long_ago"),
        response("the response was issued at no time", "", "part_invalid"),
        response("the response's time has a space", "2026-11-25 12:00:00Z", "part_invalid"),
        response(
            "the response's time has a zone by name",
            "2026-11-25T12:00:00Z[UTC]",
            "part_invalid",
        ),
    ]
}
