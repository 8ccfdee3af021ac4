//! The scripts: one for each verb, atomic.

/// A verb of the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Reserve,
    Settle,
    Extend,
    Adopt,
    Load,
    Correct,
    Tally,
    Tidy,
    Renew,
}

macro_rules! script {
    ($name:literal) => {
        concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $name, ".lua")))
    };
}

impl Verb {
    /// All of them, in the order of their places.
    pub(super) const ALL: [Self; 9] = [
        Self::Reserve,
        Self::Settle,
        Self::Extend,
        Self::Adopt,
        Self::Load,
        Self::Correct,
        Self::Tally,
        Self::Tidy,
        Self::Renew,
    ];

    /// What the store runs.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Reserve => script!("reserve"),
            Self::Settle => script!("settle"),
            Self::Extend => script!("extend"),
            Self::Adopt => script!("adopt"),
            Self::Load => script!("load"),
            Self::Correct => script!("correct"),
            Self::Tally => script!("tally"),
            Self::Tidy => script!("tidy"),
            Self::Renew => script!("renew"),
        }
    }

    pub(super) const fn place(self) -> usize {
        match self {
            Self::Reserve => 0,
            Self::Settle => 1,
            Self::Extend => 2,
            Self::Adopt => 3,
            Self::Load => 4,
            Self::Correct => 5,
            Self::Tally => 6,
            Self::Tidy => 7,
            Self::Renew => 8,
        }
    }
}
