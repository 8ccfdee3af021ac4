//! From nothing to the first answer, at the command line and through the door.

use std::process::{Command, Output};

use base::args;
use base::db::{Db, Statement, Within};
use serde_json::{Value, json};

use crate::portico::{PASSWORD, Portico};

fn create(portico: &Portico, region: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    command.args(["org", "create", "--name", "Acme", "--slug", "acme", "--region", region]);
    command.args(["--json", "--config"]).arg(portico.config()).output().expect("runs")
}

/// Lets a table of a region be there under another name.
#[expect(clippy::disallowed_methods, reason = "somebody goes round the product")]
async fn rename(portico: &Portico, text: &'static str) {
    let file = portico.folder().join("data/eu.db");
    let db = Db::open(&format!("sqlite://{}", file.display())).await.expect("opens");
    let mut tx = db.begin(&Within::node()).await.expect("begins");
    tx.run(Statement::new("rename a table", text), args![]).await.expect("is renamed");
    tx.commit().await.expect("commits");
    db.close().await;
}

#[tokio::test]
async fn an_org_that_was_claimed_and_not_created_is_created_when_it_is_asked_for_again() {
    let portico = Portico::on_sqlite("");
    rename(&portico, "ALTER TABLE identity_org RENAME TO away").await;
    let told = create(&portico, "eu");
    assert!(!told.status.success(), "nowhere to create it: {told:?}");
    rename(&portico, "ALTER TABLE away RENAME TO identity_org").await;

    let refused = |told: Output| {
        let why = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(!told.status.success() && why.contains("the short name `acme` is taken"), "{why}");
    };
    refused(create(&portico, "us"));
    let told = create(&portico, "eu");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let made: Value = serde_json::from_slice(&told.stdout).expect("json");
    assert_eq!((&made["slug"], &made["region"]), (&json!("acme"), &json!("eu")));
    refused(create(&portico, "eu"));
    let email = ["--email", "ada@acme.example", "--name", "Ada", "--role", "org:owner"];
    let add = [&["member", "create", "--org", "acme"][..], &email].concat();
    portico.run(&add, &format!("{PASSWORD}\n"));
}

#[tokio::test]
async fn an_org_that_a_restored_database_lacks_is_not_created_over_its_record() {
    let mut portico = Portico::on_sqlite("");
    let (db, old) = (portico.folder().join("data/eu.db"), portico.folder().join("old.db"));
    std::fs::copy(&db, &old).expect("copies");
    portico.org("acme", "eu");
    portico.serve().await;
    assert!(portico.terminate(), "{}", portico.log());
    for end in ["-wal", "-shm"] {
        let _none = std::fs::remove_file(db.with_file_name(format!("eu.db{end}")));
    }
    std::fs::copy(&old, &db).expect("copies");
    let told = create(&portico, "eu");
    let why = String::from_utf8_lossy(&told.stderr);
    assert!(!told.status.success() && why.contains("run `portico restore replay`"), "{why}");
}

#[tokio::test]
async fn an_operator_bootstraps_an_org_and_its_first_call_is_answered_and_recorded() {
    for mut portico in Portico::on_each_engine("").await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let taught = json!({ "slug": "reset-password", "name": "Reset", "answer": "Use the portal.",
                             "triggers": ["How do I reset my password?"] });
        let answer = portico.http.post(&org.admin, "/api/patterns", &taught).await;
        assert_eq!(answer.status, 201, "{}", answer.text);

        let ask = json!({ "model": "patterns",
                          "messages": [{ "role": "user", "content": "How do I reset my password?" }] });
        // A viewer may run what they may read.
        let answer = portico.http.post(&org.viewer, "/v1/chat/completions", &ask).await;
        assert_eq!(
            answer.json()["choices"][0]["message"]["content"],
            "Use the portal.",
            "{}",
            answer.text
        );
        assert_eq!(answer.json()["portico"]["pattern"]["slug"], "reset-password");
        let receipt = answer.headers["portico-receipt"].to_str().expect("text");

        let page = portico.http.get(&org.owner, &format!("/api/events?resource={receipt}")).await;
        let events = page.json()["items"].as_array().expect("a list").clone();
        assert_eq!(events.len(), 2, "{}", page.text);
        assert_eq!(events[0]["call"]["pattern"], "reset-password@1");
        assert_eq!(events[0]["outcome"], "success");

        let unknown =
            json!({ "model": "patterns", "messages": [{ "role": "user", "content": "zebra?" }] });
        let answer = portico.http.post(&org.viewer, "/v1/chat/completions", &unknown).await;
        assert_eq!((answer.status, &answer.json()["portico"]["pattern"]), (200, &json!(null)));
        assert!(portico.terminate(), "{}", portico.log());
    }
}

#[tokio::test]
async fn a_person_signs_in_and_out() {
    for mut portico in Portico::on_each_engine("").await {
        let org = portico.org("acme", "us");
        portico.serve().await;
        let mut sign_in =
            json!({ "org": org.slug, "email": "owner@acme.example", "password": PASSWORD });
        let answer = portico.http.post("", "/api/session", &sign_in).await;
        assert!(answer.status < 300, "{}", answer.text);
        let cookie = answer.headers["set-cookie"].to_str().expect("text").to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite"), "{cookie}");
        sign_in["password"] = json!("wrong horse battery");
        let wrong = portico.http.post("", "/api/session", &sign_in).await;
        sign_in["email"] = json!("nobody@acme.example");
        let nobody = portico.http.post("", "/api/session", &sign_in).await;
        assert_eq!((wrong.status, wrong.text), (nobody.status, nobody.text));
        assert_eq!(nobody.status, 401);
    }
}
