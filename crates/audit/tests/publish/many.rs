//! Many orgs that grow at once.

use std::sync::Arc;
use std::time::Duration;

use audit::{Log, LogConfig, LogNeeds};
use base::metrics::Metrics;
use base::tasks::Tasks;

use crate::house::{EU, House, roots};

const ORGS: usize = 40;

impl House {
    fn hurried(&self, metrics: &Metrics) -> Log {
        let config = LogConfig {
            log: "portico.example".to_owned(),
            publish_secs: 1,
            ..LogConfig::default()
        };
        let needs = LogNeeds {
            record: self.record.clone(),
            roots: &roots(),
            stores: [(EU, Arc::new(self.shelf.clone()) as _)].into(),
            config: &config,
            witnesses: Vec::new(),
            page: verify::PAGE,
            metrics,
        };
        Log::open(needs).expect("a good name")
    }

    fn published_orgs(&self) -> usize {
        let files = self.shelf.files();
        let orgs = files.keys().filter(|file| file.ends_with("/checkpoint"));
        orgs.filter(|file| !file.starts_with("directory/")).count()
    }
}

fn nobody_waits(metrics: &Metrics) -> bool {
    let rendered = metrics.render().expect("renders");
    rendered.contains("portico_record_log_waiting{region=\"eu\"} 0")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_orgs_each_is_published_and_listed_in_its_turn_and_a_stop_leaves_none() {
    for house in House::on_each_engine().await {
        let (metrics, tasks) = (Metrics::new(), Tasks::new());
        let orgs: Vec<_> = (0..ORGS).map(|_| house.somebody()).collect();
        for org in &orgs {
            house.grow(org, 1).await;
        }
        house.hurried(&metrics).run(&tasks);
        let all = async {
            while house.published_orgs() < ORGS || !nobody_waits(&metrics) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), all).await.expect("nobody is forgotten");

        // Sixteen, a rest of nine times as long, and so on.
        let times = house.shelf.replaced();
        for (first, last) in [(0, 15), (16, 31)] {
            let (took, rest) = (times[last] - times[first], times[last + 1] - times[last]);
            assert!(rest >= took * 9, "{rest:?} behind {took:?}");
        }

        for org in &orgs {
            house.grow(org, 1).await;
        }
        tasks.stop();
        tasks.ended().await;
        for org in &orgs {
            assert_eq!(house.checkpoint(org).size(), 2, "what was acknowledged before the stop");
        }
        assert_eq!(house.slots().await.len(), ORGS, "each in the directory");
    }
}
