//! A receipt that the browser verifies by itself.

use crate::world::World;

/// What the script of the page finds.
async fn verdict(page: &crate::page::Page, is: &str) {
    let shown = format!("document.querySelector('[data-verdict]').dataset.verdict === '{is}'");
    page.comes_true(&shown).await;
}

#[tokio::test]
async fn a_browser_proves_a_receipt_and_finds_one_with_a_changed_byte_false() {
    for world in World::on_each_engine().await {
        let page = &world.page;
        page.sign_in_as("owner").await;
        page.open("/chat").await;
        page.choose("Answered by", "small").await;
        page.fill("Your question", "Hello?").await;
        page.click("Send").await;
        page.sees("Receipt call_").await;
        page.open("/record?action=gateway.call.*").await;
        page.comes_true("!!document.querySelector('a[href^=\"/record/receipts/call_\"]')").await;
        page.ask("void document.querySelector('a[href^=\"/record/receipts/call_\"]').click()")
            .await;
        page.comes_true("location.pathname.startsWith('/record/receipts/call_')").await;
        verdict(page, "true").await;
        page.sees("Proven").await;
        page.serves_everybody().await;

        // One byte of the receipt is another.
        let change = "(() => { const field = document.getElementById('receipt'); \
                       field.value = field.value.replace(/(\\\\\"outcome\\\\\":\\\\\")s/, '$1S'); \
                       document.getElementById('verify').click(); })()";
        page.ask(&format!("void {change}")).await;
        verdict(page, "false").await;
        page.sees("this receipt proves nothing").await;
        page.serves_everybody().await;

        page.open("/record/proofs").await;
        page.sees("What stands behind this record").await;
        page.serves_everybody().await;
        page.quiet().await;
    }
}
