-- Word of what changed, for whoever keeps the columns that analytics are answered from: a row for each batch of calls and website, kept until
-- the columns have it on disk. Change ids grow with time. kind: event | visitor | erased | person | payment; keys: what changed, one
-- behind the other, each of the length that outbox/model.py gives its kind.
CREATE TABLE column_change (
    website_id BYTEA NOT NULL,
    change_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    keys BYTEA NOT NULL,
    PRIMARY KEY (website_id, change_id)
);

-- Who keeps columns of this database: one on each machine with a server. token: which file that is, another one since each time; seen_at: when
-- it was last heard of; clean_at: its file holds nothing that was erased before. Word of a change is kept until all of them have it. None in a backup, so that columns which know more than it are
-- made anew.
-- Left out of backups.
CREATE TABLE column_keeper (
    keeper_id BYTEA NOT NULL PRIMARY KEY,
    token BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    clean_at BIGINT NOT NULL
);

-- Changes that a keeper has on disk, of which there is word since others do not.
-- Left out of backups.
CREATE TABLE column_taken (
    website_id BYTEA NOT NULL,
    change_id BYTEA NOT NULL,
    keeper_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, change_id, keeper_id)
);
