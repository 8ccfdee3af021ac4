//! What is re-read while Portico runs: the catalogue and the certificate.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base::tasks::Tasks;
use gateway::Gateway;

use crate::config::{self, OperatorSecrets};
use crate::door::Tls;

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Watches until the stop. A file with a fault is logged once and changes nothing.
pub(crate) async fn watch(file: Option<PathBuf>, gateway: Gateway, tls: Option<Tls>, tasks: Tasks) {
    let mut config_seen = file.as_deref().and_then(changed_at);
    let mut tls_seen = tls.as_ref().map(|tls| tls.files().map(changed_at));
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = tasks.stopping() => return,
            _ = tick.tick() => {}
        }
        if let Some(file) = &file {
            let now = changed_at(file);
            if now != config_seen {
                config_seen = now;
                catalogue(file, &gateway);
            }
        }
        if let Some(tls) = &tls {
            let now = Some(tls.files().map(changed_at));
            if now != tls_seen {
                tls_seen = now;
                match tls.reload() {
                    Ok(()) => tracing::info!("the certificate was replaced"),
                    Err(error) => tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the new certificate has a fault: the old one stays"
                    ),
                }
            }
        }
    }
}

fn catalogue(file: &Path, gateway: &Gateway) {
    let applied = config::load(file).map_err(|bad| bad.to_string()).and_then(|config| {
        gateway.apply(&config.gateway, &OperatorSecrets).map_err(|faults| format!("{faults:?}"))
    });
    match applied {
        Ok(()) => tracing::info!("the catalogue was replaced"),
        Err(fault) => tracing::error!(fault, "the new file has a fault: the old catalogue stays"),
    }
}

fn changed_at(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}
