//! Finding one's own action in the record.

use crate::world::World;

#[tokio::test]
async fn somebody_finds_what_they_did_in_the_record_with_what_it_was_before() {
    for world in World::on_each_engine().await {
        let page = &world.page;
        page.sign_in_as("owner").await;
        page.open("/teams").await;
        page.fill("Name", "Research").await;
        page.click("Add the team").await;
        page.fill("Name", "Research and Law").await;
        page.click("Save").await;
        page.sees("Research and Law").await;

        page.click("Record").await;
        page.fill("Action", "identity.team.*").await;
        page.click("Apply").await;
        // The filters are in the address: it can be sent to somebody else.
        page.comes_true("location.search.includes('action=identity.team')").await;
        page.sees("identity.team.created").await;
        page.choose("Outcome", "done").await;
        page.comes_true("location.search.includes('outcome=success')").await;
        page.serves_everybody().await;
        let address = page.path().await;
        page.open("/").await;
        page.open(&address).await;
        let rows = page.ask("document.querySelectorAll('tr[data-sequence]').length").await;
        assert_eq!(rows, 2, "{address} shows what was done to the team, and nothing else");
        page.ask("void document.querySelector('tr[data-sequence] a').click()").await;
        page.sees("What changed").await;
        let before = page.ask("document.querySelector('#changes').closest('section').querySelector('del').innerText").await;
        let after = page.ask("document.querySelector('#changes').closest('section').querySelector('ins').innerText").await;
        assert_eq!((before.as_str(), after.as_str()), (Some("Research"), Some("Research and Law")));
        page.sees("org:owner").await;
        page.serves_everybody().await;
        page.quiet().await;
    }
}
