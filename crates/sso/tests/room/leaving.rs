//! Signing out, at either end.

use base::time::{At, Clock as _};
use jiff::SignedDuration;

use crate::browser::{Browser, field};
use crate::house::{Connected, House};
use crate::idp::{Asked, Idp, Says, attribute};
use crate::signing_in::signs_in;

const IDP: &str = "https://idp.example/metadata";

fn logout_request(
    house: &House,
    connected: &Connected,
    name: &str,
    session: Option<&str>,
) -> String {
    let session = session.map(|index| format!("<samlp:SessionIndex>{index}</samlp:SessionIndex>"));
    let unique: u128 = u128::from_be_bytes(base::seal::random().expect("randomness"));
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         Destination=\"{}\" ID=\"_{unique:032x}\" IssueInstant=\"{}\" Version=\"2.0\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>\
         <saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{name}</saml:NameID>{}\
         </samlp:LogoutRequest>",
        slo(connected),
        house.clock.now(),
        session.unwrap_or_default(),
    )
}

fn slo(connected: &Connected) -> String {
    format!("{}/slo", connected.entity)
}

#[tokio::test]
async fn signing_out_here_signs_out_there_and_the_other_way_round() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let on = (&connected, &idp);
        let (ada, eve) = ("ada@acme.example", "eve@acme.example");
        // Here, then there.
        let mut browser = Browser::default();
        signs_in(&house, &mut browser, on, |says| says, ada).await;
        let page = browser.post(&house, "/sso/out", &[]).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let to = page.location();
        assert!(to.starts_with("https://idp.example/slo?SAMLRequest="), "{to}");
        assert!(!browser.has_session());
        let asked = Asked::read(&to);
        assert!(asked.xml.contains(&format!("name-of-{ada}")) && to.contains("&Signature="));
        let answer = format!(
            "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             Destination=\"{}\" ID=\"_answer\" InResponseTo=\"{}\" IssueInstant=\"{}\" \
             Version=\"2.0\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
             {IDP}</saml:Issuer><samlp:Status><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>\
             </samlp:Status></samlp:LogoutResponse>",
            slo(&connected),
            asked.id,
            house.clock.now(),
        );
        let forger = Idp::new(IDP);
        for (idp, status) in [(&forger, 403), (&idp, 303), (&idp, 403)] {
            let query = idp.redirect("SAMLResponse", &answer, Some(&asked.relay_state));
            let back = browser.get(&house, &format!("/sso/{}/slo?{query}", connected.handle)).await;
            assert_eq!(back.status, status, "{}", back.text);
        }
        // There, then here: the one session, and nobody else's.
        let mut browsers = [Browser::default(), Browser::default(), Browser::default()];
        for (browser, (who, session)) in
            browsers.iter_mut().zip([(ada, "one"), (ada, "two"), (eve, "one")])
        {
            let of = |says: crate::idp::Says| crate::idp::Says { session: session.into(), ..says };
            signs_in(&house, browser, on, of, who).await;
        }
        let request = logout_request(&house, &connected, &format!("name-of-{ada}"), Some("one"));
        let path = |query: &str| format!("/sso/{}/slo?{query}", connected.handle);
        let mut provider = Browser::default();
        let query = forger.redirect("SAMLRequest", &request, Some("theirs"));
        assert_eq!(provider.get(&house, &path(&query)).await.status, 403);
        let query = idp.redirect("SAMLRequest", &request, Some("theirs"));
        let back = provider.get(&house, &path(&query)).await.location();
        assert!(back.starts_with("https://idp.example/slo?SAMLResponse="), "{back}");
        assert_eq!(field(&back, "RelayState"), "theirs");
        assert!(back.contains("&Signature="));
        assert_eq!(provider.get(&house, &path(&query)).await.status, 403, "it is taken once");
        let mut statuses = Vec::new();
        for browser in &mut browsers {
            statuses.push(browser.get(&house, "/api/session").await.status);
        }
        assert_eq!(statuses, [401, 200, 200]);
        // All of somebody.
        let request = logout_request(&house, &connected, &format!("name-of-{ada}"), None);
        assert!(!attribute(&request, "ID").is_empty());
        provider.get(&house, &path(&idp.redirect("SAMLRequest", &request, None))).await;
        let mut statuses = Vec::new();
        for browser in &mut browsers {
            statuses.push(browser.get(&house, "/api/session").await.status);
        }
        assert_eq!(statuses, [401, 401, 200]);
        assert!(house.events(&org, "sso.logout.refused").await.len() >= 3);
    }
}

#[tokio::test]
async fn a_session_ends_when_the_provider_says_and_no_later_than_the_organization_does() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let lasts = async |session_ends: Option<SignedDuration>| {
            let (mut browser, now) = (Browser::default(), house.clock.now());
            let session_ends = session_ends.map(|after| now + after);
            let until = |says: Says| Says { session_ends, ..says };
            let end =
                signs_in(&house, &mut browser, (&connected, &idp), until, "ada@acme.example").await;
            assert_eq!(end.status, 303, "{}", end.text);
            let sessions = browser.get(&house, "/api/sessions").await.json();
            let mut all = sessions["items"].as_array().expect("sessions").iter();
            let own = all.find(|one| one["current"] == true).expect("this one");
            let ends: At = own["expires_at"].as_str().expect("a time").parse().expect("a time");
            (ends.duration_since(now), browser)
        };
        let (ours, _) = lasts(None).await;
        assert_eq!(lasts(Some(ours * 2)).await.0, ours);
        let hour = SignedDuration::from_hours(1);
        let (left, mut browser) = lasts(Some(hour)).await;
        assert_eq!(left, hour);
        house.clock.advance(hour - SignedDuration::from_secs(1));
        assert_eq!(browser.get(&house, "/api/session").await.status, 200);
        house.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(browser.get(&house, "/api/session").await.status, 401);
    }
}
