//! Guardrails asked about the past, of which not everything is known.

use access::{OrgId, Permission};
use jiff::tz::TimeZone;

use crate::error::Error;
use crate::guard::{Named, Rules};
use crate::lane::reaches;
use crate::past::{Known, Past};
use crate::reads::{Read, Reads, named};
use crate::set;

/// What the record does not tell of an event.
const SESSION: &str = "how the caller had signed in, and how old the second factor was";
const ROLES: &str = "which roles the caller had";
const THING: &str = "which pattern it was";
const CLASS: &str = "how sensitive the pattern or model was at that time";

/// What is said of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    Passes,
    /// By these policies.
    Refused(Vec<String>),
    /// Because this is not known.
    Unknown(Vec<&'static str>),
}

/// The same guardrails, for events of which more or less is known.
#[derive(Debug)]
pub(crate) struct Judges {
    knowing: Vec<Judge>,
}

/// The guardrails that can be asked about some events.
#[derive(Debug)]
struct Judge {
    known: Known,
    rules: Rules,
    /// Those that cannot be asked: what each could forbid, and what it would have to know.
    left_out: Vec<(Named, &'static str)>,
}

impl Judges {
    pub(crate) fn of(org: &OrgId, zone: &TimeZone, policies: &[Named]) -> Result<Self, Error> {
        let mut knowing = Vec::new();
        // Of what is not known by name, the class is not known either.
        let things = [(true, true), (true, false), (false, false)];
        let each = things
            .map(|(thing, class)| [true, false].map(|session| Known { session, thing, class }));
        for known in each.into_iter().flatten() {
            let (mut asked, mut left_out) = (Vec::new(), Vec::new());
            for one in policies {
                match wants(one, known) {
                    Some(why) => left_out.push((one.clone(), why)),
                    None => asked.push(one.clone()),
                }
            }
            let rules = set::rules(org, zone.clone(), &asked)?;
            knowing.push(Judge { known, rules, left_out });
        }
        Ok(Self { knowing })
    }

    pub(crate) fn judge(&self, past: &Past) -> Judged {
        let Some(judge) = self.knowing.iter().find(|one| one.known == past.known) else {
            return Judged::Unknown(vec![]);
        };
        let against = judge.rules.against(&past.asked(), past.permission);
        if !against.nothing() {
            return Judged::Refused(against.policies());
        }
        let mut reasons = judge.reasons(past.permission);
        reasons.sort_unstable();
        reasons.dedup();
        if reasons.is_empty() { Judged::Passes } else { Judged::Unknown(reasons) }
    }
}

impl Judge {
    /// Why those that were left out could not be asked.
    fn reasons(&self, permission: Permission) -> Vec<&'static str> {
        let reaching = self.left_out.iter().filter(|(one, _)| reaches(&one.policy, permission));
        reaching.map(|(_, why)| *why).collect()
    }
}

/// What a policy would have to know and cannot.
fn wants(one: &Named, known: Known) -> Option<&'static str> {
    let read = Read::of(&one.policy);
    let session = read.has(Reads::FactorAge) || read.has(Reads::Method);
    if named(&one.policy, "Role").next().is_some() {
        Some(ROLES)
    } else if session && !known.session {
        Some(SESSION)
    } else if read.class() && !known.class {
        Some(CLASS)
    } else if !known.thing && named(&one.policy, "Pattern").next().is_some() {
        Some(THING)
    } else {
        None
    }
}
