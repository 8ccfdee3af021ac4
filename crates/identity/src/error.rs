//! What can go wrong in this room.

use access::{Denied, NeedsFactor, Permission, Region};
use audit::NotDurable;
use base::checks::Invalid;
use base::db::DbError;
use base::problem::{FieldError, Problem};
use http::{HeaderValue, StatusCode, header};

/// Why a verb of this room was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor must be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// Fields that are wrong, each with its reason.
    #[error("some fields are wrong")]
    Invalid(Vec<FieldError>),
    /// No such thing in this org.
    #[error("no such resource")]
    NotFound,
    /// Something of this name is there already.
    #[error("there is already a {0} of this name")]
    Exists(&'static str),
    /// Nobody changes their own role.
    #[error("nobody can change their own role or state")]
    OwnRole,
    /// Giving what one does not have.
    #[error("this gives or takes permissions that the caller does not have: {}", names(.0))]
    Escalation(Vec<Permission>),
    /// What the caller had when they asked was taken before it could be done.
    #[error("what you may, or what you showed, was taken meanwhile: ask again")]
    NoLonger,
    /// An org without an owner could not be governed.
    #[error("the last owner of an org stays its owner")]
    LastOwner,
    /// Somebody still has this role.
    #[error("this role is still in use: take it from whoever has it first")]
    RoleInUse,
    /// The state of a member does not permit it.
    #[error("{0}")]
    Conflict(&'static str),
    /// A narrowed key cannot make others, nor let in who would not be so narrowed.
    #[error("a key that is narrowed or expires cannot make keys, let anybody in or give roles")]
    NarrowKey,
    /// A new secret of a person's key belongs in that person's hands.
    #[error("a key of another member can be rotated by its owner only")]
    OwnerOnly,
    /// Second factors are shown and changed in a session of one's own.
    #[error("second factors are shown and changed in a session that is open, not with a key")]
    SessionOnly,
    /// A ceremony is not known here, too late, or over.
    #[error("this took too long or was done already: begin again")]
    Ceremony,
    /// A passkey was not accepted; why is in the record alone.
    #[error("the passkey was not accepted")]
    Passkey,
    /// A code is wrong, or was used already.
    #[error("the code is wrong, or was used already")]
    WrongCode,
    /// There are no passkeys here.
    #[error("{0}")]
    NoPasskeys(&'static str),
    /// The org requires a second factor.
    #[error("your organization requires a second factor: add another before this one goes")]
    LastFactor,
    /// Nobody would get in if the identity provider failed.
    #[error(
        "two acting owners with a passkey must be marked to get in when the identity provider fails"
    )]
    BreakGlass,
    /// Nobody else would get in if the identity provider failed.
    #[error("while single sign-on is enforced somebody else must be marked to get in first")]
    LastBreakGlass,
    /// Not a member: an operator or a service account has none of these.
    #[error("only members have a password, sessions and a name of their own to change")]
    NotAMember,
    /// The sign-in is wrong; which part of it is not told.
    #[error("e-mail, password or org is wrong")]
    SignIn,
    /// The same, in an org that signs in with its identity provider.
    #[error("e-mail, password or org is wrong; this org signs in with its identity provider")]
    SignInBySso,
    /// The current password is wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many sign-ins from one place.
    #[error("too many sign-ins from this address: wait a little")]
    TooManySignIns {
        /// When trying again makes sense.
        retry_secs: u64,
    },
    /// Too many failed sign-ins.
    #[error("too many failed sign-ins")]
    LockedOut {
        /// When trying again makes sense.
        retry_secs: u64,
    },
    /// The link of an invitation cannot be used (any more).
    #[error("this invitation is unknown, used or expired")]
    Invitation,
    /// A password link cannot be used (any more).
    #[error("this link is unknown, used or expired: ask for a new one")]
    PasswordLink,
    /// A setup link cannot be used (any more).
    #[error("this link is unknown, used or expired: ask for a new one")]
    Setup,
    /// More work of this kind than is let in at once.
    #[error("too many requests of this kind at once")]
    Busy,
    /// The org lives elsewhere.
    #[error("this org is at home in region `{0}`, which is not served here")]
    WrongRegion(Region),
    /// A problem of its own shape: a page limit, the directory.
    #[error(transparent)]
    Problem(Problem),
    /// An event could not be made durable.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The database failed.
    #[error("the database of a region failed")]
    Db(#[from] DbError),
    /// The machine failed: no randomness, no thread.
    #[error("the machine failed")]
    Machine(#[from] std::io::Error),
}

fn names(list: &[Permission]) -> String {
    list.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(", ")
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid.0)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, text.clone());
        let wrong = |code| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, text.clone());
        let forbidden = |code| Self::new(StatusCode::FORBIDDEN, code, text.clone());
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NeedsFactor(needs) => needs.into(),
            Error::Invalid(errors) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text).errors(errors)
            }
            Error::NotFound => Self::not_found(),
            Error::Exists(_) => conflict("exists"),
            Error::OwnRole => forbidden("own_role"),
            Error::Escalation(missing) => {
                let missing: Vec<_> =
                    missing.iter().map(|permission| permission.as_str()).collect();
                forbidden("escalation").with("missing", missing.into())
            }
            Error::NoLonger => forbidden("no_longer_permitted"),
            Error::LastOwner => conflict("last_owner"),
            Error::RoleInUse => conflict("role_in_use"),
            Error::Conflict(_) => conflict("conflict"),
            Error::NarrowKey => forbidden("narrow_key"),
            Error::OwnerOnly => forbidden("owner_only"),
            Error::SessionOnly => forbidden("session_only"),
            Error::Ceremony => Self::new(StatusCode::GONE, "ceremony_over", text),
            Error::Passkey => wrong("passkey_refused"),
            Error::WrongCode => wrong("wrong_code").param("code"),
            Error::NoPasskeys(_) => conflict("no_passkeys"),
            Error::LastFactor => conflict("last_factor"),
            Error::BreakGlass => conflict("break_glass_needed"),
            Error::LastBreakGlass => conflict("last_break_glass"),
            Error::NotAMember => forbidden("not_a_member"),
            Error::SignInBySso => unauthorized("sign_in_refused", &text).with("sso", true.into()),
            Error::SignIn => unauthorized("sign_in_refused", &text),
            Error::WrongPassword => forbidden("wrong_password").param("current"),
            Error::TooManySignIns { retry_secs } => too_many("too_many_sign_ins", text, retry_secs),
            Error::LockedOut { retry_secs } => too_many("locked_out", text, retry_secs),
            Error::Invitation => Self::new(StatusCode::GONE, "invalid_invitation", text),
            Error::PasswordLink => Self::new(StatusCode::GONE, "invalid_password_link", text),
            Error::Setup => Self::new(StatusCode::GONE, "invalid_setup_link", text),
            Error::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text).retry_after(1),
            Error::WrongRegion(home) => wrong_region(home),
            Error::Problem(problem) => problem,
            Error::NotDurable(cause) => cause.into(),
            Error::Db(cause) => cause.into(),
            Error::Machine(cause) => Self::internal(&cause),
        }
    }
}

fn too_many(code: &'static str, text: String, retry_secs: u64) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, code, text).retry_after(retry_secs)
}

/// 401, and how to do better.
pub(crate) fn unauthorized(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// 421: the request must go to the org's own region; this connection cannot help.
pub(crate) fn wrong_region(home: Region) -> Problem {
    let detail = Error::WrongRegion(home).to_string();
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong_region", detail)
        .with("home", home.as_str().into())
        .header(header::CONNECTION, HeaderValue::from_static("close"))
}
