-- The providers to which a website was connected by API key. webhook_id: the webhook that was made there; account: the provider's store or
-- organization, where it must be named; api_key: encrypted like the secrets of webhooks, NULL unless it is kept.
-- The import of what was paid from `since` to `until`: run_id: who works on it; state: running | done | failed; listing, place: the page
-- that comes next; objects: read so far; unreadable: those of them that could not be; held_until: when it may be taken over.
CREATE TABLE key_connection (
    website_id BYTEA NOT NULL,
    provider TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    account TEXT,
    api_key BYTEA,
    run_id BYTEA NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    listing BIGINT NOT NULL,
    place TEXT NOT NULL,
    objects BIGINT NOT NULL,
    unreadable BIGINT NOT NULL,
    reason TEXT,
    held_until BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (website_id, provider)
);
