//! Domains: which org an e-mail address is at home in, proven in the DNS.
//!
//! # What this room promises
//!
//! - A domain is an org's when its DNS says so, and not before:
//!   `a_domain_is_proven_by_its_txt_record`.
//! - A domain is of one org at a time: `a_domain_that_is_anothers_is_not_given`.
//! - It is looked at every week; a record that is gone for two weeks gives the domain up,
//!   and a DNS that does not answer gives nothing up:
//!   `a_domain_whose_record_is_gone_is_given_up_after_two_weeks`,
//!   `a_dns_that_does_not_answer_changes_nothing`.
//! - Two looks, or a look and whoever gives a domain up, never contradict each other:
//!   `a_domain_that_is_given_up_while_it_is_looked_at_is_free`,
//!   `a_look_that_took_long_takes_back_nothing_that_was_proven_meanwhile`.
//! - What is no domain is refused by name: `nonsense_is_no_domain`.
//! - An org sees nothing of another, and only those who connect identity providers see any
//!   of it: `two_orgs_see_nothing_of_each_other`.

mod api;
mod check;
mod domain;
mod error;
mod keeper;
mod pages;
mod resolver;
pub mod sql;
mod watch;

use std::sync::Arc;

use access::{Databases, OrgId, Region};
use audit::Record;
use base::problem::Problem;
use base::tasks::Tasks;
use base::time::{At, SharedClock};

pub use self::api::routes;
pub use self::domain::{Claim, Domain, DomainName, DomainState, NotADomain};
pub use self::error::Error;
pub use self::pages::pages;
pub use self::resolver::{Dns, NoAnswer};

/// Where all orgs' domains stand, over all regions. The server answers from the directory.
#[async_trait::async_trait]
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// Notes that a domain is an org's; false if it is another's.
    async fn put(&self, domain: &str, org: &OrgId, region: Region) -> Result<bool, Problem>;

    /// Notes that it is the org's no more. Another's stays.
    async fn release(&self, domain: &str, org: &OrgId) -> Result<(), Problem>;
}

/// What the room stands on.
#[derive(Debug)]
pub struct Needs {
    /// The databases of the regions that are served here.
    pub databases: Databases,
    /// Tells the time.
    pub clock: SharedClock,
    /// Takes every change.
    pub record: Record,
    /// Where all domains stand.
    pub registry: Arc<dyn Registry>,
    /// Asks the DNS.
    pub dns: Dns,
    /// Background work.
    pub tasks: Tasks,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Domains(Arc<Room>);

#[derive(Debug)]
struct Room {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    registry: Arc<dyn Registry>,
    dns: Dns,
    tasks: Tasks,
}

impl Domains {
    /// Opens the room and starts its background work.
    pub fn open(needs: Needs) -> Self {
        let tasks = needs.tasks.clone();
        let domains = Self(Arc::new(Room {
            databases: needs.databases,
            clock: needs.clock,
            record: needs.record,
            registry: needs.registry,
            dns: needs.dns,
            tasks: needs.tasks,
        }));
        tasks.spawn(domains.clone().work());
        domains
    }

    fn now(&self) -> At {
        self.0.clock.now()
    }
}
