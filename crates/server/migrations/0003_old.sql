-- What is old is found without reading what is not.
CREATE INDEX server_idempotency_old ON server_idempotency (at);
