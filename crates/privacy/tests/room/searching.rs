//! Looking for somebody where a forensic examiner would: in the bytes.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use base::db::{Db, Engine, Statement, Within};
use base::testing::Bench;

/// The traces that stand in the files of the embedded engine or in any column of any table of
/// the other one.
pub(crate) async fn traces_in_database(bench: &Bench, traces: &[&str]) -> Vec<String> {
    match bench.db.engine() {
        Engine::Sqlite => {
            let file = bench.url.trim_start_matches("sqlite://");
            let files = ["", "-wal", "-shm"].map(|end| format!("{file}{end}"));
            let bytes =
                files.iter().filter_map(|file| std::fs::read(file).ok()).collect::<Vec<_>>();
            assert!(!bytes.is_empty(), "there is a database");
            traces_in(&bytes.concat(), traces)
        }
        Engine::Postgres => traces_in_columns(bench, traces).await,
    }
}

async fn traces_in_columns(bench: &Bench, traces: &[&str]) -> Vec<String> {
    let owner = Db::open(&bench.owner_url).await.expect("opens");
    let columns = Statement::new(
        "list columns",
        "SELECT table_name::text AS t, column_name::text AS c FROM information_schema.columns
          WHERE table_schema = current_schema() ORDER BY 1, 2",
    );
    let mut found = Vec::new();
    for row in owner.all(&Within::node(), columns, vec![]).await.expect("reads") {
        let (table, column) = (row.text("t").expect("t"), row.text("c").expect("c"));
        let text = format!("SELECT CAST({column} AS TEXT) AS v FROM {table}");
        let read = Statement::new("search", Box::leak(text.into_boxed_str()));
        for row in owner.all(&Within::node(), read, vec![]).await.expect("reads") {
            let Some(value) = row.opt_text("v").expect("text") else { continue };
            // Bytes are shown in hexadecimal digits.
            for trace in traces {
                let hex = trace.bytes().fold(String::new(), |mut hex, byte| {
                    let _infallible = write!(hex, "{byte:02x}");
                    hex
                });
                if value.contains(trace) || value.contains(&hex) {
                    found.push(format!("{trace} in {table}.{column}"));
                }
            }
        }
    }
    owner.close().await;
    found
}

/// The traces that stand in these bytes.
pub(crate) fn traces_in(bytes: &[u8], traces: &[&str]) -> Vec<String> {
    let there = |trace: &&&str| bytes.windows(trace.len()).any(|at| at == trace.as_bytes());
    traces.iter().filter(there).map(|trace| (*trace).to_owned()).collect()
}

/// Everything in the files of a folder.
pub(crate) fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        all.extend(if path.is_dir() {
            bytes_below(&path)
        } else {
            std::fs::read(path).expect("a file")
        });
    }
    all
}

/// Everything in the files of a ZIP, unpacked.
pub(crate) fn unpacked(zip: &[u8]) -> Vec<u8> {
    let short = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    let long = |at: usize| {
        let bytes = [zip[at], zip[at + 1], zip[at + 2], zip[at + 3]];
        usize::try_from(u32::from_le_bytes(bytes)).expect("64 bits")
    };
    let end = zip.len() - 22;
    let (mut at, mut all) = (long(end + 16), Vec::new());
    while zip[at..].starts_with(b"PK\x01\x02") {
        let (packed, local) = (long(at + 20), long(at + 42));
        let begins = local + 30 + short(local + 26) + short(local + 28);
        let mut file = flate2::read::DeflateDecoder::new(&zip[begins..begins + packed]);
        file.read_to_end(&mut all).expect("is deflated");
        at += 46 + short(at + 28) + short(at + 30) + short(at + 32);
    }
    all
}
