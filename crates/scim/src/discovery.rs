//! What this service says of itself (RFC 7644, section 4).

use serde_json::{Value, json};

use crate::bulk::{BULK_BYTES_MAX, BULK_OPERATIONS_MAX};
use crate::query::COUNT_MAX;
use crate::schema::{FILES, Resource};

/// What this service can.
pub(crate) fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": BULK_OPERATIONS_MAX,
            "maxPayloadSize": BULK_BYTES_MAX,
        },
        "filter": {"supported": true, "maxResults": COUNT_MAX},
        // Whom a directory provisions signs in by the identity provider.
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Token of the directory",
            "description": "The token that the console shows when a directory is made.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    })
}

/// The kinds of resources.
pub(crate) fn resource_types(base: &str) -> Vec<Value> {
    [Resource::User, Resource::Group].map(|resource| resource_type(base, resource)).into()
}

fn resource_type(base: &str, resource: Resource) -> Value {
    let extensions = resource.extensions().iter();
    let extensions: Vec<_> =
        extensions.map(|schema| json!({"schema": schema.id, "required": false})).collect();
    let name = resource.name();
    let mut described = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name,
        "name": name,
        "endpoint": format!("/{}", resource.endpoint()),
        "description": match resource {
            Resource::User => "A person, who is a member of the organization.",
            Resource::Group => "A group, which is a team of the organization.",
        },
        "schema": resource.core().id,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{name}"),
        },
    });
    if let Some(parts) = described.as_object_mut().filter(|_| !extensions.is_empty()) {
        parts.insert("schemaExtensions".to_owned(), Value::Array(extensions));
    }
    described
}

/// The schemas of everything here.
pub(crate) fn schemas(base: &str) -> Vec<Value> {
    let read = FILES.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
    let located = read.map(|mut schema| {
        let id = schema.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let meta = json!({"resourceType": "Schema", "location": format!("{base}/Schemas/{id}")});
        schema.as_object_mut().map(|parts| parts.insert("meta".to_owned(), meta));
        schema
    });
    located.collect()
}

/// A list that is always whole.
pub(crate) fn list(resources: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// The one of this id.
pub(crate) fn one(resources: Vec<Value>, id: &str) -> Option<Value> {
    let same = |resource: &Value| resource.get("id").and_then(Value::as_str) == Some(id);
    resources.into_iter().find(same)
}
