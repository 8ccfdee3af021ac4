//! Plants canaries through every door of a cell that takes text, as its documents tell them.

use std::collections::BTreeMap;

use base::secret::Secret;
use serde_json::{Value, json};

use crate::canary::{Canaries, Canary, Planted};
use crate::document::{Document, Operation};
use crate::error::Error;
use crate::wire::{Answer, Ask, Body, Wire};

/// Headers that a client may fill.
const HEADERS: [&str; 9] = [
    "user-agent",
    "x-request-id",
    "referer",
    "accept-language",
    "idempotency-key",
    "x-forwarded-for",
    "x-portico-canary",
    "openai-organization",
    "cookie",
];
/// How often a refused body is tried again without the fields that were refused.
const TRIES_MAX: usize = 4;
/// Models that are called.
const MODELS_MAX: usize = 3;

/// Plants in one cell.
pub(crate) struct Planting<'a> {
    pub(crate) cell: usize,
    pub(crate) wire: &'a Wire,
    pub(crate) document: &'a Document,
    pub(crate) key: &'a Secret,
    pub(crate) canaries: &'a mut Canaries,
    /// The id of the newest thing that each path made.
    made: BTreeMap<String, String>,
    pub(crate) planted: Sown,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Sown {
    /// Requests.
    pub(crate) asked: u64,
    /// Those that were done.
    pub(crate) done: u64,
    /// The token of a directory that was made on the way.
    pub(crate) directory: Option<Secret>,
}

impl<'a> Planting<'a> {
    pub(crate) fn new(
        cell: usize,
        (wire, document): (&'a Wire, &'a Document),
        key: &'a Secret,
        canaries: &'a mut Canaries,
    ) -> Self {
        let (made, planted) = (BTreeMap::new(), Sown::default());
        Self { cell, wire, document, key, canaries, made, planted }
    }

    /// A canary for a field of a door.
    pub(crate) fn canary(&mut self, door: &str, field: &str) -> Result<String, Error> {
        let canary = Canary::fresh()?;
        let planted = Planted { cell: self.cell, door: door.to_owned(), field: field.to_owned() };
        self.canaries.plant(&canary, planted)?;
        Ok(canary.text())
    }

    /// Through every door.
    pub(crate) async fn all(&mut self) -> Result<(), Error> {
        // What makes things comes before what needs them.
        let order = |one: &&Operation| {
            let rank = ["POST", "PUT", "PATCH", "GET", "DELETE"];
            let rank = rank.iter().position(|method| *method == one.method);
            (one.path.matches('{').count(), rank)
        };
        let document = self.document;
        let mut operations: Vec<_> = document.operations.iter().collect();
        operations.sort_by_key(order);
        for operation in operations {
            // What takes everything away names nothing.
            if operation.method == "DELETE" && !operation.path.contains('{') {
                continue;
            }
            self.operation(operation).await?;
        }
        self.models().await?;
        self.directory().await
    }

    /// One operation: in its path, its query, its headers and its body.
    async fn operation(&mut self, operation: &Operation) -> Result<(), Error> {
        let door = format!("{} {}", operation.method, operation.path);
        let mut target = String::new();
        let mut template = String::new();
        for part in operation.path.split('/').skip(1) {
            let value = if part.starts_with('{') {
                let known = self.made.get(&template).filter(|_| operation.method != "DELETE");
                match known {
                    Some(id) => id.clone(),
                    None => self.canary(&door, &format!("path {part}"))?,
                }
            } else {
                part.to_owned()
            };
            target = format!("{target}/{value}");
            template = format!("{template}/{part}");
        }
        let mut join = '?';
        for name in &operation.query {
            let value = self.canary(&door, &format!("query {name}"))?;
            target = format!("{target}{join}{name}={value}");
            join = '&';
        }
        let Some((media, schema)) = &operation.body else {
            return self.send(&door, (&operation.method, &target), None).await.map(drop);
        };
        let document = self.document;
        let mut body = document.fill(schema, &mut |at, format| self.text(&door, at, format))?;
        let mut answer = Answer::default();
        for _ in 0..TRIES_MAX {
            let bytes = match &body {
                Value::String(text) => text.clone().into_bytes(),
                other => other.to_string().into_bytes(),
            };
            answer = self.send(&door, (&operation.method, &target), Some((media, bytes))).await?;
            if answer.status != 422 || !without_refused(&mut body, &answer.json()) {
                break;
            }
        }
        if (200..300).contains(&answer.status) {
            let made = answer.json();
            self.remember_directory(&made);
            let inner = made.as_object().and_then(|all| all.values().find_map(|one| one.get("id")));
            if let Some(id) = made.get("id").or(inner).and_then(Value::as_str) {
                self.made.insert(operation.path.clone(), id.to_owned());
            }
        }
        Ok(())
    }

    /// A text for a place in a body.
    fn text(&mut self, door: &str, at: &str, format: &str) -> Result<String, Error> {
        let name = at.rsplit('/').next().unwrap_or_default();
        if format == "date-time" || name.ends_with("_at") {
            return Ok("2999-01-01T00:00:00Z".to_owned());
        }
        let canary = self.canary(door, at)?;
        Ok(if format == "email" || name.contains("email") {
            format!("{canary}@{canary}.example")
        } else if format == "uri" || name.ends_with("url") {
            format!("https://{canary}.example/{canary}")
        } else if name.contains("domain") {
            format!("{canary}.example")
        } else {
            canary
        })
    }

    async fn send(
        &mut self,
        door: &str,
        (method, target): (&str, &str),
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Answer, Error> {
        let bearer = format!("Bearer {}", self.key.reveal());
        self.send_as(bearer, door, (method, target), body).await
    }

    async fn send_as(
        &mut self,
        bearer: String,
        door: &str,
        (method, target): (&str, &str),
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Answer, Error> {
        let mut headers = vec![("authorization".to_owned(), bearer)];
        for name in HEADERS {
            let canary = self.canary(door, &format!("header {name}"))?;
            let value = if name == "cookie" { format!("portico_org={canary}") } else { canary };
            headers.push((name.to_owned(), value));
        }
        let body = match body {
            None => Body::Nothing,
            Some((media, bytes)) => {
                headers.push(("content-type".to_owned(), media.to_owned()));
                Body::Whole(bytes)
            }
        };
        let (method, target) = (method.to_owned(), target.to_owned());
        let answer = self.wire.ask(&Ask { method, target, headers, body }).await?;
        self.planted.asked += 1;
        self.planted.done += u64::from((200..300).contains(&answer.status));
        Ok(answer)
    }

    /// Calls models: in every text that a call may hold.
    async fn models(&mut self) -> Result<(), Error> {
        let listed = self.send("GET /v1/models", ("GET", "/v1/models"), None).await?.json();
        let all = listed.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        let names = all.iter().filter_map(|model| model.get("id")?.as_str().map(str::to_owned));
        let mut names: Vec<_> = names.take(MODELS_MAX).collect();
        let door = "POST /v1/chat/completions";
        names.push(self.canary(door, "/model")?);
        for model in names {
            for stream in [false, true] {
                let mut text = |field: &str| self.canary(door, field);
                let body = json!({
                    "model": model, "stream": stream, "user": text("/user")?,
                    "metadata": { text("/metadata (name)")?: text("/metadata/*")? },
                    "stop": [text("/stop/0")?], "max_tokens": 16,
                    "messages": [
                        { "role": "system", "content": text("/messages/0/content")? },
                        { "role": "user", "name": text("/messages/1/name")?,
                          "content": [{ "type": "text", "text": text("/messages/1/content/0/text")? }] },
                        { "role": "assistant", "content": text("/messages/2/content")?,
                          "tool_calls": [{ "id": text("/messages/2/tool_calls/0/id")?,
                            "type": "function", "function": {
                                "name": text("/messages/2/tool_calls/0/function/name")?,
                                "arguments": text("/messages/2/tool_calls/0/function/arguments")? } }] },
                        { "role": "tool", "tool_call_id": text("/messages/3/tool_call_id")?,
                          "content": text("/messages/3/content")? },
                        { "role": "user", "content": text("/messages/4/content")? }],
                    "tools": [{ "type": "function", "function": {
                        "name": text("/tools/0/function/name")?,
                        "description": text("/tools/0/function/description")?,
                        "parameters": { "type": "object", "properties": {
                            text("/tools/0/function/parameters (name)")?: { "type": "string" } } } } }],
                    text("/ (name)")?: text("/*")?,
                });
                let body = Some(("application/json", body.to_string().into_bytes()));
                self.send(door, ("POST", "/v1/chat/completions"), body).await?;
            }
            let door = "POST /v1/embeddings";
            let body = json!({ "model": model, "input": self.canary(door, "/input")?,
                               "user": self.canary(door, "/user")? });
            let body = Some(("application/json", body.to_string().into_bytes()));
            self.send(door, ("POST", "/v1/embeddings"), body).await?;
        }
        Ok(())
    }

    /// As a directory does: in every text that its own schemas name.
    async fn directory(&mut self) -> Result<(), Error> {
        let Some(token) = self.planted.directory.clone() else { return Ok(()) };
        let bearer = || format!("Bearer {}", token.reveal());
        let door = "GET /scim/v2/Schemas";
        let told = self.send_as(bearer(), door, ("GET", "/scim/v2/Schemas"), None).await?.json();
        let schemas = told.get("Resources").and_then(Value::as_array).cloned().unwrap_or_default();
        for (kind, path) in [("User", "/scim/v2/Users"), ("Group", "/scim/v2/Groups")] {
            let door = format!("POST {path}");
            let named = |schema: &&Value| schema.get("name").is_some_and(|name| name == kind);
            let Some(schema) = schemas.iter().find(named) else { continue };
            let mut body = self.resource(&door, "", schema)?;
            if let Some(body) = body.as_object_mut() {
                body.insert("schemas".to_owned(), json!([schema.get("id")]));
            }
            let sent = body.to_string().into_bytes();
            let media = "application/scim+json";
            self.send_as(bearer(), &door, ("POST", path), Some((media, sent))).await?;
            let door = format!("GET {path}");
            let filter = self.canary(&door, "query filter")?;
            let target = format!("{path}?filter=userName%20eq%20%22{filter}%22");
            self.send_as(bearer(), &door, ("GET", &target), None).await?;
        }
        Ok(())
    }

    /// A resource with a text in each attribute that may be written.
    fn resource(&mut self, door: &str, at: &str, schema: &Value) -> Result<Value, Error> {
        let mut whole = serde_json::Map::new();
        let lists = [schema.get("attributes"), schema.get("subAttributes")];
        for attribute in lists.into_iter().flatten().filter_map(Value::as_array).flatten() {
            let say = |name: &str| attribute.get(name).and_then(Value::as_str).unwrap_or_default();
            let name = say("name").to_owned();
            // Members and managers are other resources.
            if say("mutability") == "readOnly" || matches!(name.as_str(), "members" | "manager") {
                continue;
            }
            let place = format!("{at}/{name}");
            let value = match say("type") {
                "string" if place == "/emails/value" => self.text(door, "/email", "email")?.into(),
                "string" => self.text(door, &place, "")?.into(),
                "complex" => self.resource(door, &place, attribute)?,
                _ => continue,
            };
            let many = attribute.get("multiValued").and_then(Value::as_bool).unwrap_or_default();
            whole.insert(name, if many { json!([value]) } else { value });
        }
        Ok(Value::Object(whole))
    }

    /// Keeps the token of a directory: other cells are shown it.
    fn remember_directory(&mut self, made: &Value) {
        let mut waiting = vec![made];
        while let Some(value) = waiting.pop() {
            match value {
                Value::String(text) if text.starts_with("pd_") => {
                    self.planted.directory = Some(Secret::new(text.clone()));
                }
                Value::Array(items) => waiting.extend(items),
                Value::Object(members) => waiting.extend(members.values()),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
    }
}

/// Leaves out what a problem names; false if it names nothing that is there.
fn without_refused(body: &mut Value, problem: &Value) -> bool {
    let Some(members) = body.as_object_mut() else { return false };
    let named = problem.get("errors").and_then(Value::as_array).into_iter().flatten();
    let mut any = false;
    for pointer in named.filter_map(|error| error.get("pointer")?.as_str()) {
        let name = pointer.trim_start_matches(['#', '/']).split('/').next().unwrap_or_default();
        any |= members.remove(name).is_some();
    }
    any
}
