//! Every few seconds: the orgs whose record has grown are folded.

use std::collections::HashMap;
use std::time::Duration;

use access::OrgId;
use base::db::DbError;
use base::tasks::Tasks;

use crate::Usage;

/// How often it is looked. The sizes of 500 orgs are one short statement.
const EVERY: Duration = Duration::from_secs(5);
/// How long the database rests between two rounds while some org is behind.
const REST: Duration = Duration::from_millis(100);
/// Steps that one org gets in one round, so that a long record keeps nobody waiting.
const STEPS_OF_A_ROUND: usize = 20;

/// Watches until shutdown begins.
pub(crate) async fn watch(usage: Usage, tasks: Tasks) {
    let mut seen = HashMap::new();
    let mut wait = EVERY;
    while tokio::time::timeout(wait, tasks.stopping()).await.is_err() {
        wait = match round(&usage, &tasks, &mut seen).await {
            Ok(true) => REST,
            Ok(false) => EVERY,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the record could not be folded; what people see of usage is behind"
                );
                EVERY
            }
        }
    }
}

/// `seen` says how far each org is folded, as far as this node knows. Gives whether some
/// org is behind by more than a round folds.
async fn round(
    usage: &Usage,
    tasks: &Tasks,
    seen: &mut HashMap<OrgId, i64>,
) -> Result<bool, DbError> {
    let mut behind = false;
    for (region, _) in usage.databases.clone().iter() {
        let mut after = String::new();
        loop {
            let sizes = usage.record.sizes(region, &after).await?;
            let Some((last, _)) = sizes.last() else { break };
            after = last.to_string();
            for (org, size) in sizes {
                if tasks.is_stopping() {
                    return Ok(false);
                }
                if seen.get(&org).is_none_or(|seq| *seq < size) {
                    match usage.fold_of(&org, region, STEPS_OF_A_ROUND).await {
                        Ok(folded) => {
                            behind |= folded.seq < size;
                            seen.insert(org, folded.seq);
                        }
                        Err(error) if error.is_unreachable() => return Err(error),
                        // What is wrong with one org must not keep the others waiting.
                        Err(error) => tracing::warn!(
                            org.id = %org,
                            error = &error as &dyn std::error::Error,
                            "the record of an org could not be folded"
                        ),
                    }
                }
            }
        }
    }
    Ok(behind)
}
