//! Signing in, inviting, and being refused with a reason.

use serde_json::json;

use crate::finding::Kind;
use crate::page::Page;
use crate::portico::PASSWORD;
use crate::world::World;

impl Page {
    /// Signs in as the member of the role, from wherever this begins.
    pub(crate) async fn sign_in_as(&self, role: &str) {
        self.open("/sign-in").await;
        self.enter("acme", &format!("{role}@acme.example"), PASSWORD).await;
        self.arrives_at("/").await;
    }

    /// Fills in the sign-in that is shown.
    pub(crate) async fn enter(&self, org: &str, email: &str, password: &str) {
        self.fill("Organization", org).await;
        self.fill("E-mail address", email).await;
        self.fill("Password", password).await;
        self.click("Sign in").await;
    }

    /// Invites somebody, and gives the path of their link.
    pub(crate) async fn invites(&self, email: &str, role: &str) -> String {
        self.click("People and access").await;
        self.arrives_at("/members").await;
        self.click("Invite somebody").await;
        self.fill("E-mail address", email).await;
        self.choose("Role", role).await;
        self.click("Make an invitation link").await;
        self.sees("Copy this link now.").await;
        let link = self.ask("new URL(document.getElementById('secret').textContent)").await;
        let path = self.ask(
            "(({ pathname, search, hash }) => pathname + search + hash)\
             (new URL(document.getElementById('secret').textContent))",
        );
        path.await.as_str().unwrap_or_else(|| unreachable!("a link, not {link}")).to_owned()
    }

    /// Joins by a link.
    pub(crate) async fn joins(&self, link: &str, name: &str) {
        self.open(link).await;
        self.serves_everybody().await;
        self.fill("Your name", name).await;
        self.fill("Password", PASSWORD).await;
        self.fill("Password again", PASSWORD).await;
        self.click("Join Org of acme").await;
        self.sees(&format!("Good to see you, {name}")).await;
    }
}

#[tokio::test]
async fn a_person_signs_in_lands_on_the_page_they_wanted_and_signs_out() {
    for world in World::on_each_engine().await {
        let page = &world.page;
        page.open("/patterns").await;
        page.arrives_at("/sign-in?next=%2Fpatterns").await;
        page.enter("acme", "owner@acme.example", "wrong horse battery").await;
        page.sees("Organization, e-mail address or password is wrong.").await;
        page.serves_everybody().await;
        page.quiet_but_for("status of 422").await;
        let held =
            "['f-org', 'f-email', 'f-password'].map((id) => document.getElementById(id).value)";
        let held = page.ask(held).await;
        assert_eq!(held, json!(["acme", "owner@acme.example", ""]), "what was typed is kept");
        page.fill("Password", PASSWORD).await;
        page.click("Sign in").await;
        page.arrives_at("/patterns").await;
        page.click("Sign out").await;
        page.sees("You are signed out.").await;
        page.open("/patterns").await;
        page.arrives_at("/sign-in?next=%2Fpatterns").await;
        page.quiet().await;
    }
}

#[tokio::test]
async fn an_invited_person_joins_gets_another_role_and_is_told_why_something_is_refused() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.sign_in_as("owner").await;
    let link = page.invites("ingrid@acme.example", "Member").await;
    page.click("Sign out").await;
    page.sees("You are signed out.").await;
    page.joins(&link, "Ingrid Petersen").await;
    page.sees("Teach the first one").await;
    page.click("Sign out").await;
    page.sees("You are signed out.").await;

    page.sign_in_as("owner").await;
    page.open("/members").await;
    page.click("Ingrid Petersen").await;
    page.choose("Role", "Viewer").await;
    page.click("Save").await;
    page.sees("ingrid@acme.example · Viewer").await;
    page.click("Sign out").await;
    page.sees("You are signed out.").await;

    page.open("/sign-in").await;
    page.enter("acme", "ingrid@acme.example", PASSWORD).await;
    page.arrives_at("/").await;
    assert!(page.find(Kind::Press, "Teach the first one", None).await.is_err());
    page.quiet().await;
    page.open("/patterns/new").await;
    page.sees("needs the permission patterns:create").await;
    page.sees("Your role does not give it: viewer.").await;
    page.sees("org:owner").await;
    page.sees("they can give you a role that does").await;
    page.serves_everybody().await;
    page.quiet_but_for("status of 403").await;
    // The link worked once.
    page.click("Sign out").await;
    page.sees("You are signed out.").await;
    page.open(&link).await;
    page.sees("was used already").await;
    page.quiet_but_for("status of 410").await;
}

#[tokio::test]
async fn whoever_was_signed_out_meanwhile_comes_back_to_the_same_page() {
    let Some(world) = World::on_sqlite().await else { return };
    let (page, owner) = (&world.page, &world.org.owner);
    let end = async || {
        let path = format!("/api/members/{}/sessions", world.org.owner_id);
        let answer = world.portico.http.ask("DELETE", owner, &path, None).await;
        assert!(answer.status < 300, "{}", answer.text);
    };
    let back = async |wanted: &str| {
        page.comes_true("location.pathname === '/sign-in'").await;
        page.serves_everybody().await;
        page.enter("acme", "owner@acme.example", PASSWORD).await;
        page.arrives_at(wanted).await;
    };
    page.sign_in_as("owner").await;
    // A link with a question in it.
    end().await;
    page.open("/record?action=identity.%2A&outcome=success").await;
    back("/record?action=identity.%2A&outcome=success").await;
    page.sees("identity.").await;
    // A list that htmx would have changed.
    page.open("/members").await;
    end().await;
    page.fill("Search", "owner").await;
    page.comes_true("location.pathname === '/sign-in'").await;
    page.quiet_but_for("status of 401").await;
    page.enter("acme", "owner@acme.example", PASSWORD).await;
    page.comes_true("location.pathname === '/members' && location.search.includes('q=owner')")
        .await;
    // A form: back to the page it was on, where it can be sent.
    page.open("/teams").await;
    end().await;
    page.fill("Name", "Research").await;
    page.click("Add the team").await;
    back("/teams").await;
    page.fill("Name", "Research").await;
    page.click("Add the team").await;
    page.sees("In this team: 0").await;
    page.quiet().await;
}

#[tokio::test]
async fn a_second_click_on_a_button_makes_nothing_twice() {
    let Some(world) = World::on_sqlite().await else { return };
    let page = &world.page;
    page.sign_in_as("owner").await;
    let made = async |name: &str| {
        let keys = world.portico.http.get(&world.org.owner, "/api/keys").await.json();
        keys["items"].as_array().expect("keys").iter().filter(|key| key["name"] == name).count()
    };
    page.open("/keys/new").await;
    page.fill("Name", "pressed twice").await;
    page.double_click("Make the key").await;
    page.sees("Copy it now").await;
    assert_eq!(made("pressed twice").await, 1);
    // Nor does somebody who goes back and presses again.
    page.ask("void history.back()").await;
    page.comes_true("location.pathname === '/keys/new'").await;
    page.fill("Name", "pressed twice").await;
    page.click("Make the key").await;
    page.comes_true("location.pathname === '/keys'").await;
    assert_eq!(made("pressed twice").await, 1);

    page.without_script().await;
    page.open("/keys/new").await;
    page.fill("Name", "pressed without script").await;
    page.double_click("Make the key").await;
    page.comes_true("location.pathname === '/keys'").await;
    assert_eq!(made("pressed without script").await, 1);
}
