//! The life of a call: permit, reserve, record the intent, route, meter, settle,
//! record the outcome, release.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use access::{Caller, Permission};
use audit::{CallFacts, Outcome};
use base::problem::Problem;
use bytes::Bytes;
use http::HeaderValue;
use limits::Ask as LimitAsk;

use crate::Gateway;
use crate::call::{Call, CallId, End};
use crate::catalogue::{Does, Model, Speaks};
use crate::collect::{Collect, written};
use crate::error::Error;
use crate::gate::Gate;
use crate::learned::learn;
use crate::reply::{RECEIPT, Reply};
use crate::route::{Arrived, Outgoing};
use crate::stream::{Stream, Upstream};
use crate::wire::BadAsk;
use crate::wire::anthropic::{Envelope, Translator};
use crate::wire::ask::{Ask, IMAGE_TOKENS, Kind};
use crate::wire::usage::Usage;
use crate::wires::Wire;

/// Tokens that a provider may add of its own, such as the words around tools.
const UNSEEN_TOKENS: u64 = 1_024;

impl Gateway {
    /// Answers one chat completion or embeddings request.
    pub(crate) async fn ask(
        &self,
        caller: &Caller,
        kind: Kind,
        body: Bytes,
    ) -> Result<Reply, Error> {
        // The body may have taken its time.
        caller.standing.life.check()?;
        let ask = Ask::parse(kind, &body)?;
        if let Some(models) = &caller.models
            && !models.iter().any(|model| *model == ask.model)
        {
            return Err(Error::ModelNotAllowed(ask.model.into_owned()));
        }
        if kind == Kind::Chat && self.0.engine.owns(&ask.model) {
            return Box::pin(self.embedded(caller, &ask, &body)).await;
        }
        let model = self.model(caller, &ask, kind)?;
        caller.require_on(Permission::ModelsInvoke, model.thing())?;
        self.invoke(caller, &model, &ask, &body, None).await
    }

    fn model(&self, caller: &Caller, ask: &Ask<'_>, kind: Kind) -> Result<Arc<Model>, Error> {
        let catalogue = self.0.catalogue.load();
        let model = catalogue
            .model(&ask.model, caller.region)
            .ok_or_else(|| Error::NoSuchModel(ask.model.to_string(), caller.region))?;
        match (kind, model.does) {
            (Kind::Chat, Does::Chat) | (Kind::Embeddings, Does::Embeddings) => Ok(model.clone()),
            (Kind::Chat | Kind::Embeddings, _) => Err(Error::WrongKind(ask.model.to_string())),
        }
    }

    /// Calls a model that the caller was permitted to call.
    pub(crate) async fn invoke(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        ask: &Ask<'_>,
        body: &Bytes,
        pattern: Option<String>,
    ) -> Result<Reply, Error> {
        if let Some(name) = model.refuses(caller.region, &ask.extras) {
            return Err(BadAsk::not_allowed(name).into());
        }
        let (mut call, mut gate) = self.admit(caller, model, ask, pattern).await?;
        let outgoing = Outgoing {
            model,
            region: caller.region,
            ask,
            body,
            bounded: model.does == Does::Chat && call.is_bounded(),
            clock: &self.0.steady,
            budget: &self.0.budget,
            telemetry: &self.0.telemetry,
        };
        let (life, lease) = (&caller.standing.life, call.lease());
        let arrived = match gate.during(life, lease, outgoing.send(&mut call)).await {
            Ok(arrived) => arrived,
            Err(error) => return Err(refuse(&mut call, error)),
        };
        if ask.stream && model.does == Does::Chat {
            Ok(self.stream((call, gate), arrived, ask))
        } else {
            self.whole((call, gate), arrived, (model, ask)).await
        }
    }

    /// Reserves at every level and submits the intent.
    async fn admit(
        &self,
        caller: &Caller,
        model: &Arc<Model>,
        ask: &Ask<'_>,
        pattern: Option<String>,
    ) -> Result<(Call, Gate), Error> {
        let at = self.0.clock.now();
        let id = CallId::new(at);
        let asked = ask.completion_tokens_at_most();
        let answers = u64::from(ask.n);
        let completion = match model.does {
            Does::Chat => asked.unwrap_or(model.max_output_tokens).saturating_mul(answers),
            Does::Embeddings => 0,
        };
        // Money is held for the dearest that can come; tokens for what usually comes.
        let written = ask.prompt_tokens_with(model.image_tokens).saturating_add(UNSEEN_TOKENS);
        let prompt = if ask.by_reference { written.max(model.context_tokens) } else { written };
        let dearest = Usage { prompt, completion, ..Usage::default() };
        let money = model.prices.of(at, &dearest);
        let usual = self.0.learned.of(&caller.org, &model.name).load(Ordering::Relaxed);
        let usual = completion.min(usual.saturating_mul(answers));
        let tokens = prompt_estimate(ask).saturating_add(usual);
        let reserve = LimitAsk { tokens, money };
        let hold = self.0.limits.reserve(caller, &model.name, id.as_str(), reserve, at).await?;
        let facts =
            CallFacts { pattern, ..CallFacts::begun(model.name.clone(), hold.reserved_at()) };
        let with = (&self.0.record, &self.0.clock, &self.0.telemetry);
        let (call, intent) = Call::begin(id, caller, facts, hold, Some(model.clone()), with);
        Ok((call.prompt(prompt_estimate(ask), tokens), Gate::Waiting(intent)))
    }

    /// Collects, settles, records, and only then releases.
    async fn whole(
        &self,
        (mut call, mut gate): (Call, Gate),
        arrived: Arrived,
        (model, ask): (&Model, &Ask<'_>),
    ) -> Result<Reply, Error> {
        let Arrived { sent, trial, .. } = arrived;
        let endpoint = trial.route().endpoint.clone();
        let life = call.caller.standing.life.clone();
        let (idle, most) = (endpoint.idle_timeout, endpoint.first_token_timeout);
        let collect = Collect::new(&self.0.answers, model.does, idle, most);
        let collecting = async {
            let collected = collect.whole(sent.into_body()).await?;
            Ok(match endpoint.speaks {
                Speaks::Openai => {
                    let mut usage = Usage::of_json(&collected);
                    if model.does == Does::Embeddings {
                        usage = usage.map(Usage::all_read);
                    }
                    (collected, usage)
                }
                Speaks::Anthropic => {
                    let envelope = envelope(&call, ask);
                    let (bytes, usage) = collect.translated(collected, &envelope).await?;
                    (bytes, Some(usage))
                }
            })
        };
        let (bytes, usage) = match gate.during(&life, call.lease(), collecting).await {
            Ok(collected) => {
                trial.ended_well();
                collected
            }
            Err(error) => {
                match error {
                    Error::ProviderFailed | Error::ProviderTooSlow => trial.failed(),
                    // It answered well: there is no place for it here.
                    Error::AnswerTooLarge { .. } | Error::AnswersFull { .. } => trial.ended_well(),
                    // It is the caller, or the record: that says nothing of the endpoint.
                    _ => drop(trial),
                }
                call.written = written(&error, model, ask);
                if let Error::AnswersFull { usage, .. } = &error {
                    call.counted = *usage;
                }
                return Err(refuse(&mut call, error));
            }
        };
        let estimated = usage.is_none();
        let usage = usage.unwrap_or_else(|| estimate(ask, &bytes));
        learn(&self.0.learned.of(&call.caller.org, &call.facts.model), usage.completion);
        let headers = call.headers();
        let ending = call.ending.clone();
        let outcome = call.close(&End { estimated, ..End::well(usage) });
        gate.open().await?;
        let proof = outcome.await?;
        // It is recorded as complete; its words come too late.
        life.check().map_err(|ended| told(&call, ended.into()))?;
        Ok(Reply::whole(&proof, headers, bytes).ending(ending))
    }

    fn stream(&self, (call, gate): (Call, Gate), arrived: Arrived, ask: &Ask<'_>) -> Reply {
        let Arrived { sent, first, trial } = arrived;
        let endpoint = &trial.route().endpoint;
        let wire = match endpoint.speaks {
            Speaks::Openai => Wire::openai(ask.wants_usage()),
            Speaks::Anthropic => {
                let translator = Translator::new(&envelope(&call, ask), ask.wants_usage());
                Wire::Anthropic(Box::new(translator))
            }
        };
        let (headers, ending) = (call.headers(), call.ending.clone());
        let from = Upstream {
            body: sent.into_body(),
            wire,
            prompt_estimate: prompt_estimate(ask),
            idle_timeout: endpoint.idle_timeout,
            first,
            trial,
        };
        let stream = Stream::begin((call, gate), from, &self.0.tasks);
        Reply::stream(headers, stream).ending(ending)
    }
}

/// Closes a call that failed, and gives the error on, with the receipt of its events. Where the
/// record refused them nothing is proven yet, and there is none.
fn refuse(call: &mut Call, error: Error) -> Error {
    let used = call.at_least();
    let left = matches!(error, Error::CredentialsEnded(_));
    let unrecorded = matches!(error, Error::NotDurable(_));
    let problem = Problem::from(error);
    let end = End::badly(used, problem.clone());
    let outcome = if left { Outcome::Aborted } else { end.outcome };
    let estimated = end.estimated && call.counted.is_none();
    drop(call.close(&End { outcome, estimated, ..end }));
    if unrecorded { Error::Told(problem) } else { told(call, problem) }
}

/// The problem with the receipt of the call.
fn told(call: &Call, problem: Problem) -> Error {
    Error::Told(match HeaderValue::from_str(call.id.as_str()) {
        Ok(id) => problem.header(RECEIPT, id),
        Err(_) => problem,
    })
}

fn envelope<'a>(call: &'a Call, ask: &'a Ask<'_>) -> Envelope<'a> {
    let created = call.facts.started_at.as_second();
    Envelope { id: call.id.as_str(), created, model: &ask.model }
}

/// A token is about four bytes.
pub(crate) fn prompt_estimate(ask: &Ask<'_>) -> u64 {
    ask.prompt_tokens_with(IMAGE_TOKENS.into()).div_ceil(4)
}

fn estimate(ask: &Ask<'_>, answer: &Bytes) -> Usage {
    let prompt = prompt_estimate(ask);
    let completion = u64::try_from(answer.len()).unwrap_or(u64::MAX).div_ceil(4);
    Usage { prompt, completion, total: prompt.saturating_add(completion), ..Usage::default() }
}
