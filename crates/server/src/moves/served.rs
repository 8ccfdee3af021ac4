//! Who serves the two regions, and whether all of them know.

use std::time::{Duration, Instant};

use super::mover::Mover;

const LOOK_EVERY: Duration = Duration::from_millis(5);

impl Mover<'_> {
    /// Whether everybody who serves the org has answered to this closing of the gate.
    pub(super) async fn answered(&self, fence: i64, within: Duration) -> anyhow::Result<bool> {
        let begun = Instant::now();
        loop {
            let (who, said) = tokio::try_join!(self.who_serves(), async {
                Ok(self.house.directory.who_is_fenced(&self.org, fence).await?)
            })?;
            if who.iter().all(|one| said.contains(one)) {
                return Ok(true);
            }
            if begun.elapsed() >= within {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Every process that serves the region that the org leaves.
    async fn who_serves(&self) -> anyhow::Result<Vec<String>> {
        Ok(match self.house.directory.holder_of(self.from).await? {
            None => Vec::new(),
            Some(shared) if shared == regions::SHARED => {
                let members = nodes::members(self.house.databases.region(self.from)?).await?;
                let living = members.into_iter().filter(|member| member.dead_at.is_none());
                living.map(|member| member.instance).collect()
            }
            Some(one) => vec![one],
        })
    }

    /// Whoever serves one of the two regions serves both: only then does everybody who let the
    /// org's callers in before do so afterwards.
    pub(super) async fn served_together(&self) -> anyhow::Result<()> {
        let directory = &self.house.directory;
        let (from, to) =
            (directory.holder_of(self.from).await?, directory.holder_of(self.to).await?);
        anyhow::ensure!(
            from == to,
            "`{}` and `{}` are served by different processes: a move needs processes that serve \
             both (`regions`)",
            self.from,
            self.to
        );
        if from.is_some_and(|from| from == regions::SHARED) {
            let members = async |region| -> anyhow::Result<Vec<String>> {
                let all = nodes::members(self.house.databases.region(region)?).await?;
                let living = all.into_iter().filter(|member| member.dead_at.is_none());
                let mut living: Vec<_> = living.map(|member| member.instance).collect();
                living.sort_unstable();
                Ok(living)
            };
            let (from, to) = (members(self.from).await?, members(self.to).await?);
            anyhow::ensure!(
                from == to,
                "not every process that serves one region serves the other"
            );
        }
        Ok(())
    }
}
