//! Moving old months of the record, at the command line.

use std::process::Command;

use serde_json::{Value, json};

use crate::portico::Portico;

#[tokio::test]
async fn an_operator_is_told_what_could_be_moved_and_nothing_young_is() {
    for mut portico in Portico::on_each_engine("").await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        // Beside the serving node, and for every org or one.
        let one = portico.run(
            &["record", "tier", "--before", "2020-01", "--org", "acme", "--dry-run", "--json"],
            "",
        );
        let one: Value = serde_json::from_str(&one).expect("json");
        let nothing = json!({ "org": org.id, "moved": 0, "files": 0, "hotFrom": 0, "movable": 0,
                              "waits": null });
        assert_eq!(one, nothing);
        let line = portico.run(&["record", "tier", "--before", "2020-01", "--dry-run"], "");
        assert_eq!(line.trim(), format!("{}: 0 events could be moved, from 0", org.id));
        // Whatever is asked: all of it is younger than a day, and where nothing was to do
        // nothing is said.
        assert_eq!(portico.run(&["record", "tier", "--before", "2999-01"], ""), "");

        let mut tier = Command::new(env!("CARGO_BIN_EXE_portico"));
        tier.args(["record", "tier", "--config"]).arg(portico.config());
        let refused = tier.output().expect("runs");
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && told.contains("record.hot_months"), "{told}");
        assert!(portico.terminate(), "{}", portico.log());
    }
}
