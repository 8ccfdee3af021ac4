//! Answers of the embedded engine: no provider, the same record and limits.

use std::fmt::Write as _;

use access::Caller;
use audit::CallFacts;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use limits::Ask as LimitAsk;
use serde_json::{Map, Value, json};

use crate::Gateway;
use crate::call::{Call, CallId, End};
use crate::engine::{Answered, Answerer, Question};
use crate::error::Error;
use crate::reply::Reply;
use crate::wire::ask::{Ask, Kind};
use crate::wire::last_user_text::last_user_text;
use crate::wire::usage::Usage;

/// The record's name for the provider that lives in this process.
const PROVIDER: &str = "portico";

impl Gateway {
    /// Answers `patterns` and `pattern/<slug>`.
    pub(crate) async fn embedded(
        &self,
        caller: &Caller,
        ask: &Ask<'_>,
        body: &Bytes,
    ) -> Result<Reply, Error> {
        let text = last_user_text(ask).unwrap_or_default();
        let variables = variables(body)?;
        let question = Question { model: &ask.model, text: &text, variables: &variables };
        match self.0.engine.answer(caller, question).await? {
            Answered::Text { by, text: said } => {
                self.say(caller, ask, &text, Some(&by), &said).await
            }
            Answered::Nothing { text: said } => self.say(caller, ask, &text, None, &said).await,
            Answered::Ask { by, model, request } => {
                self.ask_model(caller, ask, &by, model, request).await
            }
        }
    }

    /// Runs a rendered template on a model. That the pattern may be run is permission
    /// enough: the model is part of what was approved. What is more sensitive than the
    /// model is approved for is not sent to it.
    async fn ask_model(
        &self,
        caller: &Caller,
        ask: &Ask<'_>,
        by: &Answerer,
        model: Option<String>,
        mut request: Map<String, Value>,
    ) -> Result<Reply, Error> {
        let catalogue = self.0.catalogue.load_full();
        let name = model.or_else(|| catalogue.default_model.clone()).unwrap_or_default();
        let model = catalogue.model(&name, caller.region).ok_or_else(|| {
            let pattern = by.slug.clone();
            Error::NoModelForPattern { pattern, model: name.clone(), region: caller.region }
        })?;
        if let (Some(class), Some(approved)) = (by.data_class, model.data_class)
            && class > approved
        {
            let pattern = by.slug.clone();
            return Err(Error::NotApproved { pattern, class, model: name, approved });
        }
        request.insert("model".into(), name.into());
        if ask.stream {
            request.insert("stream".into(), true.into());
            let options = json!({ "include_usage": ask.wants_usage() });
            request.insert("stream_options".into(), options);
        }
        let body = Bytes::from(Value::Object(request).to_string());
        let rendered = Ask::parse(Kind::Chat, &body)?;
        let mut reply = self.invoke(caller, model, &rendered, &body, Some(named(by))).await?;
        name_pattern(reply.headers_mut(), by);
        Ok(reply)
    }

    /// Says a text, recorded and counted like any answer.
    async fn say(
        &self,
        caller: &Caller,
        ask: &Ask<'_>,
        question: &str,
        by: Option<&Answerer>,
        text: &str,
    ) -> Result<Reply, Error> {
        let at = self.0.clock.now();
        let id = CallId::new(at);
        // A token is about four bytes.
        let tokens = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX).div_ceil(4);
        let (prompt, completion) = (tokens(question), tokens(text));
        let total = prompt.saturating_add(completion);
        let usage = Usage { prompt, completion, total, ..Usage::default() };
        let reserve = LimitAsk { tokens: total, money: base::money::NanoCents::ZERO };
        let model: &str = &ask.model;
        let hold = self.0.limits.reserve(caller, model, id.as_str(), reserve, at).await?;
        let facts = CallFacts {
            provider: Some(PROVIDER.to_owned()),
            endpoint: Some("embedded".to_owned()),
            provider_region: Some(caller.region),
            pattern: by.map(named),
            attempts: 1,
            ..CallFacts::begun(model, hold.reserved_at())
        };
        let with = (&self.0.record, &self.0.clock, &self.0.telemetry);
        let (mut call, intent) = Call::begin(id, caller, facts, hold, None, with);
        let mut headers = call.headers();
        if let Some(by) = by {
            name_pattern(&mut headers, by);
        }
        let said = Said { id: call.id.as_str(), created: at.as_second(), ask, by, text, usage };
        let answer = if ask.stream { said.events() } else { said.whole() };
        let ending = call.ending.clone();
        let outcome = call.close(&End { estimated: true, ..End::well(usage) });
        intent.await?;
        let proof = outcome.await?;
        caller.standing.life.check()?;
        let mut reply = Reply::whole(&proof, headers, answer).ending(ending);
        if ask.stream {
            let kind = HeaderValue::from_static("text/event-stream");
            reply.headers_mut().insert(CONTENT_TYPE, kind);
        }
        Ok(reply)
    }
}

/// What the record calls a pattern: `reset-password@3`.
fn named(by: &Answerer) -> String {
    format!("{}@{}", by.slug, by.version)
}

/// Says in a header which pattern answered, whoever wrote the body.
fn name_pattern(headers: &mut HeaderMap, by: &Answerer) {
    if let Ok(name) = HeaderValue::from_str(&named(by)) {
        headers.insert("portico-pattern", name);
    }
}

/// The `variables` of a body, an extension of ours beside `OpenAI`'s fields.
fn variables(body: &[u8]) -> Result<Map<String, Value>, Error> {
    #[derive(serde::Deserialize)]
    struct Extension {
        #[serde(default)]
        variables: Map<String, Value>,
    }
    serde_json::from_slice::<Extension>(body).map(|extension| extension.variables).map_err(|_| {
        crate::wire::BadAsk::wrong_type("variables", "an object of names and values").into()
    })
}

/// A text as a chat completion.
struct Said<'a> {
    id: &'a str,
    created: i64,
    ask: &'a Ask<'a>,
    by: Option<&'a Answerer>,
    text: &'a str,
    usage: Usage,
}

impl Said<'_> {
    fn usage(&self) -> Value {
        json!({
            "prompt_tokens": self.usage.prompt,
            "completion_tokens": self.usage.completion,
            "total_tokens": self.usage.total,
        })
    }

    /// Which pattern answered, or that none did.
    fn portico(&self) -> Value {
        match self.by {
            None => json!({ "pattern": null }),
            Some(by) => {
                let score = f64::from(by.score_thousandths) / 1000.0;
                let (slug, version) = (&by.slug, by.version);
                json!({ "pattern": { "id": by.id, "slug": slug, "version": version, "score": score } })
            }
        }
    }

    fn whole(&self) -> Bytes {
        let message = json!({ "role": "assistant", "content": self.text, "refusal": null });
        let choice =
            json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": "stop" });
        let answer = json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.ask.model,
            "choices": [choice],
            "usage": self.usage(),
            "system_fingerprint": null,
            "portico": self.portico(),
        });
        Bytes::from(answer.to_string())
    }

    fn events(&self) -> Bytes {
        let chunk = |choices: Value| {
            json!({
                "id": self.id,
                "object": "chat.completion.chunk",
                "created": self.created,
                "model": self.ask.model,
                "choices": choices,
                "system_fingerprint": null,
            })
        };
        let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason }]);
        let begin = json!({ "role": "assistant", "content": "" });
        let mut events = vec![
            chunk(choice(begin, Value::Null)),
            chunk(choice(json!({ "content": self.text }), Value::Null)),
            chunk(choice(json!({}), "stop".into())),
        ];
        if let Some(last) = events.last_mut().and_then(Value::as_object_mut) {
            last.insert("portico".to_owned(), self.portico());
        }
        if self.ask.wants_usage() {
            let mut last = chunk(json!([]));
            if let Some(members) = last.as_object_mut() {
                members.insert("usage".to_owned(), self.usage());
            }
            events.push(last);
        }
        let mut text = String::new();
        for event in events {
            let _infallible = write!(text, "data: {event}\n\n");
        }
        let _infallible = write!(text, ": portico-receipt {}\n\ndata: [DONE]\n\n", self.id);
        Bytes::from(text)
    }
}
