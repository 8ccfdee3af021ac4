//! Which permission a route needs, read from the `OpenAPI` document: the document
//! cannot say one thing and the door do another.

use std::collections::HashMap;
use std::sync::Arc;

use access::{Caller, PermissionSet};
use axum::http::Method;
use serde_json::Value;
use utoipa::openapi::OpenApi;

/// Paths outside the documents that need nobody's credentials.
const OPEN: [(&str, &str); 3] =
    [("GET", "/api/openapi.json"), ("GET", "/api/console.json"), ("GET", "/favicon.ico")];

/// Whether a room finds out by itself who is there: from the signed answer of an identity
/// provider to one of our connections, from a one-time link, from a directory's token.
fn is_own_door(path: &str) -> bool {
    let connection = path.strip_prefix("/sso/").is_some_and(|rest| rest.contains('/'));
    connection || path.starts_with("/setup/") || path.starts_with("/scim/")
}

/// What must be known before a handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Anybody may.
    Nobody,
    /// Somebody who was identified; the verb looks at nothing but their own things.
    Somebody,
    /// Somebody with one of these permissions, on the org or on something in it.
    OneOf(PermissionSet),
    /// The document does not know the route.
    Unknown,
}

/// What every route of the document needs.
#[derive(Debug, Clone)]
pub(crate) struct Permits(Arc<HashMap<(String, String), Needs>>);

/// The document says something that is no permission.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path} names `{scope}`, which is no permission")]
pub(crate) struct BadDocument {
    method: String,
    path: String,
    scope: String,
}

impl Permits {
    /// Reads the documents of the API and of the pages. `files` are paths that anybody
    /// may read.
    pub(crate) fn read(documents: &[&OpenApi], files: &[String]) -> Result<Self, BadDocument> {
        let mut needs = HashMap::new();
        for document in documents {
            let document = serde_json::to_value(document).unwrap_or_default();
            for (path, methods) in
                document.get("paths").and_then(Value::as_object).into_iter().flatten()
            {
                for (method, operation) in methods.as_object().into_iter().flatten() {
                    let method = method.to_uppercase();
                    let need = need(operation).map_err(|scope| BadDocument {
                        method: method.clone(),
                        path: path.clone(),
                        scope,
                    })?;
                    needs.insert((method, path.clone()), need);
                }
            }
        }
        let files = files.iter().map(|path| ("GET", path.as_str()));
        for (method, path) in OPEN.into_iter().chain(files) {
            needs.insert((method.to_owned(), path.to_owned()), Needs::Nobody);
        }
        Ok(Self(Arc::new(needs)))
    }

    /// What a matched route needs.
    pub(crate) fn of_route(&self, method: &Method, route: &str) -> Needs {
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let key = (method.to_owned(), route.to_owned());
        self.0.get(&key).copied().unwrap_or(Needs::Unknown)
    }

    /// Whether the door lets a caller through to a route: the verb behind it asks again.
    pub(crate) fn admits(&self, method: &Method, route: &str, caller: &Caller) -> bool {
        match self.of_route(method, route) {
            Needs::Nobody | Needs::Somebody => true,
            Needs::OneOf(enough) => {
                enough.iter().any(|permission| caller.may_somewhere(permission))
            }
            Needs::Unknown => false,
        }
    }

    /// Whether a path needs nobody's credentials. Beside the rooms' own doors, open paths
    /// have no parameters.
    pub(crate) fn is_open(&self, method: &Method, path: &str) -> bool {
        is_own_door(path)
            || (!path.starts_with("/v1/") && self.of_route(method, path) == Needs::Nobody)
    }
}

/// `security` of an operation: one scope, several of which one is enough, or none. An operation
/// that says nothing at all needs something nobody has.
fn need(operation: &Value) -> Result<Needs, String> {
    let Some(security) = operation.get("security").and_then(Value::as_array) else {
        return Ok(Needs::Unknown);
    };
    let scopes: Vec<&str> = security
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|scheme| scheme.values())
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match scopes.as_slice() {
        [] => Ok(Needs::Nobody),
        ["self"] => Ok(Needs::Somebody),
        scopes => PermissionSet::exactly(scopes.iter().copied())
            .map(Needs::OneOf)
            .map_err(|_| scopes.join(", ")),
    }
}
