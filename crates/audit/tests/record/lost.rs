//! A commit whose answer is lost.

use audit::{Change, Event};
use base::args;
use base::db::Statement;
use base::testing::Bench;

use crate::Room;

#[tokio::test]
async fn a_change_whose_commit_got_no_answer_is_made_once() {
    let steps = (audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY);
    let Some(mut bench) = Bench::postgres(steps.0, steps.1).await else { return };
    let (relay, url) = base::testing::Relay::before(&bench.url).await;
    bench.db = base::db::Db::open(&url).await.expect("opens");
    let room = Room::on(bench);
    let (caller, put) = (
        room.somebody(),
        Statement::new("write", "INSERT INTO audit_open (org_id, node, first) VALUES ($1, $2, $3)"),
    );
    let scope = caller.itself();
    for round in 0..3 {
        let mut change = Change::begin(&room.record, &scope).await.expect("begins");
        change.run(put, args![format!("n{round}"), 1]).await.expect("writes");
        match round {
            0 => {}
            1 => relay.lose_the_answer_to_the_next_commit(),
            _ => relay.lose_the_next_commit(),
        }
        let event = Event::done("gateway.call.ended", "call", format!("c{round}"));
        let durable = change.commit(event).await.expect("is made, whatever was lost");
        assert_eq!(durable.seq(), Some(round));
        assert_eq!(room.events(&caller).await.len(), usize::try_from(round).expect("few") + 1);
    }
    let rows = Statement::new("count", "SELECT COUNT(*) AS n FROM audit_open WHERE org_id = $1");
    let all = room.databases.of(&scope).expect("eu").all(rows, args![]).await.expect("reads");
    assert_eq!(all.first().expect("one").int("n").expect("counts"), 3);
}
