-- A domain that an org claims, and what the DNS said of it.
CREATE TABLE domains_domain (
    org_id        TEXT   NOT NULL,
    domain        TEXT   NOT NULL,          -- in lower case, as in the DNS: xn--…
    token         TEXT   NOT NULL,          -- what its TXT record must say; no secret
    state         TEXT   NOT NULL CHECK (state IN ('pending', 'verified', 'missing')),
    claimed_at    BIGINT NOT NULL,          -- microseconds since 1970, UTC
    verified_at   BIGINT,                   -- since when it is the org's
    checked_at    BIGINT,                   -- when the DNS last answered
    check_at      BIGINT,                   -- when it is asked next; a claim is checked when somebody asks
    missing_since BIGINT,                   -- since when the record is not there
    PRIMARY KEY (org_id, domain)
);
CREATE INDEX domains_domain_due ON domains_domain (org_id, check_at);
