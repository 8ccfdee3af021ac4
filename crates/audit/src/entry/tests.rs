//! The vectors that other implementations are held to.

use access::{Caller, Region};
use base::seal::RootKey;
use serde_json::{Value, json};

use super::*;
use crate::event::{CallFacts, Event};
use crate::keys::{Holder, Key};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn draft() -> Draft {
    let event = json!({
        "organizationId": "org_01KDVDNA00CZ2CCEQ96X12QVPR", "userId": "mem_01KDVDNA00495K2ZPTT9ZNDTZG",
        "actorKind": "member", "action": "identity.member.changed", "resourceType": "member",
        "resourceId": "mem_01KDVDNA00Z4ZFFQ6V1V0QJ8QK", "outcome": "success",
        "ipAddress": "192.0.2.7", "userAgent": "Mozilla/5.0 (ä)", "requestId": "req_1",
        "timestamp": "2026-01-01T00:00:00Z", "region": "eu",
        "changes": {"role": {"from": "org:member", "to": "org:admin"}, "budget": {"to": 1.5e21}}
    });
    let Value::Object(event) = event else { unreachable!() };
    let place = ("org_01KDVDNA00CZ2CCEQ96X12QVPR".parse().unwrap(), Region::Eu);
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut draft = Draft::of_version_0(place, at, event).unwrap();
    draft.nonce = *b"nonce of 16 byte";
    draft
}

#[test]
fn the_vectors_in_the_documentation_are_what_the_code_makes() {
    let draft = draft();
    let raw = [[1; 32], [2; 32], [3; 32]];
    let keys = raw.map(|raw| Key::of(&RootKey::from_bytes(&raw).unwrap()).unwrap());
    let held = keys.each_ref().map(Some);
    let tags = [String::new(), String::new()];
    let sealed = Sealed::new(&draft, tags, &held).unwrap();
    let classes = Class::ALL.iter().zip(&keys).zip(commitments(&sealed.entry)).zip(raw);
    let classes = classes.map(|(((class, key), commitment), raw)| {
        json!({
            "class": class.as_str(), "key": hex(&raw),
            "salt": hex(&key.salt(*class, &draft.nonce)),
            "json": String::from_utf8(draft.json(*class).to_vec()).unwrap(),
            "commitment": hex(&commitment),
        })
    });
    let vectors = json!({
        "format": "audit/v1", "nonce": hex(&draft.nonce), "classes": classes.collect::<Vec<_>>(),
        "entry": hex(&sealed.entry), "leaf": hex(&tlog::Hash::of_leaf(&sealed.entry).0),
    });
    let text = format!("{vectors:#}\n");
    let file = include_str!("../../../../docs/use/record-vectors.json");
    assert_eq!(text, file, "what was written once must be read for ever");
}

#[test]
fn a_stored_event_reads_back_and_an_altered_one_does_not() {
    let draft = draft();
    let keys = [[1; 32], [2; 32], [3; 32]]
        .map(|raw| Key::of(&RootKey::from_bytes(&raw).unwrap()).unwrap());
    let held = keys.each_ref().map(Some);
    let sealed = Sealed::new(&draft, [String::new(), "a".repeat(24)], &held).unwrap();
    let bytes = sealed.to_bytes();
    assert_eq!(Sealed::from_bytes(&bytes).unwrap(), sealed);
    let stored = Stored { seq: 7, sealed };
    let event = stored.open(&held).unwrap().into_event();
    assert_eq!(event["changes"]["role"]["to"], "org:admin");
    assert_eq!(
        (&event["resourceId"], &event["sequence"]),
        (&json!("mem_01KDVDNA00Z4ZFFQ6V1V0QJ8QK"), &json!(7))
    );
    // Whatever byte is changed, the event is refused or its tags name another key.
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let Ok(sealed) = Sealed::from_bytes(&altered) else { continue };
        let tags = sealed.tags != stored.sealed.tags;
        assert!(tags || Stored { seq: 7, sealed }.open(&held).is_err(), "byte {at}");
    }
}

#[test]
fn what_is_forgotten_is_gone_and_the_entry_stands() {
    let draft = draft();
    let keys = [[1; 32], [2; 32], [3; 32]]
        .map(|raw| Key::of(&RootKey::from_bytes(&raw).unwrap()).unwrap());
    let [core, subject, payload] = &keys;
    let tags = [String::new(), String::new()];
    let whole =
        Sealed::new(&draft, tags.clone(), &[Some(core), Some(subject), Some(payload)]).unwrap();
    let stored = Stored { seq: 0, sealed: whole.clone() };
    let event = stored.open(&[Some(core), None, Some(payload)]).unwrap().into_event();
    assert_eq!(event["erased"], json!(["subject"]));
    assert!(event["userId"].is_null() && event["ipAddress"].is_null());
    assert_eq!(event["action"], "identity.member.changed");
    // An event about somebody who is forgotten already: two of them are not even alike.
    let born = |()| Sealed::new(&draft, tags.clone(), &[Some(core), None, Some(payload)]).unwrap();
    let [first, second] = [(); 2].map(born);
    assert!(first.subject.is_empty());
    assert_ne!(commitments(&first.entry)[1], commitments(&second.entry)[1]);
    assert_eq!(commitments(&first.entry)[0], commitments(&whole.entry)[0]);
}

#[test]
fn each_value_is_under_the_key_of_whom_it_is_about() {
    let person = Holder::of_person("mem_1");
    assert_eq!(Holder::of_payload("member", "mem_2", &person), Holder::Of("mem_2".to_owned()));
    assert_eq!(Holder::of_payload("call", "call_1", &person), person);
    assert_eq!(Holder::of_payload("pattern", "ptn_1", &person), Holder::Of("ptn_1".to_owned()));
    assert_eq!(Holder::of_payload("record", "org_1", &person), Holder::Org);
    assert_eq!(Holder::of_person("svc_1"), Holder::Org);
}

#[test]
fn an_amount_of_any_size_is_recorded_exactly() {
    let caller =
        Caller::operator("org_01KDVDNA00CZ2CCEQ96X12QVPR".parse().unwrap(), Region::Eu, "o");
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    for amount in [1, (1 << 53) - 1, (1 << 53) + 1, i64::MAX, i64::MIN] {
        let call = CallFacts {
            model: "small".to_owned(),
            provider: None,
            endpoint: None,
            provider_region: None,
            pattern: None,
            tokens_in: 0,
            tokens_out: 0,
            estimated: false,
            price_nanocents: amount,
            started_at: at,
            attempts: 1,
        };
        let event = Event::done("test.thing.set", "thing", "t").call(call.clone());
        let draft = Draft::new(&caller, &event.changes(json!({"to": [amount]})), None, at).unwrap();
        let core: Value = serde_json::from_slice(&draft.core).unwrap();
        let read: CallFacts = serde_json::from_value(core["call"].clone()).unwrap();
        assert_eq!(read, call);
        let payload: Value = serde_json::from_slice(&draft.payload).unwrap();
        let to = payload["changes"]["to"][0].to_string();
        assert_eq!(to.trim_matches('"'), amount.to_string());
    }
}

/// An event with everything, of somebody with everything, and this text wherever text is free.
fn everything(text: &str, amount: u64, resource: &str) -> Draft {
    let at: base::time::At = "2026-01-01T00:00:00Z".parse().unwrap();
    let org = "org_01KDVDNA00CZ2CCEQ96X12QVPR".parse().unwrap();
    let mut who = (*Caller::operator(org, Region::Eu, text)).clone();
    who.key = Some(access::KeyId::new(at));
    who.teams = [access::TeamId::new(at)].into();
    who.origin = access::Origin {
        ip: Some([192, 0, 2, 7].into()),
        user_agent: Some(text.to_owned()),
        request_id: text.to_owned(),
        trace_parent: None,
    };
    who.standing.session = Some(access::ShownSession {
        id: "sup_1".to_owned(),
        method: access::Method::Support,
        factor_at: Some(at),
        factor_due: false,
        confined: false,
    });
    let call = CallFacts {
        attempts: 1,
        endpoint: Some(text.to_owned()),
        estimated: true,
        model: text.to_owned(),
        pattern: Some(text.to_owned()),
        price_nanocents: 5,
        provider: Some(text.to_owned()),
        provider_region: Some(Region::Us),
        started_at: at,
        tokens_in: amount,
        tokens_out: 7,
    };
    let event = Event::done("test.thing.set", "thing", resource).call(call);
    let event = event.changes(json!({"to": text})).reason(json!({"code": "x"}));
    Draft::new(&Caller::identified(who), &event, Some("n1"), at).unwrap()
}

#[test]
fn every_field_of_an_event_stands_in_its_class_and_no_other() {
    let mut seen = std::collections::BTreeSet::new();
    for resource in ["t", "mem_01KDVDNA00Z4ZFFQ6V1V0QJ8QK"] {
        let draft = everything("a", 1, resource);
        for class in Class::ALL {
            let json: serde_json::Map<String, Value> =
                serde_json::from_slice(draft.json(class)).unwrap();
            seen.extend(json.into_iter().map(|(field, _)| (class, field)));
        }
    }
    let known = FIELDS.iter().map(|(field, class, _)| (*class, (*field).to_owned()));
    assert_eq!(seen, known.collect());
}

proptest::proptest! {
    #[test]
    fn what_is_written_in_order_is_canonical(text in "\\PC*|[\\x00-\\u{10ffff}]*", amount: u64) {
        let draft = everything(&text, amount, "mem_01KDVDNA00Z4ZFFQ6V1V0QJ8QK");
        for class in Class::ALL {
            let value: Value = serde_json::from_slice(draft.json(class)).unwrap();
            let canonical = serde_json_canonicalizer::to_vec(&value).unwrap();
            proptest::prop_assert_eq!(draft.json(class), canonical);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
fn python() -> Option<String> {
    // `cargo xtask test` installs the judge beside the Python client.
    std::env::var("PORTICO_TEST_PYTHON").ok()
}

const RFC8785: &str = "
import json, rfc8785, sys
texts = json.load(sys.stdin)
for text in texts:
    other = rfc8785.dumps(json.loads(text)).decode()
    assert other == text, (other, text)
print(len(texts))
";

#[test]
fn a_program_of_others_writes_what_is_committed_to_byte_for_byte_the_same() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let Some(python) = python() else { return };
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let org = "org_01KDVDNA00CZ2CCEQ96X12QVPR".parse().unwrap();
    let caller = Caller::operator(org, Region::Eu, "o");
    let mut texts = Vec::new();
    for number in 0..500_i32 {
        // Members whose names UTF-16 and UTF-8 sort differently, escapes, and doubles of every size.
        let character =
            char::from_u32(u32::try_from(number).unwrap() * 2_221).unwrap_or('\u{fb33}');
        let double = f64::from(number + 1) * 1.1_f64.powi(number * 13 - 3_000);
        let changes = json!({
            "\u{1f600}": number, "\u{fb33}": [double, -double, 0.0, 1e21, 1e-7], "": null,
            character.to_string(): format!("\"\\\u{0}\u{1f}\u{7f}{character}\u{2028}"),
        });
        let event = Event::done("test.thing.set", "thing", format!("t{character}"));
        let draft = Draft::new(&caller, &event.changes(changes), None, at).unwrap();
        texts
            .extend(Class::ALL.map(|class| String::from_utf8(draft.json(class).to_vec()).unwrap()));
        let draft = everything(&character.to_string(), u64::MAX, "t");
        texts
            .extend(Class::ALL.map(|class| String::from_utf8(draft.json(class).to_vec()).unwrap()));
    }
    let mut judge = Command::new(python);
    judge.args(["-c", RFC8785]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut judge = judge.stderr(Stdio::piped()).spawn().unwrap();
    judge.stdin.take().unwrap().write_all(json!(texts).to_string().as_bytes()).unwrap();
    let said = judge.wait_with_output().unwrap();
    let why = String::from_utf8_lossy(&said.stderr);
    assert_eq!(String::from_utf8_lossy(&said.stdout), format!("{}\n", texts.len()), "{why}");
}
