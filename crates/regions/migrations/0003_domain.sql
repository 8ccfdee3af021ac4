-- Which org has proven which domain: a keyed hash, no name.
CREATE TABLE regions_domain (
    domain_tag  BYTEA  NOT NULL PRIMARY KEY,
    org_id      TEXT   NOT NULL,
    proven_at   BIGINT NOT NULL          -- microseconds since 1970, UTC
);
