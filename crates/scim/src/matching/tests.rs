//! Which resources a filter finds.

use serde_json::json;

use super::*;

fn ada() -> Document {
    let ada = json!({
        "id": "u1", "externalId": "Ext", "userName": "Ada@Example.com", "active": false,
        "name": {"givenName": "Ada"},
        "emails": [{"type": "work", "value": "ada@work.example", "primary": true},
                   {"type": "home", "value": "ada@home.example"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
            {"department": "Engines", "manager": {"value": "u2"}},
        "meta": {"lastModified": "2026-01-02T00:00:00Z"},
    });
    ada.as_object().unwrap().clone()
}

#[test]
fn filters_find_whom_they_mean() {
    for (filter, holds) in [
        (r#"userName eq "ada@example.COM""#, true),
        (r#"externalId eq "ext""#, false),
        (r#"externalId eq "Ext""#, true),
        (r#"emails.value ew "HOME.example""#, true),
        (r#"emails co "@work""#, true),
        (r#"emails[type eq "work" and value co "home"]"#, false),
        (r#"emails[type eq "work" and primary eq "True"]"#, true),
        (r#"emails[not (type eq "work")]"#, true),
        ("active eq false", true),
        (r#"active eq "False""#, true),
        ("active ne true and title pr", false),
        ("not (title pr) and name.givenName pr", true),
        (r#"title ne "x""#, true),
        ("title eq null", true),
        ("externalId ne null", true),
        (r#"meta.lastModified gt "2026-01-01T23:00:00-02:00""#, false),
        (r#"meta.lastModified gt "2026-01-01T23:00:00Z""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "eng""#, true),
        (r#"department eq "engines" and manager.value eq "u2""#, true),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ADA""#, true),
        (r#"userName gt "abc" and userName lt "adb""#, true),
    ] {
        let test = Test::read(Resource::User, filter, Unknown::Refused).unwrap();
        assert_eq!(test.holds(&ada()), holds, "{filter}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused_and_never_means_nobody() {
    for filter in [
        r#"usrName eq "x""#,
        r#"emails[colour eq "x"]"#,
        "active gt true",
        r#"active eq "maybe""#,
        "userName eq true",
        r#"name eq "x""#,
        r#"meta.created gt "yesterday""#,
        r#"members eq "x""#,
    ] {
        let refused = Test::read(Resource::User, filter, Unknown::Refused).unwrap_err();
        assert_eq!(refused.scim_type(), Some("invalidFilter"), "{filter}");
    }
    let both = r#"userName eq "x" or displayName eq "x""#;
    let groups = Test::read(Resource::Group, both, Unknown::MatchesNothing).unwrap();
    let group = json!({"displayName": "X"});
    assert!(groups.holds(group.as_object().unwrap()));
}
