//! Admins set and remove limits.

use access::{Permission, Role};
use limits::{Ask, Level};
use serde_json::{Value, json};

use crate::bench::{Room, per_minute};

#[tokio::test]
async fn a_change_of_a_limit_is_recorded_with_before_and_after() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.operator().org, Role::Admin);
        let path = "/api/limits/key/*";
        let (status, set) =
            room.http(&admin, "PUT", path, r#"{"rpm": 20, "money_per_day": "12.50"}"#).await;
        assert_eq!(status, 200, "{set}");
        assert_eq!(set, json!({"requests_per_minute": 20, "money_per_day": "12.50"}));
        let (status, _) = room.http(&admin, "PUT", path, r#"{"rpm": 30, "tpm": 9}"#).await;
        assert_eq!(status, 200);
        let (_, list) = room.http(&admin, "GET", "/api/limits", "").await;
        let limit = &list["items"][0];
        assert_eq!((&limit["level"], &limit["subject"]), (&json!("key"), &json!("*")), "{list}");
        assert_eq!(limit["ceiling"], json!({"requests_per_minute": 30, "tokens_per_minute": 9}));
        assert_eq!(limit["set_by"], admin.actor.id());
        let (status, _) = room.http(&admin, "DELETE", path, "").await;
        assert_eq!(status, 204);
        let (status, _) = room.http(&admin, "DELETE", path, "").await;
        assert_eq!(status, 404, "a limit that is not set cannot be removed");

        let scope = admin.require(Permission::SettingsRead).expect("may");
        let events = room.record.read_on(&scope, 0).await.expect("reads");
        let events: Vec<(String, Value)> = events
            .iter()
            .map(|event| {
                assert_eq!(event["resourceId"], "key:*");
                let action = event["action"].as_str().expect("text");
                (action.to_owned(), event["changes"].clone())
            })
            .collect();
        assert_eq!(
            events,
            [
                (
                    "limits.limit.set".to_owned(),
                    json!({
                        "requests_per_minute": {"from": null, "to": 20},
                        "money_per_day": {"from": null, "to": "12.50"},
                    })
                ),
                (
                    "limits.limit.set".to_owned(),
                    json!({
                        "requests_per_minute": {"from": 20, "to": 30},
                        "tokens_per_minute": {"from": null, "to": 9},
                        "money_per_day": {"from": "12.50", "to": null},
                    })
                ),
                (
                    "limits.limit.removed".to_owned(),
                    json!({
                        "requests_per_minute": {"from": 30, "to": null},
                        "tokens_per_minute": {"from": 9, "to": null},
                    })
                ),
            ],
            "{:?}",
            room.engine()
        );
    }
}

#[tokio::test]
async fn a_limit_applies_at_once_and_stops_applying_at_once() {
    for room in Room::on_each_engine().await {
        let caller = room.operator();
        assert!(room.reserve(&caller, Ask::default()).await.is_ok());
        room.set(&caller, Level::Org, "org", per_minute(1)).await;
        assert!(room.reserve(&caller, Ask::default()).await.is_err(), "counts the one before");
        room.set(&caller, Level::Org, "org", per_minute(2)).await;
        assert!(room.reserve(&caller, Ask::default()).await.is_ok());
        assert!(room.reserve(&caller, Ask::default()).await.is_err());
        room.limits.remove(&caller, Level::Org, "org").await.expect("removes");
        assert!(room.reserve(&caller, Ask::default()).await.is_ok(), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn a_change_whose_asker_goes_away_applies_where_it_is_stored() {
    for room in Room::on_each_engine().await {
        let admin = room.operator();
        for patience in 0..30 {
            let limit = per_minute(100 + patience);
            tokio::select! {
                biased;
                set = room.limits.set(&admin, Level::Org, "org", limit) => set.expect("sets"),
                () = async { for _ in 0..patience { tokio::task::yield_now().await } } => {}
            }
            // Changes of an org take turns: behind this one, the other is over.
            room.set(&admin, Level::Key, "*", per_minute(1)).await;
            let stored = room.limits.limits(&admin).await.expect("reads");
            let stored = stored.iter().find(|limit| limit.level == Level::Org).expect("is set");
            let applies = room.limits.standing(&admin, Level::Org, "org").await.expect("known");
            assert_eq!(applies.ceiling, stored.ceiling, "{:?}", room.engine());
        }
    }
}

#[tokio::test]
async fn a_limit_that_makes_no_sense_is_refused_by_the_name_of_its_field() {
    for room in Room::on_each_engine().await {
        let admin = room.operator();
        for (path, body, status, param) in [
            ("org/org", r#"{"rpm": 0}"#, 422, json!("requests_per_minute")),
            ("org/org", r#"{"concurrency": 9999999999999}"#, 422, json!("concurrency")),
            ("org/org", r#"{"rpm": -1}"#, 422, json!("rpm")),
            ("org/org", r#"{"rpm": 1, "money_per_day": "0.00"}"#, 422, json!("money_per_day")),
            ("org/org", r#"{"money_per_month": "-5.00"}"#, 422, json!("money_per_month")),
            ("org/org", r#"{"money_per_day": 5}"#, 422, json!("money_per_day")),
            ("org/org", r#"{"rmp": 5}"#, 422, json!("rmp")),
            ("org/org", r#"{"rpm": 1, "requests_per_minute": 2}"#, 422, Value::Null),
            ("org/org", "{}", 422, Value::Null),
            ("org/org", r#"{"rpm": null}"#, 422, Value::Null),
            ("org/all", r#"{"rpm": 5}"#, 422, json!("subject")),
            ("org/*", r#"{"rpm": 5}"#, 422, json!("subject")),
            ("key/mine", r#"{"rpm": 5}"#, 422, json!("subject")),
            ("planet/earth", r#"{"rpm": 5}"#, 404, Value::Null),
        ] {
            let (code, problem) =
                room.http(&admin, "PUT", &format!("/api/limits/{path}"), body).await;
            assert_eq!(code.as_u16(), status, "{path} {body}: {problem}");
            if !param.is_null() {
                assert_eq!(problem["param"], param, "{path} {body}: {problem}");
            }
        }
        let (_, list) = room.http(&admin, "GET", "/api/limits", "").await;
        assert_eq!(list, json!({"items": []}), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn a_viewer_sees_what_applies_to_it_and_nothing_else() {
    for room in Room::on_each_engine().await {
        let viewer = room.member(&room.operator().org, Role::Viewer);
        room.set(&viewer, Level::Member, "*", per_minute(7)).await;
        room.set(&viewer, Level::Model, "open/small", per_minute(9)).await;
        room.call(&viewer, "0.02").await.expect("within the limit");
        let key = "key/key_01JABCDEFGHJKMNPQRSTVWXYZ0";
        for (method, path, body) in [
            ("GET", "/api/limits", ""),
            ("GET", "/api/limits/org/org", ""),
            ("GET", "/api/usage", ""),
            ("PUT", &format!("/api/limits/{key}"), r#"{"rpm": 5}"#),
            ("DELETE", &format!("/api/limits/{key}"), ""),
        ] {
            let (status, problem) = room.http(&viewer, method, path, body).await;
            assert_eq!(status, 403, "{method} {path}: {problem}");
        }
        let (status, mine) = room.http(&viewer, "GET", "/api/limits/mine", "").await;
        assert_eq!(status, 200, "{mine}");
        assert_eq!(
            mine["items"],
            json!([
                {
                    "level": "member", "subject": viewer.actor.id(),
                    "ceiling": {"requests_per_minute": 7},
                    "used": {
                        "requests_per_minute": 1, "tokens_per_minute": 7, "concurrency": 0,
                        "money_per_day": "0.02", "money_per_month": "0.02",
                    },
                    "left": {"requests_per_minute": 6},
                },
                {
                    "level": "model", "subject": "open/small",
                    "ceiling": {"requests_per_minute": 9},
                    "used": {
                        "requests_per_minute": 0, "tokens_per_minute": 0, "concurrency": 0,
                        "money_per_day": "0.00", "money_per_month": "0.00",
                    },
                    "left": {"requests_per_minute": 9},
                },
            ]),
            "{:?}",
            room.engine()
        );
        let admin = room.member(&viewer.org, Role::Admin);
        let (status, one) = room.http(&admin, "GET", "/api/limits/model/open%2Fsmall", "").await;
        assert_eq!((status.as_u16(), &one["left"]["requests_per_minute"]), (200, &json!(9)));
    }
}
