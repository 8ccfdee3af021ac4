//! Asking a model: the answer grows, and stops when told to.

use crate::driver::Refused;
use crate::world::World;

#[tokio::test]
async fn an_answer_grows_before_ones_eyes_and_stops_when_told_to() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.sign_in_as("owner").await;
    page.open("/chat").await;
    page.choose("Answered by", "endless").await;
    page.fill("Your question", "Tell me everything.").await;
    page.click("Send").await;
    // The provider pauses in its third word: what came before is seen meanwhile.
    page.sees("Hello from").await;
    page.quiet().await;
    page.click("Stop").await;
    page.sees("Stopped here.").await;
    let kept = page.text().await;
    assert!(kept.contains("Hello from"), "what was shown is kept: {kept}");
    for fact in ["Model endless", "in eu", "written", "Price", "Receipt call_"] {
        assert!(kept.contains(fact), "{fact}: {kept}");
    }
    page.until("the provider being let go", async || {
        (world.provider.cancelled() == 1).then_some(()).ok_or_else(|| Refused("not yet".to_owned()))
    })
    .await;
    page.reload().await;
    page.sees("Stopped here.").await;

    page.choose("Answered by", "small").await;
    page.click("Ask again").await;
    page.sees("Hello from the fake provider.").await;
    page.sees("12 tokens read, 5 written").await;
    page.serves_everybody().await;
    // The receipt leads to the call in the record.
    page.ask("void document.querySelector('a[href^=\"/record?resource=call_\"]').click()").await;
    page.comes_true("location.pathname === '/record'").await;
    page.sees("gateway.call.ended").await;
    page.quiet().await;
}

#[tokio::test]
async fn without_script_a_question_gets_its_whole_answer() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.without_script().await;
    page.sign_in_as("member").await;
    page.open("/chat").await;
    page.choose("Answered by", "small").await;
    page.fill("Your question", "Hello?").await;
    page.click("Send").await;
    page.sees("Hello from the fake provider.").await;
    page.sees("Receipt call_").await;
    page.fill("Your question", "And again?").await;
    page.click("Send").await;
    page.sees("And again?").await;
    page.quiet().await;
}
