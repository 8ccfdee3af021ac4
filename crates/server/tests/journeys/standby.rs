//! What is acknowledged survives the loss of a machine, or the operator is told.

use std::process::Command;

use crate::portico::Portico;

#[tokio::test]
async fn production_does_not_start_without_a_synchronous_standby() {
    for portico in Portico::on_each_engine("").await {
        let text = std::fs::read_to_string(portico.config()).expect("reads");
        std::fs::write(portico.config(), format!("production = true\n{text}")).expect("writes");
        let refused = Command::new(env!("CARGO_BIN_EXE_portico"))
            .args(["serve", "--config"])
            .arg(portico.config())
            .output()
            .expect("starts");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{said}");
        // The PostgreSQL of the tests waits for no disk, which is refused first.
        let why: &[&str] = if text.contains("postgres://") {
            &["synchronous_standby_names", "`fsync` must be on"]
        } else {
            &["SQLite"]
        };
        assert!(why.iter().any(|why| said.contains(why)), "{said}");
        assert!(said.contains("production = true"), "{said}");
    }
}
