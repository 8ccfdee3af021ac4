//! Reading the file, and saying what is wrong with it: file, line, and a suggestion.

use std::fmt;
use std::path::Path;

use gateway::ANSWERS_BYTES_MIN;

use super::{Config, DatabaseName, OperatorSecrets};
use crate::counters;
use crate::mail::{BadMail, Post};
use crate::traces::{BadOtlp, Collector};

/// Every key, with what it means: `portico config reference`.
pub(crate) const REFERENCE: &str = include_str!("../../../../docs/operate/portico.toml");

/// Room for bodies at least: the largest body fits beside what is kept for small ones.
const BODIES_MIN: usize = 2 * gateway::BODY_MAX;

/// Why a configuration is not used.
#[derive(Debug)]
pub(crate) struct BadConfig(Vec<String>);

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for BadConfig {}

/// Reads and checks a file.
pub(crate) fn load(path: &Path) -> Result<Config, BadConfig> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| BadConfig(vec![format!("{name}: cannot be read: {error}")]))?;
    let mut config =
        parse(&text).map_err(|(line, fault)| BadConfig(vec![format!("{name}:{line}: {fault}")]))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    config.resolve(folder);
    check(&config).map_err(|faults| {
        let told = faults.into_iter().map(|(path, fault)| match line_of(&text, &path) {
            Some(line) => format!("{name}:{line}: {path}: {fault}"),
            None => format!("{name}: {path}: {fault}"),
        });
        BadConfig(told.collect())
    })?;
    Ok(config)
}

fn parse(text: &str) -> Result<Config, (usize, String)> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
        (line, explain(error.message()))
    })
}

/// Adds a suggestion to "unknown field": the known key that is closest.
fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else { return message.to_owned() };
    let mut names = rest.split('`').step_by(2);
    let wrong = names.next().unwrap_or_default();
    let known = message.split('`').skip(3).step_by(2);
    let closest = known
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min()
        .filter(|(distance, _)| *distance <= wrong.len().max(3) / 2);
    match closest {
        Some((_, name)) => format!("unknown key `{wrong}`; did you mean `{name}`?"),
        None => format!("{}; nothing was ignored", message.replace("field", "key")),
    }
}

/// What a well-formed configuration may still have wrong: a promise that could not be kept.
fn check(config: &Config) -> Result<(), Vec<(String, String)>> {
    let mut faults = Vec::new();
    let mut fault = |path: &str, text: String| faults.push((path.to_owned(), text));
    if config.regions.is_empty() {
        fault("regions", "a node serves at least one region".to_owned());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if config.node.is_empty() || config.node.len() > 64 || !config.node.bytes().all(plain) {
        fault("node", "1 to 64 letters, digits and hyphens".to_owned());
    }
    if config.listen.tls_cert_file.is_some() != config.listen.tls_key_file.is_some() {
        fault(
            "listen.tls_key_file",
            "a certificate needs its key, and a key its certificate".into(),
        );
    }
    if let Err(why) = config.public_url() {
        fault("listen.public_url", why.to_owned());
    }
    if config.listen.connections_max == 0 {
        fault("listen.connections_max", "must be more than zero".to_owned());
    }
    if !(100..=600_000).contains(&config.listen.head_timeout_ms) {
        fault("listen.head_timeout_ms", "must be 100 to 600000 (ten minutes)".to_owned());
    }
    if config.listen.bodies_bytes_max < BODIES_MIN {
        let text = format!("must be {BODIES_MIN} or more: two of the largest bodies");
        fault("listen.bodies_bytes_max", text);
    }
    if config.listen.answers_bytes_max < ANSWERS_BYTES_MIN {
        let text = format!("must be {ANSWERS_BYTES_MIN} or more: four of the largest completions");
        fault("listen.answers_bytes_max", text);
    }
    if config.listen.bodies_wait_ms > 60_000 {
        fault("listen.bodies_wait_ms", "must be 0 to 60000 (a minute)".to_owned());
    }
    for (path, secs) in [
        ("session.lifetime_secs", config.session.lifetime_secs),
        ("session.idle_secs", config.session.idle_secs),
    ] {
        if !(60..=2_592_000).contains(&secs) {
            fault(path, "must be 60 to 2592000 (thirty days)".to_owned());
        }
    }
    for (name, database) in &config.database {
        let path = format!("database.{}.url", name.as_str());
        let known = ["sqlite://", "postgres://", "postgresql://"];
        if !known.iter().any(|scheme| database.url.starts_with(scheme)) {
            fault(&path, "must begin with `postgres://` or `sqlite://`".to_owned());
        }
        let served = config.regions.iter().any(|region| DatabaseName::from(*region) == *name);
        if *name != DatabaseName::Directory && !served {
            fault(&path, "this node does not serve the region".to_owned());
        }
    }
    if config.cell.shared {
        if config.limits.store.is_none() {
            let why = "nodes that share a region count together: name their Redis or Valkey";
            fault("limits.store", why.to_owned());
        }
        let names = config.regions.iter().map(|region| DatabaseName::from(*region));
        for name in std::iter::once(DatabaseName::Directory).chain(names) {
            if !config.database(name).url.starts_with("postgres") {
                let why = "nodes share PostgreSQL; a SQLite file is of one process";
                fault("cell.shared", format!("the database `{}`: {why}", name.as_str()));
            }
        }
    }
    if !(10..=86_400).contains(&config.cell.news_max_age_secs) {
        fault("cell.news_max_age_secs", "must be 10 to 86400 (a day)".to_owned());
    }
    if config.cell.snapshot_age_max_secs > 604_800 {
        fault("cell.snapshot_age_max_secs", "must be 0 to 604800 (a week)".to_owned());
    }
    if tracing_subscriber::EnvFilter::try_new(&config.log.level).is_err() {
        fault("log.level", format!("`{}` is not a filter", config.log.level));
    }
    if let Err(audit::BadLogConfig { key, why }) = config.record.check() {
        fault(&format!("record.{key}"), why);
    }
    if let Err(BadOtlp { key, why }) = Collector::read(&config.otlp) {
        fault(&format!("otlp.{key}"), why);
    }
    if let Err(BadMail { key, why }) = Post::read(config) {
        fault(&format!("mail.{key}"), why);
    }
    if let Err(limits::BadStore { key, why }) = counters::address(&config.limits) {
        fault(&format!("limits.{key}"), why);
    }
    if let Err(more) = gateway::Gateway::check(&config.gateway, &OperatorSecrets) {
        faults.extend(more.into_iter().map(|fault| (fault.path, fault.fault)));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The line on which the last key of `path` is written, as far as a search can tell.
fn line_of(text: &str, path: &str) -> Option<usize> {
    let mut from = 0;
    let mut found = None;
    for part in path.split('.') {
        let part = part.split('[').next().unwrap_or(part);
        let at = text.get(from..)?.find(part)?;
        from += at;
        found = Some(text.get(..from)?.matches('\n').count() + 1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_refused_with_its_line_and_a_suggestion() {
        let text = "node = \"n\"\n\n[listen]\nadress = \"127.0.0.1:1\"\n";
        let (line, fault) = parse(text).unwrap_err();
        assert_eq!((line, fault.as_str()), (4, "unknown key `adress`; did you mean `address`?"));
        let text = "[gateway.models.small]\nmax_output_tokens = 5\nattempt_max = 2\nroutes = []\n";
        let (line, fault) = parse(text).unwrap_err();
        assert_eq!(
            (line, fault.as_str()),
            (3, "unknown key `attempt_max`; did you mean `attempts_max`?")
        );
    }

    #[test]
    fn a_promise_that_could_not_be_kept_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portico.toml");
        let text = "[gateway.endpoints.a]\nspeaks = \"openai\"\nbase_url = \"ftp://x\"\nregion = \"eu\"\n\
                    [gateway.models.small]\nfree = true\nroutes = [{ endpoint = \"b\" }]\n";
        std::fs::write(&file, text).unwrap();
        let told = load(&file).unwrap_err().to_string();
        assert!(
            told.contains("portico.toml:3: gateway.endpoints.a.base_url: must begin"),
            "{told}"
        );
        assert!(
            told.contains(
                "portico.toml:7: gateway.models.small.routes[0].endpoint: there is no endpoint `b`"
            ),
            "{told}"
        );
    }

    #[test]
    fn the_reference_names_every_key_and_is_a_valid_file() {
        let uncommented: String = REFERENCE
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        let config = parse(&uncommented).unwrap();
        let value = toml::Value::try_from(&config).unwrap();
        let mut keys = Vec::new();
        collect(&value, &mut keys);
        let read: toml::Value = toml::from_str(&uncommented).unwrap();
        let mut named = Vec::new();
        collect(&read, &mut named);
        keys.retain(|key| !named.contains(key));
        assert!(keys.is_empty(), "the reference does not name {keys:?}");
    }

    fn collect(value: &toml::Value, keys: &mut Vec<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    keys.push(key.clone());
                    collect(value, keys);
                }
            }
            toml::Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
            _ => {}
        }
    }
}
