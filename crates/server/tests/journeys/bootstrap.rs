//! From nothing to the first answer, at the command line and through the door.

use serde_json::json;

use crate::portico::{PASSWORD, Portico};

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
