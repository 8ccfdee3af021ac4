//! The receipt of a call: its event, and the proof that the event is in the record.

use access::{Caller, Permission};
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::http::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use tlog::{Note, Proof};

use super::checkpoint::Newest;
use super::directory::Listed;
use super::fault::{FaultKind, LogError};
use super::opening::Opening;
use super::org::Place;
use super::{Log, LogKeys};
use crate::entry::{ENTRY_LEN, Stored};
use crate::event::Event;
use crate::explore::Error;
use crate::journal::PendingReceipt;

/// The receipt of a call. Whoever has it and a key of the log can prove the call to others.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The call, as in the header `portico-receipt`.
    pub id: String,
    /// The position of its event in the record.
    pub index: u64,
    /// The event: how the call ended, or that it began or was refused if there is no end yet.
    pub event: Value,
    /// The entry of the tree, in base64: what is not shown of the event is committed to too.
    pub entry: String,
    /// What the entry of the event commits to.
    pub opening: Opening,
    /// The tree in which the entry is.
    pub checkpoint: SignedTree,
    /// C2SP `tlog-proof`: index, path and checkpoint, with the log's Ed25519 signature alone,
    /// so that it stays below 2 KB.
    pub proof: String,
    /// That the directory of the cell lists this checkpoint, and no other of this org.
    pub directory: Listed,
    /// What signatures are verified with.
    pub keys: LogKeys,
}

/// A signed checkpoint.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SignedTree {
    /// Entries of the tree.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
    /// C2SP `tlog-checkpoint`, with all its signatures.
    pub note: String,
}

impl Log {
    /// The receipt of a call: for whoever made it, and for whoever may read the record.
    /// Anybody else does not learn that there is such a call.
    pub async fn receipt(&self, caller: &Caller, id: &str) -> Result<Receipt, Error> {
        let reads = caller.require(Permission::EventsRead).ok();
        let scope = reads.clone().unwrap_or_else(|| caller.itself());
        let place = self.place(&scope)?;
        let row = self.0.record.call_row((&place.db()?, &scope), id).await?;
        let row = row.ok_or(Error::NoSuchEvent)?;
        let keys = &self.0.record.keys;
        let asks = keys.stored(scope.region(), scope.org(), caller.actor.id())?;
        if reads.is_none() && row.text("user_id")? != asks {
            return Err(Error::NoSuchEvent);
        }
        let index = row.count("seq")?;
        let stored = Stored::of(&row).map_err(|_| place.fault_at(index, FaultKind::NotWhole));
        let stored = self.0.told(stored)?;
        let mut veil = place.veil().await?;
        let opening = self.0.told(place.opening(index, &stored, &mut veil).await)?;
        let event = opening.event();
        let is = |field: &str, value: &str| event.get(field).is_some_and(|it| it == value);
        let own = is("userId", caller.actor.id()) && is("actorKind", caller.actor.kind());
        if reads.is_none() && !own {
            return Err(Error::NoSuchEvent);
        }
        let (newest, proof, directory) = {
            let _turn = place.turn_at_home().await?;
            let newest = place.covering(index + 1).await?;
            let proof = place.proof(index, &stored.sealed.entry, &newest).await;
            let proof = self.0.told(proof)?;
            let directory = self.0.told(place.listed(&newest).await)?;
            (newest, proof, directory)
        };
        let keys = place.keys().await?;
        if !own {
            let reading = Event::done("audit.event.read", "event", index.to_string());
            self.0.record.note(caller, &reading).await?;
        }
        let Newest { size, root, note } = newest;
        let checkpoint = SignedTree { size, root: root.to_string(), note };
        let (id, proof) = (id.to_owned(), proof.to_string());
        let entry = STANDARD.encode(stored.sealed.entry);
        Ok(Receipt { id, index, event, entry, opening, checkpoint, proof, directory, keys })
    }
}

/// What can be said of a call now.
#[derive(Debug, Clone)]
pub(super) enum Told {
    /// It is in the record.
    Proven(Box<Receipt>),
    /// It is on its way there.
    Pending(PendingReceipt),
}

/// How soon it is worth asking again, in seconds.
const ASK_AGAIN_SECS: &str = "5";

impl Log {
    /// The receipt of a call, or that it waits in the journal of this node.
    pub(super) async fn told_of(&self, caller: &Caller, id: &str) -> Result<Told, Error> {
        match self.0.record.pending_receipt(caller, id) {
            Some(pending) => Ok(Told::Pending(pending)),
            None => Ok(Told::Proven(Box::new(self.receipt(caller, id).await?))),
        }
    }
}

impl Told {
    pub(super) fn answer(self, asked: &HeaderMap) -> Response {
        match self {
            Self::Proven(receipt) => receipt.answer(asked),
            Self::Pending(pending) => {
                let again = [(RETRY_AFTER, ASK_AGAIN_SECS)];
                (StatusCode::ACCEPTED, again, Json(pending)).into_response()
            }
        }
    }
}

impl Receipt {
    /// As whoever asks wants it: the proof alone as text, or all of it.
    fn answer(self, asked: &HeaderMap) -> Response {
        let accepts = asked.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut kinds = accepts
            .flat_map(|accepts| accepts.split(','))
            .filter_map(|kind| kind.split(';').next())
            .map(str::trim)
            .filter(|kind| matches!(*kind, "text/plain" | "application/json"));
        let varies = [(VARY, "accept")];
        if kinds.next() == Some("text/plain") {
            let kind = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
            (varies, kind, self.proof).into_response()
        } else {
            (varies, Json(self)).into_response()
        }
    }
}

impl Place<'_> {
    /// Proves that an entry is in the tree of a checkpoint, for whoever has the turn.
    async fn proof(
        &self,
        index: u64,
        entry: &[u8; ENTRY_LEN],
        newest: &Newest,
    ) -> Result<Proof, LogError> {
        let path = self.inclusion(index, entry, newest).await?;
        Proof::new(index, path, self.short(&newest.note)?).map_err(|_| LogError::Unsigned)
    }

    /// A checkpoint with the log's Ed25519 signature alone: that of ML-DSA-44 is longer than
    /// a whole proof.
    fn short(&self, note: &str) -> Result<Note, LogError> {
        let unsigned = |_| LogError::Unsigned;
        let note = Note::parse(note.as_bytes()).map_err(unsigned)?;
        let origin = note.text().lines().next().unwrap_or_default();
        let [ed25519, _] = self.birth.signing.verifiers(origin)?;
        let mut short = Note::new(note.text().to_owned()).map_err(unsigned)?;
        for signature in note.signatures().iter().filter(|it| ed25519.made(it)) {
            short.add(signature.clone()).map_err(unsigned)?;
        }
        Ok(short)
    }
}
