//! A Redis or Valkey: every key of every database of it, and every value.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Value, cmd};

use crate::canary::{Canaries, Canary};
use crate::error::Error;
use crate::plan::Place;
use crate::scan::{Scan, Seen};

/// Things that are asked for at once.
const PAGE: u64 = 500;
/// Bytes of a value that are asked for at once.
const PIECE_BYTES: u64 = 1 << 20;
/// How long a control may stay, should nobody take it away.
const CONTROL_SECS: u64 = 60;

/// A connection to one.
pub(crate) struct Redis {
    connection: MultiplexedConnection,
    shown: String,
}

impl Redis {
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        let shown = Place::Redis(url).shown();
        let fault = |error| Error::Counters(shown.clone(), error);
        let client = redis::Client::open(url).map_err(fault)?;
        let connection = client.get_multiplexed_async_connection().await.map_err(fault)?;
        Ok(Self { connection, shown })
    }

    async fn ask(&mut self, command: &Cmd) -> Result<Value, Error> {
        let answer: Result<Value, RedisError> = command.query_async(&mut self.connection).await;
        answer.map_err(|error| Error::Counters(self.shown.clone(), error))
    }

    async fn info(&mut self, section: &str) -> Result<String, Error> {
        let told = self.ask(cmd("INFO").arg(section)).await?;
        let mut text = String::new();
        each(&told, &mut |bytes| text.push_str(&String::from_utf8_lossy(bytes)));
        Ok(text)
    }

    /// The life of the process.
    pub(crate) async fn identity(&mut self) -> Result<String, Error> {
        let told = self.info("server").await?;
        let run = told.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default();
        Ok(format!("redis {}", run.trim()))
    }

    pub(crate) async fn look(&mut self, canaries: &Canaries) -> Result<Seen, Error> {
        let told = self.info("keyspace").await?;
        let mut seen = Seen::default();
        let numbers = told.lines().filter_map(|line| line.strip_prefix("db")?.split(':').next());
        for number in numbers {
            self.ask(cmd("SELECT").arg(number)).await?;
            let mut cursor = b"0".to_vec();
            loop {
                let page = self.ask(cmd("SCAN").arg(&cursor).arg("COUNT").arg(PAGE)).await?;
                let Value::Array(parts) = page else { break };
                for key in parts.get(1).map(flat).unwrap_or_default() {
                    Scan::value(&key, canaries, &mut seen);
                    self.key(&key, canaries, &mut seen).await?;
                }
                cursor = parts
                    .first()
                    .map(flat)
                    .and_then(|all| all.into_iter().next())
                    .unwrap_or_else(|| b"0".to_vec());
                if cursor == b"0" {
                    break;
                }
            }
        }
        Ok(seen)
    }

    /// Looks through one value.
    async fn key(&mut self, key: &[u8], canaries: &Canaries, seen: &mut Seen) -> Result<(), Error> {
        let kind = flat(&self.ask(cmd("TYPE").arg(key)).await?).concat();
        match kind.as_slice() {
            b"string" => self.pieces(key, canaries, seen).await,
            b"list" => {
                let mut from = 0;
                loop {
                    let to = from + PAGE - 1;
                    let page = self.ask(cmd("LRANGE").arg(key).arg(from).arg(to)).await?;
                    if through(&page, canaries, seen) == 0 {
                        return Ok(());
                    }
                    from += PAGE;
                }
            }
            b"hash" => self.walk("HSCAN", key, canaries, seen).await,
            b"set" => self.walk("SSCAN", key, canaries, seen).await,
            b"zset" => self.walk("ZSCAN", key, canaries, seen).await,
            b"stream" => {
                let mut from = "-".to_owned();
                loop {
                    let ask =
                        cmd("XRANGE").arg(key).arg(&from).arg("+").arg("COUNT").arg(PAGE).clone();
                    let page = self.ask(&ask).await?;
                    through(&page, canaries, seen);
                    let Value::Array(entries) = &page else { return Ok(()) };
                    let last = entries.last().map(flat).and_then(|all| all.into_iter().next());
                    let Some(last) = last else { return Ok(()) };
                    from = format!("({}", String::from_utf8_lossy(&last));
                }
            }
            // It went away meanwhile.
            b"none" => Ok(()),
            other => {
                let kind = String::from_utf8_lossy(other).into_owned();
                Err(Error::Page(
                    self.shown.clone(),
                    format!("it holds a `{kind}`, which nobody reads here"),
                ))
            }
        }
    }

    async fn pieces(
        &mut self,
        key: &[u8],
        canaries: &Canaries,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let (mut scan, mut from) = (Scan::new(), 0);
        loop {
            let to = from + PIECE_BYTES - 1;
            let piece = flat(&self.ask(cmd("GETRANGE").arg(key).arg(from).arg(to)).await?).concat();
            if piece.is_empty() {
                scan.end(canaries, seen);
                return Ok(());
            }
            scan.feed(&piece, canaries, seen);
            from += PIECE_BYTES;
        }
    }

    async fn walk(
        &mut self,
        how: &str,
        key: &[u8],
        canaries: &Canaries,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let mut cursor = b"0".to_vec();
        loop {
            let ask = cmd(how).arg(key).arg(&cursor).arg("COUNT").arg(PAGE).clone();
            let Value::Array(parts) = self.ask(&ask).await? else { return Ok(()) };
            if let Some(items) = parts.get(1) {
                through(items, canaries, seen);
            }
            cursor = parts.first().map(flat).unwrap_or_default().concat();
            if cursor.is_empty() || cursor == b"0" {
                return Ok(());
            }
        }
    }

    /// Puts values under keys of our own for a moment, of each kind that values have.
    pub(crate) async fn put(&mut self, values: &[Vec<u8>]) -> Result<Vec<String>, Error> {
        let own = format!("portico:attest:{}", Canary::fresh()?.text());
        let mut keys = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let key = format!("{own}:{at}");
            let put = match at % 6 {
                0 => cmd("SET").arg(&key).arg(value).clone(),
                1 => cmd("HSET").arg(&key).arg("field").arg(value).clone(),
                2 => cmd("RPUSH").arg(&key).arg(value).clone(),
                3 => cmd("SADD").arg(&key).arg(value).clone(),
                4 => cmd("ZADD").arg(&key).arg(1).arg(value).clone(),
                _ => cmd("XADD").arg(&key).arg("*").arg("field").arg(value).clone(),
            };
            self.ask(&put).await?;
            self.ask(cmd("EXPIRE").arg(&key).arg(CONTROL_SECS)).await?;
            keys.push(key);
        }
        Ok(keys)
    }

    /// Takes them away.
    pub(crate) async fn take(&mut self, keys: &[String]) -> Result<(), Error> {
        self.ask(cmd("DEL").arg(keys)).await.map(drop)
    }
}

/// Gives each text in an answer.
fn each(value: &Value, give: &mut impl FnMut(&[u8])) {
    match value {
        Value::BulkString(bytes) => give(bytes),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => give(text.as_bytes()),
        Value::Array(items) | Value::Set(items) => items.iter().for_each(|item| each(item, give)),
        Value::Map(pairs) => {
            for (name, value) in pairs {
                each(name, give);
                each(value, give);
            }
        }
        _ => {}
    }
}

fn flat(value: &Value) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    each(value, &mut |bytes| all.push(bytes.to_vec()));
    all
}

/// Looks through each text of an answer; gives how many there were.
fn through(value: &Value, canaries: &Canaries, seen: &mut Seen) -> usize {
    let mut count = 0;
    each(value, &mut |bytes| {
        count += 1;
        Scan::value(bytes, canaries, seen);
    });
    count
}
