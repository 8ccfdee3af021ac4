//! Links that go by mail too.

use std::sync::{Arc, Mutex};

use identity::{Letter, Mail, NotSent, Sent};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::House;

const NEW: &str = "staple battery horse";

/// A mail server that keeps what it takes, or takes nothing.
#[derive(Debug, Default)]
struct Postbox {
    letters: Mutex<Vec<Letter>>,
    refuses: bool,
}

impl Mail for Postbox {
    fn public_url(&self) -> &'static str {
        "https://portico.example"
    }

    fn send(&self, letter: Letter) -> Sent<'_> {
        Box::pin(async move {
            if self.refuses {
                return Err(NotSent::Refused(550));
            }
            self.letters.lock().expect("unpoisoned").push(letter);
            Ok(())
        })
    }
}

impl Postbox {
    /// The one letter that came.
    fn one(&self) -> Letter {
        let mut letters = std::mem::take(&mut *self.letters.lock().expect("unpoisoned"));
        assert_eq!(letters.len(), 1, "{letters:?}");
        letters.pop().expect("one")
    }
}

/// What follows a mark on its line.
fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.strip_prefix(mark));
    assert!(found.is_some(), "no `{mark}` in {text}");
    found.unwrap_or_default()
}

async fn join(house: &House, token: &str) -> u16 {
    let body = json!({"token": token, "name": "Ingrid", "password": NEW});
    house.send("POST", "/api/invitations/accept", &[], body).await.0
}

#[tokio::test]
async fn links_also_go_by_mail_to_their_person_alone() {
    let server = Arc::new(Postbox::default());
    for house in House::on_each_engine_mailing(&server).await {
        let org = house.org("acme").await;
        let body = json!({"email": "Ingrid@acme.example", "role": "org:viewer"});
        let (status, made) = house.ask(&org.admin.key, "POST", "/api/members", body).await;
        assert_eq!((status, &made["mailed"]), (201, &json!(true)), "{made}");
        let letter = server.one();
        assert_eq!(letter.to, "ingrid@acme.example");
        assert_eq!(letter.subject, "admin invites you to ACME on Portico");
        let text = letter.text.reveal();
        assert!(text.contains("admin invites you to ACME on Portico."), "{text}");
        assert!(text.contains("until 8 January 2026, 00:00 UTC"), "{text}");
        assert!(text.contains("Nobody at Portico ever asks you for a password"), "{text}");
        let token = after(text, "https://portico.example/join?token=");
        assert_eq!(Some(token), made["token"].as_str());
        assert_eq!(join(&house, token).await, 201);

        let path = format!("/api/members/{}/password-link", org.member.id);
        let (status, made) = house.ask(&org.admin.key, "POST", &path, Value::Null).await;
        assert_eq!((status, &made["mailed"]), (201, &json!(true)), "{made}");
        let letter = server.one();
        assert_eq!(
            (letter.to.as_str(), letter.subject.as_str()),
            (org.member.email.as_str(), "Set a new password for ACME on Portico")
        );
        let text = letter.text.reveal();
        assert!(text.contains("admin made a link"), "{text}");
        assert!(text.contains("until 2 January 2026, 00:00 UTC"), "{text}");
        let token = after(text, "https://portico.example/reset?token=");
        let body = json!({"token": token, "password": NEW});
        assert_eq!(house.send("POST", "/api/password/reset", &[], body).await.0, 200);

        // What a browser calls this Portico decides the link that its user sees, no more.
        let mut browser = Browser::of(&house, &org.admin);
        let form = [("email", "jonas@acme.example"), ("role", "org:viewer")];
        let seen = browser.post("/members", &form).await;
        assert!(seen.text.contains("It is also on its way to jonas@acme.example by mail."));
        assert!(!seen.text.contains("no mail server"), "{}", seen.text);
        seen.between("https://ai.acme.example/join?token=", "<");
        after(server.one().text.reveal(), "https://portico.example/join?token=");
        let seen = browser.post(&format!("/members/{}/password-link", org.member.id), &[]).await;
        assert!(seen.text.contains("It is also on its way to member@acme.example by mail."));
        after(server.one().text.reveal(), "https://portico.example/reset?token=");

        // Whoever is refused has no letter written in their name.
        let body = json!({"email": "kai@acme.example", "role": "org:owner"});
        assert_eq!(house.ask(&org.admin.key, "POST", "/api/members", body).await.0, 403);
        let path = format!("/api/members/{}/password-link", org.owner.id);
        assert_eq!(house.ask(&org.admin.key, "POST", &path, Value::Null).await.0, 403);
        assert!(server.letters.lock().expect("unpoisoned").is_empty());
    }
}

#[tokio::test]
async fn a_link_that_could_not_be_mailed_is_still_shown_and_works() {
    let server = Arc::new(Postbox { refuses: true, ..Postbox::default() });
    for house in House::on_each_engine_mailing(&server).await {
        let org = house.org("acme").await;
        let body = json!({"email": "ingrid@acme.example", "role": "org:viewer"});
        let (status, made) = house.ask(&org.admin.key, "POST", "/api/members", body).await;
        assert_eq!((status, &made["mailed"]), (201, &json!(false)), "{made}");
        assert_eq!(join(&house, made["token"].as_str().expect("a token")).await, 201);

        let mut browser = Browser::of(&house, &org.admin);
        let form = [("email", "jonas@acme.example"), ("role", "org:viewer")];
        let sorry = "The mail server did not take the letter: hand the link out yourself.";
        let seen = browser.post("/members", &form).await;
        assert_eq!(seen.status, 201);
        assert!(seen.text.contains(sorry), "{}", seen.text);
        assert!(seen.text.contains("Send it yourself to jonas@acme.example. "), "{}", seen.text);
        let token = seen.between("https://ai.acme.example/join?token=", "<");
        assert_eq!(join(&house, token).await, 201);
        let seen = browser.post(&format!("/members/{}/password-link", org.member.id), &[]).await;
        assert!(seen.text.contains(sorry), "{}", seen.text);
        seen.between("https://ai.acme.example/reset?token=", "<");
    }
}

#[tokio::test]
async fn without_a_mail_server_links_are_handed_out() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"email": "ingrid@acme.example", "role": "org:viewer"});
        let (_, made) = house.ask(&org.admin.key, "POST", "/api/members", body).await;
        assert_eq!(made["mailed"], Value::Null);
        let mut browser = Browser::of(&house, &org.admin);
        let seen = browser.post(&format!("/members/{}/password-link", org.member.id), &[]).await;
        assert!(seen.text.contains("Portico has no mail server here"), "{}", seen.text);
        assert!(!seen.text.contains("by mail"), "{}", seen.text);
    }
}
