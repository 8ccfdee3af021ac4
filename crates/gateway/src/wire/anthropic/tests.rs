use super::*;

fn refused(body: &str) -> (Option<String>, Option<&'static str>) {
    let target = Target { model: "claude", max_tokens: 10 };
    let bad = request(body.as_bytes(), &target).expect_err(body);
    (bad.param, bad.code)
}

fn with(settings: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{settings}}}"#)
}

#[test]
fn what_anthropic_cannot_do_is_refused_by_name_and_never_dropped() {
    for (setting, param) in [
        (r#""n":2"#, "n"),
        (r#""logprobs":true"#, "logprobs"),
        (r#""top_logprobs":1"#, "top_logprobs"),
        (r#""logit_bias":{"50256":-100}"#, "logit_bias"),
        (r#""presence_penalty":0.5"#, "presence_penalty"),
        (r#""frequency_penalty":-0.5"#, "frequency_penalty"),
        (r#""audio":{"voice":"alloy"}"#, "audio"),
        (r#""modalities":["text","audio"]"#, "modalities[1]"),
        (r#""functions":[{"name":"f"}]"#, "functions"),
        (r#""web_search_options":{}"#, "web_search_options"),
        (r#""response_format":{"type":"json_object"}"#, "response_format.type"),
        (r#""tools":[{"type":"custom"}]"#, "tools[0].type"),
    ] {
        assert_eq!(
            refused(&with(setting)),
            (Some(param.to_owned()), Some("unsupported_parameter"))
        );
    }
}

#[test]
fn a_request_that_makes_no_sense_is_refused_by_its_place() {
    for (setting, param) in [
        (r#""temperature":1.01"#, "temperature"),
        (r#""top_p":"high""#, "top_p"),
        (r#""stop":[1]"#, "stop[0]"),
        (r#""stop":{"a":1}"#, "stop"),
        (r#""tool_choice":"auto""#, "tool_choice"),
        (
            r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"maybe""#,
            "tool_choice",
        ),
        (r#""tools":[{"type":"function"}]"#, "tools[0].function"),
        (r#""tools":[{"type":"function","function":{}}]"#, "tools[0].function.name"),
        (r#""response_format":{"type":"json_schema"}"#, "response_format.json_schema"),
        (
            r#""response_format":{"type":"json_schema","json_schema":{}}"#,
            "response_format.json_schema.schema",
        ),
    ] {
        assert_eq!(refused(&with(setting)).0.as_deref(), Some(param), "{setting}");
    }
}

#[test]
fn a_message_that_cannot_be_said_is_refused_by_its_place() {
    for (message, param) in [
        (r#"{"role":"function","name":"f","content":"x"}"#, "messages[0].role"),
        (r#"{"role":"user","content":""}"#, "messages[0].content"),
        (r#"{"role":"system","content":"alone"}"#, "messages"),
        (r#"{"role":"tool","content":"x"}"#, "messages[0].tool_call_id"),
        (r#"{"role":"assistant","function_call":{}}"#, "messages[0].function_call"),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"[1]"}}]}"#,
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{"}}]}"#,
            "messages[0].tool_calls[0].function.arguments",
        ),
        (r#"{"role":"user","content":[{"type":"input_audio"}]}"#, "messages[0].content[0].type"),
        (
            r#"{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x.test"}}]}"#,
            "messages[0].content[0].type",
        ),
        (
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x.test/a.png"}}]}"#,
            "messages[0].content[0].image_url.url",
        ),
        (
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AA"}}]}"#,
            "messages[0].content[0].image_url.url",
        ),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{message}]}}"#);
        assert_eq!(refused(&body).0.as_deref(), Some(param), "{message}");
    }
}

#[test]
fn an_answer_that_is_not_a_message_is_not_passed_on() {
    let envelope = Envelope { id: "i", created: 0, model: "m" };
    for body in ["", "<html>", "{}", r#"{"content":[{"type":"tool_use","id":"x"}]}"#] {
        assert_eq!(answer(body.as_bytes(), &envelope), Err(BadAnswer), "{body}");
    }
}

#[test]
fn each_reason_to_stop_has_openais_word() {
    for (theirs, ours) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ] {
        assert_eq!(finish_reason(theirs), ours);
    }
}
