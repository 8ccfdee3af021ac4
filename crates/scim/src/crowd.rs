//! Ten thousand users: what is read and changed of them, and how long it takes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use access::{Caller, Origin, Region};
use audit::Event;
use base::args;
use base::testing::StillClock;
use base::time::Clock as _;
use identity::Arrival;
use identity::testing::{House, Plan};
use serde_json::{Value, json};

use crate::amend::Amend;
use crate::enter::Entered;
use crate::kept::UserId;
use crate::query::Query;
use crate::schema::Resource;
use crate::shown::Shown;
use crate::{NewDirectory, Scim, sql, vouch};

const USERS: usize = 10_000;
/// Debug builds are slow; what has no bound takes minutes.
const LONG: Duration = Duration::from_mins(1);

/// A room, and a directory that asks in it.
pub(crate) async fn room(house: &House) -> (Scim, Entered) {
    let scim = Scim::open(&crate::Needs {
        databases: &house.databases,
        clock: &house.clock.shared(),
        record: &house.record,
        identity: &house.identity,
        roots: &house.roots,
        tasks: &house.tasks,
        public_url: Some("https://portico.example/".to_owned()),
        https: true,
    });
    let (scim, (_, operator)) = (scim.unwrap(), house.found("crowd").await);
    let new = NewDirectory { name: "Okta".to_owned(), ..NewDirectory::default() };
    let (directory, issued) = scim.add_directory(&operator, &new).await.unwrap();
    let id = directory.id.as_str();
    let caller = Caller::directory(operator.org.clone(), Region::Eu, id, Origin::default());
    let base = format!("{}/scim/v2", scim.origin(None));
    let (token, vouched) = (issued.id, vouch::by(&operator));
    (scim, Entered { caller, directory, token, vouched, base })
}

/// Brings them all in one change.
async fn crowd(scim: &Scim, by: &Entered, clock: &StillClock) -> Vec<String> {
    let scope = by.scope().unwrap();
    let mut work = scim.0.identity.begin(&scope).await.unwrap();
    let mut ids = Vec::new();
    for place in 0..USERS {
        clock.advance(jiff::SignedDuration::from_millis(1));
        let name = format!("user-{place}@crowd.example");
        let role = "org:member".to_owned();
        let arrival = Arrival { email: name.clone(), name: name.clone(), role };
        let member = scim.0.identity.arrive(&by.caller, &mut work, &arrival).await.unwrap();
        let id = UserId::new(clock.now()).to_string();
        let document = json!({"userName": name, "active": true, "displayName": name});
        let sealed = scim.0.seals.seal(&scope, &id, document.as_object().unwrap()).unwrap();
        let directory = by.directory.id.as_str();
        let external = None::<String>;
        let args = args![&id, directory, member.id.as_str(), &name, external, sealed, clock.now()];
        work.change.run(sql::USER_ADD, args).await.unwrap();
        ids.push(id);
    }
    let event = Event::done("scim.user.added", "member", "crowd");
    scim.0.identity.commit(work, event).await.unwrap();
    ids
}

#[expect(clippy::print_stdout, reason = "figures, for whoever runs it alone")]
fn soon(what: &str, begun: Instant) {
    let took = begun.elapsed();
    println!("{what}: {took:?}");
    assert!(took < LONG, "{what} took {took:?}");
}

#[tokio::test]
async fn a_group_of_ten_thousand_is_read_and_changed() {
    for house in Plan::of(sql::MIGRATIONS).houses().await {
        let (scim, by) = room(&house).await;
        let ids = crowd(&scim, &by, &house.clock).await;
        let members: Vec<_> = ids.iter().map(|id| json!({"value": id})).collect();
        let begun = Instant::now();
        let body = json!({"displayName": "Everybody", "members": members});
        let group = scim.add_group(&by, &body).await.unwrap();
        soon("formed", begun);

        let begun = Instant::now();
        let list = scim.list(&by, Resource::Group, &Query::of_address("").unwrap()).await.unwrap();
        let shown = list["Resources"][0]["members"].as_array().unwrap();
        assert_eq!(shown.len(), USERS);
        assert!(shown[0]["$ref"].as_str().unwrap().starts_with("https://portico.example/scim"));
        soon("read", begun);

        let begun = Instant::now();
        let without = Shown::read(None, vec!["members".to_owned()]);
        let (bare, _) = scim.view(&by, Resource::Group, group.clone(), &without).await.unwrap();
        assert!(!bare.contains_key("members"));
        assert!(begun.elapsed() < Duration::from_secs(1), "members are not looked up in vain");

        let begun = Instant::now();
        let first = format!("members[value eq \"{}\"]", ids[0]);
        let patch = json!({"Operations": [
            {"op": "remove", "path": first},
            {"op": "remove", "path": "members", "value": members[1..1_001]},
            {"op": "add", "path": "members", "value": members},
            {"op": "remove", "path": "members[not (value eq \"x\") and value ew \"0\"]"},
        ]});
        let changed = scim.amend_group(&by, &group.id, &Amend::Patch(&patch), None).await.unwrap();
        soon("patched", begun);
        let (view, _) = scim.view(&by, Resource::Group, changed, &Shown::default()).await.unwrap();
        let left: BTreeSet<_> = view["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["value"].as_str().unwrap())
            .collect();
        let expected: BTreeSet<_> =
            ids.iter().map(String::as_str).filter(|id| !id.ends_with('0')).collect();
        assert_eq!(left, expected);

        let begun = Instant::now();
        let query =
            "filter=title%20pr%20or%20userName%20ew%20%22-77@crowd.example%22&sortBy=userName";
        let found =
            scim.list(&by, Resource::User, &Query::of_address(query).unwrap()).await.unwrap();
        assert_eq!(found["totalResults"], json!(1));
        soon("looked through", begun);

        let begun = Instant::now();
        let query = Query::of_address("startIndex=9901&count=200").unwrap();
        let page = scim.list(&by, Resource::User, &query).await.unwrap();
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(USERS), &json!(100)));
        assert!(
            page["Resources"][0]["groups"].is_array() || page["Resources"][1]["groups"].is_array()
        );
        soon("paged", begun);

        let begun = Instant::now();
        scim.amend_user(&by, &ids[5], &off(), None).await.unwrap();
        soon("one suspended", begun);
    }
}

fn off() -> Amend<'static> {
    static OFF: std::sync::LazyLock<Value> = std::sync::LazyLock::new(
        || json!({"Operations": [{"op": "replace", "path": "active", "value": false}]}),
    );
    Amend::Patch(&OFF)
}
