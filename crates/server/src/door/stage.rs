//! What stands behind a door that is open already: it changes while the door stays.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use base::problem::Problem;
use http::StatusCode;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// How long a request waits while one thing makes room for the next.
const CHANGE_MAX: Duration = Duration::from_secs(10);

/// What a door leads to at this moment. Clones are of the same door.
#[derive(Debug, Clone)]
pub(crate) struct Stage(Arc<watch::Sender<Option<Router>>>);

impl Stage {
    /// Nothing yet: whoever comes waits a moment.
    pub(crate) fn empty() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// From now on requests go there; those under way end where they began.
    pub(crate) fn set(&self, routes: Router) {
        self.0.send_replace(Some(routes));
    }

    /// From now on requests wait for what comes next, not long.
    pub(crate) fn clear(&self) {
        self.0.send_replace(None);
    }

    /// Answers a request.
    pub(crate) async fn answer(self, request: Request<Body>) -> Result<Response, Infallible> {
        let now = self.0.borrow().clone();
        if let Some(routes) = now {
            return routes.oneshot(request).await;
        }
        let mut next = self.0.subscribe();
        let next = tokio::time::timeout(CHANGE_MAX, next.wait_for(Option::is_some));
        let routes = next.await.ok().and_then(Result::ok).and_then(|routes| routes.clone());
        match routes {
            Some(routes) => routes.oneshot(request).await,
            None => Ok(told(request.uri().path(), STARTING)),
        }
    }
}

const STARTING: &str = "this node is starting; nothing was done";

/// A refusal of whatever was asked, in the shape of its door.
pub(crate) fn told(path: &str, detail: &str) -> Response {
    let openai = path.starts_with("/v1/");
    let code = if openai { "record_unavailable" } else { "database_unavailable" };
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(1);
    if openai { gateway::openai_shape(&problem) } else { problem.into_response() }
}
