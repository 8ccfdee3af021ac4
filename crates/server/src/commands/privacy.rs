//! What an operator does for an org that must forget somebody, or must not. Every act is in
//! the org's record, under the operator's name.

use base::http::{Page, Paging};
use base::problem::Problem;
use base::time::At;
use clap::Subcommand;
use privacy::{Ask, HoldId, NewHold, Request, RequestId, SetRetention, State};
use serde_json::{Value, json};

use super::bootstrap::{With, operator};
use super::say;

/// Erasures and holds that are read at once.
const LISTED: u32 = 200;

/// In which organization.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Within {
    /// The organization: its id or its short name.
    #[arg(long)]
    org: String,
    #[command(flatten)]
    with: With,
}

/// `portico privacy …`
#[derive(Debug, Subcommand)]
pub(crate) enum PrivacyCommand {
    /// Lists what is held of a person, and what an erasure would do.
    Locate {
        /// An id (`mem_…`, `stp_…`) or an e-mail address.
        person: String,
        #[command(flatten)]
        within: Within,
    },
    /// Prints everything that is held of a person, as JSON.
    Export {
        /// An id or an e-mail address.
        person: String,
        #[command(flatten)]
        within: Within,
    },
    /// Erases a person who is no member any more. It cannot be taken back.
    Erase {
        /// An id or an e-mail address.
        person: String,
        #[command(flatten)]
        within: Within,
    },
    /// Lists erasures.
    Requests(Within),
    /// Prints the signed receipt of an erasure, for `portico verify`.
    Receipt {
        /// The erasure: `prq_…`.
        id: RequestId,
        #[command(flatten)]
        within: Within,
    },
    /// Places a legal hold.
    Hold {
        /// On whom: an id or an e-mail address; without it, on everybody.
        #[arg(long)]
        person: Option<String>,
        /// Why. It stays: name no people.
        #[arg(long)]
        reason: String,
        /// Until when, such as 2027-12-31T00:00:00Z; without it, until it is lifted.
        #[arg(long)]
        until: Option<At>,
        #[command(flatten)]
        within: Within,
    },
    /// Lists legal holds.
    Holds(Within),
    /// Lifts a legal hold. What it alone kept is erased soon.
    Lift {
        /// The hold: `hld_…`.
        id: HoldId,
        #[command(flatten)]
        within: Within,
    },
    /// Sets how long values must be kept.
    Retention {
        /// Days from a person's last event, and of a conversation from its last message.
        #[arg(long)]
        days: i64,
        /// What says so.
        #[arg(long, default_value = "")]
        law: String,
        #[command(flatten)]
        within: Within,
    },
}

impl PrivacyCommand {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Within { org, with } = self.within().clone();
        let house = with.house().await?;
        let caller = operator(&house, &org).await?;
        let (value, line) = self.told(&house.privacy, &caller).await?;
        say(with.json, &value, &line);
        house.close().await;
        Ok(())
    }

    const fn within(&self) -> &Within {
        match self {
            Self::Locate { within, .. }
            | Self::Export { within, .. }
            | Self::Erase { within, .. }
            | Self::Requests(within)
            | Self::Receipt { within, .. }
            | Self::Hold { within, .. }
            | Self::Holds(within)
            | Self::Lift { within, .. }
            | Self::Retention { within, .. } => within,
        }
    }

    /// Does it, and gives what came of it: for programs and for people.
    async fn told(
        self,
        privacy: &privacy::Privacy,
        caller: &access::Caller,
    ) -> Result<(Value, String), Problem> {
        Ok(match self {
            Self::Locate { person, .. } => {
                let located = privacy.locate(caller, &person).await?;
                let stores = located.stores.iter().map(|held| {
                    let rows = held.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
                    let fate = held.stays.as_deref().unwrap_or("an erasure destroys it");
                    format!("{:24} {rows:>8}  {}; {fate}", held.store, held.what)
                });
                let lines = std::iter::once(located.person.clone()).chain(stores);
                (json!(located), lines.collect::<Vec<_>>().join("\n"))
            }
            Self::Export { person, .. } => {
                let export = json!(privacy.export(caller, &person).await?);
                let line = format!("{export:#}");
                (export, line)
            }
            Self::Erase { person, .. } => {
                let request = privacy.erase(caller, &Ask { person }).await?;
                (json!(request), line_of(&request))
            }
            Self::Requests(_) => {
                let requests = whole(async |page| privacy.requests(caller, &page).await).await?;
                let lines: Vec<_> = requests.items.iter().map(line_of).collect();
                (json!(requests), lines.join("\n"))
            }
            Self::Receipt { id, .. } => {
                let receipt = privacy.receipt(caller, &id).await?;
                let line = receipt.note.trim_end().to_owned();
                (json!(receipt), line)
            }
            Self::Hold { person, reason, until, .. } => {
                let hold = privacy.place_hold(caller, &NewHold { person, reason, until }).await?;
                let line = format!("{} is in force", hold.id);
                (json!(hold), line)
            }
            Self::Holds(_) => {
                let holds = whole(async |page| privacy.holds(caller, &page).await).await?;
                let line = |hold: &privacy::Hold| {
                    let on = hold.person.as_deref().unwrap_or("everybody");
                    let state = if hold.in_force { "in force" } else { "over" };
                    format!("{} on {on}, {state}: {}", hold.id, hold.reason)
                };
                let lines: Vec<_> = holds.items.iter().map(line).collect();
                (json!(holds), lines.join("\n"))
            }
            Self::Lift { id, .. } => {
                let hold = privacy.lift_hold(caller, &id).await?;
                let line = format!("{} is lifted; what it alone kept is erased soon", hold.id);
                (json!(hold), line)
            }
            Self::Retention { days, law, .. } => {
                let set = privacy.set_retention(caller, &SetRetention { days, law }).await?;
                let line = format!("values are kept at least {} days: {}", set.days, set.law);
                (json!(set), line)
            }
        })
    }
}

fn line_of(request: &Request) -> String {
    let (id, person) = (&request.id, &request.person);
    match (request.state, &request.blocked) {
        (State::Restricted, Some(blocked)) => format!("{id} {person}: {}", blocked.sentence()),
        (state, _) => format!("{id} {person}: {}", state.words()),
    }
}

/// Every page of a list, as one.
async fn whole<T>(
    read: impl AsyncFn(Paging) -> Result<Page<T>, privacy::Error>,
) -> Result<Page<T>, privacy::Error> {
    let mut all = Page { items: Vec::new(), next: None };
    loop {
        let page = read(Paging { after: all.next, limit: Some(LISTED) }).await?;
        all = Page { items: all.items.into_iter().chain(page.items).collect(), next: page.next };
        if all.next.is_none() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_at_the_command_line_goes_on_to_its_end() {
        let all: Vec<usize> = (0..450).collect();
        let read = async |page: Paging| {
            let from: usize = page.after.map_or(0, |after| after.parse().unwrap());
            let to = (from + 200).min(all.len());
            let next = (to < all.len()).then(|| to.to_string());
            Ok(Page { items: all[from..to].to_vec(), next })
        };
        let read = whole(read).await.unwrap();
        assert_eq!((read.items, read.next), (all, None));
    }
}
