//! One try at one endpoint.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base::problem::Problem;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, timeout_at};

use super::{Outgoing, missing};
use crate::catalogue::{Does, Route, Speaks};
use crate::error::Error;
use crate::provider::{Failed, Sent, Trial};
use crate::wire::anthropic;
use crate::wire::ceiling::Ceiling;
use crate::wire::splice::{Edits, splice};
use crate::wire::tally::ProviderFailure;

/// Bytes of a provider's refusal that are read.
const REFUSAL_MAX: usize = 64 << 10;
/// How long the log waits for the words of an endpoint, and the next one with it.
const LOG_WAIT: Duration = Duration::from_secs(1);
/// Tokens that a provider writes around the messages of a prompt.
const TEMPLATE: u64 = 64;
/// What Anthropic says when it is too much.
const OVERLOADED: u16 = 529;

/// An answer that has begun.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) sent: Sent,
    /// The first piece of a stream, if it was waited for.
    pub(crate) first: Option<Bytes>,
    pub(crate) trial: Trial,
}

/// A try without an answer.
#[derive(Debug)]
pub(super) struct NotSent {
    pub(super) error: Error,
    /// The provider may have worked, and may charge for it.
    pub(super) produced: bool,
    /// Another try is safe.
    pub(super) again: bool,
    /// Where it would end the same.
    pub(super) in_vain: Vec<Arc<Route>>,
}

impl Outgoing<'_> {
    /// Asks, and waits until the answer begins.
    pub(super) async fn once(&self, trial: Trial) -> Result<Arrived, NotSent> {
        let endpoint = trial.route().endpoint.clone();
        let body = self.body_for(trial.route()).map_err(NotSent::for_good)?;
        let path = endpoint.path(self.model.does);
        let deadline = Instant::now() + endpoint.first_token_timeout;
        let timeout = endpoint.first_token_timeout;
        let sent = endpoint.client.post(&path, body, self.ask.stream, timeout).await;
        let sent = match sent {
            Ok(sent) => sent,
            Err(failed) => return Err(self.nothing(trial, &failed)),
        };
        let status = sent.status();
        if status.is_success() {
            endpoint.breaker.succeeded();
            trial.slot().took();
            return self.arrived(trial, sent, deadline).await;
        }
        if status.is_server_error() {
            endpoint.breaker.failed(self.clock.now());
        }
        if matches!(status.as_u16(), 429 | 503 | OVERLOADED) {
            trial.slot().pushed_back(retry_after(sent.headers()));
        }
        tracing::warn!(
            endpoint.name = endpoint.name,
            status = status.as_u16(),
            "an endpoint refused"
        );
        let until = deadline.min(Instant::now() + endpoint.idle_timeout);
        let mut refused = refused(endpoint.speaks, sent, until).await;
        if matches!(refused.error, Error::NotThere(_) | Error::ProviderRefused(..)) {
            refused.in_vain.push(trial.route().clone());
        }
        match refused.error {
            _ if refused.is_an_answer() => trial.refused_well(),
            // It may be the request, and says nothing of the endpoint.
            Error::ProviderRefused(..) => drop(trial),
            _ => trial.failed(),
        }
        Err(refused)
    }

    /// A whole answer begins with its head. A stream does so with its first piece; where another
    /// endpoint may be quicker, that is waited for.
    async fn arrived(
        &self,
        mut trial: Trial,
        mut sent: Sent,
        deadline: Instant,
    ) -> Result<Arrived, NotSent> {
        let streams = self.ask.stream && self.model.does == Does::Chat;
        if !streams {
            trial.began();
        }
        if !streams || self.model.hedge.is_none() {
            return Ok(Arrived { sent, first: None, trial });
        }
        loop {
            let failed = match timeout_at(deadline, sent.body_mut().frame()).await {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(first) if !first.is_empty() => {
                        trial.began();
                        return Ok(Arrived { sent, first: Some(first), trial });
                    }
                    Ok(_) | Err(_) => continue,
                },
                Ok(Some(Err(error))) => Failed::Unreachable(error.into()),
                Ok(None) => Failed::Unreachable("the answer has no content".into()),
                Err(_) => Failed::TooSlow,
            };
            return Err(self.nothing(trial, &failed));
        }
    }

    /// The endpoint failed before anything came.
    fn nothing(&self, trial: Trial, failed: &Failed) -> NotSent {
        let endpoint = &trial.route().endpoint;
        endpoint.breaker.failed(self.clock.now());
        tracing::warn!(
            endpoint.name = endpoint.name,
            error = failed as &dyn std::error::Error,
            "an endpoint failed"
        );
        trial.failed();
        match failed {
            Failed::Unreachable(_) => NotSent::passing(Error::ProviderFailed),
            // It has the request and may be writing: asking again would pay twice.
            Failed::TooSlow => {
                NotSent { produced: true, ..NotSent::for_good(Error::ProviderTooSlow) }
            }
        }
    }

    /// The tokens that an answer may have where the caller names no number: the model's, or what is
    /// left beside the prompt, as many providers refuse more instead of ending there. A token is
    /// about four bytes; an eighth of them is to spare. What seems to leave less than a sixteenth of
    /// what the model reads may leave more: a guess cuts no answer shorter than that.
    fn tokens_beside_the_prompt(&self) -> u64 {
        let (model, ask) = (self.model, self.ask);
        if ask.by_reference {
            return model.max_output_tokens;
        }
        let images = ask.images.saturating_mul(model.image_tokens);
        let words = ask.text_bytes.div_ceil(4);
        let prompt =
            words.saturating_add(words / 8).saturating_add(TEMPLATE).saturating_add(images);
        let left = model.context_tokens.saturating_sub(prompt);
        model.max_output_tokens.min(left.max(model.context_tokens / 16)).max(1)
    }

    fn body_for(&self, route: &Route) -> Result<Bytes, Error> {
        match route.endpoint.speaks {
            Speaks::Openai => {
                let stream = self.ask.stream && self.model.does == Does::Chat;
                let tokens = self.tokens_beside_the_prompt();
                let ceiling =
                    self.bounded.then_some(Ceiling { name: route.endpoint.ceiling_name, tokens });
                let edits = Edits { model: Some(&route.model), include_usage: stream, ceiling };
                let body = splice(self.body, self.ask, edits);
                let unfit = || io::Error::other("the body is not the one that was read");
                body.ok_or_else(|| Error::Told(Problem::internal(&unfit())))
            }
            Speaks::Anthropic => {
                let max_tokens = self.tokens_beside_the_prompt();
                let target = anthropic::Target { model: &route.model, max_tokens };
                Ok(anthropic::request(self.body, &target)?)
            }
        }
    }
}

impl NotSent {
    fn passing(error: Error) -> Self {
        Self { error, produced: false, again: true, in_vain: Vec::new() }
    }

    fn for_good(error: Error) -> Self {
        Self { error, produced: false, again: false, in_vain: Vec::new() }
    }

    /// The request is the fault, and every endpoint would say so.
    pub(super) fn is_an_answer(&self) -> bool {
        !self.again && !self.produced
    }
}

/// The whole seconds that a provider asks to wait for; nothing, if it gives none or a date.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

/// What a status that is not a success means. Words that are not there by then are not waited for.
async fn refused(speaks: Speaks, sent: Sent, until: Instant) -> NotSent {
    let status = sent.status();
    match status {
        status if matches!(status.as_u16(), 429 | OVERLOADED) => {
            let retry_after_secs = retry_after(sent.headers()).unwrap_or(1);
            NotSent::passing(Error::ProviderOverloaded { retry_after_secs })
        }
        // The operator's key is wrong there: not the caller's fault, and no secret of ours.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED => {
            NotSent::passing(Error::ProviderFailed)
        }
        // Nothing is there, or not this model: another one may have it. Words of that name the
        // operator's account; any other ones are for the caller, if nobody has it.
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => {
            let body = words(sent, until.min(Instant::now() + LOG_WAIT)).await;
            let said = ProviderFailure::of_json(&body).map(|said| said.message);
            let (code, said) = (status.as_u16(), said.unwrap_or_default());
            tracing::warn!(status = code, said, "an endpoint does not have what its route says");
            NotSent::passing(if status == StatusCode::NOT_FOUND && !missing::is_said(&body) {
                Error::ProviderRefused(status, in_openai(speaks, body))
            } else {
                Error::NotThere(code)
            })
        }
        status if status.is_redirection() => NotSent::passing(Error::NotThere(status.as_u16())),
        status if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => {
            let body = words(sent, until).await;
            NotSent::for_good(Error::ProviderRefused(status, in_openai(speaks, body)))
        }
        _ => NotSent::passing(Error::ProviderFailed),
    }
}

/// Its words as a caller may have them.
fn in_openai(speaks: Speaks, body: Bytes) -> Bytes {
    match speaks {
        Speaks::Openai => body,
        Speaks::Anthropic => anthropic::Failure::of_json(&body).as_openai().to_body(),
    }
}

/// What a provider says of its refusal, as far as it is there by then.
async fn words(sent: Sent, until: Instant) -> Bytes {
    let body = Limited::new(sent.into_body(), REFUSAL_MAX).collect();
    let body = timeout_at(until, body).await.map(Result::ok).unwrap_or_default();
    body.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}
