//! `portico demo`: three regions in one process, three organizations that look like
//! real ones, and a first answer without a provider.

mod banner;
mod orgs;
mod seed;

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base::seal::write_private;
use serde::{Deserialize, Serialize};

use crate::config::{self, Config, LogFormat};
use crate::serve::Serving;
use crate::{storage, telemetry};

/// `portico demo …`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DemoOptions {
    /// The folder of everything the demo writes.
    #[arg(long, default_value = "./portico-data")]
    data: PathBuf,
    /// Where callers and people arrive.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where probes and Prometheus arrive.
    #[arg(long, default_value = "127.0.0.1:9090")]
    ops: SocketAddr,
}

/// `DATA/demo.json`, for scripts: who can sign in, and with what.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DemoFile {
    pub(crate) base_url: String,
    pub(crate) ops_url: String,
    pub(crate) orgs: Vec<DemoOrg>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DemoOrg {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) region: String,
    pub(crate) members: Vec<DemoMember>,
    pub(crate) services: Vec<DemoService>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DemoMember {
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) password: String,
    pub(crate) key: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DemoService {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) key: String,
}

/// Seeds on the first start, serves on every one.
pub(crate) async fn run(options: DemoOptions) -> anyhow::Result<()> {
    let config = configure(&options)?;
    telemetry::start(&config.log);
    storage::migrate(&config).await?;
    let file = options.data.join("portico.toml");
    let serving = Box::pin(Serving::start(&config, Some(file))).await?;
    let serving = serving.context("stopped")?;
    let demo = Box::pin(seeded(&options, &serving)).await?;
    banner::print(&demo, &options.data);
    Box::pin(serving.until_stopped()).await
}

/// The configuration of a demo: a file in its folder, so that a provider can be added
/// there while it runs.
fn configure(options: &DemoOptions) -> anyhow::Result<Config> {
    let file = options.data.join("portico.toml");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&options.data)
        .with_context(|| format!("the folder {}", options.data.display()))?;
    if !file.exists() {
        std::fs::write(&file, include_str!("portico.toml"))
            .with_context(|| format!("{}", file.display()))?;
    }
    let mut config = config::load(&file)?;
    config.data.clone_from(&options.data);
    config.listen.address = options.listen;
    config.listen.ops = options.ops;
    config.log.format = LogFormat::Text;
    Ok(config)
}

async fn seeded(options: &DemoOptions, serving: &Serving) -> anyhow::Result<DemoFile> {
    let file = options.data.join("demo.json");
    let urls = (format!("http://{}", options.listen), format!("http://{}", options.ops));
    let demo = match read(&file)? {
        Some(known) => DemoFile { base_url: urls.0, ops_url: urls.1, ..known },
        None => DemoFile {
            base_url: urls.0,
            ops_url: urls.1,
            orgs: Box::pin(seed::seed(&serving.house)).await.with_context(|| {
                format!("seeding; if an earlier start broke off, remove {}", options.data.display())
            })?,
        },
    };
    write_private(&file, &serde_json::to_vec_pretty(&demo)?)?;
    Ok(demo)
}

fn read(file: &Path) -> anyhow::Result<Option<DemoFile>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).context("demo.json is damaged")?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{}", file.display())),
    }
}
