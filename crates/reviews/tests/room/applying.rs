//! Signing off, and what comes of it.

use std::time::{Duration, Instant};

use access::Permission;
use base::args;
use base::db::Statement;
use identity::{Factors, MemberPatch, MemberState, NewGrant, NewRole, SettingsPatch};
use serde_json::{Value, json};

use crate::bench::House;

#[tokio::test]
async fn sign_off_needs_every_decision_and_a_second_factor() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&ada, "everything", 1).await;
        let sign = format!("{review}/sign-off");
        let early = house.post(&ada, &sign, Value::Null).await;
        assert_eq!((early.status, early.code().as_str()), (409, "undecided"));
        assert_eq!(early.json()["undecided"], 7);
        house.keep_the_rest(&ada, &bob, &review).await;
        // A factor that was shown too long ago is asked for again.
        let required =
            SettingsPatch { factors: Some(Factors::Required), ..SettingsPatch::default() };
        house.identity.change_settings(&acme.system, &required).await.expect("set");
        house.clock.advance(jiff::SignedDuration::from_mins(16));
        let stale = house.post(&ada, &sign, Value::Null).await;
        assert_eq!((stale.status, stale.code().as_str()), (403, "factor_required"));
        let ada = house.sign_in(acme, &acme.ada).await;
        assert_eq!(house.post(&ada, &sign, Value::Null).await.status, 202);
        let closed = house.closed(&ada, &review).await;
        assert_eq!(closed["progress"]["keep"], 7);
        let events = house.events(acme).await;
        let taken = events.iter().any(|event| event["reason"]["review"].is_string());
        assert!(!taken, "what is kept is left alone");
    }
}

#[tokio::test]
async fn sign_off_applies_exactly_what_was_decided() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&ada, "everything", 1).await;
        let place = async |kind: &str, id: &str| house.place(&ada, &review, kind, id).await;
        for (decision, role, kind, id) in [
            ("revoke", None, "key", acme.key.as_str()),
            ("revoke", None, "grant", acme.grant.as_str()),
            ("revoke", None, "membership", acme.team.as_str()),
            ("change", Some("org:viewer"), "member", acme.eve.as_str()),
            ("change", Some("org:viewer"), "service", acme.bot.as_str()),
            ("change", Some("org:member"), "member", acme.bob.as_str()),
        ] {
            let items = [place(kind, id).await];
            let body =
                json!({ "decision": decision, "role": role, "reason": "too much", "items": items });
            house.decided(&ada, &review, body).await;
        }
        house.keep_the_rest(&ada, &bob, &review).await;
        let before = house.events(acme).await.len();
        assert_eq!(house.post(&ada, &format!("{review}/sign-off"), Value::Null).await.status, 202);
        let closed = house.closed(&ada, &review).await;
        assert_eq!(closed["progress"]["applied"], 6, "{closed}");
        assert_eq!(closed["progress"]["keep"], 1);

        let eve = house.identity.member(&acme.system, &acme.eve).await.expect("there");
        assert_eq!((eve.role.as_str(), eve.state), ("org:viewer", MemberState::Active));
        let key = house.identity.key(&acme.system, &acme.key.parse().expect("an id")).await;
        assert!(key.expect("known").revoked_at.is_some());
        let grants = house.identity.grants(&acme.system, None, None, None).await.expect("reads");
        assert!(grants.items.is_empty());
        let teams = house.identity.teams(&acme.system, None, None).await.expect("reads");
        assert!(teams.items[0].members.is_empty());
        let owner = house.identity.member(&acme.system, &acme.ada).await.expect("there");
        assert_eq!(owner.role, "org:owner", "what is kept is left alone");

        // Each by its own event, which says by which review and what for.
        let events = house.events(acme).await;
        let done: Vec<_> = events[before..].iter().map(|event| event["action"].clone()).collect();
        assert_eq!(done.len(), 8, "{done:?}");
        assert_eq!(
            (&done[0], &done[7]),
            (&json!("reviews.campaign.signed"), &json!("reviews.campaign.closed"))
        );
        for item in house.items(&ada, &review).await {
            let Some(result) = item["result"].as_str() else { continue };
            assert_eq!(result, "applied");
            let place =
                usize::try_from(item["result_event"].as_i64().expect("noted")).expect("fits");
            let event = &events[place];
            assert_eq!(event["reason"]["item"], item["position"], "{event}");
            assert_eq!(event["reason"]["detail"], "too much");
            assert_eq!(event["userId"], acme.ada.as_str());
            let resource = if item["kind"] == "membership" {
                &acme.team
            } else {
                item["id"].as_str().expect("id")
            };
            assert_eq!(event["resourceId"], *resource);
        }
    }
}

#[tokio::test]
async fn the_last_owner_survives_and_the_evidence_says_so() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        // Somebody who may everything without being the owner.
        let role =
            identity::NewRole { name: "chief".to_owned(), permissions: vec!["*".to_owned()] };
        house.identity.add_role(&acme.system, &role).await.expect("a role");
        let patch = MemberPatch { role: Some("chief".to_owned()), ..MemberPatch::default() };
        house.identity.change_member(&acme.system, &acme.bob, &patch).await.expect("changed");
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&bob, "everything", 1).await;
        let owner = house.place(&bob, &review, "member", acme.ada.as_str()).await;
        let key = house.place(&bob, &review, "key", &acme.key).await;
        let revoke = json!({ "decision": "revoke", "reason": "all of it", "items": [owner, key] });
        house.decided(&bob, &review, revoke).await;
        house.keep_the_rest(&ada, &bob, &review).await;
        // The key goes before the review gets to it.
        let id = acme.key.parse().expect("an id");
        house.identity.revoke_key(&acme.system, &id).await.expect("revoked");
        assert_eq!(house.post(&bob, &format!("{review}/sign-off"), Value::Null).await.status, 202);
        let closed = house.closed(&bob, &review).await;
        assert_eq!(closed["progress"]["refused"], 1);
        assert_eq!(closed["progress"]["gone"], 1);
        assert_eq!(closed["progress"]["applied"], 0);
        let owner = house.identity.member(&acme.system, &acme.ada).await.expect("there");
        assert_eq!((owner.role.as_str(), owner.state), ("org:owner", MemberState::Active));
        let refused = house.get(&bob, &format!("{review}/items?result=refused")).await.json();
        let item = &refused["items"][0];
        assert!(item["result_detail"].as_str().expect("why").starts_with("last_owner: "), "{item}");
        let events = house.events(acme).await;
        let place = usize::try_from(item["result_event"].as_i64().expect("noted")).expect("fits");
        assert_eq!(events[place]["action"], "reviews.item.not_applied");
        assert_eq!(events[place]["reason"]["code"], "last_owner");
    }
}

#[tokio::test]
async fn nobody_signs_what_takes_from_them() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&ada, "everything", 1).await;
        let own = house.place(&ada, &review, "member", acme.bob.as_str()).await;
        let revoke = json!({ "decision": "revoke", "reason": "has left", "items": [own] });
        house.decided(&ada, &review, revoke).await;
        house.keep_the_rest(&ada, &bob, &review).await;
        let sign = format!("{review}/sign-off");
        let refused = house.post(&bob, &sign, Value::Null).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "about_signer"));
        assert_eq!(house.post(&ada, &sign, Value::Null).await.status, 202);
        house.closed(&ada, &review).await;
        let bob = house.identity.member(&acme.system, &acme.bob).await.expect("there");
        assert_eq!(bob.state, MemberState::Suspended);
    }
}

#[tokio::test]
async fn where_two_sign_they_are_two_people() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&ada, "everything", 2).await;
        let key = house.place(&ada, &review, "key", &acme.key).await;
        let revoke = json!({ "decision": "revoke", "reason": "unused", "items": [key] });
        house.decided(&ada, &review, revoke.clone()).await;
        house.keep_the_rest(&ada, &bob, &review).await;
        let sign = format!("{review}/sign-off");
        let signed = house.post(&ada, &sign, Value::Null).await;
        assert_eq!((signed.status, &signed.json()["state"]), (202, &json!("signed")));
        assert_eq!(house.post(&ada, &sign, Value::Null).await.code(), "same_signer");
        let decide = house.post(&ada, &format!("{review}/decisions"), revoke.clone()).await;
        assert_eq!((decide.status, decide.code().as_str()), (409, "not_now"));
        // The other one disagrees, and it is decided anew.
        assert_eq!(house.post(&bob, &format!("{review}/reopen"), Value::Null).await.status, 200);
        house.decided(&bob, &review, revoke).await;
        assert_eq!(house.post(&bob, &sign, Value::Null).await.json()["state"], "signed");
        let key = house.identity.key(&acme.system, &acme.key.parse().expect("an id")).await;
        assert!(key.expect("known").revoked_at.is_none(), "one signature takes nothing");
        assert_eq!(house.post(&ada, &sign, Value::Null).await.status, 202);
        let closed = house.closed(&ada, &review).await;
        assert_eq!(
            (&closed["signed_by"], &closed["seconded_by"]),
            (&json!(acme.bob), &json!(acme.ada))
        );
        assert_eq!(closed["progress"]["applied"], 1);
    }
}

#[tokio::test]
async fn a_campaign_that_was_cut_off_goes_on_where_it_stopped() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&ada, "everything", 1).await;
        let (key, grant) = (
            house.place(&ada, &review, "key", &acme.key).await,
            house.place(&ada, &review, "grant", &acme.grant).await,
        );
        let revoke = json!({ "decision": "revoke", "reason": "unused", "items": [key, grant] });
        house.decided(&ada, &review, revoke).await;
        house.keep_the_rest(&ada, &bob, &review).await;
        assert_eq!(house.post(&ada, &format!("{review}/sign-off"), Value::Null).await.status, 202);
        house.closed(&ada, &review).await;
        // As after a crash between two items: one has its note, the other was never begun.
        let id = review.rsplit('/').next().expect("an id");
        let scope = acme.system.require(Permission::UsersReview).expect("may");
        let mut change = audit::Change::begin(&house.record, &scope).await.expect("begins");
        for cut in [
            "UPDATE reviews_campaign SET state = 'applying', ended_at = NULL WHERE org_id = $1 AND campaign_id = $2",
            "UPDATE reviews_item SET result = NULL WHERE org_id = $1 AND campaign_id = $2 AND kind = 'grant'",
        ] {
            change.run(Statement::new("cut off", cut), args![id]).await.expect("cut off");
        }
        let event = audit::Event::done("reviews.campaign.closed", "review", id);
        change.commit(event).await.expect("commits");
        let before = house.events(acme).await.len();
        let caller = house.who(&ada).await;
        let room = house.restarted();
        room.sign_off(&caller, &id.parse().expect("an id")).await.expect("goes on");
        house.closed(&ada, &review).await;
        let events = house.events(acme).await;
        let done: Vec<_> = events[before..].iter().map(|event| event["action"].clone()).collect();
        assert_eq!(
            done,
            ["reviews.item.not_applied", "reviews.campaign.closed"],
            "the key is left alone"
        );
        let items = house.get(&ada, &format!("{review}/items?result=gone")).await.json();
        assert_eq!(items["items"][0]["kind"], "grant");
    }
}

#[tokio::test]
async fn what_takes_something_from_the_signer_leaves_the_rest_for_another_sign_off() {
    for house in House::on_each_engine().await {
        let (acme, identity) = (&house.acme, &house.identity);
        let team = acme.team.parse().expect("an id");
        identity.add_to_team(&acme.system, &team, &acme.bob).await.expect("joined");
        // The signer has both by their team: whichever is taken first, there is more to take.
        let mut grants = Vec::new();
        for may in ["events:read", "privacy:export"] {
            let role = NewRole { name: may.replace(':', "-"), permissions: vec![may.into()] };
            identity.add_role(&acme.system, &role).await.expect("a role");
            let new = NewGrant { subject: acme.team.clone(), role: role.name, resource: None };
            let grant = identity.add_grant(&acme.system, &new).await.expect("a grant");
            grants.push(grant.id.to_string());
        }
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&ada, "everything", 1).await;
        let mut items = Vec::new();
        for grant in grants {
            items.push(house.place(&ada, &review, "grant", &grant).await);
        }
        let taken = items.len();
        let revoke = json!({ "decision": "revoke", "reason": "too much", "items": items });
        house.decided(&ada, &review, revoke).await;
        house.keep_the_rest(&ada, &bob, &review).await;
        let sign = format!("{review}/sign-off");
        let (begun, mut review_now) = (Instant::now(), json!(null));
        while review_now["state"] != "closed" {
            let signed = house.post(&bob, &sign, Value::Null).await.text;
            assert!(begun.elapsed() < Duration::from_secs(30), "{signed}, {review_now}");
            review_now = house.get(&ada, &review).await.json();
        }
        assert_eq!(review_now["progress"]["applied"], taken, "{review_now}");
    }
}

#[tokio::test]
async fn a_closed_campaign_never_changes_again() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let closed = house.begun(&ada, "everything", 1).await;
        house.keep_the_rest(&ada, &bob, &closed).await;
        house.post(&ada, &format!("{closed}/sign-off"), Value::Null).await;
        house.closed(&ada, &closed).await;
        let cancelled = house.begun(&ada, "everything", 1).await;
        assert_eq!(house.post(&ada, &format!("{cancelled}/cancel"), Value::Null).await.status, 200);
        for review in [closed, cancelled] {
            let before = house.get(&ada, &format!("{review}/items")).await.text;
            let keep = json!({ "decision": "revoke", "reason": "too late", "filter": {} });
            for (path, body) in [
                ("decisions", keep),
                ("sign-off", Value::Null),
                ("reopen", Value::Null),
                ("cancel", Value::Null),
            ] {
                let answer = house.post(&ada, &format!("{review}/{path}"), body).await;
                assert_eq!((answer.status, answer.code().as_str()), (409, "not_now"), "{path}");
            }
            assert_eq!(house.get(&ada, &format!("{review}/items")).await.text, before);
        }
    }
}
