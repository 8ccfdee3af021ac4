-- What witnesses said of each log: of an org's, or of the directory's under its own id.
CREATE TABLE audit_witness (
    org_id       TEXT   NOT NULL,
    witness      TEXT   NOT NULL,    -- the name of its keys
    size         BIGINT NOT NULL,    -- of the newest checkpoint that it cosigned; 0: none
    cosigned_at  BIGINT,
    behind_since BIGINT,             -- since when there is a checkpoint that it did not cosign
    asked_at     BIGINT NOT NULL,
    failure      TEXT,               -- why it did not cosign when it was asked last
    refused_at   BIGINT,             -- when it contradicted the log; until an operator looked
    refused_size BIGINT,
    refused      TEXT,
    PRIMARY KEY (org_id, witness)
);
