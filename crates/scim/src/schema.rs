//! What a user and a group are made of. The same files answer `/Schemas`.

use std::sync::LazyLock;

use serde::Deserialize;

/// The files, in the order in which `/Schemas` lists them.
pub(crate) const FILES: [&str; 6] = [
    include_str!("../schemas/user.json"),
    include_str!("../schemas/group.json"),
    include_str!("../schemas/enterprise_user.json"),
    include_str!("../schemas/service_provider_config.json"),
    include_str!("../schemas/resource_type.json"),
    include_str!("../schemas/schema.json"),
];

/// One schema.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Schema {
    pub(crate) id: String,
    pub(crate) attributes: Vec<Attribute>,
}

/// One attribute, or a part of a complex one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attribute {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) multi_valued: bool,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) case_exact: bool,
    pub(crate) mutability: Mutability,
    #[serde(default)]
    pub(crate) sub_attributes: Vec<Self>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    String,
    Boolean,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// Who sets a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

impl Attribute {
    fn common(name: &str, kind: Kind, mutability: Mutability) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            multi_valued: false,
            required: false,
            case_exact: true,
            mutability,
            sub_attributes: Vec::new(),
        }
    }

    /// A part of a complex attribute, whatever the case of its name.
    pub(crate) fn sub(&self, name: &str) -> Option<&Self> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// What kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// A person, who becomes a member.
    User,
    /// A group, which becomes a team.
    Group,
}

impl Resource {
    /// As in `meta.resourceType`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// As in addresses.
    pub(crate) const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// Its own schema.
    pub(crate) fn core(self) -> &'static Schema {
        match self {
            Self::User => &SCHEMAS.user,
            Self::Group => &SCHEMAS.group,
        }
    }

    /// What extends it.
    pub(crate) fn extensions(self) -> &'static [Schema] {
        match self {
            Self::User => &SCHEMAS.of_users,
            Self::Group => &[],
        }
    }

    /// An attribute of its own schema, or one that every resource has.
    pub(crate) fn attribute(self, name: &str) -> Option<&'static Attribute> {
        let own = self.core().attributes.iter().chain(&SCHEMAS.common);
        own.into_iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The extension of this name.
    pub(crate) fn extension(self, id: &str) -> Option<&'static Schema> {
        self.extensions().iter().find(|schema| schema.id.eq_ignore_ascii_case(id))
    }
}

impl Schema {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

#[derive(Debug, Default)]
struct Schemas {
    user: Schema,
    group: Schema,
    of_users: Vec<Schema>,
    common: Vec<Attribute>,
}

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    // That the files can be read, a test shows.
    let read = |text| serde_json::from_str::<Schema>(text).unwrap_or_default();
    let [user, group, enterprise, ..] = FILES;
    let sub = |name, kind| Attribute::common(name, kind, Mutability::ReadOnly);
    let meta = Attribute {
        sub_attributes: vec![
            sub("resourceType", Kind::String),
            sub("created", Kind::DateTime),
            sub("lastModified", Kind::DateTime),
            sub("location", Kind::Reference),
            sub("version", Kind::String),
        ],
        ..Attribute::common("meta", Kind::Complex, Mutability::ReadOnly)
    };
    Schemas {
        user: read(user),
        group: read(group),
        of_users: vec![read(enterprise)],
        common: vec![
            Attribute::common("id", Kind::String, Mutability::ReadOnly),
            Attribute::common("externalId", Kind::String, Mutability::ReadWrite),
            Attribute {
                multi_valued: true,
                ..Attribute::common("schemas", Kind::Reference, Mutability::ReadOnly)
            },
            meta,
        ],
    }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_file_is_read() {
        for text in FILES {
            let schema: Schema = serde_json::from_str(text).unwrap();
            assert!(
                schema.id.starts_with("urn:ietf:params:scim:") && !schema.attributes.is_empty()
            );
        }
        for resource in [Resource::User, Resource::Group] {
            assert!(resource.core().id.ends_with(resource.name()), "{}", resource.core().id);
        }
        assert!(Resource::User.attribute("USERNAME").unwrap().required);
        assert!(Resource::User.attribute("password").is_none(), "passwords are not kept");
        assert!(Resource::User.extensions()[0].attribute("manager").is_some());
    }
}
