//! Tokens: who is let in, and what strangers hear.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use identity::key::DirectoryToken;
use serde_json::{Value, json};

use crate::house::{Answer, House};

async fn list(house: &House, token: &str) -> Answer {
    house.get(token, "/Users").await
}

#[tokio::test]
async fn every_bad_token_gets_the_same_answer_and_is_recorded() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (directory, token) = house.directory(&org, "Okta").await;
        assert_eq!(list(&house, &token).await.status, 200);
        let (_, unknown) = DirectoryToken::fresh(&org.id, access::Region::Eu).expect("randomness");
        let nobody = access::OrgId::new("2025-01-01T00:00:00Z".parse().expect("a time"));
        let (_, elsewhere) =
            DirectoryToken::fresh(&nobody, access::Region::Eu).expect("randomness");
        let key = house.key(&org.operator, org.owner.id.as_str()).await;
        let mut mistyped = token.clone();
        mistyped.pop();
        let ended = house.scim.tokens(&org.operator, &directory.id).await.expect("tokens");
        house.scim.end_token(&org.operator, &directory.id, &ended[0].id).await.expect("ended");
        let mut answers = Vec::new();
        for bad in [
            "",
            "x",
            &mistyped,
            &key,
            unknown.reveal(),
            elsewhere.reveal(),
            &token,
            &"x".repeat(5_000),
        ] {
            for (method, path) in [("GET", "/Users"), ("POST", "/Bulk"), ("GET", "/nowhere")] {
                let answer = house.ask(bad, method, path, &json!({})).await;
                assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer");
                answers.push((answer.status, answer.body));
            }
        }
        assert_eq!(answers[0].0, 401);
        assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
        let none = house.send("", "GET", "/Users", &[("authorization", "Bearer x")], None).await;
        assert_eq!((none.status, none.body), answers[0]);
        // The ended token of a known directory each time; an unknown one of the org once a
        // minute, so that strangers do not fill its record.
        let events = house.noted(&org, "identity.credentials.refused", 4).await;
        let codes: Vec<_> = events.iter().map(|event| &event["reason"]["code"]).collect();
        assert_eq!(codes.iter().filter(|code| **code == "ended_token").count(), 3, "{codes:?}");
        assert_eq!(events[0]["userId"], json!(directory.id.as_str()));
        house.clock.advance(jiff::SignedDuration::from_secs(60));
        list(&house, unknown.reveal()).await;
        house.noted(&org, "identity.credentials.refused", 5).await;
    }
}

#[tokio::test]
async fn a_token_of_a_region_that_is_not_served_is_sent_home() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = DirectoryToken::fresh(&org.id, access::Region::Us).expect("randomness");
        let answer = list(&house, token.reveal()).await;
        assert_eq!(answer.status, 421);
        assert!(answer.body["detail"].as_str().expect("words").contains("`us`"));
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_two_live_while_it_is_replaced() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (directory, first) = house.directory(&org, "Okta").await;
        let mut tokens = vec![first];
        for round in 0..3 {
            house.clock.advance(jiff::SignedDuration::from_secs(1));
            let issued = house.scim.rotate(&org.operator, &directory.id).await.expect("a token");
            tokens.push(issued.secret.reveal().to_owned());
            for (place, token) in tokens.iter().enumerate() {
                let live = if place >= round { 200 } else { 401 };
                assert_eq!(list(&house, token).await.status, live, "{place} after {round}");
            }
        }
        let listed = house.scim.tokens(&org.operator, &directory.id).await.expect("tokens");
        assert_eq!(listed.iter().filter(|token| token.ended_at.is_none()).count(), 2);
        let told = serde_json::to_string(&(&listed, house.events(&org, "").await)).expect("json");
        for token in &tokens {
            let secret = token.split('_').nth(3).expect("a secret");
            assert!(!told.contains(secret), "a token is shown again");
        }
        assert_eq!(house.events(&org, "scim.token.made").await.len(), 3);
        house.scim.end_token(&org.operator, &directory.id, &listed[1].id).await.expect("ended");
        assert_eq!(list(&house, &tokens[2]).await.status, 401);
        assert_eq!(list(&house, &tokens[3]).await.status, 200);
        let again = house.scim.end_token(&org.operator, &directory.id, &listed[1].id).await;
        assert!(matches!(again, Err(scim::Error::NotFound)));
        house.scim.remove_directory(&org.operator, &directory.id).await.expect("removed");
        assert_eq!(list(&house, &tokens[3]).await.status, 401);
    }
}

#[tokio::test]
async fn a_directory_that_asks_too_often_is_told_when_to_come_back() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let (_, other) = house.directory(&org, "Entra").await;
        let mut refused = None;
        for _ in 0..1_100 {
            let answer = house.get(&token, "/ServiceProviderConfig").await;
            if answer.status != 200 {
                refused = Some(answer);
            }
        }
        let refused = refused.expect("the last one is refused");
        assert_eq!(refused.status, 429);
        assert_eq!(refused.headers[RETRY_AFTER], "1");
        assert_eq!(
            refused.body["schemas"][0],
            json!("urn:ietf:params:scim:api:messages:2.0:Error")
        );
        assert_eq!(house.get(&other, "/ServiceProviderConfig").await.status, 200);
        house.noted(&org, "scim.request.refused", 1).await;
        house.clock.advance(jiff::SignedDuration::from_secs(1));
        assert_eq!(house.get(&token, "/ServiceProviderConfig").await.status, 200);
    }
}

#[tokio::test]
async fn what_a_directory_asked_last_is_shown_to_who_connects_it() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (directory, token) = house.directory(&org, "Okta").await;
        house.user(&token, "ada").await;
        house.ask(&token, "POST", "/Users", &json!({"userName": "ADA"})).await;
        list(&house, &token).await;
        house.get(&token, "/Users?filter=nonsense").await;
        let asked = house.asked(&org, &directory.id).await;
        let seen: Vec<_> = asked
            .iter()
            .map(|one| (one.method.as_str(), one.path.as_str(), one.status, one.detail.is_some()))
            .collect();
        assert_eq!(
            seen,
            [
                ("GET", "Users", 400, true),
                ("POST", "Users", 409, true),
                ("POST", "Users", 201, false)
            ]
        );
        let known = house.scim.directory(&org.operator, &directory.id).await.expect("a directory");
        assert!(known.seen_at.is_some());
        let tokens = house.scim.tokens(&org.operator, &directory.id).await.expect("tokens");
        assert!(tokens[0].last_used_at.is_some());
        for place in 0..60 {
            house.ask(&token, "DELETE", &format!("/Users/scu_{place}"), &Value::Null).await;
        }
        assert_eq!(house.asked(&org, &directory.id).await.len(), 50, "the last fifty");
    }
}
