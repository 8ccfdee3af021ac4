//! The console's pages of this room: the models.

mod snippet;

use access::{Caller, Region};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use base::http::Path;
use base::page::View;
use base::page::filters;
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::snippet::Snippets;
use crate::catalogue::Does;
use crate::view::{CatalogueView, EndpointHealth, EndpointView, ModelView};
use crate::{Gateway, error};

/// The pages of this room.
pub fn pages(gateway: Gateway) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).with_state(gateway)
}

#[derive(Debug, Template)]
#[template(path = "gateway/models.html")]
struct ModelsPage {
    catalogue: CatalogueView,
}

#[derive(Debug, Template)]
#[template(path = "gateway/model.html")]
struct ModelPage {
    model: ModelView,
    region: Region,
    default: bool,
    snippets: Snippets,
}

/// The models of the org's region.
#[utoipa::path(get, path = "/models", tag = "console",
    security(("key" = ["self"])), responses((status = 200)))]
async fn list(caller: Caller, State(gateway): State<Gateway>) -> Result<View, Problem> {
    View::of("Models", &ModelsPage { catalogue: gateway.catalogue_view(&caller) })
}

/// One model: who serves it, what it costs, how to call it.
#[utoipa::path(get, path = "/models/{name}", tag = "console",
    params(("name" = String, Path, description = "the name of a model")),
    security(("key" = ["self"])), responses((status = 200)))]
async fn one(
    caller: Caller,
    State(gateway): State<Gateway>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<View, Problem> {
    let CatalogueView { region, default_model, items } = gateway.catalogue_view(&caller);
    let model = items.into_iter().find(|model| model.name == name);
    let model = model.ok_or_else(|| error::Error::NoSuchModel(name, region))?;
    let snippets = Snippets::of(&model, &uri, &headers);
    let default = default_model.as_ref() == Some(&model.name);
    View::of(model.name.clone(), &ModelPage { model, region, default, snippets })
}

impl ModelsPage {
    /// What the operator writes for a first model, for this region.
    fn first_model(&self) -> String {
        format!(
            r#"[gateway]
default_model = "small"

[gateway.endpoints.local]
speaks = "openai"                         # or "anthropic"
base_url = "http://127.0.0.1:11434/v1"    # Ollama, vLLM, OpenAI …
region = "{}"                             # where it processes

[gateway.models.small]
free = true                               # or prices
[[gateway.models.small.routes]]
endpoint = "local"
model = "llama3.2""#,
            self.catalogue.region
        )
    }

    fn place(&self) -> &'static str {
        place(self.catalogue.region)
    }

    fn is_default(&self, model: &ModelView) -> bool {
        self.catalogue.default_model.as_ref() == Some(&model.name)
    }
}

impl ModelPage {
    fn place(&self) -> &'static str {
        place(self.region)
    }
}

impl ModelView {
    fn path(&self) -> String {
        format!("/models/{}", filters::percent_encoded(&self.name))
    }

    fn does_words(&self) -> &'static str {
        match self.does {
            Does::Chat => "Chat",
            Does::Embeddings => "Embeddings",
        }
    }
}

impl EndpointView {
    /// The look of the mark that says how it does.
    fn health_class(&self) -> &'static str {
        match self.health {
            EndpointHealth::NoFailures => "ok",
            EndpointHealth::Failing | EndpointHealth::OnTrial => "warn",
            EndpointHealth::Resting | EndpointHealth::Ejected => "bad",
        }
    }
}

/// A region in words.
fn place(region: Region) -> &'static str {
    match region {
        Region::Us => "the United States",
        Region::Eu => "the European Union",
        Region::Apac => "Asia and the Pacific",
    }
}
