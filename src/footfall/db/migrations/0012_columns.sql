-- Word of what changed, for whoever keeps the columns that analytics are answered from: a row for each batch of calls and website, kept until
-- the columns have it on disk. Change ids grow with time. kind: visitor | erased | person | payment; keys: what changed, one behind the
-- other, each of the length that outbox/model.py gives its kind.
CREATE TABLE column_change (
    website_id BYTEA NOT NULL,
    change_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    keys BYTEA NOT NULL,
    PRIMARY KEY (website_id, change_id)
);

-- Which columns belong to this database, as they were when rows of column_change were last removed: another token since each time. None in
-- a backup, so that columns which know more than it are made anew.
-- Left out of backups.
CREATE TABLE column_pair (
    token BYTEA NOT NULL PRIMARY KEY
);
