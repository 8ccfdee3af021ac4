//! For the fuzzer: whatever a directory sends as a filter, a path or a patch.

use scim_v2::filter::{Filter, PatchPath};
use serde_json::json;

use crate::document::Document;
use crate::grammar;
use crate::matching::{Test, Unknown};
use crate::patch::{self, Operation};
use crate::schema::Resource;

/// Reads bytes as a filter, as a path and as a patch, and applies what can be read to a
/// user and a group. Nothing may panic, and what was read must be read alike once written.
///
/// # Panics
///
/// When a filter that was written down means something else.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let user = json!({
        "id": "scu_1", "userName": "ada", "active": true, "name": {"givenName": "Ada"},
        "emails": [{"type": "work", "value": "a@x.example", "primary": true}, {"value": "b"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
            {"department": "d", "manager": {"value": "m"}},
    });
    let group = json!({"id": "scg_1", "displayName": "Staff", "members": [{"value": "scu_1"}]});
    for (resource, sample) in [(Resource::User, user), (Resource::Group, group)] {
        let sample: Document = sample.as_object().cloned().unwrap_or_default();
        for unknown in [Unknown::Refused, Unknown::MatchesNothing] {
            if let Ok(test) = Test::read(resource, &text, unknown) {
                let _ = (test.holds(&sample), crate::query::keys(resource, &test));
            }
        }
        if let Ok(filter) = grammar::filter(&text) {
            let again = filter.to_string().parse::<Filter>();
            assert!(again.is_ok_and(|again| again == filter), "a filter means something else");
        }
        if let Ok(path) = grammar::path(&text) {
            let again = path.to_string().parse::<PatchPath>();
            assert!(again.is_ok_and(|again| again == path), "a path means something else");
            for op in ["add", "replace", "remove"] {
                for value in
                    [json!(null), json!("x"), json!([{"value": "x"}]), json!({"type": "work"})]
                {
                    let body = json!({"Operations": [{"op": op, "path": text, "value": value}]});
                    if let Ok(operations) = Operation::read(&body) {
                        drop(patch::apply(resource, sample.clone(), &operations));
                    }
                }
            }
        }
        if let Ok(body) = serde_json::from_slice(bytes)
            && let Ok(operations) = Operation::read(&body)
        {
            drop(patch::apply(resource, sample, &operations));
        }
    }
}

#[cfg(test)]
mod tests {
    /// A small generator: the same texts in every run. The fuzzer goes on where it ends.
    #[test]
    fn no_filter_path_or_patch_whatsoever_makes_the_room_stumble() {
        let words = [
            "userName",
            "emails",
            "members",
            "value",
            "type",
            "active",
            "name.givenName",
            "meta",
            " eq ",
            " co ",
            " pr",
            " and ",
            " or ",
            "not ",
            "not(",
            "(",
            ")",
            "[",
            "]",
            ".",
            "\"work\"",
            "\"",
            "\\",
            "true",
            "null",
            "1.5e3",
            "urn:ietf:params:scim:schemas:core:2.0:User:",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            ":manager",
            " ",
            "é",
            "\u{0}",
            "{\"Operations\":[{\"op\":\"Add\",\"path\":\"",
            "\",\"value\":",
            "{\"a\":1}",
            "[1]",
            "}]}",
        ];
        let mut state: u64 = 42;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..1_500 {
            let text: String = (0..next(14)).map(|_| words[next(words.len())]).collect();
            super::fuzz(text.as_bytes());
        }
        for text in [
            r#"emails[type eq "work" and value co "@x"] and not (active eq "False")"#,
            r#"members[value eq "scu_1" or type eq "User"]"#,
            r#"{"Operations":[{"op":"replace","value":{"name.givenName":"x","emails[type eq \"home\"].value":"y"}}]}"#,
        ] {
            super::fuzz(text.as_bytes());
        }
    }
}
