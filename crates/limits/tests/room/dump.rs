use crate::bench::{Room, money, per_minute, per_month};
use access::Role;
use askama::Template as _;
use jiff::SignedDuration;
use limits::{Ask, Ceiling, Level};

fn wrap(name: &str, body: &str) {
    for theme in [base::page::Theme::Light, base::page::Theme::Dark] {
        let shell = base::page::Shell {
            title: name,
            org: "Nordwind",
            region: "eu",
            person: "Ingrid",
            sections: &[],
            tabs: &[],
            said: None,
            theme: Some(theme),
            scripts: &[],
            body,
        };
        let html = shell
            .render()
            .expect("renders")
            .replace(base::page::APP_CSS.url(), "/work/main/crates/base/assets/app.css");
        std::fs::write(
            format!("/tmp/work/shots_limits/{name}_{theme:?}.html"),
            html.replace("href=\"/work", "href=\"file:///work"),
        )
        .expect("writes");
    }
}

#[tokio::test]
async fn dump() {
    let room = Room::on_each_engine().await.into_iter().next().expect("one");
    let admin = room.member(&room.operator().org, Role::Admin);
    wrap("empty", &room.page(&admin, "/limits").await.text);
    wrap("budgets_empty", &room.page(&admin, "/limits/budgets").await.text);
    wrap("choose", &room.page(&admin, "/limits/set").await.text);
    let budget = Ceiling {
        money_per_day: Some(money("15.00")),
        tokens_per_minute: Some(200_000),
        ..per_month("250.00")
    };
    room.set(&admin, Level::Org, "org", budget).await;
    let team = admin.teams.first().expect("a team").to_string();
    room.set(&admin, Level::Team, &team, per_month("400.00")).await;
    room.set(&admin, Level::Key, "*", per_minute(60)).await;
    room.set(&admin, Level::Member, "*", per_minute(5)).await;
    room.set(&admin, Level::Model, "open/small", per_month("30.00")).await;
    for day in 0..20 {
        let price = format!("{}.{}0", 6 + day % 5, day % 10);
        room.call(&admin, &price).await.expect("ok");
        room.clock.advance(SignedDuration::from_hours(24));
    }
    room.clock.advance(SignedDuration::from_hours(9));
    room.call(&admin, "13.10").await.expect("ok");
    for _ in 0..4 {
        drop(room.reserve(&admin, Ask::default()).await.expect("ok"));
    }
    wrap("list", &room.page(&admin, "/limits").await.text);
    wrap("budgets", &room.page(&admin, "/limits/budgets").await.text);
    wrap("one", &room.page(&admin, "/limits/org/org").await.text);
    wrap("each", &room.page(&admin, "/limits/key/*").await.text);
    wrap("set", &room.page(&admin, "/limits/set?level=org&subject=org").await.text);
    wrap(
        "wrong",
        &room
            .post(
                &admin,
                "/limits",
                "level=team&subject=blue&requests_per_minute=x&money_per_day=12,5",
            )
            .await
            .text,
    );
    let member = room.member(&admin.org, Role::Member);
    wrap("member", &room.page(&member, "/limits").await.text);
}
