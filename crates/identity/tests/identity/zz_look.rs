use crate::browser::Browser;
use crate::house::House;
use serde_json::{json, Value};
use std::time::Instant;

#[tokio::test]
async fn look() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let owner = &org.owner.key;
        let big = std::env::var("LOOK_BIG").is_ok();
        let mut teams = vec![];
        for n in ["Support", "Legal", "Research"] {
            let (_, t) = house.ask(owner, "POST", "/api/teams", json!({"name": n})).await;
            teams.push(t["id"].as_str().unwrap().to_owned());
        }
        let names = ["Ada Lovelace", "Ingrid Petersen", "Mohammed Al-Farsi", "Yuki Tanaka", "Grace Hopper"];
        let n = if big { 1000 } else { 5 };
        for i in 0..n {
            let name = if i < 5 { names[i].to_owned() } else { format!("Person Number {i}") };
            let new = identity::NewMember { email: format!("p{i}@acme.example"), name, role: ["org:member","org:viewer","org:admin"][i % 3].into(), password: None };
            let m = house.identity.add_member(&org.operator, &new).await.unwrap();
            if i % 2 == 0 { house.identity.add_to_team(&org.operator, &teams[i % 3].parse().unwrap(), &m.id).await.unwrap(); }
        }
        house.ask(owner, "POST", "/api/members", json!({"email": "new@acme.example", "role": "org:viewer"})).await;
        house.ask(owner, "POST", "/api/roles", json!({"name": "pattern-editor", "permissions": ["patterns:*"]})).await;
        house.ask(owner, "POST", "/api/roles", json!({"name": "auditor", "permissions": ["events:*", "users:read"]})).await;
        let (_, s) = house.ask(owner, "POST", "/api/services", json!({"name": "Ticket summaries", "role": "org:member"})).await;
        let service = s["id"].as_str().unwrap().to_owned();
        let (_, k) = house.ask(owner, "POST", "/api/keys", json!({"name": "production", "owner": service, "roles": ["org:viewer"]})).await;
        for body in [
            json!({"subject": teams[0], "role": "pattern-editor"}),
            json!({"subject": org.viewer.id, "role": "org:admin", "resource": {"kind": "pattern", "id": "pat_01KDVDNA00G0BF2MH033HXCZAM"}}),
            json!({"subject": service, "role": "org:admin", "resource": {"kind": "model", "id": "small"}}),
            json!({"subject": k["id"], "role": "org:member"}),
        ] { house.ask(owner, "POST", "/api/grants", body).await; }
        let join = format!("/api/teams/{}/members/{}", teams[0], org.viewer.id);
        house.ask(owner, "PUT", &join, Value::Null).await;
        let _session = Browser::signed_in(&house, &org.member).await;
        let mut b = Browser::of(&house, &org.owner);
        let pages = [
            ("members", "/members".to_owned()), ("member", format!("/members/{}", org.viewer.id)), ("member2", format!("/members/{}", org.member.id)),
            ("teams", "/teams".to_owned()), ("team", format!("/teams/{}", teams[0])),
            ("services", "/services".to_owned()), ("service", format!("/services/{service}")),
            ("roles", "/roles".to_owned()), ("role", "/roles/pattern-editor".to_owned()),
            ("grants", "/grants".to_owned()), ("access", "/access".to_owned()), ("why", format!("/access?subject={}&permission=patterns:publish", org.viewer.id)), ("whynot", format!("/access?subject={}&permission=events:read", org.member.id)),
        ];
        for (name, path) in &pages {
            let mut times = vec![];
            for _ in 0..(if big { 40 } else { 1 }) { let t = Instant::now(); let s = b.get(path).await; times.push(t.elapsed().as_micros()); assert_eq!(s.status, 200, "{path}"); }
            times.sort();
            let seen = b.get(path).await;
            println!("{name}: p95 {}us, {} bytes", times[times.len()*95/100], seen.text.len());
            save(name, &seen.text);
        }
        let seen = b.post("/members", &[("email", "x@y.example"), ("role", "org:member")]).await; save("invited", &seen.text);
        let seen = b.post("/members", &[("email", "x@y"), ("role", "org:member")]).await; save("invite-bad", &seen.text);
    }
}

fn save(name: &str, body: &str) {
    let link = |label, href| base::page::Link { label, href, icon: "people", current: href == "/members" };
    let sections = [base::page::Section { label: "Govern", links: vec![link("People and access", "/members")] }];
    let tabs = [link("Members", "/members"), link("Teams", "/teams"), link("Service accounts", "/services"), link("Roles", "/roles"), link("Grants", "/grants"), link("Explain access", "/access")];
    let shell = base::page::Shell { title: name, org: "Acme", region: "eu", person: "Ada", sections: &sections, tabs: &tabs, said: None, theme: None, scripts: &[], body };
    let html = askama::Template::render(&shell).unwrap();
    let css = std::fs::read_to_string("../base/assets/app.css").unwrap();
    let html = html.replace("</head>", &format!("<style>{css}</style></head>"));
    std::fs::create_dir_all("/tmp/people").unwrap();
    std::fs::write(format!("/tmp/people/{name}.html"), html).unwrap();
}
