//! A directory as it is typed into a form.

use serde::Deserialize;

use crate::Mapped;

/// What the forms of a directory send.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DirectoryForm {
    pub(super) name: String,
    pub(super) role: String,
    /// One group in each line: `Platform admins = org:admin`.
    pub(super) mapping: String,
}

impl DirectoryForm {
    /// The mapping as typed. The role stands behind the last `=`: names of groups may
    /// have one too.
    pub(super) fn mapped(&self) -> Vec<Mapped> {
        let lines = self.mapping.lines().map(str::trim).filter(|line| !line.is_empty());
        let mapped = lines.map(|line| match line.rsplit_once('=') {
            Some((group, role)) => {
                Mapped { group: group.trim().to_owned(), role: role.trim().to_owned() }
            }
            None => Mapped { group: line.to_owned(), role: String::new() },
        });
        mapped.collect()
    }

    /// A mapping as it is typed.
    pub(super) fn typed(mapping: &[Mapped]) -> String {
        let lines = mapping.iter().map(|mapped| format!("{} = {}", mapped.group, mapped.role));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_reads_as_it_is_written() {
        let typed = " Platform = admins = org:admin \n\nStaff=org:member\nnonsense";
        let form = DirectoryForm { mapping: typed.to_owned(), ..DirectoryForm::default() };
        let mapped = form.mapped();
        assert_eq!(mapped.len(), 3);
        assert_eq!(
            (mapped[0].group.as_str(), mapped[0].role.as_str()),
            ("Platform = admins", "org:admin")
        );
        let again = DirectoryForm { mapping: DirectoryForm::typed(&mapped), ..form };
        assert_eq!(again.mapped(), mapped);
    }
}
