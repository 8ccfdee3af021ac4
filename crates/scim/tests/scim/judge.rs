//! A judge from outside: `scim2-tester`, against the service on a port.

use std::process::Command;

use base::tasks::Tasks;
use base::testing::Python;
use tokio::net::TcpListener;

use crate::house::House;

/// Checks that the judge makes of these schemas, at least: fewer would mean that it
/// understood less of what this service says of itself.
const CHECKS_MIN: usize = 135;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_conformance_tester_finds_no_fault() {
    let judge = Python::installed().and_then(|python| python.program("scim"));
    let Some(judge) = judge else { return };
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "judge").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = house.service();
        let tasks = Tasks::new();
        tasks.spawn(async move { axum::serve(listener, service).await.expect("serves") });
        let mut command = Command::new(&judge);
        command.args(["-u", &format!("http://{address}/scim/v2"), "test"]);
        command.env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {token}"));
        let judged = tokio::task::spawn_blocking(move || command.output()).await.expect("ends");
        let judged = judged.expect("the judge runs");
        let said = String::from_utf8_lossy(&judged.stdout).into_owned();
        let checks = said.lines().filter(|line| line.contains("SUCCESS")).count();
        assert!(judged.status.success(), "{said}{}", String::from_utf8_lossy(&judged.stderr));
        assert!(checks >= CHECKS_MIN, "{checks} checks: {said}");
    }
}
