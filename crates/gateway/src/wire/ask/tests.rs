use super::*;

fn chat(body: &str) -> Result<Ask<'_>, BadAsk> {
    Ask::parse(Kind::Chat, body.as_bytes())
}

fn refused(body: &str) -> (String, Option<String>, &'static str) {
    let bad = chat(body).expect_err(body);
    (bad.message, bad.param, bad.code.unwrap_or(""))
}

fn with(settings: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{settings}}}"#)
}

#[test]
fn a_request_is_understood_as_far_as_routing_and_limits_need_it() {
    let body = r#"{ "model" : "gpt-4o", "messages":[{"role":"system","content":"be brief"},
        {"role":"user","content":"hi"}], "stream":true, "stream_options":{"include_usage":true},
        "max_tokens":10, "max_completion_tokens":20, "n":2, "temperature":0.7, "user":"u-\u0031",
        "tools":[{"type":"function","function":{"name":"f","parameters":{"x":[1,2,{"y":null}]}}}] }"#;
    let ask = chat(body).unwrap();
    assert_eq!(ask.model, "gpt-4o");
    assert_eq!(&body[ask.model_span.clone()], r#""gpt-4o""#);
    assert!(ask.stream && ask.wants_usage());
    assert_eq!(ask.completion_tokens_at_most(), Some(20));
    assert_eq!(ask.n, 2);
    assert_eq!(ask.prompt_tokens_with(IMAGE_TOKENS.into()), body.len() as u64);
}

#[test]
fn settings_left_out_or_null_take_their_defaults() {
    let body = with(r#""stream":null,"max_tokens":null,"n":null,"temperature":null,"user":null"#);
    let ask = chat(&body).unwrap();
    assert!(!ask.stream && !ask.wants_usage());
    assert_eq!((ask.n, ask.completion_tokens_at_most()), (1, None));
}

#[test]
fn an_image_is_reserved_by_number_and_not_by_its_bytes() {
    let data = "A".repeat(1_000_000);
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"text","text":"what?"}},
        {{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}},
        {{"type":"image_url","image_url":{{"url":"https://x.test/a.png"}}}}]}}]}}"#
    );
    let each = u64::from(IMAGE_TOKENS);
    let reserved = chat(&body).unwrap().prompt_tokens_with(each);
    assert!((2 * each..2 * each + 300).contains(&reserved), "{reserved}");
}

#[test]
fn broken_json_is_refused_with_its_line_and_column() {
    let (message, param, code) = refused("{\"model\":\"m\",\n \"messages\": [}");
    assert!(message.contains("line 2 column 15"), "{message}");
    assert_eq!((param, code), (None, "invalid_json"));
    assert_eq!(refused("").2, "invalid_json");
    assert_eq!(refused(&(with(r#""n":1"#) + "x")).2, "invalid_json");
    assert_eq!(refused("[]").0, "the body must be a JSON object");
    assert_eq!(
        Ask::parse(Kind::Chat, b"{\"model\":\"\xff\"}").unwrap_err().code,
        Some("invalid_json")
    );
}

#[test]
fn a_wrong_setting_is_refused_by_its_name() {
    for (setting, param, code) in [
        (r#""stream":"yes""#, "stream", "invalid_type"),
        (r#""stream_options":true"#, "stream_options", "invalid_type"),
        (r#""stream_options":{"include_usage":1}"#, "stream_options.include_usage", "invalid_type"),
        (r#""max_tokens":0"#, "max_tokens", "invalid_value"),
        (r#""max_tokens":-3"#, "max_tokens", "invalid_value"),
        (r#""max_tokens":1.5"#, "max_tokens", "invalid_type"),
        (r#""max_tokens":99999999999999999999"#, "max_tokens", "invalid_type"),
        (r#""max_completion_tokens":"9""#, "max_completion_tokens", "invalid_type"),
        (r#""max_completion_tokens":100000001"#, "max_completion_tokens", "invalid_value"),
        (r#""n":0"#, "n", "invalid_value"),
        (r#""n":129"#, "n", "invalid_value"),
        (r#""n":[1]"#, "n", "invalid_type"),
        (r#""temperature":2.01"#, "temperature", "invalid_value"),
        (r#""temperature":-1"#, "temperature", "invalid_value"),
        (r#""temperature":"hot""#, "temperature", "invalid_type"),
        (r#""user":7"#, "user", "invalid_type"),
    ] {
        let (message, named, found) = refused(&with(setting));
        assert_eq!((named.as_deref(), found), (Some(param), code), "{setting}: {message}");
    }
}

#[test]
fn a_request_needs_one_model() {
    let messages = r#""messages":[{"role":"user","content":"x"}]"#;
    for (model, code) in [
        (String::new(), "missing_required_parameter"),
        (r#""model":null,"#.to_owned(), "missing_required_parameter"),
        (r#""model":" ","#.to_owned(), "invalid_value"),
        (format!(r#""model":"{}","#, "a".repeat(257)), "invalid_value"),
        (r#""model":"a\rretry: 9","#.to_owned(), "invalid_value"),
        (r#""model":{"a":1},"#.to_owned(), "invalid_type"),
        (r#""model":"a","model":"b","#.to_owned(), "duplicate_parameter"),
        // The same key, spelt with an escape.
        (r#""model":"a","mod\u0065l":"b","#.to_owned(), "duplicate_parameter"),
    ] {
        let (_, param, found) = refused(&format!("{{{model}{messages}}}"));
        assert_eq!((param.as_deref(), found), (Some("model"), code), "{model}");
    }
}

#[test]
fn a_message_without_a_known_speaker_is_refused_by_its_place() {
    let good = r#"{"role":"user","content":"x"}"#;
    for (message, param) in [
        (r#"{"content":"x"}"#, "messages[2].role"),
        (r#"{"role":"wizard","content":"x"}"#, "messages[2].role"),
        (r#"{"role":1,"content":"x"}"#, "messages[2].role"),
        (r#"{"role":"user","role":"system"}"#, "messages[2].role"),
        (r#"{"role":"user","content":{"a":1}}"#, "messages[2].content"),
        (r#"{"role":"user","content":["x"]}"#, "messages[2].content"),
        (r#""hello""#, "messages[2]"),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{good},{good},{message}]}}"#);
        assert_eq!(refused(&body).1.as_deref(), Some(param), "{message}");
    }
    for messages in ["[]", "null", "{}", "\"hi\""] {
        let body = format!(r#"{{"model":"m","messages":{messages}}}"#);
        assert_eq!(refused(&body).1.as_deref(), Some("messages"), "{messages}");
    }
    assert_eq!(refused(r#"{"model":"m"}"#).1.as_deref(), Some("messages"));
}

#[test]
fn a_body_that_nests_without_end_is_refused_before_it_is_read() {
    let nested =
        |levels: usize| with(&format!(r#""x":{}1{}"#, "[".repeat(levels), "]".repeat(levels)));
    assert!(chat(&nested(63)).is_ok());
    assert_eq!(refused(&nested(64)).2, "too_deep");
    assert_eq!(refused(&"[".repeat(1_000_000)).2, "too_deep");
    assert!(
        chat(&with(&format!(r#""x":"{}""#, "[{\\\"".repeat(200)))).is_ok(),
        "text is not depth"
    );
}

#[test]
fn an_embedding_needs_something_to_embed() {
    let embed = |body: &'static str| Ask::parse(Kind::Embeddings, body.as_bytes());
    for good in [r#""x""#, r#"["a","b"]"#, "[1,2]", "[[1],[2]]"] {
        let body = format!(r#"{{"model":"e","input":{good},"encoding_format":"float"}}"#);
        assert!(Ask::parse(Kind::Embeddings, body.as_bytes()).is_ok(), "{good}");
    }
    for bad in [
        r#"{"model":"e"}"#,
        r#"{"model":"e","input":null}"#,
        r#"{"model":"e","input":""}"#,
        r#"{"model":"e","input":[ ]}"#,
        r#"{"model":"e","input":7}"#,
    ] {
        assert_eq!(embed(bad).unwrap_err().param.as_deref(), Some("input"), "{bad}");
    }
}
