//! What this room holds of people: nothing.

use audit::{Keeper, Table};

use crate::Domains;

const TABLES: &[Table] = &[Table::nothing("domains_domain")];

impl Keeper for Domains {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
