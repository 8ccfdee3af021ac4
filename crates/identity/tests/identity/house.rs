//! A house with this room in it and a door in front, two orgs and their people.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use identity::testing::{self, Plan, request};
use identity::{Config, Mail};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use identity::testing::{Org, Somebody};

/// Long enough for a password, and the same for everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Where people reach this house.
pub(crate) const ORIGIN: &str = "https://portico.example";

pub(crate) struct House(testing::House);

impl Deref for House {
    type Target = testing::House;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        Self::with(None).await
    }

    /// With a mail server.
    pub(crate) async fn on_each_engine_mailing(mail: &Arc<impl Mail + 'static>) -> Vec<Self> {
        Self::with(Some(mail.clone())).await
    }

    async fn with(mail: Option<Arc<dyn Mail>>) -> Vec<Self> {
        let config = Config {
            public_url: Some(ORIGIN.parse().expect("an address")),
            sso_page: Some("/sso"),
            ..Config::default()
        };
        let plan = Plan { mail, config, password: Some(PASSWORD), ..Plan::of(&[]) };
        let houses = plan.houses().await.into_iter();
        houses.map(|house| Self(house.serving(OpenApiRouter::new()))).collect()
    }

    /// Asks with a key; gives the status and the body.
    pub(crate) async fn ask(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let bearer = format!("Bearer {key}");
        let (status, _, body) =
            self.send(method, path, &[("authorization", bearer.as_str())], body).await;
        (status, body)
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        self.ask(key, "GET", path, Value::Null).await
    }

    /// Asks with these headers; gives the status, the response's headers and the body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (u16, HeaderMap, Value) {
        let answer = self.0.send(request(method, path, headers, body)).await;
        let body = answer.json();
        (answer.status, answer.headers, body)
    }

    pub(crate) fn engine(&self) -> base::db::Engine {
        self.bench.db.engine()
    }
}

#[tokio::test]
async fn a_route_without_credentials_is_refused() {
    for house in House::on_each_engine().await {
        house.org("acme").await;
        for headers in [&[][..], &[("authorization", "Basic YTpi")], &[("cookie", "a=b")]] {
            let (status, answer, _) = house.send("GET", "/api/members", headers, Value::Null).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED.as_u16());
            assert_eq!(answer.get("www-authenticate").expect("how to"), "Bearer");
        }
    }
}

#[tokio::test]
async fn every_statement_prepares_and_names_its_org() {
    for house in House::on_each_engine().await {
        house.understands(identity::sql::STATEMENTS, identity::sql::BATCHES).await;
    }
}

#[tokio::test]
async fn few_routes_are_public_and_all_others_name_what_they_need() {
    for house in House::on_each_engine().await {
        let routes = identity::routes(house.identity.clone());
        let (_, document) = routes.merge(identity::pages(house.identity.clone())).split_for_parts();
        let document = serde_json::to_value(document).expect("json");
        let mut public = Vec::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                match operation["security"][0]["key"][0].as_str() {
                    Some(named) => {
                        assert!(named == "self" || named.contains(':'), "{method} {path}");
                    }
                    None => public.push(format!("{method} {path}")),
                }
            }
        }
        assert_eq!(
            public,
            [
                "post /api/invitations/accept",
                "post /api/password/reset",
                "post /api/session",
                "post /api/session/passkey",
                "post /api/session/passkey/begin",
                "get /join",
                "post /join",
                "get /reset",
                "post /reset",
                "get /setup",
                "post /setup",
                "get /sign-in",
                "post /sign-in"
            ]
        );
    }
}
