//! A house with this room, identity and the record in it, a door in front, and orgs.

use std::ops::Deref;

use access::{Method, TeamId};
use base::db::{Statement, Within};
use base::fetch::{Fetch, FetchConfig};
use identity::Birth;
use identity::testing::{self, Plan, request, shown};
use serde_json::{Value, json};
use sso::Sso;

use crate::idp::Idp;

pub(crate) use identity::testing::{Answer, Org};

/// Where people reach the house.
pub(crate) const PUBLIC: &str = "https://portico.example";

pub(crate) struct House {
    shared: testing::House,
    pub(crate) sso: Sso,
}

impl Deref for House {
    type Target = testing::House;

    fn deref(&self) -> &Self::Target {
        &self.shared
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let houses = Plan::of(sso::sql::MIGRATIONS).houses().await;
        houses.into_iter().map(Self::of).collect()
    }

    fn of(house: testing::House) -> Self {
        let fetch =
            FetchConfig { private_addresses: true, plain_http: true, ..FetchConfig::default() };
        let sso = Sso::open(sso::Needs {
            databases: house.databases.clone(),
            clock: house.clock.shared(),
            record: house.record.clone(),
            identity: house.identity.clone(),
            find_org: house.directory.clone(),
            fetch: Fetch::new(fetch).expect("a client"),
            roots: house.roots.clone(),
            tasks: house.tasks.clone(),
            config: sso::Config { public_url: format!("{PUBLIC}/"), cookie_secure: true },
        })
        .expect("opens");
        let routes = sso::routes(sso.clone()).merge(sso::pages(sso.clone()));
        Self { shared: house.serving(routes), sso }
    }

    pub(crate) async fn team(&self, org: &Org, name: &str) -> TeamId {
        self.identity.add_team(&org.operator, name).await.expect("a team").id
    }

    /// Gives a connection what its provider says of itself.
    pub(crate) async fn put_metadata(&self, key: &str, connected: &Connected, idp: &Idp) -> Answer {
        let path = format!("/api/connections/{}/metadata", connected.id);
        let own = ("sec-fetch-site", "same-origin".to_owned());
        let mut put = request("PUT", &path, &[own, shown(key)], Value::String(idp.metadata()));
        let kind = "application/samlmetadata+xml".parse().expect("a header");
        put.headers_mut().insert("content-type", kind);
        self.send(put).await
    }

    /// A SAML connection to a provider, tested and switched on by the owner. Its handle.
    pub(crate) async fn connected(&self, org: &Org, idp: &Idp) -> Connected {
        let connected = self.made(org, idp).await;
        self.sso_state_tested(&connected).await;
        let path = format!("/api/connections/{}/activate", connected.id);
        let answer = self.ask(&org.owner.key, "POST", &path, Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        connected
    }

    /// The same, still a draft.
    pub(crate) async fn made(&self, org: &Org, idp: &Idp) -> Connected {
        let body = json!({ "kind": "saml", "name": "Acme login" });
        let made = self.ask(&org.owner.key, "POST", "/api/connections", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        let connected = Connected::of(&made);
        let put = self.put_metadata(&org.owner.key, &connected, idp).await;
        assert_eq!(put.status, 200, "{}", put.text);
        connected
    }

    /// As if somebody had come through in a test: the test of a test is elsewhere.
    pub(crate) async fn sso_state_tested(&self, connected: &Connected) {
        let text = "UPDATE sso_connection SET tested_at = created_at, state = 'tested'
                     WHERE connection_id = $1";
        self.tamper(text, connected.id.as_str()).await;
    }

    /// Changes the database by hand.
    #[expect(clippy::disallowed_methods, reason = "a test reaches behind the room")]
    pub(crate) async fn tamper(&self, text: &'static str, id: &str) {
        let mut tx = self.bench.db.begin(&Within::node()).await.expect("begins");
        tx.run(Statement::new("tamper", text), base::args![id]).await.expect("runs");
        tx.commit().await.expect("commits");
    }

    pub(crate) async fn patch(&self, key: &str, connected: &Connected, body: Value) -> Answer {
        self.ask(key, "PATCH", &format!("/api/connections/{}", connected.id), body).await
    }

    /// Why the last sign-in was refused.
    pub(crate) async fn last_refusal(&self, org: &Org) -> String {
        let events = self.events(org, "sso.sign_in.refused").await;
        let last = events.first().map(|event| event["reason"]["code"].clone());
        last.and_then(|code| code.as_str().map(ToOwned::to_owned)).unwrap_or_default()
    }

    /// A member by their address.
    pub(crate) async fn member(&self, org: &Org, email: &str) -> Option<Value> {
        let path = format!("/api/members?q={email}");
        let page = self.ask(&org.owner.key, "GET", &path, Value::Null).await.json();
        page["items"].as_array().and_then(|items| items.first().cloned())
    }

    /// Every byte of the connections.
    pub(crate) async fn kept(&self) -> Vec<u8> {
        let text = "SELECT client_secret, keys, policy, mapping, provider FROM sso_connection";
        let read = Statement::new("read", text);
        let rows = self.bench.db.all(&Within::node(), read, base::args![]).await.expect("reads");
        let mut bytes = Vec::new();
        for row in rows {
            bytes.extend(row.opt_bytes("client_secret").expect("bytes").unwrap_or_default());
            bytes.extend(row.opt_bytes("keys").expect("bytes").unwrap_or_default());
            for column in ["policy", "mapping", "provider"] {
                let text = row.opt_text(column).expect("text").unwrap_or_default();
                bytes.extend(text.into_bytes());
            }
        }
        bytes
    }

    /// The cookie of a session of a member.
    pub(crate) async fn session(&self, org: &Org, member: &str) -> String {
        let member = member.parse().expect("a member");
        self.let_in(&org.id, Birth::of(member, Method::Password, None), None).await
    }

    /// Submits a form with a key or the cookie of a session.
    pub(crate) async fn form(&self, key: &str, path: &str, form: &str) -> Answer {
        self.post(key, path, Value::String(form.to_owned())).await
    }
}

/// A connection, as tests name it.
#[derive(Debug, Clone)]
pub(crate) struct Connected {
    pub(crate) id: String,
    pub(crate) handle: String,
    pub(crate) acs: String,
    pub(crate) entity: String,
}

impl Connected {
    pub(crate) fn of(made: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            id: text(&made["id"]),
            handle: text(&made["ours"]["handle"]),
            acs: text(&made["ours"]["acs_url"]),
            entity: text(&made["ours"]["entity_id"]),
        }
    }
}
