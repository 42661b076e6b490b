-- The visitors with a pageview, in the order in which they are listed, and what they are filtered by; made from `visitor`, and kept a moment
-- behind. Texts are folded (visitors/folding.py), country and region are codes; params: those of the first session, as JSON.
CREATE TABLE listed_visitor (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    country TEXT,
    region TEXT,
    city TEXT,
    browser TEXT,
    os TEXT,
    device TEXT,
    referrer TEXT,
    params TEXT,
    PRIMARY KEY (website_id, visitor_id)
);

CREATE INDEX listed_visitor_by_time ON listed_visitor (website_id, seen_at, visitor_id);

-- How many visitors are listed, in parts by the first byte of their id.
CREATE TABLE visitor_total (
    website_id BYTEA NOT NULL,
    part BIGINT NOT NULL,
    visitors BIGINT NOT NULL,
    PRIMARY KEY (website_id, part)
);
