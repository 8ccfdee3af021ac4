//! Several nodes over one set of databases.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::portico::Portico;

/// Writes the configuration of another node over the same databases, with a data folder of
/// its own, which has the same root keys.
fn other(portico: &Portico, node: &str) -> PathBuf {
    let folder = portico.folder();
    let text = std::fs::read_to_string(portico.config()).expect("reads");
    let mut text =
        text.replace("data = \"data\"", &format!("node = \"{node}\"\ndata = \"{node}-data\""));
    for url in [&portico.base, &portico.ops] {
        let address = url.strip_prefix("http://").expect("a URL");
        text = text.replace(address, "127.0.0.1:0");
    }
    if !text.contains("[database") {
        for name in ["directory", "us", "eu", "apac"] {
            let file = folder.join("data").join(format!("{name}.db"));
            let url = format!("sqlite://{}", file.display());
            let _infallible = write!(text, "\n[database.{name}]\nurl = \"{url}\"\n");
        }
    }
    let keys = folder.join(format!("{node}-data/keys"));
    std::fs::create_dir_all(&keys).expect("a folder");
    for name in ["directory", "us", "eu", "apac"] {
        let name = format!("{name}.key");
        std::fs::copy(folder.join("data/keys").join(&name), keys.join(&name)).expect("copies");
    }
    // The nodes of a region have the same secrets of epochs: here a folder that both see.
    let epochs = folder.join("data/epochs");
    let _infallible = write!(text, "\n[record]\nepochs = \"{}\"\n", epochs.display());
    let file = folder.join(format!("{node}.toml"));
    std::fs::write(&file, text.replace("level = \"warn\"", "level = \"info\"")).expect("writes");
    file
}

/// What a start that is refused says.
pub(crate) fn refused(config: &Path) -> String {
    let mut serve = Command::new(env!("CARGO_BIN_EXE_portico"));
    let output = serve.args(["serve", "--config"]).arg(config).output().expect("runs");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts, and waits until it serves. Gives how long that took.
async fn serve(config: &Path) -> (Running, Duration) {
    let log = config.with_extension("log");
    let mut serve = Command::new(env!("CARGO_BIN_EXE_portico"));
    serve.args(["serve", "--config"]).arg(config).stdout(Stdio::null());
    serve.stderr(std::fs::File::create(&log).expect("a log"));
    let running = Running(serve.spawn().expect("starts"));
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(&log).expect("reads");
        if text.contains("\"serving\"") {
            return (running, begun.elapsed());
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_region_is_served_by_one_node_and_another_one_takes_over_when_it_is_dead() {
    for mut portico in Portico::on_each_engine("").await {
        portico.serve().await;
        for node in ["portico-1", "portico-2"] {
            let told = refused(&other(&portico, node));
            assert!(
                told.contains(
                    "region `us` is already served by node `portico-1`; limits are counted per node"
                ),
                "{node}: {told}"
            );
        }
        // On its own data folder a node knows at once that its last life is over.
        portico.kill();
        let begun = Instant::now();
        portico.serve().await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        // Stopped in order, it gives its regions back.
        assert!(portico.terminate());
        let second = other(&portico, "portico-2");
        let (running, took) = serve(&second).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
        drop(running);
        // Killed elsewhere, it must be seen to be dead.
        let begun = Instant::now();
        portico.serve().await;
        assert!(begun.elapsed() > Duration::from_secs(9), "{:?}", begun.elapsed());
        assert!(refused(&second).contains("is already served by node `portico-1`"));
    }
}

#[tokio::test]
async fn a_second_process_under_the_same_name_is_refused() {
    let mut portico = Portico::on_sqlite("");
    portico.serve().await;
    let config = std::fs::read_to_string(portico.config()).expect("reads");
    let (address, ops) = (portico.base.clone(), portico.ops.clone());
    let port = |url: &str| url.rsplit(':').next().expect("a port").to_owned();
    let other = config.replace(&port(&address), "1").replace(&port(&ops), "2");
    let file = portico.folder().join("other.toml");
    std::fs::write(&file, other.replace(":1\"", ":0\"").replace(":2\"", ":0\"")).expect("writes");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_portico"))
        .args(["serve", "--config"])
        .arg(&file)
        .output()
        .expect("runs");
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("another process serves as `portico-1`"), "{told}");
}

#[tokio::test]
async fn a_database_role_that_could_rewrite_the_record_may_not_serve() {
    for portico in Portico::on_each_engine("").await {
        let text = std::fs::read_to_string(portico.config()).expect("reads");
        if !text.contains("postgres://") {
            continue;
        }
        // One role for both: it owns the tables.
        let file = portico.folder().join("one-role.toml");
        std::fs::write(&file, text.replace("portico_app", "portico_owner")).expect("writes");
        let told = refused(&file);
        for part in ["the role owns `audit_event`", "`owner_url`", "`portico migrate`"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
