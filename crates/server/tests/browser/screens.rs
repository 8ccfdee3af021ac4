//! The pictures of the documentation.

use crate::page::{DESK, PHONE, Theme};
use crate::world::World;

#[tokio::test]
async fn the_pictures_of_the_documentation_show_an_org_at_work() {
    let Some(world) = World::furnished().await else { return };
    let page = &world.page;
    page.open("/sign-in").await;
    page.keep_picture("sign-in").await;
    page.sign_in_to_nordwind().await;
    page.keep_picture("start").await;

    page.open("/chat").await;
    page.click("Which contracts end soon? Give me the SQL.").await;
    page.sees("Receipt call_").await;
    page.ask("void scrollTo(0, 0)").await;
    let chat = page.path().await;
    page.keep_picture("chat").await;

    page.open("/patterns").await;
    page.keep_picture("patterns").await;
    page.open("/patterns/vpn-access/edit").await;
    page.fill("Question", "the vpn does not connect at the hotel").await;
    page.sees("Answers Score").await;
    page.ask("void scrollTo(0, 0)").await;
    page.keep_picture("editor").await;
    page.open("/patterns/vpn-access/diff?from=1&to=2").await;
    page.keep_picture("diff").await;

    page.open("/members").await;
    page.keep_picture("members").await;
    page.click("Lena Hoffmann").await;
    page.sees("What they may").await;
    page.keep_picture("member").await;
    page.open("/roles").await;
    page.keep_picture("roles").await;
    let path = format!("/access?subject={}&permission=patterns:publish", world.org.member_id);
    page.open(&path).await;
    page.keep_picture("explain-access").await;

    page.open("/keys/new").await;
    page.fill("Name", "nightly report").await;
    page.click("Make the key").await;
    page.sees("Copy it now").await;
    page.keep_picture("key").await;

    for (name, path) in [
        ("models", "/models"),
        ("limits", "/limits"),
        ("budgets", "/limits/budgets"),
        ("usage", "/usage"),
        ("settings-access", "/settings/access"),
    ] {
        page.open(path).await;
        page.keep_picture(name).await;
    }
    let record = "/record?action=identity.*";
    page.open(record).await;
    page.keep_picture("record").await;
    page.open("/record?action=identity.member.changed").await;
    page.ask("void document.querySelector('tr[data-sequence] a').click()").await;
    page.sees("Where it stands").await;
    page.keep_picture("event").await;

    page.theme(Theme::Dark).await;
    for (name, path) in
        [("chat-dark", chat.as_str()), ("usage-dark", "/usage"), ("record-dark", record)]
    {
        page.open(path).await;
        page.ask("void scrollTo(0, 0)").await;
        page.keep_picture(name).await;
    }
    page.theme(Theme::Light).await;
    page.resize(PHONE).await;
    for (name, path) in
        [("start-phone", "/"), ("chat-phone", chat.as_str()), ("record-phone", record)]
    {
        page.open(path).await;
        page.ask("void scrollTo(0, 0)").await;
        page.keep_picture(name).await;
    }
    page.resize(DESK).await;
    page.quiet().await;
}
