//! Cells of three regions, each with stores of its own, attested by the command that an operator
//! runs; and a deployment that leaks.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base::tasks::Tasks;
use base::testing::{Bench, Redis};
use flate2::Compression;
use flate2::write::GzEncoder;
use gateway::testing::FakeProvider;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::portico::{Extra, Org, Portico, text};

/// Wrong-region probes; as many as an auditor asks for with `PORTICO_LONG=1`.
fn probes() -> &'static str {
    if std::env::var_os("PORTICO_LONG").is_some() { "10000" } else { "700" }
}

/// A cell that serves one region.
struct Cell {
    portico: Portico,
    region: &'static str,
    org: Org,
    /// What the plan says of its stores.
    stores: String,
}

impl Cell {
    /// One on SQLite, or on PostgreSQL and Redis where they are given.
    async fn new(
        region: &'static str,
        provider: &FakeProvider,
        postgres: Option<[String; 4]>,
        counters: Option<&Redis>,
    ) -> Self {
        let mut config = format!(
            "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\n\
             region = \"{region}\"\n[gateway.models.fixed]\nfree = true\n\
             routes = [{{ endpoint = \"fake\" }}]\n",
            provider.base_url()
        );
        let mut stores = String::new();
        if let Some([url, owner_url, directory, directory_owner]) = &postgres {
            config = format!(
                "{config}\n[database.{region}]\nurl = \"{url}\"\nowner_url = \"{owner_url}\"\n\
                 [database.directory]\nurl = \"{directory}\"\nowner_url = \"{directory_owner}\"\n"
            );
        }
        if let Some(counters) = counters {
            config = format!("{config}\n[limits]\nstore = \"{}\"\n", counters.url());
            stores += &store("counters", "redis", &counters.url());
        }
        config =
            format!("{config}\n[record]\nlog = \"{region}.portico.example\"\npublish_secs = 1\n");
        let mut portico = Portico::with(Extra { config: &config, ..Extra::default() });
        let text = std::fs::read_to_string(portico.config()).expect("reads");
        std::fs::write(portico.config(), format!("regions = [\"{region}\"]\n{text}"))
            .expect("writes");
        let org = portico.org(&format!("acme-{region}"), region);
        portico.serve().await;
        let folder = portico.folder();
        let data = folder.join("data");
        std::fs::write(folder.join("owner.key"), &org.owner).expect("writes");
        stores += &match &postgres {
            Some([_, owner_url, ..]) => store("database", "postgres", owner_url),
            None => store("database", "sqlite", &shown(&data.join(format!("{region}.db")))),
        };
        // The folder holds the published log, keys, and on SQLite the log of the engine.
        stores += &store("objects", "files", &shown(&data));
        stores += &store("log", "files", &shown(&folder.join("log")));
        stores += &store("metrics", "page", &format!("{}/metrics", portico.ops));
        Self { portico, region, org, stores }
    }

    /// What the plan says of it, reached at this address.
    fn plan(&self, url: &str) -> String {
        let folder = self.portico.folder();
        let (key, root) =
            (folder.join("owner.key"), folder.join(format!("data/keys/{}.key", self.region)));
        format!(
            "[[cell]]\nname = \"{0}-1\"\nregion = \"{0}\"\nurl = \"{1}\"\nkey_file = \"{2}\"\n\
             root_keys = [\"{3}\"]\n{4}",
            self.region,
            url,
            shown(&key),
            shown(&root),
            self.stores
        )
    }
}

fn store(holds: &str, kind: &str, at: &str) -> String {
    format!("[[cell.store]]\nholds = \"{holds}\"\n{kind} = \"{at}\"\n")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Runs the command over these cells; gives what it says, and where the statement is.
fn attest(folder: &Path, cells: &[String], args: &[&str]) -> (Output, PathBuf) {
    let plan = folder.join("plan.toml");
    let head = "name = \"operator.example\"\nkey_file = \"attest.key\"\nsettle_secs = 3\n";
    std::fs::write(&plan, format!("{head}{}", cells.concat())).expect("writes");
    let out = folder.join("residency.txt");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    command.args(["regions", "attest"]).arg(&plan).args(["--json", "--out"]).arg(&out).args(args);
    (command.output().expect("runs"), out)
}

fn told(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| unreachable!("json, not {errors}"))
}

/// What `portico regions verify` says of a statement.
fn verified(statement: &Path, key: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    command.args(["regions", "verify"]).arg(statement).args(["--key", key]);
    let output = command.output().expect("runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A proxy in front of a door, which keeps what callers send in a folder, a packed file for each
/// connection. Gives its address.
async fn tapped(base: &str, folder: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (to, folder) = (base.strip_prefix("http://").expect("a URL").to_owned(), folder.to_owned());
    Tasks::new().spawn(async move {
        let mut number = 0;
        while let Ok((mut caller, _)) = listener.accept().await {
            number += 1;
            let file = folder.join(format!("{number}.gz"));
            let Ok(mut cell) = TcpStream::connect(&to).await else { continue };
            let mut kept = GzEncoder::new(Vec::new(), Compression::default());
            let (mut from_caller, mut to_caller) = caller.split();
            let (mut from_cell, mut to_cell) = cell.split();
            let there = async {
                let mut piece = [0; 8192];
                while let Ok(count) = from_caller.read(&mut piece).await {
                    if count == 0 || to_cell.write_all(&piece[..count]).await.is_err() {
                        break;
                    }
                    kept.write_all(&piece[..count]).expect("packs");
                }
                std::future::pending::<()>().await;
            };
            let back = tokio::io::copy(&mut from_cell, &mut to_caller);
            tokio::select! {
                () = there => {}
                _ended = back => {}
            }
            std::fs::write(file, kept.finish().expect("packs")).expect("writes");
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cells_keep_what_is_theirs_and_a_cell_that_leaks_is_caught() {
    let provider = FakeProvider::start().await;
    let counters = Redis::start().await;
    let postgres = match (Bench::database().await, Bench::database().await) {
        (Some([url, owner]), Some([directory, owner_of_it])) => {
            Some([url, owner, directory, owner_of_it])
        }
        _ => None,
    };
    let directory = postgres.as_ref().map(|[.., owner]| owner.clone());
    let eu = Cell::new("eu", &provider, None, None).await;
    let us = Cell::new("us", &provider, postgres, counters.as_ref()).await;
    let apac = Cell::new("apac", &provider, None, None).await;
    let folder = tempfile::tempdir().expect("a folder");

    let mut more = format!(
        "[[directory]]\nholds = \"directory\"\nsqlite = \"{}\"\n",
        shown(&eu.portico.folder().join("data/directory.db"))
    );
    if let Some(directory) = &directory {
        more = format!("{more}[[directory]]\nholds = \"directory\"\npostgres = \"{directory}\"\n");
    }
    let args = ["--probes", probes()];
    let plans = [&eu, &us, &apac].map(|cell| cell.plan(&cell.portico.base));
    let plans = [plans.as_slice(), &[more]].concat();
    let (output, statement) = attest(folder.path(), &plans, &args);
    let said = told(&output);
    assert_eq!(said["faults"], serde_json::json!([]), "{said:#}");
    assert!(output.status.success());
    let found = &said["statement"];
    assert_eq!(found["probes"]["asked"], found["probes"]["refused"]);
    assert_eq!(found["probes"]["asked"].as_u64().map(|n| n.to_string()).as_deref(), Some(probes()));
    assert_eq!(found["control"]["planted"], found["control"]["found"]);
    assert!(found["canaries"]["planted"].as_u64() > Some(1_000), "{found:#}");
    assert!(found["canaries"]["requestsDone"].as_u64() > Some(60), "{found:#}");
    assert!(found["apart"]["calls"].as_u64() > Some(2), "{found:#}");
    for kind in ["Token", "key"] {
        let kinds = found["probes"]["byCredential"].to_string().to_lowercase();
        assert!(kinds.contains(&kind.to_lowercase()), "{kinds}");
    }
    for cell in found["cells"].as_array().expect("cells") {
        assert!(cell["own"]["inTheOpen"].as_u64() > Some(10), "{cell:#}");
        assert!(cell["own"]["sealedOrNotKept"].as_u64() > Some(10), "{cell:#}");
    }
    // Anybody who has the key judges it; a figure that was altered is seen.
    let key = text(&said["key"]);
    let (code, words) = verified(&statement, &key);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("all refused before their body") && words.contains("does not show"));
    let altered =
        std::fs::read_to_string(&statement).expect("reads").replace("\"count\":0", "\"count\":7");
    std::fs::write(&statement, altered).expect("writes");
    assert_eq!(verified(&statement, &key).0, Some(1));

    // A door behind which somebody keeps what comes in, packed, where another cell's backups are.
    let backups = folder.path().join("backups");
    std::fs::create_dir(&backups).expect("a folder");
    let tapped = tapped(&eu.portico.base, &backups).await;
    let leak = store("backup", "files", &shown(&backups));
    let plans = [eu.plan(&tapped), format!("{}{leak}", apac.plan(&apac.portico.base))];
    let config = shown(&eu.portico.config());
    let args = ["--probes", "60", "--config", &config, "--org", &eu.org.slug];
    let (output, statement) = attest(folder.path(), &plans, &args);
    let said = told(&output);
    assert_eq!(output.status.code(), Some(1), "{said:#}");
    let leaks = said["statement"]["leaks"]["told"].to_string();
    assert!(leaks.contains("backup of apac-1") && leaks.contains("planted in eu-1"), "{said:#}");
    let (code, words) = verified(&statement, &text(&said["key"]));
    assert_eq!((code, words.contains("it says itself")), (Some(1), true), "{words}");
    // The operator's own record says that it was done, and how.
    let path = "/api/events?action=regions.residency.attested";
    let events = eu.portico.http.get(&eu.org.owner, path).await.json();
    assert_eq!(events["items"][0]["userId"], "operator", "{events}");
}
