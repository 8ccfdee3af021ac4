//! Runs that stood still, and go on beside others.

use base::args;
use base::db::{Engine, Run, Statement, Within};

use super::super::erase::forget_notes;
use super::super::rows::{NOTES, TURNS};
use super::*;

const UNNOTE: Statement =
    Statement::new("forget notes", "DELETE FROM audit_changed WHERE org_id = $1");
const ESCAPE: Statement =
    Statement::new("write bytes otherwise", "SELECT set_config('bytea_output', 'escape', true)");
const CODE: Statement = Statement::new(
    "give a code",
    "INSERT INTO sso_seen (org_id, connection_id, tag, expires_at) VALUES ($1, 'sso_1', $2, 1)",
);
const KEYS: Statement = Statement::new("lose a key", "DELETE FROM audit_wrapper WHERE org_id = $1");

fn turn<'a>(cell: &'a Cell, name: &'a str) -> Run<'a> {
    Run { org: cell.org.as_str(), name, turns: TURNS, notes: NOTES }
}

#[expect(clippy::disallowed_methods, reason = "a test of the tables themselves")]
async fn by_hand(db: &Db, cell: &Cell, statement: Statement) {
    let mut tx = db.begin(&Within::org(cell.org.as_str())).await.unwrap();
    assert!(tx.run(statement, args![cell.org.as_str()]).await.unwrap() > 0);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_run_whose_notes_others_took_away_does_not_switch() {
    for cell in Cell::on_each_engine().await {
        let mover = cell.copying().await;
        // One that stood still before it forgets what others noted does not, behind a second.
        let stale = turn(&cell, "stale");
        mover.source.take_turn(&stale).await.unwrap();
        let mut moving = rows(&mover).await;
        let error = forget_notes(&mover.source, &stale).await.unwrap_err();
        assert!(format!("{error:#}").contains("another run has the turn"), "{error:#}");
        moving.copy().await.unwrap();
        moving.compare().await.unwrap();

        // Whoever does it all the same: the notes, or what makes them.
        for notes in [true, false] {
            cell.team(if notes { "first" } else { "second" }).await;
            if notes {
                by_hand(&mover.source, &cell, UNNOTE).await;
            } else {
                moving = rows(&mover).await;
                moving.copy().await.unwrap();
                moving.compare().await.unwrap();
                mover.source.note_no_more(&moving.run()).await.unwrap();
                cell.team("third").await;
            }
            let error = mover.switch(&mut moving).await.unwrap_err();
            assert!(format!("{error:#}").contains("took away what notes"), "{error:#}");
            assert_eq!((cell.step().await, cell.home().await), (Some(Step::Copying), Region::Us));
            moving.compare().await.unwrap_err();
        }
        Box::pin(mover.run()).await.unwrap();
        assert_eq!(cell.home().await, Region::Eu);
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn an_eraser_that_stood_still_erases_nothing_of_an_org_that_moves_back() {
    for cell in Cell::on_each_engine().await {
        let mover = cell.mover().await;
        switched(&cell).await;
        let stale = mover.take_turns(Step::Moved).await.unwrap();
        Box::pin(cell.mover().await.run()).await.unwrap();
        let (home, directory) = (cell.home().await, &cell.house.directory);
        assert_eq!(home, Region::Eu);
        let home = directory.home(&cell.org).await.unwrap().unwrap();
        assert!(directory.order_move(&home, Region::Us).await.unwrap());
        assert!(directory.begin_move(&cell.org, Region::Us).await.unwrap());
        let (source, target) = (cell.owner(Region::Eu).await, cell.owner(Region::Us).await);
        let back = Mover { from: Region::Eu, to: Region::Us, source, target, ..cell.mover().await };
        let mut moving = rows(&back).await;
        assert!(moving.copy().await.unwrap() > 0);
        let error = mover.clean(Region::Us, &mover.source, &stale).await.unwrap_err();
        assert!(format!("{error:#}").contains("another run has the turn"), "{error:#}");
        let error = mover.end_turns(&stale).await.unwrap_err();
        assert!(format!("{error:#}").contains("another run has the turn"), "{error:#}");
        assert!(mover.take_turns(Step::Moved).await.is_err(), "it is another move");
        moving.compare().await.unwrap();
        drop(moving);
        Box::pin(back.run()).await.unwrap();
        assert_eq!((cell.home().await, cell.copied().await), (Region::Us, 0));
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
async fn an_org_without_one_of_its_keys_at_the_target_is_not_switched() {
    for cell in Cell::on_each_engine().await {
        let mover = cell.copying().await;
        let mut moving = rows(&mover).await;
        moving.copy().await.unwrap();
        moving.compare().await.unwrap();
        by_hand(&mover.target, &cell, KEYS).await;
        let error = mover.switch(&mut moving).await.unwrap_err();
        assert!(format!("{error:#}").contains("keys of the organization are missing"), "{error:#}");
        assert_eq!((cell.step().await, cell.home().await), (Some(Step::Copying), Region::Us));
        Box::pin(cell.end()).await;
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test of the tables themselves")]
async fn a_key_of_bytes_comes_over_however_the_session_of_its_writer_writes_bytes() {
    for cell in Cell::on_each_engine().await {
        let mover = cell.copying().await;
        if mover.source.engine() == Engine::Sqlite {
            continue;
        }
        let mut moving = rows(&mover).await;
        moving.copy().await.unwrap();
        moving.compare().await.unwrap();
        let org = cell.org.as_str();
        let mut tx = mover.source.begin(&Within::org(org)).await.unwrap();
        tx.all(ESCAPE, vec![]).await.unwrap();
        tx.run(CODE, args![org, b"6162".to_vec()]).await.unwrap();
        tx.commit().await.unwrap();
        moving.follow().await.unwrap();
        moving.forget().await.unwrap();
        moving.compare().await.unwrap();
        let all = Statement::new("list codes", "SELECT tag FROM sso_seen WHERE org_id = $1");
        let there = mover.target.all(&Within::org(org), all, args![org]).await.unwrap();
        assert_eq!(there.len(), 1);
        Box::pin(cell.end()).await;
    }
}
