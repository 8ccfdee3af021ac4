use access::Caller;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tlog::tile::{Bundle, Tile};
use tower::ServiceExt as _;

use crate::house::House;

async fn ask(house: &House, caller: &Caller, path: &str) -> (StatusCode, Vec<u8>) {
    let (routes, _) = audit::log_routes(house.log.clone()).split_for_parts();
    let routes = routes.layer(axum::Extension(caller.clone()));
    let path = format!("/api/record/log/{path}");
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = routes.oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, body.to_vec())
}

#[tokio::test]
async fn an_org_reads_its_own_log_under_the_paths_of_c2sp_and_leaves_no_event() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        let (status, problem) = ask(&house, &ours, "checkpoint").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(String::from_utf8_lossy(&problem).contains("not_published"));
        house.grow(&ours, 300).await;
        house.published().await;
        let events = house.entries(&ours).await.len();

        let (status, note) = ask(&house, &ours, "checkpoint").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(Some(&note), house.shelf.files().get(&format!("{}/checkpoint", ours.org)));
        let files = house.shelf.files().clone();
        let file = |path: &str| files[&format!("{}/tile/{path}", ours.org)].clone();
        for path in ["0/000", "0/001.p/44", "1/000.p/1", "entries/000", "entries/001.p/44"] {
            let (status, bytes) = ask(&house, &ours, &format!("tile/{path}")).await;
            assert_eq!((status, bytes), (StatusCode::OK, file(path)), "{path}");
        }
        // A partial one that is gone is cut from the one that contains it.
        let (_, bytes) = ask(&house, &ours, "tile/0/000.p/7").await;
        let hashes = Tile::new(0, 0, 7).expect("a tile").decode(&bytes).expect("seven hashes");
        assert_eq!(bytes, file("0/000")[..7 * 32], "{hashes:?}");
        let (_, bytes) = ask(&house, &ours, "tile/entries/001.p/2").await;
        let bundle = Bundle::new(1, 2).expect("a bundle");
        assert_eq!(bundle.decode(&bytes).expect("two entries").len(), 2);

        for path in ["0/001", "0/001.p/45", "0/002.p/1", "1/000.p/2", "entries/001", "7/000.p/1"] {
            assert_eq!(ask(&house, &ours, &format!("tile/{path}")).await.0, 404, "{path}");
        }
        for path in
            ["0/1", "0/000.p/256", "8/000", "0/000.p/0", "entries", "x", "0/..%2f..%2fx", "00/000"]
        {
            assert_eq!(ask(&house, &ours, &format!("tile/{path}")).await.0, 400, "{path}");
        }
        assert_eq!(ask(&house, &theirs, "tile/0/000").await.0, 404, "nobody else's");
        assert_eq!(house.entries(&ours).await.len(), events, "no event");
    }
}

#[tokio::test]
async fn the_keys_of_a_log_are_told_with_their_history() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        let keys = async || {
            let (status, body) = ask(&house, &ours, "keys").await;
            assert_eq!(status, StatusCode::OK);
            serde_json::from_slice::<Value>(&body).expect("json")
        };
        let before = keys().await;
        assert_eq!(before["keys"].as_array().expect("keys").len(), 2);
        assert!(before["keys"][0].get("from").is_none(), "it has signed nothing yet");
        // A key that was in use under an older name, or before another root key.
        house
            .as_owner(&[(
                "INSERT INTO audit_log_key (org_id, vkey, from_at) VALUES ($1, 'old+0+key', 5)",
                base::args![ours.org.as_str()],
            )])
            .await;
        house.grow(&ours, 1).await;
        house.published().await;
        let told = keys().await;
        assert_eq!(told["origin"], format!("portico.example/eu/{}", ours.org));
        let told = told["keys"].as_array().expect("keys");
        assert_eq!(told.len(), 3);
        assert_eq!(told[0]["vkey"], "old+0+key");
        assert_eq!(told[0]["to"], "2026-01-01T00:00:00Z");
        for key in &told[1..] {
            assert_eq!(key["from"], "2026-01-01T00:00:00Z");
            assert!(key.get("to").is_none());
            let verifier = key["vkey"].as_str().expect("text").parse::<tlog::Verifier>();
            assert!(verifier.expect("a key").name().as_str().ends_with(ours.org.as_str()));
        }
    }
}
