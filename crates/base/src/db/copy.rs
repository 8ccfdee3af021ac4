//! A consistent copy of the embedded engine's database, while it is used.

use std::path::Path;

use super::pool::{Pool, private};
use super::{Db, DbError};

impl Db {
    /// Writes the database as it is at this moment into a new file, which only this user may
    /// read, while others go on reading and writing; without free pages, so nothing that was
    /// deleted is in it. PostgreSQL has programs of its own for that: an error.
    pub async fn copy_into(&self, file: &Path) -> Result<(), DbError> {
        let Pool::Sqlite { read, .. } = self.pool() else {
            return Err(DbError::says("be copied", "it is no SQLite".to_owned()));
        };
        let on = |cause| DbError::new("be copied", cause);
        private(file).map_err(|cause| on(cause.into()))?;
        let name = file.display().to_string();
        sqlx::query("VACUUM INTO $1").bind(name).execute(read).await.map_err(on)?;
        let written = std::fs::File::open(file).and_then(|file| file.sync_all());
        written.map_err(|cause| on(cause.into()))
    }
}
