//! A house with two orgs and their people, keys, teams and grants, and a door in front.

use std::ops::Deref;
use std::time::{Duration, Instant};

use access::{Caller, MemberId, Method, OrgId, Permission};
use base::tasks::Tasks;
use base::time::Clock as _;
use identity::testing::{self, Plan};
use identity::{Birth, NewGrant, NewKey, NewService};
use reviews::Reviews;
use serde_json::{Value, json};

pub(crate) struct House {
    shared: testing::House,
    pub(crate) acme: Org,
    pub(crate) globex: Org,
}

/// An org: two owners who review, a member in a team with a grant, a program, keys.
pub(crate) struct Org {
    pub(crate) id: OrgId,
    pub(crate) system: Caller,
    pub(crate) ada: MemberId,
    pub(crate) bob: MemberId,
    pub(crate) eve: MemberId,
    pub(crate) team: String,
    pub(crate) grant: String,
    pub(crate) bot: String,
    pub(crate) key: String,
}

impl Deref for House {
    type Target = testing::House;

    fn deref(&self) -> &Self::Target {
        &self.shared
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let plan = Plan {
            config: identity::Config { cookie_secure: false, ..identity::Config::default() },
            ..Plan::of(reviews::sql::MIGRATIONS)
        };
        let mut houses = Vec::new();
        for house in plan.houses().await {
            let (acme, globex) = (org(&house, "acme").await, org(&house, "globex").await);
            let reviews = room(&house);
            let routes = reviews::routes(reviews.clone()).merge(reviews::pages(reviews));
            houses.push(Self { shared: house.serving(routes), acme, globex });
        }
        houses
    }

    /// The room after a restart.
    pub(crate) fn restarted(&self) -> Reviews {
        room(&self.shared)
    }

    /// A session in which a second factor was shown just now, as a cookie.
    pub(crate) async fn sign_in(&self, org: &Org, member: &MemberId) -> String {
        let birth = Birth::of(member.clone(), Method::Passkey, Some(self.clock.now()));
        self.let_in(&org.id, birth, None).await
    }

    /// Who a cookie makes somebody.
    pub(crate) async fn who(&self, cookie: &str) -> Caller {
        self.caller(&self.identity, cookie, None).await.expect("in")
    }

    /// Begins a review and gives its path.
    pub(crate) async fn begun(&self, who: &str, scope: &str, signers: u8) -> String {
        let body = json!({
            "name": "Q1", "scope": scope, "signers": signers, "due_at": "2026-03-31T00:00:00Z",
        });
        let begun = self.post(who, "/api/reviews", body).await;
        assert_eq!(begun.status, 201, "{}", begun.text);
        format!("/api/reviews/{}", begun.json()["id"].as_str().expect("an id"))
    }

    pub(crate) async fn items(&self, who: &str, review: &str) -> Vec<Value> {
        let page = self.get(who, &format!("{review}/items?limit=200")).await.json();
        page["items"].as_array().expect("items").clone()
    }

    /// The position of something in a review.
    pub(crate) async fn place(&self, who: &str, review: &str, kind: &str, id: &str) -> i64 {
        let items = self.items(who, review).await;
        let found = items.iter().find(|item| item["kind"] == kind && item["id"] == id);
        found.expect("is looked at")["position"].as_i64().expect("a place")
    }

    pub(crate) async fn decided(&self, who: &str, review: &str, body: Value) -> Value {
        let answer = self.post(who, &format!("{review}/decisions"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Each of the two reviewers keeps what is undecided and not their own.
    pub(crate) async fn keep_the_rest(&self, ada: &str, bob: &str, review: &str) {
        let rest = json!({ "decision": "keep", "reason": "still needed", "filter": {} });
        for who in [ada, bob] {
            self.decided(who, review, rest.clone()).await;
        }
    }

    /// The review, once it is closed.
    pub(crate) async fn closed(&self, who: &str, review: &str) -> Value {
        let begun = Instant::now();
        loop {
            let campaign = self.get(who, review).await.json();
            if campaign["state"] == "closed" {
                return campaign;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{campaign}");
            tokio::task::yield_now().await;
        }
    }

    /// The events of an org, oldest first.
    pub(crate) async fn events(&self, org: &Org) -> Vec<Value> {
        let scope = org.system.require(Permission::EventsRead).expect("may");
        self.record.read_on(&scope, 0).await.expect("reads")
    }
}

fn room(house: &testing::House) -> Reviews {
    Reviews::open(reviews::Needs {
        databases: house.databases.clone(),
        clock: house.clock.shared(),
        record: house.record.clone(),
        identity: house.identity.clone(),
        tasks: Tasks::new(),
    })
}

async fn org(house: &testing::House, slug: &str) -> Org {
    let (id, system) = house.found(slug).await;
    let identity = &house.identity;
    let somebody = async |name: &str, role: &str| {
        let (called, email) = (format!("{name} of {slug}"), format!("{name}@{slug}.example"));
        house.named(&system, &called, &email, role).await.id
    };
    let ada = somebody("ada", "org:owner").await;
    let bob = somebody("bob", "org:admin").await;
    let eve = somebody("eve", "org:member").await;
    let team = identity.add_team(&system, "night watch").await.expect("a team").id;
    identity.add_to_team(&system, &team, &eve).await.expect("joined");
    let new = NewGrant { subject: team.to_string(), role: "org:admin".to_owned(), resource: None };
    let grant = identity.add_grant(&system, &new).await.expect("a grant").id;
    let new = NewService { name: "bot".to_owned(), role: "org:member".to_owned() };
    let bot = identity.create_service(&system, &new).await.expect("a bot").id;
    let new = NewKey { owner: Some(bot.to_string()), name: "ci".to_owned(), ..NewKey::default() };
    let key = identity.create_key(&system, &new).await.expect("a key").key.id;
    Org {
        id,
        system: system.clone(),
        ada,
        bob,
        eve,
        team: team.to_string(),
        grant: grant.to_string(),
        bot: bot.to_string(),
        key: key.to_string(),
    }
}
