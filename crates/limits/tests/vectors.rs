//! Runs `vectors/*.json`: steps and what they must answer, in memory and by the scripts of
//! the shared store.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod counted;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base::money::NanoCents;
use base::tasks::Tasks;
use base::testing::Redis;
use base::time::At;
use counted::Counted;
use limits::{
    Ask, Ceiling, Gauge, Level, NotOpen, Refused, Retry, Settled, Standing, Subject, Used,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// One file: a story, told in steps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    #[serde(rename = "about")]
    _about: String,
    lease_ms: u64,
    start: At,
    ceilings: BTreeMap<String, Ceiling>,
    steps: Vec<Step>,
}

/// At so many milliseconds after the start, do something and expect an answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at_ms: i64,
    #[serde(rename = "do")]
    verb: Verb,
    #[serde(default)]
    expect: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Verb {
    Reserve { id: String, subjects: Vec<String>, tokens: u64, money: NanoCents },
    Settle { id: String, tokens: u64, money: NanoCents },
    Abort { id: String },
    Extend { id: String },
    Limit { subject: String, ceiling: Ceiling },
    Load { subject: String, day_spent: NanoCents, month_spent: NanoCents },
    Tally { subject: String },
    Expired,
    Tidy,
}

#[tokio::test]
async fn every_vector_is_answered_as_written() {
    for (name, story) in stories() {
        let counted = Counted::in_memory(Duration::from_millis(story.lease_ms));
        told(&name, story, counted).await;
    }
}

#[tokio::test]
async fn every_vector_is_answered_as_written_by_the_scripts_of_the_store() {
    let Some(redis) = Redis::start().await else { return };
    let tasks = Tasks::new();
    let link = counted::link(&redis, None, &tasks);
    for (name, story) in stories() {
        let lease = Duration::from_millis(story.lease_ms);
        let counted = Counted::shared(
            &link,
            &name,
            lease,
            story.start - jiff::SignedDuration::from_hours(48),
        )
        .await;
        told(&name, story, counted).await;
    }
}

/// Every file, by its name.
fn stories() -> Vec<(String, Story)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let files = std::fs::read_dir(folder).unwrap();
    let stories: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let story = serde_json::from_slice(&std::fs::read(&path).unwrap());
            let name = path.display().to_string();
            let story = story.map_err(|error| format!("{name}: {error}"));
            (name, story.unwrap())
        })
        .collect();
    assert!(!stories.is_empty(), "there are vectors");
    stories
}

async fn told(name: &str, story: Story, counted: Counted) {
    let mut teller = Teller { book: counted, start: story.start, ceilings: story.ceilings };
    for (number, step) in story.steps.into_iter().enumerate() {
        let at = story.start + jiff::SignedDuration::from_millis(step.at_ms);
        let answer = teller.answer(at, step.verb).await;
        assert_eq!(answer, step.expect, "{name}, step {number}: got {answer}");
    }
}

struct Teller {
    book: Counted,
    start: At,
    ceilings: BTreeMap<String, Ceiling>,
}

impl Teller {
    async fn answer(&mut self, at: At, verb: Verb) -> Value {
        match verb {
            Verb::Reserve { id, subjects, tokens, money } => {
                self.reserve(at, &id, &subjects, Ask { tokens, money }).await
            }
            Verb::Settle { id, tokens, money } => {
                settled(self.book.settle(at, &id, Used { tokens, money }).await)
            }
            Verb::Abort { id } => settled(self.book.abort(at, &id).await),
            Verb::Extend { id } => match self.book.extend(at, &id).await {
                Ok(until) => json!({ "expires_ms": self.since_start(until) }),
                Err(NotOpen) => json!("not_open"),
            },
            Verb::Limit { subject, ceiling } => {
                self.ceilings.insert(subject, ceiling);
                Value::Null
            }
            Verb::Load { subject, day_spent, month_spent } => {
                self.book.load(at, &subject, day_spent, month_spent).await;
                Value::Null
            }
            Verb::Tally { subject } => {
                let tally = self.book.tally(at, &subject).await;
                json!({
                    "requests": tally.requests, "tokens": tally.tokens,
                    "concurrency": tally.concurrency,
                    "day_spent": tally.day_spent, "day_held": tally.day_held,
                    "month_spent": tally.month_spent, "month_held": tally.month_held,
                })
            }
            Verb::Expired => {
                let expired = self.book.expired(at).await;
                expired
                    .iter()
                    .map(|one| {
                        json!({ "id": &*one.request, "tokens": one.tokens,
                    "money": one.money, "expired_ms": self.since_start(one.expired_at) })
                    })
                    .collect()
            }
            Verb::Tidy => {
                self.book.tidy(at).await;
                Value::Null
            }
        }
    }

    async fn reserve(&mut self, at: At, id: &str, names: &[String], ask: Ask) -> Value {
        let open = Ceiling::default();
        let subjects: Vec<Subject<'_>> = names
            .iter()
            .map(|name| Subject {
                level: level(name),
                name,
                ceiling: self.ceilings.get(name).unwrap_or(&open),
            })
            .collect();
        match self.book.reserve(at, id, &subjects, ask).await {
            Ok(admitted) => json!({ "admitted": {
                "expires_ms": self.since_start(admitted.expires_at),
                "repeated": admitted.repeated,
                "standing": standing(&admitted.standing),
            } }),
            Err(refused) => json!({ "refused": refusal(&refused) }),
        }
    }

    fn since_start(&self, at: At) -> i64 {
        at.as_millisecond() - self.start.as_millisecond()
    }
}

fn refusal(refused: &Refused) -> Value {
    json!({
        "level": refused.level, "subject": refused.subject, "dimension": refused.dimension,
        "limit": refused.limit, "remaining": refused.remaining,
        "retry_ms": match refused.retry {
            Retry::After(wait) => json!(millis(wait)),
            Retry::Never => json!("never"),
        },
        "standing": standing(&refused.standing),
    })
}

fn settled(answer: Result<Settled, NotOpen>) -> Value {
    match answer {
        Ok(Settled::InTime) => json!("in_time"),
        Ok(Settled::Late) => json!("late"),
        Err(NotOpen) => json!("not_open"),
    }
}

fn standing(standing: &Standing) -> Value {
    let gauge = |gauge: &Gauge| {
        json!({ "level": gauge.level, "limit": gauge.limit,
                "remaining": gauge.remaining, "reset_ms": millis(gauge.reset) })
    };
    json!({
        "requests": standing.requests.as_ref().map(gauge),
        "tokens": standing.tokens.as_ref().map(gauge),
    })
}

fn level(name: &str) -> Level {
    match name.split(':').next() {
        Some("team") => Level::Team,
        Some("member") => Level::Member,
        Some("key") => Level::Key,
        Some("model") => Level::Model,
        _ => Level::Org,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}
