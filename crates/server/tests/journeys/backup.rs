//! Backups: taken while a cell serves, and put back.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::forgotten::bytes_below;
use crate::portico::{Extra, Org, PASSWORD, Portico, free_port, text};

/// What nothing else in the world is called.
const NAME: &str = "Mirabellenbaum";
const TRACE: &str = "irabellen";

fn command(args: &[&str], config: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    command.args(args);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    command.output().expect("runs")
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

fn done(portico: &Portico, args: &[&str]) -> Value {
    let all: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&portico.run(&all, "")).expect("json")
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Lets the configuration say something else.
fn configure(portico: &Portico, from: &str, to: &str) {
    let text = std::fs::read_to_string(portico.config()).expect("reads");
    assert!(text.contains(from), "{text}");
    std::fs::write(portico.config(), text.replace(from, to)).expect("writes");
}

/// A member with a name, and a key of theirs.
fn somebody(portico: &Portico) -> (String, String) {
    let email = format!("{}@acme.example", NAME.to_lowercase());
    let args = ["member", "create", "--org", "acme", "--email", &email, "--name", NAME, "--json"];
    let made: Value =
        serde_json::from_str(&portico.run(&args, &format!("{PASSWORD}\n"))).expect("json");
    let id = text(&made["id"]);
    let name = format!("{}-key", NAME.to_lowercase());
    let args = ["key", "create", "--org", "acme", "--owner", &id, "--name", &name, "--json"];
    let made: Value = serde_json::from_str(&portico.run(&args, "")).expect("json");
    (id, text(&made["key"]))
}

async fn forget(portico: &Portico, org: &Org, id: &str) {
    let path = format!("/api/members/{id}");
    assert!(portico.http.ask("DELETE", &org.owner, &path, None).await.status < 300);
    let ask = json!({ "person": id });
    let erased = portico.http.post(&org.owner, "/api/privacy/requests", &ask).await;
    assert_eq!((erased.status, erased.json()["state"].as_str()), (201, Some("erased")));
}

async fn change(portico: &Portico, org: &Org, slug: &str) {
    let pattern = json!({ "slug": slug, "name": slug, "triggers": [slug], "answer": "It rains.",
                          "publish": true });
    assert_eq!(portico.http.post(&org.owner, "/api/patterns", &pattern).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_erased_after_a_backup_is_not_brought_back_by_it() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    let (id, key) = somebody(&portico);
    portico.serve().await;
    assert_eq!(portico.http.get(&key, "/api/session").await.status, 200);
    let folder = portico.folder().to_owned();
    let at = |name: &str| folder.join(name);
    let (backup, secrets, place) = (at("backup"), at("secrets"), at("restored"));
    let (drills, data) = (at("drills"), at("data"));
    let taken =
        done(&portico, &["backup", "--to", shown(&backup), "--secrets-to", shown(&secrets)]);
    assert!(taken["events"].as_u64() > Some(8), "{taken}");
    let is_there =
        |folder: &Path| bytes_below(folder).windows(TRACE.len()).any(|at| at == TRACE.as_bytes());
    assert!(is_there(&backup), "the search finds who is there");
    // A cell that goes on is drilled as well.
    std::fs::create_dir(&drills).expect("a folder");
    let drill = ["backup", "drill", "--from", shown(&backup), "--within", shown(&drills)];
    let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(0)));
    let mut loads = JoinSet::new();
    loads.spawn(load(portico.http.clone(), org.owner.clone(), stop.clone(), made));
    let drilled = tokio::task::block_in_place(|| done(&portico, &drill));
    assert_eq!(drilled["faults"], json!([]), "{drilled}");
    stop.store(true, Ordering::SeqCst);
    loads.join_all().await;
    change(&portico, &org, "later").await;
    let made = ["org", "create", "--name", "G", "--slug", "globex", "--region", "eu"];
    portico.run(&made, "");
    forget(&portico, &org, &id).await;
    assert!(portico.terminate(), "{}", portico.log());

    // A drill says what would be lost, and leaves nothing.
    let before = bytes_below(&data.join("log-eu"));
    let drilled = done(&portico, &drill);
    assert_eq!(drilled["faults"], json!([]), "{drilled}");
    assert!(drilled["rpo"]["events"].as_u64() >= Some(3), "{drilled}");
    assert!(drilled["rpo"]["seconds"].as_f64() > Some(0.0), "{drilled}");
    assert!(drilled["rto"]["seconds"].as_f64() > Some(0.0), "{drilled}");
    assert_eq!(drilled["replayed"].as_array().map(Vec::len), Some(2), "{drilled}");
    assert_eq!(std::fs::read_dir(&drills).expect("a folder").count(), 0);
    assert!(bytes_below(&data.join("log-eu")) == before, "it only looked at the living log");

    // The machine is lost; what was published is not.
    let restore = [
        "restore",
        "--from",
        shown(&backup),
        "--to",
        shown(&place),
        "--published",
        shown(&data),
        "--secrets",
        shown(&secrets),
    ];
    done(&portico, &restore);
    let told = refused(&command(&restore, Some(&portico.config())));
    assert!(told.contains("is not empty"), "{told}");
    std::fs::rename(&data, at("lost")).expect("moves");
    configure(&portico, "data = \"data\"", "data = \"restored\"");
    let told = refused(&command(&["serve"], Some(&portico.config())));
    assert!(told.contains("it was rolled back"), "nothing is served before the replay: {told}");
    let replayed = done(&portico, &["restore", "replay"]);
    let of_each = replayed["replayed"].as_array().expect("a list");
    assert_eq!(of_each.len(), 2, "also of an organization that the backup does not know");
    let replayed = of_each.iter().find(|it| it["org"] == org.id.as_str()).expect("is replayed");
    assert_eq!(replayed["erased"], 1);
    assert_eq!(
        done(&portico, &["restore", "replay"]),
        json!({ "replayed": [], "takenBack": [] }),
        "once"
    );
    assert!(!is_there(&place), "no byte of them is left");

    portico.serve().await;
    assert_eq!(portico.http.get(&key, "/api/session").await.status, 401);
    let members = portico.http.get(&org.owner, "/api/members?limit=100").await;
    assert!(members.status == 200 && !members.text.contains(TRACE), "{}", members.text);
    let events = portico.http.get(&org.owner, "/api/events?limit=100").await.json();
    let actions: Vec<_> = events["items"].as_array().expect("a list").iter().collect();
    let restored = actions.iter().find(|event| event["action"] == "audit.record.restored");
    let restored = restored.expect("is recorded");
    assert_eq!(restored["changes"]["events"]["to"], replayed["published"]);
    assert!(actions.iter().any(|event| event["action"] == "audit.event.lost"));
    // What an auditor kept of before goes on.
    change(&portico, &org, "again").await;
    assert!(portico.terminate(), "{}", portico.log());
    let size = |data: &str| {
        let checkpoint = at(data).join("log-eu").join(&org.id).join("checkpoint");
        let note = std::fs::read_to_string(checkpoint).expect("is published");
        note.lines().nth(1).and_then(|size| size.parse::<u64>().ok()).expect("a size")
    };
    assert!(size("restored") > size("lost"));
    portico.serve().await;
}

#[tokio::test]
async fn a_backup_that_is_not_whole_is_not_taken_for_one() {
    let portico = Portico::on_sqlite("");
    portico.org("acme", "eu");
    let folder = portico.folder().to_owned();
    let at = |name: &str| folder.join(name);
    let backup = at("backup");
    done(&portico, &["backup", "--to", shown(&backup)]);
    let verify = || command(&["backup", "verify", shown(&backup)], None);
    assert!(verify().status.success());

    // One byte.
    let file = backup.join("sqlite/eu.db");
    let mut bytes = std::fs::read(&file).expect("reads");
    bytes[5_000] ^= 1;
    std::fs::write(&file, &bytes).expect("writes");
    let altered = "`sqlite/eu.db` was altered";
    assert!(refused(&verify()).contains(altered), "{:?}", verify());
    let place = at("place");
    let restore = ["restore", "--from", shown(&backup), "--to", shown(&place)];
    let told = refused(&command(&restore, Some(&portico.config())));
    assert!(told.contains(altered), "{told}");
    bytes[5_000] ^= 1;
    std::fs::write(&file, &bytes).expect("writes");
    assert!(verify().status.success());

    // One that was cut off has no manifest yet, and not its name.
    let manifest = backup.join("manifest.json");
    let text = std::fs::read(&manifest).expect("reads");
    std::fs::remove_file(&manifest).expect("removes");
    assert!(refused(&verify()).contains("never finished"), "{:?}", verify());
    let told = refused(&command(&restore, Some(&portico.config())));
    assert!(told.contains("never finished"), "{told}");
    std::fs::write(&manifest, [text.as_slice(), b" "].concat()).expect("writes");
    assert!(refused(&verify()).contains("`manifest.json` or `manifest.sha256` was altered"));
    std::fs::write(&manifest, text).expect("writes");

    // Nothing is written over, and nothing half done is left.
    let again = command(&["backup", "--to", shown(&backup)], Some(&portico.config()));
    assert!(refused(&again).contains("is not empty"));
    let moment = [&restore[..], &["--until", "2026-01-01T00:00:00Z"]].concat();
    assert!(refused(&command(&moment, Some(&portico.config()))).contains("no `--until`"));
    let names = std::fs::read_dir(portico.folder()).expect("a folder");
    let names = names.map(|it| it.expect("an entry").file_name().into_string().expect("text"));
    assert!(names.into_iter().all(|name| !name.contains("partial") && name != "place"));
}

#[tokio::test]
async fn a_backup_of_before_a_move_brings_the_org_back_to_where_it_was() {
    let mut portico = Portico::on_sqlite("");
    let (org, other) = (portico.org("acme", "eu"), portico.org("globex", "us"));
    let folder = portico.folder().to_owned();
    let at = |name: &str| folder.join(name);
    let (backup, secrets, place, data) = (at("backup"), at("secrets"), at("restored"), at("data"));
    done(&portico, &["backup", "--to", shown(&backup), "--secrets-to", shown(&secrets)]);
    portico.serve().await;
    let order = json!({ "to": "us" });
    let ordered = portico.http.ask("PUT", &org.owner, "/api/region/move", Some(&order)).await;
    assert_eq!(ordered.status, 200, "{}", ordered.text);
    let receipt = at("move.txt");
    let move_it = ["org", "move", "--org", "acme", "--to", "us", "--out", shown(&receipt)];
    done(&portico, &move_it);
    change(&portico, &org, "there").await;
    change(&portico, &other, "too").await;
    assert!(portico.terminate(), "{}", portico.log());
    let within = ["backup", "drill", "--from", shown(&backup), "--within", shown(&folder)];
    let told = refused(&command(&within, Some(&portico.config())));
    assert!(
        told.contains(&format!("older than the move of {} from `eu` to `us`", org.id)),
        "{told}"
    );

    let from = ["restore", "--from", shown(&backup), "--to", shown(&place)];
    let with = ["--published", shown(&data), "--secrets", shown(&secrets)];
    done(&portico, &[&from[..], &with].concat());
    std::fs::rename(&data, at("lost")).expect("moves");
    configure(&portico, "data = \"data\"", "data = \"restored\"");
    let replayed = done(&portico, &["restore", "replay"]);
    let back = json!([{ "org": org.id, "from": "us", "to": "eu" }]);
    assert_eq!(replayed["takenBack"], back, "{replayed}");
    assert_eq!(replayed["replayed"].as_array().map(Vec::len), Some(2), "{replayed}");
    assert_eq!(
        done(&portico, &["restore", "replay"]),
        json!({ "replayed": [], "takenBack": [] }),
        "once"
    );
    assert!(!place.join("log-us").join(&org.id).exists(), "nothing of it is left there");

    portico.serve().await;
    let region = portico.http.get(&org.owner, "/api/region").await.json();
    assert_eq!(region["region"], "eu", "{region}");
    for org in [&org, &other] {
        let events = portico.http.get(&org.owner, "/api/events?limit=100").await;
        assert!(events.text.contains("audit.record.restored"), "{}", events.text);
        change(&portico, org, "again").await;
    }
    assert!(portico.terminate(), "{}", portico.log());
    portico.serve().await;
}

/// Makes patterns until told to stop; remembers each that was acknowledged.
async fn load(http: crate::http::Http, key: String, stop: Arc<AtomicBool>, made: Arc<Mutex<u64>>) {
    while !stop.load(Ordering::SeqCst) {
        let number = *made.lock().await;
        let slug = format!("load-{number}");
        let pattern = json!({ "slug": slug, "name": slug, "triggers": [slug], "answer": "x" });
        assert_eq!(http.post(&key, "/api/patterns", &pattern).await.status, 201);
        *made.lock().await += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_recovers_to_a_moment_behind_its_backup() {
    let port = free_port();
    let Some(cluster) = Cluster::start(port) else { return };
    let (wal, mut config) = (cluster.wal(), String::new());
    for name in ["directory", "eu"] {
        let url =
            |role: &str, database: &str| format!("postgres://{role}@127.0.0.1:{port}/{database}");
        let _infallible = write!(
            config,
            "[database.{name}]\nurl = \"{}\"\nowner_url = \"{}\"\nbackup_url = \"{}\"\n\
             wal_archive = \"{}\"\n",
            url("portico_app", name),
            url("portico_owner", name),
            url("portico_backup", "postgres"),
            wal.display()
        );
    }
    let mut portico = Portico::with(Extra { config: &config, ..Extra::default() });
    configure(&portico, "data = \"data\"", "data = \"data\"\nregions = [\"eu\"]");
    let org = portico.org("acme", "eu");
    let (id, _) = somebody(&portico);
    portico.serve().await;

    let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(0)));
    let mut loads = JoinSet::new();
    loads.spawn(load(portico.http.clone(), org.owner.clone(), stop.clone(), made.clone()));
    while *made.lock().await < 10 {
        tokio::task::yield_now().await;
    }
    let acknowledged = *made.lock().await;
    let backup = cluster.folder().join("backup");
    let taken = tokio::task::block_in_place(|| done(&portico, &["backup", "--to", shown(&backup)]));
    assert!(taken["events"].as_u64() > Some(acknowledged), "{taken}");
    stop.store(true, Ordering::SeqCst);
    loads.join_all().await;

    change(&portico, &org, "before-it").await;
    let moment = cluster.ask(
        port,
        "eu",
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    );
    change(&portico, &org, "behind-it").await;
    forget(&portico, &org, &id).await;
    assert!(portico.terminate(), "{}", portico.log());
    cluster.archived().await;

    let within = cluster.folder();
    let drill = ["backup", "drill", "--from", shown(&backup), "--within", shown(&within)];
    let drilled = done(&portico, &drill);
    assert_eq!(
        (&drilled["faults"], &drilled["rpo"]["events"]),
        (&json!([]), &json!(0)),
        "{drilled}"
    );
    assert!(drilled["events"].as_u64() > Some(acknowledged), "{drilled}");
    assert_eq!(drilled["replayed"], json!([]), "{drilled}");
    assert_eq!(std::fs::read_dir(&within).expect("a folder").count(), 1, "the backup alone");

    let (place, restored) = (within.join("place"), free_port());
    let published = portico.folder().join("data");
    let restore = |until: &str| {
        command(
            &[
                "restore",
                "--from",
                shown(&backup),
                "--to",
                shown(&place),
                "--published",
                shown(&published),
                "--until",
                until,
            ],
            Some(&portico.config()),
        )
    };
    assert!(refused(&restore("2026-01-01T00:00:00Z")).contains("Take an older backup"));
    let told = restore(moment.trim());
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("opens it");
    let data = place.join("postgres/eu");
    std::fs::set_permissions(
        place.join("postgres"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("opens it");
    cluster.start_on(&data, restored);
    let patterns = cluster.ask(restored, "eu", "SELECT slug FROM patterns_pattern ORDER BY slug");
    assert!(patterns.contains("before-it") && !patterns.contains("behind-it"), "{patterns}");
    assert!(cluster.dump(restored, "eu").contains(NAME), "the search finds who is there");

    configure(&portico, &format!(":{port}/"), &format!(":{restored}/"));
    let replayed = done(&portico, &["restore", "replay"]);
    assert_eq!(replayed["replayed"][0]["erased"], 1, "{replayed}");
    assert!(!cluster.dump(restored, "eu").contains(TRACE), "they are not brought back");
    portico.serve().await;
    change(&portico, &org, "afterwards").await;
    assert!(portico.terminate(), "{}", portico.log());
    cluster.stop(&data);
    assert!(cluster.data().is_dir());
}
