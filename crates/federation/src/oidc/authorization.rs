//! Sending the browser to a provider, and what it brings back.

use aws_lc_rs::digest;
use base::secret::Secret;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::oidc::{Client, Provider, Refusal};

/// Scopes of one request at most.
const SCOPES_MAX: usize = 20;
/// Bytes of a scope at most.
const SCOPE_BYTES_MAX: usize = 128;
/// Bytes of a code at most. Entra's are the longest, below two thousand.
const CODE_BYTES_MAX: usize = 8 << 10;

/// What is asked of the provider beside who it is.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Scopes; `openid` is always asked for.
    pub scopes: Vec<String>,
    /// Who is expected, as they typed it.
    pub login_hint: Option<String>,
    /// Whether to ask them again.
    pub prompt: Option<Prompt>,
    /// How long ago they may have proved who they are.
    pub max_age_secs: Option<u32>,
}

/// What the provider asks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// To prove again who they are.
    Login,
    /// Which of their accounts it is.
    SelectAccount,
}

/// A sign-in that has begun.
#[derive(Debug, Clone)]
pub struct Started {
    /// Where the browser goes.
    pub url: String,
    /// What is kept until it comes back.
    pub pending: Pending,
}

/// What is kept of a sign-in that has begun. It is bound to the browser, sealed, and used
/// once: the caller sees to that.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Goes out and must come back with the same browser.
    pub state: Secret,
    /// Goes out and must be in the token.
    pub nonce: Secret,
    /// Its hash went out; it proves that whoever redeems the code began this.
    pub verifier: Secret,
    /// How long ago they may have proved who they are, if that was asked for.
    pub max_age_secs: Option<u32>,
}

/// What the browser brings back, as the query of our redirect address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Returned {
    /// What went out.
    pub state: Option<String>,
    /// Becomes a token, once.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
}

/// [`Pending`] as text, to be sealed.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    state: std::borrow::Cow<'a, str>,
    nonce: std::borrow::Cow<'a, str>,
    verifier: std::borrow::Cow<'a, str>,
    max_age_secs: Option<u32>,
}

/// Begins a sign-in.
pub fn begin(provider: &Provider, client: &Client, wish: &Wish) -> Result<Started, Refusal> {
    let scope = scope(&wish.scopes)?;
    let pending = Pending {
        state: random()?,
        nonce: random()?,
        verifier: random()?,
        max_age_secs: wish.max_age_secs,
    };
    let hash = digest::digest(&digest::SHA256, pending.verifier.reveal().as_bytes());
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(hash);
    let max_age = wish.max_age_secs.map(|secs| secs.to_string());
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", &client.client_id),
        ("redirect_uri", &client.redirect_uri),
        ("scope", &scope),
        ("state", pending.state.reveal()),
        ("nonce", pending.nonce.reveal()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    fields.extend(wish.login_hint.as_deref().map(|hint| ("login_hint", hint)));
    fields.extend(max_age.as_deref().map(|secs| ("max_age", secs)));
    fields.extend(wish.prompt.map(|prompt| match prompt {
        Prompt::Login => ("prompt", "login"),
        Prompt::SelectAccount => ("prompt", "select_account"),
    }));
    let url = with_query(&provider.authorization_endpoint, &fields)?;
    Ok(Started { url, pending })
}

impl Pending {
    /// As text, to be sealed.
    pub fn to_text(&self) -> Result<Secret, Refusal> {
        let kept = Kept {
            state: self.state.reveal().into(),
            nonce: self.nonce.reveal().into(),
            verifier: self.verifier.reveal().into(),
            max_age_secs: self.max_age_secs,
        };
        serde_json::to_string(&kept).map(Secret::new).map_err(|_| Refusal::Internal)
    }

    /// From that text; none: it is not one.
    pub fn from_text(text: &str) -> Option<Self> {
        let kept: Kept<'_> = serde_json::from_str(text).ok()?;
        Some(Self {
            state: Secret::new(kept.state.into_owned()),
            nonce: Secret::new(kept.nonce.into_owned()),
            verifier: Secret::new(kept.verifier.into_owned()),
            max_age_secs: kept.max_age_secs,
        })
    }

    /// The code, if the answer is one to this very request, from this very provider.
    pub(crate) fn code<'a>(
        &self,
        provider: &Provider,
        returned: &'a Returned,
    ) -> Result<&'a str, Refusal> {
        let state = returned.state.as_deref().unwrap_or_default();
        if !base::seal::equal(state.as_bytes(), self.state.reveal().as_bytes()) {
            return Err(Refusal::StateWrong);
        }
        match returned.iss.as_deref() {
            Some(issuer) if issuer == provider.issuer => {}
            None if !provider.names_itself => {}
            Some(_) | None => return Err(Refusal::AnswerOfAnother),
        }
        if let Some(error) = &returned.error {
            return Err(Refusal::provider_refused(error));
        }
        let code = returned.code.as_deref().unwrap_or_default();
        if code.is_empty() || code.len() > CODE_BYTES_MAX {
            return Err(Refusal::CodeMissing);
        }
        Ok(code)
    }
}

/// 256 random bits, as text.
fn random() -> Result<Secret, Refusal> {
    let bytes = base::seal::random::<32>().map_err(|_| Refusal::Internal)?;
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

fn scope(scopes: &[String]) -> Result<String, Refusal> {
    // RFC 6749, 3.3.
    let fits = |scope: &String| {
        (1..=SCOPE_BYTES_MAX).contains(&scope.len())
            && scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    if scopes.len() > SCOPES_MAX || !scopes.iter().all(fits) {
        return Err(Refusal::ScopeMalformed);
    }
    let mut all = vec!["openid"];
    all.extend(scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
    Ok(all.join(" "))
}

/// `url` with more in its query.
pub(crate) fn with_query(url: &str, fields: &[(&str, &str)]) -> Result<String, Refusal> {
    let query = serde_html_form::to_string(fields).map_err(|_| Refusal::Internal)?;
    let join = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{join}{query}"))
}
