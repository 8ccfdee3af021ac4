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

    use base::args;
    use base::db::{Db, Statement, Within};
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
        let house = House::open(&config, Arc::new(SystemClock)).await.unwrap();
        house.directory.claim(&org, Region::Us, "acme").await.unwrap();
        house.close().await;
        (config, org)
    }

    async fn taken(config: &Config, to: PathBuf, tell: &(dyn Fn(&str) + Sync)) -> Option<String> {
        let take = Take { to, secrets_to: None, progress: false };
        let taken = Box::pin(take.run(config, Arc::new(SystemClock), tell)).await;
        taken.err().map(|error| error.to_string())
    }

    #[expect(clippy::disallowed_methods, reason = "somebody moves an org, from elsewhere")]
    async fn in_the_directory(file: &Path, text: &'static str, org: &OrgId) {
        let db = Db::open(&format!("sqlite://{}", file.display())).await.unwrap();
        let mut tx = db.begin(&Within::node()).await.unwrap();
        tx.run(Statement::new("move", text), args![org.as_str()]).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_backup_is_taken_while_an_org_is_on_its_way_or_has_moved() {
        let folder = tempfile::tempdir().unwrap();
        let (config, org) = cell(folder.path()).await;
        let directory = folder.path().join("data/directory.db");
        let to = |name: &str| folder.path().join(name);
        assert_eq!(taken(&config, to("whole"), &|_| {}).await, None);

        // Between the copies of the regions and the directory's.
        let (file, moved) = (directory.clone(), org.clone());
        let goes = move |line: &str| {
            if line == "the database `directory`" {
                let (file, org) = (file.clone(), moved.clone());
                let move_it =
                    "UPDATE regions_home SET region = 'eu', born = 'us', epoch = epoch + 1
                                WHERE org_id = $1";
                let thread = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Runtime::new().unwrap();
                    runtime.block_on(in_the_directory(&file, move_it, &org));
                });
                thread.join().unwrap();
            }
        };
        let told = taken(&config, to("moved"), &goes).await.unwrap();
        assert!(told.contains(org.as_str()) && told.contains("moved to `eu`"), "{told}");
        assert_eq!(taken(&config, to("again"), &|_| {}).await, None);

        let begin = "INSERT INTO regions_move (org_id, from_region, to_region, step, fence, at)
                     VALUES ($1, 'eu', 'us', 'copying', 0, 0)";
        in_the_directory(&directory, begin, &org).await;
        let told = taken(&config, to("copying"), &|_| {}).await.unwrap();
        assert!(told.contains(org.as_str()) && told.contains("from `eu` to `us`"), "{told}");
        // Keys of a backup that never had its name are not left about.
        let full = |line: &str| {
            if line == "reading again what was written" {
                std::fs::create_dir_all(to("full/of")).unwrap();
            }
        };
        in_the_directory(&directory, "DELETE FROM regions_move WHERE org_id = $1", &org).await;
        let secrets_to = Some(to("keys"));
        let take = Take { to: to("full"), secrets_to, progress: false };
        let run = Box::pin(take.run(&config, Arc::new(SystemClock), &full));
        run.await.expect_err("another folder has its name");
        assert!(!to("keys").exists() && !to("keys.partial").exists());
        for name in ["moved", "copying"] {
            assert!(!to(name).exists() && !to(&format!("{name}.partial")).exists(), "{name}");
        }
    }
}
