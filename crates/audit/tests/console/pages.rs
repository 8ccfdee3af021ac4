//! The pages of the record.

use audit::{CallFacts, Event, Outcome};
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn filters_survive_in_every_link_of_the_page() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        for _ in 0..60 {
            house.note(&auditor, &Event::done("identity.key.created", "key", "key_a")).await;
        }
        let path = "/record?last=24h&from=&to=&action=identity.*&user=&resource_type=key&outcome=success&resource=";
        let page = house.get(&auditor, path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let query = "last=24h&#38;action=identity.%2A&#38;resource_type=key&#38;outcome=success";
        for link in [
            format!("/record?{query}&#38;after=10"),
            format!("/api/events.csv?{query}\""),
            format!("/api/events.jsonl?{query}\""),
            format!("/record/tail?{query}&#38;after=59"),
            "/record?last=24h&#38;action=identity.%2A&#38;outcome=success\"".to_owned(),
            "value=\"last=24h&#38;action=identity.%2A".to_owned(),
        ] {
            assert!(page.text.contains(&link), "{link} is not in {}", page.text);
        }
        let pushed = page.headers["hx-push-url"].to_str().expect("text");
        assert_eq!(
            pushed,
            "/record?last=24h&action=identity.%2A&resource_type=key&outcome=success"
        );
        assert!(page.text.contains("People and access: everything"), "a chip in words");
        assert!(page.text.contains("made the key"), "a sentence in words");
        assert!(page.text.contains("Ingrid Petersen"), "a person by name");
        assert_eq!(house.count("audit.events.read").await, 1, "looking was recorded");
        let reader = house.member(&["events:read"]);
        let page = house.get(&reader, "/record").await;
        assert!(!page.text.contains("events.csv"), "no button for what one may not");
    }
}

#[tokio::test]
async fn script_in_a_name_or_a_user_agent_is_only_text() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        let changes =
            json!({ "note": { "from": "<script>alert(3)</script>", "to": "\"><img onerror=x>" } });
        let event = Event::done("identity.key.created", "key", "key_evil").changes(changes);
        let seq = house.note(&auditor, &event).await;
        let query = "/record?user=%22%3E%3Cscript%3Ealert(4)%3C/script%3E";
        for path in ["/record", &format!("/record/{seq}"), query] {
            let page = house.get(&auditor, path).await;
            assert_eq!(page.status, 200, "{}", page.text);
            assert!(!page.text.contains("<script>"), "{path}: {}", page.text);
            assert!(!page.text.contains("<img"), "{path}: {}", page.text);
        }
        let form = "name=%3Cscript%3Ealert(5)%3C/script%3E&query=outcome%3Ddenied";
        assert_eq!(house.post(&auditor, "/record/views", form).await.status, 303);
        let page = house.get(&auditor, "/record").await;
        assert!(page.text.contains("&#60;script&#62;alert(5)"), "{}", page.text);
        assert!(!page.text.contains("<script>"));
    }
}

#[tokio::test]
async fn an_event_says_what_changed_why_and_what_came_before_and_after() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        let changes = json!({ "role": { "from": "org:member", "to": "org:admin" } });
        let event = Event::done("identity.member.changed", "member", "mem_x").changes(changes);
        let change = house.note(&auditor, &event).await;
        let reason = json!({ "status": 403, "code": "permission_denied", "detail": "no",
            "decision": { "permission": "users:create", "roles": ["org:viewer"],
                          "missing": "a role with users:create", "policy_version": 7 } });
        let refused = Event::done("access.request.refused", "request", "req_x");
        let refused = refused.outcome(Outcome::Denied).reason(reason);
        let refused = house.note(&auditor, &refused).await;
        let call = CallFacts {
            provider: Some("mistral".into()),
            endpoint: Some("mistral-eu".into()),
            provider_region: Some(access::Region::Eu),
            pattern: Some("refunds@3".into()),
            tokens_in: 1_234,
            tokens_out: 56,
            estimated: true,
            price_nanocents: 1_250_000_000_000,
            attempts: 2,
            ..CallFacts::begun("small", "2025-12-31T23:59:59Z".parse().expect("an instant"))
        };
        let ended = house
            .note(&auditor, &Event::done("gateway.call.ended", "call", "call_x").call(call))
            .await;

        let page = house.get(&auditor, &format!("/record/{change}")).await.text;
        assert!(
            page.contains("<del>org:member</del>") && page.contains("<ins>org:admin</ins>"),
            "{page}"
        );
        assert!(page.contains("/record?resource_type=member&#38;resource=mem_x"), "{page}");
        let page = house.get(&auditor, &format!("/record/{refused}")).await.text;
        for text in [
            "was refused: needs users:create.",
            "org:viewer",
            "a role with users:create",
            "badge bad",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(page.contains(&format!("/record/{}", refused - 1)));
        assert!(page.contains(&format!("/record/{}", refused + 1)));
        let page = house.get(&auditor, &format!("/record/{ended}")).await.text;
        for text in [
            "small",
            "refunds@3",
            "mistral-eu",
            "1,234",
            "12.50",
            "1,000</data> ms",
            "counted by Portico",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert_eq!(house.count("audit.event.read").await, 3, "each look was recorded");
        assert_eq!(house.get(&auditor, "/record/9999").await.status, 404);
    }
}

#[tokio::test]
async fn who_may_not_read_the_record_sees_no_page_of_it() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        house.note(&auditor, &Event::done("test.thing.set", "thing", "x")).await;
        let stranger = house.member(&["users:read", "patterns:create"]);
        for path in ["/record", "/record/0", "/record/tail"] {
            let refused = house.get(&stranger, path).await;
            assert_eq!(
                (refused.status, &refused.json()["code"]),
                (403, &json!("permission_denied")),
                "{path}"
            );
        }
        let refused = house.post(&stranger, "/record/views", "name=x&query=").await;
        assert_eq!(refused.status, 403);
        assert_eq!(house.count("audit.*").await, 0, "nothing was read");
    }
}

#[tokio::test]
async fn a_search_without_a_match_says_what_to_loosen() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        let path = "/record?action=identity.key.revoked&outcome=denied&last=24h";
        let page = house.get(&auditor, path).await.text;
        assert!(
            page.contains("Nothing matches") && page.contains("Loosen the outcome first"),
            "{page}"
        );
        assert!(page.contains("Without “Outcome: denied”"), "{page}");
        let wrong = house.get(&auditor, "/record?outcome=best").await;
        assert_eq!(wrong.status, 400);
    }
}

#[tokio::test]
async fn a_view_is_saved_and_removed_by_forms_that_keep_what_was_typed() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        let form = "name=Refused+today&query=last%3D24h%26outcome%3Ddenied&shared=yes";
        let saved = house.post(&auditor, "/record/views", form).await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        assert_eq!(saved.headers["location"], "/record?last=24h&outcome=denied");
        let again = house.post(&auditor, "/record/views", form).await;
        assert_eq!(again.status, 422, "{}", again.text);
        assert!(again.text.contains("value=\"Refused today\""), "{}", again.text);
        assert!(again.text.contains("you have a view of this name"), "{}", again.text);
        assert!(again.text.contains("value=\"yes\" checked"), "{}", again.text);
        let page = house.get(&auditor, "/record?outcome=denied&last=24h").await.text;
        assert!(page.contains("aria-current=\"page\">Refused today"), "{page}");
        let id =
            page.split("/record/views/").nth(1).expect("a form").split('/').next().expect("an id");
        let removed = house.post(&auditor, &format!("/record/views/{id}/remove"), "").await;
        assert_eq!(removed.status, 303, "{id}: {}", removed.text);
        let page = house.get(&auditor, "/record?outcome=denied").await.text;
        assert!(!page.contains("Refused today"), "{page}");
    }
}
