//! Many changes in one request (RFC 7644, section 3.7). Each of them is a change of its
//! own; what one makes, others may name before it has an id.

use std::collections::HashMap;

use axum::http::header::{ETAG, LOCATION};
use serde_json::{Value, json};

use crate::door::Asking;
use crate::enter::Entered;
use crate::patch::member;
use crate::reply::Reply;
use crate::schema::Resource;
use crate::{Error, Scim};

/// Operations in one bulk at most.
pub(crate) const BULK_OPERATIONS_MAX: usize = 100;
/// Bytes of a bulk at most.
pub(crate) const BULK_BYTES_MAX: usize = 1 << 20;
/// Bytes of a name that an operation gives to what it makes.
const BULK_ID_BYTES_MAX: usize = 200;
/// How something that an operation makes is named by others.
const BULK_ID: &str = "bulkId:";

/// One operation.
#[derive(Debug, Clone)]
struct Operation {
    method: String,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Value,
}

/// What a bulk asks for.
struct Bulk {
    operations: Vec<Operation>,
    /// Faults after which the rest is left alone.
    faults_max: usize,
}

impl Bulk {
    fn read(body: &Value) -> Result<Self, Error> {
        let wrong = |detail: &str| Error::Syntax(detail.to_owned());
        let body = body.as_object().ok_or_else(|| wrong("a bulk is a JSON object"))?;
        let operations = member(body, "Operations").and_then(Value::as_array);
        let operations = operations.ok_or_else(|| wrong("a bulk has `Operations`"))?;
        if operations.len() > BULK_OPERATIONS_MAX {
            return Err(Error::TooMany(format!(
                "a bulk has at most {BULK_OPERATIONS_MAX} operations"
            )));
        }
        let faults = member(body, "failOnErrors").and_then(Value::as_u64);
        let faults = faults.filter(|faults| *faults > 0);
        let faults_max = faults.and_then(|faults| usize::try_from(faults).ok());
        Ok(Self {
            operations: operations.iter().map(Operation::read).collect::<Result<_, _>>()?,
            faults_max: faults_max.unwrap_or(usize::MAX),
        })
    }
}

impl Operation {
    fn read(value: &Value) -> Result<Self, Error> {
        let wrong = |detail: &str| Error::Syntax(detail.to_owned());
        let parts = value.as_object().ok_or_else(|| wrong("an operation is an object"))?;
        let text = |name: &str| member(parts, name).and_then(Value::as_str).map(str::to_owned);
        let method = text("method").ok_or_else(|| wrong("an operation has a `method`"))?;
        let method = method.to_uppercase();
        if !["POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
            return Err(wrong("`method` is `POST`, `PUT`, `PATCH` or `DELETE`"));
        }
        let bulk_id = text("bulkId");
        if method == "POST" && bulk_id.as_ref().is_none_or(String::is_empty) {
            return Err(wrong("what is made has a `bulkId`"));
        }
        if bulk_id.as_ref().is_some_and(|id| id.len() > BULK_ID_BYTES_MAX) {
            return Err(wrong("a `bulkId` is shorter"));
        }
        Ok(Self {
            path: text("path").ok_or_else(|| wrong("an operation has a `path`"))?,
            method,
            bulk_id,
            version: text("version"),
            data: member(parts, "data").cloned().unwrap_or_default(),
        })
    }

    /// Puts ids where others were named; nothing, as long as one of them is not made yet.
    fn resolved(&self, made: &HashMap<String, String>) -> Option<Self> {
        let mut path = Vec::new();
        for part in self.path.split('/') {
            path.push(match part.strip_prefix(BULK_ID) {
                Some(name) => made.get(name)?.as_str(),
                None => part,
            });
        }
        let mut data = self.data.clone();
        resolve(&mut data, made)?;
        Some(Self { path: path.join("/"), data, ..self.clone() })
    }
}

fn resolve(value: &mut Value, made: &HashMap<String, String>) -> Option<()> {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix(BULK_ID) {
                *text = made.get(name)?.clone();
            }
        }
        Value::Array(list) => list.iter_mut().try_for_each(|value| resolve(value, made))?,
        Value::Object(parts) => {
            parts.iter_mut().try_for_each(|(_, value)| resolve(value, made))?;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Some(())
}

impl Scim {
    /// Does what a bulk asks for, in its order, as far as names are known; what names
    /// something that is made further down waits for it.
    pub(crate) async fn bulk(&self, by: &Entered, body: &Value) -> Result<Value, Error> {
        let bulk = Bulk::read(body)?;
        let mut made: HashMap<String, String> = HashMap::new();
        let mut replies: Vec<Option<Reply>> = vec![None; bulk.operations.len()];
        let mut faults = 0;
        let mut goes_on = true;
        while goes_on && faults < bulk.faults_max {
            goes_on = false;
            for (operation, reply) in bulk.operations.iter().zip(&mut replies) {
                if reply.is_some() || faults >= bulk.faults_max {
                    continue;
                }
                let Some(ready) = operation.resolved(&made) else { continue };
                goes_on = true;
                let done = self.operate(by, &ready).await;
                if done.status.is_success() {
                    let id = done.body.as_ref().and_then(|body| body.get("id")?.as_str());
                    if let (Some(name), Some(id)) = (&operation.bulk_id, id) {
                        made.insert(name.clone(), id.to_owned());
                    }
                } else {
                    faults += 1;
                }
                *reply = Some(done);
            }
        }
        let mut results = Vec::new();
        for (operation, reply) in bulk.operations.iter().zip(replies) {
            let stopped = faults >= bulk.faults_max;
            let reply = match reply {
                Some(reply) => reply,
                None if stopped => continue,
                None => Reply::from(Error::Conflict(
                    "the operation names a `bulkId` that nothing in the request makes",
                )),
            };
            results.push(result(operation, &reply));
        }
        Ok(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": results,
        }))
    }

    async fn operate(&self, by: &Entered, operation: &Operation) -> Reply {
        if let Err(error) = self.0.pass.take(&by.directory.id, self.now()) {
            return error.into();
        }
        // A bulk in a bulk would have no bound, and a search changes nothing.
        let path = operation.path.trim_start_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        let target = match parts.as_slice() {
            [".search", ..] | [_, ".search", ..] => None,
            ["Users", rest @ ..] => Some((Resource::User, rest)),
            ["Groups", rest @ ..] => Some((Resource::Group, rest)),
            _ => None,
        };
        let asking = Asking {
            method: &operation.method,
            path,
            query: "",
            seen: operation.version.as_deref(),
            known: None,
        };
        let body = Some(&operation.data).filter(|data| !data.is_null());
        let reply = match target {
            Some((resource, rest)) => {
                let done = self.resource(by, resource, rest, &asking, body).await;
                done.unwrap_or_else(Reply::from)
            }
            None => Error::Path("a bulk changes `/Users` and `/Groups`".to_owned()).into(),
        };
        self.refusal(by, &operation.method, &reply);
        reply
    }
}

fn result(operation: &Operation, reply: &Reply) -> Value {
    let response = reply.body.as_ref().filter(|_| !reply.status.is_success());
    let parts = [
        ("method", Some(json!(operation.method))),
        ("bulkId", operation.bulk_id.as_ref().map(|id| json!(id))),
        ("location", reply.header(&LOCATION).map(Value::from)),
        ("version", reply.header(&ETAG).map(Value::from)),
        ("status", Some(json!(reply.status.as_str()))),
        ("response", response.cloned()),
    ];
    let known = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?)));
    Value::Object(known.collect())
}
