//! What changes of an org while it is copied.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use base::args;
use base::db::{Engine, Shape, Statement, Value, Values, Within, Writes};

use super::*;

/// More than are read in the time that writes may wait, in the test of that.
const MANY: usize = 20_000;

const TRIGGERS_SQLITE: Statement = Statement::new(
    "list triggers",
    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'moving%'",
);
const TRIGGERS_POSTGRES: Statement = Statement::new(
    "list triggers",
    "SELECT CAST(t.tgname AS TEXT) AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
      WHERE t.tgname LIKE 'moving%'",
);
const RENAME: Statement =
    Statement::new("rename", "UPDATE identity_team SET name = $3 WHERE org_id = $1 AND name = $2");
const REKEY: Statement = Statement::new(
    "rekey",
    "UPDATE identity_team SET team_id = $3 WHERE org_id = $1 AND name = $2",
);
const FORGET: Statement =
    Statement::new("forget", "DELETE FROM identity_team WHERE org_id = $1 AND name = $2");
const PART: Statement =
    Statement::new("part", "DELETE FROM chat_conversation WHERE org_id = $1 AND model = $2");
const CODE: Statement = Statement::new(
    "give a code",
    "INSERT INTO sso_seen (org_id, connection_id, tag, expires_at) VALUES ($1, $2, $3, 1)",
);

/// Tables that nothing changes but these tests.
const BY_HAND: [&str; 4] = ["chat_conversation", "chat_message", "identity_team", "sso_seen"];

impl Cell {
    /// As somebody at the tables themselves.
    #[expect(clippy::disallowed_methods, reason = "a test of the tables themselves")]
    async fn at_the_tables(&self, org: &OrgId, statement: Statement, rest: Values) -> u64 {
        let db = self.owner(Region::Us).await;
        let mut tx = db.begin(&Within::org(org.as_str())).await.unwrap();
        let args = [args![org.as_str()], rest].concat();
        let changed = tx.run(statement, args).await.unwrap();
        tx.commit().await.unwrap();
        changed
    }

    /// Triggers, notes and turns that stand in a region, of any org.
    async fn noting(&self, region: Region) -> (usize, usize, usize) {
        let db = self.owner(region).await;
        let triggers = match db.engine() {
            Engine::Sqlite => TRIGGERS_SQLITE,
            Engine::Postgres => TRIGGERS_POSTGRES,
        };
        let triggers = db.all(&Within::node(), triggers, vec![]).await.unwrap().len();
        let count = async |text| db.all(&Within::node(), text, vec![]).await.unwrap().len();
        let notes = Statement::new("list notes", "SELECT item FROM audit_changed");
        let turns = Statement::new("list turns", "SELECT run FROM audit_mover");
        (triggers, count(notes).await, count(turns).await)
    }

    async fn is_clean_of_notes(&self) {
        for region in [Region::Us, Region::Eu] {
            assert_eq!(self.noting(region).await, (0, 0, 0), "{region}");
        }
    }

    async fn teams(&self, region: Region) -> BTreeSet<String> {
        let (db, mut teams, mut after) = (self.owner(region).await, BTreeSet::new(), None);
        let shape = shape(&db, "identity_team").await;
        let name = shape.place("name").unwrap();
        loop {
            let (rows, more) = db.rows_of(&shape, self.org.as_str(), after).await.unwrap();
            teams.extend(rows.iter().map(|row| match row.get(name) {
                Some(Value::Text(Some(name))) => name.clone(),
                other => format!("{other:?}"),
            }));
            after = more;
            if after.is_none() {
                return teams;
            }
        }
    }

    /// So many teams, each like the first.
    async fn fill(&self, count: usize) {
        self.team("first").await;
        let db = self.owner(Region::Us).await;
        let shape = shape(&db, "identity_team").await;
        let (rows, _) = db.rows_of(&shape, self.org.as_str(), None).await.unwrap();
        let like = rows.first().unwrap();
        let (id, name) = (shape.place("team_id").unwrap(), shape.place("name").unwrap());
        for piece in (0..count).collect::<Vec<_>>().chunks(1_000) {
            let fresh = piece.iter().map(|number| {
                let mut row = like.clone();
                *row.get_mut(id).unwrap() = Value::from(format!("team_{number:026}"));
                *row.get_mut(name).unwrap() = Value::from(format!("many-{number}"));
                row
            });
            let writes = Writes { fresh: fresh.collect(), ..Writes::default() };
            db.put_rows(&shape, self.org.as_str(), writes, None).await.unwrap();
        }
    }
}

/// Of what is noted for a run, the tables that these tests change by hand: rooms that work in
/// the background change others at any time.
async fn noted(mover: &Mover<'_>, moving: &Rows<'_>) -> Vec<String> {
    let shapes = shapes_of(&mover.source).await.unwrap();
    let noted = mover.source.noted(&moving.run(), &shapes).await.unwrap();
    let stores = noted.into_iter().map(|noted| noted.store);
    stores.filter(|store| BY_HAND.contains(&store.as_str())).collect()
}

async fn shape(db: &Db, name: &str) -> Shape {
    db.shapes().await.unwrap().into_iter().find(|shape| shape.name == name).unwrap()
}

#[tokio::test]
async fn an_org_moves_though_reading_it_takes_longer_than_its_writes_may_wait() {
    for cell in Cell::on_each_engine().await {
        cell.fill(MANY).await;
        let mover = cell.copying().await;
        let mut moving = rows(&mover).await;
        moving.copy().await.unwrap();
        let begun = Instant::now();
        moving.compare().await.unwrap();
        let whole = begun.elapsed();
        drop(moving);
        let mover = Mover { within: whole / 4, ..mover };
        // Somebody works on all the while, and waits at the gate.
        let (stop, mut acknowledged) = (AtomicBool::new(false), Vec::new());
        let runs = async {
            let done = Box::pin(mover.run()).await;
            stop.store(true, Ordering::SeqCst);
            done.unwrap()
        };
        let works = async {
            while !stop.load(Ordering::SeqCst) {
                let name = format!("late-{}", acknowledged.len());
                cell.team(&name).await;
                acknowledged.push(name);
            }
        };
        let (done, ()) = tokio::join!(runs, works);
        let looked_at = done.pause_rows.unwrap();
        assert!(looked_at < 1_000, "{looked_at} rows were read behind the fence");
        assert!(acknowledged.len() > 5, "{acknowledged:?}");
        let teams = cell.teams(Region::Eu).await;
        assert!(acknowledged.iter().all(|name| teams.contains(name)), "{acknowledged:?}");
        assert_eq!(teams.len(), MANY + 1 + acknowledged.len());
        assert_eq!(cell.teams(Region::Us).await.len(), 0);
        assert_eq!((cell.step().await, cell.home().await), (Some(Step::Done), Region::Eu));
        cell.is_clean_of_notes().await;
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn what_changes_while_it_is_copied_comes_over_row_by_row() {
    for cell in Cell::on_each_engine().await {
        let other = crate::commands::create_org(&cell.house, "Other", "other", Region::Us);
        let other = other.await.unwrap();
        cell.fill(2_000).await;
        for name in ["renamed", "gone", "moved", "one", "two"] {
            cell.team(name).await;
        }
        let start = || chat::StartConversation { title: None, model: "patterns".to_owned() };
        let question =
            || chat::Question { text: "what is p?".to_owned(), ..chat::Question::default() };
        let begun = cell.house.chat.begin(&cell.operator, start(), question()).await.unwrap();
        drop(begun.1.whole().await);
        let mover = cell.copying().await;
        let mut moving = rows(&mover).await;
        moving.copy().await.unwrap();
        moving.compare().await.unwrap();
        moving.follow().await.unwrap();
        moving.forget().await.unwrap();
        assert_eq!(noted(&mover, &moving).await, [""; 0], "nothing changed");

        // One with what belongs to it, and another one begins; names go round; a key of bytes.
        let org = &cell.org;
        assert_eq!(cell.at_the_tables(org, PART, args!["patterns"]).await, 1);
        let begun = cell.house.chat.begin(&cell.operator, start(), question()).await.unwrap();
        drop(begun.1.whole().await);
        for (name, new) in [("renamed", "new"), ("one", "three"), ("two", "one"), ("three", "two")]
        {
            assert_eq!(cell.at_the_tables(org, RENAME, args![name, new]).await, 1);
        }
        assert_eq!(cell.at_the_tables(org, REKEY, args!["moved", "team_elsewhere"]).await, 1);
        assert_eq!(cell.at_the_tables(org, FORGET, args!["gone"]).await, 1);
        cell.at_the_tables(org, CODE, args!["sso_1", vec![0_u8, 255, 16]]).await;
        // Those of another organization are none of its business.
        cell.at_the_tables(&other, CODE, args!["sso_1", vec![1_u8]]).await;
        let caller = Caller::operator(other.clone(), Region::Us, crate::commands::OPERATOR);
        cell.house.identity.add_team(&caller, "Theirs").await.unwrap();
        let all = cell.owner(Region::Us).await;
        let notes = shape(&all, "audit_changed").await;
        assert!(!all.rows_of(&notes, org.as_str(), None).await.unwrap().0.is_empty());
        assert!(all.rows_of(&notes, other.as_str(), None).await.unwrap().0.is_empty());

        let looked_at = moving.follow().await.unwrap();
        assert!((10..200).contains(&looked_at), "{looked_at}");
        moving.forget().await.unwrap();
        assert_eq!(noted(&mover, &moving).await, [""; 0], "all of it was seen");
        // Both sides as a whole, and what was kept of them is what they are.
        let by_hand = |moving: &Rows<'_>| {
            let held = moving.held().into_iter();
            held.filter(|held| BY_HAND.contains(&held.store.as_str())).collect::<Vec<_>>()
        };
        let followed = by_hand(&moving);
        moving.compare().await.unwrap();
        assert_eq!((followed.len(), by_hand(&moving)), (BY_HAND.len(), followed));
        assert_eq!(cell.teams(Region::Eu).await, cell.teams(Region::Us).await);
        assert!(cell.teams(Region::Eu).await.contains("new"));
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn what_was_noted_is_not_lost_by_a_kill_nor_by_a_change_in_between() {
    for cell in Cell::on_each_engine().await {
        cell.team("before").await;
        let mover = cell.copying().await;
        let mut moving = rows(&mover).await;
        moving.copy().await.unwrap();
        moving.compare().await.unwrap();
        cell.at_the_tables(&cell.org, RENAME, args!["before", "once"]).await;
        let shapes = shapes_of(&mover.source).await.unwrap();
        let first = mover.source.noted(&moving.run(), &shapes).await.unwrap();
        assert_eq!(noted(&mover, &moving).await, ["identity_team"]);
        // Its note is taken away as it was read: the second change stays noted.
        cell.at_the_tables(&cell.org, RENAME, args!["once", "twice"]).await;
        mover.source.forget_noted(&moving.run(), &first).await.unwrap();
        assert_eq!(noted(&mover, &moving).await, ["identity_team"]);
        let again = mover.source.noted(&moving.run(), &shapes).await.unwrap();
        mover.source.forget_noted(&moving.run(), &again).await.unwrap();
        assert_eq!(noted(&mover, &moving).await, [""; 0]);

        // Killed, with something noted and never copied: the next run sees it.
        cell.at_the_tables(&cell.org, RENAME, args!["twice", "thrice"]).await;
        drop(moving);
        let (triggers, left, _) = cell.noting(Region::Us).await;
        assert!(triggers > 100 && left > 0, "{triggers} triggers, {left} notes");
        Box::pin(mover.run()).await.unwrap();
        assert_eq!(cell.teams(Region::Eu).await, BTreeSet::from(["thrice".to_owned()]));
        cell.is_clean_of_notes().await;
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn a_second_run_has_the_turn_and_the_first_writes_and_switches_nothing() {
    for cell in Cell::on_each_engine().await {
        let mover = cell.copying().await;
        let mut first = rows(&mover).await;
        first.copy().await.unwrap();
        let mut second = rows(&mover).await;
        cell.team("late").await;
        for error in [first.copy().await.unwrap_err(), first.is_its_turn().await.unwrap_err()] {
            assert!(format!("{error:#}").contains("another run has the turn"), "{error:#}");
        }
        // What the first one takes away when it fails is its own.
        first.close().await.unwrap();
        second.copy().await.unwrap();
        second.compare().await.unwrap();
        cell.team("later").await;
        assert!(second.follow().await.unwrap() > 0);
        second.is_its_turn().await.unwrap();
        assert!(cell.teams(Region::Eu).await.contains("later"));
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn nothing_is_noted_any_more_when_a_move_failed_or_was_given_up() {
    for cell in Cell::on_each_engine().await {
        let mover = Mover { within: Duration::ZERO, ..cell.mover().await };
        Box::pin(mover.run()).await.unwrap_err();
        assert_eq!(cell.noting(Region::Us).await.0, 0, "it failed");
        assert_eq!(cell.noting(Region::Eu).await, (0, 0, 0), "it failed");
        let mover = cell.mover().await;
        let killed = rows(&mover).await;
        cell.team("late").await;
        drop(killed);
        let (triggers, notes, _) = cell.noting(Region::Us).await;
        assert!(triggers > 100 && notes > 0);
        Box::pin(mover.abandon()).await.unwrap();
        cell.is_clean_of_notes().await;
        assert_eq!(cell.copied().await, 0);
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test of the tables themselves")]
async fn a_write_that_is_under_way_when_it_begins_is_waited_for_and_comes_over() {
    for cell in Cell::on_each_engine().await {
        let mover = cell.copying().await;
        if mover.source.engine() == Engine::Sqlite {
            // Whoever writes there does so alone.
            continue;
        }
        cell.team("before").await;
        let mut tx = mover.source.begin(&Within::org(cell.org.as_str())).await.unwrap();
        let args = args![cell.org.as_str(), "before", "under way"];
        assert_eq!(tx.run(RENAME, args).await.unwrap(), 1);
        let waits = tokio::time::timeout(Duration::from_millis(400), rows(&mover)).await;
        assert!(waits.is_err(), "nothing was noted of what is under way");
        tx.commit().await.unwrap();
        let mut moving = rows(&mover).await;
        moving.copy().await.unwrap();
        moving.compare().await.unwrap();
        assert_eq!(cell.teams(Region::Eu).await, BTreeSet::from(["under way".to_owned()]));
        Box::pin(cell.end()).await;
    }
}
