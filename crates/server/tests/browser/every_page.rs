//! Every page, in both themes, at a desk and on a phone.

use std::collections::BTreeSet;

use serde_json::json;

use crate::page::{DESK, PHONE, Page, Theme};
use crate::portico::text;
use crate::walk::Map;
use crate::world::World;

/// What is wrong with the page that is shown.
async fn faults(page: &Page, expected: &str) -> Vec<String> {
    let mut faults = page.complaints().await;
    faults.retain(|fault| expected.is_empty() || !fault.contains(expected));
    faults.extend(page.axe().await);
    let (size, address) = (page.size.get(), page.path().await);
    let width = page.ask("document.documentElement.scrollWidth").await;
    if width.as_u64() > Some(u64::from(size.0)) {
        faults.push(format!("is {width} wide"));
    }
    faults.into_iter().map(|fault| format!("{address} at {}: {fault}", size.0)).collect()
}

/// Opens each address at a desk and on a phone.
async fn look(page: &Page, theme: Theme, addresses: &[String], expected: &str) -> Vec<String> {
    let mut all = Vec::new();
    page.theme(theme).await;
    for size in [DESK, PHONE] {
        page.resize(size).await;
        for address in addresses {
            page.open(address).await;
            all.extend(faults(page, expected).await);
        }
    }
    all
}

/// Every page of the org, as its owner sees it.
async fn every_page_in(theme: Theme) {
    let Some(world) = World::furnished().await else { return };
    let page = &world.page;
    page.sign_in_to_nordwind().await;
    let map = Map::of(&world.portico).await;
    // A refusal leads to the confirmation, and a provider's people to their connections;
    // only a pattern that was changed links to its difference, so it is the first to be seen.
    // What is held of a person is looked up, not linked to.
    let person = format!("/privacy/person?person={}", world.org.member_id);
    let beginnings = ["/", "/account/confirm", "/me/providers", &person, "/patterns/vpn-access"];
    let found = map.walk(page, &beginnings).await;
    let seen: BTreeSet<String> = found.keys().cloned().collect();
    let missed: Vec<&String> = map.pages.difference(&seen).collect();
    assert!(missed.is_empty(), "no link leads an owner to {missed:?}");
    let addresses: Vec<String> = found.into_values().collect();
    let faults = look(page, theme, &addresses, "").await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn every_page_keeps_nobody_out_in_the_light_at_a_desk_and_on_a_phone() {
    every_page_in(Theme::Light).await;
}

#[tokio::test]
async fn every_page_keeps_nobody_out_in_the_dark_at_a_desk_and_on_a_phone() {
    every_page_in(Theme::Dark).await;
}

#[tokio::test]
async fn every_page_that_a_viewer_reaches_opens_and_keeps_nobody_out() {
    let Some(world) = World::furnished().await else { return };
    let page = &world.page;
    page.open("/sign-in").await;
    page.enter("nordwind", "paul.schmitt@nordwind.example", crate::portico::PASSWORD).await;
    page.arrives_at("/").await;
    let found = Map::of(&world.portico).await.walk(page, &["/"]).await;
    assert!(found.len() > 10, "{found:#?}");
    let mut all = Vec::new();
    for address in found.values() {
        page.open(address).await;
        // Nobody is led to where they may not go.
        let heading = page.heading().await;
        if heading == "This is not open to you" {
            all.push(format!("{address}: {heading}"));
        }
        all.extend(faults(page, "").await);
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[tokio::test]
async fn the_pages_of_whoever_is_not_signed_in_keep_nobody_out() {
    let Some(world) = World::on_sqlite().await else { return };
    let (page, owner) = (&world.page, &world.org.owner);
    let invite = json!({ "email": "ingrid@acme.example", "role": "org:viewer" });
    let invited = text(&world.make(owner, "/api/members", invite).await["token"]);
    let path = format!("/api/members/{}/password-link", world.org.member_id);
    let link = text(&world.make(owner, &path, json!({})).await["token"]);
    let setup = text(&world.make(owner, "/api/setup-links", json!({})).await["token"]);
    let addresses = [
        "/sign-in".to_owned(),
        "/sso".to_owned(),
        format!("/setup?token={setup}"),
        "/setup?token=none".to_owned(),
        format!("/join?token={invited}"),
        format!("/reset?token={link}"),
        "/join?token=none".to_owned(),
        "/reset?token=none".to_owned(),
    ];
    let open = Map::of(&world.portico).await.open;
    // What a provider and a browser on its way meet is seen in `corporate`.
    for known in open.iter().filter(|known| !known.contains('{')) {
        assert!(addresses.iter().any(|address| address.starts_with(known)), "{known}");
    }
    for theme in [Theme::Light, Theme::Dark] {
        let faults = look(page, theme, &addresses, "status of 410").await;
        assert!(faults.is_empty(), "{faults:#?}");
    }
}
