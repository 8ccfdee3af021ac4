//! An org that has been at work for a while: Nordwind Versicherung, an insurer in Hamburg.

use std::fmt::Write as _;

use axum::body::Bytes;
use axum::http::Request;
use gateway::testing::FakeProvider;
use http_body_util::Full;
use patterns::engine::seeds;
use serde_json::{Value, json};

use crate::history;
use crate::page::Page;
use crate::portico::{Org, PASSWORD, Portico, text};
use crate::teller::Teller;
use crate::tools::Tools;
use crate::world::World;

const SLUG: &str = "nordwind";
/// Whoever is there from the beginning, with a key each: owner, admin, member, viewer.
const FIRST: [(&str, &str, &str); 4] = [
    ("ingrid.petersen", "Ingrid Petersen", "org:owner"),
    ("jonas.weber", "Jonas Weber", "org:admin"),
    ("lena.hoffmann", "Lena Hoffmann", "org:member"),
    ("paul.schmitt", "Paul Schmitt", "org:viewer"),
];
/// Whoever was invited and came.
const LATER: [(&str, &str, &str); 5] = [
    ("miriam.vogt", "Miriam Vogt", "org:admin"),
    ("tobias.krueger", "Tobias Krüger", "org:member"),
    ("anna.lindqvist", "Anna Lindqvist", "org:member"),
    ("emre.yilmaz", "Emre Yilmaz", "org:member"),
    ("clara.neumann", "Clara Neumann", "org:viewer"),
];
/// The name, what the endpoints are and what a million tokens cost.
const MODELS: [(&str, &[&str], &str, &str); 3] = [
    ("mistral-large", &["paris", "frankfurt"], "1.80", "5.40"),
    ("mistral-small", &["paris"], "0.18", "0.54"),
    ("llama-3.3-70b", &["own-gpus"], "0.40", "0.40"),
];
const ENDPOINTS: [(&str, &str); 3] =
    [("paris", "mistral"), ("frankfurt", "mistral"), ("own-gpus", "nordwind")];

fn gateway(teller: &Teller) -> String {
    let mut config = "[gateway]\ndefault_model = \"mistral-small\"\n".to_owned();
    for (name, provider) in ENDPOINTS {
        let _infallible = write!(
            config,
            "[gateway.endpoints.{name}]\nspeaks = \"openai\"\nbase_url = \"{}\"\n\
             region = \"eu\"\nprovider = \"{provider}\"\n",
            teller.base_url()
        );
    }
    for (name, endpoints, read, written) in MODELS {
        let name = format!("gateway.models.\"{name}\"");
        let _infallible = write!(
            config,
            "[{name}]\n[[{name}.prices]]\nfrom = \"2026-01-01\"\n\
             input_per_million = \"{read}\"\noutput_per_million = \"{written}\"\n"
        );
        for (order, endpoint) in endpoints.iter().enumerate() {
            let _infallible =
                write!(config, "[[{name}.routes]]\nendpoint = \"{endpoint}\"\norder = {order}\n");
        }
    }
    config
}

/// An address of Nordwind's.
fn email(local: &str) -> String {
    format!("{local}@nordwind.example")
}

impl Page {
    /// Signs in as the owner of the furnished org.
    pub(crate) async fn sign_in_to_nordwind(&self) {
        self.open("/sign-in").await;
        self.enter(SLUG, &email("ingrid.petersen"), PASSWORD).await;
        self.arrives_at("/").await;
    }
}

/// The org with its first people, made where the operator is.
fn found(portico: &Portico) -> Org {
    let made = |args: &[&str], input: &str| -> Value {
        serde_json::from_str(&portico.run(args, input)).expect("json")
    };
    let name = "Nordwind Versicherung";
    let args = ["org", "create", "--name", name, "--slug", SLUG, "--region", "eu", "--json"];
    let id = text(&made(&args, "")["id"]);
    let people = FIRST.map(|(local, name, role)| {
        let email = email(local);
        let args = [
            "member", "create", "--org", SLUG, "--email", &email, "--name", name, "--role", role,
            "--json",
        ];
        let member = text(&made(&args, &format!("{PASSWORD}\n"))["id"]);
        let args =
            ["key", "create", "--org", SLUG, "--owner", &member, "--name", "laptop", "--json"];
        let key = text(&made(&args, "")["key"]);
        (member, key)
    });
    let [owner, admin, member, viewer] = people;
    Org {
        id,
        slug: SLUG.to_owned(),
        owner: owner.1,
        admin: admin.1,
        member: member.1,
        viewer: viewer.1,
        owner_id: owner.0,
        member_id: member.0,
    }
}

impl World {
    /// Nordwind at work; none where no browser is.
    pub(crate) async fn furnished() -> Option<Self> {
        let tools = Tools::find().await?;
        let (provider, teller) = (FakeProvider::start().await, Teller::start().await);
        let mut portico = Portico::on_sqlite(&gateway(&teller));
        let org = found(&portico);
        let file = portico.folder().join("data/eu.db");
        history::write(&file, &org.id, &MODELS.map(|(name, ..)| name)).await;
        portico.serve().await;
        let page = Page::new(tools, &portico.base).await;
        let world = Self { page, org, portico, provider, _teller: teller };
        world.staff().await;
        world.connect("Entra").await;
        world.forget().await;
        world.teach().await;
        world.limit().await;
        world.talk().await;
        Some(world)
    }

    async fn put(&self, path: &str, body: Value) {
        let answer = self.portico.http.ask("PUT", &self.org.admin, path, Some(&body)).await;
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text);
    }

    /// People, teams, services, keys, roles and grants.
    async fn staff(&self) {
        let admin = &self.org.admin;
        let team = async |name: &str| {
            text(&self.make(admin, "/api/teams", json!({ "name": name })).await["id"])
        };
        let (claims, desk) = (team("Claims").await, team("Customer service").await);
        team("Legal").await;
        for (local, name, role) in LATER {
            let invite = json!({ "email": email(local), "role": role });
            let made = self.make(&self.org.owner, "/api/members", invite).await;
            let accept = json!({ "token": made["token"], "name": name, "password": PASSWORD });
            self.make("", "/api/invitations/accept", accept).await;
            let member = text(&made["member"]["id"]);
            let to = if role == "org:admin" { &desk } else { &claims };
            self.put(&format!("/api/teams/{to}/members/{member}"), json!({})).await;
            if local.starts_with("emre") {
                let path = format!("/api/members/{member}");
                let state = json!({ "state": "suspended" });
                let http = &self.portico.http;
                assert!(http.ask("PATCH", admin, &path, Some(&state)).await.status < 300);
            }
        }
        self.put(&format!("/api/teams/{claims}/members/{}", self.org.member_id), json!({})).await;
        let invite = json!({ "email": email("hanna.brandt"), "role": "org:member" });
        self.make(&self.org.owner, "/api/members", invite).await;
        let service = json!({ "name": "Claims intake", "role": "org:member" });
        let service = text(&self.make(admin, "/api/services", service).await["id"]);
        let key = json!({ "name": "production", "owner": service });
        self.make(admin, "/api/keys", key).await;
        let role = json!({ "name": "auditor", "permissions": ["events:read", "events:export"] });
        self.make(&self.org.owner, "/api/roles", role).await;
        let grant = json!({ "subject": claims, "role": "org:viewer",
                            "resource": { "kind": "model", "id": "llama-3.3-70b" } });
        self.make(&self.org.owner, "/api/grants", grant).await;
        let grant = json!({ "subject": desk, "role": "auditor" });
        self.make(&self.org.owner, "/api/grants", grant).await;
    }

    /// Somebody left, and asked to be forgotten.
    pub(crate) async fn forget(&self) {
        let owner = &self.org.owner;
        let invite = json!({ "email": email("greta.gone"), "role": "org:member" });
        let made = self.make(owner, "/api/members", invite).await;
        let member = text(&made["member"]["id"]);
        let path = format!("/api/members/{member}");
        let removed = self.portico.http.ask("DELETE", owner, &path, None).await;
        assert!(removed.status < 300, "{}", removed.text);
        self.make(owner, "/api/privacy/requests", json!({ "person": member })).await;
    }

    /// The patterns of the demo; one has a version that waits, one is retired.
    /// What stands around the sign-in, each called so.
    pub(crate) async fn connect(&self, called: &str) {
        let owner = &self.org.owner;
        let guardrail = json!({ "name": called, "on": false,
            "policy": "forbid (principal, action == Action::\"models:invoke\", resource);" });
        let month = jiff::SignedDuration::from_hours(24 * 30);
        let review = json!({ "name": called, "scope": "everything",
            "due_at": (Self::now() + month).to_string() });
        let stream = json!({ "name": called,
            "target": { "kind": "webhook", "url": "https://siem.nordwind.example/in" } });
        for (path, body) in [
            ("/api/connections", json!({ "kind": "saml", "guide": "entra", "name": called })),
            ("/api/domains", json!({ "domain": "nordwind.example" })),
            ("/api/directories", json!({ "name": called })),
            ("/api/guardrails", guardrail),
            ("/api/reviews", review),
            ("/api/streams", stream),
        ] {
            self.make(owner, path, body).await;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the server under test has the machine's clock")]
    fn now() -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    async fn teach(&self) {
        let (http, admin) = (&self.portico.http, &self.org.admin);
        let answer = http.post(admin, "/api/patterns/import", &seeds::EU.into()).await;
        assert!(answer.status < 300, "{}", answer.text);
        let cases = json!({ "cases": [
            { "ask": "I cannot get into the VPN", "expect": "match", "contains": "Nordwind Connect" },
            { "ask": "What is for lunch?", "expect": "no_match" },
        ] });
        self.put("/api/patterns/vpn-access/cases", cases).await;
        let changed = json!({
            "name": "VPN and working from outside",
            "triggers": ["How do I connect to the VPN?", "VPN is not working",
                         "Remote access to the company network", "Can I work from abroad?"],
            "answer": "Start \"Nordwind Connect\" on your laptop and sign in with your badge number; the VPN starts by itself outside our offices.\n\
                If it stays on \"Verbinden\", switch to your phone's hotspot to rule out the hotel network, then restart the client.\n\
                From countries outside the EU and Switzerland the VPN is blocked: request a travel release in the service portal at least\n\
                five working days before you leave.\n",
            "publish": false,
        });
        self.put("/api/patterns/vpn-access", changed).await;
        self.make(admin, "/api/patterns/withdrawal-right/retire", json!({})).await;
        let draft = json!({ "slug": "book-pool-car", "name": "Book a pool car",
            "triggers": ["How do I book a car?", "Is there a company car for a day?"],
            "answer": "Pool cars stand in Hamburg and Cologne. Book them under Service > Fleet.",
            "publish": false });
        self.make(&self.org.member, "/api/patterns", draft).await;
    }

    async fn limit(&self) {
        let org = json!({ "requests_per_minute": 600, "money_per_day": "25.00",
                          "money_per_month": "250.00" });
        self.put("/api/limits/org/org", org).await;
        let each = json!({ "requests_per_minute": 60, "money_per_day": "5.00" });
        self.put("/api/limits/member/*", each).await;
        let dear = json!({ "tokens_per_minute": 40_000, "money_per_month": "180.00" });
        self.put("/api/limits/model/mistral-large", dear).await;
    }

    /// What programs asked, and what the owner asked in the chat.
    async fn talk(&self) {
        let Org { admin, member, viewer, .. } = &self.org;
        let asked = [
            (member, "patterns", "How do I reset my password?"),
            (member, "patterns", "A customer had a car accident"),
            (member, "mistral-large", "Write a letter to Ms Brandt: her claim is complete."),
            (admin, "patterns", "VPN is not working"),
            (admin, "mistral-small", "Turn these notes into minutes."),
            (admin, "llama-3.3-70b", "Please translate the statement of the witness."),
            (viewer, "patterns", "I forgot my password"),
            (member, "patterns", "What is the status of a claim?"),
            (member, "patterns", "How long does claim settlement take?"),
            (admin, "patterns", "Customer asks when the claim will be paid"),
            (viewer, "patterns", "How can a customer cancel their contract?"),
            (member, "patterns", "Cancellation after a claim"),
            (admin, "patterns", "How do I report phishing?"),
        ];
        for (key, model, question) in asked {
            let messages = json!([{ "role": "user", "content": question }]);
            let ask = json!({ "model": model, "messages": messages });
            self.make(key, "/v1/chat/completions", ask).await;
        }
        // Somebody tries what they may not.
        let refused =
            self.portico.http.post(viewer, "/api/teams", &json!({ "name": "Mine" })).await;
        assert_eq!(refused.status, 403);
        let talks = [
            ("mistral-small", "Turn these notes into minutes."),
            ("mistral-large", "Write a letter to Ms Brandt: her claim is complete."),
            ("patterns", "How do I report phishing?"),
            ("mistral-large", "Which contracts end soon? Give me the SQL."),
        ];
        // A key sees what it began alone: a person talks in a session.
        let (owner, _, _) = FIRST[0];
        let who = json!({ "org": SLUG, "email": email(owner), "password": PASSWORD });
        let session = self.portico.http.post("", "/api/session", &who).await;
        let cookie = session.headers["set-cookie"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a cookie");
        for (model, question) in talks {
            let talk = self.says(cookie, "/api/conversations", json!({ "model": model })).await;
            let path = format!("/api/conversations/{}/messages", text(&talk["id"]));
            self.says(cookie, &path, json!({ "text": question })).await;
        }
    }

    /// As `make`, in a session.
    async fn says(&self, cookie: &str, path: &str, body: Value) -> Value {
        let request = Request::post(format!("{}{path}", self.portico.base))
            .header("cookie", cookie)
            .header("x-portico-csrf", "1")
            .header("content-type", "application/json");
        let request = request.body(Full::new(Bytes::from(body.to_string()))).expect("a request");
        let answer = self.portico.http.send(request).await.expect("an answer");
        assert!(answer.status < 300, "{path}: {}", answer.text);
        answer.json()
    }
}
