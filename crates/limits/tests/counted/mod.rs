//! The same counters twice: in memory, and as scripts of a real store.

use std::time::Duration;

use base::metrics::Metrics;
use base::money::NanoCents;
use base::secret::Secret;
use base::tasks::Tasks;
use base::testing::Redis;
use base::time::At;
use limits::{
    Admitted, Ask, Book, Config, Expired, Link, NotOpen, Refused, Settled, SharedBook, Subject,
    Tally, Used,
};

/// The way to a store.
pub(crate) fn link(redis: &Redis, password: Option<&str>, tasks: &Tasks) -> Link {
    // A debug build on a busy machine is not what the time of a step is meant for.
    let config = Config { store: Some(redis.url()), timeout_ms: 1_000, ..Config::default() };
    let tls = std::sync::Arc::new(base::tls::client(&[]).unwrap());
    let password = password.map(|text| Secret::new(text.to_owned()));
    let address = config.address(password, tls).unwrap().unwrap();
    Link::open(address, tasks, &Metrics::new())
}

/// Counters of one org.
#[derive(Debug)]
pub(crate) enum Counted {
    Memory(Box<Book>),
    Shared(SharedBook),
}

impl Counted {
    pub(crate) fn in_memory(lease: Duration) -> Self {
        Self::Memory(Box::new(Book::new(lease)))
    }

    pub(crate) async fn shared(link: &Link, org: &str, lease: Duration, start: At) -> Self {
        Self::Shared(SharedBook::open(link, org, lease, start).await.unwrap())
    }

    pub(crate) async fn reserve(
        &mut self,
        now: At,
        request: &str,
        subjects: &[Subject<'_>],
        ask: Ask,
    ) -> Result<Admitted, Refused> {
        match self {
            Self::Memory(book) => book.reserve(now, request, subjects, ask),
            Self::Shared(book) => book.reserve(now, request, subjects, ask).await.unwrap(),
        }
    }

    pub(crate) async fn extend(&mut self, now: At, request: &str) -> Result<At, NotOpen> {
        match self {
            Self::Memory(book) => book.extend(now, request),
            Self::Shared(book) => book.extend(now, request).await.unwrap(),
        }
    }

    pub(crate) async fn settle(
        &mut self,
        now: At,
        request: &str,
        used: Used,
    ) -> Result<Settled, NotOpen> {
        match self {
            Self::Memory(book) => book.settle(now, request, used),
            Self::Shared(book) => book.settle(now, request, used).await.unwrap(),
        }
    }

    pub(crate) async fn abort(&mut self, now: At, request: &str) -> Result<Settled, NotOpen> {
        match self {
            Self::Memory(book) => book.abort(now, request),
            Self::Shared(book) => book.settle(now, request, Used::default()).await.unwrap(),
        }
    }

    pub(crate) async fn load(&mut self, at: At, subject: &str, day: NanoCents, month: NanoCents) {
        match self {
            Self::Memory(book) => book.load(at, subject, day, month),
            Self::Shared(book) => book.load(at, subject, day, month).await.unwrap(),
        }
    }

    pub(crate) async fn tally(&mut self, now: At, subject: &str) -> Tally {
        match self {
            Self::Memory(book) => book.tally(now, subject),
            Self::Shared(book) => book.tally(now, subject).await.unwrap(),
        }
    }

    pub(crate) async fn expired(&mut self, now: At) -> Vec<Expired> {
        match self {
            Self::Memory(book) => {
                book.advance(now);
                book.drain_expired()
            }
            Self::Shared(book) => book.expired(now).await.unwrap(),
        }
    }

    pub(crate) async fn tidy(&mut self, now: At) {
        match self {
            Self::Memory(book) => book.tidy(now),
            Self::Shared(book) => book.tidy(now).await.unwrap(),
        }
    }
}
