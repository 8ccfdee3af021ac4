//! Microsoft Sentinel, by the Logs Ingestion API of Azure Monitor.

use base::fetch::Request;
use base::secret::Secret;
use base::time::At;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{failed, judge};
use super::post::Post;
use super::{DEADLINE, Parcel, Trouble, Wires};
use crate::format::Format;
use crate::item::{Item, Whose};
use crate::sink::Known;
use crate::target::Target;

const LOGIN: &str = "https://login.microsoftonline.com";
const SCOPE: &str = "https://monitor.azure.com//.default";
const VERSION: &str = "2023-01-01";
/// A token is not used in its last minutes.
const SPARE_SECS: i64 = 300;
/// Tokens that are kept; beyond that all are asked for anew.
const TOKENS_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Token {
    access_token: Secret,
    expires_in: i64,
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
    let bearer = Secret::new(format!("Bearer {}", token.reveal()));
    let headers = [("authorization", bearer.reveal())];
    let post =
        Post { url: &url, kind: "application/json", headers: &headers, body: parcel.array() };
    let answer = post.ask(wires).await?;
    if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        wires.forget_token(parcel.sink);
    }
    judge(&answer, parcel.now)
}

impl Wires {
    /// A token of the sink's application, kept until shortly before it ends.
    async fn token(&self, parcel: Parcel<'_>) -> Result<Secret, Trouble> {
        let kept = self.tokens().get(&parcel.sink.id).cloned();
        if let Some((token, _)) = kept.filter(|(_, until)| *until > parcel.now) {
            return Ok(token);
        }
        let Target::Sentinel { tenant, client_id, login, scope, .. } = &parcel.sink.target else {
            return Err(Trouble::later("not a sink of this kind"));
        };
        let login = login.as_deref().unwrap_or(LOGIN).trim_end_matches('/');
        let url = format!("{login}/{tenant}/oauth2/v2.0/token");
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", parcel.secret()?.reveal()),
            ("scope", scope.as_deref().unwrap_or(SCOPE)),
        ];
        let answer = self.fetch.send(Request::form(&url, &fields).deadline(DEADLINE)).await;
        let answer = answer.map_err(|error| failed(&error))?;
        // What is wrong with a token is wrong with the settings, never with an event.
        judge(&answer, parcel.now)
            .map_err(|trouble| Trouble::later(format!("no token: {}", trouble.why())))?;
        let token: Token = serde_json::from_slice(&answer.body)
            .map_err(|_| Trouble::later("no token: the answer holds none"))?;
        let until = lasts(parcel.now, token.expires_in);
        let mut tokens = self.tokens();
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(parcel.sink.id.clone(), (token.access_token.clone(), until));
        Ok(token.access_token)
    }

    /// Another token is asked for next time.
    pub(crate) fn forget_token(&self, sink: &Known) {
        self.tokens().remove(&sink.id);
    }

    fn tokens(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::HashMap<crate::SinkId, (Secret, At)>> {
        self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn lasts(now: At, secs: i64) -> At {
    let lasts = SignedDuration::from_secs(secs.clamp(0, 86_400) - SPARE_SECS);
    now.checked_add(lasts).unwrap_or(now)
}
