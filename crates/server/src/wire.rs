//! The whole system on one page: every room, and what each one leans on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::{Databases, Region};
use anyhow::Context as _;
use audit::{Epochs, EpochsNeeds, Freeze, Keeper, Log, Record, Rider};
use axum::Router;
use axum::middleware::from_fn_with_state;
use base::bodies::Bodies;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::time::SharedClock;
use chat::Chat;
use domains::{Dns, Domains};
use gateway::Gateway;
use guardrails::Guardrails;
use identity::Identity;
use limits::Limits;
use nodes::{Heed, Herald, Nodes};
use patterns::Patterns;
use privacy::{Freezer, Privacy};
use regions::{Directory, Regions};
use reviews::Reviews;
use scim::Scim;
use sso::Sso;
use streams::Streams;
use support::{Consents, Support};
use usage::Usage;

use crate::classes::Classes;
use crate::config::{Config, DatabaseName, Listen, OperatorSecrets};
use crate::console::{self, Console, Known};
use crate::directory_search::DirectorySearch;
use crate::door::{Doors, Front, front};
use crate::heeds::{Credentials, Forgotten, Grown, Taught};
use crate::idempotency::{Answers, Idempotency};
use crate::mail::Post;
use crate::permits::Permits;
use crate::storage::Stores;
use crate::traces::Traces;
use crate::{counters, log, moves, openapi, outbound, sealing, storage};

/// How long one question to the DNS may take.
const DNS_TIMEOUT: Duration = Duration::from_secs(3);

/// Every room, opened.
#[derive(Debug, Clone)]
pub(crate) struct House {
    pub(crate) clock: SharedClock,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Metrics,
    pub(crate) databases: Databases,
    pub(crate) directory: Directory,
    pub(crate) regions: Regions,
    pub(crate) record: Record,
    pub(crate) epochs: Epochs,
    pub(crate) log: Log,
    pub(crate) limits: Limits,
    pub(crate) identity: Identity,
    pub(crate) patterns: Patterns,
    pub(crate) gateway: Gateway,
    pub(crate) chat: Chat,
    pub(crate) usage: Usage,
    pub(crate) guardrails: Guardrails,
    pub(crate) domains: Domains,
    pub(crate) sso: Sso,
    pub(crate) scim: Scim,
    pub(crate) reviews: Reviews,
    pub(crate) support: Support,
    pub(crate) privacy: Privacy,
    pub(crate) streams: Streams,
    pub(crate) nodes: Nodes,
    traces: Option<Traces>,
    listen: Arc<Listen>,
    bodies: Bodies,
    pub(crate) roots: Arc<BTreeMap<Region, RootKey>>,
}

/// How long what was begun may take to end, where a house could not be opened.
const END_TIMEOUT: Duration = Duration::from_secs(5);

impl House {
    /// Opens every room, in the order in which they lean on each other.
    pub(crate) async fn open(config: &Config, clock: SharedClock) -> anyhow::Result<Self> {
        Self::over(config, clock, Stores::open(config).await?).await
    }

    /// Opens every room over these databases.
    pub(crate) async fn over(
        config: &Config,
        clock: SharedClock,
        stores: Stores,
    ) -> anyhow::Result<Self> {
        let tasks = Tasks::new();
        let opened = Box::pin(Self::wired(config, clock, stores, tasks.clone())).await;
        if opened.is_err() {
            // What was begun for some rooms ends with the others: before the runtime does.
            tasks.stop();
            let _late = tokio::time::timeout(END_TIMEOUT, tasks.ended()).await;
        }
        opened
    }

    #[expect(clippy::too_many_lines, reason = "the whole system on one page")]
    async fn wired(
        config: &Config,
        clock: SharedClock,
        stores: Stores,
        tasks: Tasks,
    ) -> anyhow::Result<Self> {
        let metrics = Metrics::new();
        let Stores { databases, directory: directory_db, apart } = stores;
        let roots = storage::root_keys(config)?;
        let directory_key = RootKey::load_or_create(&config.root_key_file(DatabaseName::Directory))
            .context("the root key of the directory")?;
        let directory = Directory::open(directory_db, clock.clone(), &directory_key);
        moves::know(&directory, &databases).await.context("where organizations moved")?;
        let herald = Herald::new(&clock);
        let ahead = Arc::new(usage::Ahead::default());
        let ledger = Arc::new(limits::Ledger::default());
        let riders: [Arc<dyn Rider>; 3] =
            [Arc::clone(&ledger) as _, Arc::new(herald.clone()), Arc::clone(&ahead) as _];
        let node = &config.node;
        let sealed = sealing::open(config, &roots)?;
        let record = Record::open(&databases, &clock, node, sealed, &riders, &tasks, &metrics)?;
        let epochs =
            EpochsNeeds { record: record.clone(), config: &config.record, metrics: &metrics };
        let epochs = Epochs::open(epochs);
        epochs.check().await.context("the keys of the record")?;
        let taken = record.take_over().await.context("the record of an earlier version")?;
        if taken > 0 {
            tracing::info!(events = taken, "took over the record of an earlier version");
        }
        let sharing = counters::Sharing::new(&config.limits);
        let limits = if let Some(nodes) = apart {
            Limits::apart(nodes, &databases, &clock, &record, &tasks, &metrics)
        } else {
            let shared = counters::open(&config.limits, &sharing, &ledger, &tasks, &metrics);
            let shared = shared.context("[limits]")?;
            Limits::over(shared, &databases, &clock, &record, &tasks, &metrics)
        };
        // A client for each room: where one waits, the others go on.
        let witnessing = outbound::open(&config.outbound)?;
        let log = log::open(config, &record, &roots, &metrics, &witnessing).context("[record]")?;
        let mail = Post::read(config).context("[mail]")?;
        let public_url = config.public_url().map_err(anyhow::Error::msg)?;
        let find = Arc::new(DirectorySearch(directory.clone()));
        let identity = Identity::open(identity::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            roots: roots.clone(),
            tasks: tasks.clone(),
            find_org: find.clone(),
            guards: Arc::new(guardrails::Shelf),
            visits: Arc::new(Consents::new(&databases, &clock, &record)),
            mail: mail.map(|post| Arc::new(post) as Arc<dyn identity::Mail>),
            config: identity::Config {
                public_url: Some(public_url.parse().context("listen.public_url")?),
                sso_page: Some("/sso"),
                cookie_secure: config.session.secure_cookies,
                session_lifetime_secs: config.session.lifetime_secs,
                session_idle_secs: config.session.idle_secs,
                ..identity::Config::default()
            },
        })?;
        let names = Arc::new(Known(identity.clone()));
        let usage = Usage::open(&databases, &clock, &record, names, &ahead, &tasks);
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
                answers: config.listen.answers(&metrics),
            },
        )
        .map_err(|faults| anyhow::anyhow!("the catalogue is faulty: {faults:?}"))?;
        let classes = Classes { patterns: patterns.clone(), gateway: gateway.clone() };
        identity.ask_of_classes(Arc::new(classes));
        let freeze: Arc<dyn Freeze> = Arc::new(Freezer::new(&clock));
        let chat = Chat::open(&databases, &clock, &record, &gateway, &roots, &freeze, &tasks)?;
        let guardrails = Guardrails::open(&databases, &clock, &record, &identity)?;
        let domains = Domains::open(domains::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            registry: find.clone(),
            dns: Dns::open(config.outbound.resolver, DNS_TIMEOUT).context("outbound.resolver")?,
            tasks: tasks.clone(),
        });
        let sso = Sso::open(sso::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            identity: identity.clone(),
            find_org: find.clone(),
            fetch: outbound::open(&config.outbound)?,
            roots: roots.clone(),
            tasks: tasks.clone(),
            config: sso::Config {
                public_url: public_url.clone(),
                cookie_secure: config.session.secure_cookies,
            },
        })?;
        let scim = Scim::open(&scim::Needs {
            databases: &databases,
            clock: &clock,
            record: &record,
            identity: &identity,
            roots: &roots,
            tasks: &tasks,
            public_url: config.listen.public_url.is_some().then_some(public_url),
            https: config.listen.tls_cert_file.is_some(),
        })?;
        let reviews = Reviews::open(reviews::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            identity: identity.clone(),
            tasks: tasks.clone(),
        });
        let support = Support::open(support::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            identity: identity.clone(),
            find_org: find,
            config: config.support.clone(),
        });
        let streams = Streams::open(streams::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            roots: &roots,
            fetch: outbound::open(&config.outbound)?,
            tasks: tasks.clone(),
            metrics: &metrics,
            node: &config.node,
        })?;
        let heeds: Vec<Arc<dyn Heed>> = vec![
            Arc::new(Credentials(identity.clone())),
            Arc::new(Taught(patterns.clone())),
            Arc::new(Forgotten(record.clone(), Arc::clone(&ahead))),
            Arc::new(Grown(record.clone())),
        ];
        let nodes = Nodes::open(nodes::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            herald,
            heeds,
            tasks: tasks.clone(),
            metrics: &metrics,
            node: &config.node,
            version: env!("CARGO_PKG_VERSION"),
            config: config.cell.clone(),
            pulse: nodes::Pulse::default(),
        });
        sharing.see(nodes.living());
        let keepers: Vec<Arc<dyn Keeper>> = vec![
            Arc::new(identity.clone()),
            Arc::new(record.clone()),
            Arc::new(chat.clone()),
            Arc::new(scim.clone()),
            Arc::new(sso.clone()),
            Arc::new(domains.clone()),
            Arc::new(guardrails.clone()),
            Arc::new(limits.clone()),
            Arc::new(patterns.clone()),
            Arc::new(reviews.clone()),
            Arc::new(nodes.clone()),
            Arc::new(streams.clone()),
            Arc::new(support.clone()),
            Arc::new(usage.clone()),
            Arc::new(privacy::Requests),
            Arc::new(Answers),
        ];
        let privacy = Privacy::open(privacy::Needs {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            log: log.clone(),
            keepers,
            tasks: tasks.clone(),
        });
        let moves_to = databases.iter().map(|(region, _)| region).collect();
        Ok(Self {
            roots: Arc::new(roots),
            bodies: config.listen.bodies(&metrics),
            listen: Arc::new(config.listen.clone()),
            clock,
            tasks,
            metrics,
            databases,
            regions: Regions::open(&directory, &record, moves_to),
            directory,
            record,
            epochs,
            log,
            limits,
            identity,
            patterns,
            gateway,
            chat,
            usage,
            guardrails,
            domains,
            sso,
            scim,
            reviews,
            support,
            privacy,
            streams,
            nodes,
            traces,
        })
    }

    /// Every route, behind the front.
    pub(crate) fn routes(&self) -> anyhow::Result<Router> {
        let (api, document) = openapi::api(self).split_for_parts();
        let (pages, of_pages) = console::pages(self).split_for_parts();
        let (files, addresses) = base::page::assets(console::ASSETS);
        let permits = Permits::read(&[&document, &of_pages], &addresses)?;
        let idempotency = Idempotency::open(&self.databases, &self.roots, &self.tasks)?;
        self.tasks.spawn(idempotency.clone().tend());
        let identity = self.identity.clone();
        let (record, clock) = (self.record.clone(), self.clock.clone());
        let tls = self.listen.tls_cert_file.is_some();
        let trusted_proxies = self.listen.trusted_proxies.clone().into();
        let (support, permits_of_pages) = (self.support.clone(), permits.clone());
        let console = Console { identity: identity.clone(), support, permits: permits_of_pages };
        let framed = from_fn_with_state(console.clone(), console::frame);
        let doors = Doors {
            api: idempotency.clone().around(api),
            pages: idempotency.around(pages.route_layer(framed)),
            v1: gateway::routes(self.gateway.clone()),
            scim: scim::routes(self.scim.clone()),
            open: openapi::open_routes(&document, &of_pages)?.merge(files),
        };
        let bodies = self.bodies.clone();
        let what =
            Front { identity, record, clock, permits, console, tls, trusted_proxies, bodies };
        Ok(front(what, doors))
    }

    /// Lets background work end, writes what waits, and closes the databases.
    pub(crate) async fn close(self) {
        let (tasks, databases) = (self.tasks.clone(), self.databases.clone());
        let (traces, life) = (self.traces.clone(), self.nodes.life());
        tasks.stop();
        // The record's lines end when nobody can submit any more.
        drop(self);
        tasks.ended().await;
        if let Some(traces) = traces {
            traces.flush().await;
        }
        if let Err(error) = life.leave().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "others see this node as dead"
            );
        }
        for (_, db) in databases.iter() {
            db.close().await;
        }
    }
}
