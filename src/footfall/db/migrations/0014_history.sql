-- The numbers of days that were counted by another system, which tells no visitors apart: as its export has them. day: of that system's time
-- zone, in days since epoch. card: what they are divided by; keys: the values of that, a JSON list. seconds: spent on visits.
-- NULL: not told of such a card.
CREATE TABLE imported_day (
    website_id BYTEA NOT NULL,
    card TEXT NOT NULL,
    day BIGINT NOT NULL,
    keys TEXT NOT NULL,
    visitors BIGINT,
    sessions BIGINT,
    pageviews BIGINT,
    bounces BIGINT,
    seconds BIGINT,
    events BIGINT,
    PRIMARY KEY (website_id, card, day, keys)
);
