//! The pages, without script.

use serde_json::Value;

use crate::house::{House, forbid};

#[tokio::test]
async fn a_template_becomes_a_policy_that_is_shown_tried_and_kept() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let key = &org.owner.key;
        let (status, page) = house.page(key, "/guardrails", None).await;
        assert_eq!(status, 200);
        assert!(page.contains("No guardrails yet") && page.contains("/guardrails/new"), "{page}");
        let (status, page) = house.page(key, "/guardrails/new", None).await;
        assert_eq!(status, 200);
        assert!(page.contains("Begin with a template") && page.contains("entity Role;"));
        let answers = [("about", "addresses"), ("action", "models"), ("addresses", "nonsense")];
        let (status, page) = house.page(key, "/guardrails/template", Some(&answers)).await;
        assert_eq!(status, 422);
        assert!(page.contains("neither an address nor a net"), "{page}");
        let answers = [("about", "addresses"), ("action", "models"), ("addresses", "192.0.2.0/24")];
        let (status, page) = house.page(key, "/guardrails/template", Some(&answers)).await;
        assert_eq!(status, 200, "{page}");
        let shown = "action in Action::&#34;models&#34;";
        assert!(page.contains(shown) && page.contains("Valid"), "{page}");
        let (_, list) = house.ask(key, "GET", "/api/guardrails", Value::Null).await;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(0), "nothing is kept yet");

        let away = house.by_key(&org.member, "198.51.100.9").await;
        house.call(&away, "small").await;
        let office = "unless { context has ip && context.ip.isInRange(ip(\"192.0.2.0/24\")) }";
        let policy = forbid("action in Action::\"models\"", office);
        let form = [("name", "Office"), ("policy", policy.as_str()), ("on", "yes")];
        let (status, page) = house.page(key, "/guardrails/try", Some(&form)).await;
        assert_eq!(status, 200);
        for shown in ["In the last 7 days", "models:invoke", "member", "width=\"100\""] {
            assert!(page.contains(shown), "{shown} in {page}");
        }
        let (status, _) = house.page(key, "/guardrails", Some(&form)).await;
        assert_eq!(status, 303);
        let (_, page) = house.page(key, "/guardrails", None).await;
        assert!(page.contains("Office") && page.contains("Holds"), "{page}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_shown_beside_what_was_typed() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let key = &org.owner.key;
        let wrong = "forbid (principal, action, resource) when { context.ipp == \"<b>\" };";
        let form = [("name", "<i>Wrong</i>"), ("policy", wrong)];
        for path in ["/guardrails/check", "/guardrails/try"] {
            let (status, page) = house.page(key, path, Some(&form)).await;
            assert_eq!(status, 200, "{page}");
            assert!(page.contains("Line 1, character 45"), "{page}");
            assert!(page.contains("&#60;b&#62;") && !page.contains("<i>Wrong"), "{page}");
        }
        let (status, page) = house.page(key, "/guardrails", Some(&form)).await;
        assert_eq!(status, 422);
        assert!(page.contains("aria-invalid"), "{page}");
        let out = forbid("action", "");
        let (status, page) = house
            .page(key, "/guardrails", Some(&[("name", "Out"), ("policy", &out), ("on", "yes")]))
            .await;
        assert_eq!(status, 422);
        assert!(page.contains("You could not change guardrails any more"), "{page}");
    }
}

#[tokio::test]
async fn a_guardrail_is_changed_switched_and_removed_on_its_pages() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let key = &org.admin.key;
        let policy = forbid("action in Action::\"models\"", "when { context.with_key }");
        let id = house.guard(&org, "No keys", &policy).await;
        let path = format!("/guardrails/{id}");
        let (status, page) = house.page(key, &path, None).await;
        assert_eq!(status, 200);
        assert!(page.contains("No keys") && page.contains("Remove this guardrail"));
        let form = [("guardrail", id.as_str()), ("name", "Keys off"), ("policy", &policy)];
        let (status, page) = house.page(key, "/guardrails/check", Some(&form)).await;
        assert_eq!(status, 200);
        assert!(page.contains(&format!("action=\"{path}?once=")), "{page}");
        assert_eq!(house.page(key, &path, Some(&form)).await.0, 303);
        let (_, page) = house.page(key, "/guardrails", None).await;
        assert!(page.contains("Keys off") && page.contains("Switch on"), "{page}");
        let on = [("state", "on")];
        assert_eq!(house.page(key, &format!("{path}/state"), Some(&on)).await.0, 303);
        let zone = [("zone", "Europe/Berlin")];
        assert_eq!(house.page(key, "/guardrails/zone", Some(&zone)).await.0, 303);
        let (status, page) = house.page(key, "/guardrails/zone", Some(&[("zone", "Mars")])).await;
        assert_eq!(status, 422);
        assert!(page.contains("must be a time zone"), "{page}");
        assert_eq!(house.page(key, &format!("{path}/remove"), Some(&[])).await.0, 303);
        let (_, page) = house.page(key, "/guardrails", None).await;
        assert!(page.contains("No guardrails yet") && page.contains("Europe/Berlin"), "{page}");
        for path in ["/guardrails", "/guardrails/new"] {
            assert_eq!(house.page(&org.member.key, path, None).await.0, 403);
        }
    }
}
