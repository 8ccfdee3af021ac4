//! What the demo prints: a line to try as it stands, and where to look next.

use std::fmt::Write as _;
use std::path::Path;

use super::{DemoFile, DemoOrg};
use crate::commands::banner;

pub(super) fn print(demo: &DemoFile, data: &Path) {
    let mut text = format!("\nPortico is ready: {} (probes: {})\n", demo.base_url, demo.ops_url);
    for org in &demo.orgs {
        let _infallible = write!(text, "\n  {:<24} {:<5} {}", org.name, org.region, org.id);
    }
    text.push('\n');
    if let Some(org) = demo.orgs.first() {
        tries(&mut text, demo, org);
    }
    let file = data.join("demo.json");
    let _infallible = write!(text, "\nEverybody's keys and passwords: {}", file.display());
    let file = data.join("portico.toml");
    let _infallible = write!(text, "\nAdd a provider while this runs:  {}\n", file.display());
    banner(&text);
}

fn tries(text: &mut String, demo: &DemoFile, org: &DemoOrg) -> Option<()> {
    let base = &demo.base_url;
    let owner = org.members.first()?;
    let member = org.members.get(2)?;
    write!(
        text,
        "\nAsk, as a member of {}:\n\n  curl -si {base}/v1/chat/completions \\\n    \
         -H 'Authorization: Bearer {}' \\\n    -H 'Content-Type: application/json' \\\n    \
         -d '{{\"model\":\"patterns\",\"messages\":[{{\"role\":\"user\",\"content\":\"How do I reset my password?\"}}]}}'\n\
         \nRead what was recorded, as the owner:\n\n  curl -s '{base}/api/events?limit=2' -H 'Authorization: Bearer {}'\n\
         \nOr in a browser: {base}/sign-in?org={}\n\n  {}\n  {}\n",
        org.name, member.key, owner.key, org.slug, owner.email, owner.password,
    )
    .ok()
}
