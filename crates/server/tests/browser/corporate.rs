//! Corporate sign-in, with identity providers that others wrote.

use serde_json::{Value, json};

use crate::driver::Refused;
use crate::page::Page;
use crate::portico::{Extra, Org, Portico, text};
use crate::tools::Tools;
use crate::vouching::Vouching;

/// The providers are on this machine, and speak plain HTTP.
const OUTBOUND: &str = "[outbound]\nprivate_addresses = true\nplain_http = true\n";
/// What a browser is told whatever was wrong.
const UNIFORM: &str = "You could not be signed in; give your administrator the number of this \
                       request: the record says why";

/// An org whose people come through a provider, and one of them in front of it.
struct Office {
    // Closed before what it looks at.
    page: Page,
    org: Org,
    portico: Portico,
    provider: Vouching,
    /// The connection, as the API shows it.
    connection: Value,
}

impl Office {
    /// With a connection that nobody has tested yet; none where no browser or no Node is.
    /// The browser meets Portico by a name, and the provider by an address: they are
    /// different sites, as they are in life.
    async fn with(script: &str, wanted: impl Fn(&Vouching) -> Value) -> Option<Self> {
        let tools = Tools::find().await?;
        let provider = Vouching::start(script)?;
        let mut portico = Portico::with(Extra { config: OUTBOUND, ..Extra::default() });
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let page = Page::new(tools, &portico.base.replace("127.0.0.1", "localhost")).await;
        let office = Self { page, org, portico, provider, connection: Value::Null };
        let connection = office.ask("POST", "/api/connections", wanted(&office.provider)).await;
        Some(Self { connection, ..office })
    }

    /// As the owner's key does it.
    async fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let body = Some(body).filter(|body| !body.is_null());
        let answer = self.portico.http.ask(method, &self.org.owner, path, body.as_ref()).await;
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text);
        answer.json()
    }

    fn path(&self) -> String {
        format!("/api/connections/{}", text(&self.connection["id"]))
    }

    /// What of our own the provider is told.
    fn ours(&self, name: &str) -> String {
        text(&self.connection["ours"][name])
    }

    /// The path of an address of our own.
    fn own_path(&self, name: &str) -> String {
        let address = self.ours(name);
        let base = self.portico.base.replace("127.0.0.1", "localhost");
        address.strip_prefix(&base).expect("an address of our own").to_owned()
    }

    /// Presses the one button of the provider's page.
    async fn vouched_for(&self) {
        self.page.comes_true(&format!("location.origin === '{}'", self.provider.origin)).await;
        self.page.click("Sign in").await;
    }

    /// The owner tries the connection, sees who came through, and switches it on.
    async fn tested_and_switched_on(&self) {
        let page = &self.page;
        page.sign_in_as("owner").await;
        page.open(&format!("/connections/{}", text(&self.connection["id"]))).await;
        page.click("Test the sign-in").await;
        self.vouched_for().await;
        page.sees("Ada Lovelace").await;
        page.sees("Tested").await;
        page.serves_everybody().await;
        page.click("Switch on").await;
        page.sees("People can sign in through it now.").await;
        page.click("Sign out").await;
        page.sees("You are signed out.").await;
    }

    /// Begins where the provider's own portal links to.
    async fn begins(&self) {
        self.page.open(&self.own_path("start_url")).await;
    }

    async fn is_in(&self) {
        self.page.sees("Good to see you, Ada Lovelace").await;
        self.page.open("/me").await;
        self.page.sees("ada@example.com").await;
    }

    /// Why sign-ins were refused, the last first.
    async fn refusals(&self) -> Vec<String> {
        let events = self.ask("GET", "/api/events?action=sso.sign_in.refused", Value::Null).await;
        let events = events["items"].as_array().expect("events").iter();
        events.map(|event| text(&event["reason"]["code"])).collect()
    }
}

#[tokio::test]
async fn somebody_comes_through_an_openid_provider_whose_keys_change_and_is_out_when_they_leave_it()
{
    let wanted = |provider: &Vouching| {
        json!({ "kind": "oidc", "name": "Acme accounts", "source": provider.ready["issuer"],
                "client_id": "portico", "client_secret": "a secret between the two of them" })
    };
    let Some(office) = Office::with("oidc.mjs", wanted).await else { return };
    let (page, provider) = (&office.page, &office.provider);
    let client = json!({
        "client_id": "portico", "client_secret": "a secret between the two of them",
        "redirect_uris": [office.ours("redirect_uri")],
        "post_logout_redirect_uris": [office.ours("post_logout_redirect_uri")],
        "backchannel_logout_uri": office.ours("backchannel_logout_uri"),
        "backchannel_logout_session_required": true,
    });
    provider.told("client", &client).await;
    let mapping = json!({
        "policy": { "scopes": ["email", "profile", "groups"] },
        "mapping": { "rules": [{ "group": "engineers", "role": "org:viewer" }] },
    });
    office.ask("PATCH", &office.path(), mapping).await;
    office.tested_and_switched_on().await;

    // From our own door, to the page that was wanted. The provider knows them since the test.
    page.open("/patterns").await;
    page.click("Sign in with your organization's identity provider").await;
    page.comes_true("location.pathname === '/sso'").await;
    page.fill("Organization", "acme").await;
    page.serves_everybody().await;
    page.click("Go on").await;
    page.arrives_at("/patterns").await;
    page.open("/me").await;
    page.sees("ada@example.com").await;
    page.sees("Viewer").await;
    page.click("Sign out").await;
    page.comes_true(&format!("location.origin === '{}'", provider.origin)).await;
    page.click("Sign out").await;
    page.sees("You are signed out, here and at your identity provider.").await;

    // What signed before is published no more. Keys are asked for again after ten seconds at
    // the earliest; until then nobody comes through.
    provider.told("rotate", &json!({})).await;
    office.begins().await;
    office.vouched_for().await;
    page.comes_true("!location.href.startsWith('http://127.')").await;
    page.until("coming through with the new key", async || {
        office.begins().await;
        let shown = page.text().await;
        if shown.contains("Good to see you") { Ok(()) } else { Err(Refused(shown)) }
    })
    .await;
    office.is_in().await;
    page.quiet_but_for("status of 403").await;

    let told = provider.told("end-sessions", &json!({})).await;
    assert_eq!(told[0]["ok"], true, "{told}");
    page.open("/me").await;
    page.arrives_at("/sign-in?next=%2Fme").await;
    let refusals = office.refusals().await;
    assert!(refusals.iter().all(|code| code == "key_unknown"), "{refusals:?}");
    page.quiet().await;
}

fn saml(provider: &Vouching) -> Value {
    json!({ "kind": "saml", "name": "Acme accounts", "source": provider.ready["metadata"] })
}

impl Office {
    /// The provider reads our metadata, as its admin would have it do.
    async fn made_known(&self) {
        let metadata = self.portico.http.get("", &self.own_path("metadata_url")).await;
        assert_eq!(metadata.status, 200, "{}", metadata.text);
        self.provider.told("sp", &Value::String(metadata.text)).await;
    }

    async fn comes_and_goes(&self) {
        self.begins().await;
        self.vouched_for().await;
        self.is_in().await;
        self.page.click("Sign out").await;
        self.page.sees("You are signed out, here and at your identity provider.").await;
    }
}

#[tokio::test]
async fn somebody_comes_through_a_saml_provider_in_whatever_way_it_signs_and_encrypts() {
    let Some(office) = Office::with("saml.mjs", saml).await else { return };
    office.made_known().await;
    office.tested_and_switched_on().await;
    for shape in [
        json!({}),
        json!({ "encrypted": true }),
        json!({ "signResponse": true, "signAssertion": false }),
        json!({ "signResponse": true }),
        json!({ "signResponse": true, "encrypted": true }),
        json!({ "checkRequests": true }),
    ] {
        office.provider.answers(shape).await;
        office.comes_and_goes().await;
    }
    assert_eq!(office.refusals().await, Vec::<String>::new());
    office.page.quiet().await;
}

#[tokio::test]
async fn a_saml_provider_changes_its_certificate_while_people_sign_in() {
    let Some(office) = Office::with("saml.mjs", saml).await else { return };
    office.made_known().await;
    office.tested_and_switched_on().await;
    let refresh = format!("{}/refresh", office.path());
    // Two are published: whichever signs is believed.
    office.provider.answers(json!({ "published": 2 })).await;
    let read = office.ask("POST", &refresh, Value::Null).await;
    let published = read["provider"]["certificates_expire_at"].as_array().expect("a list");
    assert_eq!(published.len(), 2, "{read}");
    for certificate in [2, 1] {
        office.provider.answers(json!({ "published": 2, "certificate": certificate })).await;
        office.comes_and_goes().await;
    }
    // One that nobody has published to us is not.
    office.provider.told("rotate", &Value::Null).await;
    office.begins().await;
    office.vouched_for().await;
    office.page.sees(UNIFORM).await;
    office.page.quiet_but_for("status of 403").await;
    office.ask("POST", &refresh, Value::Null).await;
    office.begins().await;
    office.vouched_for().await;
    office.is_in().await;
    assert_eq!(office.refusals().await, ["signature_invalid"]);
    office.page.quiet().await;
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_looks_like_any_other_refusal_and_if_wanted_takes_a_click()
{
    let Some(office) = Office::with("saml.mjs", saml).await else { return };
    let page = &office.page;
    office.made_known().await;
    office.tested_and_switched_on().await;
    let begins_there = async || {
        let url = json!({ "url": office.provider.ready["start"] });
        page.driver.post("url", url).await.expect("the provider's portal");
    };
    begins_there().await;
    page.sees(UNIFORM).await;
    page.serves_everybody().await;
    page.quiet_but_for("status of 403").await;
    assert_eq!(office.refusals().await, ["unsolicited"]);
    page.open("/me").await;
    page.arrives_at("/sign-in?next=%2Fme").await;

    office.ask("PATCH", &office.path(), json!({ "policy": { "idp_initiated": true } })).await;
    begins_there().await;
    page.sees("You come from Acme accounts as ada@example.com, without having begun here.").await;
    page.serves_everybody().await;
    page.click("Sign in as ada@example.com").await;
    office.is_in().await;
    page.quiet().await;
}
