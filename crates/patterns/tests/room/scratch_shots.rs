use access::Role;
use askama::Template as _;
use serde_json::json;
use crate::bench::Room;
use base::page::{Link, Section, Shell};

#[tokio::test]
async fn scratch_shots() {
    let room = Room::on_each_engine().await.remove(0);
    let org = room.org();
    let (admin, viewer) = (room.somebody(&org, Role::Admin), room.somebody(&org, Role::Viewer));
    let css = include_str!("../../../base/assets/app.css");
    let save = |name: &str, body: &str| {
        let sections = [Section { label: "", links: vec![Link { label: "Patterns", href: "/patterns", icon: "pattern", current: true }] }];
        let page = Shell { title: name, org: "Nordwind", region: "eu", person: "Ingrid Petersen", sections: &sections, tabs: &[], said: None, theme: None, scripts: &[], body }.render().unwrap();
        let page = page.replace("</head>", &format!("<style>{css}</style></head>"));
        std::fs::write(format!("/tmp/work/patterns-shots/{name}.html"), page).unwrap();
    };
    save("empty", &room.page(&admin, "/patterns").await.1);
    room.import(&admin, patterns::engine::seeds::EU).await;
    for _ in 0..3 { let _ = room.says(&admin, "patterns", "How do I reset my password?").await; }
    let next = json!({ "name": "Reset a password", "triggers": ["How do I reset my password?", "I forgot my password", "Password expired"], "publish": false,
        "answer": "Open passwort.nordwind.example on any device and choose \"Passwort vergessen\". Confirm with the Nordwind Authenticator\non your tablet, then set a new password of at least 16 characters; it works everywhere within two minutes.\nNobody at Nordwind will ever ask you for your password.\n" });
    room.ask(&admin, "PUT", "/api/patterns/reset-password", next).await;
    let cases = json!({ "cases": [ { "ask": "my password does not work, forgot it", "expect": "match", "contains": "Authenticator" }, { "ask": "How do I connect to the VPN?", "expect": "no_match" }, { "ask": "reset my password", "expect": "match", "contains": "14 characters" }]});
    room.ask(&admin, "PUT", "/api/patterns/reset-password/cases", cases).await;
    let (_, list) = room.get(&admin, "/api/patterns?limit=200").await;
    let template = list["items"].as_array().unwrap().iter().find(|p| p.get("template").is_some()).unwrap()["id"].as_str().unwrap().to_owned();
    for (name, path) in [("list", "/patterns".to_owned()), ("show", "/patterns/reset-password".into()), ("edit", "/patterns/reset-password/edit".into()), ("cases", "/patterns/reset-password/cases".into()), ("versions", "/patterns/reset-password/versions".into()), ("version", "/patterns/reset-password/versions/1".into()), ("diff", "/patterns/reset-password/diff".into()), ("import", "/patterns/import".into()), ("template", format!("/patterns/{template}")), ("template-edit", format!("/patterns/{template}/edit"))] {
        save(name, &room.page(&admin, &path).await.1);
    }
    save("viewer", &room.page(&viewer, "/patterns/reset-password").await.1);
    let (_, _, page) = room.submit(&admin, "/patterns/try", &[("name", ""), ("triggers", "How do I reset my password now?\n?!"), ("kind", "answer"), ("answer", "Call the desk."), ("question", "How can I reset the password"), ("publish", "yes")]).await;
    save("try", &page);
    let (_, _, page) = room.submit(&admin, "/patterns", &[("name", ""), ("triggers", "ok\n?!"), ("kind", "answer"), ("answer", ""), ("publish", "yes")]).await;
    save("refused", &page);
    let (_, _, page) = room.submit(&admin, "/patterns/reset-password", &[("name", "Reset"), ("triggers", "ok"), ("kind", "answer"), ("answer", "x"), ("publish", "yes"), ("version", "1")]).await;
    save("conflict", &page);
}
