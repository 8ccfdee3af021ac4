//! The vectors that other implementations are held to.

mod canonical;

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
    let file = include_str!("../../../../../docs/use/record-vectors.json");
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
        let call =
            CallFacts { price_nanocents: amount, attempts: 1, ..CallFacts::begun("small", at) };
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
