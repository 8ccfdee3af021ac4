//! What an answer comes to.

use base::args;
use base::db::Within;
use serde_json::json;
use tlog::Note;
use tlog::note::Signature;

use super::Known;
use super::ask::Answered;
use super::said::{Refused, Said};
use crate::event::{Event, Outcome};
use crate::publish::checkpoint::Newest;
use crate::publish::fault::LogError;
use crate::publish::org::{Place, Turn, int};
use crate::sql;

/// Bytes of what is kept of a failure.
const WORDS_MAX: usize = 300;

impl Place<'_> {
    /// Waits for whoever publishes this log.
    pub(super) async fn turn(&self) -> Turn<'_> {
        if self.org() == &self.log.directory {
            Turn::Directory(self.cell.directory.kept.lock().await)
        } else {
            Turn::Org(self.log.turn(self.org()).await)
        }
    }

    /// Puts the lines of a witness under the checkpoint: outside, and then in the database.
    pub(super) async fn cosigned(
        &self,
        known: &Known,
        newest: &Newest,
        signatures: Vec<Signature>,
        said: Said,
    ) -> Result<Answered, LogError> {
        let note = Note::parse(newest.note.as_bytes()).map_err(|_| LogError::Unsigned)?;
        let believed = |signature: &Signature| {
            known.keys.iter().any(|key| key.verify(note.text(), signature).is_ok())
        };
        let signatures: Vec<Signature> = signatures.into_iter().filter(believed).collect();
        if signatures.is_empty() {
            self.not_cosigned("nothing that its keys signed".to_owned(), said).await?;
            return Ok(Answered::Failed);
        }
        {
            let _turn = self.turn().await;
            self.add(newest.size, signatures).await?;
        }
        let now = self.log.record.clock.now();
        let said = Said {
            size: newest.size,
            cosigned_at: Some(now),
            behind_since: None,
            failure: None,
            ..said
        };
        self.keep(&said).await?;
        self.log.counts.witnesses.cosignatures.inc();
        Ok(Answered::Cosigned)
    }

    #[expect(clippy::disallowed_methods, reason = "what was published is no change of an org")]
    async fn add(&self, size: u64, signatures: Vec<Signature>) -> Result<(), LogError> {
        // It may have been let go of meanwhile.
        let row = self.db()?.maybe(sql::CHECKPOINT_NOTE, args![int(size)?]).await?;
        let Some(row) = row else { return Ok(()) };
        let unsigned = |_| LogError::Unsigned;
        let outside = self.outside().await?.filter(|(checkpoint, _)| checkpoint.size() == size);
        // Another node may have put lines of others under it.
        let note = match &outside {
            Some((_, bytes)) => Note::parse(bytes),
            None => Note::parse(row.text("note")?.as_bytes()),
        };
        let mut note = note.map_err(unsigned)?;
        for signature in signatures {
            note.add(signature).map_err(unsigned)?;
        }
        let note = note.to_string();
        if outside.is_some() {
            self.replace(outside.as_ref(), note.as_bytes()).await?;
        }
        let db = self.log.record.databases().whole(&self.scope)?;
        let mut tx = db.begin(&Within::org(self.org().as_str())).await?;
        let args = args![int(size)?, note];
        tx.run(sql::CHECKPOINT_COSIGNED, self.scope.args(args)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// For now it did not.
    pub(super) async fn not_cosigned(&self, why: String, said: Said) -> Result<(), LogError> {
        let why = short(&why);
        tracing::warn!(log = self.name(), witness = said.witness, why, "not cosigned yet");
        self.keep(&Said { failure: Some(why), ..said }).await
    }

    /// It has seen another log: an alarm, which stands until somebody looked.
    pub(super) async fn contradicted(
        &self,
        newest: &Newest,
        why: String,
        said: Said,
    ) -> Result<Answered, LogError> {
        let (size, why) = (newest.size, short(&why));
        let fresh = said.refused.is_none();
        tracing::error!(
            log = self.name(),
            witness = said.witness,
            size,
            why,
            "a witness contradicts the log: somebody must look"
        );
        let at = self.log.record.clock.now();
        let refused = Some(Refused { at, size, why: why.clone() });
        let said = Said { failure: Some(why.clone()), refused, ..said };
        // First the event: whoever notes the contradiction has told of it.
        if fresh && self.org() != &self.log.directory {
            let event = Event::done("audit.witness.contradicted", "witness", &*said.witness)
                .outcome(Outcome::Failed)
                .reason(json!({ "detail": why, "size": size }));
            if let Err(error) = self.log.record.note(self.scope.caller(), &event).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, log = self.name(), "a contradiction is recorded later");
                return Ok(Answered::Contradicted);
            }
        }
        self.keep(&said).await?;
        Ok(Answered::Contradicted)
    }
}

fn short(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect()
}
