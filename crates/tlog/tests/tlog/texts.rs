//! The examples of the specifications, and that each thing has one text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog::proof::Proof;
use tlog::tile::{self, Bundle, Malformed, Tile};
use tlog::witness::Request;
use tlog::{Checkpoint, Hash, Note, SIZE_MAX, Verifier};

use crate::keys;
use crate::small_log::SmallLog;

/// C2SP `tlog-cosignature`.
const COSIGNED: &str = "\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";

/// C2SP `tlog-witness`, what comes before the checkpoint.
const ASKED: &str = "\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

";

#[test]
fn each_thing_has_one_text() {
    let note = Note::parse(COSIGNED.as_bytes()).expect("a note");
    assert_eq!(note.to_string(), COSIGNED);
    let checkpoint = Checkpoint::parse(note.text()).expect("a checkpoint");
    assert_eq!(checkpoint.to_string(), note.text());
    assert_eq!(checkpoint.origin(), "example.com/behind-the-sofa");
    assert_eq!(checkpoint.size(), 20_852_163);
    let [log, cosigner] = note.signatures() else { panic!("two signatures") };
    assert_eq!((log.id().to_string().as_str(), log.bytes().len()), ("033de0ae", 64));
    assert_eq!(cosigner.name().as_str(), "witness.example.com/w1");
    assert_eq!(cosigner.bytes()[..8], 1_679_315_147u64.to_be_bytes());

    let asked = format!("{ASKED}{COSIGNED}");
    let request = Request::parse(asked.as_bytes()).expect("a request");
    assert_eq!((request.old(), request.path().len()), (20_852_014, 4));
    assert_eq!(request.to_string(), asked);

    let log = SmallLog::of(5);
    let note = log.signed(5, &[&keys::log()]);
    let path = log.at(5).inclusion(4).expect("tiles");
    let proof = Proof::new(4, path.clone(), note.clone()).expect("a proof");
    let expected = format!("c2sp.org/tlog-proof@v1\nindex 4\n{}\n\n{note}", path[0]);
    assert_eq!(proof.to_string(), expected);
    let proof = proof.with_extra(b"beside".to_vec()).expect("extra");
    let extra = STANDARD.encode("beside");
    let expected = expected.replace("index", &format!("extra {extra}\nindex"));
    assert_eq!(proof.to_string(), expected);
    assert_eq!(Proof::parse(expected.as_bytes()), Ok(proof));
}

#[test]
fn other_spellings_are_refused() {
    let root = Hash::EMPTY.to_string();
    for wrong in [
        String::new(),
        format!("\n1\n{root}\n"),
        format!("log\n1\n{root}"),
        format!("log\n01\n{root}\n"),
        format!("log\n+1\n{root}\n"),
        format!("log\n9223372036854775808\n{root}\n"),
        format!("log\n1\n{}\n", &root[..43]),
        format!("log\n1\n{root}\n\n"),
        format!("log\n1\n{root}\nan extension"),
        format!("log\r\n1\r\n{root}\r\n"),
        format!("{}\n1\n{root}\n", "l".repeat(256)),
        format!("log\n1\n{root}\n{}", "line\n".repeat(17)),
    ] {
        assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?}");
    }
    let log = SmallLog::of(2);
    let note = log.signed(2, &[&keys::log()]).to_string();
    let hash = log.frontier.root();
    for wrong in [
        format!("c2sp.org/tlog-proof@v2\nindex 0\n{hash}\n\n{note}"),
        format!("c2sp.org/tlog-proof@v1\nindex 00\n{hash}\n\n{note}"),
        format!("c2sp.org/tlog-proof@v1\nextra \nindex 0\n{hash}\n\n{note}"),
        format!("c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n{hash}\n\n{note}"),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n{hash}\n{note}"),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n{}\n{note}", format!("{hash}\n").repeat(64)),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n{hash}\n\n{}", note.replace('\u{2014}', "-")),
    ] {
        assert!(Proof::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
}

#[test]
fn paths_are_those_of_the_specification() {
    // C2SP `tlog-tiles`: the index 1234067, and trees of 256 and of 70,000 leaves.
    assert_eq!(Tile::new(0, 1_234_067, 256).expect("a tile").path(), "tile/0/x001/x234/067");
    assert_eq!(Bundle::new(67, 12).expect("a bundle").path(), "tile/entries/067.p/12");
    let paths = |size| tile::tiles(0, size).map(|tile| tile.path()).collect::<Vec<_>>();
    assert_eq!(paths(256), ["tile/0/000", "tile/1/000.p/1"]);
    let all = paths(70_000);
    assert_eq!(all.len(), 273 + 1 + 1 + 1 + 1);
    assert_eq!(
        all[272..],
        ["tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    );
    for path in &all {
        assert_eq!(Tile::from_path(path).map(|tile| tile.path()), Ok(path.clone()));
    }
    for wrong in [
        "tile/0/67",
        "tile/0/0067",
        "tile/00/067",
        "tile/+0/067",
        "tile/8/000",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/0/x067",
        "tile/0/067.p/0",
        "tile/0/067.p/256",
        "tile/0/067.p/012",
        "tile/0/067.p/+1",
        "tile/0/067.p",
        "tile/0/067/",
        "/tile/0/067",
        "tile/entries/067",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/7/127",
    ] {
        assert!(Tile::from_path(wrong).is_err(), "{wrong}");
    }
    assert!(Bundle::from_path("tile/0/067").is_err());
    assert_eq!(Bundle::from_path("tile/entries/x001/000"), Bundle::new(1_000, 256));
}

#[test]
fn tiles_and_bundles_have_exactly_their_bytes() {
    let tile = Tile::within(0, 1, 259).expect("a tile");
    assert_eq!((tile.width(), tile.is_full()), (3, false));
    let hashes = [1, 2, 3].map(|byte| Hash([byte; 32]));
    let bytes = tile.encode(&hashes).expect("three");
    assert_eq!(tile.decode(&bytes), Ok(hashes.to_vec()));
    assert_eq!(tile.encode(&hashes[1..]), Err(Malformed::Length { expected: 96, found: 64 }));
    assert!(tile.decode(&bytes[1..]).is_err());
    assert!(tile.decode(&[&bytes[..], &[0]].concat()).is_err());
    assert_eq!(Tile::within(0, 2, 259), None);
    assert_eq!(Tile::within(8, 0, SIZE_MAX), None);
    assert_eq!(Tile::within(7, 0, SIZE_MAX).map(|tile| tile.width()), Some(127));

    let bundle = Bundle::within(1, 259).expect("a bundle");
    let long = vec![7; 65_536];
    let entries = [&b""[..], &long[1..], b"last"];
    let bytes = bundle.encode(&entries).expect("three");
    assert_eq!(bytes.len(), 2 + 2 + 65_535 + 2 + 4);
    assert_eq!(bytes[..4], [0, 0, 0xff, 0xff]);
    assert_eq!(bundle.decode(&bytes), Ok(entries.to_vec()));
    assert_eq!(bundle.encode(&entries[1..]), Err(Malformed::Entries));
    assert_eq!(bundle.encode(&[&long[..], b"", b""]), Err(Malformed::EntryTooLong));
    assert_eq!(bundle.decode(&bytes[..bytes.len() - 1]), Err(Malformed::Entries));
    assert_eq!(bundle.decode(&[&bytes[..], &[0, 0]].concat()), Err(Malformed::Entries));
}

#[test]
fn a_verifier_key_is_read_from_its_one_text() {
    for signer in [keys::log(), keys::witness(), keys::witness_mldsa()] {
        let text = signer.verifier().to_string();
        assert_eq!(text.parse::<Verifier>().as_ref(), Ok(signer.verifier()));
        let (name, rest) = text.split_once('+').expect("a plus");
        for wrong in [
            format!("other+{rest}"),
            format!("{name}+00000000+{}", &rest[9..]),
            format!("{name}+{}+{}", rest[..8].to_uppercase() + "A", &rest[9..]),
            text.trim_end_matches('=').to_owned() + "A",
            format!("{name} +{rest}"),
            format!("{text}\n"),
        ] {
            assert!(wrong.parse::<Verifier>().is_err(), "{wrong}");
        }
    }
}
