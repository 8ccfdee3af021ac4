//! A provider describes itself (`OpenID` Connect Discovery 1.0).

use base::fetch::{Failed, Fetch, Request};
use http::StatusCode;
use http::header::ACCEPT;
use serde_json::{Map, Value};

use crate::oidc::{Algorithm, ClientAuthentication, Provider, Refusal, json};

/// Where the description is, below the issuer.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// Hosts of Entra, by cloud.
const ENTRA: [&str; 4] = [
    "https://login.microsoftonline.com/",
    "https://login.microsoftonline.us/",
    "https://login.partner.microsoftonline.cn/",
    "https://login.windows.net/",
];
/// What stands there for a tenant and is none: anybody's, or that of all private accounts.
const EVERYBODY: [&str; 4] =
    ["common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"];

/// Asks a provider what it is. `issuer` is what an admin typed: the address of the
/// description will do as well.
pub(crate) async fn discover(fetch: &Fetch, issuer: &str) -> Result<Provider, Refusal> {
    let issuer = issuer.trim();
    let issuer = issuer.strip_suffix(WELL_KNOWN).unwrap_or(issuer);
    if issuer.contains(['?', '#']) || issuer.chars().any(char::is_whitespace) {
        return Err(Refusal::IssuerMalformed);
    }
    refuse_everybody(issuer)?;
    let address = format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'));
    let request = Request::get(&address).header(ACCEPT, "application/json");
    let answer = fetch.send(request).await.map_err(Refusal::ProviderUnreachable)?;
    if answer.status != StatusCode::OK {
        return Err(Refusal::DiscoveryStatus(answer.status.as_u16()));
    }
    described(&answer.body, issuer, |url| fetch.check(url))
}

fn refuse_everybody(issuer: &str) -> Result<(), Refusal> {
    let lower = issuer.to_ascii_lowercase();
    let tenant = ENTRA.iter().find_map(|host| lower.strip_prefix(host));
    let tenant = tenant.and_then(|path| path.split('/').next());
    if tenant.is_some_and(|tenant| EVERYBODY.contains(&tenant)) || issuer.contains("{tenantid}") {
        return Err(Refusal::ManyTenants);
    }
    Ok(())
}

/// Reads a description that was found at the issuer `typed`. `check` says whether an address
/// may be asked.
pub(crate) fn described(
    body: &[u8],
    typed: &str,
    check: impl Fn(&str) -> Result<(), Failed>,
) -> Result<Provider, Refusal> {
    let document = Document(json::object(body).map_err(|_| Refusal::DiscoveryMalformed)?);
    let issuer = document.required("issuer")?;
    refuse_everybody(&issuer)?;
    // Some end in a slash and nobody remembers which: it is still the same place.
    if issuer.trim_end_matches('/') != typed.trim_end_matches('/') {
        return Err(Refusal::IssuerDiffers { typed: typed.to_owned(), said: shown(&issuer) });
    }
    let endpoint = |name: &'static str| match document.text(name)? {
        None => Ok(None),
        Some(url) => match check(&url) {
            Ok(()) => Ok(Some(url)),
            Err(why) => Err(Refusal::EndpointRefused(name, why)),
        },
    };
    let required = |name: &'static str| endpoint(name)?.ok_or(Refusal::DiscoveryLacks(name));
    if document.lists("response_types_supported", "code") == Some(false) {
        return Err(Refusal::NoCodeFlow);
    }
    if document.lists("code_challenge_methods_supported", "S256") == Some(false) {
        return Err(Refusal::NoPkce);
    }
    let backchannel = document.is_true("backchannel_logout_supported");
    Ok(Provider {
        authorization_endpoint: required("authorization_endpoint")?,
        token_endpoint: required("token_endpoint")?,
        jwks_uri: required("jwks_uri")?,
        userinfo_endpoint: endpoint("userinfo_endpoint")?,
        end_session_endpoint: endpoint("end_session_endpoint")?,
        algorithms: document.algorithms()?,
        client_authentication: document.client_authentication()?,
        names_itself: document.is_true("authorization_response_iss_parameter_supported"),
        backchannel_logout: backchannel,
        issuer,
    })
}

/// What it said.
struct Document(Map<String, Value>);

impl Document {
    fn text(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::DiscoveryMalformed),
        }
    }

    fn required(&self, name: &'static str) -> Result<String, Refusal> {
        self.text(name)?.ok_or(Refusal::DiscoveryLacks(name))
    }

    fn list(&self, name: &str) -> Option<Vec<&str>> {
        let items = self.0.get(name)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).collect())
    }

    fn lists(&self, name: &str, item: &str) -> Option<bool> {
        self.list(name).map(|items| items.contains(&item))
    }

    fn is_true(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// What both sides know. The list is mandatory; without it the usual one holds.
    fn algorithms(&self) -> Result<Vec<Algorithm>, Refusal> {
        let said = self.list("id_token_signing_alg_values_supported");
        let mut both = Vec::new();
        for known in said.unwrap_or_else(|| vec!["RS256"]).into_iter().filter_map(Algorithm::named)
        {
            if !both.contains(&known) {
                both.push(known);
            }
        }
        if both.is_empty() { Err(Refusal::NoCommonAlgorithm) } else { Ok(both) }
    }

    /// A header, if it knows that or says nothing (then it must); else the form.
    fn client_authentication(&self) -> Result<ClientAuthentication, Refusal> {
        let said = self.list("token_endpoint_auth_methods_supported");
        let knows = |method| said.as_ref().is_some_and(|said| said.contains(&method));
        if said.is_none() || knows("client_secret_basic") {
            Ok(ClientAuthentication::Basic)
        } else if knows("client_secret_post") {
            Ok(ClientAuthentication::Post)
        } else {
            Err(Refusal::NoCommonClientAuthentication)
        }
    }
}

/// A name that a stranger gave, fit to be shown.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
