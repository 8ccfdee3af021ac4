//! Signing in through a SAML provider.

use jiff::SignedDuration;
use serde_json::{Value, json};

use base::time::Clock as _;

use crate::browser::Browser;
use crate::house::{Answer, Connected, House, Org};
use crate::idp::{Asked, Idp, Says};

const IDP: &str = "https://idp.example/metadata";

/// Begins in a browser, and gives what the provider is asked.
pub(crate) async fn begun(house: &House, browser: &mut Browser, connected: &Connected) -> Asked {
    let path = format!("/sso/{}/start?next=/patterns", connected.handle);
    let answer = browser.get(house, &path).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let to = answer.location();
    assert!(to.starts_with("https://idp.example/sso?"), "{to}");
    Asked::read(&to)
}

/// The provider's answer arrives, and the browser follows to the end.
pub(crate) async fn answered(
    house: &House,
    browser: &mut Browser,
    connected: &Connected,
    form: &[(&str, &str)],
) -> Answer {
    let signed_in = browser.has_session();
    let posted = browser.post_from_elsewhere(house, &connected.acs, form).await;
    if posted.status != 303 {
        return posted;
    }
    let to = posted.location();
    assert_eq!(browser.has_session(), signed_in, "a post from elsewhere signs nobody in");
    browser.get(house, &to).await
}

/// Begins, is answered as the provider says, and follows to the end.
pub(crate) async fn signs_in(
    house: &House,
    browser: &mut Browser,
    (connected, idp): (&Connected, &Idp),
    says: impl FnOnce(Says) -> Says,
    email: &str,
) -> Answer {
    let asked = begun(house, browser, connected).await;
    let says = says(Says::of(email, connected, Some(&asked), house.clock.now()));
    let response = idp.response(&says);
    let form = [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
    answered(house, browser, connected, &form).await
}

async fn setting() -> Vec<(House, Org, Idp, Connected)> {
    let mut all = Vec::new();
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        all.push((house, org, idp, connected));
    }
    all
}

#[tokio::test]
async fn somebody_new_becomes_a_member_by_what_their_groups_mean() {
    for (house, org, idp, connected) in setting().await {
        let team = house.team(&org, "Research").await;
        let rules = json!([
            { "group": "admins", "role": "org:admin" },
            { "group": "scientists", "role": "org:viewer", "teams": [team] },
        ]);
        let mapping = json!({ "mapping": { "role": "org:member", "rules": rules } });
        let patched = house.patch(&org.owner.key, &connected, mapping).await;
        assert_eq!(patched.status, 200, "{}", patched.text);
        let mut browser = Browser::default();
        let on = (&connected, &idp);
        let science = |says: Says| says.groups(&["scientists", "others"]);
        let end = signs_in(&house, &mut browser, on, science, "ada@acme.example").await;
        assert_eq!((end.status, end.location().as_str()), (303, "/patterns"), "{}", end.text);
        assert!(browser.has_session());
        let me = browser.get(&house, "/api/session").await.json();
        assert_eq!(me["member"]["email"], "ada@acme.example");
        assert_eq!(me["member"]["role"], "org:viewer");
        assert_eq!(me["teams"], json!([team]));
        let arrived = house.events(&org, "sso.member.arrived").await;
        assert_eq!(arrived.len(), 1);
        assert_eq!(arrived[0]["changes"]["role"]["to"], "org:viewer");
        assert!(!arrived[0].to_string().contains("ada@"), "no address in an event");
        let started = house.events(&org, "identity.session.started").await;
        assert_eq!(started[0]["reason"]["method"], "saml");
        // Groups are followed: at the next sign-in another role, and no such team.
        let end = signs_in(&house, &mut browser, on, |says| says, "ada@acme.example").await;
        assert_eq!(end.status, 303, "{}", end.text);
        let me = browser.get(&house, "/api/session").await.json();
        assert_eq!((&me["member"]["role"], &me["teams"]), (&json!("org:member"), &json!([])));
        assert_eq!(house.events(&org, "sso.member.changed").await.len(), 1);
        // And once nothing differs, nothing is changed.
        signs_in(&house, &mut browser, on, |says| says, "ada@acme.example").await;
        assert_eq!(house.events(&org, "sso.member.changed").await.len(), 1);
    }
}

#[tokio::test]
async fn a_response_is_accepted_once() {
    for (house, org, idp, connected) in setting().await {
        let mut browser = Browser::default();
        let asked = begun(&house, &mut browser, &connected).await;
        let says = Says::of("ada@acme.example", &connected, Some(&asked), house.clock.now());
        let response = idp.response(&says);
        let form =
            [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
        let posted = browser.post_from_elsewhere(&house, &connected.acs, &form).await;
        let ticket = posted.location();
        assert_eq!(browser.get(&house, &ticket).await.status, 303);
        // The ticket, the response, and the assertion on another way.
        assert_eq!(browser.get(&house, &ticket).await.status, 403);
        assert_eq!(house.last_refusal(&org).await, "unsolicited");
        let again = answered(&house, &mut browser, &connected, &form).await;
        assert_eq!(again.status, 403, "{}", again.text);
        assert_eq!(house.last_refusal(&org).await, "unsolicited");
        let later = begun(&house, &mut browser, &connected).await;
        let form =
            [("SAMLResponse", response.as_str()), ("RelayState", later.relay_state.as_str())];
        assert_eq!(answered(&house, &mut browser, &connected, &form).await.status, 403);
        assert_eq!(house.last_refusal(&org).await, "in_response_to_wrong");
        // The very assertion in an answer to a later request, which only its provider can make.
        let same = Says { in_response_to: Some(later.id.clone()), ..says };
        let response = idp.response(&same);
        let form =
            [("SAMLResponse", response.as_str()), ("RelayState", later.relay_state.as_str())];
        assert_eq!(answered(&house, &mut browser, &connected, &form).await.status, 403);
        assert_eq!(house.last_refusal(&org).await, "replayed");
    }
}

#[tokio::test]
async fn a_response_in_another_browser_signs_nobody_in() {
    for (house, org, idp, connected) in setting().await {
        let (mut mallory, mut victim) = (Browser::default(), Browser::default());
        let asked = begun(&house, &mut mallory, &connected).await;
        begun(&house, &mut victim, &connected).await;
        let says = Says::of("mallory@acme.example", &connected, Some(&asked), house.clock.now());
        let response = idp.response(&says);
        let form =
            [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
        let posted = victim.post_from_elsewhere(&house, &connected.acs, &form).await;
        let ticket = posted.location();
        let end = victim.get(&house, &ticket).await;
        assert_eq!((end.status, victim.has_session()), (403, false));
        assert_eq!(house.last_refusal(&org).await, "other_browser");
        let nobody = Browser::default().get(&house, &ticket).await;
        assert_eq!(nobody.status, 403);
        // It is still good where it was begun, and nowhere else.
        assert_eq!(mallory.get(&house, &ticket).await.status, 303);
        assert!(mallory.has_session());
    }
}

#[tokio::test]
async fn a_response_for_one_org_opens_no_other() {
    for house in House::on_each_engine().await {
        let (acme, globex) = (house.org("acme").await, house.org("globex").await);
        // The same provider in both; and one of acme's own.
        let (both, own) = (Idp::new(IDP), Idp::new("https://acme-idp.example"));
        let at_acme = house.connected(&acme, &both).await;
        let at_globex = house.connected(&globex, &both).await;
        let second = house.connected(&acme, &own).await;
        assert_ne!(at_acme.entity, at_globex.entity);
        let mut browser = Browser::default();
        let asked = begun(&house, &mut browser, &at_globex).await;
        for (idp, made_for) in [(&both, &at_acme), (&own, &at_globex), (&own, &second)] {
            let says = Says::of("ada@x.example", made_for, Some(&asked), house.clock.now());
            let response = idp.response(&says);
            let form =
                [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
            let end = answered(&house, &mut browser, &at_globex, &form).await;
            assert_eq!((end.status, browser.has_session()), (403, false), "{}", made_for.handle);
        }
        // A flow of one connection is none at another.
        let asked = begun(&house, &mut browser, &at_acme).await;
        let says = Says::of("ada@x.example", &at_globex, Some(&asked), house.clock.now());
        let response = both.response(&says);
        let form =
            [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
        assert_eq!(answered(&house, &mut browser, &at_globex, &form).await.status, 403);
        assert!(house.member(&globex, "ada@x.example").await.is_none());
        // Each org's people are its own.
        for (org, connected) in [(&acme, &at_acme), (&globex, &at_globex)] {
            let mut browser = Browser::default();
            let on = (connected, &both);
            signs_in(&house, &mut browser, on, |says| says, "ada@x.example").await;
            let who = browser.get(&house, "/api/session").await.json();
            assert_eq!(who["org"]["slug"], org.slug.as_str());
        }
    }
}

#[tokio::test]
async fn every_refusal_looks_the_same_and_the_record_says_why() {
    for (house, org, idp, connected) in setting().await {
        let forger = Idp::new(IDP);
        let unsigned = |says: &Says| {
            use base64::Engine as _;
            let xml = idp.xml(says);
            let (before, rest) = xml.split_once("<ds:Signature ").expect("signed");
            let (_, after) = rest.split_once("</ds:Signature>").expect("signed");
            base64::engine::general_purpose::STANDARD.encode(format!("{before}{after}"))
        };
        let mut told = Vec::new();
        let mut codes = Vec::new();
        for case in 0..5 {
            let mut browser = Browser::default();
            let asked = begun(&house, &mut browser, &connected).await;
            let says = Says::of("ada@acme.example", &connected, Some(&asked), house.clock.now());
            let old = Says { at: says.at - SignedDuration::from_hours(2), ..says.clone() };
            let nobody =
                Says { email: "none".to_owned(), name_id: "g-1".to_owned(), ..says.clone() };
            let response = match case {
                0 => forger.response(&says),
                1 => unsigned(&says),
                2 => idp.response(&old),
                3 => idp.response(&nobody),
                _ => "bm90IHhtbA==".to_owned(),
            };
            let form =
                [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
            let end = answered(&house, &mut browser, &connected, &form).await;
            assert!(!browser.has_session(), "{case}");
            told.push((end.status, end.text));
            codes.push(house.last_refusal(&org).await);
        }
        told.dedup();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, 403);
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 5, "{codes:?}");
        let events = house.events(&org, "sso.sign_in.refused").await;
        assert_eq!(events.len(), 5);
        for event in events {
            assert_eq!(event["resourceId"], connected.id.as_str());
            assert_eq!(event["outcome"], "denied");
            assert!(!event.to_string().contains('@'), "{event}");
        }
        // A connection that is not there looks the same too, and so does nonsense.
        let other = connected.handle.replace("eu_", "us_");
        for handle in [other.as_str(), "x", &connected.handle[..connected.handle.len() - 1]] {
            let path = format!("/sso/{handle}/start");
            let answer = Browser::default().get(&house, &path).await;
            assert_eq!((answer.status, &answer.text), (403, &told[0].1), "{handle}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_is_over() {
    for (house, org, idp, connected) in setting().await {
        let mut browser = Browser::default();
        let asked = begun(&house, &mut browser, &connected).await;
        house.clock.advance(SignedDuration::from_secs(601));
        let says = Says::of("ada@acme.example", &connected, Some(&asked), house.clock.now());
        let response = idp.response(&says);
        let form =
            [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
        assert_eq!(answered(&house, &mut browser, &connected, &form).await.status, 403);
        assert_eq!(house.last_refusal(&org).await, "unsolicited");
    }
}

#[tokio::test]
async fn a_connection_that_is_off_lets_nobody_in() {
    for (house, org, idp, connected) in setting().await {
        let mut browser = Browser::default();
        let asked = begun(&house, &mut browser, &connected).await;
        let says = Says::of("ada@acme.example", &connected, Some(&asked), house.clock.now());
        let response = idp.response(&says);
        let form =
            [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
        // Off between the response and the end of the sign-in, and off before.
        let ticket = browser.post_from_elsewhere(&house, &connected.acs, &form).await.location();
        let off = format!("/api/connections/{}/deactivate", connected.id);
        let answer = house.ask(&org.owner.key, "POST", &off, Value::Null).await;
        assert_eq!(answer.json()["state"], "off", "{}", answer.text);
        assert_eq!(browser.get(&house, &ticket).await.status, 403);
        assert_eq!(house.last_refusal(&org).await, "connection_not_active");
        let start = format!("/sso/{}/start", connected.handle);
        assert_eq!(browser.get(&house, &start).await.status, 403);
        assert!(!browser.has_session());
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_needs_the_switch_and_a_click() {
    for (house, org, idp, connected) in setting().await {
        let unasked =
            || idp.response(&Says::of("ada@acme.example", &connected, None, house.clock.now()));
        let mut browser = Browser::default();
        let response = unasked();
        let form = [("SAMLResponse", response.as_str()), ("RelayState", "https://evil.example")];
        assert_eq!(answered(&house, &mut browser, &connected, &form).await.status, 403);
        let on = json!({ "policy": { "idp_initiated": true } });
        assert_eq!(house.patch(&org.owner.key, &connected, on).await.status, 200);
        let page = answered(&house, &mut browser, &connected, &form).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains("Sign in as ada@acme.example"), "{}", page.text);
        assert!(!browser.has_session());
        let ticket = crate::idp::attribute(
            page.text.split_once("name=\"ticket\"").expect("a field").1,
            "value",
        );
        let path = format!("/sso/{}/continue", connected.handle);
        let elsewhere = Browser::default().post(&house, &path, &[("ticket", &ticket)]).await;
        assert_eq!(elsewhere.status, 403);
        let end = browser.post(&house, &path, &[("ticket", &ticket)]).await;
        // What the relay state says is nobody's to say.
        assert_eq!((end.status, end.location().as_str()), (303, "/"));
        assert!(browser.has_session());
        // Once.
        assert_eq!(answered(&house, &mut browser, &connected, &form).await.status, 403);
        assert_eq!(house.last_refusal(&org).await, "replayed");
        // An answer to somebody else's request is not one that nobody asked for.
        let asked = begun(&house, &mut Browser::default(), &connected).await;
        let says = Says::of("ada@acme.example", &connected, Some(&asked), house.clock.now());
        let response = idp.response(&says);
        let form = [("SAMLResponse", response.as_str())];
        assert_eq!(answered(&house, &mut browser, &connected, &form).await.status, 403);
    }
}

#[tokio::test]
async fn a_second_factor_that_the_provider_names_counts_here() {
    for (house, _, idp, connected) in setting().await {
        for (context, counts) in [
            ("https://refeds.org/profile/mfa", true),
            ("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", false),
        ] {
            let mut browser = Browser::default();
            let factor = |says: Says| Says { context, ..says };
            let on = (&connected, &idp);
            signs_in(&house, &mut browser, on, factor, "ada@acme.example").await;
            let sessions = browser.get(&house, "/api/sessions").await.json();
            let current = sessions["items"].as_array().expect("sessions").iter();
            let current = current.into_iter().find(|session| session["current"] == true);
            let current = current.expect("this one");
            assert_eq!(current["factor_at"].is_string(), counts, "{context}");
        }
    }
}

#[tokio::test]
async fn a_large_or_broken_form_costs_little_and_a_stubborn_network_waits() {
    for (house, _, _, connected) in setting().await {
        let large = "A".repeat(500 << 10);
        let mut browser = Browser::default();
        let form = [("SAMLResponse", large.as_str())];
        let answer = browser.post_from_elsewhere(&house, &connected.acs, &form).await;
        assert_eq!(answer.status, 413);
        let form = [("SAMLResponse", "x"), ("SAMLResponse", "y")];
        let answer = browser.post_from_elsewhere(&house, &connected.acs, &form).await;
        assert_eq!(answer.status, 400);
        for _ in 0..20 {
            let form = [("SAMLResponse", "x")];
            let answer = browser.post_from_elsewhere(&house, &connected.acs, &form).await;
            assert_eq!(answer.status, 403);
        }
        let answer =
            browser.post_from_elsewhere(&house, &connected.acs, &[("SAMLResponse", "x")]).await;
        assert_eq!(answer.status, 429);
        assert!(answer.headers.contains_key("retry-after"));
    }
}
