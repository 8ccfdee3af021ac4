//! What each role sees of the console, page by page; and that what it does not see it
//! cannot do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::portico::{Org, PASSWORD, Portico, text};

/// The table that was reviewed.
const REVIEWED: &str = include_str!("../../console.txt");
const ROLES: [&str; 4] = ["viewer", "member", "admin", "owner"];

/// A stream beside the explorer: no page.
const STREAM: &str = "/record/tail";
/// What pages show only when they are asked for it.
const FURTHER: [&str; 3] =
    ["/limits/set?level=org", "/limits/set?level=member", "/record?outcome=denied"];

/// A page or a form of the console.
struct Operation {
    method: String,
    path: String,
    scopes: Vec<String>,
}

async fn operations(portico: &Portico) -> Vec<Operation> {
    let document = portico.http.get("", "/api/console.json").await.json();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let security = operation["security"].as_array().expect("says what it needs").iter();
            let scopes = security.filter_map(|s| s["key"][0].as_str()).map(ToOwned::to_owned);
            let scopes = scopes.collect();
            all.push(Operation { method: method.to_uppercase(), path: path.clone(), scopes });
        }
    }
    all
}

/// One of everything, by the name that paths give its id.
async fn furnish(portico: &Portico, org: &Org) -> BTreeMap<&'static str, String> {
    let make = async |key: &str, path: &str, body: Value| {
        let answer = portico.http.post(key, path, &body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        answer.json()
    };
    let pattern = json!({ "slug": "tea", "name": "Tea", "triggers": ["what is tea?"],
        "answer": "Tea is a drink." });
    let pattern = text(&make(&org.owner, "/api/patterns", pattern).await["id"]);
    let team = text(&make(&org.owner, "/api/teams", json!({ "name": "T" })).await["id"]);
    let service = json!({ "name": "S", "role": "org:member" });
    let service = text(&make(&org.owner, "/api/services", service).await["id"]);
    let role = json!({ "name": "auditor", "permissions": ["events:read"] });
    make(&org.owner, "/api/roles", role).await;
    let grant = json!({ "subject": org.member_id, "role": "auditor" });
    let grant = text(&make(&org.owner, "/api/grants", grant).await["id"]);
    let key = make(&org.member, "/api/keys", json!({ "name": "k" })).await;
    // Whoever the table is about must have only their role.
    portico.http.ask("DELETE", &org.owner, &format!("/api/grants/{grant}"), None).await;
    BTreeMap::from([
        ("/patterns/{id}", pattern),
        ("/teams/{id}", team),
        ("/services/{id}", service),
        ("/keys/{id}", text(&key["id"])),
        ("/members/{id}", org.member_id.clone()),
        ("/roles/{name}", "auditor".to_owned()),
        ("/record/{sequence}", "0".to_owned()),
    ])
}

/// The path with something real in each place, or none if there is nothing real.
fn concrete(path: &str, known: &BTreeMap<&'static str, String>) -> Option<String> {
    let mut path = path.replace("{version}", "1").replace("{n}", "1");
    for (place, id) in known {
        let open = place.find('{').expect("a place");
        let (before, _) = place.split_at(open);
        if let Some(rest) = path.strip_prefix(before)
            && rest.starts_with('{')
        {
            let end = rest.find('}').expect("an end") + 1;
            path = format!("{before}{id}{}", &rest[end..]);
        }
    }
    (!path.contains('{')).then_some(path)
}

/// Where the forms of a page that write go, with ids as the document names them.
fn forms(html: &str, operations: &[Operation]) -> BTreeSet<String> {
    let main = html.split("<main").nth(1).unwrap_or_default();
    let posts = main.split("<form ").skip(1).filter_map(|form| {
        let head = form.split('>').next()?;
        let action = head.split("action=\"").nth(1)?.split(['"', '?']).next()?;
        head.contains("method=\"post\"").then_some(action)
    });
    let more = main.split("formaction=\"").skip(1).filter_map(|rest| rest.split(['"', '?']).next());
    posts.chain(more).map(|action| template_of(action, operations)).collect()
}

fn template_of(action: &str, operations: &[Operation]) -> String {
    let fits = |template: &str| {
        template.split('/').count() == action.split('/').count()
            && template.split('/').zip(action.split('/')).all(|(a, b)| a == b || a.starts_with('{'))
    };
    let known = operations.iter().filter(|one| one.method == "POST").map(|one| one.path.as_str());
    let exact = known.clone().find(|path| *path == action);
    exact.or_else(|| known.clone().find(|path| fits(path))).unwrap_or(action).to_owned()
}

/// What the door asks for and these two roles have, as `policy.txt` says.
fn enough_for(role: &str) -> &'static [&'static str] {
    match role {
        "viewer" => &["self", "patterns:read", "patterns:run"],
        _ => &["self", "patterns:read", "patterns:run", "patterns:create", "models:invoke"],
    }
}

async fn send(portico: &Portico, key: &str, path: &str) -> Answer {
    let mut request = Request::post(format!("{}{path}", portico.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin");
    if !key.is_empty() {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    portico
        .http
        .send(request.body(Full::new(Bytes::new())).expect("a request"))
        .await
        .expect("an answer")
}

#[tokio::test]
async fn each_role_sees_the_pages_and_buttons_that_were_reviewed_and_cannot_do_more() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let known = furnish(&portico, &org).await;
    let operations = operations(&portico).await;
    let keys = [&org.viewer, &org.member, &org.admin, &org.owner];
    let mut table = String::from(
        "# What each role sees of the console: the pages that open, and where their forms go.\n\
         # Everybody else is led to the sign-in. A form that a role does not see refuses it.\n",
    );
    let mut shown: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let pages = operations.iter().filter(|one| one.method == "GET" && !one.scopes.is_empty());
    let pages = pages.map(|one| one.path.as_str()).filter(|path| *path != STREAM);
    for page in pages.chain(FURTHER) {
        let Some(path) = concrete(page, &known) else { continue };
        let _infallible = writeln!(table, "\n{page}");
        for (role, key) in ROLES.iter().zip(keys) {
            let answer = portico.http.get(key, &path).await;
            let opens = match answer.status {
                200 => "opens".to_owned(),
                403 => "is refused".to_owned(),
                // A page of a session leads whoever shows a key onwards.
                303 => "is led on".to_owned(),
                other => unreachable!("{role} at {path}: {other} {}", answer.text),
            };
            let _infallible = writeln!(table, "  {role} {opens}");
            for form in forms(&answer.text, &operations) {
                let _infallible = writeln!(table, "    may post {form}");
                shown.entry(role).or_default().insert(form);
            }
        }
    }
    let found = portico.folder().join("console.txt");
    std::fs::write(&found, &table).expect("writes");
    if table != REVIEWED {
        let kept = std::env::temp_dir().join("portico-console.txt");
        std::fs::copy(&found, &kept).expect("copies");
        let differ = table.lines().zip(REVIEWED.lines()).find(|(new, old)| new != old);
        unreachable!(
            "crates/server/console.txt is not what was found ({}): {differ:?}",
            kept.display()
        );
    }
    // What a role does not see refuses it; what it sees does not.
    let posts = operations.iter().filter(|one| one.method == "POST" && !one.scopes.is_empty());
    let posts: Vec<_> = posts.filter(|one| one.path != "/sign-out").collect();
    let mut refused = 0;
    // First those who may little: what an owner posts may remove a member.
    for (role, key) in ROLES.iter().zip(keys) {
        for form in &posts {
            let Some(path) = concrete(&form.path, &known) else { continue };
            let answer = send(&portico, key, &path).await;
            let sees = shown.get(role).is_some_and(|forms| forms.contains(&form.path));
            let may = form.scopes.iter().any(|scope| enough_for(role).contains(&scope.as_str()));
            if sees {
                assert_ne!(answer.status, 403, "a {role} sees {path}: {}", answer.text);
            } else if !may && !["admin", "owner"].contains(role) {
                // An admin may not see a button because of how things stand: nobody who is
                // not suspended can be let in again.
                assert!(
                    matches!(answer.status, 403 | 404),
                    "a {role} at {path}: {}",
                    answer.status
                );
                refused += 1;
            }
        }
    }
    for form in &posts {
        let Some(path) = concrete(&form.path, &known) else { continue };
        let stranger = send(&portico, "", &path).await;
        assert_eq!(stranger.status, 303, "a stranger at {path}: {}", stranger.text);
    }
    assert!(refused > 20, "{refused}");
}

#[tokio::test]
async fn a_stranger_is_led_to_the_sign_in_and_back_to_the_page() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let asked = portico.http.get("", "/members?q=a%26b").await;
    assert_eq!(asked.status, 303);
    let to = asked.headers["location"].to_str().expect("text").to_owned();
    assert_eq!(to, "/sign-in?next=%2Fmembers%3Fq%3Da%2526b");
    let page = portico.http.get("", &to).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("/members?q=a%26b"), "{}", page.text);
    let form = format!(
        "org={}&email=owner@{}.example&password={}&next=%2Fmembers%3Fq%3Da%2526b",
        org.slug,
        org.slug,
        PASSWORD.replace(' ', "+")
    );
    let request = |site: &str| {
        let request = Request::post(format!("{}/sign-in", portico.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site);
        request.body(Full::new(Bytes::from(form.clone()))).expect("a request")
    };
    // Another site cannot sign a person in.
    let foreign = portico.http.send(request("cross-site")).await.expect("an answer");
    assert_eq!(foreign.status, 403, "{}", foreign.text);
    let ours = portico.http.send(request("same-origin")).await.expect("an answer");
    assert_eq!((ours.status, ours.headers["location"].as_bytes()), (303, &b"/members?q=a%26b"[..]));
    let cookie = ours.headers.get_all("set-cookie").iter().find_map(|cookie| {
        let text = cookie.to_str().ok()?;
        text.starts_with("portico_session=")
            .then(|| text.split(';').next().map(ToOwned::to_owned))?
    });
    let cookie = cookie.expect("a session");
    let page = |method: &str, path: &str, site: &str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", portico.base))
            .header("cookie", &cookie)
            .header("accept-encoding", "identity")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site);
        request.body(Full::new(Bytes::from("name=Evil"))).expect("a request")
    };
    let answer = portico.http.send(page("GET", "/members", "none")).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Nobody frames it, and no script but ours runs in it.
    assert_eq!(answer.headers["x-frame-options"], "DENY");
    let policy = answer.headers["content-security-policy"].to_str().expect("text");
    for rule in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"]
    {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    // A form that another site sends with this cookie changes nothing.
    let forged =
        portico.http.send(page("POST", "/settings/name", "cross-site")).await.expect("one");
    assert_eq!(forged.status, 403, "{}", forged.text);
    let org = portico.http.get(&org.owner, "/api/org").await.json();
    assert_eq!(org["name"], "Org of acme");
}

#[tokio::test]
async fn who_may_not_is_told_why_and_whom_to_ask() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let page = portico.http.get(&org.member, "/members").await;
    assert_eq!(page.status, 403);
    assert!(page.headers["content-type"].to_str().expect("text").starts_with("text/html"));
    for told in ["users:read", "<strong>member</strong>", "org:admin"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    let nowhere = portico.http.get(&org.member, "/no-such-page").await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.text.contains("There is no such page"), "{}", nowhere.text);
}
