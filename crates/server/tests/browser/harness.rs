//! That these tests would notice what they look for.

use serde_json::json;

use crate::driver::Refused;
use crate::finding::Kind;
use crate::hands::Key;
use crate::page::{DESK, PHONE, Theme};
use crate::world::World;

/// Width and height, as a PNG says them in its first chunk.
fn png_size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

#[tokio::test]
async fn the_first_page_opens_without_complaint_and_keeps_nobody_out() {
    for world in World::on_each_engine().await {
        let page = &world.page;
        page.open("/").await;
        page.quiet().await;
        page.serves_everybody().await;
        assert!(page.ask("document.title").await.as_str().is_some_and(|t| t.contains("Portico")));
        assert!(!page.heading().await.is_empty());
        let ask =
            json!({ "model": "small", "messages": [{ "role": "user", "content": "Hello?" }] });
        let before = world.provider.calls();
        let answer = world.portico.http.post(&world.org.member, "/v1/chat/completions", &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(world.provider.calls(), before + 1);
    }
}

#[tokio::test]
async fn what_a_browser_complains_of_is_noticed() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.open("/").await;
    page.quiet().await;
    page.ask("console.error('the sky falls')").await;
    page.ask("void fetch('/api/nothing')").await;
    page.ask("void setTimeout(() => { throw new Error('the ground shakes') })").await;
    let mut heard = Vec::new();
    page.until("three complaints", async || {
        heard.extend(page.complaints().await);
        if heard.len() < 3 { Err(Refused(format!("{heard:?}"))) } else { Ok(()) }
    })
    .await;
    for what in ["the sky falls", "/api/nothing", "the ground shakes"] {
        assert!(heard.iter().any(|complaint| complaint.contains(what)), "{what}: {heard:?}");
    }
    page.quiet().await;
}

#[tokio::test]
async fn a_page_that_keeps_somebody_out_is_noticed() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.open("/").await;
    assert_eq!(page.axe().await, Vec::<String>::new());
    page.ask("void document.querySelector('main').append(document.createElement('input'))").await;
    let faults = page.axe().await;
    assert!(faults.iter().any(|fault| fault.starts_with("label (critical)")), "{faults:?}");
}

#[tokio::test]
async fn a_window_has_the_size_of_a_desk_or_a_phone_and_its_picture_too() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    for size in [DESK, PHONE] {
        page.resize(size).await;
        page.open("/").await;
        let (width, height) = size;
        assert_eq!(page.ask("[innerWidth, innerHeight]").await, json!([width, height]));
        assert_eq!(png_size(&page.picture().await), size);
        page.serves_everybody().await;
    }
}

#[tokio::test]
async fn a_person_prefers_light_or_dark_and_may_have_no_script() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    for theme in [Theme::Light, Theme::Dark] {
        page.theme(theme).await;
        page.open("/").await;
        let dark = page.ask("matchMedia('(prefers-color-scheme: dark)').matches").await;
        assert_eq!(dark, theme == Theme::Dark);
        let chosen = format!("portico_theme={}", theme.name());
        let cookies = page.ask("document.cookie").await;
        assert!(cookies.as_str().is_some_and(|cookies| cookies.contains(&chosen)), "{cookies}");
    }
    assert_eq!(page.ask("matchMedia('(scripting: enabled)').matches").await, true);
    page.without_script().await;
    page.reload().await;
    assert_eq!(page.ask("matchMedia('(scripting: none)').matches").await, true);
    assert!(!page.text().await.is_empty());
    page.quiet().await;
}

#[tokio::test]
async fn things_are_found_by_the_names_that_people_know() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.open("/").await;
    page.driver
        .script("document.querySelector('main').innerHTML = arguments[0]", json!([FORM]))
        .await
        .expect("a form");
    page.fill("Name", "first").await;
    page.fill("Name", "Ada").await;
    page.choose("Role", "Member").await;
    page.tick("Active").await;
    page.tick("Active").await;
    let held = page.ask("['n', 'r', 'a'].map((id) => { const e = document.getElementById(id); return e.type === 'checkbox' ? e.checked : e.value })");
    assert_eq!(held.await, json!(["Ada", "m", true]));
    page.click_in("Ingrid", "Remove").await;
    assert_eq!(page.ask("location.hash").await, "#ingrid");
    page.click("Only").await;
    page.comes_true("location.hash === '#only'").await;
    let why = page.find(Kind::Press, "Remove", None).await.expect_err("two");
    assert!(why.0.starts_with("2 things are named"), "{why:?}");
    page.fill("Name", "Grace").await;
    page.press(Key::Tab).await;
    assert_eq!(page.ask("document.activeElement.id").await, "r");
    page.sees("Ingrid Remove").await;
    page.fill("Name", "Lin").await;
    page.press(Key::Enter).await;
    page.arrives_at("/api/openapi.json?name=Lin").await;
}

const FORM: &str = "<form action=/api/openapi.json><label for=n>Name</label><input id=n name=name>
    <label>Role <select id=r><option value=v>Viewer<option value=m>Member</select></label>
    <label><input id=a type=checkbox> Active</label><button>Save</button></form>
    <table><tr><th scope=row>Ingrid</th><td><a href='#ingrid'>Remove</a></td></tr>
    <tr><th scope=row>Jonas</th><td><a href='#jonas'>Remove</a></td></tr></table>
    <a href='#only'><svg></svg> Only</a>";
