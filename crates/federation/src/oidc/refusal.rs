//! Why a provider, or what it says, is not accepted.

use base::fetch::Failed;

/// Characters of a word of the provider that are shown at most.
const WORD_CHARS_MAX: usize = 64;

/// Why not. The words are for an admin and for the record; the browser is told one thing
/// alone, whatever the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What an admin typed is no issuer.
    #[error("an issuer is an address such as `https://id.example.com/realm`, without `?` or `#`")]
    IssuerMalformed,
    /// The address stands for every tenant of Entra.
    #[error(
        "this address lets in the accounts of every organization: instead of `common`, \
         `organizations` or `consumers` put the id of your own tenant, as in \
         `https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0`"
    )]
    ManyTenants,
    /// The provider calls itself something else.
    #[error(
        "at `{typed}` the provider calls itself `{said}`; if that is right, enter that as the issuer"
    )]
    #[expect(missing_docs, reason = "the words say it")]
    IssuerDiffers { typed: String, said: String },
    /// It could not be asked.
    #[error("{0}")]
    ProviderUnreachable(#[source] Failed),
    /// Its description is not there.
    #[error(
        "the provider's description (`/.well-known/openid-configuration`) answered with status {0}"
    )]
    DiscoveryStatus(u16),
    /// Its description cannot be read.
    #[error("the provider's description is not one")]
    DiscoveryMalformed,
    /// Its description is incomplete.
    #[error("the provider's description lacks `{0}`")]
    DiscoveryLacks(&'static str),
    /// An address in its description is none that may be asked.
    #[error("the provider's `{0}` is not accepted: {1}")]
    EndpointRefused(&'static str, #[source] Failed),
    /// It does not offer the authorization code flow.
    #[error("the provider does not offer the authorization code flow")]
    NoCodeFlow,
    /// It does not offer PKCE with S256.
    #[error("the provider does not offer PKCE with `S256`")]
    NoPkce,
    /// It signs with nothing that is accepted.
    #[error(
        "the provider signs with no algorithm that is accepted: \
         RS, PS or ES with 256, 384 or 512, or EdDSA"
    )]
    NoCommonAlgorithm,
    /// It takes no client secret.
    #[error("the provider takes neither `client_secret_basic` nor `client_secret_post`")]
    NoCommonClientAuthentication,
    /// A scope is none.
    #[error("a scope has no spaces, quotes or backslashes, and there are at most 20")]
    ScopeMalformed,
    /// Something of our own failed.
    #[error("an internal error")]
    Internal,

    /// The answer is not one to a request of this browser.
    #[error("the answer does not belong to a sign-in that this browser began")]
    StateWrong,
    /// The answer is another provider's (RFC 9207).
    #[error("the answer is not of the provider that was asked")]
    AnswerOfAnother,
    /// The provider said no.
    #[error("the provider refused: `{0}`")]
    ProviderRefused(String),
    /// The answer holds no code.
    #[error("the answer holds no code")]
    CodeMissing,
    /// The token endpoint said no.
    #[error("the provider's token endpoint refused: {0}")]
    TokenRefused(String),
    /// What the token endpoint said cannot be read.
    #[error("the answer of the provider's token endpoint is not one")]
    TokenAnswerMalformed,
    /// It gave no ID token.
    #[error("the provider gave no ID token")]
    IdTokenMissing,
    /// The userinfo endpoint said no.
    #[error("the provider's userinfo endpoint answered with status {0}")]
    UserinfoStatus(u16),
    /// What it said cannot be read.
    #[error("the answer of the provider's userinfo endpoint is not a JSON object")]
    UserinfoMalformed,
    /// It speaks of somebody else.
    #[error("the provider's userinfo endpoint speaks of somebody else")]
    UserinfoOfAnother,

    /// The keys could not be had.
    #[error("the provider's keys could not be read")]
    KeysUnavailable,
    /// They are none.
    #[error("the provider's keys are none that are accepted, or more than 32")]
    KeysMalformed,
    /// The token names none of the provider's keys.
    #[error("the token is signed by no key of the provider")]
    KeyUnknown,
    /// The token does not say which key, and there are several.
    #[error("the token does not say which of the provider's keys signed it")]
    KeyNotNamed,
    /// The signature does not hold.
    #[error("the signature of the token does not hold")]
    SignatureWrong,

    /// Too many bytes.
    #[error("the token is too large")]
    TokenTooLarge,
    /// Not a signed token.
    #[error("the token is not one")]
    TokenMalformed,
    /// It is encrypted.
    #[error("the token is encrypted: switch the encryption of ID tokens off at the provider")]
    TokenEncrypted,
    /// It holds another token.
    #[error("the token holds another one")]
    TokenNested,
    /// It demands an extension.
    #[error("the token demands an extension that is not known")]
    TokenCritical,
    /// A member is there twice.
    #[error("the token says something twice")]
    DuplicateClaim,
    /// It is signed in a way that is not accepted, or that the provider does not announce.
    #[error("the token is signed with `{0}`, which is not accepted from this provider")]
    AlgorithmRefused(String),
    /// It is for something else.
    #[error("the token is of another type")]
    WrongType,
    /// It does not say something it must.
    #[error("the token lacks `{0}`")]
    ClaimMissing(&'static str),
    /// It says something that cannot be.
    #[error("the token's `{0}` is not one")]
    ClaimMalformed(&'static str),
    /// It is another provider's.
    #[error("the token is of another issuer")]
    IssuerWrong,
    /// It is for somebody else.
    #[error("the token is not for this client")]
    AudienceWrong,
    /// It was made for somebody else.
    #[error("the token was made for another client (`azp`)")]
    AuthorizedPartyWrong,
    /// It answers another request.
    #[error("the token belongs to another sign-in")]
    NonceWrong,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet: compare the clocks")]
    NotYetValid,
    /// It comes from the future.
    #[error("the token was issued in the future: compare the clocks")]
    IssuedInFuture,
    /// It was made too long ago.
    #[error("the token was issued too long ago")]
    TooOld,
    /// They proved who they are too long ago.
    #[error("the provider did not ask them again, as it should")]
    AuthenticatedTooLongAgo,
    /// It is not about a logout.
    #[error("the token is not one of logout")]
    NotALogoutToken,
    /// It could be taken for an ID token.
    #[error("a token of logout holds no nonce")]
    NoncePresent,
    /// It says of nobody that they left.
    #[error("the token names neither somebody nor a session")]
    NobodyNamed,
}

impl Refusal {
    /// A stable word for the record.
    pub fn code(&self) -> &'static str {
        match self {
            Self::IssuerMalformed => "issuer_malformed",
            Self::ManyTenants => "many_tenants",
            Self::IssuerDiffers { .. } => "issuer_differs",
            Self::ProviderUnreachable(_) => "provider_unreachable",
            Self::DiscoveryStatus(_) => "discovery_status",
            Self::DiscoveryMalformed => "discovery_malformed",
            Self::DiscoveryLacks(_) => "discovery_lacks",
            Self::EndpointRefused(..) => "endpoint_refused",
            Self::NoCodeFlow => "no_code_flow",
            Self::NoPkce => "no_pkce",
            Self::NoCommonAlgorithm => "no_common_algorithm",
            Self::NoCommonClientAuthentication => "no_common_client_authentication",
            Self::ScopeMalformed => "scope_malformed",
            Self::Internal => "internal",
            Self::StateWrong => "state_wrong",
            Self::AnswerOfAnother => "answer_of_another",
            Self::ProviderRefused(_) => "provider_refused",
            Self::CodeMissing => "code_missing",
            Self::TokenRefused(_) => "token_refused",
            Self::TokenAnswerMalformed => "token_answer_malformed",
            Self::IdTokenMissing => "id_token_missing",
            Self::UserinfoStatus(_) => "userinfo_status",
            Self::UserinfoMalformed => "userinfo_malformed",
            Self::UserinfoOfAnother => "userinfo_of_another",
            Self::KeysUnavailable => "keys_unavailable",
            Self::KeysMalformed => "keys_malformed",
            Self::KeyUnknown => "key_unknown",
            Self::KeyNotNamed => "key_not_named",
            Self::SignatureWrong => "signature_wrong",
            Self::TokenTooLarge => "token_too_large",
            Self::TokenMalformed => "token_malformed",
            Self::TokenEncrypted => "token_encrypted",
            Self::TokenNested => "token_nested",
            Self::TokenCritical => "token_critical",
            Self::DuplicateClaim => "duplicate_claim",
            Self::AlgorithmRefused(_) => "algorithm_refused",
            Self::WrongType => "wrong_type",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ClaimMalformed(_) => "claim_malformed",
            Self::IssuerWrong => "issuer_wrong",
            Self::AudienceWrong => "audience_wrong",
            Self::AuthorizedPartyWrong => "authorized_party_wrong",
            Self::NonceWrong => "nonce_wrong",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::TooOld => "too_old",
            Self::AuthenticatedTooLongAgo => "authenticated_too_long_ago",
            Self::NotALogoutToken => "not_a_logout_token",
            Self::NoncePresent => "nonce_present",
            Self::NobodyNamed => "nobody_named",
        }
    }

    pub(crate) fn algorithm(name: &str) -> Self {
        Self::AlgorithmRefused(word(name))
    }

    pub(crate) fn provider_refused(error: &str) -> Self {
        Self::ProviderRefused(word(error))
    }

    pub(crate) fn token_refused(status: u16, error: &str, number: Option<u64>) -> Self {
        let mut said = match error {
            "invalid_client" => "the client id or its secret is wrong, or has expired".to_owned(),
            "" => format!("status {status}"),
            error => format!("`{}`", word(error)),
        };
        if let Some(number) = number {
            said.push_str(" (AADSTS");
            said.push_str(&number.to_string());
            said.push(')');
        }
        Self::TokenRefused(said)
    }
}

/// A word of a protocol: what else somebody put there is not carried into the record.
fn word(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
    text.chars().filter(fits).take(WORD_CHARS_MAX).collect()
}
