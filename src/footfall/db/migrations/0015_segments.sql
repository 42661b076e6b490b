-- Filters that somebody saved under a name. query: as it stands in an address; it may name people, so erasures look at it.
CREATE TABLE segment (
    website_id BYTEA NOT NULL,
    segment_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, segment_id)
);
