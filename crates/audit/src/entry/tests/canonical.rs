//! What is committed to, byte for byte.

use std::collections::BTreeSet;

use access::{Caller, Region};
use base::testing::Python;
use serde_json::{Value, json};

use super::super::{Class, Draft, FIELDS};
use crate::event::{CallFacts, Event};

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
        hedge: Some(text.to_owned()),
        pattern: Some(text.to_owned()),
        price_nanocents: 5,
        provider: Some(text.to_owned()),
        provider_region: Some(Region::Us),
        tokens_in: amount,
        tokens_out: 7,
        ..CallFacts::begun(text, at)
    };
    let event = Event::done("test.thing.set", "thing", resource).call(call);
    let event = event.changes(json!({"to": text})).reason(json!({"code": "x"}));
    Draft::new(&Caller::identified(who), &event, Some("n1"), at).unwrap()
}

#[test]
fn every_field_of_an_event_stands_in_its_class_and_no_other() {
    let mut seen = BTreeSet::new();
    for resource in ["t", "mem_01KDVDNA00Z4ZFFQ6V1V0QJ8QK"] {
        let mut draft = everything("a", 1, resource);
        draft.came_through("0a/1".to_owned()).unwrap();
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
        // Nor does it change on its way through a journal, but for the word that it came so.
        let mut through = Draft::of_written(&draft.org, &draft.written().unwrap()).unwrap();
        for class in Class::ALL {
            proptest::prop_assert_eq!(draft.json(class), through.json(class));
            proptest::prop_assert_eq!(draft.holder(class), through.holder(class));
        }
        through.came_through("0a/1".to_owned()).unwrap();
        proptest::prop_assert_eq!(through.nonce, draft.nonce);
        for draft in [draft, through] {
        for class in Class::ALL {
            let value: Value = serde_json::from_slice(draft.json(class)).unwrap();
            let canonical = serde_json_canonicalizer::to_vec(&value).unwrap();
            proptest::prop_assert_eq!(draft.json(class), canonical);
        }
        }
    }
}

const RFC8785: &str = "
import json, rfc8785, sys
texts = json.load(sys.stdin)
# What is beyond 2^53 and not text is a double, however few digits behind the point it has.
def number(text): return int(text) if abs(int(text)) < 2**53 else float(text)
for text in texts:
    other = rfc8785.dumps(json.loads(text, parse_int=number)).decode()
    assert other == text, (other, text)
print(len(texts))
";

#[test]
fn a_program_of_others_writes_what_is_committed_to_byte_for_byte_the_same() {
    let Some(python) = Python::installed() else { return };
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
    let said = python.says(RFC8785, &[], &json!(texts).to_string());
    assert_eq!(said, format!("{}\n", texts.len()));
}
