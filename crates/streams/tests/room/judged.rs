//! What is sent, judged by code of others: the official OCSF schema and Standard Webhooks.

use audit::{CallFacts, Event, Outcome};
use base::db::{Statement, Within};
use base::testing::Python;
use base::time::Clock as _;
use serde_json::{Value, json};

use crate::bench::Room;
use crate::hook::Hook;

const OCSF: &str = "
import json, sys
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version='1.8.0'))
validators, faults, classes = {}, [], {}
events = json.load(sys.stdin)
for event in events:
    key = (event['class_uid'], tuple(event['metadata'].get('profiles', [])))
    if key not in validators:
        name = schema.lookup_class_name_from_uid(key[0])
        validators[key] = Draft202012Validator(schema.get_class_schema(name, profiles=list(key[1])))
    classes[key[0]] = classes.get(key[0], 0) + 1
    if event['metadata']['version'] != '1.8.0' or event['type_uid'] != event['class_uid'] * 100 + event['activity_id']:
        faults.append([event['metadata']['event_code'], 'type or version'])
    for error in validators[key].iter_errors(event):
        faults.append([event['metadata']['event_code'], list(map(str, error.path)), error.message[:300]])
json.dump({'faults': faults, 'classes': classes, 'events': len(events)}, sys.stdout)
";

fn facts(room: &Room, provider: Option<&str>) -> CallFacts {
    CallFacts {
        provider: provider.map(ToOwned::to_owned),
        tokens_in: 12,
        tokens_out: 30,
        price_nanocents: 5,
        attempts: 1,
        ..CallFacts::begun("gpt-x", room.clock.now())
    }
}

/// One event of each action and outcome, and some with what is special about calls.
async fn record_every_action(room: &Room, org: &identity::testing::Org) -> usize {
    let actions: Vec<_> = audit::actions().iter().map(|one| one.action).collect();
    assert!(actions.len() > 120, "{}", actions.len());
    let caller = room.caller(&room.identity, &org.member.key, Some("2001:db8::7")).await;
    let caller = caller.expect("is somebody");
    let kinds = ["member", "key", "session", "org", "connection", "service"];
    for (place, action) in actions.iter().enumerate() {
        for (turn, outcome) in Outcome::ALL.iter().enumerate() {
            let event = Event::done(action, kinds[(place + turn) % kinds.len()], "thing_1");
            let event = event.outcome(*outcome).changes(json!({ "name": { "to": "x" } }));
            let event = if action.starts_with("gateway.call.") {
                event.call(facts(room, (turn % 2 == 0).then_some("acme-ai")))
            } else {
                event.reason(json!({ "code": "not_so", "detail": "because" }))
            };
            room.record.note(&caller, &event).await.expect("is on disk");
        }
    }
    actions.len()
}

#[tokio::test]
async fn every_action_of_the_catalogue_is_an_event_that_the_official_schema_accepts() {
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let actions = record_every_action(&room, &org).await;
        room.publish().await;
        let target = json!({ "kind": "webhook", "url": hook.url });
        let made =
            room.made(&org, json!({ "name": "S", "format": "ocsf", "target": target })).await;
        let id = made["sink"]["id"].as_str().expect("an id").to_owned();
        room.until_delivered(&org, &id).await;
        room.does(&org, &id, "test", Value::Null).await;
        // Whoever is forgotten is forgotten here too: their keys are gone.
        let forget = Statement::new(
            "forget",
            "UPDATE audit_key SET wrapped = NULL WHERE org_id = $1 AND tag <> ''",
        );
        let owner = base::db::Db::open(&room.bench.owner_url).await.expect("opens");
        #[expect(
            clippy::disallowed_methods,
            reason = "a test destroys keys behind the product's back"
        )]
        {
            let mut tx = owner.begin(&Within::node()).await.expect("begins");
            tx.run(forget, base::args![org.id.as_str()]).await.expect("forgets");
            tx.commit().await.expect("commits");
        }
        owner.close().await;
        room.pass(600);
        let before = hook.items().len();
        assert_eq!(room.does(&org, &id, "replay", json!({ "from": 0 })).await.status, 200);
        room.until_delivered(&org, &id).await;
        let items = hook.items();
        let erased = items[before..].iter().filter(|item| {
            let erased = &item["unmapped"]["portico"]["erased"];
            erased.as_array().is_some_and(|parts| parts.contains(&json!("subject")))
                && item["actor"]["user"]["name"] == "erased"
        });
        assert!(erased.count() > actions, "what was erased says so");
        let calls = items.iter().filter(|item| item["ai_model"]["ai_provider"] == "acme-ai");
        assert!(calls.count() > 3, "a call names its model and provider");
        let models = items.iter().filter(|item| item["message_context"]["total_tokens"] == 42);
        assert!(models.count() > 3, "and its tokens");
        assert_eq!(items[5]["metadata"]["uid"], format!("{}/5", org.id));

        let Some(python) = Python::installed() else { continue };
        let verdict = python.says(OCSF, &[], &Value::from(items.clone()).to_string());
        let verdict: Value = serde_json::from_str(&verdict).expect("a verdict");
        assert_eq!(verdict["faults"], json!([]));
        assert_eq!(verdict["events"], items.len());
        let mut classes: Vec<_> = verdict["classes"].as_object().expect("classes").keys().collect();
        classes.sort();
        assert_eq!(classes, ["3001", "3002", "3004", "6003"]);
    }
}

const WEBHOOKS: &str = "
import json, sys
from datetime import datetime, timezone
import standardwebhooks.webhooks as w
from standardwebhooks import Webhook, WebhookVerificationError
for one in json.load(sys.stdin):
    # The clock of the test stands still; the judge looks at the same hour.
    class Then(datetime):
        @classmethod
        def now(cls, tz=None): return datetime.fromtimestamp(int(one['headers']['webhook-timestamp']), tz=timezone.utc)
    w.datetime = Then
    for secret, good in one['secrets']:
        hook = Webhook(secret)
        try:
            hook.verify(one['body'], one['headers']); was = True
        except WebhookVerificationError: was = False
        assert was == good, (was, good)
        try:
            hook.verify(one['body'] + ' ', one['headers']); raise SystemExit('altered')
        except WebhookVerificationError: pass
print('sound')
";

#[tokio::test]
async fn a_webhook_is_signed_as_standard_webhooks_are_by_both_secrets_for_a_day() {
    let Some(python) = Python::installed() else { return };
    for room in Room::on_each_engine().await {
        let (org, hook) = (room.org("acme").await, Hook::listening().await);
        let target = json!({ "kind": "webhook", "url": hook.url });
        let made = room.made(&org, json!({ "name": "S", "target": target })).await;
        let id = made["sink"]["id"].as_str().expect("an id").to_owned();
        let first = made["secret"].as_str().expect("a secret").to_owned();
        room.until_delivered(&org, &id).await;
        let rotated = room.does(&org, &id, "rotate", Value::Null).await.json();
        let second = rotated["secret"].as_str().expect("a secret").to_owned();
        room.until_delivered(&org, &id).await;
        room.pass(86_500);
        room.grow(&org, 1).await;
        room.until_delivered(&org, &id).await;
        let kept = hook.state().kept.clone();
        assert_eq!(kept.len(), 3);
        let holds = [(true, false), (true, true), (false, true)];
        let said: Vec<Value> = kept
            .iter()
            .zip(holds)
            .map(|(heard, (by_first, by_second))| {
                let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
                let headers: serde_json::Map<_, _> = names
                    .iter()
                    .map(|name| ((*name).to_owned(), heard.header(name).into()))
                    .collect();
                json!({ "headers": headers, "body": heard.body,
                        "secrets": [[first, by_first], [second, by_second]] })
            })
            .collect();
        assert_eq!(python.says(WEBHOOKS, &[], &Value::from(said).to_string()), "sound\n");
    }
}
