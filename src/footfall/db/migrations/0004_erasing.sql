-- An erasure: its receipt, and until it is done how far it came. counts: rows removed or blanked, by what they were (JSON).
-- visitor_id, event_id: the visitor whose events are being blanked, and the first one that is not yet.
CREATE TABLE erasure (
    website_id BYTEA NOT NULL,
    erasure_id BYTEA NOT NULL,
    erased_at BIGINT NOT NULL,
    users BIGINT NOT NULL,
    visitors BIGINT NOT NULL,
    counts TEXT NOT NULL,
    visitor_id BYTEA,
    event_id BYTEA,
    PRIMARY KEY (website_id, erasure_id)
);

-- Users of whom facts and links are still there until their erasure is done. Nobody sees them; a link that names one of them says that
-- the visitor was nobody's from then on.
CREATE TABLE erasing (
    website_id BYTEA NOT NULL,
    profile_id BYTEA NOT NULL,
    erasure_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, profile_id)
);
