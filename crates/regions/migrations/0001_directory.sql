-- The directory: which org is at home where. Pseudonymous: a random id and keyed
-- hashes, no names, no addresses.
CREATE TABLE regions_home (
    org_id     TEXT   NOT NULL PRIMARY KEY,
    region     TEXT   NOT NULL CHECK (region IN ('us', 'eu', 'apac')),
    epoch      BIGINT NOT NULL CHECK (epoch > 0),
    state      TEXT   NOT NULL CHECK (state IN ('active', 'moving', 'tombstone')),
    slug_tag   BYTEA  NOT NULL UNIQUE,
    claimed_at BIGINT NOT NULL          -- microseconds since 1970, UTC
);
