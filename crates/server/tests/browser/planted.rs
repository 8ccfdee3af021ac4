//! Text that would be script if a page took it for its own.

use axum::body::Bytes;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use http_body_util::Full;
use serde_json::json;

use crate::portico::text;
use crate::teller::{SCRIPT, SLY};
use crate::walk::Map;
use crate::world::World;

/// Whether anything of it lives in the page.
const LIVES: &str = "window.ran === 1 || document.querySelector(
    'img[src=x], svg[onload], [onerror], a[href^=\"javascript:\"]') !== null";

impl World {
    /// Puts script wherever people and programs may put text.
    async fn plant(&self) {
        let (owner, http) = (&self.org.owner, &self.portico.http);
        let named = json!({ "name": SCRIPT });
        for path in ["/api/me", "/api/org"] {
            let answer = http.ask("PATCH", owner, path, Some(&named)).await;
            assert!(answer.status < 300, "{path}: {}", answer.text);
        }
        let team = text(&self.make(owner, "/api/teams", named.clone()).await["id"]);
        let path = format!("/api/teams/{team}/members/{}", self.org.owner_id);
        assert!(http.ask("PUT", owner, &path, Some(&json!({}))).await.status < 300);
        self.make(owner, "/api/keys", named.clone()).await;
        let service = json!({ "name": SCRIPT, "role": "org:member" });
        self.make(owner, "/api/services", service).await;
        let role = json!({ "name": "auditor", "permissions": ["events:read"] });
        self.make(owner, "/api/roles", role).await;
        let taught = json!({ "slug": "sly", "name": SCRIPT, "triggers": [SCRIPT],
            "answer": SCRIPT, "cases": [{ "ask": SCRIPT, "expect": "match", "contains": SCRIPT }],
            "publish": true });
        self.make(owner, "/api/patterns", taught).await;
        let changed =
            json!({ "name": SCRIPT, "triggers": [SCRIPT], "answer": format!("{SCRIPT}.") });
        let answer = http.ask("PUT", owner, "/api/patterns/sly", Some(&changed)).await;
        assert!(answer.status < 300, "{}", answer.text);
        let team = format!("/api/limits/team/{team}");
        assert!(http.ask("PUT", owner, &team, Some(&json!({ "rpm": 100 }))).await.status < 300);
        // A browser that calls itself so, on a call that ends up in the record.
        let request = Request::get(format!("{}/api/events", self.portico.base))
            .header(AUTHORIZATION, format!("Bearer {owner}"))
            .header(USER_AGENT, SCRIPT)
            .body(Full::new(Bytes::new()))
            .expect("a request");
        assert_eq!(http.send(request).await.expect("an answer").status, 200);
    }
}

#[tokio::test]
async fn script_in_names_patterns_questions_and_answers_never_runs() {
    let Some(world) = World::on_sqlite().await else { return };
    world.plant().await;
    let page = &world.page;
    world.connect(SCRIPT).await;
    world.forget().await;
    // A session of a browser that calls itself so.
    page.calls_itself(SCRIPT).await;
    page.sign_in_as("owner").await;
    page.open("/chat").await;
    page.choose("Answered by", SLY).await;
    page.fill("Your question", SCRIPT).await;
    page.click("Send").await;
    page.sees("Receipt call_").await;
    assert_eq!(page.ask(LIVES).await, false, "in a chat");
    page.fill("Your question", "Once more").await;
    page.click("Send").await;
    page.comes_true("document.querySelectorAll('.facts').length === 2").await;
    page.quiet().await;

    let map = Map::of(&world.portico).await;
    let person = format!("/privacy/person?person={}", world.org.member_id);
    let found = map.walk(page, &["/", "/account/confirm", "/me/providers", &person]).await;
    assert_eq!(found.len(), map.pages.len(), "{found:#?}");
    let typed = "%3Cimg%20src%3Dx%20onerror%3D%22window.ran%3D1%22%3E%22%3E%3Cscript%3Ewindow.ran%3D1%3C%2Fscript%3E";
    let reflected = [
        format!("/patterns?q={typed}"),
        format!("/members?q={typed}"),
        format!("/chat?q={typed}"),
        format!("/record?action={typed}&resource={typed}"),
        format!("/usage?model={typed}"),
        format!("/access?find={typed}"),
        format!("/limits/set?level=member&subject={typed}"),
        format!("/grants?find={typed}"),
    ];
    for address in found.values().chain(&reflected) {
        page.open(address).await;
        assert_eq!(page.ask(LIVES).await, false, "{address}");
        page.quiet().await;
    }
    // As text it is there to be read.
    page.open("/teams").await;
    page.sees("<script>window.ran=1</script>").await;
}

#[tokio::test]
async fn a_sign_in_leads_to_no_other_site() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    for next in [
        "https:%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "javascript:window.ran=1",
        "%2F%5Cevil.example",
    ] {
        page.open(&format!("/sign-in?next={next}")).await;
        page.enter("acme", "member@acme.example", crate::portico::PASSWORD).await;
        page.arrives_at("/").await;
        page.click("Sign out").await;
        page.sees("You are signed out.").await;
    }
    page.quiet().await;
}
