//! Passkeys, with an authenticator that the browser plays.

use serde_json::{Value, json};

use crate::page::Page;
use crate::portico::PASSWORD;
use crate::world::World;

impl Page {
    /// Gives the browser an authenticator, as a laptop has one, with a finger on it.
    async fn has_an_authenticator(&self) -> String {
        let kind = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true,
        });
        let made = self.driver.post("webauthn/authenticator", kind).await;
        made.expect("an authenticator").as_str().expect("its id").to_owned()
    }

    /// From now on it finds the right finger, or not.
    async fn finger(&self, authenticator: &str, right: bool) {
        let path = format!("webauthn/authenticator/{authenticator}/uv");
        self.driver.post(&path, json!({ "isUserVerified": right })).await.expect("a finger");
    }

    /// The passkeys that it holds.
    async fn passkeys(&self, authenticator: &str) -> Vec<Value> {
        let path = format!("webauthn/authenticator/{authenticator}/credentials");
        let held = self.driver.get(&path).await.expect("passkeys");
        held.as_array().expect("a list").clone()
    }
}

#[tokio::test]
async fn a_person_adds_a_passkey_signs_in_with_it_and_confirms_what_is_sensitive() {
    let Some(world) = World::on_sqlite().await else { return };
    // A passkey belongs to a name: an address has none.
    let base = world.portico.base.replace("127.0.0.1", "localhost");
    let page = &Page::new(world.page.tools.clone(), &base).await;
    let authenticator = page.has_an_authenticator().await;
    page.sign_in_as("owner").await;
    page.open("/account/factors").await;
    page.serves_everybody().await;
    page.fill("Name of a new passkey", "Work laptop").await;
    page.click("Add a passkey").await;
    page.sees("Work laptop").await;
    page.sees("You have no recovery codes.").await;
    page.serves_everybody().await;
    let held = page.passkeys(&authenticator).await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["rpId"], "localhost");
    assert_eq!(held[0]["isResidentCredential"], true, "it finds its member by itself");
    page.click("Make recovery codes").await;
    page.sees("Each works once.").await;
    page.serves_everybody().await;
    page.click("I have kept them").await;
    page.sees("10 of ten left.").await;
    page.click("Sign out").await;
    page.sees("You are signed out.").await;

    // The password alone leads to one more step, and to nothing else.
    page.open("/keys").await;
    page.enter("acme", "owner@acme.example", PASSWORD).await;
    page.arrives_at("/account/confirm?next=%2Fkeys").await;
    page.serves_everybody().await;
    page.open("/members").await;
    page.arrives_at("/account/confirm?next=%2Fmembers").await;
    page.finger(&authenticator, false).await;
    page.click("Use a passkey").await;
    page.sees("Nothing was shown").await;
    page.finger(&authenticator, true).await;
    page.click("Use a passkey").await;
    page.arrives_at("/members").await;
    page.click("Sign out").await;
    page.sees("You are signed out.").await;

    // The passkey alone.
    page.open("/sign-in?next=%2Fkeys").await;
    page.click("Use a passkey").await;
    page.arrives_at("/keys").await;
    page.open("/me").await;
    page.sees("owner@acme.example").await;
    // It was shown just now: nothing more is asked.
    page.open("/keys/new").await;
    page.fill("Name", "behind a passkey").await;
    page.click("Make the key").await;
    page.sees("Copy it now").await;
    page.quiet().await;
}

#[tokio::test]
async fn where_a_portico_is_reached_at_an_address_the_page_says_why_there_are_no_passkeys() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.sign_in_as("owner").await;
    page.open("/account/factors").await;
    page.fill("Name of a new passkey", "Laptop").await;
    page.click("Add a passkey").await;
    page.sees("The browser could not use a passkey here.").await;
    page.click("Set up an app").await;
    page.sees("Its first code").await;
    page.serves_everybody().await;
    page.quiet().await;
}
