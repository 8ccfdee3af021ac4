//! An owner orders a move, takes it back, orders it again, and sees it to its receipt.

use crate::page::{DESK, PHONE, Page, Theme};
use crate::world::World;

const HERE: &str = "/settings/region";

/// The page as it is now keeps nobody out, however it is looked at.
async fn serves_everybody_everywhere(page: &Page) {
    for theme in [Theme::Dark, Theme::Light] {
        page.theme(theme).await;
        for size in [PHONE, DESK] {
            page.resize(size).await;
            page.reload().await;
            page.serves_everybody().await;
        }
    }
}

async fn order(page: &Page, to: &str) {
    page.click("Move to another region").await;
    page.choose("Move to", to).await;
    page.click("Order the move").await;
    page.sees("The move was ordered. The operator carries it out.").await;
    page.sees("waits for the operator").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_orders_a_move_and_sees_it_to_its_receipt() {
    for world in World::on_each_engine().await {
        let (page, portico) = (&world.page, &world.portico);
        page.sign_in_as("owner").await;
        page.open("/settings").await;
        page.click("Region and move").await;
        page.arrives_at(HERE).await;
        page.sees("At home in eu").await;
        serves_everybody_everywhere(page).await;
        order(page, "us").await;
        serves_everybody_everywhere(page).await;
        page.click("Take the order back").await;
        page.sees("The order was taken back.").await;

        order(page, "us").await;
        let receipt = portico.folder().join("receipt.txt");
        let to = receipt.to_str().expect("text");
        let args = ["org", "move", "--org", "acme", "--to", "us", "--out", to];
        tokio::task::block_in_place(|| portico.run(&args, ""));
        page.open(HERE).await;
        page.sees("At home in us").await;
        page.sees("It moved here from eu").await;
        page.sees("The last move: eu to us done").await;
        page.sees("tables agreed; writes waited").await;
        page.click("The signed receipt").await;
        page.sees("portico-move/v1").await;
        let shown = page.ask("document.getElementById('receipt').textContent.trim()").await;
        let written = std::fs::read_to_string(&receipt).expect("reads");
        assert_eq!(shown.as_str(), Some(written.trim()), "what the operator was given");
        serves_everybody_everywhere(page).await;

        // The same without a script of ours.
        page.without_script().await;
        page.open(HERE).await;
        order(page, "eu").await;
        page.click("Take the order back").await;
        page.sees("The order was taken back.").await;

        // Who only administers sees it and orders nothing.
        page.click("Sign out").await;
        page.sign_in_as("admin").await;
        page.open(HERE).await;
        page.sees("At home in us").await;
        page.sees("owners, unless a role gives it").await;
        let forms = page.ask("document.querySelectorAll('main form').length").await;
        assert_eq!(forms, 0, "an administrator is offered nothing to order");
        page.quiet().await;
    }
}
