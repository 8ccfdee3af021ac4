//! Usage as a table.

use access::Role;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use jiff::SignedDuration;

use crate::bench::{CALL, Call, Room};

#[tokio::test]
async fn the_table_has_every_row_once_and_no_cell_of_it_is_a_formula() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        // More rows than one page of the export has.
        let models: Vec<String> = (0..60).map(|n| format!("=model-{n}")).collect();
        for _ in 0..10 {
            for model in &models {
                room.called(&admin, Call { model, ..CALL }).await;
            }
            room.clock.advance(SignedDuration::from_hours(24));
        }
        let (status, headers, table) = room.whole(&admin, "/api/usage.csv").await;
        assert_eq!(status.as_u16(), 200);
        assert_eq!(headers[CONTENT_TYPE], "text/csv; charset=utf-8");
        assert!(headers[CONTENT_DISPOSITION].to_str().expect("text").contains("usage.csv"));
        let mut lines = table.split("\r\n").filter(|line| !line.is_empty());
        assert!(lines.next().expect("a head").starts_with("start,member,member_name,key,"));
        let rows: Vec<&str> = lines.collect();
        assert_eq!(rows.len(), 600, "{:?}", room.engine());
        let mut once = rows.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), 600);
        for row in rows {
            // The name of the member is a formula too.
            assert!(row.contains(",\"'=cmd|"), "{row}");
            assert!(row.contains(",\"'=model-"), "{row}");
            assert!(row.contains(",0.00000000007,"), "{row}");
        }
    }
}

#[tokio::test]
async fn a_table_that_is_behind_says_until_when_it_holds() {
    for room in Room::that_read().await {
        let admin = room.member(&room.org(), Role::Admin, &[]);
        // More than is added up while somebody waits.
        futures_util::future::join_all((0..1_100).map(|_| room.called(&admin, CALL))).await;
        let (_, headers, behind) = room.whole(&admin, "/api/usage.csv").await;
        assert_eq!(headers["portico-until"], room.now().to_string());
        let (_, headers, whole) = room.whole(&admin, "/api/usage.csv").await;
        assert!(!headers.contains_key("portico-until"));
        assert!(behind != whole && whole.contains(",1100,1100,"), "{whole}");
    }
}
