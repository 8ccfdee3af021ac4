use clap::Parser;
use verify::{Args, FAULT, PAGE, SOUND, UNREADABLE};

use crate::book::Book;
use crate::cases::LOG;
use crate::files::Files;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn run(args: &[&str]) -> (u8, String) {
    let command = Command::try_parse_from([&["verify"], args].concat()).expect("arguments");
    let mut out = Vec::new();
    let code = command.args.run(&mut out).expect("writes");
    (code, String::from_utf8(out).expect("text"))
}

#[test]
fn the_command_tells_people_and_programs_and_ends_with_a_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("writes");
        path.to_str().expect("text").to_owned()
    };
    let book = Book::of(300);
    let bundle = path("bundle.zip", &Files::whole(&book, &[LOG]).zip());
    let (code, told) = run(&[&bundle]);
    assert_eq!(code, SOUND, "{told}");
    assert!(told.starts_with("SOUND") && told.contains("entries 0 to 299 of 300, without a gap"));
    assert!(told.contains("Not proven"));

    let keys = path("keys", format!("{}\n", LOG.vkey()).as_bytes());
    let held = path("held", book.signed(200, &[LOG]).as_bytes());
    let earlier = path("earlier.zip", &Files::whole(&Book(book.0[..100].to_vec()), &[LOG]).zip());
    let with = ["--keys", &keys, "--checkpoint", &held, "--checkpoint", &earlier, "--json"];
    let (code, told) = run(&[&[bundle.as_str()], &with[..]].concat());
    assert_eq!(code, SOUND, "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["sound"], true);
    assert_eq!(told["outside"][1]["agreement"], "continued");
    assert_eq!(told["checkpoint"]["log"], "given");

    let mut altered = Files::whole(&book, &[LOG]);
    altered.replace("openings.jsonl", "req_20\\", "req_21\\");
    let (code, told) = run(&[&path("altered.zip", &altered.zip()), "--json"]);
    assert_eq!(code, FAULT);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(
        (&told["fault"]["index"], &told["fault"]["kind"]),
        (&20.into(), &"commitment".into())
    );

    let receipt = crate::receipts::of(&Book::of(30), &[LOG]);
    let (code, told) = run(&[&path("receipt.json", receipt.to_string().as_bytes())]);
    assert_eq!(code, SOUND, "{told}");
    assert!(told.starts_with("SOUND IN ITSELF") && told.contains("action: gateway.call.ended"));
    let altered = receipt.to_string().replace("203.0.113.9", "203.0.113.8");
    let (code, told) = run(&[&path("altered.json", altered.as_bytes()), "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((code, &told["fault"]["kind"]), (FAULT, &"commitment".into()));
    assert_eq!(run(&[&path("other.json", b"{}")]).0, UNREADABLE);

    for nothing in [path("nothing", b"nothing"), folder.path().join("absent").display().to_string()]
    {
        assert_eq!(run(&[&nothing]).0, UNREADABLE);
    }
    assert_eq!(run(&[&bundle, "--keys", &bundle]).0, UNREADABLE);
    assert_eq!(run(&[&bundle, "--checkpoint", &keys]).0, UNREADABLE);
}

#[test]
fn the_page_asks_nobody_for_anything() {
    assert!(PAGE.contains("default-src 'none'"));
    for word in ["http://", "https://", "fetch(", "XMLHttpRequest", "import(", "src="] {
        assert!(!PAGE.contains(word), "{word}");
    }
}
