//! No answer under a limit in money may be longer than what is held for it.

use access::{Caller, Role};
use base::time::Clock;
use limits::{Ceiling, Level};

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
