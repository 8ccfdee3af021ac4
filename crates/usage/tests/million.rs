//! Temporary.
#![allow(warnings, clippy::all)]
use access::*;
use std::sync::Arc;
use std::time::Instant;
use base::testing::*;
use base::db::*;
use tower::ServiceExt;
use http_body_util::BodyExt;

async fn pages(db: Db, who: &[String], label: &str) {
    let clock = StillClock::new();
    let databases = Databases::new([(Region::Eu, db.clone())]);
    let (tasks, metrics) = (base::tasks::Tasks::new(), base::metrics::Metrics::new());
    let record = audit::Record::open(&databases, &clock.shared(), "n1", &[], &tasks, &metrics).unwrap();
    let usage = usage::Usage::open(&databases, &clock.shared(), &record, Arc::new(usage::Nameless), &tasks);
    let caller = Caller::operator(who[0].parse().unwrap(), Region::Eu, "x");
    let t = Instant::now();
    usage.fold(&caller).await.unwrap();
    println!("{label} fold {:?}", t.elapsed());
    for path in ["/usage?".to_owned(), "/usage?by=team".into(), "/usage?by=member".into(), "/usage?by=key&metric=money".into(),
        "/usage?by=member&range=90d".into(), "/usage?by=member&range=7d".into(), "/usage?by=member&range=24h".into(), "/usage?range=24h".into(),
        format!("/usage?member={}", who[1]), format!("/usage?member={}&by=team", who[1]), format!("/usage?key={}&range=24h", who[2]),
        "/usage?model=large".into(), "/usage?model=large&by=member".into(), "/usage?model=large&by=team".into(), format!("/usage?team={}&by=member", who[3]), format!("/usage?team={}", who[3]), format!("/usage?team={}&model=small", who[3])] {
        let mut all = vec![];
        let mut size = 0;
        for _ in 0..12 {
            let (routes, _) = usage::pages(usage.clone()).split_for_parts();
            let routes = routes.layer(axum::Extension(caller.clone()));
            let request = axum::http::Request::builder().uri(&path).body(axum::body::Body::empty()).unwrap();
            let t = Instant::now();
            let response = routes.oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            all.push(t.elapsed()); size = body.len();
            if path == "/usage?by=member" { std::fs::write("/tmp/usage_exp/page.html", &body).unwrap(); }
        }
        all.sort();
        println!("{label} {:>7.1} ms p50 {:>7.1} ms max {size:>7} B  {path}", all[6].as_secs_f64()*1e3, all[11].as_secs_f64()*1e3);
    }
    tasks.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn million() {
    let steps = [audit::sql::MIGRATIONS, usage::sql::MIGRATIONS].concat();
    let url = "sqlite:///tmp/usage_exp/n.db";
    if std::env::var("STAGE").unwrap() == "migrate" { let db = Db::open(url).await.unwrap(); db.migrate(&steps).await.unwrap(); db.close().await; return; }
    let who: Vec<String> = std::fs::read_to_string("/tmp/usage_exp/who").unwrap().lines().map(|l| l.to_owned()).collect();
    if std::env::var("STAGE").unwrap() == "sqlite" {
        let db = Db::open(url).await.unwrap();
        pages(db, &who, "sqlite").await;
    } else {
        let url = std::env::var("BENCH_PG").unwrap();
        let db = Db::open(&url).await.unwrap();
        db.migrate(&steps).await.unwrap();
        if std::env::var("STAGE").unwrap() == "pgpages" { pages(db, &who, "pg").await; }
    }
}
