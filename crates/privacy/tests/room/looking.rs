//! What is shown: to whoever answers for the org, to the person, and on the pages.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use access::{OrgDb, Scope};
use async_trait::async_trait;
use audit::{Exported, Keeper, Person, Table};
use base::db::DbError;
use privacy::NewHold;
use serde_json::json;

use crate::bench::{ADDRESS, EMAIL, House, KEY_NAME, NAME};

#[tokio::test]
async fn what_is_held_of_a_person_is_located_and_exported() {
    for house in House::on_each_engine().await {
        let id = house.ingrid().await;
        let owner = house.acme.owner.key.clone();
        let located =
            house.get(&owner, &format!("/api/privacy/person?person={EMAIL}")).await.json();
        assert_eq!((&located["person"], &located["name"]), (&json!(id), &json!(NAME)));
        let rows = |store: &str| {
            let stores = located["stores"].as_array().expect("stores");
            let held = stores.iter().find(|held| held["store"] == store);
            held.map(|held| held["rows"].clone()).expect("is told")
        };
        assert_eq!((rows("identity_session"), rows("identity_key")), (json!(1), json!(1)));
        assert!(rows("audit_event").as_u64() >= Some(3), "{located}");
        let export = house.get(&owner, &format!("/api/privacy/export?person={id}")).await;
        assert_eq!(export.status, 200);
        let kept = export.headers["content-disposition"].to_str().expect("text");
        assert_eq!(kept, format!("attachment; filename=\"{id}.json\""));
        for known in [NAME, EMAIL, ADDRESS, KEY_NAME] {
            assert!(export.text.contains(known), "{known}");
        }
        for action in ["privacy.person.located", "privacy.person.exported"] {
            let events = house.recorded(&house.acme.operator, action).await;
            assert_eq!(events.len(), 1, "{action}");
        }
        // Anybody may have their own, and nobody's else.
        let session = house.session(&id, true).await;
        let own = house.get(&session, "/api/me/export").await;
        assert_eq!(own.status, 200, "{}", own.text);
        assert!(own.text.contains(NAME));
        let path = format!("/api/privacy/export?person={}", house.acme.owner.id);
        assert_eq!(house.get(&session, &path).await.status, 403);
    }
}

/// A room of which the person alone reads what it holds, and which counts who asked.
#[derive(Debug, Default)]
pub(crate) struct Diary {
    exported: AtomicUsize,
    asked_for_things: AtomicUsize,
}

#[async_trait]
impl Keeper for Diary {
    fn tables(&self) -> &'static [Table] {
        const { &[Table::own("diary_page", "pages").private(), Table::nothing("diary_setting")] }
    }

    async fn export(&self, _: &OrgDb<'_>, _: &Scope, _: &Person) -> Result<Vec<Exported>, DbError> {
        self.exported.fetch_add(1, Relaxed);
        Ok(vec![Exported::of("diary_page", vec![json!({ "text": "dear diary" })])])
    }

    async fn things(&self, _: &OrgDb<'_>, _: &Scope, _: &Person) -> Result<Vec<String>, DbError> {
        self.asked_for_things.fetch_add(1, Relaxed);
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn what_a_member_alone_reads_is_not_even_read_for_others() {
    for house in House::on_each_engine().await {
        let (id, diary) = (house.ingrid().await, Arc::new(Diary::default()));
        let privacy = house.with(diary.clone());
        let export = privacy.export(&house.acme.operator, &id).await.expect("exports");
        assert_eq!(
            (export.left_out.clone(), diary.exported.load(Relaxed)),
            (vec!["diary_page".into()], 0)
        );
        house.removed(&id).await;
        drop(export);
        let export = privacy.export(&house.acme.operator, &id).await.expect("exports");
        assert!(export.stores.iter().any(|store| store.store == "diary_page"));
        assert_eq!((export.left_out.len(), diary.exported.load(Relaxed)), (0, 1));
        // A hold needs to know who it is, and nothing of theirs.
        let before = diary.asked_for_things.load(Relaxed);
        let new = NewHold { person: Some(id), reason: "file 7".to_owned(), until: None };
        privacy.place_hold(&house.acme.operator, &new).await.expect("places");
        assert_eq!(diary.asked_for_things.load(Relaxed), before);
    }
}

#[tokio::test]
async fn the_pages_lead_from_a_person_to_the_receipt() {
    for house in House::on_each_engine().await {
        let id = house.former().await;
        let owner = house.session(&house.acme.owner.id, true).await;
        let list = house.get(&owner, "/privacy").await;
        assert!(list.text.contains("Nobody was erased yet"), "{}", list.text);
        let person = house.get(&owner, &format!("/privacy/person?person={EMAIL}")).await;
        assert!(person.text.contains("identity_member"), "{}", person.text);
        let post = async |sure: &str| {
            let form = format!("person={id}{sure}");
            house.post(&owner, "/privacy/person", json!(form)).await
        };
        let unsure = post("").await;
        assert_eq!(unsure.status, 422);
        assert!(unsure.text.contains("cannot be taken back"), "{}", unsure.text);
        let done = post("&sure=yes").await;
        assert_eq!(done.status, 303, "{}", done.text);
        let one = house.get(&owner, &done.location()).await;
        for told in ["portico-erasure/v1", "What stays, and why", "as configured"] {
            assert!(one.text.contains(told), "{told}: {}", one.text);
        }
        let form = json!("person=&reason=file+7&until=2026-12-31");
        let placed = house.post(&owner, "/privacy/holds", form).await;
        assert_eq!(placed.status, 303, "{}", placed.text);
        let holds = house.get(&owner, "/privacy/holds").await;
        assert!(holds.text.contains("file 7") && holds.text.contains("in force"));
        let faulty = house.post(&owner, "/privacy/holds", json!("reason=file+7&until=soon")).await;
        assert_eq!(faulty.status, 422);
        let faulty = house.post(&owner, "/privacy/retention", json!("days=many&law=")).await;
        assert!(faulty.text.contains("Days must be 0 to 36500"), "{}", faulty.text);
    }
}
