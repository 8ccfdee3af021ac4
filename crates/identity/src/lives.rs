//! What ends with a credential: each key and each member has a life, which the snapshots
//! of an org hand on from one to the next.
//!
//! ```text
//! snapshot 4        snapshot 5
//! key a ── life ──► key a            still good: the same life goes on
//! key b ── life ─╳  key b, revoked   ends, for whoever was let in by either snapshot
//! key c ── life ─╳                   gone: ends
//!                   key d ── life    new, or good again: a life of its own
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;

use access::Life;
use base::time::At;

use crate::member::MemberState;
use crate::snapshot::{Holder, KeyEntry, OrgSnapshot};

impl OrgSnapshot {
    /// Takes over the lives of what is still good, and gives the others: they end as
    /// soon as nobody is let in any more by the former snapshot.
    ///
    /// INVARIANT: this happens before a snapshot is shown to anybody, so that everybody
    /// who was let in by a key shares one life, by whichever snapshot.
    #[must_use]
    pub(crate) fn inherit(&mut self, former: Option<&Self>, now: At) -> Vec<Life> {
        let mut over = Vec::new();
        for (owner, holder) in &mut self.holders {
            let before = former.and_then(|former| former.holders.get(owner));
            let acting = holder.is_acting();
            if let Some(holder) = Arc::get_mut(holder) {
                over.extend(go_on(&mut holder.life, before.map(|before| &before.life), acting));
            }
        }
        for (tag, key) in &mut self.keys {
            let before = former.and_then(|former| former.keys.get(tag));
            let good = key.is_good(now);
            if let Some(key) = Arc::get_mut(key) {
                over.extend(go_on(&mut key.life, before.map(|before| &before.life), good));
            }
        }
        if let Some(former) = former {
            let gone = former.holders.iter().filter(|(owner, _)| !self.holders.contains_key(owner));
            over.extend(gone.map(|(_, holder)| holder.life.clone()));
            let gone = former.keys.iter().filter(|(tag, _)| !self.keys.contains_key(*tag));
            over.extend(gone.map(|(_, key)| key.life.clone()));
        }
        over
    }

    /// Ends the lives of keys whose time is up. Looks at the keys only when one is due.
    pub(crate) fn expire(&self, now: At) {
        if now.as_microsecond() < self.next_expiry.load(Ordering::Relaxed) {
            return;
        }
        let mut next = i64::MAX;
        for key in self.keys.values() {
            match key.expires_at.filter(|_| !key.life.is_over()) {
                Some(expires) if expires <= now => key.life.end(),
                Some(expires) => next = next.min(expires.as_microsecond()),
                None => {}
            }
        }
        self.next_expiry.store(next, Ordering::Relaxed);
    }

    /// Whether nothing runs on anything of it.
    pub(crate) fn is_idle(&self) -> bool {
        let mut lives = self.holders.values().map(|holder| &holder.life);
        let mut of_keys = self.keys.values().map(|key| &key.life);
        !lives.any(Life::is_held) && !of_keys.any(Life::is_held)
    }

    /// Ends everything that runs in this org.
    pub(crate) fn end(&self) {
        self.holders.values().for_each(|holder| holder.life.end());
        self.keys.values().for_each(|key| key.life.end());
    }
}

/// A life of its own, the former one, or none any more: then gives the former one.
fn go_on(own: &mut Life, before: Option<&Life>, good: bool) -> Option<Life> {
    if !good {
        own.end();
        return before.cloned();
    }
    if let Some(before) = before.filter(|before| !before.is_over()) {
        *own = before.clone();
    }
    None
}

impl Holder {
    pub(crate) fn is_acting(&self) -> bool {
        self.state == MemberState::Active
    }
}

impl KeyEntry {
    /// Whether it lets anybody in; from where is another question.
    pub(crate) fn is_good(&self, now: At) -> bool {
        self.revoked_at.is_none()
            && self.owner_state == Some(MemberState::Active)
            && self.expires_at.is_none_or(|expires| expires > now)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use access::{KeyId, MemberId, OrgId, ServiceId};
    use jiff::SignedDuration;

    use super::*;
    use crate::org::Org;
    use crate::rules::Rules;
    use crate::shelf::Shelf;
    use crate::snapshot::{Raw, RawHolder, RawKey};
    use crate::subject::Owner;

    const STATES: [MemberState; 4] =
        [MemberState::Invited, MemberState::Active, MemberState::Suspended, MemberState::Removed];

    fn start() -> At {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn secs(secs: i64) -> SignedDuration {
        SignedDuration::from_secs(secs)
    }

    /// Five owners with two keys each, as somebody with the dice would have it.
    #[derive(Clone)]
    struct World {
        org: OrgId,
        owners: Vec<(Owner, Option<MemberState>)>,
        keys: Vec<OneKey>,
    }

    /// What may have happened to a key.
    #[derive(Clone)]
    struct OneKey {
        id: KeyId,
        owner: usize,
        expires_at: Option<At>,
        revoked_at: Option<At>,
        gone: bool,
    }

    impl World {
        fn fresh() -> Self {
            let at = start();
            let owner = |n: i32| match n {
                4 => Owner::Service(ServiceId::new(at)),
                _ => Owner::Member(MemberId::new(at)),
            };
            let owners = (0..5).map(|n| (owner(n), Some(MemberState::Active))).collect();
            let key = |n: usize| OneKey {
                id: KeyId::new(at),
                owner: n / 2,
                expires_at: None,
                revoked_at: None,
                gone: false,
            };
            Self { org: OrgId::new(at), owners, keys: (0..10).map(key).collect() }
        }

        fn snapshot(&self, version: u64) -> OrgSnapshot {
            let holder = |(owner, state): &(Owner, Option<MemberState>)| {
                let state = (*state)?;
                let (owner, role) = (owner.clone(), "org:member".to_owned());
                Some(RawHolder {
                    owner,
                    name: String::new(),
                    email: None,
                    role,
                    state,
                    factor: false,
                    break_glass: false,
                })
            };
            let key = |key: &OneKey| RawKey {
                id: key.id.clone(),
                owner: self.owners[key.owner].0.clone(),
                name: String::new(),
                tag: tag(&key.id),
                roles: None,
                models: None,
                addresses: None,
                replaces: None,
                expires_at: key.expires_at,
                revoked_at: key.revoked_at,
            };
            OrgSnapshot::compile(Raw {
                org: Org {
                    id: self.org.clone(),
                    name: "Acme".to_owned(),
                    slug: "acme".to_owned(),
                    region: access::Region::Eu,
                    created_at: start(),
                },
                version,
                rules: Rules::default(),
                holders: self.owners.iter().filter_map(holder).collect(),
                teams: Vec::new(),
                team_names: HashMap::new(),
                roles: HashMap::new(),
                grants: Vec::new(),
                keys: self.keys.iter().filter(|key| !key.gone).map(key).collect(),
                guard: None,
            })
        }

        /// Something happens to somebody.
        fn happens(&mut self, dice: &mut impl FnMut(usize) -> usize, now: At) {
            let key = dice(self.keys.len());
            let owner = dice(self.owners.len());
            match dice(6) {
                0 => self.keys[key].revoked_at = Some(now),
                1 => {
                    self.keys[key].expires_at =
                        Some(now + secs(1 + i64::try_from(dice(3)).unwrap()));
                }
                2 => self.keys[key].gone = true,
                3 | 4 => self.owners[owner].1 = Some(STATES[dice(4)]),
                _ => self.owners[owner].1 = None,
            }
        }
    }

    /// Some hash: one for each id.
    fn tag(id: &KeyId) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.iter_mut().zip(id.as_str().bytes()).for_each(|(to, byte)| *to = byte);
        tag
    }

    /// Numbers that look random and are the same every time (splitmix64).
    fn dice(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |sides| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut x = state;
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((x ^ (x >> 31)) % u64::try_from(sides).unwrap()).unwrap()
        }
    }

    /// Three hundred histories: whoever was let in at any time is cut off exactly when the
    /// credential ends, never before, and never let go on by a later snapshot.
    #[test]
    fn whatever_ends_a_credential_ends_what_runs_on_it() {
        for seed in 0..300 {
            let (mut dice, mut world) = (dice(seed), World::fresh());
            let (shelf, mut now) = (Shelf::default(), start());
            shelf.put(world.snapshot(1), now);
            // Running: whose life, what it is, and whether it must have ended.
            let mut running: Vec<(Life, Owner, Option<KeyId>, bool)> = Vec::new();
            for version in 2..14 {
                let standing = shelf.get(&world.org).unwrap();
                for (owner, holder) in standing.holders() {
                    if holder.is_acting() {
                        running.push((holder.life.clone(), owner.clone(), None, false));
                    }
                }
                for key in standing.keys.values().filter(|key| key.is_good(now)) {
                    running.push((
                        key.life.clone(),
                        key.owner.clone(),
                        Some(key.id.clone()),
                        false,
                    ));
                }
                world.happens(&mut dice, now);
                now += secs(1);
                if dice(5) == 0 {
                    shelf.forget(&world.org);
                }
                shelf.put(world.snapshot(version), now);
                shelf.expire(now);
                let standing = shelf.get(&world.org).unwrap();
                for (life, owner, key, over) in &mut running {
                    let good = match key {
                        Some(id) => standing.key_of_id(id).is_some_and(|key| key.is_good(now)),
                        None => standing.holder(owner).is_some_and(|holder| holder.is_acting()),
                    };
                    *over |= !good;
                    assert_eq!(life.is_over(), *over, "seed {seed}, version {version}, {key:?}");
                }
                for key in standing.keys.values() {
                    assert_eq!(key.life.is_over(), !key.is_good(now), "seed {seed}");
                }
            }
        }
    }

    #[test]
    fn what_runs_in_an_org_that_cannot_be_read_is_kept_for_the_next_reading() {
        let (shelf, world, now) = (Shelf::default(), World::fresh(), start());
        shelf.put(world.snapshot(1), now);
        let life = shelf.get(&world.org).unwrap().keys[&tag(&world.keys[0].id)].life.clone();
        shelf.forget(&world.org);
        assert_eq!(shelf.forgotten(), [(world.org.clone(), access::Region::Eu)]);
        assert!(!life.is_over());
        let mut revoked = world.clone();
        revoked.keys[0].revoked_at = Some(now);
        shelf.put(revoked.snapshot(2), now);
        assert!(life.is_over() && shelf.forgotten().is_empty());
        let life = shelf.get(&world.org).unwrap().keys[&tag(&world.keys[1].id)].life.clone();
        shelf.forget(&world.org);
        shelf.forget(&world.org);
        shelf.end_forgotten(&world.org);
        assert!(life.is_over(), "nobody could say that it is still good");
    }

    #[test]
    fn a_key_ends_when_its_time_is_up() {
        let (shelf, mut world, now) = (Shelf::default(), World::fresh(), start());
        world.keys[0].expires_at = Some(now + secs(60));
        world.keys[1].expires_at = Some(now + secs(90));
        shelf.put(world.snapshot(1), now);
        let life =
            |n: usize| shelf.get(&world.org).unwrap().keys[&tag(&world.keys[n].id)].life.is_over();
        let lives = |at: i64| {
            shelf.expire(now + secs(at));
            [life(0), life(1), life(2)]
        };
        assert_eq!(lives(59), [false; 3]);
        assert_eq!(lives(60), [true, false, false]);
        assert_eq!(lives(89), [true, false, false]);
        assert_eq!(lives(90), [true, true, false]);
    }
}
