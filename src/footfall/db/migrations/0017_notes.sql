-- What somebody wrote about a moment (ms since epoch), for charts. author_id: of an account, key or token; idempotency_key and said_hash: what
-- the call that made it said, so that the same call makes no second one. text may name people, so erasures look at it.
CREATE TABLE note (
    website_id BYTEA NOT NULL,
    note_id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    text TEXT NOT NULL,
    author_id BYTEA NOT NULL,
    idempotency_key TEXT,
    said_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, note_id)
);

CREATE INDEX note_by_time ON note (website_id, at, note_id);

CREATE UNIQUE INDEX note_by_key ON note (website_id, idempotency_key);
