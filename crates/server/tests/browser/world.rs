//! A Portico with an org and a provider, and somebody in front of it.

use std::fmt::Write as _;

use gateway::testing::FakeProvider;
use serde_json::Value;

use crate::page::Page;
use crate::portico::{Org, Portico};
use crate::teller::{SLY, Teller};
use crate::tools::Tools;

pub(crate) struct World {
    // Closed before what it looks at.
    pub(crate) page: Page,
    pub(crate) org: Org,
    pub(crate) portico: Portico,
    pub(crate) provider: FakeProvider,
    pub(crate) _teller: Teller,
}

/// Three models: one answers at once, one pauses in its third word for half a minute, one
/// answers with script.
fn gateway(provider: &FakeProvider, teller: &Teller) -> String {
    let mut text = String::new();
    for (name, base_url) in [("fake", provider.base_url()), ("teller", teller.base_url())] {
        let _infallible = write!(
            text,
            "[gateway.endpoints.{name}]\nspeaks = \"openai\"\nbase_url = \"{base_url}\"\n\
             region = \"eu\"\n"
        );
    }
    for (model, endpoint) in [("small", "fake"), ("endless", "fake"), (SLY, "teller")] {
        let _infallible = write!(
            text,
            "[gateway.models.{model}]\nroutes = [{{ endpoint = \"{endpoint}\" }}]\n\
             [[gateway.models.{model}.prices]]\nfrom = \"2026-01-01\"\n\
             input_per_million = \"0.25\"\noutput_per_million = \"2.00\"\n"
        );
    }
    text
}

impl World {
    /// On `SQLite`; none where no browser is.
    pub(crate) async fn on_sqlite() -> Option<Self> {
        let tools = Tools::find().await?;
        let (provider, teller) = (FakeProvider::start().await, Teller::start().await);
        let portico = Portico::on_sqlite(&gateway(&provider, &teller));
        Some(Self::new(tools, provider, teller, portico).await)
    }

    /// One on each engine.
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let Some(tools) = Tools::find().await else { return Vec::new() };
        let provider = FakeProvider::start().await;
        let config = gateway(&provider, &Teller::start().await);
        let mut worlds = Vec::new();
        for portico in Portico::on_each_engine(&config).await {
            // Nothing is asked of the teller on each engine.
            let teller = Teller::start().await;
            worlds.push(Self::new(tools.clone(), provider.clone(), teller, portico).await);
        }
        worlds
    }

    async fn new(
        tools: Tools,
        provider: FakeProvider,
        teller: Teller,
        mut portico: Portico,
    ) -> Self {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let page = Page::new(tools, &portico.base).await;
        Self { page, org, portico, provider, _teller: teller }
    }

    /// Makes something, as whoever has the key, and gives what it became.
    pub(crate) async fn make(&self, key: &str, path: &str, body: Value) -> Value {
        let answer = self.portico.http.post(key, path, &body).await;
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text);
        answer.json()
    }
}
