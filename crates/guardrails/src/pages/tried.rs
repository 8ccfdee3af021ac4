//! What a simulation gave, drawn.

use std::collections::{BTreeSet, HashMap};

use access::Caller;
use base::problem::Problem;

use crate::simulate::{Example, Simulation, Tally};
use crate::{Error, Guardrails};

/// What a simulation gave, with names.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) simulation: Simulation,
    pub(super) by_action: Vec<Bar>,
    pub(super) by_member: Option<Vec<Bar>>,
    pub(super) examples: Vec<Shown>,
}

/// One row with its bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) judged: u64,
    pub(super) refused: u64,
    /// Of a hundred.
    pub(super) share: u64,
}

/// One event that would have been refused.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) who: String,
    pub(super) example: Example,
}

impl Tried {
    pub(super) async fn of(
        guardrails: &Guardrails,
        caller: &Caller,
        simulation: Simulation,
    ) -> Result<Self, Problem> {
        let members = simulation.by_member.iter().flatten().map(|tally| tally.of.clone());
        let examples = simulation.examples.iter().flatten();
        let ids: BTreeSet<_> = members.chain(examples.map(|one| one.member.clone())).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let names = guardrails.identity.names(caller, &ids).await.map_err(Error::from)?;
        let name_of = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let shown = |one: &Example| Shown { who: name_of(&one.member), example: one.clone() };
        Ok(Self {
            by_action: bars(&simulation.by_action, &HashMap::new()),
            by_member: simulation.by_member.as_ref().map(|tallies| bars(tallies, &names)),
            examples: simulation.examples.iter().flatten().map(shown).collect(),
            simulation,
        })
    }
}

fn bars(tallies: &[Tally], names: &HashMap<String, String>) -> Vec<Bar> {
    let bar = |tally: &Tally| Bar {
        name: names.get(&tally.of).unwrap_or(&tally.of).clone(),
        judged: tally.judged,
        refused: tally.refused,
        share: (tally.refused * 100).checked_div(tally.judged).unwrap_or_default(),
    };
    tallies.iter().map(bar).collect()
}
