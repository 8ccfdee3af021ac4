//! Microsoft Sentinel, by the Logs Ingestion API of Azure Monitor.

use base::fetch::Request;
use base::secret::Secret;
use base::time::At;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{hidden, judge};
use super::{Parcel, Trouble, Why, Wires};
use crate::format::Format;
use crate::item::{Item, Whose};
use crate::sink::{Known, SinkId};
use crate::target::{Target, login_of};

const SCOPE: &str = "https://monitor.azure.com//.default";
const VERSION: &str = "2023-01-01";
/// A token is not used in its last minutes.
const SPARE_SECS: i64 = 300;
/// Tokens that are kept; beyond that all are asked for anew.
const TOKENS_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Given {
    access_token: Secret,
    expires_in: i64,
}

/// A token, and for whom it was given: it goes with the settings by which it was had.
#[derive(Debug, Clone)]
pub(super) struct Token {
    text: Secret,
    until: At,
    target: Target,
    sealed: Option<Vec<u8>>,
}

impl Token {
    fn serves(&self, sink: &Known, now: At) -> bool {
        self.until > now && self.target == sink.target && self.sealed == sink.sealed
    }
}

pub(super) fn piece(format: Format, item: &Item, whose: &Whose, line: &str) -> String {
    let event = match format.is_json().then(|| serde_json::from_str(line)) {
        Some(Ok(event)) => event,
        Some(Err(_)) | None => Value::from(line),
    };
    json!({
        "TimeGenerated": item.at,
        "Key": item.key(whose),
        "Kind": item.kind(),
        "Action": item.action(),
        "Event": event,
    })
    .to_string()
}

pub(super) async fn send(wires: &Wires, parcel: Parcel<'_>) -> Result<String, Trouble> {
    let Target::Sentinel { endpoint, rule, stream, .. } = &parcel.sink.target else {
        return Err(Trouble::later("not a sink of this kind"));
    };
    let token = wires.token(parcel).await?;
    let url = format!(
        "{}/dataCollectionRules/{rule}/streams/{stream}?api-version={VERSION}",
        endpoint.trim_end_matches('/')
    );
    let post = Request::post(&url, "application/json", parcel.array()).bearer(&token);
    let answer = wires.ask(parcel.whose, post).await?;
    if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        wires.forget_token(parcel.sink);
    }
    let hide = |text| hidden(text, std::iter::once(&token));
    judge(&answer, parcel.now).map(hide).map_err(|trouble| trouble.told(hide))
}

impl Wires {
    /// A token of the sink's application, kept until shortly before it ends.
    async fn token(&self, parcel: Parcel<'_>) -> Result<Secret, Trouble> {
        let kept = self.tokens().get(&parcel.sink.id).cloned();
        if let Some(token) = kept.filter(|token| token.serves(parcel.sink, parcel.now)) {
            return Ok(token.text);
        }
        let Target::Sentinel { tenant, client_id, login, scope, .. } = &parcel.sink.target else {
            return Err(Trouble::later("not a sink of this kind"));
        };
        let url = format!("{}/{tenant}/oauth2/v2.0/token", login_of(login.as_deref()));
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", parcel.secret()?.reveal()),
            ("scope", scope.as_deref().unwrap_or(SCOPE)),
        ];
        let answer = self.ask(parcel.whose, Request::form(&url, &fields)).await?;
        let given: Option<Given> = serde_json::from_slice(&answer.body).ok();
        // What is wrong with a token is wrong with the settings, never with an event.
        judge(&answer, parcel.now).map_err(|trouble| {
            let hide = |text| hidden(text, given.iter().map(|given| &given.access_token));
            let why = trouble.told(hide).why();
            Trouble::Later {
                why: Why { ours: format!("no token: {}", why.ours), ..why },
                after: None,
            }
        })?;
        let given = given.ok_or_else(|| Trouble::later("no token: the answer holds none"))?;
        let token = Token {
            text: given.access_token.clone(),
            until: lasts(parcel.now, given.expires_in),
            target: parcel.sink.target.clone(),
            sealed: parcel.sink.sealed.clone(),
        };
        let mut tokens = self.tokens();
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(parcel.sink.id.clone(), token);
        Ok(given.access_token)
    }

    /// Another token is asked for next time.
    pub(crate) fn forget_token(&self, sink: &Known) {
        self.tokens().remove(&sink.id);
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<SinkId, Token>> {
        self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn lasts(now: At, secs: i64) -> At {
    let lasts = SignedDuration::from_secs(secs.clamp(0, 86_400) - SPARE_SECS);
    now.checked_add(lasts).unwrap_or(now)
}
