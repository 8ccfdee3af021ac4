use super::*;
use serde_json::{Value as Json, json};

fn template(json: &Json) -> Template {
    serde_json::from_value(json.clone()).unwrap()
}

fn values(json: &Json) -> BTreeMap<String, Value> {
    serde_json::from_value(json.clone()).unwrap()
}

fn quote() -> Template {
    template(&json!({
        "system": "Be {{tone}}. At most {{words}} words.",
        "user": "Rate {{ rate }}: {{question}} {{note}}",
        "variables": [
            {"name": "tone", "type": "choice", "choices": ["warm", "firm"], "default": "warm"},
            {"name": "words", "type": "number", "default": 80},
            {"name": "rate", "type": "number"},
            {"name": "note", "default": "", "description": "Anything else."}
        ],
        "model": "small", "settings": {"temperature": 0.2, "max_tokens": 100, "stop": ["END"]}
    }))
}

#[test]
fn a_template_is_filled_in_with_values_and_defaults() {
    let quote = quote();
    assert_eq!(quote.check(""), []);
    let filled = quote.render("Boise?", &values(&json!({"rate": 1250.5}))).unwrap();
    assert_eq!(filled.system, "Be warm. At most 80 words.");
    assert_eq!(filled.user, "Rate 1250.5: Boise? ");
    let all = json!({"rate": "12", "words": "9", "tone": "firm", "note": 7});
    let filled = quote.render("x", &values(&all)).unwrap();
    assert_eq!(filled.system, "Be firm. At most 9 words.");
    assert_eq!(filled.user, "Rate 12: x 7");
}

#[test]
fn a_large_number_keeps_its_digits() {
    let template =
        template(&json!({"user": "{{n}}", "variables": [{"name": "n", "type": "number"}]}));
    let filled = template.render("", &values(&json!({"n": 9_007_199_254_740_993_u64}))).unwrap();
    assert_eq!(filled.user, "9007199254740993");
}

#[test]
fn a_value_is_never_looked_into() {
    let sly = "{{rate}} {{note}} \\{{ }}";
    let filled = quote().render(sly, &values(&json!({"rate": 1, "note": "{{question}}"}))).unwrap();
    assert_eq!(filled.user, format!("Rate 1: {sly} {{{{question}}}}"));
}

#[test]
fn a_missing_or_invalid_value_is_named() {
    for (given, says) in [
        (json!({}), "variable `rate` is missing and has no default"),
        (json!({"rate": "much"}), "variable `rate` must be a number"),
        (json!({"rate": "inf"}), "variable `rate` must be a number"),
        (json!({"rate": ""}), "variable `rate` must be a number"),
        (json!({"rate": 1, "tone": "rude"}), "variable `tone` must be one of: warm, firm"),
        (json!({"rate": 1, "rte": 2}), "variable `rte` is not one of this pattern's variables"),
        (json!({"rate": 1, "question": "x"}), "variable `question` is not one of"),
        (json!({"rate": 1, "note": "x".repeat(32 * 1024 + 1)}), "variable `note` must not be"),
    ] {
        let error = quote().render("q", &values(&given)).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn a_filled_template_cannot_become_huge() {
    let many = template(&json!({"user": "{{question}}".repeat(2_000)}));
    assert_eq!(many.check(""), []);
    let error = many.render(&"x".repeat(1_000), &BTreeMap::new()).unwrap_err();
    assert_eq!(error.variable, "question");
}

#[test]
fn each_flaw_names_its_field() {
    let declared = |variable: Json| json!({"user": "{{a}}", "variables": [variable]});
    let many: Vec<_> = (0..21).map(|n| json!({"name": format!("v{n}")})).collect();
    let uses: Vec<_> = (0..21).map(|n| format!("{{{{v{n}}}}}")).collect();
    for (json, fields) in [
        (json!({"user": " "}), vec!["/user"]),
        (json!({"user": "{{question"}), vec!["/user"]),
        (json!({"system": "{{x}}", "user": "{{y}}"}), vec!["/system", "/user"]),
        (json!({"user": "a".repeat(32 * 1024 + 1)}), vec!["/user"]),
        (json!({"user": "a".repeat(32 * 1024)}), vec![]),
        (declared(json!({"name": "a"})), vec![]),
        (declared(json!({"name": "a", "type": "choice"})), vec!["/variables/0/choices"]),
        (declared(json!({"name": "a", "choices": ["x"]})), vec!["/variables/0/choices"]),
        (
            declared(json!({"name": "a", "type": "choice", "choices": ["x", "x", ""]})),
            vec!["/variables/0/choices/1", "/variables/0/choices/2"],
        ),
        (
            declared(json!({"name": "a", "type": "choice", "choices": ["x"], "default": "y"})),
            vec!["/variables/0/default"],
        ),
        (
            declared(json!({"name": "a", "type": "number", "default": "y"})),
            vec!["/variables/0/default"],
        ),
        (
            declared(json!({"name": "a", "description": "d".repeat(501)})),
            vec!["/variables/0/description"],
        ),
        (
            json!({"user": "{{a}}", "variables": [{"name": "a"}, {"name": "a"}]}),
            vec!["/variables/1/name"],
        ),
        (json!({"user": "x", "variables": [{"name": "a"}]}), vec!["/variables/0/name"]),
        (
            json!({"user": "{{question}}", "variables": [{"name": "question"}]}),
            vec!["/variables/0/name"],
        ),
        (json!({"user": uses.concat(), "variables": many}), vec!["/variables"]),
        (json!({"user": "{{x}}".repeat(1_000)}), vec!["/user"]),
        (json!({"user": "{{a", "variables": [{"name": "a"}]}), vec!["/user"]),
        (json!({"user": "x", "model": ""}), vec!["/model"]),
        (json!({"user": "x", "model": "patterns"}), vec!["/model"]),
        (json!({"user": "x", "model": "pattern/self"}), vec!["/model"]),
        (
            json!({"user": "x", "settings": {"temperature": 2.1, "top_p": -0.1, "max_tokens": 0}}),
            vec!["/settings/temperature", "/settings/top_p", "/settings/max_tokens"],
        ),
        (json!({"user": "x", "settings": {"stop": ["a", ""]}}), vec!["/settings/stop/1"]),
        (
            json!({"user": "x", "settings": {"stop": ["a", "b", "c", "d", "e"]}}),
            vec!["/settings/stop"],
        ),
    ] {
        let flaws = template(&json).check("");
        let found: Vec<_> = flaws.iter().map(|flaw| flaw.field.as_str()).collect();
        assert_eq!(found, fields, "{json} {flaws:?}");
    }
}

#[test]
fn what_is_not_known_is_refused() {
    for json in [
        json!({"user": "x", "sistem": "y"}),
        json!({"user": "x", "settings": {"temprature": 1}}),
        json!({"user": "x", "variables": [{"name": "a", "type": "date"}]}),
        json!({"user": "x", "variables": [{"name": "a", "default": true}]}),
        json!({"system": "x"}),
    ] {
        assert!(serde_json::from_value::<Template>(json.clone()).is_err(), "{json}");
    }
}
