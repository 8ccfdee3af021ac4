//! Which nodes serve, as the databases of the regions say.

use std::fmt::Write as _;

use nodes::Member;
use serde_json::json;

use super::say;
use crate::config::Config;
use crate::storage;

/// `portico nodes`
pub(crate) async fn list(config: Config, json: bool) -> anyhow::Result<()> {
    let databases = storage::regions(&config).await?;
    let (mut all, mut text) = (Vec::new(), String::new());
    for (region, db) in databases.iter() {
        let members = nodes::members(db).await?;
        if members.is_empty() {
            let _infallible = writeln!(text, "{region}  nobody serves it");
        }
        for member in &members {
            let _infallible = writeln!(text, "{region}  {}", line(member));
        }
        all.push(json!({ "region": region, "nodes": members }));
        db.close().await;
    }
    say(json, &json!({ "regions": all }), text.trim_end());
    Ok(())
}

fn line(member: &Member) -> String {
    let Member { node, version, started_at, draining_at, dead_at, news_age_ms, .. } = member;
    let how = match (dead_at, draining_at) {
        (Some(at), _) => format!("taken for dead at {at}; its calls are being closed"),
        (None, Some(at)) => format!("draining since {at}"),
        (None, None) => "serving".to_owned(),
    };
    format!("{node}  {version}  since {started_at}  {how}  news {news_age_ms} ms old")
}
