//! How this node asks the witnesses that its configuration names.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use audit::{Growth, LogConfig, NotCosigned, WitnessConfig};
use base::fetch::Fetch;
use tlog::Note;
use tlog::note::Signature;
use witness::Client;

/// A witness that is asked over HTTP, as C2SP `tlog-witness` says.
#[derive(Debug)]
struct Asked(Client);

#[async_trait]
impl audit::Witness for Asked {
    async fn cosign(
        &self,
        note: &Note,
        seen: u64,
        growth: &dyn Growth,
    ) -> Result<Vec<Signature>, NotCosigned> {
        match self.0.submit(note, seen, |size| growth.since(size)).await {
            Ok(lines) => Ok(lines.into_iter().map(|line| line.signature).collect()),
            Err(why) if why.is_contradiction() => Err(NotCosigned::Contradicted(why.to_string())),
            Err(why) if why.is_silence() => Err(NotCosigned::Unreached(why.to_string())),
            Err(why) => Err(NotCosigned::Failed(why.to_string())),
        }
    }
}

/// Every witness of the configuration, with the client that asks it.
pub(crate) fn open(
    config: &LogConfig,
    fetch: &Fetch,
) -> anyhow::Result<Vec<(WitnessConfig, Arc<dyn audit::Witness>)>> {
    let open = |witness: &WitnessConfig| {
        let named = || format!("the witness `{}`", witness.url);
        let keys = witness.verifiers().with_context(named)?;
        // A slow one keeps no other waiting.
        let fetch = fetch.on_behalf_of(&witness.url);
        let client = Client::new(&witness.url, keys, fetch).with_context(named)?;
        let asked: Arc<dyn audit::Witness> = Arc::new(Asked(client));
        Ok((witness.clone(), asked))
    };
    config.witness.iter().map(open).collect()
}
