//! What a node does all the time: it watches who serves beside it, and hears what they
//! changed.

use std::collections::HashMap;
use std::time::Duration;

use access::{OrgId, Region};
use base::args;
use base::db::{Db, DbError, Within};
use tokio::time::Instant;

use crate::ear::{Ear, within};
use crate::heed;
use crate::member::{Member, members, write};
use crate::{Nodes, sql};

/// How often it is asked what others changed: with one reading of an org behind it, they
/// are heeded well within a second.
const EVERY: Duration = Duration::from_millis(250);
/// How long a room may take to heed one change.
const HEED_WITHIN: Duration = Duration::from_secs(10);

/// What is known of one region.
#[derive(Debug)]
pub(crate) struct Place {
    /// When the nodes were last looked at.
    looked: Option<Instant>,
    /// When all writers were last heard.
    pub(crate) heard: Instant,
    watched: HashMap<String, Watched>,
    /// None before the first asking.
    ears: Option<HashMap<String, Ear>>,
}

/// Another node, as it was seen last.
#[derive(Debug)]
struct Watched {
    beats: i64,
    dead: bool,
    since: Instant,
}

impl Default for Place {
    fn default() -> Self {
        let (heard, watched) = (Instant::now(), HashMap::new());
        Self { looked: None, heard, watched, ears: None }
    }
}

impl Place {
    /// Those that were silent for `dead_after`, and those that somebody else took for dead
    /// and did not bury soon. Silence counts only while somebody looks: who was cut off from
    /// the database, or stood still, knows nothing of the others.
    fn silent(&mut self, others: &[Member], dead_after: Duration) -> Vec<Member> {
        let now = Instant::now();
        let looked = self.looked.replace(now);
        let broken = looked.is_none_or(|at| now.duration_since(at) > dead_after / 4);
        let mut silent = Vec::new();
        let mut watched = HashMap::new();
        for member in others {
            let (beats, dead) = (member.beats, member.dead_at.is_some());
            let before = self.watched.remove(&member.instance);
            let same = before.filter(|seen| !broken && seen.beats == beats && seen.dead == dead);
            let since = same.map_or(now, |seen| seen.since);
            let patience = if dead { dead_after / 4 } else { dead_after };
            if now.duration_since(since) >= patience {
                silent.push(member.clone());
            }
            watched.insert(member.instance.clone(), Watched { beats, dead, since });
        }
        self.watched = watched;
        silent
    }
}

impl Nodes {
    /// Until the server stops. Each region by itself: one whose database is away must not
    /// keep the others waiting.
    pub(crate) async fn tend(self, region: Region) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.0.tasks.stopping() => return,
                _ = tick.tick() => {}
            }
            for (region, member) in self.tend_region(region).await {
                // Whoever has many open calls must not keep the news waiting.
                let nodes = self.clone();
                self.0.tasks.spawn(async move { nodes.bury_or_say(region, &member).await });
            }
        }
    }

    /// Watches and listens once, in every region, and buries whoever is dead.
    pub async fn tend_once(&self) {
        for region in self.0.places.keys() {
            for (region, member) in self.tend_region(*region).await {
                self.bury_or_say(region, &member).await;
            }
        }
    }

    /// One that fails is tried again: the dead one stands there until it is buried.
    async fn bury_or_say(&self, region: Region, member: &Member) {
        if let Err(error) = self.bury(region, member).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(%region, node = member.node, error, "a dead node was not buried");
        }
    }

    async fn tend_region(&self, region: Region) -> Vec<(Region, Member)> {
        let Some(place) = self.0.places.get(&region) else { return Vec::new() };
        let mut place = place.lock().await;
        let Ok(db) = self.0.databases.region(region) else { return Vec::new() };
        let silent = match self.look(region, db, &mut place).await {
            Ok(silent) => silent.into_iter().map(|member| (region, member)).collect(),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%region, error, "this node does not hear what others change");
                Vec::new()
            }
        };
        let age = place.heard.elapsed();
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        self.0.counts.age_ms(region, age_ms);
        self.0.life.behind(region, age_ms);
        if self.0.config.shared && age > Duration::from_secs(self.0.config.news_max_age_secs) {
            for heed in &self.0.heeds {
                heed.doubt(region).await;
            }
        }
        silent
    }

    async fn look(
        &self,
        region: Region,
        db: &Db,
        place: &mut Place,
    ) -> Result<Vec<Member>, DbError> {
        let begun = Instant::now();
        let (mut others, mut own) = (Vec::new(), None);
        for member in within(members(db)).await? {
            let ours = member.instance == self.0.herald.instance().as_str();
            if ours { own = Some(member) } else { others.push(member) }
        }
        let living = others.iter().filter(|member| member.dead_at.is_none()).count();
        self.lives(region, u32::try_from(living + 1).unwrap_or(u32::MAX));
        if self.0.herald.serves() && own.is_none_or(|own| own.dead_at.is_some()) {
            self.0.life.is_lost();
        }
        let silent = place.silent(&others, self.0.pulse.dead_after);
        self.hear(region, db, place, &others).await?;
        place.heard = begun;
        Ok(silent)
    }

    /// Hears every writer but this one.
    async fn hear(
        &self,
        region: Region,
        db: &Db,
        place: &mut Place,
        others: &[Member],
    ) -> Result<(), DbError> {
        let first = place.ears.is_none();
        let ears = place.ears.get_or_insert_default();
        let mut writers = HashMap::new();
        let mut after = String::new();
        loop {
            let all = Within::node();
            let rows = within(db.all(&all, sql::WRITERS, args![after.as_str()])).await?;
            let Some(last) = rows.last() else { break };
            after = last.text("instance")?;
            for row in &rows {
                writers.insert(row.text("instance")?, row.int("at")?);
            }
        }
        writers.remove(self.0.herald.instance().as_str());
        ears.retain(|instance, _| writers.contains_key(instance));
        for (instance, at) in writers {
            let serves = others.iter().any(|member| member.instance == instance);
            if !ears.contains_key(&instance) {
                let ear = if first { Ear::from_now(db, &instance).await? } else { Ear::new() };
                ears.insert(instance.clone(), ear);
            }
            let Some(ear) = ears.get_mut(&instance) else { continue };
            if ear.is_due(serves) {
                ear.listen(db, &instance, |org, room| self.told(region, org, room)).await?;
            }
            if !serves && ear.silence() >= self.0.pulse.gone_after {
                let drop = args![instance.as_str(), at];
                if write(db, [(sql::WRITER_DROP, drop)]).await? == 1 {
                    write(db, [(sql::NEWS_DROP, args![instance.as_str()])]).await?;
                }
            }
        }
        Ok(())
    }

    async fn told(&self, region: Region, org: OrgId, room: String) -> Result<(), DbError> {
        for one in self.0.heeds.iter().filter(|one| heed::wants(one.as_ref(), &room)) {
            let slow = |slow| DbError::elsewhere("say in time what an org is now", slow);
            tokio::time::timeout(HEED_WITHIN, one.changed(&org, region)).await.map_err(slow)?;
        }
        Ok(())
    }
}
