-- The currency in which a website's sums are shown, and whether any payment ever came: without one, no answer asks for payments.
ALTER TABLE website ADD COLUMN currency TEXT NOT NULL DEFAULT 'USD';

ALTER TABLE website ADD COLUMN has_payments BIGINT NOT NULL DEFAULT 0;

-- A payment or a refund. payment_id: 6 bytes of its time, 6 of a hash. minor: in the currency's minor unit, below zero for refunds.
-- Whose it is now follows from visitor_id and the visitor's links, as with events; without a visitor it is the user's in profile_id, if it
-- was matched to one. visitor_ref: what was sent as the visitor's id but is none, or one without a pageview. method, evidence: how it was
-- matched, or why not. known_*: the visitor and user at the time of the payment, and where they came from first and last (JSON); never
-- changed, but for erasures. content: a hash of what was sent.
CREATE TABLE payment (
    website_id BYTEA NOT NULL,
    payment_id BYTEA NOT NULL,
    transaction_id TEXT,
    kind TEXT NOT NULL,
    minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    email TEXT,
    name TEXT,
    customer_id TEXT,
    visitor_ref TEXT,
    visitor_id BYTEA,
    profile_id BYTEA,
    method TEXT NOT NULL,
    known_visitor_id BYTEA,
    known_profile_id BYTEA,
    first_touch TEXT,
    last_touch TEXT,
    content BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, payment_id)
);

CREATE INDEX payment_by_visitor ON payment (website_id, visitor_id, payment_id) WHERE visitor_id IS NOT NULL;

CREATE INDEX payment_by_profile ON payment (website_id, profile_id, payment_id) WHERE profile_id IS NOT NULL;

CREATE INDEX payment_by_known ON payment (website_id, known_profile_id, payment_id) WHERE known_profile_id IS NOT NULL;

-- By what a payment may be named: a hash of (who names it, the id). The transaction id of the API, and the ids of providers.
CREATE TABLE payment_name (
    website_id BYTEA NOT NULL,
    name_hash BYTEA NOT NULL,
    payment_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, name_hash)
);

-- What may tell whose a payment without a known visitor is: a hash of (kind, value), such as its e-mail address.
CREATE TABLE payment_clue (
    website_id BYTEA NOT NULL,
    clue_hash BYTEA NOT NULL,
    payment_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, clue_hash, payment_id)
);

-- Payments for which the next step of the index is to find out whose they are.
CREATE TABLE payment_look (
    website_id BYTEA NOT NULL,
    payment_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, payment_id)
);

-- The checkouts that a visitor's pages reported, by a hash of an id that nobody can guess, and when first (ms since epoch).
CREATE TABLE checkout (
    website_id BYTEA NOT NULL,
    visitor_id BYTEA NOT NULL,
    checkout_hash BYTEA NOT NULL,
    told_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, visitor_id, checkout_hash)
);

CREATE INDEX checkout_by_hash ON checkout (website_id, checkout_hash, told_at, visitor_id);

-- Checkouts reported since the index saw to it: a payment may have come before.
CREATE TABLE checkout_told (
    website_id BYTEA NOT NULL,
    checkout_hash BYTEA NOT NULL,
    PRIMARY KEY (website_id, checkout_hash)
);
