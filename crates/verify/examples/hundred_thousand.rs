//! How long a bundle of 100,000 entries takes: `cargo run --release -p verify --example
//! hundred_thousand [ENTRIES] [FILE]`. Writes the bundle into a file too, if one is named.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::io::{Cursor, Write as _};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use flate2::Crc;
use flate2::write::DeflateEncoder;
use sha2::{Digest as _, Sha256};
use verify::{Options, check};

type Hash = [u8; 32];
const ORIGIN: &str = "record.example.com/eu/org_1";

fn hash(parts: &[&[u8]]) -> Hash {
    let hash = parts.iter().fold(Sha256::new(), Sha256::chain_update);
    hash.finalize().into()
}

fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            hash(&[&[1], &root(left), &root(right)])
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// An entry and the line of its opening.
fn event(at: u64) -> (Vec<u8>, String) {
    let time = format!(
        "2026-03-{:02}T{:02}:{:02}:{:02}Z",
        at / 86_400 + 1,
        at / 3600 % 24,
        at / 60 % 60,
        at % 60
    );
    let core = format!(
        r#"{{"action":"gateway.call.started","actorKind":"member","call":{{"attempts":1,"model":"large","priceNanocents":12345,"region":"eu","tokensIn":812,"tokensOut":0}},"node":"node-1","organizationId":"org_1","outcome":"started","region":"eu","requestId":"req_{at}","resourceId":"call_{at}","resourceType":"call","timestamp":"{time}","v":1}}"#
    );
    let subject = format!(
        r#"{{"ipAddress":"203.0.113.9","keyId":"key_{at}","teamIds":["team_1"],"userAgent":"python-httpx/0.27","userId":"usr_1"}}"#
    );
    let mut entry = b"audit/v1".to_vec();
    let mut line = format!("{{\"index\":{at}");
    for (class, json) in [("core", &core), ("subject", &subject), ("payload", &"{}".to_owned())] {
        let salt = hash(&[class.as_bytes(), &at.to_be_bytes()]);
        entry.extend(hash(&[format!("audit/v1 {class}\n").as_bytes(), &salt, json.as_bytes()]));
        let json = json.replace('"', "\\\"");
        line = format!("{line},\"{class}\":{{\"salt\":\"{}\",\"json\":\"{json}\"}}", hex(&salt));
    }
    (entry, line + "}\n")
}

fn path(index: u64, width: usize) -> String {
    let (high, low) = (index / 1000, index % 1000);
    let path = if high > 0 { format!("x{high:03}/{low:03}") } else { format!("{low:03}") };
    if width < 256 {
        format!("tile/entries/{path}.p/{width}")
    } else {
        format!("tile/entries/{path}")
    }
}

fn files(count: u64) -> Vec<(String, Vec<u8>)> {
    let events: Vec<_> = (0..count).map(event).collect();
    let leaves: Vec<_> = events.iter().map(|(entry, _)| hash(&[&[0], entry])).collect();
    let text = format!("{ORIGIN}\n{count}\n{}\n", STANDARD.encode(root(&leaves)));
    let name = "record.example.com/eu";
    let key = SigningKey::from_bytes(&[1; 32]);
    let public = [&[1], &key.verifying_key().to_bytes()[..]].concat();
    let id: Vec<u8> = hash(&[name.as_bytes(), b"\n", &public]).into_iter().take(4).collect();
    let signature = [&id[..], &key.sign(text.as_bytes()).to_bytes()].concat();
    let vkey = format!("{name}+{}+{}", hex(&id), STANDARD.encode(public));
    let manifest = format!(
        r#"{{"format":"portico-evidence/v1","origin":"{ORIGIN}","org":"org_1","from":"2026-03-01T00:00:00Z","to":"2026-04-01T00:00:00Z","first":0,"next":{count},"size":{count},"madeAt":"2026-04-01T00:00:00Z"}}"#
    );
    let keys =
        format!(r#"{{"keys":[{{"vkey":"{vkey}","from":"2026-01-01T00:00:00Z","to":null}}]}}"#);
    let note = format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signature));
    let openings: String = events.iter().map(|(_, line)| line.as_str()).collect();
    let mut files: Vec<(String, Vec<u8>)> = [
        ("manifest.json", manifest),
        ("checkpoint", note),
        ("keys.json", keys),
        ("openings.jsonl", openings),
        ("policy.txt", String::new()),
        ("verify.html", verify::PAGE.to_owned()),
    ]
    .map(|(name, content)| (name.to_owned(), content.into_bytes()))
    .into();
    for (index, bundle) in (0u64..).zip(events.chunks(256)) {
        let framed = bundle.iter().flat_map(|(entry, _)| [&[0, 104], &entry[..]].concat());
        files.push((path(index, bundle.len()), framed.collect()));
    }
    files
}

fn zip(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let at = u32::try_from(out.len())?;
        let mut crc = Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content)?;
        let data = encoder.finish()?;
        let mut shared = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        shared.extend(crc.sum().to_le_bytes());
        shared.extend(u32::try_from(data.len())?.to_le_bytes());
        shared.extend(u32::try_from(content.len())?.to_le_bytes());
        shared.extend(u16::try_from(name.len())?.to_le_bytes());
        shared.extend([0, 0]);
        out.extend([&b"PK\x03\x04"[..], &shared, name.as_bytes(), &data].concat());
        directory.extend([&b"PK\x01\x02\x14\x00"[..], &shared, &[0; 10]].concat());
        directory.extend([&at.to_le_bytes()[..], name.as_bytes()].concat());
    }
    let (at, count) = (u32::try_from(out.len())?, u16::try_from(files.len())?);
    let bytes = u32::try_from(directory.len())?;
    out.extend(directory);
    out.extend([&b"PK\x05\x06\0\0\0\0"[..], &count.to_le_bytes(), &count.to_le_bytes()].concat());
    out.extend([&bytes.to_le_bytes()[..], &at.to_le_bytes(), &[0, 0]].concat());
    Ok(out)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let count = args.next().map_or(Ok(100_000), |count| count.parse())?;
    let bundle = zip(&files(count))?;
    if let Some(path) = args.next() {
        std::fs::write(path, &bundle)?;
    }
    let began = Instant::now();
    let verdict = check(Cursor::new(&bundle), &Options::default())?;
    let took = began.elapsed();
    println!("{verdict}");
    println!("{count} entries, {} bytes: {} ms", bundle.len(), took.as_millis());
    Ok(())
}
