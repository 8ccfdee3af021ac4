//! Starting, and refusing to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base::testing::StillClock;
use witness::{BadConfig, Config, Error, LogConfig, Witness, verifiers};

use crate::log::{ORIGIN, SmallLog};
use crate::stand::{NAME, Stand, config};

fn refused(config: &Config) -> Error {
    Witness::open(config, StillClock::new().shared()).map(drop).expect_err("refused")
}

#[tokio::test]
async fn a_witness_that_lost_its_memory_does_not_start() {
    let log = SmallLog::honest();
    let lost = async |lose: fn(&Path)| {
        let stand = Stand::new();
        stand.cosigned(&log.request(0, 3)).await;
        let Stand { folder, witness, .. } = stand;
        drop(witness);
        let data = folder.path().join("data");
        lose(&data);
        refused(&config(&data))
    };
    let heads = |data: &Path| fs::remove_dir_all(data.join("heads")).expect("a folder");
    assert!(matches!(lost(heads).await, Error::MemoryGone(_)));
    let key = |data: &Path| fs::remove_file(data.join("ml-dsa-44.key")).expect("a file");
    assert!(matches!(lost(key).await, Error::KeyGone(_)));
    for replaced in [
        |data: &Path| fs::write(data.join("ed25519.key"), [7; 32]).expect("a file"),
        |data: &Path| fs::write(data.join("ml-dsa-44.key"), [7; 32]).expect("a file"),
    ] {
        assert!(matches!(lost(replaced).await, Error::NotOurs(..)));
    }
    let short_key = |data: &Path| fs::write(data.join("ed25519.key"), [7; 31]).expect("a file");
    assert!(matches!(lost(short_key).await, Error::NotAKey(_)));
}

#[tokio::test]
async fn a_damaged_head_stops_the_start() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    stand.cosigned(&log.request(0, 3)).await;
    let Stand { folder, witness, .. } = stand;
    drop(witness);
    let data = folder.path().join("data");
    let mut heads = fs::read_dir(data.join("heads")).expect("a folder");
    let head = heads.next().expect("one head").expect("an entry").path();
    let sound = fs::read(&head).expect("a file");
    let smaller = String::from_utf8(sound.clone()).expect("text").replace("\n3\n", "\n2\n");
    for damaged in [&sound[..0], &sound[..sound.len() / 2], smaller.as_bytes()] {
        fs::write(&head, damaged).expect("a file");
        let why = refused(&config(&data));
        assert!(matches!(why, Error::NotANote(..) | Error::NotOurs(..)), "{why}");
    }
    fs::write(&head, &sound).expect("a file");
    let renamed = Config { name: "another.example".to_owned(), ..config(&data) };
    assert!(matches!(refused(&renamed), Error::NotOurs(..)));
    Witness::open(&config(&data), StillClock::new().shared()).expect("it is sound again");
}

#[test]
fn one_folder_has_one_witness() {
    let stand = Stand::new();
    assert!(matches!(refused(&config(&stand.data())), Error::Taken(_)));
    // Its keys can be read meanwhile.
    let keys = verifiers(&config(&stand.data())).expect("keys");
    assert_eq!(keys, stand.witness.verifiers());
}

#[test]
fn keys_are_made_once_are_private_and_can_be_told_before_the_first_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(&folder.path().join("data"));
    let told = verifiers(&config).expect("new keys");
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|key| key.to_string().starts_with(&format!("{NAME}+"))));
    let witness = Witness::open(&config, StillClock::new().shared()).expect("a first start");
    assert_eq!(witness.verifiers(), told);
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    for file in ["ed25519.key", "ml-dsa-44.key"] {
        assert_eq!(mode(&config.data.join(file)), 0o600);
    }
    assert_eq!(mode(&config.data), 0o700);
}

#[test]
fn a_configuration_with_a_fault_is_refused() {
    let sound = config(Path::new("data")).logs[0].clone();
    let twice = vec![sound.clone(), sound.clone()];
    let with = |logs: Vec<LogConfig>| Config { logs, ..config(Path::new("data")) };
    let with_keys = |keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        with(vec![LogConfig { keys, ..sound.clone() }])
    };
    for (wrong, expected) in [
        (Config { name: "a b".to_owned(), ..config(Path::new("data")) }, "name: `a b`"),
        (with(twice), "is there twice"),
        (with(vec![sound.clone(); 1_001]), "at most 1000 logs"),
        (with(vec![LogConfig { origin: "a\nb".to_owned(), ..sound.clone() }]), "is no name"),
        (with_keys(&[]), "1 to 8 keys"),
        (with_keys(&["portico.example+00000000+AAAA"]), "cannot be read"),
    ] {
        let why = refused(&wrong).to_string();
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn a_configuration_is_one_file_and_its_folder_lies_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("witness.toml");
    let log = &config(Path::new("data")).logs[0];
    let key = &log.keys[0];
    let text = format!("name = \"{NAME}\"\n[[log]]\norigin = \"{ORIGIN}\"\nkeys = [\"{key}\"]\n");
    fs::write(&file, &text).expect("a file");
    let config = Config::read(&file).expect("a configuration");
    assert_eq!(config.data, folder.path().join("witness-data"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8470");
    fs::write(&file, text.replace("[[log]]", "[[logs]]")).expect("a file");
    assert!(matches!(Config::read(&file), Err(BadConfig::Toml(..))), "a key that is unknown");
    assert!(matches!(Config::read(&folder.path().join("none")), Err(BadConfig::Unreadable(..))));
}
