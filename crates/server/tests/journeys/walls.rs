//! Walls between orgs and between regions.

use serde_json::{Value, json};

use crate::portico::{Org, Portico, text};

/// Things of an org that another one must never see.
struct Things {
    marker: &'static str,
    ids: Vec<(&'static str, String)>,
}

/// Makes one of everything, each with the org's marker in its name.
async fn furnish(portico: &Portico, org: &Org, marker: &'static str) -> Things {
    let make = async |path: &str, body: Value| {
        let answer = portico.http.post(&org.owner, path, &body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        answer.json()
    };
    let pattern = make(
        "/api/patterns",
        json!({ "slug": format!("{marker}-p"), "name": marker, "triggers": [format!("what is {marker}?")],
                "answer": format!("It is {marker}.") }),
    );
    let pattern = text(&pattern.await["id"]);
    let team = text(&make("/api/teams", json!({ "name": marker })).await["id"]);
    let service = make("/api/services", json!({ "name": marker, "role": "org:member" }));
    let service = text(&service.await["id"]);
    make("/api/roles", json!({ "name": marker, "permissions": ["events:read"] })).await;
    let grant = json!({ "subject": org.member_id, "role": marker });
    let grant = make("/api/grants", grant).await;
    let ceiling = json!({ "requests_per_minute": 100_000 });
    let path = format!("/api/limits/team/{team}");
    let set = portico.http.ask("PUT", &org.owner, &path, Some(&ceiling)).await;
    assert!(set.status < 300, "{}", set.text);
    let ask = json!({ "model": "patterns", "messages": [{ "role": "user", "content": format!("what is {marker}?") }] });
    let answer = portico.http.post(&org.member, "/v1/chat/completions", &ask).await;
    assert!(answer.text.contains(marker), "{}", answer.text);
    let call = answer.headers["portico-receipt"].to_str().expect("text").to_owned();
    Things {
        marker,
        ids: vec![
            ("pattern", pattern),
            ("team", team),
            ("service", service),
            ("grant", text(&grant["id"])),
            ("member", org.member_id.clone()),
            ("org", org.id.clone()),
            ("call", call),
        ],
    }
}

#[tokio::test]
async fn two_orgs_never_see_each_other_by_any_route() {
    for mut portico in Portico::on_each_engine("").await {
        // Both in one region: the same database.
        let (ours, theirs) = (portico.org("ours", "eu"), portico.org("theirs", "eu"));
        portico.serve().await;
        furnish(&portico, &ours, "ourmark").await;
        let hidden = furnish(&portico, &theirs, "theirmark").await;
        let document = portico.http.get("", "/api/openapi.json").await.json();
        let mut asked = 0;
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                if operation["security"].as_array().is_some_and(|all| {
                    all.iter().all(|s| s.as_object().is_some_and(serde_json::Map::is_empty))
                }) {
                    continue;
                }
                // Every id of theirs in every place where a path takes one.
                let names = std::iter::once(("marker", hidden.marker.to_owned()));
                for (_, id) in names.chain(hidden.ids.iter().cloned()) {
                    let mut concrete = path.clone();
                    while let Some(start) = concrete.find('{') {
                        let end = concrete.find('}').expect("a closing brace");
                        let name = &concrete[start + 1..end];
                        let value = if name == "level" { "team" } else { &id };
                        concrete.replace_range(start..=end, value);
                    }
                    let method = method.to_uppercase();
                    let body =
                        if method == "GET" || method == "DELETE" { None } else { Some(json!({})) };
                    let answer =
                        portico.http.ask(&method, &ours.owner, &concrete, body.as_ref()).await;
                    asked += 1;
                    let told = answer.text.replace(&concrete, "");
                    assert!(answer.status < 500, "{method} {concrete}: {}", answer.text);
                    let reads = method == "GET" && path.contains('{') && !path.contains("{level}");
                    assert!(
                        !reads || answer.status == 404,
                        "{method} {concrete}: {} {}",
                        answer.status,
                        answer.text
                    );
                    assert!(
                        !told.contains(hidden.marker)
                            || told.contains(&format!("`{}`", hidden.marker)),
                        "{method} {concrete}: {told}"
                    );
                    for (kind, id) in &hidden.ids {
                        let echoed = concrete.contains(id.as_str());
                        assert!(
                            echoed || !told.contains(id.as_str()),
                            "{method} {concrete} shows their {kind}: {told}"
                        );
                    }
                    if !path.contains('{') {
                        break;
                    }
                }
            }
        }
        assert!(asked > 100, "{asked}");
        // Filters and searches with their names find nothing, and count nothing.
        for query in [
            format!("/api/events?resource={}", hidden.ids[6].1),
            format!("/api/events?user={}", theirs.member_id),
            "/api/patterns?q=theirmark".to_owned(),
        ] {
            let page = portico.http.get(&ours.owner, &query).await;
            assert_eq!(
                page.json()["items"].as_array().map(Vec::len),
                Some(0),
                "{query}: {}",
                page.text
            );
        }
        let ask = json!({ "model": "patterns", "messages": [{ "role": "user", "content": "what is theirmark?" }] });
        let answer = portico.http.post(&ours.member, "/v1/chat/completions", &ask).await;
        assert!(!answer.text.contains("It is theirmark."), "{}", answer.text);
        let named = json!({ "model": "pattern/theirmark-p", "messages": [{ "role": "user", "content": "x" }] });
        assert_eq!(
            portico.http.post(&ours.member, "/v1/chat/completions", &named).await.status,
            404
        );
        // Theirs is as it was.
        let pattern =
            portico.http.get(&theirs.owner, &format!("/api/patterns/{}", hidden.ids[0].1)).await;
        assert_eq!(pattern.status, 200, "{}", pattern.text);
    }
}

#[tokio::test]
async fn a_key_of_another_region_is_refused_before_its_body_is_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "apac");
    let config = std::fs::read_to_string(portico.config()).expect("reads");
    std::fs::write(portico.config(), format!("regions = [\"us\", \"eu\"]\n{config}"))
        .expect("writes");
    portico.serve().await;
    let address = portico.base.strip_prefix("http://").expect("a URL").to_owned();
    let mut socket = tokio::net::TcpStream::connect(&address).await.expect("connects");
    // A megabyte is announced and not sent; the answer comes from the header alone.
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 1000000\r\nexpect: 100-continue\r\n\r\n",
        org.member
    );
    socket.write_all(head.as_bytes()).await.expect("writes");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("reads to the end: the connection closes");
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    assert!(!answer.contains("100 Continue"), "{answer}");
    let lower = answer.to_lowercase();
    assert!(
        lower.contains("cache-control: no-store") && answer.contains("wrong_region"),
        "{answer}"
    );
}
