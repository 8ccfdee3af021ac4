//! Two changes of one conversation at the same moment.

use base::args;
use base::db::{Engine, Statement, Within};
use serde_json::json;

use crate::bench::Room;

const OTHER_MODEL: Statement = Statement::new(
    "set who answers",
    "UPDATE chat_conversation SET model = 'patterns' WHERE org_id = $1 AND conversation_id = $2",
);
const WAITING: Statement = Statement::new(
    "count who waits for this change",
    "SELECT COUNT(*) AS waiting FROM pg_locks
      WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))",
);

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test stands in for another change")]
async fn a_rename_does_not_put_back_who_answered_before() {
    for room in Room::on_each_engine().await {
        // SQLite has one writer.
        if room.bench.db.engine() == Engine::Sqlite {
            continue;
        }
        let member = room.member();
        let path = room.started(&member, "fake").await;
        let (org, id) = (member.org.as_str(), path.rsplit('/').next().expect("an id"));
        let mut other = room.bench.db.begin(&Within::org(org)).await.expect("begins");
        other.run(OTHER_MODEL, args![org, id]).await.expect("is set");
        let title = json!({ "title": "Crocodiles" });
        let mut rename = Box::pin(room.ask(&member, "PATCH", &path, &title));
        loop {
            tokio::select! {
                biased;
                early = &mut rename => panic!("it did not wait: {early:?}"),
                row = other.maybe(WAITING, args![]) => {
                    let row = row.expect("reads").expect("a row");
                    if row.count("waiting").expect("a number") > 0 {
                        break;
                    }
                }
            }
        }
        other.commit().await.expect("commits");
        assert_eq!(rename.await.0, 200);
        let now = room.get(&member, &path).await.1;
        assert_eq!((&now["title"], &now["model"]), (&json!("Crocodiles"), &json!("patterns")));
    }
}
