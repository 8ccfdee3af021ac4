//! Who the three organizations are.

use access::Region;
use patterns::engine::seeds;

/// One organization of the demo.
pub(super) struct Org {
    pub(super) name: &'static str,
    pub(super) slug: &'static str,
    pub(super) region: Region,
    pub(super) domain: &'static str,
    /// Owner, admin, member, viewer.
    pub(super) people: [(&'static str, &'static str); 4],
    pub(super) service: &'static str,
    pub(super) team: &'static str,
    pub(super) patterns: &'static str,
    /// What was asked before the visitor came.
    pub(super) history: &'static [&'static str],
}

pub(super) const ORGS: [Org; 3] = [
    Org {
        name: "Nordwind Versicherung",
        slug: "nordwind",
        region: Region::Eu,
        domain: "nordwind.example",
        people: [
            ("ingrid.petersen", "Ingrid Petersen"),
            ("jonas.weber", "Jonas Weber"),
            ("lena.hoffmann", "Lena Hoffmann"),
            ("paul.schmitt", "Paul Schmitt"),
        ],
        service: "Claims intake",
        team: "Claims",
        patterns: seeds::EU,
        history: &["How do I reset my password?", "I forgot my password", "What is the weather?"],
    },
    Org {
        name: "Cascade Freight",
        slug: "cascade",
        region: Region::Us,
        domain: "cascade.example",
        people: [
            ("maria.alvarez", "Maria Alvarez"),
            ("david.kim", "David Kim"),
            ("susan.cole", "Susan Cole"),
            ("tom.baker", "Tom Baker"),
        ],
        service: "Dispatch board",
        team: "Dispatch",
        patterns: seeds::US,
        history: &["How do I reset my password?", "password reset please"],
    },
    Org {
        name: "Harbour Health",
        slug: "harbour",
        region: Region::Apac,
        domain: "harbour.example",
        people: [
            ("wei.ling.tan", "Tan Wei Ling"),
            ("arjun.nair", "Arjun Nair"),
            ("grace.lim", "Grace Lim"),
            ("sam.oconnor", "Sam O'Connor"),
        ],
        service: "Appointment line",
        team: "Front desk",
        patterns: seeds::APAC,
        history: &["How do I reset my password?", "Who won the match?"],
    },
];
