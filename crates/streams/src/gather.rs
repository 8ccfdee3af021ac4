//! What comes next for a sink: events and the checkpoints between them, in one order.

use access::Scope;
use audit::Record;
use base::db::DbError;

use crate::item::Item;
use crate::sink::Position;

/// As many checkpoints as the record gives at once. Behind so many there may be more.
const CHECKPOINTS_AT_ONCE: usize = 100;

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// An event is not where it must be.
    #[error("the record has no event {0}, though it has later ones")]
    Missing(i64),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The items behind a position, the oldest first, with `most` events at most. A checkpoint of so
/// many events stands behind the last of them; one that was signed later than that was delivered
/// comes as soon as it is there.
pub(crate) async fn gather(
    record: &Record,
    scope: &Scope,
    position: &Position,
    most: usize,
) -> Result<Vec<Item>, Unread> {
    let checkpoints = record.checkpoints_beyond(scope, position.checkpoint).await?;
    // Events behind the last of a full page would come before checkpoints that it does not hold.
    let known_to = match checkpoints.last() {
        Some(last) if checkpoints.len() >= CHECKPOINTS_AT_ONCE => last.size,
        Some(_) | None => i64::MAX,
    };
    let most = i64::try_from(most).unwrap_or(i64::MAX).min(known_to.saturating_sub(position.next));
    let events = record.stretch(scope, position.next, most).await?;
    let mut checkpoints = checkpoints.into_iter().map(Item::checkpoint).peekable();
    let mut items = Vec::with_capacity(events.len());
    let mut next = position.next;
    for event in events {
        let event = Item::event(event);
        if event.index != next {
            return Err(Unread::Missing(next));
        }
        while let Some(checkpoint) = checkpoints.next_if(|it| it.index <= next) {
            items.push(checkpoint);
        }
        items.push(event);
        next += 1;
    }
    while let Some(checkpoint) = checkpoints.next_if(|it| it.index <= next) {
        items.push(checkpoint);
    }
    if let Some(aside) = &position.aside {
        items = items
            .into_iter()
            .map(|item| if item.name() == *aside { item.gap() } else { item })
            .collect();
    }
    Ok(items)
}
