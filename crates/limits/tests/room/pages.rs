//! The pages of this room.

use access::Role;
use axum::http::StatusCode;
use jiff::SignedDuration;
use limits::{Ceiling, Level};

use crate::bench::{Room, header, money, per_minute, per_month};

const SCRIPT: &str = "<script>alert(1)</script>";
const SCRIPT_PATH: &str = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";

/// The words of a page, its marks taken out.
fn words(html: &str) -> String {
    let mut words = String::new();
    for part in html.split('<') {
        if !part.trim_start_matches('/').starts_with("data") {
            words.push(' ');
        }
        words.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_left_on_the_page_is_what_the_api_says() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.operator().org, Role::Admin);
        let ceiling = Ceiling { tokens_per_minute: Some(12_345), ..per_month("20.00") };
        room.set(&admin, Level::Org, "org", ceiling).await;
        room.set(&admin, Level::Member, "*", per_minute(5)).await;
        for _ in 0..4 {
            room.call(&admin, "1.25").await.expect("within the limit");
        }
        let (_, org) = room.http(&admin, "GET", "/api/limits/org/org", "").await;
        assert_eq!(org["left"]["money_per_month"], "15.00");
        assert_eq!(org["left"]["tokens_per_minute"], 12_345 - 28);
        for path in ["/limits", "/limits?level=org", "/limits/org/org"] {
            let page = room.page(&admin, path).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            let words = words(&page.text);
            assert!(words.contains("5.00 of 20.00 used, 15.00 left"), "{path}: {words}");
            assert!(words.contains("28 of 12,345 used, 12,317 left"), "{path}: {words}");
        }
        let page = words(&room.page(&admin, "/limits").await.text);
        assert!(page.contains("4 of 5 used, 1 left near the ceiling"), "{page}");
        assert!(page.contains("Near the ceiling Everybody"), "{page}");
        assert!(page.contains("counted separately: Requests per minute: 5"), "{page}");
        let each = words(&room.page(&admin, "/limits/member/*").await.text);
        assert!(each.contains("Each member and service account"), "{:?}: {each}", room.engine());
    }
}

#[tokio::test]
async fn a_member_sees_only_what_applies_to_them_and_no_form() {
    for room in Room::on_each_engine().await {
        let org = room.operator().org.clone();
        let (member, other) = (room.member(&org, Role::Member), room.member(&org, Role::Member));
        let empty = room.page(&member, "/limits").await;
        assert!(empty.text.contains("No limit applies to your calls"), "{}", empty.text);
        let team = member.teams.first().expect("a team").to_string();
        room.set(&member, Level::Team, &team, per_minute(17)).await;
        room.set(&member, Level::Member, other.actor.id(), per_minute(19)).await;
        room.set(&member, Level::Member, member.actor.id(), per_minute(23)).await;
        for caller in [&member, &room.member(&org, Role::Viewer)] {
            let page = room.page(caller, "/limits").await;
            assert_eq!(page.status, StatusCode::OK);
            for foreign in ["<form", "/limits/set", "All limits", "of 19 used", other.actor.id()] {
                assert!(!page.text.contains(foreign), "{foreign}: {}", page.text);
            }
        }
        let page = words(&room.page(&member, "/limits").await.text);
        assert!(
            page.contains("Team Blue &#60;3 Requests per minute 0 of 17 used, 17 left"),
            "{page}"
        );
        assert!(page.contains("You Requests per minute 0 of 23 used, 23 left"), "{page}");
        for path in ["/limits/budgets", "/limits/org/org", "/limits/set?level=org"] {
            assert_eq!(room.page(&member, path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}

#[tokio::test]
async fn a_form_sets_changes_and_removes_a_limit() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.operator().org, Role::Admin);
        let empty = room.page(&admin, "/limits").await.text;
        assert!(empty.contains("No limits yet") && empty.contains("money_per_month=500.00"));
        let proposed = room.page(&admin, "/limits/set?level=org&money_per_month=500.00").await;
        assert!(proposed.text.contains(r#"value="500.00""#), "{}", proposed.text);
        let chosen = room.page(&admin, "/limits/set").await.text;
        assert!(!chosen.contains("<form") && chosen.contains("/limits/set?level=model"));

        let form = "level=org&subject=org&requests_per_minute=1+000&tokens_per_minute=\
                    &concurrency=&money_per_day=&money_per_month=500";
        let set = room.post(&admin, "/limits", form).await;
        assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text);
        assert_eq!(header(&set.headers, "location"), "/limits");
        assert!(header(&set.headers, "set-cookie").contains("whole%20organization"));
        let limits = room.limits.limits(&admin).await.expect("reads");
        let ceiling = limits.first().expect("one").ceiling;
        assert_eq!(ceiling.requests_per_minute, Some(1_000));
        assert_eq!(ceiling.money_per_month, Some(money("500.00")));

        let change = room.page(&admin, "/limits/set?level=org&subject=org").await.text;
        assert!(change.contains(r#"value="1000""#) && change.contains(r#"value="500.00""#));
        assert!(change.contains("Remove the limit of the whole organization"), "{change}");
        let removed = room.post(&admin, "/limits/remove", "level=org&subject=org").await;
        assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text);
        assert_eq!(room.limits.limits(&admin).await.expect("reads"), [], "{:?}", room.engine());
        let again = room.post(&admin, "/limits/remove", "level=org&subject=org").await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn wrong_amounts_keep_what_was_typed_and_name_the_field() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.operator().org, Role::Admin);
        let typed = |subject: &str, rpm: &str, day: &str, month: &str| {
            format!(
                "level=team&subject={subject}&requests_per_minute={rpm}&money_per_day={day}\
                 &money_per_month={month}"
            )
        };
        let team = admin.teams.first().expect("a team").to_string();
        for (form, faulty, said, kept) in [
            (
                typed(&team, "many", "", "7.50"),
                "requests_per_minute",
                "must be a whole number",
                "many",
            ),
            (typed(&team, "-5", "", ""), "requests_per_minute", "must be a whole number", "-5"),
            (
                typed(&team, "0", "", "7.50"),
                "requests_per_minute",
                "per minute must be 1 to",
                "7.50",
            ),
            (typed(&team, "5", "12%2C50", ""), "money_per_day", "must be an amount", "12,50"),
            (typed(&team, "5", "", "0.00"), "money_per_month", "must be more than 0", "0.00"),
            (typed("blue", "5", "", ""), "subject", "Team must be the id of a team", "blue"),
            (typed("", "5", "", ""), "subject", "Team must be the id of a team", "5"),
        ] {
            let page = room.post(&admin, "/limits", &form).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}: {}", page.text);
            let field = page.text.split(&format!("id=\"f-{faulty}\"")).nth(1).expect("the field");
            let field = field.split("</div>").next().expect("its end");
            assert!(field.contains("aria-invalid=\"true\""), "{form}: {field}");
            assert!(words(&format!("<{field}")).contains(said), "{form}: {field}");
            assert!(page.text.contains(&format!("value=\"{kept}\"")), "{form}: {}", page.text);
        }
        let three = room.post(&admin, "/limits", &typed("blue", "x", "y", "")).await.text;
        assert_eq!(three.matches("aria-invalid").count(), 3, "every wrong field at once");
        let none = room.post(&admin, "/limits", &typed(&team, "", "", "")).await;
        assert!(none.text.contains("Say at least one limit."), "{}", none.text);
        let misspelt = room.post(&admin, "/limits", "level=org&subject=org&rmp=5").await;
        assert_eq!(misspelt.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(room.limits.limits(&admin).await.expect("reads"), [], "{:?}", room.engine());
    }
}

#[tokio::test]
async fn who_may_not_set_limits_sees_no_form_and_is_refused_posting_one() {
    for room in Room::on_each_engine().await {
        let org = room.operator().org.clone();
        room.set(&room.member(&org, Role::Admin), Level::Org, "org", per_minute(5)).await;
        for role in [Role::Viewer, Role::Member] {
            let caller = room.member(&org, role);
            for (path, form) in [
                ("/limits", "level=org&subject=org&requests_per_minute=9"),
                ("/limits", "level=org&subject=org&requests_per_minute=wrong"),
                ("/limits/remove", "level=org&subject=org"),
            ] {
                let page = room.post(&caller, path, form).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {form}: {}", page.text);
            }
        }
        let admin = room.member(&org, Role::Admin);
        let limits = room.limits.limits(&admin).await.expect("reads");
        assert_eq!(limits.first().expect("one").ceiling, per_minute(5), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn script_in_the_name_of_a_model_is_text() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.operator().org, Role::Admin);
        room.set(&admin, Level::Model, SCRIPT, per_month("1.00")).await;
        room.set(&admin, Level::Team, admin.teams.first().expect("a team").as_str(), per_minute(1))
            .await;
        let form = format!("level=model&subject={SCRIPT_PATH}&requests_per_minute={SCRIPT_PATH}");
        let posted = room.post(&admin, "/limits", &form).await;
        assert_eq!(posted.status, StatusCode::UNPROCESSABLE_ENTITY);
        let mut pages = vec![posted.text];
        for path in [
            "/limits".to_owned(),
            "/limits/budgets".to_owned(),
            format!("/limits/model/{SCRIPT_PATH}"),
            format!("/limits/set?level=model&subject={SCRIPT_PATH}"),
            "/limits/set?level=team".to_owned(),
        ] {
            let page = room.page(&admin, &path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
            pages.push(page.text);
        }
        for page in pages {
            assert!(!page.contains("<script") && !page.contains("<3"), "{page}");
            assert!(!page.contains("style="), "{page}");
        }
    }
}

#[tokio::test]
async fn a_budget_is_drawn_with_its_forecast_and_the_table_behind_it() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.operator().org, Role::Admin);
        let none = room.page(&admin, "/limits/budgets").await.text;
        assert!(none.contains("No budgets yet"), "{none}");
        let budget = Ceiling { money_per_day: Some(money("2.00")), ..per_month("25.00") };
        room.set(&admin, Level::Org, "org", budget).await;
        room.set(&admin, Level::Key, "*", per_month("3.00")).await;
        for _ in 0..10 {
            let other = room.member(&admin.org, Role::Member);
            room.call(&other, "1.00").await.expect("within the budget");
            room.clock.advance(SignedDuration::from_hours(24));
        }
        for path in ["/limits/budgets", "/limits/org/org"] {
            let page = room.page(&admin, path).await.text;
            assert!(page.contains("<svg class=\"chart\"") && page.contains("<caption>"), "{page}");
            let words = words(&page);
            for said in [
                "10.00 of 25.00 spent this month. ends early",
                "At the pace of the last 7 days (1.00 a day): 31.00 by 31 January; \
                 the budget ends on 26 January.",
                "0.00 of 2.00 spent today. holds",
                "10 January 1.00 10.00",
            ] {
                assert!(words.contains(said), "{path} {said}: {words}");
            }
        }
        let page = words(&room.page(&admin, "/limits/budgets").await.text);
        assert!(page.contains("counted separately. Who is near it"), "{:?}: {page}", room.engine());
    }
}

#[tokio::test]
async fn more_limits_than_a_page_holds_go_on_behind_it() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.operator().org, Role::Admin);
        for number in 0..101 {
            room.set(&admin, Level::Model, &format!("model-{number:03}"), per_minute(9)).await;
        }
        room.set(&admin, Level::Org, "org", per_minute(9)).await;
        let first = room.page(&admin, "/limits").await.text;
        let all = |page: &str| page.split("id=\"all\"").nth(1).map(ToOwned::to_owned).expect("all");
        assert!(all(&first).contains("Whole organization") && all(&first).contains("model-098"));
        assert!(!all(&first).contains("model-099"));
        let next = first.split("class=\"pager\"><a class=\"btn\" href=\"").nth(1).expect("a pager");
        let next = next.split('"').next().expect("its address").replace("&#38;", "&");
        let next = next.split('#').next().expect("a path");
        let second = all(&room.page(&admin, next).await.text);
        assert!(second.contains("model-099") && second.contains("model-100"), "{second}");
        assert!(!second.contains("model-098"), "{:?}", room.engine());
    }
}
