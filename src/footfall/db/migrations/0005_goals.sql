-- How often each visitor reached each goal, be it a page's (`custom` events) or a server's (`goal` events), and the first and the last of
-- those events: written in the transaction of the event.
CREATE TABLE goal_count (
    website_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    visitor_id BYTEA NOT NULL,
    completions BIGINT NOT NULL,
    first_id BYTEA NOT NULL,
    last_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, name, visitor_id)
);

CREATE INDEX goal_count_by_visitor ON goal_count (website_id, visitor_id, name);

-- Only goals have a name: other events do not pay for it.
CREATE INDEX event_by_name ON event (website_id, visitor_id, name, event_id) WHERE name IS NOT NULL;

INSERT INTO goal_count (website_id, name, visitor_id, completions, first_id, last_id)
SELECT website_id, name, visitor_id, completions, first_id, last_id FROM (
    SELECT website_id, name, visitor_id, count(*) OVER w AS completions, first_value(event_id) OVER w AS first_id,
        last_value(event_id) OVER w AS last_id, row_number() OVER (PARTITION BY website_id, name, visitor_id ORDER BY event_id) AS place
    FROM event WHERE name IS NOT NULL
    WINDOW w AS (PARTITION BY website_id, name, visitor_id ORDER BY event_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
) AS counted WHERE place = 1;

-- Goals of servers that came with an idempotency key, by a keyed hash of it, so that the same call twice is one goal.
CREATE TABLE goal_key (
    website_id BYTEA NOT NULL,
    key_hash BYTEA NOT NULL,
    event_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, key_hash)
);

-- How goals are shown.
CREATE TABLE goal_look (
    website_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT,
    color TEXT,
    description TEXT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, name)
);

-- steps: a JSON list of {"name", "type": pageview | goal, "value"}. A funnel that was deleted stays, with is_active 0.
CREATE TABLE funnel (
    website_id BYTEA NOT NULL,
    funnel_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    steps TEXT NOT NULL,
    is_active BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, funnel_id)
);
