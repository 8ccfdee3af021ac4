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
    #[error("whether it was done is not known")]
    Doubt(#[source] sqlx::Error),
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

    /// A commit that was sent and to which no answer came. What the engine did answer is no
    /// doubt: then nothing was done.
    pub(crate) fn of_commit(cause: sqlx::Error) -> Self {
        let code = code(&cause);
        let answered = matches!(cause, sqlx::Error::Database(_)) && !lost(code.as_deref());
        let doubtful = !answered || code.as_deref() == Some("40003");
        let cause = if doubtful { Cause::Doubt(cause) } else { Cause::Engine(cause) };
        Self { doing: "commit".to_owned(), cause }
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

    /// What the row belongs to is not there.
    pub fn is_orphan(&self) -> bool {
        let Cause::Engine(sqlx::Error::Database(error)) = &self.cause else { return false };
        error.is_foreign_key_violation()
    }

    /// Trying the whole transaction again may succeed: a serialization failure,
    /// a deadlock, a busy file. Nothing of it was done.
    pub fn is_passing(&self) -> bool {
        let Cause::Engine(cause) = &self.cause else { return false };
        matches!(code(cause).as_deref(), Some("40001" | "40P01" | "5" | "517" | "261"))
    }

    /// A lock could not be had in the time that there was, or only in a circle, or what it is of
    /// was changed meanwhile: somebody else holds it. Nothing was done.
    pub(super) fn is_held(&self) -> bool {
        let Cause::Engine(cause) = &self.cause else { return false };
        matches!(code(cause).as_deref(), Some("55P03" | "40P01" | "40001"))
    }

    /// The connection ended, or leads where nothing can be written any more: the database
    /// failed over, or is stopping. Before a commit, nothing was done.
    pub(crate) fn is_lost(&self) -> bool {
        let Cause::Engine(cause) = &self.cause else { return false };
        matches!(cause, sqlx::Error::Io(_)) || lost(code(cause).as_deref())
    }

    /// Nothing of it was done, and doing it again may succeed: it passes, or the connection
    /// ended before a commit was sent.
    pub fn is_undone(&self) -> bool {
        self.is_passing() || self.is_lost()
    }

    /// Other connections of the pool lead nowhere either: this one stood still, or leads to
    /// a server that may not write any more.
    pub(crate) fn is_of_all(&self) -> bool {
        let (Cause::Engine(cause) | Cause::Doubt(cause)) = &self.cause else { return false };
        match cause {
            sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::TimedOut,
            cause => code(cause).as_deref() == Some("25006"),
        }
    }

    /// A commit was sent and no answer came: whether it was done is known only to whoever
    /// looks for what it wrote. It must not be repeated blindly.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self.cause, Cause::Doubt(_))
    }

    /// The database cannot be reached at all, is not the one that may write, or did not
    /// answer in time.
    pub fn is_unreachable(&self) -> bool {
        self.is_lost() || self.is_in_doubt() || self.is_without_connection() || self.is_late()
    }

    /// The database ended it because it took too long, or because its caller stood still.
    fn is_late(&self) -> bool {
        let Cause::Engine(cause) = &self.cause else { return false };
        matches!(code(cause).as_deref(), Some("57014" | "25P03"))
    }

    /// No connection could be had.
    pub(crate) fn is_without_connection(&self) -> bool {
        matches!(
            self.cause,
            Cause::Engine(
                sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::BeginFailed
            )
        ) || self.is_hung_up()
    }

    /// Somebody took the connection and ended it before a word: a proxy that has no server.
    /// The client library has no name of its own for that.
    fn is_hung_up(&self) -> bool {
        let Cause::Engine(sqlx::Error::Protocol(said)) = &self.cause else { return false };
        said.starts_with("unexpected response from SSLRequest")
    }

    /// No answer came in the time that there was: nobody knows whether it was done.
    pub fn too_slow(doing: &str) -> Self {
        Self { doing: doing.to_owned(), cause: Cause::Doubt(sqlx::Error::PoolTimedOut) }
    }

    /// It cannot take what is written, for a reason of its own: it cannot be reached, starts,
    /// stops, lets nobody in, is only read, or has no room.
    pub fn is_away(&self) -> bool {
        let Cause::Engine(cause) = &self.cause else { return self.is_unreachable() };
        let code = code(cause).unwrap_or_default();
        // SQLite numbers its errors; what is above the lowest byte says more of one of them.
        let refuses = match code.parse::<u32>() {
            Ok(number) if code.len() < 5 => matches!(
                number & 0xff,
                SQLITE_READONLY | SQLITE_IOERR | SQLITE_FULL | SQLITE_CANTOPEN
            ),
            _ => {
                ["53", "57P", "58"].iter().any(|class| code.starts_with(class))
                    || matches!(code.as_str(), "55000" | "28000")
            }
        };
        refuses || self.is_unreachable()
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

/// What the engine calls it.
fn code(cause: &sqlx::Error) -> Option<String> {
    let sqlx::Error::Database(error) = cause else { return None };
    error.code().map(std::borrow::Cow::into_owned)
}

/// Classes of PostgreSQL's codes that end a connection, and read-only transactions: after a
/// failover the old connection leads to a standby.
fn lost(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "25006")
    })
}
