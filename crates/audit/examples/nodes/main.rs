//! Several processes append to the records of the same orgs, and are killed again and again:
//! `nodes URL MINUTES` starts four of them over one PostgreSQL (or one SQLite file), kills one
//! at random about twice a second, starts it anew, and in the end judges what it finds
//! with code of its own: nothing acknowledged is missing, positions are contiguous, and every
//! checkpoint that anybody ever saw is of the one tree.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for developers stops at the first surprise"
)]

mod judge;
mod node;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use access::{OrgId, Region};
use base::db::Db;
use base::seal::RootKey;
use base::time::{Clock as _, SystemClock};

use self::judge::{Acknowledged, Judge};

const NODES: usize = 4;
const ORGS: usize = 3;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[1..] {
        ["node", url, folder, name, ..] => {
            node::run(url, Path::new(folder), name, &args[5..]).await;
        }
        [url, minutes] => crowd(url, minutes.parse().expect("minutes")).await,
        _ => println!("nodes URL MINUTES"),
    }
}

async fn crowd(url: &str, minutes: f64) {
    let db = Db::open(url).await.expect("the database opens");
    db.migrate(audit::sql::MIGRATIONS).await.expect("migrates");
    let folder = tempfile::tempdir().expect("a folder");
    let orgs: Vec<OrgId> = (0..ORGS).map(|_| OrgId::new(SystemClock.now())).collect();
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let start = |at: usize| start(url, folder.path(), at, &orgs, &acknowledged);

    let mut judge = Judge::new(folder.path(), &orgs);
    let mut nodes: Vec<Child> = (0..NODES).map(start).collect();
    let (began, mut kills) = (Instant::now(), 0);
    while began.elapsed().as_secs_f64() < minutes * 60.0 {
        // Long enough that a node does some work between two of its deaths.
        let [victim, wait] = base::seal::random::<2>().expect("randomness").map(u64::from);
        let until = Instant::now() + Duration::from_millis(200 + wait * 3);
        while Instant::now() < until {
            judge.look();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let victim = usize::try_from(victim).expect("small") % NODES;
        end(&mut nodes[victim]);
        nodes[victim] = start(victim);
        kills += 1;
    }
    nodes.iter_mut().for_each(end);
    judge.look();
    // What was written to the pipes by the dead is still on its way.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let acknowledged = acknowledged.lock().expect("nobody panicked").clone();
    println!("{kills} kills of {NODES} nodes in {:.0} s", began.elapsed().as_secs_f64());
    judge.judge(&db, &acknowledged).await;
}

/// `kill -9`.
fn end(node: &mut Child) {
    node.kill().expect("is killed");
    node.wait().expect("is gone");
}

fn start(
    url: &str,
    folder: &Path,
    at: usize,
    orgs: &[OrgId],
    acknowledged: &Arc<Mutex<Acknowledged>>,
) -> Child {
    use std::io::BufRead as _;
    let mut node = Command::new(std::env::current_exe().expect("this program"));
    node.arg("node")
        .arg(url)
        .arg(folder)
        .arg(format!("n{at}"))
        .args(orgs.iter().map(OrgId::as_str));
    let mut node = node.stdout(Stdio::piped()).spawn().expect("starts");
    let told = std::io::BufReader::new(node.stdout.take().expect("a pipe"));
    let acknowledged = Arc::clone(acknowledged);
    std::thread::spawn(move || {
        for line in told.lines().map_while(Result::ok) {
            let mut words = line.split(' ');
            let [Some(org), Some(seq), Some(id)] = [(); 3].map(|()| words.next()) else { continue };
            let mut acknowledged = acknowledged.lock().expect("nobody panicked");
            acknowledged.push((org.to_owned(), seq.parse().expect("a position"), id.to_owned()));
        }
    });
    node
}

fn roots() -> BTreeMap<Region, RootKey> {
    BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).expect("32 bytes"))])
}
