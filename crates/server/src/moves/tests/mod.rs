//! Moves beside others and over changes, in one process: nobody serves, so every gate is closed
//! at once.

mod changes;
mod turns;

use std::time::Duration;

use access::{Caller, OrgId, Region};
use base::db::Db;
use base::testing::{Bench, StillClock};
use regions::Step;
use tempfile::TempDir;

use super::mover::{Mover, READ_WITHIN};
use super::rows::{Rows, shapes_of};
use crate::config::{Config, Database, DatabaseName};
use crate::storage;
use crate::wire::House;

/// A cell of two regions, and an org in `us` that is ordered to move to `eu`.
struct Cell {
    config: Config,
    house: House,
    org: OrgId,
    operator: Caller,
    _folder: TempDir,
    _benches: Vec<Bench>,
}

impl Cell {
    async fn on_each_engine() -> Vec<Self> {
        let mut all = vec![Self::new(Vec::new()).await];
        let mut benches = Vec::new();
        for _ in 0..3 {
            benches.extend(Bench::postgres(&[], &[]).await);
        }
        if !benches.is_empty() {
            all.push(Self::new(benches).await);
        }
        all
    }

    async fn new(benches: Vec<Bench>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            data: folder.path().to_owned(),
            regions: vec![Region::Us, Region::Eu],
            ..Config::default()
        };
        let names = [DatabaseName::Directory, DatabaseName::Us, DatabaseName::Eu];
        for (name, bench) in names.into_iter().zip(&benches) {
            let mut database = Database::at(bench.url.clone());
            database.owner_url = Some(bench.owner_url.clone());
            config.database.insert(name, database);
        }
        storage::migrate(&config).await.unwrap();
        let house = House::open(&config, StillClock::new().shared()).await.unwrap();
        let org = crate::commands::create_org(&house, "Acme", "acme", Region::Us).await.unwrap();
        let operator = Caller::operator(org.clone(), Region::Us, crate::commands::OPERATOR);
        let home = house.directory.home(&org).await.unwrap().unwrap();
        assert!(house.directory.order_move(&home, Region::Eu).await.unwrap());
        Self { config, house, org, operator, _folder: folder, _benches: benches }
    }

    async fn owner(&self, region: Region) -> Db {
        storage::owner(&self.config, region).await.unwrap()
    }

    async fn mover(&self) -> Mover<'_> {
        Mover {
            house: &self.house,
            org: self.org.clone(),
            from: Region::Us,
            to: Region::Eu,
            source: self.owner(Region::Us).await,
            target: self.owner(Region::Eu).await,
            within: READ_WITHIN,
            erase_unseen: false,
            tell: |_| {},
        }
    }

    async fn begun(&self) -> Mover<'_> {
        assert!(self.house.directory.begin_move(&self.org, Region::Eu).await.unwrap());
        self.mover().await
    }

    /// The same, and this process knows it, as the command's does: what works in the background
    /// leaves the target alone.
    async fn copying(&self) -> Mover<'_> {
        let homes = self.house.databases.homes();
        homes.settle(&self.org, homes.born(&self.org, Region::Us), Region::Us);
        self.begun().await
    }

    async fn step(&self) -> Option<Step> {
        self.house.directory.move_of(&self.org).await.unwrap().map(|found| found.step)
    }

    async fn home(&self) -> Region {
        self.house.directory.home(&self.org).await.unwrap().unwrap().region
    }

    async fn team(&self, name: &str) {
        self.house.identity.add_team(&self.operator, name).await.unwrap();
    }

    /// Rows of the org at the target.
    async fn copied(&self) -> usize {
        let db = self.owner(Region::Eu).await;
        let mut count = 0;
        for shape in shapes_of(&db).await.unwrap() {
            count += db.rows_of(&shape, self.org.as_str(), None).await.unwrap().0.len();
        }
        count
    }

    async fn end(self) {
        self.house.close().await;
    }
}

async fn rows<'a>(mover: &'a Mover<'_>) -> Rows<'a> {
    let (source, target) = ((&mover.source, mover.from), (&mover.target, mover.to));
    Rows::open(&mover.org, mover.house, source, target).await.unwrap()
}

#[tokio::test]
async fn giving_up_erases_nothing_of_an_org_that_moves_at_that_moment() {
    for cell in Cell::on_each_engine().await {
        let (mover, directory) = (cell.copying().await, &cell.house.directory);
        rows(&mover).await.copy().await.unwrap();
        let copied = cell.copied().await;
        let copying = mover.found().await.unwrap();
        let fence = directory.fence(&cell.org).await.unwrap().unwrap();
        let fenced = mover.found().await.unwrap();
        // What was read before the switch counts no more behind it.
        assert!(directory.switch(&cell.org, fence).await.unwrap());
        for stale in [copying, fenced] {
            let error = mover.give_up(&stale).await.unwrap_err().to_string();
            assert!(error.contains("another step"), "{error}");
        }
        let error = mover.abandon().await.unwrap_err().to_string();
        assert!(error.contains("it has moved"), "{error}");
        assert!(copied > 0 && cell.copied().await == copied);
        assert_eq!((cell.step().await, cell.home().await), (Some(Step::Moved), Region::Eu));
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn a_mover_beside_a_giving_up_writes_and_switches_nothing_and_that_is_gone_on_with() {
    for cell in Cell::on_each_engine().await {
        let (mover, directory) = (cell.copying().await, &cell.house.directory);
        let (mut moving, found) = (rows(&mover).await, mover.found().await.unwrap());
        moving.copy().await.unwrap();
        mover.give_up(&found).await.unwrap();
        // It was cut off there. Another that copies still finds its next writing refused.
        let before = cell.copied().await;
        cell.team("Research").await;
        moving.copy().await.unwrap_err();
        assert_eq!(cell.copied().await, before);
        assert_eq!(directory.fence(&cell.org).await.unwrap(), None);
        let error = cell.mover().await.run().await.unwrap_err().to_string();
        assert!(error.contains("--abandon"), "{error}");
        drop(moving);
        mover.abandon().await.unwrap();
        assert_eq!((cell.copied().await, cell.step().await), (0, None));
        assert_eq!(cell.home().await, Region::Us);
        cell.team("Sales").await;
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn a_name_that_somebody_else_has_now_stops_no_move() {
    for cell in Cell::on_each_engine().await {
        let (mover, house) = (cell.copying().await, &cell.house);
        let named = |name: &str| guardrails::NewGuardrail {
            name: name.to_owned(),
            policy: "forbid (principal, action, resource) when { false };".to_owned(),
            on: Some(false),
        };
        let (one, other) = (named("one"), named("other"));
        let first = house.guardrails.create(&cell.operator, &one).await.unwrap();
        let second = house.guardrails.create(&cell.operator, &other).await.unwrap();
        let member = |email: &str| identity::NewMember {
            email: email.to_owned(),
            name: "Ada".to_owned(),
            role: "org:member".to_owned(),
            password: None,
        };
        let ada = member("ada@acme.example");
        let before = house.identity.add_member(&cell.operator, &ada).await.unwrap();
        let mut moving = rows(&mover).await;
        moving.copy().await.unwrap();

        // One goes and another takes its name; two change theirs; somebody comes again.
        house.guardrails.remove(&cell.operator, &first.id).await.unwrap();
        house.guardrails.create(&cell.operator, &one).await.unwrap();
        let renamed = guardrails::GuardrailPatch {
            name: Some("third".to_owned()),
            ..guardrails::GuardrailPatch::default()
        };
        house.guardrails.change(&cell.operator, &second.id, &renamed).await.unwrap();
        house.guardrails.create(&cell.operator, &other).await.unwrap();
        house.identity.remove_member(&cell.operator, &before.id).await.unwrap();
        house.identity.add_member(&cell.operator, &ada).await.unwrap();
        moving.copy().await.unwrap();
        moving.compare().await.unwrap();
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn a_conversation_that_began_between_two_readings_stops_no_move() {
    for cell in Cell::on_each_engine().await {
        let mover = cell.copying().await;
        let mut moving = rows(&mover).await;
        moving.copy().await.unwrap();
        let shapes = shapes_of(&mover.source).await.unwrap();
        let messages = shapes.iter().find(|shape| shape.name == "chat_message").unwrap();
        let start = chat::StartConversation { title: None, model: "patterns".to_owned() };
        let question =
            chat::Question { text: "what is p?".to_owned(), ..chat::Question::default() };
        let begun = cell.house.chat.begin(&cell.operator, start, question).await.unwrap();
        // Nobody taught it that; what it says is kept.
        drop(begun.1.whole().await);
        // The table of conversations was read before, that of messages is read now.
        assert!(moving.copy_up_to(messages).await.unwrap() > 2, "and its conversation");
        moving.copy().await.unwrap();
        moving.compare().await.unwrap();
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn an_org_whose_rows_cannot_be_compared_in_time_is_never_fenced() {
    for cell in Cell::on_each_engine().await {
        let mover = Mover { within: Duration::ZERO, ..cell.mover().await };
        let error = mover.run().await.unwrap_err().to_string();
        assert!(error.contains("0 ms are allowed"), "{error}");
        assert!(error.contains("Nothing was fenced"), "{error}");
        let found = cell.house.directory.move_of(&cell.org).await.unwrap().unwrap();
        assert_eq!((found.step, found.fence, cell.home().await), (Step::Copying, 0, Region::Us));
        // The same org in the time that there is.
        let done = cell.mover().await.run().await.unwrap();
        assert!(done.pause_ms.is_some());
        assert_eq!((cell.step().await, cell.home().await), (Some(Step::Done), Region::Eu));
        Box::pin(cell.end()).await;
    }
}

/// Copied and switched, and cut off there.
async fn switched(cell: &Cell) {
    let (mover, directory) = (cell.begun().await, &cell.house.directory);
    rows(&mover).await.copy().await.unwrap();
    let fence = directory.fence(&cell.org).await.unwrap().unwrap();
    assert!(directory.switch(&cell.org, fence).await.unwrap());
}

/// How often the record at the new home tells of this.
async fn told(cell: &Cell, action: &str) -> usize {
    let caller = Caller::operator(cell.org.clone(), Region::Eu, crate::commands::OPERATOR);
    let filter = audit::Filter { action: action.to_owned(), ..audit::Filter::default() };
    cell.house.record.events(&caller, &filter).await.unwrap().items.len()
}

#[tokio::test]
async fn what_was_written_behind_the_fence_is_not_erased_unseen_after_a_kill_either() {
    for cell in Cell::on_each_engine().await {
        switched(&cell).await;
        // Somebody at another command line, who knows of no gate.
        cell.team("Late").await;
        let error = cell.mover().await.run().await.unwrap_err().to_string();
        assert!(error.contains("(1)") && error.contains("--erase-unseen"), "{error}");
        assert_eq!(cell.step().await, Some(Step::Moved));
        let mover = Mover { erase_unseen: true, ..cell.mover().await };
        mover.run().await.unwrap();
        assert_eq!(cell.step().await, Some(Step::Done));
        assert_eq!(told(&cell, "regions.move.arrived").await, 1);
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn an_arrival_is_told_once_wherever_the_command_was_cut_off() {
    for noted in [false, true] {
        for cell in Cell::on_each_engine().await {
            switched(&cell).await;
            if noted {
                let homes = cell.house.databases.homes();
                homes.settle(&cell.org, Region::Us, Region::Eu);
                let changes = serde_json::json!({ "from": "us", "to": "eu" });
                let mover = cell.mover().await;
                mover.note(Region::Eu, "regions.move.arrived", changes).await.unwrap();
            }
            cell.mover().await.run().await.unwrap();
            assert_eq!(told(&cell, "regions.move.arrived").await, 1);
            assert_eq!(told(&cell, "regions.move.erased").await, 1);
            Box::pin(cell.end()).await;
        }
    }
}

#[tokio::test]
async fn an_identity_provider_knows_an_org_that_moved_by_the_same_addresses() {
    for cell in Cell::on_each_engine().await {
        let sso = &cell.house.sso;
        let new = serde_json::json!({ "kind": "saml", "name": "Acme login" });
        let new = serde_json::from_value(new).unwrap();
        let made = sso.create(&cell.operator, new).await.unwrap();
        Box::pin(cell.mover().await.run()).await.unwrap();
        let there = Caller::operator(cell.org.clone(), Region::Eu, crate::commands::OPERATOR);
        assert_eq!(sso.get(&there, &made.id).await.unwrap().ours, made.ours);
        let handle = made.ours.handle.parse().unwrap();
        assert!(sso.metadata(&handle).await.unwrap().contains(&made.ours.acs_url));
        Box::pin(cell.end()).await;
    }
}
