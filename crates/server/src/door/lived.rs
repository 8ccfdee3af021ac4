//! Nothing goes on behind the end of a credential: neither a body that is still arriving,
//! nor an answer that is still leaving.
//!
//! Rooms that stream look at the life of their caller themselves and say in their own
//! shape why they stop. This here is for those that do not.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use access::{Caller, CredentialsEnded, Life, LifeEnd};
use axum::Error;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::Sleep;

/// How long an answer that is leaving may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// A body that ends with a life.
struct Lived {
    body: Body,
    end: LifeEnd,
    grace: Duration,
    ending: Option<Pin<Box<Sleep>>>,
    /// What somebody waits for.
    _place: Option<mpsc::Sender<()>>,
}

/// A request whose body breaks off when its credential ends: a change that was under way
/// is not made, however slowly it was sent.
pub(super) fn arriving(caller: &Caller, request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Lived::of(caller, body, Duration::ZERO))
}

/// An answer that is written while it leaves breaks off soon after its credential ended.
pub(super) fn leaving(caller: &Caller, response: Response) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| Lived::of(caller, body, GRACE))
}

/// An answer that breaks off when this life ends, and holds `place` until its own end.
pub(crate) fn until(life: &Life, place: mpsc::Sender<()>, response: Response) -> Response {
    response.map(|body| {
        let (end, grace, ending) = (life.end_of(), Duration::ZERO, None);
        Body::new(Lived { body, end, grace, ending, _place: Some(place) })
    })
}

impl Lived {
    fn of(caller: &Caller, body: Body, grace: Duration) -> Body {
        let (end, ending) = (caller.standing.life.end_of(), None);
        Body::new(Self { body, end, grace, ending, _place: None })
    }

    /// Resolves when the life and the time behind it are over.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.ending.is_none() {
            ready!(Pin::new(&mut self.end).poll(context));
            if self.grace.is_zero() {
                return Poll::Ready(());
            }
            self.ending = Some(Box::pin(tokio::time::sleep(self.grace)));
        }
        match &mut self.ending {
            Some(ending) => ending.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}

impl hyper::body::Body for Lived {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.poll_over(context).is_ready() {
            return Poll::Ready(Some(Err(Error::new(CredentialsEnded))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use access::{OrgId, Region};
    use http_body_util::BodyExt as _;

    use super::*;

    /// A body of which nothing more comes.
    struct Stalled;

    impl hyper::body::Body for Stalled {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            Poll::Pending
        }
    }

    fn caller() -> Caller {
        let org = OrgId::new("2026-01-01T00:00:00Z".parse().unwrap());
        Caller::operator(org, Region::Eu, "test")
    }

    #[tokio::test]
    async fn neither_a_request_nor_an_answer_goes_on_behind_the_end_of_its_credential() {
        let caller = caller();
        let request = arriving(&caller, Request::new(Body::new(Stalled)));
        let answer = leaving(&caller, Response::new(Body::new(Stalled)));
        let whole = leaving(&caller, Response::new(Body::from("whole")));
        let begun = Instant::now();
        let end = async {
            tokio::task::yield_now().await;
            caller.standing.life.end();
        };
        let (arrived, ()) = tokio::join!(request.into_body().collect(), end);
        assert!(arrived.is_err() && begun.elapsed() < GRACE);
        assert!(answer.into_body().collect().await.is_err());
        assert!(begun.elapsed() >= GRACE, "it may end in its own way first");
        let whole = whole.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(whole, "whole", "what is whole was released before");
    }

    #[tokio::test]
    async fn what_lives_passes_as_it_is() {
        let caller = caller();
        let request = arriving(&caller, Request::new(Body::from("a change")));
        assert_eq!(request.body().size_hint().exact(), Some(8));
        assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), "a change");
        assert!(arriving(&caller, Request::new(Body::empty())).body().is_end_stream());
    }
}
