//! What a cell says of its own doors: the documents of its API and of its pages.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::wire::{Ask, Wire};

/// The doors that no document tells: OpenAI's, and that of directories.
const BESIDE: [&str; 14] = [
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/models/{model}",
    "/v1/completions",
    "/v1/files/{id}",
    "/scim/v2/Users",
    "/scim/v2/Users/{id}",
    "/scim/v2/Users/.search",
    "/scim/v2/Groups",
    "/scim/v2/Groups/{id}",
    "/scim/v2/Bulk",
    "/scim/v2/Me",
    "/scim/v2/Schemas",
];
/// Every method that there is a use for.
pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// How deep schemas may lie in each other.
const DEPTH_MAX: usize = 8;

/// A path, and the methods of it that ask for nobody's credentials.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) path: String,
    pub(crate) open: Vec<String>,
    /// It is a page: who must sign in first is led there.
    pub(crate) page: bool,
}

/// One operation that takes text.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The names of what may stand behind the path.
    pub(crate) query: Vec<String>,
    /// The media type and the schema of a body.
    pub(crate) body: Option<(String, Value)>,
}

/// Everything that a cell says of its doors.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) routes: Vec<Route>,
    pub(crate) operations: Vec<Operation>,
    schemas: Value,
}

impl Document {
    pub(crate) async fn read(wire: &Wire) -> Result<Self, Error> {
        let [api, pages] = ["/api/openapi.json", "/api/console.json"].map(|path| Ask {
            method: "GET".to_owned(),
            target: path.to_owned(),
            ..Ask::default()
        });
        let (api, pages) = (wire.ask(&api).await?.json(), wire.ask(&pages).await?.json());
        let mut all = Self::of(&api);
        let of_pages = Self::of(&pages);
        let pages = of_pages.routes.into_iter().map(|route| Route { page: true, ..route });
        all.routes.extend(pages);
        let beside = |path: &str| Route { path: path.to_owned(), open: Vec::new(), page: false };
        all.routes.extend(BESIDE.into_iter().map(beside));
        all.routes.push(Route { page: true, ..beside("/no/such/{path}") });
        Ok(all)
    }

    /// What one document says.
    pub(crate) fn of(document: &Value) -> Self {
        let (mut routes, mut operations) = (Vec::new(), Vec::new());
        for (path, methods) in object(document.get("paths")) {
            let mut open = Vec::new();
            for (method, operation) in object(Some(methods)) {
                let method = method.to_uppercase();
                if is_open(operation) {
                    if method == "GET" {
                        open.push("HEAD".to_owned());
                    }
                    open.push(method.clone());
                }
                let query = list(operation.get("parameters"))
                    .filter(|parameter| parameter.get("in").is_some_and(|at| at == "query"))
                    .filter_map(|parameter| parameter.get("name")?.as_str().map(str::to_owned));
                let content = operation.get("requestBody").and_then(|body| body.get("content"));
                let body = object(content).next().and_then(|(media, content)| {
                    Some((media.clone(), content.get("schema")?.clone()))
                });
                let (path, query) = (path.clone(), query.collect());
                operations.push(Operation { method, path, query, body });
            }
            routes.push(Route { path: path.clone(), open, page: false });
        }
        let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
        Self { routes, operations, schemas }
    }

    /// A value that fits a schema, as far as it says. `text` makes each text, and is told where
    /// it will stand and what is asked for; what is neither text nor required is left out.
    pub(crate) fn fill(
        &self,
        schema: &Value,
        text: &mut dyn FnMut(&str, &str) -> Result<String, Error>,
    ) -> Result<Value, Error> {
        Ok(self.value(schema, "", 0, text)?.unwrap_or(Value::Null))
    }

    fn value(
        &self,
        schema: &Value,
        at: &str,
        depth: usize,
        text: &mut dyn FnMut(&str, &str) -> Result<String, Error>,
    ) -> Result<Option<Value>, Error> {
        if depth > DEPTH_MAX {
            return Ok(None);
        }
        let say = |name: &str| schema.get(name);
        if let Some(name) = say("$ref").and_then(Value::as_str) {
            let named = name.rsplit('/').next().and_then(|name| self.schemas.get(name));
            return named.map_or(Ok(None), |named| self.value(named, at, depth + 1, text));
        }
        if let Some(fixed) = say("const").or(say("enum").and_then(|all| all.get(0))) {
            return Ok(Some(fixed.clone()));
        }
        for name in ["oneOf", "anyOf"] {
            let is_null = |one: &&Value| one.get("type").is_some_and(|kind| kind == "null");
            if let Some(first) = list(say(name)).find(|one| !is_null(one)) {
                return self.value(first, at, depth + 1, text);
            }
        }
        if say("allOf").is_some() {
            let mut whole = Map::new();
            for part in list(say("allOf")) {
                if let Some(Value::Object(part)) = self.value(part, at, depth + 1, text)? {
                    whole.extend(part);
                }
            }
            return Ok(Some(Value::Object(whole)));
        }
        let kind = match say("type") {
            Some(Value::Array(kinds)) => kinds.iter().find(|kind| *kind != "null"),
            other => other,
        };
        let kind = kind.and_then(Value::as_str);
        Ok(match kind.unwrap_or(if say("properties").is_some() { "object" } else { "string" }) {
            "object" => {
                let required: Vec<_> = list(say("required")).filter_map(Value::as_str).collect();
                let mut whole = Map::new();
                for (name, part) in object(say("properties")) {
                    let value = self.value(part, &format!("{at}/{name}"), depth + 1, text)?;
                    let value = value.filter(|value| {
                        required.contains(&name.as_str())
                            || !matches!(value, Value::Bool(_) | Value::Number(_) | Value::Null)
                    });
                    whole.extend(value.map(|value| (name.clone(), value)));
                }
                if let Some(more) = say("additionalProperties").filter(|more| more.is_object())
                    && let Some(value) = self.value(more, &format!("{at}/*"), depth + 1, text)?
                {
                    whole.insert(text(&format!("{at}/* (name)"), "")?, value);
                }
                Some(Value::Object(whole))
            }
            "array" => {
                let item = say("items").unwrap_or(&Value::Null);
                let item = self.value(item, &format!("{at}/0"), depth + 1, text)?;
                Some(Value::Array(item.into_iter().collect()))
            }
            "integer" | "number" => Some(say("minimum").cloned().unwrap_or(Value::from(1))),
            "boolean" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => {
                let format = say("format").and_then(Value::as_str).unwrap_or_default();
                let at = if at.is_empty() { "/" } else { at };
                Some(Value::String(text(at, format)?))
            }
        })
    }
}

fn object(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// Whether an operation says that it needs nobody.
fn is_open(operation: &Value) -> bool {
    let security = operation.get("security").and_then(Value::as_array);
    security.is_some_and(|all| all.iter().all(|one| one.as_object().is_some_and(Map::is_empty)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_text_of_a_schema_is_filled_and_what_is_no_text_only_where_it_must_be() {
        let document = json!({
            "paths": { "/api/a/{id}": {
                "post": { "security": [{ "key": ["self"] }],
                    "parameters": [{ "in": "query", "name": "q" }, { "in": "path", "name": "id" }],
                    "requestBody": { "content": { "application/json": { "schema": {
                        "$ref": "#/components/schemas/A" } } } } },
                "get": { "security": [{}] } } },
            "components": { "schemas": { "A": { "type": "object", "required": ["n", "k"],
                "properties": {
                    "n": { "type": "integer", "minimum": 7 }, "m": { "type": "integer" },
                    "k": { "type": "string", "enum": ["one", "two"] },
                    "t": { "type": ["string", "null"], "format": "email" },
                    "list": { "type": "array", "items": { "type": "string" } },
                    "either": { "oneOf": [{ "type": "null" }, { "type": "string" }] },
                    "map": { "type": "object", "additionalProperties": { "type": "string" } },
                    "own": { "$ref": "#/components/schemas/A" } } } } } });
        let read = Document::of(&document);
        assert_eq!(read.routes[0].open, ["HEAD", "GET"]);
        let post = read.operations.iter().find(|one| one.method == "POST").unwrap();
        assert_eq!(post.query, ["q"]);
        let mut places = Vec::new();
        let (_, schema) = post.body.as_ref().unwrap();
        let filled = read.fill(schema, &mut |at, format| {
            places.push(format!("{at} {format}"));
            Ok("x".to_owned())
        });
        let filled = filled.unwrap();
        assert_eq!((&filled["n"], &filled["k"], filled.get("m")), (&json!(7), &json!("one"), None));
        assert_eq!((&filled["list"], &filled["map"]), (&json!(["x"]), &json!({ "x": "x" })));
        for place in ["/t email", "/list/0 ", "/either ", "/map/* ", "/own/t email"] {
            assert!(places.contains(&place.to_owned()), "{place}: {places:?}");
        }
    }
}
