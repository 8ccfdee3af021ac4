//! The patterns of the three organizations that the demo shows.

/// Nordwind Versicherung, an insurer in Hamburg.
pub const EU: &str = include_str!("../../seeds/eu.yaml");
/// Cascade Freight, a carrier in Portland.
pub const US: &str = include_str!("../../seeds/us.yaml");
/// Harbour Health, a group of clinics in Singapore.
pub const APAC: &str = include_str!("../../seeds/apac.yaml");
