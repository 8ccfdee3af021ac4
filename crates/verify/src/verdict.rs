//! What is found.

use serde::Serialize;

use crate::check::Options;
use crate::checkpoint::Checkpoint;
use crate::fault::Fault;
use crate::listed::Listed;
use crate::manifest::Manifest;
use crate::order::Order;
use crate::outside::Compared;
use crate::ring::{Believed, Ring, Signed};

/// What is found in a bundle. Everything was compared up to the first fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether nothing is wrong.
    pub sound: bool,
    /// The first fault.
    pub fault: Option<Fault>,
    /// Whose record it is.
    pub org: Option<String>,
    /// The period, as the manifest says; nothing proves it.
    pub period: Option<Period>,
    /// Which entries were to be looked at.
    pub completeness: Option<Completeness>,
    /// What the log signed.
    pub checkpoint: Option<SignedCheckpoint>,
    /// The epoch of the directory that lists it, if the bundle shows one.
    pub listed: Option<Listed>,
    /// What was seen.
    pub counts: Counts,
    /// How checkpoints from outside agree.
    pub outside: Vec<Compared>,
    /// What a sound bundle proves, in sentences.
    pub proven: Vec<String>,
    /// What it does not prove, in sentences.
    pub not_proven: Vec<String>,
    /// Whether the page of the bundle is the one that this program knows.
    pub own_page: bool,
    #[serde(skip)]
    skew_secs: u64,
    /// Names of the keys that the user gave.
    #[serde(skip)]
    given: Vec<String>,
}

/// The period that a bundle is said to be of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// Its beginning.
    pub from: String,
    /// Its end.
    pub to: String,
    /// When the bundle was made.
    pub made_at: String,
}

/// Which entries a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// The first entry.
    pub first: u64,
    /// The one behind the last.
    pub next: u64,
    /// Entries of the whole record.
    pub size: u64,
    /// The same for people.
    pub words: String,
}

/// The checkpoint of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedCheckpoint {
    /// The name of the log.
    pub origin: String,
    /// Entries of its tree.
    pub size: u64,
    /// The root of its tree, in base64.
    pub root: String,
    /// Against what the signature of the log was verified.
    pub log: Believed,
    /// Who signed it.
    pub signatures: Vec<Signed>,
}

/// What was seen up to the first fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Entries of the period.
    pub entries: u64,
    /// Of them, those of which some class is shown and agrees.
    pub openings: u64,
    /// Cores that are withheld.
    pub core_not_shown: u64,
    /// Subjects that are withheld or were erased.
    pub subject_not_shown: u64,
    /// Payloads that are withheld or were erased.
    pub payload_not_shown: u64,
    /// Outcomes of calls that stand behind later events.
    pub late_outcomes: u64,
    /// Calls that began here and have no outcome here.
    pub calls_without_outcome: u64,
    /// Outcomes here of calls that did not begin here.
    pub outcomes_of_earlier_calls: u64,
}

impl Counts {
    pub(crate) fn ordered(&mut self, order: &Order) {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let (begun, ended) = order.open_calls();
        self.late_outcomes = order.late;
        self.calls_without_outcome = count(begun);
        self.outcomes_of_earlier_calls = count(ended);
    }
}

impl SignedCheckpoint {
    pub(crate) fn new(checkpoint: &Checkpoint, signed: &[Signed], ring: &Ring<'_>) -> Self {
        let log = if ring.has_given_log() { Believed::Given } else { Believed::Brought };
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root.to_string(),
            log,
            signatures: signed.to_vec(),
        }
    }
}

impl Verdict {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            sound: false,
            fault: None,
            org: None,
            period: None,
            completeness: None,
            checkpoint: None,
            listed: None,
            counts: Counts::default(),
            outside: Vec::new(),
            proven: Vec::new(),
            not_proven: Vec::new(),
            own_page: false,
            skew_secs: options.skew_secs,
            given: options.trusted.iter().map(|key| key.name().to_owned()).collect(),
        }
    }

    pub(crate) fn about(&mut self, manifest: &Manifest) {
        let Manifest { first, next, size, .. } = *manifest;
        self.org = Some(manifest.org.clone());
        let (from, to) = (manifest.from.clone(), manifest.to.clone());
        self.period = Some(Period { from, to, made_at: manifest.made_at.clone() });
        let words = if first == next {
            format!("no entry of {size} lies in the period")
        } else {
            format!("entries {first} to {} of {size}, without a gap", next - 1)
        };
        self.completeness = Some(Completeness { first, next, size, words });
    }

    /// Says what follows.
    pub(crate) fn conclude(&mut self, fault: Option<Fault>) {
        self.sound = fault.is_none();
        self.fault = fault;
        if self.sound {
            self.proven = self.proof();
        }
        self.not_proven = self.limits();
    }

    /// Whether nothing that the user holds stands behind the verdict.
    pub(crate) fn stands_alone(&self) -> bool {
        let log = self.checkpoint.as_ref().map(|checkpoint| checkpoint.log);
        let watched = self.witnesses().chain(self.watchers()).next().is_some();
        log != Some(Believed::Given) && !watched && !self.agrees()
    }

    fn agrees(&self) -> bool {
        self.outside.iter().any(Compared::agrees)
    }

    /// Witnesses of the checkpoint, by keys that the user gave.
    fn witnesses(&self) -> impl Iterator<Item = &Signed> {
        let signatures = self.checkpoint.iter().flat_map(|checkpoint| &checkpoint.signatures);
        signatures.filter(|signed| signed.witnessed())
    }

    /// Those of the directory.
    fn watchers(&self) -> impl Iterator<Item = &Signed> {
        let signatures = self.listed.iter().flat_map(|listed| &listed.signatures);
        signatures.filter(|signed| signed.witnessed())
    }

    fn proof(&self) -> Vec<String> {
        let mut proven = Vec::new();
        if let Some(Completeness { words, .. }) = &self.completeness {
            proven.push(format!(
                "The bundle holds {words}; each stands in the tree of the checkpoint."
            ));
        }
        proven.push(
            "What is shown of each event is what was committed to when it entered the record: none \
             was altered, added, left out or moved."
                .to_owned(),
        );
        for signed in self.witnesses() {
            let time = signed.time.as_deref().unwrap_or_default();
            proven.push(format!("The witness `{}` saw this tree at {time}.", signed.by));
        }
        if let Some(Listed { origin, epoch, at, .. }) = &self.listed {
            proven.push(format!(
                "The directory `{origin}` lists this checkpoint in epoch {epoch}, closed at {at}: in \
                 that epoch there is no other of this org."
            ));
        }
        for signed in self.watchers() {
            let time = signed.time.as_deref().unwrap_or_default();
            proven.push(format!("The witness `{}` saw the directory at {time}.", signed.by));
        }
        for compared in self.outside.iter().filter(|one| one.agrees()) {
            proven.push(format!("It agrees with an outside checkpoint: {}.", compared.words));
        }
        proven
    }

    fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        let log = self.checkpoint.as_ref().map(|checkpoint| checkpoint.log);
        if log != Some(Believed::Given) {
            limits.push(
                "The keys of the log are those of the bundle itself and were not compared with \
                 anything: whoever made the bundle could have made them. Give the key that you know."
                    .to_owned(),
            );
        }
        let watched = self.witnesses().chain(self.watchers()).next().is_some();
        if !watched && !self.agrees() {
            limits.push(
                "No witness that you gave the key of, and no checkpoint that you hold, was compared \
                 with: whoever has the key of the log could have signed another history."
                    .to_owned(),
            );
        }
        if self.listed.is_none() {
            limits.push(
                "That this is the only head of the org: the bundle holds no path from the directory \
                 of its cell."
                    .to_owned(),
            );
        }
        if let Some(checkpoint) = &self.checkpoint {
            let absent = |name: &&String| {
                let of_directory = self.listed.iter().flat_map(|listed| &listed.signatures);
                let mut signatures = checkpoint.signatures.iter().chain(of_directory);
                !signatures.any(|one| one.by == **name && one.believed == Believed::Given)
            };
            limits.extend(self.given.iter().filter(absent).map(|name| {
                format!("`{name}` did not sign the checkpoint with the key that you gave for it.")
            }));
        }
        let silent = self.outside.iter().filter(|one| !one.agrees());
        limits.extend(silent.map(|one| format!("{}.", one.words)));
        limits.extend([
            "That every action was recorded at all: completeness is proven of what entered the tree."
                .to_owned(),
            format!(
                "Times are those of the servers, and may be wrong by {} s without notice; an outcome \
                 of a call has the time of its end and may stand later.",
                self.skew_secs
            ),
            "Whether what is not shown was withheld or erased; the commitments to it stand."
                .to_owned(),
            format!(
                "policy.txt, verify.html, the period, when the bundle was made, and when keys were in \
                 use: no signature covers them. verify.html {} the page of this program.",
                if self.own_page { "is" } else { "is not" }
            ),
        ]);
        limits
    }
}
