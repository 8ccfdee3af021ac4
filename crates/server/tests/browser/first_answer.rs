//! From an empty org to the first answer; patterns and keys.

use std::process::Command;

use serde_json::json;

use crate::world::World;

/// How many steps the start shows as done.
const DONE: &str = "document.querySelectorAll('.steps .done').length";

#[tokio::test]
async fn somebody_new_comes_from_an_empty_org_to_the_first_answer_in_three_steps() {
    for world in World::on_each_engine().await {
        let page = &world.page;
        page.sign_in_as("owner").await;
        let link = page.invites("ingrid@acme.example", "Admin").await;
        page.click("Sign out").await;
        page.sees("You are signed out.").await;
        page.joins(&link, "Ingrid Petersen").await;
        page.sees("To your first answer").await;
        assert_eq!(page.ask(DONE).await, 0);
        page.quiet().await;

        page.click("Make a key").await;
        page.click("Make the first key").await;
        page.fill("Name", "my laptop").await;
        page.click("Make the key").await;
        page.sees("Copy it now").await;
        page.click("Start").await;
        assert_eq!(page.ask(DONE).await, 1);

        page.click("Teach the first one").await;
        page.fill("Name", "Reset a password").await;
        page.fill("Questions", "How do I reset my password?\nI forgot my password").await;
        page.fill("Answer", "Use the portal: **Account**, then *Reset*.").await;
        page.fill("Question", "forgot the password").await;
        page.sees("Answers Score").await;
        page.serves_everybody().await;
        page.tick("Publish: it answers at once").await;
        page.click("Teach it").await;
        page.sees("Version 1 answers.").await;
        page.click("Start").await;
        assert_eq!(page.ask(DONE).await, 2);

        page.click("Ask something").await;
        page.fill("Your question", "How do I reset my password?").await;
        page.click("Send").await;
        page.sees("Use the portal: Account, then Reset.").await;
        page.sees("Pattern reset-a-password@1").await;
        page.sees("Receipt call_").await;
        page.serves_everybody().await;
        page.click("Start").await;
        page.sees("Good to see you, Ingrid Petersen").await;
        assert!(!page.text().await.contains("To your first answer"), "all steps are done");
        page.quiet().await;
    }
}

#[tokio::test]
async fn a_pattern_gets_a_second_version_whose_changes_are_read_before_it_answers() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.sign_in_as("owner").await;
    page.open("/patterns/new").await;
    page.fill("Name", "Office hours").await;
    page.fill("Questions", "When is the office open?").await;
    page.fill("Answer", "From nine to five.").await;
    page.untick("Publish: it answers at once").await;
    page.click("Teach it").await;
    page.sees("Nobody has approved it yet").await;
    page.click("Publish version 1").await;
    page.sees("Version 1 answers.").await;
    page.click("Edit").await;
    page.fill("Answer", "From eight to six.").await;
    page.untick("Publish: it answers at once").await;
    page.click("Save as a new version").await;
    page.sees("Version 1 answers, version 2 waits.").await;
    page.click("Compare it with the one that answers").await;
    page.sees("taken out: From nine to five.").await;
    page.sees("put in: From eight to six.").await;
    page.serves_everybody().await;
    page.click("Office hours").await;
    page.click("Publish version 2").await;
    page.sees("Version 2 answers.").await;

    page.click("Chat").await;
    page.fill("Your question", "When is the office open?").await;
    page.click("Send").await;
    page.sees("From eight to six.").await;
    page.sees("Pattern office-hours@2").await;
    page.sees("Receipt call_").await;
    page.quiet().await;
}

#[tokio::test]
async fn a_key_is_made_and_copied_once_and_the_line_beside_it_works_in_a_terminal() {
    let Some(world) = World::on_sqlite().await else { return };
    let greet = json!({ "slug": "greet", "name": "Greet", "triggers": ["Hello"],
                        "answer": "Good day." });
    world.make(&world.org.owner, "/api/patterns", greet).await;
    let page = &world.page;
    page.sign_in_as("member").await;
    page.open("/keys").await;
    page.click("New key").await;
    page.fill("Name", "nightly report").await;
    page.click("Make the key").await;
    page.sees("Copy it now").await;
    page.serves_everybody().await;
    let key = page.ask("document.getElementById('secret').textContent").await;
    let key = key.as_str().expect("a key").to_owned();
    page.copy("#secret").await;
    assert_eq!(page.clipboard().await, key);

    let curl = page.ask("document.getElementById('s-curl').textContent").await;
    let curl = curl.as_str().expect("a line").replacen("curl ", "curl --silent --fail ", 1);
    let run = tokio::task::spawn_blocking(move || Command::new("sh").arg("-c").arg(curl).output());
    let output = run.await.expect("ends").expect("curl runs");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && answer.contains("Good day."), "{answer}");
    page.click("I have copied it").await;
    page.sees("Last used").await;
    let html = page.ask("document.documentElement.outerHTML").await;
    assert!(html.as_str().is_some_and(|html| !html.contains(&key)), "a key is shown once");
    page.quiet().await;
}
