//! A Portico with an org and a provider, and somebody in front of it.

use std::fmt::Write as _;

use gateway::testing::FakeProvider;

use crate::page::Page;
use crate::portico::{Org, Portico};
use crate::tools::Tools;

pub(crate) struct World {
    // Closed before what it looks at.
    pub(crate) page: Page,
    pub(crate) org: Org,
    pub(crate) portico: Portico,
    pub(crate) provider: FakeProvider,
}

/// Two models of one provider: one answers at once, the other pauses in its third word for
/// half a minute.
fn gateway(provider: &FakeProvider) -> String {
    let mut text = format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n",
        provider.base_url()
    );
    for model in ["small", "endless"] {
        let _infallible = write!(
            text,
            "[gateway.models.{model}]\nroutes = [{{ endpoint = \"fake\" }}]\n\
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
        let provider = FakeProvider::start().await;
        let portico = Portico::on_sqlite(&gateway(&provider));
        Some(Self::new(tools, provider, portico).await)
    }

    /// One on each engine.
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let Some(tools) = Tools::find().await else { return Vec::new() };
        let provider = FakeProvider::start().await;
        let mut worlds = Vec::new();
        for portico in Portico::on_each_engine(&gateway(&provider)).await {
            worlds.push(Self::new(tools.clone(), provider.clone(), portico).await);
        }
        worlds
    }

    async fn new(tools: Tools, provider: FakeProvider, mut portico: Portico) -> Self {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let page = Page::new(tools, &portico.base).await;
        Self { page, org, portico, provider }
    }
}
