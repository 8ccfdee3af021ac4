//! A start without what the keys of the record are wrapped with.

use std::process::Command;

use crate::portico::{Extra, Portico};

/// What a start that is refused says.
fn refused(portico: &Portico) -> String {
    let mut serve = Command::new(env!("CARGO_BIN_EXE_portico"));
    let output = serve.args(["serve", "--config"]).arg(portico.config()).output().expect("runs");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_node_whose_kms_does_not_answer_is_not_started() {
    // Nobody listens on this port of this machine.
    let config = "[record.kms.eu]\naddress = \"http://127.0.0.1:9\"\nkey = \"portico-eu\"\n\
                  token_file = \"vault.token\"\n";
    let files = [("vault.token", "hvs.secret")];
    let portico = Portico::with(Extra { config, files: &files, ..Extra::default() });
    let told = refused(&portico);
    assert!(told.contains("the keys of the record: the KMS cannot be asked"), "{told}");
    assert!(told.contains("`127.0.0.1` could not be reached"), "{told}");
    assert!(!told.contains("hvs."), "{told}");
}

#[tokio::test]
async fn a_node_without_the_secrets_of_epochs_is_not_started() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    portico.kill();
    let file = portico.folder().join("data/epochs/eu");
    let aside = portico.folder().join("aside");
    std::fs::rename(&file, &aside).expect("moves");
    let told = refused(&portico);
    assert!(told.contains(&org.id) && told.contains("whose secret is not here"), "{told}");
    std::fs::rename(&aside, &file).expect("moves");
    portico.serve().await;
}
