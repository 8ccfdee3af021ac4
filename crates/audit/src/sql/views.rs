//! Statements on saved views.

use base::db::Statement;

pub(crate) const VIEWS: Statement = Statement::new(
    "list views of the record",
    "SELECT view_id, user_id, name, query, shared_at, created_at FROM audit_view
      WHERE org_id = $1 AND (user_id = $2 OR shared_at IS NOT NULL)
      ORDER BY CASE WHEN user_id = $2 THEN 0 ELSE 1 END, LOWER(name), view_id LIMIT $3",
);

pub(crate) const VIEW_OF: Statement = Statement::new(
    "look up a view of the record",
    "SELECT view_id, user_id, name, query, shared_at, created_at FROM audit_view
      WHERE org_id = $1 AND view_id = $2 AND user_id = $3",
);

pub(crate) const VIEWS_COUNT: Statement = Statement::new(
    "count views of the record",
    "SELECT COUNT(*) AS views FROM audit_view WHERE org_id = $1 AND user_id = $2",
);

pub(crate) const VIEW_SAVE: Statement = Statement::new(
    "save a view of the record",
    "INSERT INTO audit_view (org_id, view_id, user_id, name, query, shared_at, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

pub(crate) const VIEW_REMOVE: Statement = Statement::new(
    "remove a view of the record",
    "DELETE FROM audit_view WHERE org_id = $1 AND view_id = $2 AND user_id = $3",
);
