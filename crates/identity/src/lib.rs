//! Who somebody is: orgs, members, teams, service accounts, keys, sessions, roles.
//!
//! # What this room promises
//!
//! - A key is shown once and stored as a keyed hash: `a_key_is_shown_once_and_stored_only_as_a_hash`.
//! - A revoked key is refused at once: `a_revoked_key_is_refused_at_once`; an older
//!   state never brings it back: `an_older_snapshot_never_replaces_a_newer_one`.
//! - Whatever ends a credential ends what runs on it, on every node:
//!   `whatever_ends_a_credential_ends_what_runs_on_it`, `a_call_ends_with_its_key_on_every_node`,
//!   `a_call_ends_with_its_session_on_every_node`,
//!   `what_runs_ends_when_the_time_of_its_credential_is_up`.
//! - Everything can be ended at once: `the_emergency_brake_spares_only_what_pulls_it`, and
//!   what leads back in: `everything_that_is_ended_ends_the_links_that_lead_back_in`; nobody
//!   sees or ends what somebody has open who may more:
//!   `nobody_ends_or_sees_the_sessions_of_somebody_who_may_more`.
//! - A mistyped key is told so without a lookup, and the wrong region refuses from the
//!   header alone: `a_mistyped_key_is_told_so_without_a_lookup`,
//!   `a_key_of_another_region_is_sent_home_from_the_header_alone`.
//! - A known key needs no database: `known_keys_work_while_the_database_is_down`; and
//!   nobody's changes keep others out: `many_changes_at_once_keep_nobody_else_out`.
//! - A key may what its owner may, and what was given to this key alone:
//!   `a_grant_to_a_key_reaches_no_other_key`. Narrowed it may less, and makes no wider one:
//!   `a_narrowed_key_may_less_and_cannot_make_a_wider_one`. Narrowed to models, addresses or
//!   a time it governs nothing unless it names roles, and lets nobody in even then:
//!   `an_owners_key_narrowed_to_models_addresses_or_a_time_governs_nothing`,
//!   `a_narrowed_key_with_roles_governs_within_them_and_lets_nobody_in`.
//! - Nobody gives what they do not have: `nobody_gives_what_they_do_not_have`; an org
//!   keeps an owner: `the_last_owner_stays`.
//! - Nobody takes it either, nor governs or becomes those who may more:
//!   `a_grant_is_taken_back_only_by_those_who_have_what_it_gives`,
//!   `nobody_governs_who_may_more_by_a_grant_or_a_team`,
//!   `a_key_is_revoked_by_its_owner_and_by_those_who_may_as_much`,
//!   `whoever_gets_in_as_somebody_must_have_what_their_keys_were_given`.
//! - What is taken is not used any more, not even by what was under way:
//!   `nobody_does_with_what_they_had_what_was_begun_before_it_was_taken`,
//!   `a_key_or_session_that_ended_does_not_finish_what_it_began`,
//!   `what_came_by_a_team_a_role_or_a_key_is_gone_with_it`.
//! - A provider lets in nobody who may more than those who answer for it, not even by a session
//!   that goes on:
//!   `a_session_of_a_provider_ends_when_its_member_may_more_than_who_answers_for_it`.
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
//! - What stands ready of orgs has a bound, and nobody notices who goes:
//!   `orgs_make_room_unless_something_runs_in_them_or_somebody_reads_them`.
//! - Every page knows whose it is and whom to ask without the database:
//!   `every_page_knows_whose_it_is_without_the_database`.
//! - A passkey is shown to this Portico alone, by its own member, with a finger or a PIN:
//!   `a_passkey_of_another_site_another_member_or_without_a_finger_opens_nothing`; what was
//!   begun is finished once: `a_ceremony_is_finished_once_in_time_and_by_whoever_began_it`;
//!   and a copy is noticed: `a_passkey_that_was_copied_is_noticed_by_its_counter`.
//! - A code works once: `a_code_works_once_and_a_minute_late_no_more`; nobody guesses one:
//!   `codes_cannot_be_guessed_however_often_the_password_is_right`; recovery codes are
//!   shown once and each works once:
//!   `a_recovery_code_works_once_and_new_ones_take_the_place_of_the_old`.
//! - A password alone opens nothing where there is a second factor:
//!   `whoever_has_a_second_factor_may_do_nothing_until_it_is_shown`; an org can require
//!   one: `an_org_that_requires_second_factors_leads_its_members_to_set_one`.
//! - What is sensitive asks for a second factor that was shown lately:
//!   `what_is_sensitive_asks_for_a_recent_second_factor`.
//! - Where single sign-on is enforced nothing else lets in:
//!   `enforced_single_sign_on_lets_nobody_else_in_and_tells_strangers_nothing`; but for
//!   owners behind the glass, who are never none and always heard of:
//!   `the_last_owner_behind_the_glass_stays_there`,
//!   `when_the_identity_provider_is_gone_an_owner_still_gets_in_and_all_owners_hear_of_it`.
//! - An invitation lets one person in, once: `an_invitation_lets_one_person_in_once`, and nobody
//!   who was given more since than whoever made it may: `an_invitation_lets_in_nobody_who_was_given_more_since`.
//! - A link lets nobody in whom its maker could not let in any more:
//!   `a_link_ends_with_what_whoever_made_it_may`.
//! - A setup link opens single sign-on and nothing else, once, and ends with whoever made
//!   it: `a_setup_link_opens_single_sign_on_alone_for_one_browser`,
//!   `a_setup_link_ends_with_its_time_its_maker_and_at_a_word`; it is used from where the org's
//!   people may be: `a_setup_link_is_used_from_where_the_orgs_people_may_be`.
//! - Mail is a courtesy: where the operator named a mail server, a link also goes to its
//!   person alone, and it is shown whether or not the letter was taken:
//!   `links_also_go_by_mail_to_their_person_alone`,
//!   `a_link_that_could_not_be_mailed_is_still_shown_and_works`.

mod address;
mod api;
mod authority;
mod base62;
mod birth;
mod check;
mod classes;
mod cookie;
mod directory;
mod enforce;
mod error;
mod explain;
mod factor;
mod gate;
mod grant;
mod guards;
mod hearers;
mod heed;
mod identify;
mod inventory;
mod invite;
mod keeper;
pub mod key;
mod keys;
mod lives;
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
mod roster;
mod rules;
mod running;
mod seen;
mod service;
mod session;
mod settings;
mod setup;
mod shelf;
mod signin;
mod snapshot;
mod sources;
pub mod sql;
mod subject;
mod team;
#[cfg(feature = "testing")]
pub mod testing;
mod visit;
mod withdraw;

pub use self::address::Place;
pub use self::api::routes;
pub use self::birth::Birth;
pub use self::classes::{Classed, Classes};
pub use self::cookie::same_site;
pub use self::directory::Arrival;
pub use self::enforce::{Enforce, Enforcement, GlassOwner};
pub use self::error::Error;
pub use self::explain::{Check, Checked, Guardrails};
pub use self::factor::{
    App, AppSetUp, Ceremony, ConfirmApp, Factors as OwnFactors, NewPasskey, Passkey, PasskeyName,
    PasskeySignIn, RecoveryCodes, ShowFactor, Way,
};
pub use self::grant::{Grant, NewGrant};
pub use self::guards::{Guards, NoGuards};
pub use self::hearers::Hearers;
pub use self::identify::{Refused, org_shown};
pub use self::inventory::{Holding, Holds};
pub use self::invite::{Accept, Invite, Invited};
pub use self::keys::{IssuedKey, Key, ListKeys, NewKey, Rotate};
pub use self::mail::{Letter, Mail, NotSent, Sent};
pub use self::me::OwnPatch;
pub use self::member::{Member, MemberPatch, MemberState, NewMember, NotAState};
pub use self::names::Viewer;
pub use self::org::{NewOrg, Org, OrgPatch};
pub use self::oversight::{MemberSession, Revoke, Revoked};
pub use self::pages::{IDENTITY_ASSETS, pages};
pub use self::peek::LinkFor;
pub use self::reset::{PasswordLink, ResetPassword};
pub use self::rights::covers;
pub use self::role::{NewRole, Role, RolePermissions};
pub use self::room::{Config, FindOrg, Found, Identity, Needs, Work};
pub use self::roster::Roster;
pub use self::service::{NewService, Service, ServicePatch};
pub use self::session::{NewPassword, Session};
pub use self::settings::{Factors, Given, Settings, SettingsPatch};
pub use self::setup::{NewSetup, SetupFor, SetupIssued, SetupLink};
pub use self::signin::{SignIn, SignedIn};
pub use self::sources::{Provisioned, Sources};
pub use self::subject::{GrantId, InvitationId, NotASubject, Owner, PasskeyId, SessionId, Subject};
pub use self::team::{Team, TeamName};
pub use self::visit::{Ended, Left, NoVisits, Visit, Visited, Visits};
pub use self::withdraw::{Noting, Withdrawal};
