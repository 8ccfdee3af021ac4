//! The policy as a table, kept in a file that reviewers and auditors read.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use access::{
    Access, Actor, Caller, DataClass, Grant, Guard, Identified, MemberId, Method, Objection, OrgId,
};
use access::{
    Origin, Permission, PermissionSet, Region, Resource, Role, ShownSession, Standing, Thing,
};
use axum::extract::FromRequestParts;
use base::problem::Problem;

fn caller(role: Role, on: Option<Resource>, cap: Option<PermissionSet>) -> Caller {
    let at = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let grant = Grant {
        role: role.to_string(),
        permissions: role.permissions().expect("known permissions"),
        on,
        through: "member".to_owned(),
    };
    Caller::identified(Identified {
        org: OrgId::new(at),
        region: Region::Eu,
        actor: Actor::Member(MemberId::new(at)),
        key: None,
        teams: Arc::default(),
        access: Arc::new(Access::compile(vec![grant], cap, 7)),
        models: None,
        origin: Origin::default(),
        standing: access::Standing::default(),
    })
}

#[test]
fn the_policy_is_the_one_that_was_reviewed() {
    let reviewed = include_str!("../policy.txt");
    assert_eq!(access::policy(), reviewed, "have the new policy.txt reviewed");
}

#[test]
fn every_refusal_says_what_is_missing() {
    let viewer = caller(Role::Viewer, None, None);
    let denied = viewer.require(Permission::ModelsInvoke).expect_err("a viewer calls no models");
    assert_eq!(denied.0.missing.as_deref(), Some("no role of the caller includes `models:invoke`"));
    assert_eq!(
        (denied.0.roles.as_slice(), denied.0.policy_version),
        (["org:viewer by member".to_owned()].as_slice(), 7)
    );

    let narrow = PermissionSet::parse(["patterns:read"]).expect("known");
    let key = caller(Role::Owner, None, Some(narrow));
    let denied = key.require(Permission::UsersRead).expect_err("the key is narrower");
    assert_eq!(
        denied.0.missing.as_deref(),
        Some("the key's own roles do not include `users:read`")
    );
    assert!(key.require(Permission::PatternsRun).is_ok());
}

#[test]
fn a_grant_on_one_pattern_reaches_no_other() {
    let one = Resource::new("pattern", "pat_1");
    let caller = caller(Role::Viewer, Some(one.clone()), None);
    assert!(caller.require_on(Permission::PatternsRead, Thing::of(&one)).is_ok());
    assert!(caller.require_on(Permission::PatternsRead, Thing::new("pattern", "pat_2")).is_err());
    assert!(caller.require(Permission::PatternsRead).is_err());
    assert!(caller.may_somewhere(Permission::PatternsRead));
}

#[test]
fn an_unknown_permission_is_refused_and_not_ignored() {
    for text in ["pattern:read", "patterns:fly", "billing:*", "user*", ""] {
        assert!(PermissionSet::parse([text]).is_err(), "{text}");
    }
    assert_eq!(PermissionSet::parse(["*"]), Ok(PermissionSet::ALL));
}

#[tokio::test]
async fn strangers_are_refused_when_nobody_identified_them() {
    let (mut parts, ()) = axum::http::Request::new(()).into_parts();
    let refused = Caller::from_request_parts(&mut parts, &()).await.expect_err("nobody");
    assert_eq!(refused.status(), 401);
}

/// Objects to one permission, whatever the roles say.
#[derive(Debug)]
struct No(Permission);

impl Guard for No {
    fn refuses(
        &self,
        _: &Identified,
        wanted: Permission,
        _: Option<Thing<'_>>,
    ) -> Option<Objection> {
        (wanted == self.0).then(|| Objection {
            policies: vec!["office-only".to_owned()],
            detail: "not from this address".to_owned(),
        })
    }
}

#[test]
fn a_guard_narrows_and_never_widens() {
    let who = Identified::clone(&caller(Role::Viewer, None, None));
    let guard: Option<Arc<dyn Guard>> = Some(Arc::new(No(Permission::PatternsRead)));
    let guarded = Caller::identified(Identified {
        standing: Standing { guard, ..Standing::default() },
        ..who
    });
    let denied = guarded.require(Permission::PatternsRead).expect_err("the guard objects");
    assert_eq!(denied.0.policies, ["office-only"]);
    assert_eq!(denied.0.missing.as_deref(), Some("not from this address"));
    let on = Thing::new("pattern", "pat_1");
    assert!(guarded.require_on(Permission::PatternsRead, on).is_err());
    assert!(guarded.require(Permission::PatternsRun).is_ok(), "of this it says nothing");
    let denied = guarded.require(Permission::UsersRead).expect_err("no role gives it");
    assert!(denied.0.policies.is_empty(), "the roles refused, not the guard");
}

/// Objects to what is secret.
#[derive(Debug)]
struct NoSecrets;

impl Guard for NoSecrets {
    fn refuses(&self, _: &Identified, _: Permission, on: Option<Thing<'_>>) -> Option<Objection> {
        let class = on.and_then(|on| on.data_class).filter(|class| *class == DataClass::Secret)?;
        Some(Objection {
            policies: vec!["no-secrets".to_owned()],
            detail: format!("it is {class}"),
        })
    }
}

#[test]
fn a_grant_holds_whatever_the_class_and_a_guard_looks_at_it() {
    let one = Resource::new("pattern", "pat_1");
    let granted = caller(Role::Viewer, Some(one.clone()), None);
    let guard: Option<Arc<dyn Guard>> = Some(Arc::new(NoSecrets));
    let guarded = Caller::identified(Identified {
        standing: Standing { guard, ..Standing::default() },
        ..Identified::clone(&granted)
    });
    let read = Permission::PatternsRead;
    for class in DataClass::ALL.map(Some).into_iter().chain([None]) {
        let on = Thing::of(&one).classed(class);
        assert!(granted.require_on(read, on).is_ok(), "the grant holds: {class:?}");
        assert_eq!(guarded.may_on(read, on), class != Some(DataClass::Secret), "{class:?}");
    }
    let secret = Thing::of(&one).classed(Some(DataClass::Secret));
    let denied = guarded.require_on(read, secret).expect_err("the guard objects");
    let told = serde_json::to_value(&denied.0).expect("json");
    assert_eq!((&told["data_class"], &told["resource"]["id"]), (&"secret".into(), &"pat_1".into()));
    assert!(DataClass::Confidential.and_above().eq([DataClass::Confidential, DataClass::Secret]));
    assert!(DataClass::ALL.iter().all(|one| DataClass::named(one.as_str()) == Some(*one)));
}

#[test]
fn a_session_without_a_recent_factor_is_sent_to_confirm() {
    let at: base::time::At = "2026-01-01T12:00:00Z".parse().expect("an instant");
    let who = Identified::clone(&caller(Role::Admin, None, None));
    let with = |factor_due, factor_at| {
        let method = Method::Password;
        let id = "ses_1".to_owned();
        let shown = ShownSession { id, method, factor_at, factor_due, confined: false };
        let session = Some(shown);
        let standing = Standing { at: Some(at), session, ..Standing::default() };
        Caller::identified(Identified { standing, ..who.clone() })
    };
    let before = |secs| Some(at - std::time::Duration::from_secs(secs));
    assert!(with(true, before(900)).recent_factor().is_ok());
    for none in [None, before(901)] {
        let needs = with(true, none).recent_factor().expect_err("none that is recent");
        assert_eq!(Problem::from(needs).code(), "factor_required");
    }
    assert!(with(false, None).recent_factor().is_ok(), "whoever has none and needs none");
    assert!(Caller::identified(who).recent_factor().is_ok(), "a key has no factor to show");
}
