//! Asking the DNS.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

/// How often one question is asked.
const ATTEMPTS: usize = 2;
/// Records of one name that are looked at, at most.
const RECORDS_MAX: usize = 100;

/// The DNS, as this node asks it.
#[derive(Clone)]
pub struct Dns(TokioResolver);

/// It did not answer, or its answer cannot be used. That proves nothing.
#[derive(Debug, thiserror::Error)]
#[error("the DNS does not answer")]
pub struct NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>);

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}

impl Dns {
    /// Asks this resolver, or the machine's own; each question may take so long.
    pub fn open(resolver: Option<SocketAddr>, timeout: Duration) -> Result<Self, NoAnswer> {
        let mut builder = match resolver {
            Some(at) => {
                let on = |mut connection: ConnectionConfig| {
                    connection.port = at.port();
                    connection
                };
                let connections = vec![on(ConnectionConfig::udp()), on(ConnectionConfig::tcp())];
                let server = NameServerConfig::new(at.ip(), true, connections);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().map_err(no_answer)?,
        };
        let options = builder.options_mut();
        options.timeout = timeout;
        options.attempts = ATTEMPTS;
        // Somebody who has just added a record must not be told what was before.
        options.cache_size = 0;
        options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
        Ok(Self(builder.build().map_err(no_answer)?))
    }

    /// The TXT records of a name; none if there are none.
    pub(crate) async fn texts(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        // With its dot: nothing of this machine's own domain is put behind it.
        let answer = match self.0.txt_lookup(format!("{name}.")).await {
            Ok(answer) => answer,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(error) => return Err(no_answer(error)),
        };
        let records = answer.answers().iter().take(RECORDS_MAX);
        let text = |data: &RData| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        };
        Ok(records.filter_map(|record| text(&record.data)).collect())
    }
}

fn no_answer(cause: impl std::error::Error + Send + Sync + 'static) -> NoAnswer {
    NoAnswer(Box::new(cause))
}
