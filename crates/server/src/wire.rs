//! The whole system on one page: every room, and what each one leans on.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Databases, Region};
use anyhow::Context as _;
use audit::Record;
use axum::Router;
use axum::middleware::from_fn_with_state;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::time::SharedClock;
use chat::Chat;
use gateway::Gateway;
use identity::Identity;
use limits::Limits;
use patterns::Patterns;
use regions::Directory;
use usage::Usage;

use crate::config::{Config, DatabaseName, Listen, OperatorSecrets};
use crate::console::{self, Console, Known};
use crate::directory_search::DirectorySearch;
use crate::door::{Doors, Front, front};
use crate::idempotency::Idempotency;
use crate::mail::Post;
use crate::permits::Permits;
use crate::traces::Traces;
use crate::{openapi, storage};

/// Every room, opened.
#[derive(Debug, Clone)]
pub(crate) struct House {
    pub(crate) clock: SharedClock,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Metrics,
    pub(crate) databases: Databases,
    pub(crate) directory: Directory,
    pub(crate) record: Record,
    pub(crate) limits: Limits,
    pub(crate) identity: Identity,
    pub(crate) patterns: Patterns,
    pub(crate) gateway: Gateway,
    pub(crate) chat: Chat,
    pub(crate) usage: Usage,
    traces: Option<Traces>,
    listen: Arc<Listen>,
    roots: Arc<BTreeMap<Region, RootKey>>,
}

impl House {
    /// Opens every room, in the order in which they lean on each other.
    pub(crate) async fn open(config: &Config, clock: SharedClock) -> anyhow::Result<Self> {
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let databases = storage::regions(config).await?;
        let roots = storage::root_keys(config)?;
        let directory_key = RootKey::load_or_create(&config.root_key_file(DatabaseName::Directory))
            .context("the root key of the directory")?;
        let directory_db = storage::open(config, DatabaseName::Directory).await?;

        let directory = Directory::open(directory_db, clock.clone(), &directory_key);
        let limits = Limits::open(&databases, &clock, &tasks, &metrics);
        let riders = [limits.rider()];
        let record = Record::open(&databases, &clock, &config.node, &riders, &tasks, &metrics)?;
        let mail = Post::read(config).context("[mail]")?;
        let identity = Identity::open(identity::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            roots: roots.clone(),
            tasks: tasks.clone(),
            find_org: Arc::new(DirectorySearch(directory.clone())),
            mail: mail.map(|post| Arc::new(post) as Arc<dyn identity::Mail>),
            config: identity::Config {
                cookie_secure: config.session.secure_cookies,
                session_lifetime_secs: config.session.lifetime_secs,
                session_idle_secs: config.session.idle_secs,
                ..identity::Config::default()
            },
        })?;
        let names = Arc::new(Known(identity.clone()));
        let usage = Usage::open(&databases, &clock, &record, names, &tasks);
        let patterns = Patterns::open(&databases, &clock, &record, &roots, &tasks)?;
        let traces = Traces::open(&config.otlp).context("[otlp]")?;
        let gateway = Gateway::open(
            &config.gateway,
            &OperatorSecrets,
            gateway::Needs {
                engine: Arc::new(patterns.clone()),
                limits: limits.clone(),
                record: record.clone(),
                clock: clock.clone(),
                metrics: &metrics,
                trace: traces.as_ref().map(Traces::socket),
            },
        )
        .map_err(|faults| anyhow::anyhow!("the catalogue is faulty: {faults:?}"))?;
        let chat = Chat::open(&databases, &clock, &gateway, &roots, &tasks)?;
        Ok(Self {
            roots: Arc::new(roots),
            listen: Arc::new(config.listen.clone()),
            clock,
            tasks,
            metrics,
            databases,
            directory,
            record,
            limits,
            identity,
            patterns,
            gateway,
            chat,
            usage,
            traces,
        })
    }

    /// Every route, behind the front.
    pub(crate) fn routes(&self) -> anyhow::Result<Router> {
        let (api, document) = openapi::api(self).split_for_parts();
        let (pages, of_pages) = console::pages(self).split_for_parts();
        let (files, addresses) = base::page::assets(console::ASSETS);
        let permits = Permits::read(&[&document, &of_pages], &addresses)?;
        let idempotency =
            Idempotency::open(&self.databases, &self.clock, &self.roots, &self.tasks)?;
        let identity = self.identity.clone();
        let (record, clock) = (self.record.clone(), self.clock.clone());
        let tls = self.listen.tls_cert_file.is_some();
        let trusted_proxies = self.listen.trusted_proxies.clone().into();
        let console = Console { identity: identity.clone(), permits: permits.clone() };
        let framed = from_fn_with_state(console.clone(), console::frame);
        let doors = Doors {
            api: idempotency.clone().around(api),
            pages: idempotency.around(pages.route_layer(framed)),
            v1: gateway::routes(self.gateway.clone()),
            open: openapi::open_routes(&document, &of_pages)?.merge(files),
        };
        Ok(front(Front { identity, record, clock, permits, console, tls, trusted_proxies }, doors))
    }

    /// Lets background work end, writes what waits, and closes the databases.
    pub(crate) async fn close(self) {
        let (tasks, databases) = (self.tasks.clone(), self.databases.clone());
        let traces = self.traces.clone();
        tasks.stop();
        // The record's lines end when nobody can submit any more.
        drop(self);
        tasks.ended().await;
        if let Some(traces) = traces {
            traces.flush().await;
        }
        for (_, db) in databases.iter() {
            db.close().await;
        }
    }
}
