//! What can go wrong with a database.

/// The database refused or could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the database could not {doing}")]
pub struct DbError {
    doing: String,
    #[source]
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Engine(sqlx::Error),
    #[error(transparent)]
    Elsewhere(Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Archive(Box<dyn std::error::Error + Send + Sync>),
}

const SQLITE_READONLY: u32 = 8;
const SQLITE_IOERR: u32 = 10;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;

impl DbError {
    pub(crate) fn new(doing: &str, cause: sqlx::Error) -> Self {
        Self { doing: doing.to_owned(), cause: Cause::Engine(cause) }
    }

    /// A stored value that this version does not understand.
    pub fn unreadable(column: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            doing: "understand a stored value".to_owned(),
            cause: Cause::Engine(sqlx::Error::ColumnDecode {
                index: column.to_owned(),
                source: Box::new(cause),
            }),
        }
    }

    /// What a stored value needs is not in the database, and cannot be had now.
    pub fn elsewhere(doing: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { doing: doing.to_owned(), cause: Cause::Elsewhere(Box::new(cause)) }
    }

    /// Rows that were moved out of the database into an archive cannot be read now.
    pub fn archive(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { doing: "read its archive".to_owned(), cause: Cause::Archive(Box::new(cause)) }
    }

    /// Why an archive was not read, if that is what failed.
    pub fn of_archive<T: std::error::Error + 'static>(&self) -> Option<&T> {
        let Cause::Archive(cause) = &self.cause else { return None };
        cause.downcast_ref()
    }

    /// An error that a sentence says alone.
    pub fn says(doing: &str, sentence: String) -> Self {
        Self { doing: doing.to_owned(), cause: Cause::Engine(sqlx::Error::Protocol(sentence)) }
    }

    /// Another row already has this unique value.
    pub fn is_conflict(&self) -> bool {
        let Cause::Engine(sqlx::Error::Database(error)) = &self.cause else { return false };
        error.is_unique_violation()
    }

    /// Trying the whole transaction again may succeed: a serialization failure,
    /// a deadlock, a busy file.
    pub fn is_passing(&self) -> bool {
        let Cause::Engine(sqlx::Error::Database(error)) = &self.cause else { return false };
        matches!(error.code().as_deref(), Some("40001" | "40P01" | "5" | "517" | "261"))
    }

    /// The database cannot be reached at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self.cause,
            Cause::Engine(
                sqlx::Error::Io(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            )
        )
    }

    /// No answer came in the time that there was: nobody knows whether it was done.
    pub fn too_slow(doing: &str) -> Self {
        Self::new(doing, sqlx::Error::PoolTimedOut)
    }

    /// It cannot take what is written, for a reason of its own: it is not there, starts, stops,
    /// lets nobody in, is only read while another one takes over, or has no room.
    pub fn is_away(&self) -> bool {
        let Cause::Engine(sqlx::Error::Database(error)) = &self.cause else {
            return self.is_unreachable();
        };
        let code = error.code().unwrap_or_default();
        // SQLite numbers its errors; what is above the lowest byte says more of one of them.
        let sqlite = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff);
        let classes = ["08", "53", "57P", "58"];
        let codes = ["25006", "55000", "28000"];
        matches!(sqlite, Some(SQLITE_READONLY | SQLITE_IOERR | SQLITE_FULL | SQLITE_CANTOPEN))
            || (sqlite.is_none()
                && (classes.iter().any(|class| code.starts_with(class))
                    || codes.contains(&code.as_ref())))
    }

    /// The database answers, and something that it needs does not: see [`DbError::elsewhere`].
    pub fn is_elsewhere(&self) -> bool {
        matches!(self.cause, Cause::Elsewhere(_))
    }

    /// The database answers, and its archive does not: see [`DbError::archive`].
    pub fn is_archive(&self) -> bool {
        matches!(self.cause, Cause::Archive(_))
    }
}
