//! Every route of the `OpenAPI` document, by the document.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::portico::{Org, Portico, text};

/// What one operation needs, as the document says.
struct Operation {
    method: String,
    path: String,
    /// One of them is enough; none: nobody's credentials.
    scopes: Vec<String>,
}

async fn operations(portico: &Portico) -> Vec<Operation> {
    let document = portico.http.get("", "/api/openapi.json").await.json();
    assert!(text(&document["openapi"]).starts_with("3.1"), "{}", document["openapi"]);
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let security = operation["security"].as_array();
            let scopes = security.expect("every operation says what it needs").iter();
            let scopes =
                scopes.filter_map(|s| s["key"][0].as_str()).map(ToOwned::to_owned).collect();
            all.push(Operation { method: method.to_uppercase(), path: path.clone(), scopes });
        }
    }
    assert!(all.len() > 40, "{}", all.len());
    all
}

/// The only operations that ask for nobody's credentials. This list may only shrink.
const OPEN: [(&str, &str); 5] = [
    ("POST", "/api/session"),
    ("POST", "/api/session/passkey"),
    ("POST", "/api/session/passkey/begin"),
    ("POST", "/api/invitations/accept"),
    ("POST", "/api/password/reset"),
];

#[tokio::test]
async fn every_route_refuses_strangers_and_the_least_role() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let viewer_may = ["self", "patterns:read", "patterns:run"];
    let mut refused = 0;
    for Operation { method, path, scopes } in operations(&portico).await {
        let concrete = path.replace(['{', '}'], "");
        let body = (method != "GET").then(|| json!({}));
        if scopes.is_empty() {
            assert!(OPEN.contains(&(method.as_str(), path.as_str())), "{method} {path} is open");
            continue;
        }
        let answer = portico.http.ask(&method, "", &concrete, body.as_ref()).await;
        assert_eq!(answer.status, 401, "a stranger at {method} {path}");
        let answer = portico.http.ask(&method, &org.viewer, &concrete, body.as_ref()).await;
        if scopes.iter().any(|scope| viewer_may.contains(&scope.as_str())) {
            assert_ne!(answer.status, 401, "{method} {path}: {}", answer.text);
        } else {
            assert_eq!(answer.status, 403, "a viewer at {method} {path}: {}", answer.text);
            let missing = text(&answer.json()["decision"]["permission"]);
            assert!(scopes.contains(&missing), "{method} {path}: {missing}");
            assert!(answer.json()["decision"]["missing"].is_string());
            refused += 1;
        }
    }
    assert!(refused > 25, "{refused}");
    for path in ["/v1/chat/completions", "/v1/embeddings"] {
        assert_eq!(portico.http.post("", path, &json!({})).await.status, 401);
    }
    assert_eq!(portico.http.get("", "/v1/models").await.status, 401);
    // The refusals are where the owner looks for them. A refusal does not wait for its
    // event, so the last ones may be on their way.
    let path = "/api/events?action=access.request.refused&limit=200";
    let begun = Instant::now();
    let mut events = portico.http.get(&org.owner, path).await.json();
    while events["items"].as_array().map(Vec::len) < Some(refused) {
        assert!(begun.elapsed() < Duration::from_secs(15), "of {refused}: {events}");
        events = portico.http.get(&org.owner, path).await.json();
    }
    assert!(events["items"][0]["reason"]["decision"]["missing"].is_string());
}

/// A month from now, as the server's own clock has it.
#[expect(clippy::disallowed_methods, reason = "the server under test has the machine's clock")]
fn in_a_month() -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 30)).to_string()
}

/// A request that each writing operation accepts, in an order that works.
fn writings(org: &Org) -> Vec<(&'static str, &'static str, Value)> {
    let pattern = json!({ "slug": "p", "name": "P", "triggers": ["what is p?"], "answer": "It is p.",
                          "publish": false });
    let cases =
        json!({ "cases": [{ "ask": "what is p?", "expect": "match", "contains": "It is p" }] });
    let changed =
        json!({ "slug": "p", "name": "P2", "triggers": ["what is p?"], "answer": "It is p." });
    let yaml =
        "patterns:\n  - slug: q\n    name: Q\n    triggers: [what is q?]\n    answer: It is q.\n";
    let guardrail = json!({ "name": "G", "on": false,
        "policy": "forbid (principal, action == Action::\"models:invoke\", resource);" });
    let review = json!({ "name": "R", "scope": "everything", "due_at": in_a_month() });
    let stream = json!({ "name": "S",
        "target": { "kind": "webhook", "url": "https://siem.example/in" } });
    let keep = json!({ "decision": "keep", "reason": "needed", "filter": {} });
    vec![
        ("POST", "/api/members", json!({ "email": "new@acme.example", "role": "org:viewer" })),
        ("PATCH", "/api/members/{member}", json!({ "name": "New" })),
        ("POST", "/api/members/{other}/password-link", Value::Null),
        ("DELETE", "/api/members/{other}/sessions", Value::Null),
        ("DELETE", "/api/members/{member}", Value::Null),
        ("POST", "/api/teams", json!({ "name": "T" })),
        ("PATCH", "/api/teams/{team}", json!({ "name": "T2" })),
        ("PUT", "/api/teams/{team}/members/{owner}", json!({})),
        ("DELETE", "/api/teams/{team}/members/{owner}", Value::Null),
        ("DELETE", "/api/teams/{team}", Value::Null),
        ("POST", "/api/services", json!({ "name": "S", "role": "org:viewer" })),
        ("PATCH", "/api/services/{service}", json!({ "name": "S2", "role": "org:member" })),
        ("PATCH", "/api/me", json!({ "name": "Olga" })),
        ("POST", "/api/roles", json!({ "name": "auditor", "permissions": ["events:read"] })),
        ("PUT", "/api/roles/auditor", json!({ "permissions": ["events:read", "events:export"] })),
        ("POST", "/api/grants", json!({ "subject": org.member_id, "role": "auditor" })),
        ("DELETE", "/api/grants/{grant}", Value::Null),
        ("DELETE", "/api/roles/auditor", Value::Null),
        ("POST", "/api/keys", json!({ "name": "k" })),
        ("POST", "/api/keys/{key}/rotate", json!({ "grace_secs": 60 })),
        ("DELETE", "/api/keys/{key}", Value::Null),
        ("DELETE", "/api/services/{service}", Value::Null),
        ("PUT", "/api/region/move", json!({ "to": "us" })),
        ("DELETE", "/api/region/move", Value::Null),
        ("POST", "/api/privacy/holds", json!({ "reason": "file 7", "until": in_a_month() })),
        ("POST", "/api/privacy/requests", json!({ "person": "{member}" })),
        ("DELETE", "/api/privacy/requests/{request}", Value::Null),
        ("DELETE", "/api/privacy/holds/{hold}", Value::Null),
        ("PATCH", "/api/org", json!({ "name": "Acme" })),
        ("PATCH", "/api/org/settings", json!({ "session_idle_secs": 600 })),
        ("POST", "/api/events/views", json!({ "name": "Refused", "query": "outcome=denied" })),
        ("DELETE", "/api/events/views/{view}", Value::Null),
        ("PUT", "/api/limits/org/org", json!({ "rpm": 1_000_000 })),
        ("DELETE", "/api/limits/org/org", Value::Null),
        ("POST", "/api/patterns", pattern),
        ("PUT", "/api/patterns/p/cases", cases),
        ("PUT", "/api/patterns/p", changed),
        ("POST", "/api/patterns/p/publish", json!({})),
        ("POST", "/api/patterns/p/retire", json!({})),
        ("POST", "/api/patterns/import", Value::String(yaml.to_owned())),
        ("POST", "/api/conversations", json!({ "model": "patterns" })),
        ("PATCH", "/api/conversations/{conversation}", json!({ "title": "T" })),
        ("POST", "/api/conversations/{conversation}/messages", json!({ "text": "what is p?" })),
        ("PUT", "/api/conversations/{conversation}/messages/1", json!({ "text": "what is q?" })),
        ("POST", "/api/conversations/{conversation}/retry", json!({})),
        ("PUT", "/api/conversations/retention", json!({ "days": 30 })),
        ("DELETE", "/api/conversations/{conversation}", Value::Null),
        // From now on nothing that was said may be deleted or replaced for a day.
        ("PUT", "/api/privacy/retention", json!({ "days": 1, "law": "HGB" })),
        ("PUT", "/api/org/sso", json!({ "on": false })),
        ("DELETE", "/api/members/{other}/break-glass", Value::Null),
        ("DELETE", "/api/members/{other}/factors", Value::Null),
        ("POST", "/api/setup-links", json!({})),
        ("DELETE", "/api/setup-links/{setup-link}", Value::Null),
        ("POST", "/api/connections", json!({ "kind": "saml", "name": "C" })),
        ("PATCH", "/api/connections/{connection}", json!({ "name": "C2" })),
        ("POST", "/api/connections/{connection}/keys", Value::Null),
        ("DELETE", "/api/connections/{connection}/keys", Value::Null),
        ("POST", "/api/connections/{connection}/vouch", Value::Null),
        ("DELETE", "/api/connections/{connection}", Value::Null),
        ("POST", "/api/domains", json!({ "domain": "acme.example" })),
        ("DELETE", "/api/domains/acme.example", Value::Null),
        ("POST", "/api/directories", json!({ "name": "D" })),
        ("PATCH", "/api/directories/{directory}", json!({ "name": "D2" })),
        ("POST", "/api/directories/{directory}/tokens", Value::Null),
        ("DELETE", "/api/directories/{directory}", Value::Null),
        ("PUT", "/api/guardrails/zone", json!({ "zone": "Europe/Berlin" })),
        ("POST", "/api/guardrails", guardrail),
        ("PATCH", "/api/guardrails/{guardrail}", json!({ "name": "G2" })),
        ("DELETE", "/api/guardrails/{guardrail}", Value::Null),
        ("POST", "/api/reviews", review),
        ("POST", "/api/reviews/{review}/decisions", keep),
        ("POST", "/api/reviews/{review}/cancel", json!({ "reason": "only a trial" })),
        ("POST", "/api/streams", stream),
        ("PATCH", "/api/streams/{sink}", json!({ "name": "SIEM", "paused": true })),
        ("POST", "/api/streams/{sink}/rotate", Value::Null),
        ("POST", "/api/streams/{sink}/retry", Value::Null),
        ("POST", "/api/streams/{sink}/replay", json!({ "from": 0 })),
        ("DELETE", "/api/streams/{sink}", Value::Null),
        ("POST", "/api/members/{other}/revoke", json!({ "sessions": true })),
        ("POST", "/api/org/revoke", json!({ "sessions": true })),
    ]
}

/// Operations that write nothing of the org although they are no GET, or that need a
/// signed-in person (`identity`'s own tests show their events). It may only shrink.
const EXEMPT: [(&str, &str); 39] = [
    // A sink, an identity provider, the DNS or a second operator is needed.
    ("POST", "/api/streams/{id}/set-aside"),
    ("POST", "/api/streams/{id}/test"),
    ("POST", "/api/connections/{id}/activate"),
    ("POST", "/api/connections/{id}/deactivate"),
    ("POST", "/api/connections/{id}/preview"),
    ("POST", "/api/connections/{id}/refresh"),
    ("POST", "/api/connections/{id}/test"),
    ("PUT", "/api/connections/{id}/metadata"),
    ("PUT", "/api/connections/{id}/source"),
    ("POST", "/api/domains/{domain}/check"),
    ("DELETE", "/api/directories/{id}/tokens/{token}"),
    ("POST", "/api/guardrails/simulate"),
    ("POST", "/api/guardrails/validate"),
    ("POST", "/api/reviews/{id}/reopen"),
    ("POST", "/api/reviews/{id}/sign-off"),
    ("DELETE", "/api/org/sessions/{id}"),
    ("PUT", "/api/members/{id}/break-glass"),
    // A person in a browser.
    ("POST", "/api/factors/app"),
    ("POST", "/api/factors/app/begin"),
    ("DELETE", "/api/factors/app"),
    ("POST", "/api/factors/passkeys"),
    ("POST", "/api/factors/passkeys/begin"),
    ("PATCH", "/api/factors/passkeys/{id}"),
    ("DELETE", "/api/factors/passkeys/{id}"),
    ("POST", "/api/factors/recovery-codes"),
    ("POST", "/api/session/factor"),
    ("POST", "/api/session/factor/begin"),
    ("POST", "/api/session/passkey"),
    ("POST", "/api/session/passkey/begin"),
    ("POST", "/api/access/check"),
    ("POST", "/api/patterns/{id}/try"),
    ("POST", "/api/patterns/try"),
    ("DELETE", "/api/sessions"),
    ("POST", "/api/password/reset"),
    ("POST", "/api/session"),
    ("DELETE", "/api/session"),
    ("DELETE", "/api/sessions/{id}"),
    ("POST", "/api/password"),
    ("POST", "/api/invitations/accept"),
];

/// What is made, and by the last part of which path.
const MADE: [(&str, &str); 15] = [
    ("member", "members"),
    ("team", "teams"),
    ("service", "services"),
    ("grant", "grants"),
    ("key", "keys"),
    ("conversation", "conversations"),
    ("view", "views"),
    ("setup-link", "setup-links"),
    ("connection", "connections"),
    ("directory", "directories"),
    ("guardrail", "guardrails"),
    ("review", "reviews"),
    ("hold", "holds"),
    ("request", "requests"),
    ("sink", "streams"),
];

#[tokio::test]
async fn every_writing_route_leaves_an_event() {
    for mut portico in Portico::on_each_engine("").await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let mut known = std::collections::BTreeMap::from([
            ("owner", org.owner_id.clone()),
            ("other", org.member_id.clone()),
        ]);
        let mut written = Vec::new();
        for (method, template, body) in writings(&org) {
            let (mut path, mut text_of_body) = (template.to_owned(), body.to_string());
            for (name, id) in &known {
                path = path.replace(&format!("{{{name}}}"), id);
                text_of_body =
                    text_of_body.replace(&format!("\"{{{name}}}\""), &format!("\"{id}\""));
            }
            let body: Value = serde_json::from_str(&text_of_body).expect("json");
            let before = newest(&portico, &org).await;
            let body = (!body.is_null()).then_some(body);
            let answer = portico.http.ask(method, &org.owner, &path, body.as_ref()).await;
            assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text);
            let page = portico.http.get(&org.owner, "/api/events?limit=10").await.json();
            let event = page["items"].as_array().expect("a list").iter().find(|event| {
                event["sequence"].as_i64() > Some(before)
                    && event["outcome"] == "success"
                    && !text(&event["action"]).starts_with("audit.event")
            });
            let event =
                event.unwrap_or_else(|| unreachable!("{method} {path} left no event: {page}"));
            assert_eq!(event["userId"], org.owner_id.as_str());
            let made = answer.json();
            for (name, all) in MADE {
                let own = template.ends_with(&format!("/{all}")) && method == "POST";
                let id = made[name]["id"].as_str().or(made["id"].as_str());
                if let (true, Some(id)) = (own, id) {
                    known.insert(name, id.to_owned());
                }
            }
            written.push((method, template));
        }
        for Operation { method, path, .. } in operations(&portico).await {
            let shape = |path: &str| path.split('/').count();
            let tried = written.iter().any(|(m, p)| {
                *m == method
                    && shape(p) == shape(&path)
                    && p.split('/').zip(path.split('/')).all(|(a, b)| a == b || b.starts_with('{'))
            });
            let exempt = EXEMPT.contains(&(method.as_str(), path.as_str()));
            assert!(method == "GET" || tried || exempt, "{method} {path} is not tried");
        }
    }
}

async fn newest(portico: &Portico, org: &Org) -> i64 {
    let page = portico.http.get(&org.owner, "/api/events?limit=1").await.json();
    page["items"][0]["sequence"].as_i64().expect("a number")
}
