//! No answer under a limit in money may be longer than what is held for it.

use access::{Caller, Role};
use base::time::Clock;
use limits::{Ceiling, Level};
use serde_json::json;

use crate::bench::{Door, PLAIN};

const MESSAGES: &str = r#""messages":[{"role":"user","content":"caf\u00e9"}] , "n":2 }"#;

/// Somebody of an org with a budget.
async fn bounded(door: &Door) -> Caller {
    let owner = door.somebody(access::OrgId::new(door.clock.now()), Role::Owner, None);
    let ceiling =
        Ceiling { money_per_day: Some("5".parse().expect("money")), ..Ceiling::default() };
    door.limits.set(&owner, Level::Org, "org", ceiling).await.expect("sets");
    owner
}

/// What reaches the provider of a body that begins so.
async fn sent(door: &Door, caller: &Caller, begins: &str) -> String {
    let body = format!("{begins}{MESSAGES}");
    let answer = door.post(caller, "/v1/chat/completions", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let (_, sent) = door.provider.last().expect("a call");
    let sent = String::from_utf8(sent.to_vec()).expect("text");
    sent.strip_suffix(MESSAGES).expect("the rest is the caller's, byte for byte").to_owned()
}

#[tokio::test]
async fn a_provider_is_told_the_ceiling_that_is_held_for_where_money_is_limited() {
    let door = Door::on_sqlite(PLAIN).await;
    let (bounded, open) = (bounded(&door).await, door.member());
    for (begins, told) in [
        (r#"{ "model":"fake", "#, r#"{"max_completion_tokens":1000, "model":"fixed", "#),
        (
            r#"{"model":"fake","max_completion_tokens":9,"#,
            r#"{"model":"fixed","max_completion_tokens":9,"#,
        ),
        (r#"{"max_tokens" :9,"model":"fake","#, r#"{"max_completion_tokens" :9,"model":"fixed","#),
        (
            r#"{"stream":true,"stream_options":{"include_usage":true},"model":"fake","#,
            r#"{"max_completion_tokens":1000,"stream":true,"stream_options":{"include_usage":true},"model":"fixed","#,
        ),
        // It costs nothing, so no budget is at stake.
        (r#"{"model":"fixed","#, r#"{"model":"fixed","#),
    ] {
        assert_eq!(sent(&door, &bounded, begins).await, told);
        let as_it_came = begins.replace("fake", "fixed");
        assert_eq!(sent(&door, &open, begins).await, as_it_came, "without a budget");
    }
}

#[tokio::test]
async fn a_ceiling_that_nobody_named_leaves_room_for_the_prompt() {
    let small = PLAIN.replace(
        "max_output_tokens = 1000\nroutes = [{ endpoint = \"fake-eu\", model = \"fixed\" }]",
        "max_output_tokens = 1000\ncontext_tokens = 2000\nroutes = [{ endpoint = \"fake-eu\", model = \"fixed\" }]",
    );
    let small = small.replace(
        "[models.claude]",
        "[models.claude]\nmax_output_tokens = 1000\ncontext_tokens = 2000",
    );
    let door = Door::on_sqlite(&small).await;
    let caller = bounded(&door).await;
    let told = async |model: &str, bytes: usize, name: &str, more: serde_json::Value| {
        let words = json!([{ "role": "user", "content": "abc ".repeat(bytes / 4) }]);
        let mut ask = json!({ "model": model, "messages": words });
        ask.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("one"));
        let answer = door.chat(&caller, ask).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let (_, sent) = door.provider.last().expect("a call");
        let sent: serde_json::Value = serde_json::from_slice(&sent).expect("JSON");
        sent[name].as_u64().expect("a ceiling")
    };
    for (model, name) in [("fake", "max_completion_tokens"), ("claude", "max_tokens")] {
        assert_eq!(told(model, 100, name, json!({})).await, 1000);
        // A thousand tokens of prompt.
        let left = told(model, 4_000, name, json!({})).await;
        assert!((700..1000).contains(&left), "{left}");
        // No guess leaves less.
        assert_eq!(told(model, 40_000, name, json!({})).await, 125);
        // The caller's number is the caller's.
        assert_eq!(told(model, 4_000, name, json!({ "max_tokens": 990 })).await, 990);
    }
}

#[tokio::test]
async fn a_provider_that_knows_the_older_name_of_the_ceiling_alone_is_told_it_by_that() {
    let older = PLAIN.replacen("provider = \"fake\"", "ceiling_name = \"max_tokens\"", 1);
    let door = Door::on_sqlite(&older).await;
    let caller = bounded(&door).await;
    for (begins, told) in [
        (r#"{"model":"fake","#, r#"{"max_tokens":1000,"model":"fixed","#),
        (r#"{"model":"fake","max_tokens":9,"#, r#"{"model":"fixed","max_tokens":9,"#),
        (r#"{"model":"fake","max_completion_tokens":1,"#, r#"{"model":"fixed","max_tokens":1,"#),
        (
            r#"{"max_tokens":null,"max_completion_tokens":1,"model":"fake","#,
            r#"{"max_tokens":1,"max_completion_tokens":null,"model":"fixed","#,
        ),
    ] {
        assert_eq!(sent(&door, &caller, begins).await, told);
    }
}
