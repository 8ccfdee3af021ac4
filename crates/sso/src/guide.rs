//! Whose steps an admin follows: what each identity provider calls things.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connection::Kind;

/// An identity provider by its maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guide {
    /// Okta.
    Okta,
    /// Microsoft Entra ID.
    Entra,
    /// Google Workspace.
    Google,
    /// Active Directory Federation Services.
    Adfs,
    /// Ping Identity.
    Ping,
    /// Keycloak.
    Keycloak,
    /// Any other.
    Other,
}

/// The text names no guide.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not one of the guides")]
pub struct NotAGuide;

impl Guide {
    pub(crate) const ALL: [Self; 7] = [
        Self::Okta,
        Self::Entra,
        Self::Google,
        Self::Adfs,
        Self::Ping,
        Self::Keycloak,
        Self::Other,
    ];

    /// As stored and in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Okta => "okta",
            Self::Entra => "entra",
            Self::Google => "google",
            Self::Adfs => "adfs",
            Self::Ping => "ping",
            Self::Keycloak => "keycloak",
            Self::Other => "other",
        }
    }

    /// As people know it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Okta => "Okta",
            Self::Entra => "Microsoft Entra ID",
            Self::Google => "Google Workspace",
            Self::Adfs => "AD FS",
            Self::Ping => "Ping Identity",
            Self::Keycloak => "Keycloak",
            Self::Other => "Another identity provider",
        }
    }

    /// What there is to do there, one step each. `` `…` `` stands around what is clicked or
    /// typed there.
    pub(crate) const fn steps(self, kind: Kind) -> &'static [&'static str] {
        match (self, kind) {
            (Self::Okta, Kind::Saml) => &[
                "In the Okta Admin Console open Applications, choose Create App Integration and then SAML 2.0.",
                "Enter the single sign-on URL and the audience URI (SP entity ID) from below. Leave “Use this for Recipient URL and Destination URL” on.",
                "Set the Name ID format to Persistent or EmailAddress.",
                "Add the attribute statements email = user.email and name = user.displayName, and the group attribute statement groups with the filter “Matches regex” .*",
                "Assign people or groups to the app. On its Sign On tab copy the Metadata URL, and enter it here.",
            ],
            (Self::Okta, Kind::Oidc) => &[
                "In the Okta Admin Console open Applications, choose Create App Integration, then OIDC and Web Application.",
                "Enter the sign-in redirect URI and the sign-out redirect URI from below.",
                "Assign people or groups, and save. Copy the client ID and the client secret to here.",
                "The issuer is your Okta domain, as in https://acme.okta.com. For groups add a groups claim to the ID token on the Sign On tab.",
            ],
            (Self::Entra, Kind::Saml) => &[
                "In the Entra admin center open Enterprise applications, choose New application, Create your own application, “Integrate any other application”.",
                "Open Single sign-on, choose SAML, and edit Basic SAML Configuration: enter the identifier (entity ID), the reply URL (assertion consumer service) and the logout URL from below.",
                "Edit Attributes & Claims: add a group claim if groups decide roles here. Entra names groups by their object ID.",
                "Assign people or groups to the application.",
                "Copy the App Federation Metadata URL, and enter it here.",
            ],
            (Self::Entra, Kind::Oidc) => &[
                "In the Entra admin center open App registrations and choose New registration, for this directory only.",
                "Add the redirect URI from below as Web.",
                "Under Certificates & secrets make a client secret and copy its value. Under Token configuration add the optional claim email, and groups if they decide roles here.",
                "The issuer is https://login.microsoftonline.com/TENANT/v2.0 with the id of your directory. The client ID is the Application (client) ID.",
            ],
            (Self::Google, Kind::Saml) => &[
                "In the Google Admin console open Apps, Web and mobile apps, Add app, Add custom SAML app.",
                "Download the metadata: Google gives a file, and no address. Upload or paste it here.",
                "Enter the ACS URL and the entity ID from below, switch “Signed response” on, and choose the Name ID format EMAIL.",
                "Map Primary email to email, and First name and Last name to firstName and lastName. Groups are sent as groups.",
                "Switch the app on for your organizational units.",
            ],
            (Self::Google, Kind::Oidc) => &[
                "In the Google Cloud console open Google Auth Platform, Clients, and create an OAuth client of the type Web application, for internal users only.",
                "Add the redirect URI from below.",
                "Copy the client ID and the client secret to here. The issuer is https://accounts.google.com.",
                "Google lets every account of the world sign in at an external client: keep the audience Internal. Google sends no groups this way.",
            ],
            (Self::Adfs, Kind::Saml) => &[
                "In AD FS Management choose Add Relying Party Trust, Claims aware, and import the metadata address from below (or its file).",
                "Edit the Claim Issuance Policy: send E-Mail-Addresses as E-Mail Address, Display-Name as Name, Token-Groups as Group.",
                "Add a rule that transforms E-Mail Address to Name ID with the format Persistent or Email.",
                "The metadata of AD FS is at https://HOST/FederationMetadata/2007-06/FederationMetadata.xml: enter its address here, or upload it.",
            ],
            (Self::Adfs, Kind::Oidc) => &[
                "In AD FS Management add an Application Group of the kind “Server application accessing a web API”.",
                "Enter the redirect URI from below, generate a shared secret, and copy both to here. The client identifier is the client ID.",
                "The issuer is https://HOST/adfs. Permit the scopes openid, email and profile.",
            ],
            (Self::Ping, Kind::Saml) => &[
                "In PingOne open Applications, add one of the type SAML Application, and import the metadata address from below, or enter the ACS URL and the entity ID by hand.",
                "Map email to Email Address, name to Formatted, and groups to Group Names.",
                "Switch the application on, and copy its IdP Metadata URL to here.",
            ],
            (Self::Ping, Kind::Oidc) => &[
                "In PingOne open Applications and add one of the type OIDC Web App.",
                "Enter the redirect URI and the sign-off URL from below. Choose Client Secret Basic, and PKCE with S256.",
                "Copy the client ID, the client secret and the issuer to here, and switch the application on.",
            ],
            (Self::Keycloak, Kind::Saml) => &[
                "In the admin console of your realm choose Clients, Import client, and upload the metadata from below.",
                "On the client's dedicated scope add mappers: User Property email as email, and Group list as groups with “Full group path” off.",
                "The metadata of the realm is at https://HOST/realms/REALM/protocol/saml/descriptor: enter its address here.",
            ],
            (Self::Keycloak, Kind::Oidc) => &[
                "In the admin console of your realm create a client of the type OpenID Connect with Client authentication on and Standard flow only.",
                "Enter the redirect URI, the post logout redirect URI and the backchannel logout URL from below.",
                "Copy the client secret from the Credentials tab. The issuer is https://HOST/realms/REALM.",
                "For groups add a Group Membership mapper with the claim name groups to the client's dedicated scope.",
            ],
            (Self::Other, Kind::Saml) => &[
                "Make a new SAML 2.0 application at your identity provider.",
                "Give it the metadata address from below, or the single values.",
                "Let it send the e-mail address as email, the name as name, and groups as groups; other names can be mapped here.",
                "Enter the address of its own metadata here, or upload the file.",
            ],
            (Self::Other, Kind::Oidc) => &[
                "Register a confidential web client for the authorization code flow with PKCE.",
                "Give it the redirect URI from below.",
                "Enter its issuer, client ID and client secret here. The issuer must offer /.well-known/openid-configuration.",
            ],
        }
    }
}

impl std::str::FromStr for Guide {
    type Err = NotAGuide;

    fn from_str(text: &str) -> Result<Self, NotAGuide> {
        Self::ALL.into_iter().find(|guide| guide.as_str() == text).ok_or(NotAGuide)
    }
}
