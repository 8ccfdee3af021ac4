//! A bundle while it is being sent.

use std::collections::VecDeque;
use std::ops::Range;

use access::{Caller, Scope};
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tlog::tile::{Bundle, TILE_WIDTH};

use super::zip::Zip;
use crate::entry::Stored;
use crate::explore::Error;
use crate::publish::Log;
use crate::publish::edge::File;
use crate::publish::fault::{FaultKind, LogError};

/// What is still to be written. The entries of the whole bundle are kept meanwhile: ten
/// megabytes at most.
#[derive(Debug)]
pub(in crate::publish) struct Making {
    log: Log,
    scope: Scope,
    zip: Zip,
    shown: Range<u64>,
    size: u64,
    bundles: Range<u64>,
    /// The bundle that is not full, read before it could be removed.
    partial: Option<Vec<u8>>,
    entries: VecDeque<File>,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Openings,
    Entries,
    Done,
}

impl Making {
    pub(super) fn new(
        log: Log,
        scope: Scope,
        zip: Zip,
        shown: Range<u64>,
        (size, partial): (u64, Option<Vec<u8>>),
    ) -> Self {
        let bundles = super::bundles(&shown);
        let (entries, step) = (VecDeque::new(), Step::Openings);
        Self { log, scope, zip, shown, size, bundles, partial, entries, step }
    }

    /// Its bytes as they are made. The first piece is made before the answer begins, so that a
    /// fault in a small bundle is told in words.
    pub(in crate::publish) async fn answer(mut self, caller: Caller) -> Result<Response, Error> {
        let first = self.piece().await?;
        let pieces = stream::try_unfold((first, self), move |(piece, mut making)| {
            let caller = caller.clone();
            async move {
                let Some(piece) = piece else { return Ok::<_, Error>(None) };
                let next = Box::pin(making.piece());
                let next = caller.standing.life.during(next).await??;
                Ok(Some((Bytes::from(piece), (next, making))))
            }
        });
        let headers = [
            (CONTENT_TYPE, "application/zip"),
            (CONTENT_DISPOSITION, "attachment; filename=\"evidence.zip\""),
        ];
        Ok((headers, Body::from_stream(pieces)).into_response())
    }

    /// The next bytes, until there are none.
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while self.step != Step::Done {
            match self.step {
                Step::Openings => match self.bundles.next() {
                    Some(index) => {
                        let shown = self.bundle(index).await;
                        self.log.0.told(shown)?;
                    }
                    None => self.step = Step::Entries,
                },
                Step::Entries => {
                    self.zip.end().map_err(Error::Unpacked)?;
                    let packed = if let Some((path, bytes)) = self.entries.pop_front() {
                        self.zip.file(&path, &bytes)
                    } else {
                        self.step = Step::Done;
                        self.zip.finish()
                    };
                    packed.map_err(Error::Unpacked)?;
                }
                Step::Done => {}
            }
            let piece = self.zip.take();
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// The openings of the events of one bundle, each of which is what was published.
    async fn bundle(&mut self, index: u64) -> Result<(), LogError> {
        let Self { log, scope, .. } = self;
        let (log, scope) = (log.clone(), scope.clone());
        let place = log.place(&scope)?;
        let other = || place.fault(FaultKind::OtherRoot(self.size));
        let bundle = Bundle::within(index, self.size).ok_or_else(other)?;
        let partial = if bundle.is_full() { None } else { self.partial.take() };
        let bytes = match partial {
            Some(bytes) => bytes,
            None => place.bundle(bundle).await?,
        };
        let published = bundle.decode(&bytes).map_err(|_| other())?;
        let first = index * u64::from(TILE_WIDTH);
        let behind = self.shown.end.min(first + u64::from(bundle.width()));
        let from = self.shown.start.max(first);
        let mut rows = place.bodies(from, behind).await?.into_iter().peekable();
        let mut veil = place.veil().await?;
        for (seq, entry) in (first..behind).zip(published).filter(|(seq, _)| *seq >= from) {
            let row = rows.next_if(|row| row.count("seq").is_ok_and(|found| found == seq));
            let row = row.ok_or_else(|| place.fault_at(seq, FaultKind::Missing))?;
            let stored = Stored::of(&row);
            let stored = stored.map_err(|_| place.fault_at(seq, FaultKind::NotWhole))?;
            if stored.sealed.entry != *entry {
                return Err(place.fault_at(seq, FaultKind::OtherEntry));
            }
            let opening = place.opening(seq, &stored, &mut veil).await?;
            let mut line = serde_json::to_vec(&opening).map_err(std::io::Error::from)?;
            line.push(b'\n');
            self.zip.write(&line)?;
        }
        self.entries.push_back((bundle.path(), bytes));
        Ok(())
    }
}
