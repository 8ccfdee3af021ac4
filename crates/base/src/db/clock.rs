//! What time it is for everybody who uses a database.

use super::{Db, DbError, Engine, Statement, Within};
use crate::time::At;

const POSTGRES: Statement = Statement::new(
    "say what time it is",
    "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS at",
);
const SQLITE: Statement = Statement::new(
    "say what time it is",
    "SELECT CAST(unixepoch('subsec') * 1000000 AS BIGINT) AS at",
);

impl Db {
    /// The database's own time: what one node wrote with it another can judge, whatever their
    /// clocks say.
    pub async fn clock(&self) -> Result<At, DbError> {
        let statement = match self.engine() {
            Engine::Postgres => POSTGRES,
            Engine::Sqlite => SQLITE,
        };
        let row = self.maybe(&Within::org(""), statement, Vec::new()).await?;
        let none = || DbError::says(statement.doing, "it gave no row".to_owned());
        row.ok_or_else(none)?.at("at")
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[tokio::test]
    async fn a_database_says_what_time_it_is_and_goes_forward() {
        for bench in Bench::on_each_engine(&[], &[]).await {
            let before = bench.db.clock().await.unwrap();
            assert!(before.as_second() > 1_700_000_000, "{before}");
            assert!(bench.db.clock().await.unwrap() >= before);
        }
    }
}
