use std::collections::BTreeMap;

use super::super::case::Expected;
use super::super::pattern::Body;
use super::super::seeds;
use super::super::template_variable::Value;
use super::*;

const GOOD: &str = "patterns:
  - slug: a
    name: A
    triggers: [What is a?]
    answer: It is a.
";

#[test]
fn the_seeds_are_good_and_survive_a_round_trip() {
    for yaml in [seeds::EU, seeds::US, seeds::APAC] {
        let drafts = import(yaml).unwrap();
        assert_eq!(drafts.len(), 20);
        let answers = drafts.iter().filter(|d| matches!(d.draft.body, Body::Answer(_))).count();
        assert_eq!(answers, 14);
        let reset = drafts.iter().find(|d| d.draft.slug == "reset-password").unwrap();
        assert!(reset.draft.triggers.iter().any(|t| t == "How do I reset my password?"));
        let again = export(&drafts).unwrap();
        assert_eq!(import(&again).unwrap(), drafts, "{again}");
    }
    assert_eq!(import(&export(&[]).unwrap()).unwrap(), []);
}

#[test]
fn awkward_texts_survive_a_round_trip() {
    let mut drafts = import(GOOD).unwrap();
    for (place, text) in [
        "no",
        "123",
        "1e3",
        "~",
        "null",
        "- x",
        "# x",
        "a: b",
        "'",
        "\"",
        "\\",
        "{{x}}",
        "[x",
        "&a",
        "*a",
        "!!str x",
        "%",
        "@",
        "`",
        "<<",
        "=",
        "2026-01-01",
        "x #y",
        "日本",
        "🙂",
        "x\u{a0}y",
        "\u{feff}x",
        " x ",
        "| x",
        "> x",
        "---",
        "...",
        "0x1F",
        "1_000",
        ".inf",
        "true",
    ]
    .into_iter()
    .enumerate()
    {
        for answer in [
            text.to_owned(),
            format!("{text}\n"),
            format!("\n  {text}\n\n{text} \n\n"),
            format!("{text}\r\n\t{text}"),
            format!("{} {text}", "long ".repeat(60)),
            format!("{}\n{text}\n   \n", "long ".repeat(60)),
            format!("x\u{85}y\u{2028}z\u{0}{text}"),
        ] {
            drafts[0].draft.slug = format!("p{place}");
            drafts[0].draft.triggers = vec![format!("what {}", text.trim())];
            drafts[0].cases = Some(vec![Case {
                ask: answer.clone(),
                expect: Expected::Match,
                contains: Some(answer.clone()),
                variables: BTreeMap::from([("to".to_owned(), Value::Text(answer.clone()))]),
            }]);
            drafts[0].draft.body = Body::Answer(answer);
            let yaml = export(&drafts).unwrap();
            assert_eq!(import(&yaml).as_ref(), Ok(&drafts), "{yaml}");
        }
    }
}

#[test]
fn cases_survive_a_round_trip_whatever_their_variables_are_called() {
    let mut patterns = import(GOOD).unwrap();
    for cases in [None, Some(vec![])] {
        patterns[0].cases = cases;
        assert_eq!(import(&export(&patterns).unwrap()).as_ref(), Ok(&patterns));
    }
    for name in ["to", "null", "true", "no", "y", "n", "on", "inf", "nan", "e1", "b64", "a_b"] {
        for value in ["1", "1.0", "null", "true", "~", "", " x", "1e5"] {
            patterns[0].cases = Some(vec![Case {
                ask: "What is a?".to_owned(),
                expect: Expected::NoMatch,
                contains: None,
                variables: BTreeMap::from([
                    (name.to_owned(), Value::Text(value.to_owned())),
                    ("number".to_owned(), Value::Number(7.into())),
                ]),
            }]);
            let yaml = export(&patterns).unwrap();
            assert_eq!(import(&yaml).as_ref(), Ok(&patterns), "{yaml}");
        }
    }
}

#[test]
fn a_mistake_is_shown_with_its_place() {
    for (text, place, says) in [
        ("patterns:\n  - slug: [\n", (0, 0), ""),
        (&GOOD.replace("answer", "anser"), (5, 5), "anser"),
        (&GOOD.replace("    answer: It is a.\n", ""), (2, 5), "needs one of"),
        (&format!("{GOOD}    template: {{user: x}}\n"), (2, 5), "not both"),
        (&GOOD.replace("[What is a?]", "What is a?"), (4, 15), ""),
        (&format!("{GOOD}    slug: b\n"), (6, 5), "slug"),
        (&GOOD.replace("patterns", "pattern"), (1, 1), "pattern"),
        (&format!("{GOOD}    cases: [{{ ask: x, expect: maybe }}]\n"), (0, 0), "maybe"),
        (
            &format!("{GOOD}    cases: [{{ ask: x, expect: match, contain: y }}]\n"),
            (0, 0),
            "contain",
        ),
        ("", (0, 0), ""),
        ("- slug: a", (1, 1), ""),
        (&format!("{GOOD}---\n{GOOD}"), (6, 1), ""),
    ] {
        let error = import(text).unwrap_err();
        let ImportError::Form { line, column, message } = &error else { panic!("{error}") };
        assert!(place == (0, 0) || place == (*line, *column), "{text}\n{error}");
        assert!(message.contains(says), "{error}");
    }
}

#[test]
fn a_flaw_is_shown_with_its_pattern() {
    let two = format!("{GOOD}  - slug: a\n    name: ''\n    triggers: []\n    answer: x\n");
    let error = import(&two).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 6: /patterns/1/name must not be empty\n\
         line 6: /patterns/1/triggers needs at least one question\n\
         line 6: /patterns/1/slug is used twice in this file"
    );
}

#[test]
fn small_files_that_would_become_large_are_refused() {
    for (text, says) in [
        (GOOD.replace("It is a.", "&x It is a."), "anchors and aliases"),
        (format!("{GOOD}  - *x\n"), "unknown"),
        (GOOD.replace("    answer", "    <<: {name: b}\n    answer"), "merge key"),
        ("[".repeat(5_000), "line 1"),
        (GOOD.replace("It is a.", &"x".repeat(1024 * 1024)), "1 MiB"),
        (format!("patterns: [{}]", "{},".repeat(200_000)), "line 1"),
    ] {
        let error = import(&text).unwrap_err().to_string();
        assert!(error.contains(says) && error.len() < 1_000, "{error}");
    }
}

#[test]
fn a_thousand_patterns_are_the_most() {
    let file = |count: u32| {
        let mut text = String::from("patterns:\n");
        for n in 0..count {
            let one = format!("  - {{slug: p{n}, name: P, triggers: [What is {n}?], answer: x}}\n");
            text.push_str(&one);
        }
        text
    };
    assert_eq!(import(&file(1_000)).unwrap().len(), 1_000);
    let error = import(&file(1_001)).unwrap_err().to_string();
    assert!(error.contains("1,000 patterns"), "{error}");
}
