-- Whether links with which anybody sees the overview work.
ALTER TABLE website ADD COLUMN is_public BIGINT NOT NULL DEFAULT 0;

-- Such links, by the hash of their secret. has_money: whether they tell of revenue.
CREATE TABLE share (
    website_id BYTEA NOT NULL,
    share_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    display_key TEXT NOT NULL,
    has_money BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, share_id)
);

CREATE UNIQUE INDEX share_by_secret ON share (secret_hash);
