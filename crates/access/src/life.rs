//! How long a credential lives: what runs on it ends with it.
//!
//! ```text
//! member ──► session ──► request        a life ends with the one above it,
//!        key ──────────► request        and with nothing beside or below it
//! ```

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use axum::http::StatusCode;
use base::problem::Problem;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The life of one credential. Clones are of the same life.
#[derive(Debug, Clone, Default)]
pub struct Life(Arc<Lived>);

#[derive(Debug, Default)]
struct Lived {
    token: CancellationToken,
    /// What it ends with is held, so that it is seen to be lived on.
    _within: Option<Life>,
}

/// A life that is looked at and not held: whether anything still runs on it.
#[derive(Debug, Clone)]
pub struct Watched(Weak<Lived>);

/// The end of a life, to be waited for by what is polled.
#[derive(Debug)]
pub struct LifeEnd {
    // Whoever waits for an end holds the life: it is still watched over.
    _held: Life,
    wait: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// The credentials of a request ended while it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credentials of this request were ended: it was stopped")]
pub struct CredentialsEnded;

impl Life {
    /// A life that ends with this one, and may end before.
    #[must_use]
    pub fn child(&self) -> Self {
        let token = self.0.token.child_token();
        Self(Arc::new(Lived { token, _within: Some(self.clone()) }))
    }

    /// Resolves when the credential has ended: revoked, or its owner is gone.
    pub async fn ended(&self) {
        self.0.token.cancelled().await;
    }

    /// The same as a value, for what keeps it between two looks.
    pub fn end_of(&self) -> LifeEnd {
        let wait = Box::pin(self.0.token.clone().cancelled_owned());
        LifeEnd { _held: self.clone(), wait }
    }

    /// Does something as long as it lives; drops it half-done when it ends.
    pub async fn during<F: Future>(&self, work: F) -> Result<F::Output, CredentialsEnded> {
        self.0.token.run_until_cancelled(work).await.ok_or(CredentialsEnded)
    }

    /// Refuses what begins on it behind its end.
    pub fn check(&self) -> Result<(), CredentialsEnded> {
        if self.is_over() { Err(CredentialsEnded) } else { Ok(()) }
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.0.token.is_cancelled()
    }

    /// Ends it, for everything that runs on it.
    pub fn end(&self) {
        self.0.token.cancel();
    }

    /// Whether somebody holds it beside whoever asks: something runs on it.
    pub fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Looks at it without holding it.
    pub fn watched(&self) -> Watched {
        Watched(Arc::downgrade(&self.0))
    }
}

impl Watched {
    /// The life, if something still runs on it.
    pub fn held(&self) -> Option<Life> {
        self.0.upgrade().map(Life)
    }
}

impl Future for LifeEnd {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.wait.as_mut().poll(context)
    }
}

impl From<CredentialsEnded> for Problem {
    fn from(ended: CredentialsEnded) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "credentials_ended", ended.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_the_end_hears_of_it() {
        let life = Life::default();
        let (same, other) = (life.clone(), Life::default());
        assert!(!same.is_over());
        let (end, during) = (same.end_of(), same.during(std::future::pending::<()>()));
        life.end();
        same.ended().await;
        end.await;
        assert_eq!(during.await, Err(CredentialsEnded));
        assert!(same.is_over() && !other.is_over());
        assert_eq!(other.during(async { 5 }).await, Ok(5));
        assert_eq!(
            life.during(async { 5 }).await,
            Err(CredentialsEnded),
            "nothing begins on it any more"
        );
    }

    #[test]
    fn a_life_ends_with_the_one_above_it_and_with_none_beside_it() {
        let member = Life::default();
        let (session, beside) = (member.child(), member.child());
        session.end();
        assert!(session.is_over() && !beside.is_over() && !member.is_over());
        member.end();
        assert!(beside.is_over() && member.child().is_over());
    }

    #[test]
    fn a_life_on_which_nothing_runs_is_let_go() {
        let (member, watched) = (Life::default(), Life::default().watched());
        assert!(watched.held().is_none());
        let session = member.child();
        let (watched, end) = (session.watched(), session.end_of());
        drop(session);
        assert!(watched.held().is_some(), "somebody waits for its end");
        drop(end);
        assert!(watched.held().is_none());
    }
}
