//! Whether an org changed its home while a backup was taken. Regions are copied one after the
//! other: of an org that goes from one to the other meanwhile, both copies may lack it.

use std::collections::BTreeMap;

use access::{OrgId, Region};

use crate::wire::House;

/// Where every org is at home, and how often it moved.
#[derive(Debug)]
pub(super) struct Homes(BTreeMap<OrgId, (Region, u64)>);

impl Homes {
    /// As the directory has them now. Refused while an org of these regions is on its way.
    pub(super) async fn read(house: &House, regions: &[Region]) -> anyhow::Result<Self> {
        let moves = house.directory.moves().await?;
        let ours = |it: &&regions::Move| regions.contains(&it.from) || regions.contains(&it.to);
        if let Some(found) = moves.iter().find(ours) {
            anyhow::bail!(
                "{} is on its way from `{}` to `{}`, and a backup may hold it nowhere: take it when \
                 `portico org move` has ended, or was abandoned",
                found.org,
                found.from,
                found.to
            );
        }
        let (mut homes, mut after) = (BTreeMap::new(), String::new());
        loop {
            let page = house.directory.page(&after).await?;
            let Some(last) = page.last() else { return Ok(Self(homes)) };
            after = last.org.to_string();
            homes.extend(page.into_iter().map(|home| (home.org, (home.region, home.epoch))));
        }
    }

    /// Refused if an org of these regions moved since.
    pub(super) async fn unchanged(self, house: &House, regions: &[Region]) -> anyhow::Result<()> {
        for (org, now) in Self::read(house, regions).await?.0 {
            let was = self.0.get(&org);
            let moved = was.map_or(now.1 > 1, |was| *was != now);
            let ours = was.into_iter().chain([&now]).any(|(region, _)| regions.contains(region));
            anyhow::ensure!(
                !(moved && ours),
                "{org} moved to `{}` while the backup was taken, which may hold it nowhere: take it \
                 again",
                now.0
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use base::time::{Clock as _, SystemClock};

    use super::super::Take;
    use super::*;
    use crate::config::{self, Config};
    use crate::storage;

    /// A cell of two regions, with an org in one.
    async fn cell(folder: &Path) -> (Config, OrgId) {
        let file = folder.join("portico.toml");
        std::fs::write(&file, "data = \"data\"\nregions = [\"us\", \"eu\"]\n").unwrap();
        let config = config::load(&file).unwrap();
        storage::migrate(&config).await.unwrap();
        let org = OrgId::new(SystemClock.now());
        let house = Box::pin(House::open(&config, Arc::new(SystemClock))).await.unwrap();
        house.directory.claim(&org, Region::Us, "acme").await.unwrap();
        house.close().await;
        (config, org)
    }

    async fn taken(config: &Config, to: PathBuf, tell: &(dyn Fn(&str) + Sync)) -> Option<String> {
        let take = Take { to, secrets_to: None, progress: false };
        let taken = Box::pin(take.run(config, Arc::new(SystemClock), tell)).await;
        taken.err().map(|error| error.to_string())
    }

    /// What `portico org move` says in the directory, to its end or while it copies.
    async fn go(config: &Config, org: &OrgId, to: Region, ends: bool) {
        let house = Box::pin(House::open(config, Arc::new(SystemClock))).await.unwrap();
        let directory = &house.directory;
        let home = directory.home(org).await.unwrap().unwrap();
        assert!(directory.order_move(&home, to).await.unwrap());
        assert!(directory.begin_move(org, to).await.unwrap());
        if ends {
            let fence = directory.fence(org).await.unwrap().unwrap();
            assert!(directory.switch(org, fence).await.unwrap());
            assert!(directory.end_move(org).await.unwrap());
        }
        house.close().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_backup_is_taken_while_an_org_is_on_its_way_or_has_moved() {
        let folder = tempfile::tempdir().unwrap();
        let (config, org) = Box::pin(cell(folder.path())).await;
        let to = |name: &str| folder.path().join(name);
        assert_eq!(taken(&config, to("whole"), &|_| {}).await, None);

        // There and back, between the copies of the regions and the directory's.
        let goes = |line: &str| {
            if line == "the database `directory`" {
                let (config, org) = (config.clone(), org.clone());
                let thread = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Runtime::new().unwrap();
                    runtime.block_on(async {
                        Box::pin(go(&config, &org, Region::Eu, true)).await;
                        Box::pin(go(&config, &org, Region::Us, true)).await;
                    });
                });
                thread.join().unwrap();
            }
        };
        let told = taken(&config, to("moved"), &goes).await.unwrap();
        assert!(told.contains(org.as_str()) && told.contains("moved to `us`"), "{told}");
        assert_eq!(taken(&config, to("again"), &|_| {}).await, None);

        // Keys of a backup that never had its name are not left about.
        let full = |line: &str| {
            if line == "reading again what was written" {
                std::fs::create_dir_all(to("full/of")).unwrap();
            }
        };
        let take = Take { to: to("full"), secrets_to: Some(to("keys")), progress: false };
        let run = Box::pin(take.run(&config, Arc::new(SystemClock), &full));
        run.await.expect_err("another folder has its name");
        assert!(!to("keys").exists() && !to("keys.partial").exists());

        Box::pin(go(&config, &org, Region::Eu, false)).await;
        let told = taken(&config, to("copying"), &|_| {}).await.unwrap();
        assert!(told.contains(org.as_str()) && told.contains("from `us` to `eu`"), "{told}");
        for name in ["moved", "copying"] {
            assert!(!to(name).exists() && !to(&format!("{name}.partial")).exists(), "{name}");
        }
    }
}
