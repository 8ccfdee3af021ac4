//! Who somebody is: orgs, members, teams, service accounts, keys, sessions, roles.
//!
//! # What this room promises
//!
//! - A key is shown once and stored as a keyed hash: `a_key_is_shown_once_and_stored_only_as_a_hash`.
//! - A revoked key is refused at once: `a_revoked_key_is_refused_at_once`; an older
//!   state never brings it back: `an_older_snapshot_never_replaces_a_newer_one`.
//! - A mistyped key is told so without a lookup, and the wrong region refuses from the
//!   header alone: `a_mistyped_key_is_told_so_without_a_lookup`,
//!   `a_key_of_another_region_is_sent_home_from_the_header_alone`.
//! - A known key needs no database: `known_keys_work_while_the_database_is_down`; and
//!   nobody's changes keep others out: `many_changes_at_once_keep_nobody_else_out`.
//! - A key may less than its owner, never more: `a_narrowed_key_may_less_and_cannot_make_a_wider_one`.
//!   Narrowed to models, addresses or a time it governs nothing unless it names roles,
//!   and lets nobody in even then:
//!   `an_owners_key_narrowed_to_models_addresses_or_a_time_governs_nothing`,
//!   `a_narrowed_key_with_roles_governs_within_them_and_lets_nobody_in`.
//! - Nobody gives what they do not have: `nobody_gives_what_they_do_not_have`; an org
//!   keeps an owner: `the_last_owner_stays`.
//! - A sign-in that fails does not say why: `a_wrong_sign_in_does_not_say_what_was_wrong`,
//!   and ten failures lock: `ten_wrong_passwords_lock_the_member`; a stranger's failures
//!   lock the stranger alone: `a_stranger_does_not_keep_the_right_person_out`.
//! - A sign-in that races a new password leaves no session of the old one:
//!   `a_sign_in_that_races_a_new_password_does_not_outlive_it`.
//! - A password link sets one new password, once, and is made only by those who may as
//!   much as its member: `a_password_link_sets_a_new_password_once_and_ends_all_sessions`,
//!   `a_password_link_is_made_only_by_those_who_may_as_much`.
//! - An org narrows its sessions and addresses at once, and nobody locks themselves out:
//!   `an_org_shortens_its_sessions_also_those_that_run`,
//!   `sessions_and_keys_from_elsewhere_are_refused`, `nobody_locks_themselves_out`.
//! - An org sees nothing of another: `two_orgs_cannot_see_each_other`.
//! - Signing in leads to our own pages alone: `nobody_is_led_to_another_site_by_signing_in`;
//!   a page shows a key once: `a_key_is_made_on_a_page_shown_once_and_works`.
//! - Every page knows whose it is and whom to ask without the database:
//!   `every_page_knows_whose_it_is_without_the_database`.
//! - An invitation lets one person in, once: `an_invitation_lets_one_person_in_once`.
//! - Mail is a courtesy: where the operator named a mail server, a link also goes to its
//!   person alone, and it is shown whether or not the letter was taken:
//!   `links_also_go_by_mail_to_their_person_alone`,
//!   `a_link_that_could_not_be_mailed_is_still_shown_and_works`.

mod address;
mod api;
mod base62;
mod check;
mod cookie;
mod error;
mod explain;
mod gate;
mod grant;
mod identify;
mod invite;
pub mod key;
mod keys;
mod load;
mod lockout;
mod mail;
mod me;
mod member;
mod names;
mod org;
mod oversight;
mod pages;
mod password;
mod peek;
mod reading;
mod reset;
mod rights;
mod role;
mod room;
mod seen;
mod service;
mod session;
mod settings;
mod shelf;
mod signin;
mod snapshot;
pub mod sql;
mod subject;
mod team;

pub use self::api::routes;
pub use self::cookie::same_site;
pub use self::error::Error;
pub use self::explain::Check;
pub use self::grant::{Grant, NewGrant};
pub use self::identify::Refused;
pub use self::invite::{Accept, Invite, Invited};
pub use self::keys::{IssuedKey, Key, ListKeys, NewKey, Rotate};
pub use self::mail::{Letter, Mail, NotSent, Sent};
pub use self::me::OwnPatch;
pub use self::member::{Member, MemberPatch, MemberState, NewMember, NotAState};
pub use self::names::Viewer;
pub use self::org::{NewOrg, Org, OrgPatch};
pub use self::pages::pages;
pub use self::peek::LinkFor;
pub use self::reset::{PasswordLink, ResetPassword};
pub use self::role::{NewRole, Role, RolePermissions};
pub use self::room::{Config, FindOrg, Found, Identity, Needs};
pub use self::service::{NewService, Service, ServicePatch};
pub use self::session::{NewPassword, Session};
pub use self::settings::{Given, Settings, SettingsPatch};
pub use self::signin::{SignIn, SignedIn};
pub use self::subject::{GrantId, InvitationId, NotASubject, Owner, SessionId, Subject};
pub use self::team::{Team, TeamName};
