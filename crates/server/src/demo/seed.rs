//! Making the demo's organizations through the same verbs that everybody uses, so
//! that their records are true.

use access::{Caller, KeyId, OrgId, Role};
use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base::secret::Secret;
use identity::{NewKey, NewMember, NewService};
use limits::{Ceiling, Level};
use serde_json::json;
use tower::ServiceExt as _;

use super::orgs::{ORGS, Org};
use super::{DemoMember, DemoOrg, DemoService};
use crate::commands::create_org;
use crate::wire::House;

/// The record's name for whoever makes the demo.
const OPERATOR: &str = "demo";

/// Makes the three organizations, at the same time.
pub(super) async fn seed(house: &House) -> anyhow::Result<Vec<DemoOrg>> {
    let [eu, us, apac] = &ORGS;
    let routes = house.routes()?;
    let one = |org| one(house, &routes, org);
    let (eu, us, apac) = tokio::try_join!(one(eu), one(us), one(apac))?;
    Ok(vec![eu, us, apac])
}

async fn one(house: &House, routes: &Router, org: &Org) -> anyhow::Result<DemoOrg> {
    let id = create_org(house, org.name, org.slug, org.region).await?;
    let caller = Caller::operator(id.clone(), org.region, OPERATOR);
    let members = people(house, &caller, org).await?;
    let service = service(house, &caller, org).await?;
    house.patterns.import(&caller, org.patterns).await?;
    limit(house, &caller).await?;
    let asker = members.get(2).context("a member who asks")?;
    for question in org.history {
        ask(routes, &asker.key, question).await?;
    }
    Ok(DemoOrg {
        id: OrgId::to_string(&id),
        name: org.name.to_owned(),
        slug: org.slug.to_owned(),
        region: org.region.to_string(),
        members,
        services: vec![service],
    })
}

/// An owner, an admin, a member and a viewer, a key each; the member is in a team.
async fn people(house: &House, caller: &Caller, org: &Org) -> anyhow::Result<Vec<DemoMember>> {
    let identity = &house.identity;
    let team = identity.add_team(caller, org.team).await?;
    let mut members = Vec::new();
    for ((local, name), role) in org.people.iter().zip(Role::ALL) {
        let password = phrase()?;
        let new = NewMember {
            email: format!("{local}@{}", org.domain),
            name: (*name).to_owned(),
            role: role.to_string(),
            password: Some(Secret::new(password.clone())),
        };
        let member = identity.add_member(caller, &new).await?;
        if role == Role::Member {
            identity.add_to_team(caller, &team.id, &member.id).await?;
        }
        let key = key_of(member.id.as_str());
        let key = identity.create_key(caller, &key).await?;
        members.push(DemoMember {
            email: member.email,
            role: role.to_string(),
            password,
            key: key.secret.reveal().to_owned(),
        });
    }
    Ok(members)
}

fn key_of(owner: &str) -> NewKey {
    NewKey { owner: Some(owner.to_owned()), name: "demo".to_owned(), ..NewKey::default() }
}

async fn service(house: &House, caller: &Caller, org: &Org) -> anyhow::Result<DemoService> {
    let new = NewService { name: org.service.to_owned(), role: Role::Member.to_string() };
    let service = house.identity.create_service(caller, &new).await?;
    let key = key_of(service.id.as_str());
    let key = house.identity.create_key(caller, &key).await?;
    Ok(DemoService { name: service.name, role: service.role, key: key.secret.reveal().to_owned() })
}

/// Limits at every level, far above what a visitor reaches by accident.
async fn limit(house: &House, caller: &Caller) -> anyhow::Result<()> {
    let org = Ceiling {
        requests_per_minute: Some(60_000),
        tokens_per_minute: Some(50_000_000),
        concurrency: Some(1_000),
        money_per_day: Some("500.00".parse()?),
        money_per_month: Some("5000.00".parse()?),
    };
    let each = Ceiling {
        requests_per_minute: Some(30_000),
        concurrency: Some(500),
        money_per_day: Some("100.00".parse()?),
        ..Ceiling::default()
    };
    house.limits.set(caller, Level::Org, "org", org).await?;
    house.limits.set(caller, Level::Member, "*", each).await?;
    house.limits.set(caller, Level::Key, "*", each).await?;
    Ok(())
}

/// A real call through the real door.
async fn ask(routes: &Router, key: &str, question: &str) -> anyhow::Result<()> {
    let message = json!({ "role": "user", "content": question });
    let body = json!({ "model": "patterns", "messages": [message] });
    let request = Request::post("/v1/chat/completions")
        .header(AUTHORIZATION, format!("Bearer {key}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))?;
    let response = routes.clone().oneshot(request).await?;
    anyhow::ensure!(response.status().is_success(), "the first calls: {}", response.status());
    Ok(())
}

/// A password that is different in every demo.
fn phrase() -> anyhow::Result<String> {
    let bytes: [u8; 16] = base::seal::random()?;
    let id: String = KeyId::new(base::time::At::UNIX_EPOCH).ulid().to_lowercase();
    let random = bytes.iter().fold(0_u64, |all, byte| (all << 5) ^ u64::from(*byte));
    Ok(format!("demo-{}-{random:x}", id.get(10..18).unwrap_or_default()))
}
