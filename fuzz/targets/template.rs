//! Filling in a template: system text, user text, question and one value, with a zero
//! byte between them. A value is never looked into.
#![no_main]

use std::collections::BTreeMap;

use patterns::engine::{Kind, Settings, Template, Value, Variable};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split('\0').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    let (system, user, question, value) = (part(), part(), part(), part());
    let variables = [("a", Kind::Text), ("n", Kind::Number)].map(|(name, kind)| Variable {
        name: name.to_owned(),
        kind,
        choices: Vec::new(),
        default: Some(Value::Text("7".to_owned())),
        description: None,
    });
    let template = Template {
        system,
        user,
        variables: variables.into(),
        model: None,
        settings: Settings::default(),
    };
    let values = BTreeMap::from([("a".to_owned(), Value::Text(value.clone()))]);
    let Ok(filled) = template.render(&question, &values) else { return };
    assert!(filled.system.len() <= 1 << 20 && filled.user.len() <= 1 << 20);
    // Braces come from the template's own escapes or from values alone.
    let given = [&template.user, &question, &value];
    if !given.iter().any(|text| text.contains('{')) {
        assert!(!filled.user.contains('{'));
    }
    let only = Template { user: "{{a}}{{question}}".to_owned(), ..template };
    if let Ok(filled) = only.render(&question, &values) {
        assert_eq!(filled.user, format!("{value}{question}"));
    }
});
