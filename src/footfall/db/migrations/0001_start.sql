-- One text for both engines. SQLite reads BYTEA and BIGINT as names without a meaning of their own, and gets WITHOUT ROWID
-- behind each table: rows lie in the order of their primary key, by which they are read. Tables that can be made anew from the others
-- stand in the `.derived.sql` file of the same number.
-- Ids and times are described in ids.py; JSON is kept as text, exactly as it was given.

-- Numbers by name: the version of the configuration, the form of the trait index, and when websites were deleted of which rows are left.
CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO setting (name, value) VALUES ('configuration_version', 1);

CREATE TABLE website (
    website_id BYTEA NOT NULL PRIMARY KEY,
    tracking_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    is_cookieless BIGINT NOT NULL,
    is_suspended BIGINT NOT NULL,
    is_localhost_allowed BIGINT NOT NULL,
    allowed_hostnames TEXT NOT NULL,
    exclusions TEXT NOT NULL,
    profile_secret BYTEA NOT NULL,
    signing_secrets TEXT NOT NULL,
    is_signature_required BIGINT NOT NULL,
    is_headless_allowed BIGINT NOT NULL,
    is_image_allowed BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_key (
    website_id BYTEA NOT NULL,
    api_key_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    display_key TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (website_id, api_key_id)
);

CREATE TABLE access_token (
    token_id BYTEA NOT NULL PRIMARY KEY,
    name TEXT,
    display_key TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    website_ids TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);

-- The salt of a UTC day (days since epoch) for visitor ids of cookieless websites; destroyed when the day is over.
-- Left out of backups.
CREATE TABLE daily_salt (
    day BIGINT NOT NULL PRIMARY KEY,
    salt BYTEA NOT NULL
);

-- What was dropped, by UTC day and reason.
CREATE TABLE dropped_hit (
    website_id BYTEA NOT NULL,
    day BIGINT NOT NULL,
    reason TEXT NOT NULL,
    hits BIGINT NOT NULL,
    PRIMARY KEY (website_id, day, reason)
);

-- Identify calls refused since their user id was a placeholder, by UTC day and source.
CREATE TABLE refused_id (
    website_id BYTEA NOT NULL,
    day BIGINT NOT NULL,
    source TEXT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (website_id, day, source)
);

-- A browser or app install. A row with pageview_count 0 is not shown: its first pageview has not come yet.
-- Place and device are those of the latest pageview; first_* those of the first session.
CREATE TABLE visitor (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    session_started_at BIGINT NOT NULL,
    session_count BIGINT NOT NULL,
    pageview_count BIGINT NOT NULL,
    current_url TEXT,
    place TEXT,
    device TEXT,
    first_referrer TEXT,
    first_params TEXT,
    first_click_ids TEXT,
    PRIMARY KEY (website_id, visitor_id)
);

CREATE TABLE session (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    started_at BIGINT NOT NULL,
    entry_url TEXT,
    referrer TEXT,
    params TEXT,
    click_ids TEXT,
    place TEXT,
    device TEXT,
    PRIMARY KEY (website_id, visitor_id, started_at)
);

-- Never rewritten. Whose an event is follows from the visitor's links.
CREATE TABLE event (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    event_id BYTEA NOT NULL,
    type TEXT NOT NULL,
    session_started_at BIGINT NOT NULL,
    url TEXT,
    query TEXT,
    referrer TEXT,
    name TEXT,
    data TEXT,
    PRIMARY KEY (website_id, visitor_id, event_id)
);

-- The ledger: append-only, the truth about who is who. Fact ids grow with time, so live facts are appended at the end.
-- kind: identify | merge | undo. source: server | browser | import. operations: JSON {"set", "unset", "set_once"} or the kind's own.
CREATE TABLE fact (
    website_id BYTEA NOT NULL,
    fact_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    profile_id BYTEA NOT NULL,
    user_id TEXT NOT NULL,
    visitor_id BYTEA,
    received_at BIGINT NOT NULL,
    source TEXT NOT NULL,
    is_trusted BIGINT NOT NULL,
    key_id BYTEA,
    operations TEXT NOT NULL,
    PRIMARY KEY (website_id, fact_id)
);

CREATE INDEX fact_by_profile ON fact (website_id, profile_id, fact_id, visitor_id);

-- Merges by either of the users they name, and undos by the fact they name: indexes over the ledger.
CREATE TABLE merge_fact (
    website_id BYTEA NOT NULL,
    profile_id BYTEA NOT NULL,
    fact_id BYTEA NOT NULL,
    other_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, profile_id, fact_id)
);

CREATE TABLE undo_fact (
    website_id BYTEA NOT NULL,
    target_id BYTEA NOT NULL,
    fact_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, target_id, fact_id)
);

-- Where an erased link was: from there on the visitor's events are nobody's, so that nobody else inherits them.
CREATE TABLE boundary (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    fact_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, visitor_id, fact_id)
);

-- What an erasure leaves: a keyed hash of the user_id, how often it was erased, and up to when its facts are dropped.
CREATE TABLE tombstone (
    website_id BYTEA NOT NULL,
    user_hash BYTEA NOT NULL,
    erasure_id BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    erased_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, user_hash)
);

-- The rest is the fold of the ledger, written in the transaction of the fact; `footfall db verify` compares.

-- Facts that do not count, since an active undo names them.
CREATE TABLE inactive (
    website_id BYTEA NOT NULL,
    fact_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, fact_id)
);

-- A row for each fact at which a visitor's user changed; profile_id is NULL where the user was erased.
CREATE TABLE link (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    fact_id BYTEA NOT NULL,
    profile_id BYTEA,
    PRIMARY KEY (website_id, visitor_id, fact_id)
);

CREATE INDEX link_by_profile ON link (website_id, profile_id, visitor_id);

-- person_id: the profile that answers for this one, the smallest of those merged with it; its own id unless merged. member_count: how many
-- profiles the person has. metadata and the JSON lists untrusted (keys that only unsigned browser calls set), gone (keys without a value
-- that a trusted call unset) and left_out (keys for which a merged person has no room) are those of the person, in the person's own row.
CREATE TABLE profile (
    website_id BYTEA NOT NULL,
    profile_id BYTEA NOT NULL,
    person_id BYTEA NOT NULL,
    member_count BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    identified_at BIGINT NOT NULL,
    visitor_count BIGINT NOT NULL,
    metadata TEXT NOT NULL,
    untrusted TEXT,
    gone TEXT,
    left_out TEXT,
    PRIMARY KEY (website_id, profile_id)
);

CREATE INDEX profile_by_person ON profile (website_id, person_id, profile_id);

CREATE INDEX profile_by_age ON profile (website_id, identified_at, profile_id);

-- Profiles that changed since the trait index last saw them; change ids grow with time. names: the traits that may have changed (JSON list),
-- when nothing else did; NULL when more did.
CREATE TABLE profile_change (
    website_id BYTEA NOT NULL,
    change_id BYTEA NOT NULL,
    profile_id BYTEA NOT NULL,
    names TEXT,
    PRIMARY KEY (website_id, change_id)
);

-- Visitors of the last five minutes, so that each process knows whom the others saw.
CREATE TABLE online (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, visitor_id)
);

CREATE INDEX online_by_time ON online (website_id, seen_at, visitor_id);

-- How far the import of a file came; import_id is a checksum of the file.
CREATE TABLE import_progress (
    website_id BYTEA NOT NULL,
    import_id BYTEA NOT NULL,
    position BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, import_id)
);

-- People who may use the dashboard. password_hash is argon2's text form.
CREATE TABLE account (
    account_id BYTEA NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Who is logged in, by the hash of what the cookie holds.
CREATE TABLE account_session (
    session_hash BYTEA NOT NULL PRIMARY KEY,
    account_id BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- The link by which the first account is made, by the hash of its secret; there is one at most.
CREATE TABLE setup_link (
    link_hash BYTEA NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

-- How often a password was tried within a quarter of an hour, by a keyed hash of the account or the address; and, with no attempts, the
-- addresses from which an account has logged in, by a hash that its password is the key of. window_at: until when a row is kept.
CREATE TABLE login_attempt (
    key_hash BYTEA NOT NULL PRIMARY KEY,
    window_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);
