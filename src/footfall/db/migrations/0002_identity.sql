-- How many unsigned facts a visitor brought on the last UTC day (days since epoch) that it brought any.
CREATE TABLE unsigned_count (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    day BIGINT NOT NULL,
    facts BIGINT NOT NULL,
    PRIMARY KEY (website_id, visitor_id)
);
