//! What cells have in common: the directory, and nothing in it but what is on this list.

use serde::Serialize;

use crate::error::Error;
use crate::plan::{Place, Store};
use crate::stores::{Postgres, Sqlite};

/// Every column that the directory may have: what cells may know of each other's organizations.
/// Random ids, keyed hashes, names of regions and nodes, instants; no name, no address.
const ALLOWED: [(&str, &str); 25] = [
    ("regions_home", "org_id"),
    ("regions_home", "region"),
    ("regions_home", "epoch"),
    ("regions_home", "state"),
    ("regions_home", "slug_tag"),
    ("regions_home", "claimed_at"),
    ("regions_home", "born"),
    ("regions_move", "org_id"),
    ("regions_move", "from_region"),
    ("regions_move", "to_region"),
    ("regions_move", "step"),
    ("regions_move", "fence"),
    ("regions_move", "at"),
    ("regions_fenced", "org_id"),
    ("regions_fenced", "instance"),
    ("regions_fenced", "fence"),
    ("regions_domain", "domain_tag"),
    ("regions_domain", "org_id"),
    ("regions_domain", "proven_at"),
    ("regions_node", "region"),
    ("regions_node", "node"),
    ("regions_node", "instance"),
    ("regions_node", "beats"),
    ("regions_node", "seen_at"),
    // What was migrated: names of steps of the program.
    ("base_migration", "*"),
];

/// What lies between cells.
#[derive(Debug, Default, Serialize)]
pub struct Between {
    /// Directories that were read, and name an organization.
    pub directories: u64,
    /// Those that name none: no directory of cells that have one.
    pub empty: u64,
    /// Bytes in columns that are on the list, by column.
    pub bytes: std::collections::BTreeMap<String, u64>,
    /// Columns that are not on the list.
    pub strange: Vec<String>,
}

impl Between {
    /// Reads the columns of each directory.
    pub async fn read(directories: &[Store]) -> Result<Self, Error> {
        let mut between = Self::default();
        for store in directories {
            let columns = match store.place() {
                Some(Place::Postgres(url)) => Postgres::open(url).await?.columns().await?,
                Some(Place::Sqlite(file)) => Sqlite::open(file).await?.columns().await?,
                Some(Place::Redis(_) | Place::Files(_) | Place::Page(_)) | None => continue,
            };
            between.directory(&columns);
        }
        Ok(between)
    }

    fn directory(&mut self, columns: &[(String, String, u64)]) {
        let named = |(table, column, bytes): &(String, String, u64)| {
            table == "regions_home" && column == "org_id" && *bytes > 0
        };
        *(if columns.iter().any(named) { &mut self.directories } else { &mut self.empty }) += 1;
        for (table, column, bytes) in columns {
            self.count(table, column, *bytes);
        }
    }

    fn count(&mut self, table: &str, column: &str, bytes: u64) {
        let named = format!("{table}.{column}");
        if ALLOWED.iter().any(|(t, c)| *t == table && (*c == column || *c == "*")) {
            *self.bytes.entry(named).or_default() += bytes;
        } else if !self.strange.contains(&named) {
            self.strange.push(named);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_nobody_allowed_is_named() {
        let mut between = Between::default();
        between.count("regions_home", "org_id", 30);
        between.count("regions_home", "org_id", 30);
        between.count("regions_home", "email", 1);
        assert_eq!(between.bytes.get("regions_home.org_id"), Some(&60));
        assert_eq!(between.strange, ["regions_home.email"]);
    }

    #[test]
    fn a_directory_that_names_no_organization_is_not_taken_for_one() {
        let mut between = Between::default();
        let column = |bytes| [("regions_home".to_owned(), "org_id".to_owned(), bytes)];
        between.directory(&column(30));
        between.directory(&column(0));
        between.directory(&[]);
        assert_eq!((between.directories, between.empty), (1, 2));
    }
}
