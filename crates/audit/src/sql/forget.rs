//! Statements on forgetting and withholding.

use base::db::Statement;

pub(crate) const KEY_DESTROY: Statement = Statement::new(
    "destroy a key of the record",
    "UPDATE audit_key SET wrapped = NULL WHERE org_id = $1 AND tag = $2 AND wrapped IS NOT NULL",
);

/// Of a key that never was as well: its row keeps it from being made. No wrapper has epoch 0.
pub(crate) const KEY_GONE: Statement = Statement::new(
    "note that a key of the record is destroyed",
    "INSERT INTO audit_key (org_id, tag, epoch, wrapped, created_at, erased_at)
     VALUES ($1, $2, 0, NULL, $3, $3)
     ON CONFLICT (org_id, tag) DO UPDATE
        SET wrapped = NULL, erased_at = COALESCE(audit_key.erased_at, excluded.erased_at)",
);

/// Of all orgs of a region: for the node's own work.
pub(crate) const KEYS_DESTROYED: Statement = Statement::new(
    "look for keys that another node destroyed",
    "SELECT org_id, tag FROM audit_key
      WHERE (org_id, tag) > ($1, $2) AND erased_at IS NOT NULL AND erased_at >= $3
      ORDER BY org_id, tag LIMIT 500",
);

pub(crate) const KEYS_OF: Statement = Statement::new(
    "count keys of the record",
    "SELECT COUNT(*) AS rows FROM audit_key
      WHERE org_id = $1 AND tag = $2 AND wrapped IS NOT NULL",
);

pub(crate) const RESTRICTED_ADD: Statement = Statement::new(
    "withhold values of the record",
    "INSERT INTO audit_restricted (org_id, tag, since) VALUES ($1, $2, $3)
     ON CONFLICT (org_id, tag) DO NOTHING",
);

pub(crate) const RESTRICTED_DROP: Statement = Statement::new(
    "no longer withhold values of the record",
    "DELETE FROM audit_restricted WHERE org_id = $1 AND tag = $2",
);

pub(crate) const RESTRICTED_ANY: Statement = Statement::new(
    "look for values of the record that are withheld",
    "SELECT tag FROM audit_restricted WHERE org_id = $1 LIMIT 1",
);

pub(crate) const RESTRICTED_ONE: Statement = Statement::new(
    "look for values of the record that are withheld",
    "SELECT since FROM audit_restricted WHERE org_id = $1 AND tag = $2",
);

pub(crate) const RESTRICTED_OF: Statement = Statement::new(
    "count what of the record is withheld",
    "SELECT COUNT(*) AS rows FROM audit_restricted WHERE org_id = $1 AND tag = $2",
);

/// Events that somebody did, or that were about them; each is in one index.
pub(crate) const EVENTS_OF: Statement = Statement::new(
    "count events of a person",
    "SELECT (SELECT COUNT(*) FROM audit_event WHERE org_id = $1 AND user_id = $2)
          + (SELECT COUNT(*) FROM audit_event
              WHERE org_id = $1 AND resource_id = $2 AND user_id <> $2)
          + (SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM audit_cold_person
              WHERE org_id = $1 AND person = $2) AS rows",
);

/// What this very product does about a person's data does not keep it longer.
pub(crate) const LAST_OF: Statement = Statement::new(
    "look up the newest event of a person",
    "SELECT MAX(at) AS at
       FROM (SELECT (SELECT at FROM audit_event WHERE org_id = $1 AND user_id = $2
                      ORDER BY seq DESC LIMIT 1) AS at
             UNION ALL
             SELECT (SELECT at FROM audit_event
                      WHERE org_id = $1 AND resource_id = $2 AND action NOT LIKE 'privacy.%'
                      ORDER BY seq DESC LIMIT 1) AS at
             UNION ALL
             SELECT (SELECT MAX(last_at) FROM audit_cold_person
                      WHERE org_id = $1 AND person = $2) AS at) AS newest",
);

/// The newest first, of both kinds.
pub(crate) const EVENTS_READ: Statement = Statement::new(
    "read the events of a person",
    "SELECT seq, body FROM audit_event
      WHERE org_id = $1 AND seq < $3 AND (user_id = $2 OR resource_id = $2)
      ORDER BY seq DESC LIMIT 500",
);

pub(crate) const VIEWS_OF: Statement = Statement::new(
    "count views of the record",
    "SELECT COUNT(*) AS rows FROM audit_view WHERE org_id = $1 AND user_id = $2",
);

pub(crate) const VIEWS_READ: Statement = Statement::new(
    "read views of the record",
    "SELECT view_id, name, query, shared_at, created_at FROM audit_view
      WHERE org_id = $1 AND user_id = $2 ORDER BY view_id LIMIT 10001",
);

pub(crate) const VIEWS_ERASE: Statement = Statement::new(
    "remove views of the record",
    "DELETE FROM audit_view WHERE org_id = $1 AND user_id = $2",
);

/// What nobody but its owner acts on, also what is long gone.
pub(crate) const OWN_THINGS: Statement = Statement::new(
    "list the things of a person",
    "SELECT resource_id FROM audit_event
      WHERE org_id = $1 AND user_id = $2 AND resource_type IN ('conversation', 'passkey')
        AND action NOT IN ('gateway.call.started', 'gateway.call.ended') AND resource_id > $3
      UNION
     SELECT thing AS resource_id FROM audit_cold_thing
      WHERE org_id = $1 AND person = $2 AND thing > $3
      ORDER BY resource_id LIMIT 1000",
);
