//! Behind a proxy.

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::Full;

use crate::portico::{Extra, Portico, text};

#[tokio::test]
async fn the_record_names_the_caller_behind_a_trusted_proxy_and_believes_nobody_else() {
    for (trusted, recorded) in [("127.0.0.0/8", "203.0.113.7"), ("10.0.0.0/8", "127.0.0.1")] {
        let listen = format!("trusted_proxies = [\"{trusted}\"]");
        let mut portico = Portico::with(Extra { listen: &listen, ..Extra::default() });
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let request = Request::get(format!("{}/api/events", portico.base))
            .header("authorization", format!("Bearer {}", org.owner))
            .header("x-forwarded-for", "6.6.6.6, 203.0.113.7")
            .body(Full::new(Bytes::new()))
            .expect("a request");
        assert_eq!(portico.http.send(request).await.expect("an answer").status, 200);
        let events = portico.http.get(&org.owner, "/api/events?action=audit.events.read").await;
        let address = text(&events.json()["items"][0]["ipAddress"]);
        assert_eq!(address, recorded, "trusting {trusted}");
    }
}
