//! Teaching, changing, publishing and retiring.

use crate::bench::{Room, text};
use access::{Role, Thing};
use gateway::Answered;
use serde_json::json;

const ASK: &str = "How do I reset my password?";

#[tokio::test]
async fn a_taught_answer_is_given_at_once() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, viewer) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Viewer));
        assert!(text(room.says(&viewer, "patterns", ASK).await).starts_with("nothing"));
        let pattern = room.taught(&admin, "reset-password", ASK, "Open the portal.").await;
        assert_eq!(pattern["state"], "published");
        assert_eq!((&pattern["version"], &pattern["published_version"]), (&json!(1), &json!(1)));
        assert_eq!(pattern["created_by"], admin.actor.id());

        let answered = room.says(&viewer, "patterns", "reset my password please").await;
        let Ok(Answered::Text { by, text: said }) = answered else { panic!("{answered:?}") };
        assert_eq!(said, "Open the portal.");
        assert_eq!(
            (by.id.as_str(), by.slug.as_str()),
            (pattern["id"].as_str().expect("id"), "reset-password")
        );
        assert_eq!(by.version, 1);
        assert!((500..=1_000).contains(&by.score_thousandths), "{by:?}");
        assert_eq!(
            text(room.says(&viewer, "pattern/reset-password", "x").await),
            "Open the portal."
        );

        let (status, seen) = room.get(&viewer, "/api/patterns/reset-password").await;
        assert_eq!((status, &seen["answer"]), (200, &json!("Open the portal.")));
        let names = gateway::Engine::models(&room.patterns, &viewer).await.expect("names");
        assert_eq!(names, ["patterns", "pattern/reset-password"]);
    }
}

#[tokio::test]
async fn a_draft_does_not_answer() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (member, admin) = (room.somebody(&org, Role::Member), room.somebody(&org, Role::Admin));
        let draft = room.taught(&member, "reset-password", ASK, "Open the portal.").await;
        assert_eq!(draft["state"], "draft");
        assert!(draft.get("published_version").is_none(), "{draft}");
        assert!(text(room.says(&admin, "patterns", ASK).await).starts_with("nothing"));
        assert_eq!(text(room.says(&admin, "pattern/reset-password", ASK).await), "model_not_found");

        // The member may mend the draft, and may not publish it.
        let better = json!({ "name": "Reset", "triggers": [ASK], "answer": "Call 4400." });
        let (status, changed) =
            room.ask(&member, "PUT", "/api/patterns/reset-password", better.clone()).await;
        assert_eq!((status, &changed["version"]), (200, &json!(2)), "{changed}");
        let (status, _) =
            room.ask(&member, "POST", "/api/patterns/reset-password/publish", json!({})).await;
        assert_eq!(status, 403);
        let mut sure = better.clone();
        sure["publish"] = json!(true);
        assert_eq!(room.ask(&member, "PUT", "/api/patterns/reset-password", sure).await.0, 403);

        // Once it is published, it is no longer the member's to change.
        let (status, published) =
            room.ask(&admin, "POST", "/api/patterns/reset-password/publish", json!({})).await;
        assert_eq!((status, &published["state"]), (200, &json!("published")), "{published}");
        assert_eq!(text(room.says(&member, "patterns", ASK).await), "Call 4400.");
        assert_eq!(room.ask(&member, "PUT", "/api/patterns/reset-password", better).await.0, 403);

        // An administrator may keep something back, too.
        let kept_back = json!({ "slug": "later", "name": "Later", "triggers": ["later"], "answer": "x", "publish": false });
        let (status, draft) = room.ask(&admin, "POST", "/api/patterns", kept_back).await;
        assert_eq!((status, &draft["state"]), (201, &json!("draft")));
    }
}

#[tokio::test]
async fn a_viewer_may_run_and_not_teach() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (admin, viewer) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Viewer));
        room.taught(&admin, "reset-password", ASK, "Open the portal.").await;
        assert_eq!(text(room.says(&viewer, "patterns", ASK).await), "Open the portal.");
        let body = json!({ "slug": "x", "name": "x", "triggers": ["x"], "answer": "x" });
        let (status, problem) = room.ask(&viewer, "POST", "/api/patterns", body).await;
        assert_eq!(status, 403);
        assert_eq!(problem["decision"]["permission"], "patterns:create", "{problem}");
        for (method, path) in [("POST", "publish"), ("POST", "retire")] {
            let path = format!("/api/patterns/reset-password/{path}");
            assert_eq!(room.ask(&viewer, method, &path, json!({})).await.0, 403, "{path}");
        }
        assert_eq!(room.import(&viewer, "patterns: []").await.0, 403);
        let nobody = room.granted(&org, &[]);
        assert_eq!(room.get(&nobody, "/api/patterns").await.0, 403);
        assert_eq!(text(room.says(&nobody, "patterns", ASK).await), "permission_denied");
        assert_eq!(
            text(room.says(&nobody, "pattern/reset-password", ASK).await),
            "permission_denied"
        );
    }
}

#[tokio::test]
async fn each_field_that_is_wrong_is_named() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let body = json!({ "slug": "Reset", "name": "", "triggers": ["ok", "?!"], "answer": " " });
        let (status, problem) = room.ask(&admin, "POST", "/api/patterns", body).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid")));
        let pointers: Vec<_> = problem["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .map(|e| e["pointer"].clone())
            .collect();
        assert_eq!(pointers, ["/slug", "/name", "/triggers/1", "/answer"]);
        for (body, status, param) in [
            (json!({ "slug": "x", "name": "x", "triggers": ["x"] }), 422, "answer"),
            (json!({ "slug": "x", "name": "x", "triggers": ["x"], "anser": "x" }), 422, "anser"),
            (
                json!({ "slug": "x", "name": "x", "triggers": ["x"], "template": { "user": "{{a}}" } }),
                422,
                "template.user",
            ),
        ] {
            let (got, problem) = room.ask(&admin, "POST", "/api/patterns", body).await;
            assert_eq!((got, &problem["param"]), (status, &json!(param)), "{problem}");
        }
        room.taught(&admin, "taken", "x", "x").await;
        let body = json!({ "slug": "taken", "name": "x", "triggers": ["x"], "answer": "x" });
        let (status, problem) = room.ask(&admin, "POST", "/api/patterns", body).await;
        assert_eq!(
            (status, &problem["code"], &problem["param"]),
            (409, &json!("slug_taken"), &json!("slug"))
        );
        let body = json!({ "slug": "other", "name": "x", "triggers": ["x"], "answer": "y" });
        let (status, problem) = room.ask(&admin, "PUT", "/api/patterns/taken", body).await;
        assert_eq!((status, &problem["param"]), (422, &json!("slug")));
    }
}

#[tokio::test]
async fn versions_stay_as_they_were_taught() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        let next = json!({ "name": "Hours", "triggers": ["When are you open?"], "answer": "8 to 6.", "version": 1 });
        let (status, changed) = room.ask(&admin, "PUT", "/api/patterns/hours", next.clone()).await;
        assert_eq!(
            (status, &changed["version"], &changed["published_version"]),
            (200, &json!(2), &json!(2))
        );
        let (status, problem) = room.ask(&admin, "PUT", "/api/patterns/hours", next).await;
        assert_eq!(
            (status, &problem["code"], &problem["version"]),
            (409, &json!("version_conflict"), &json!(2))
        );

        let (_, list) = room.get(&admin, "/api/patterns/hours/versions").await;
        let numbers: Vec<_> = list["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|v| (v["version"].clone(), v["published"].clone()))
            .collect();
        assert_eq!(numbers, [(json!(2), json!(true)), (json!(1), json!(false))]);
        let (_, page) = room.get(&admin, "/api/patterns/hours/versions?limit=1").await;
        let (_, page) = room
            .get(
                &admin,
                &format!(
                    "/api/patterns/hours/versions?limit=1&after={}",
                    page["next"].as_str().expect("more")
                ),
            )
            .await;
        assert_eq!((page["items"][0]["version"].clone(), page.get("next")), (json!(1), None));
        let (_, first) = room.get(&admin, "/api/patterns/hours/versions/1").await;
        assert_eq!(first["content"]["answer"], "9 to 5.");
        assert_eq!(first["content"]["name"], "hours");
        assert_eq!(room.get(&admin, "/api/patterns/hours/versions/3").await.0, 404);
    }
}

#[tokio::test]
async fn an_older_version_can_answer_again() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let pattern = room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        let next = json!({ "name": "Hours", "triggers": ["When are you open?"], "answer": "8 to 6.", "publish": false });
        let (_, changed) = room.ask(&admin, "PUT", "/api/patterns/hours", next).await;
        assert_eq!((&changed["version"], &changed["published_version"]), (&json!(2), &json!(1)));
        assert_eq!(text(room.says(&admin, "patterns", "when are you open").await), "9 to 5.");
        let publish = format!("/api/patterns/{}/publish", pattern["id"].as_str().expect("id"));
        room.ask(&admin, "POST", &publish, json!({})).await;
        assert_eq!(text(room.says(&admin, "patterns", "when are you open").await), "8 to 6.");
        let (status, back) = room.ask(&admin, "POST", &publish, json!({ "version": 1 })).await;
        assert_eq!(
            (status, &back["version"], &back["published_version"]),
            (200, &json!(2), &json!(1))
        );
        assert_eq!(text(room.says(&admin, "patterns", "when are you open").await), "9 to 5.");
        assert_eq!(room.ask(&admin, "POST", &publish, json!({ "version": 9 })).await.0, 404);
    }
}

#[tokio::test]
async fn a_retired_pattern_stops_answering() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        let (status, retired) =
            room.ask(&admin, "POST", "/api/patterns/hours/retire", json!({})).await;
        assert_eq!((status, &retired["state"]), (200, &json!("retired")));
        assert!(
            text(room.says(&admin, "patterns", "When are you open?").await).starts_with("nothing")
        );
        assert_eq!(text(room.says(&admin, "pattern/hours", "x").await), "model_not_found");
        assert_eq!(room.get(&admin, "/api/patterns/hours/versions/1").await.0, 200);

        // A change alone does not bring it back; publishing does.
        let next =
            json!({ "name": "Hours", "triggers": ["When are you open?"], "answer": "8 to 6." });
        let (_, changed) = room.ask(&admin, "PUT", "/api/patterns/hours", next).await;
        assert_eq!((&changed["state"], &changed["version"]), (&json!("retired"), &json!(2)));
        room.ask(&admin, "POST", "/api/patterns/hours/publish", json!({})).await;
        assert_eq!(text(room.says(&admin, "patterns", "When are you open?").await), "8 to 6.");
    }
}

#[tokio::test]
async fn a_grant_on_one_pattern_opens_that_one_only() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        let ours = room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        room.taught(&admin, "parking", "Where can I park?", "Behind the house.").await;
        let id = ours["id"].as_str().expect("id");
        let guest = room.granted(&org, &[(&["patterns:read"], Some(id))]);
        let editor = room.granted(&org, &[(&["patterns:*"], Some(id))]);
        let (_, list) = room.get(&guest, "/api/patterns").await;
        assert_eq!(list["items"].as_array().expect("items").len(), 1, "{list}");
        let (_, found) = room.get(&guest, "/api/patterns?q=park").await;
        assert_eq!(found["items"], json!([]));
        assert_eq!(text(room.says(&guest, "patterns", "When are you open?").await), "9 to 5.");
        assert!(
            text(room.says(&guest, "patterns", "Where can I park?").await)
                .contains("best score 0.00")
        );
        assert_eq!(text(room.says(&guest, "pattern/parking", "x").await), "model_not_found");
        assert_eq!(room.get(&guest, "/api/patterns/parking").await.0, 404);
        assert_eq!(room.ask(&guest, "POST", "/api/patterns/hours/retire", json!({})).await.0, 403);
        let (status, yaml) = room
            .send(
                &guest,
                axum::http::Request::get("/api/patterns.yaml")
                    .body(axum::body::Body::empty())
                    .expect("a request"),
            )
            .await;
        assert!(status == 200 && yaml.contains("9 to 5.") && !yaml.contains("Behind"), "{yaml}");

        assert_eq!(
            room.ask(&editor, "POST", "/api/patterns/parking/retire", json!({})).await.0,
            404
        );
        assert_eq!(room.ask(&editor, "POST", "/api/patterns/hours/retire", json!({})).await.0, 200);
        let body = json!({ "slug": "new", "name": "x", "triggers": ["x"], "answer": "x" });
        assert_eq!(room.ask(&editor, "POST", "/api/patterns", body).await.0, 403);
        assert!(
            editor.require_on(access::Permission::PatternsRun, Thing::new("pattern", id)).is_ok()
        );
    }
}
