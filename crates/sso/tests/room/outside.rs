//! What other rooms say that a connection must heed: directories, deleted roles, owners
//! behind the glass.

use std::sync::Arc;

use access::Scope;
use base::secret::Secret;
use base::time::Clock as _;
use identity::{NewMember, Provisioned, Sources};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::{Answer, Connected, House, Org};
use crate::idp::{Asked, Idp, Says};
use crate::signing_in::{answered, signs_in};

const IDP: &str = "https://idp.example/metadata";

/// Every org has a directory.
#[derive(Debug)]
struct Directories;

impl Sources for Directories {
    fn provision<'a>(&'a self, _: &'a Scope) -> Provisioned<'a> {
        Box::pin(std::future::ready(Ok(true)))
    }
}

/// Signs in as somebody in these groups.
async fn tries(
    house: &House,
    (connected, idp): (&Connected, &Idp),
    email: &str,
    groups: &[&str],
) -> Answer {
    let says = |says: Says| says.groups(groups);
    signs_in(house, &mut Browser::default(), (connected, idp), says, email).await
}

#[tokio::test]
async fn nobody_new_is_let_in_where_a_directory_provisions_members() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let on = (&connected, &idp);
        let rules = json!([{ "group": "bosses", "role": "org:admin" }]);
        let mapping = json!({ "mapping": { "role": "org:member", "rules": rules } });
        assert_eq!(house.patch(&org.owner.key, &connected, mapping).await.status, 200);
        assert_eq!(tries(&house, on, "ada@acme.example", &[]).await.status, 303);
        house.identity.ask_of_sources(Arc::new(Directories));
        // The switch of the connection is on, as before; the directory decides.
        assert_eq!(tries(&house, on, "new@acme.example", &[]).await.status, 403);
        assert_eq!(house.last_refusal(&org).await, "directory_provisions");
        assert!(house.member(&org, "new@acme.example").await.is_none(), "nobody was made");
        // Whoever is here goes on, and what they may does not follow the provider.
        assert_eq!(tries(&house, on, "ada@acme.example", &["bosses"]).await.status, 303);
        let ada = house.member(&org, "ada@acme.example").await.expect("a member");
        assert_eq!(ada["role"], "org:member");
        assert_eq!(tries(&house, on, &org.viewer.email, &[]).await.status, 303);
        let path = format!("/connections/{}", connected.id);
        let page = house.get(&org.owner.key, &path).await;
        assert!(page.text.contains("A directory provisions members now"), "{}", page.text);
    }
}

#[tokio::test]
async fn a_mapped_role_that_is_gone_lets_nobody_in_by_it_and_the_page_says_so() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let (on, key) = ((&connected, &idp), &org.owner.key);
        let role = json!({ "name": "auditor", "permissions": ["events:read"] });
        assert_eq!(house.post(key, "/api/roles", role).await.status, 201);
        let rules = json!([{ "group": "audit", "role": "auditor" }]);
        let mapping = json!({ "mapping": { "role": "org:member", "rules": rules } });
        assert_eq!(house.patch(key, &connected, mapping).await.status, 200);
        let page = format!("/connections/{}", connected.id);
        assert!(!house.get(key, &page).await.text.contains("any more:"));
        assert_eq!(tries(&house, on, "ada@acme.example", &[]).await.status, 303);
        let gone = house.ask(key, "DELETE", "/api/roles/auditor", Value::Null).await;
        assert_eq!(gone.status, 204, "nobody has it");
        // Neither somebody new nor somebody known comes in with another role in its place.
        for email in ["eve@acme.example", "ada@acme.example"] {
            assert_eq!(tries(&house, on, email, &["audit"]).await.status, 403, "{email}");
            assert_eq!(house.last_refusal(&org).await, "mapping_broken");
        }
        let told = house.events(&org, "sso.sign_in.refused").await.remove(0);
        let why = told["reason"]["detail"].as_str().expect("words");
        assert!(why.contains("`auditor`"), "{why}");
        assert!(house.member(&org, "eve@acme.example").await.is_none());
        let ada = house.member(&org, "ada@acme.example").await.expect("a member");
        assert_eq!(ada["role"], "org:member", "nothing was changed");
        assert_eq!(tries(&house, on, "ada@acme.example", &["others"]).await.status, 303);
        let shown = house.get(key, &page).await.text;
        assert!(shown.contains("any more: <code>auditor</code>"), "{shown}");
    }
}

const PASSWORD: &str = "correct horse battery";

/// An owner who can sign in with a password, and a session of theirs.
async fn owner(house: &House, org: &Org, email: &str) -> (String, String) {
    let new = NewMember {
        email: email.to_owned(),
        name: "Gala".to_owned(),
        role: "org:owner".to_owned(),
        password: Some(Secret::new(PASSWORD.to_owned())),
    };
    let member = house.identity.add_member(&org.operator, &new).await.expect("an owner");
    let id = member.id.to_string();
    let session = house.session(org, &id).await;
    (id, session)
}

/// Connects whoever is signed in with what the provider says of an address.
pub(crate) async fn connects(
    house: &House,
    session: &str,
    (connected, idp): (&Connected, &Idp),
    email: &str,
) -> Answer {
    let begun = house.form(session, &format!("/me/providers/{}", connected.id), "").await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let mut browser = Browser::default();
    browser.keep(&begun);
    let page = browser.get(house, &begun.location()).await;
    let asked = Asked::read(&page.location());
    let says = Says::of(email, connected, Some(&asked), house.clock.now());
    let response = idp.response(&says);
    let form = [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
    answered(house, &mut browser, connected, &form).await
}

#[tokio::test]
async fn an_owner_behind_the_glass_connects_and_still_comes_in_without_the_provider() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let (glass, session) = owner(&house, &org, "glass@acme.example").await;
        owner(&house, &org, "other@acme.example").await;
        let text = "UPDATE identity_member SET break_glass_at = created_at WHERE member_id = $1";
        house.tamper(text, &glass).await;
        let text = "UPDATE identity_org SET sso_enforced_at = created_at WHERE org_id = $1";
        house.tamper(text, org.id.as_str()).await;
        house.team(&org, "Any change lets the org be read again").await;
        // They connect themselves ...
        let end = connects(&house, &session, (&connected, &idp), "glass@acme.example").await;
        assert_eq!(end.location(), "/me/providers", "{}", house.last_refusal(&org).await);
        // ... and come in both ways, where whoever is not behind the glass does not.
        assert_eq!(tries(&house, (&connected, &idp), "glass@acme.example", &[]).await.status, 303);
        let ask = |email: &str| json!({ "org": "acme", "email": email, "password": PASSWORD });
        let body = ask("glass@acme.example");
        let way = house.post("nobody=1", "/api/session", body).await;
        assert!(way.status < 300, "{}", way.text);
        let way = house.post("nobody=1", "/api/session", ask("other@acme.example")).await;
        assert!(way.status >= 400, "{}", way.text);
    }
}

#[tokio::test]
async fn nobody_connects_themselves_with_a_key() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let narrow = json!({ "name": "models", "models": ["small"] });
        let narrow = house.post(&org.owner.key, "/api/keys", narrow).await.json();
        for key in [&org.owner.key, narrow["secret"].as_str().expect("a key")] {
            let path = format!("/me/providers/{}", connected.id);
            let refused = house.form(key, &path, "").await;
            let got = (refused.status, refused.code());
            assert_eq!(got, (403, "session_only".to_owned()), "{}", refused.text);
        }
        assert!(house.events(&org, "sso.connecting.begun").await.is_empty());
    }
}
