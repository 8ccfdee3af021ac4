//! Single logout, both ways.

use federation::saml::{
    Binding, Delivery, IdentityProvider, Incoming, LogoutOutcome, LogoutSubject, Policy,
    ServiceProvider, Status,
};

use crate::toolbox::{Logout, NAME, NOW, SLO, World, at};

fn subject() -> LogoutSubject {
    LogoutSubject {
        name_id: NAME.to_owned(),
        name_id_format: None,
        name_qualifier: Some("a \"b\"".to_owned()),
        sp_name_qualifier: None,
        session_index: Some("_<session>".to_owned()),
    }
}

/// Two of our own, each of which takes the other for its identity provider.
fn mirrored(world: &World) -> (ServiceProvider, IdentityProvider) {
    let key = world.sp.keys[0].certificate().clone();
    let mut provider = world.provider.clone();
    provider.entity_id.clone_from(&world.sp.entity_id);
    provider.certificates = vec![key];
    provider.slo_redirect = Some(SLO.to_owned());
    provider.slo_post = Some(SLO.to_owned());
    (world.sp.clone(), provider)
}

#[test]
fn what_we_send_about_logout_is_signed_and_understood_over_both_bindings() {
    let world = World::new();
    let policy = Policy::default();
    let (sp, provider) = mirrored(&world);
    for binding in [Binding::Redirect, Binding::Post] {
        let state = Some("a state & more");
        let asked = sp
            .logout_request(&provider, &policy, &subject(), binding, state, at(NOW))
            .expect("a request");
        let request = incoming(&asked.by, |incoming, relay| {
            sp.verify_logout_request(&provider, &policy, &incoming, relay, at(NOW))
        })
        .expect("understood");
        assert_eq!((request.id.as_str(), request.name_id.as_str()), (asked.id.as_str(), NAME));
        assert_eq!(request.session_indexes, ["_<session>"]);
        assert_eq!(request.relay_state.as_deref(), state);
        for (success, outcome) in
            [(true, LogoutOutcome::Everywhere), (false, LogoutOutcome::Refused(Status::Responder))]
        {
            let answer = sp
                .logout_response(&provider, &policy, &request.id, success, binding, state, at(NOW))
                .expect("an answer");
            let found = incoming(&answer.by, |incoming, _| {
                sp.verify_logout_response(&provider, &policy, &incoming, &asked.id, at(NOW))
            });
            assert_eq!(found, Ok(outcome));
        }
    }
}

fn incoming<T>(by: &Delivery, then: impl FnOnce(Incoming<'_>, Option<&str>) -> T) -> T {
    match by {
        Delivery::Redirect { url } => {
            let (_, query) = url.split_once('?').expect("a query");
            then(Incoming::Redirect { query }, None)
        }
        Delivery::Post { fields, .. } => {
            let state = fields.get(1).map(|(_, state)| state.as_str());
            then(Incoming::Post { message: fields[0].1.as_bytes() }, state)
        }
    }
}

#[test]
fn a_partial_logout_is_told_as_one() {
    let world = World::new();
    let inner = "status:Success\"><samlp:StatusCode \
                 Value=\"urn:oasis:names:tc:SAML:2.0:status:PartialLogout\"></samlp:StatusCode>";
    let message = Logout::response().with("status:Success\">", inner).signed(&world.idp).posted();
    let incoming = Incoming::Post { message: &message };
    let found = world.sp.verify_logout_response(
        &world.provider,
        &Policy::default(),
        &incoming,
        "_request",
        at(NOW),
    );
    assert_eq!(found, Ok(LogoutOutcome::Partial));
}
