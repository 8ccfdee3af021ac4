//! What this room counts, by region.

use access::Region;
use base::metrics::{Counter, Family, Gauge, Metrics};

/// The label: which region.
type In = [(&'static str, &'static str); 1];

#[derive(Debug)]
pub(crate) struct Counts {
    age: Family<In, Gauge>,
    living: Family<In, Gauge>,
    buried: Family<In, Counter>,
}

impl Counts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let gauge = |name, help| metrics.register(name, help, Family::default());
        let dead = "Nodes that died and whose calls this one closed";
        Self {
            age: gauge("nodes_news_age_ms", "Time since this node heard what others changed"),
            living: gauge("nodes_living", "Nodes that serve the region"),
            buried: metrics.register("nodes_buried", dead, Family::default()),
        }
    }

    pub(crate) fn age_ms(&self, region: Region, age_ms: i64) {
        self.age.get_or_create(&[("region", region.as_str())]).set(age_ms);
    }

    pub(crate) fn living(&self, region: Region, living: u32) {
        self.living.get_or_create(&[("region", region.as_str())]).set(i64::from(living));
    }

    pub(crate) fn buried(&self, region: Region) {
        self.buried.get_or_create(&[("region", region.as_str())]).inc();
    }
}
