-- The payment providers that a website is connected to. secret: that of the webhook, encrypted with a key that lies elsewhere
-- (payments/webhooks/sealing.py). last_*: the newest delivery that was believed; last_is_live: 0 in test mode.
CREATE TABLE integration (
    website_id BYTEA NOT NULL,
    provider TEXT NOT NULL,
    secret BYTEA NOT NULL,
    connected_at BIGINT NOT NULL,
    last_at BIGINT,
    last_event TEXT,
    last_is_live BIGINT,
    PRIMARY KEY (website_id, provider)
);

-- The newest deliveries that were refused, in a few places that are used in turn: nothing of their bodies but the event's name.
CREATE TABLE refused_delivery (
    website_id BYTEA NOT NULL,
    provider TEXT NOT NULL,
    place BIGINT NOT NULL,
    refused_at BIGINT NOT NULL,
    event TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (website_id, provider, place)
);

-- The deliveries that were believed, each once: a hash of provider and the delivery's id. ignored: why nothing followed from it.
CREATE TABLE delivery (
    website_id BYTEA NOT NULL,
    delivery_hash BYTEA NOT NULL,
    provider TEXT NOT NULL,
    event TEXT NOT NULL,
    happened_at BIGINT,
    received_at BIGINT NOT NULL,
    ignored TEXT,
    PRIMARY KEY (website_id, delivery_hash)
);

-- A sale: all that deliveries say of one payment. subscription_hash: of which subscription; paid_at: when; minor, currency: what recurs of
-- it, a month. is_elsewhere: another website of the same account made it.
CREATE TABLE sale (
    website_id BYTEA NOT NULL,
    sale_id BYTEA NOT NULL,
    subscription_hash BYTEA,
    paid_at BIGINT,
    minor BIGINT,
    currency TEXT,
    is_elsewhere BIGINT NOT NULL,
    PRIMARY KEY (website_id, sale_id)
);

CREATE INDEX sale_by_subscription ON sale (website_id, subscription_hash, paid_at, sale_id) WHERE subscription_hash IS NOT NULL;

-- By what a sale is named: hashes as in payment_name. Sales that turn out to share a name become one.
CREATE TABLE sale_name (
    website_id BYTEA NOT NULL,
    name_hash BYTEA NOT NULL,
    sale_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, name_hash)
);

CREATE INDEX sale_name_by_sale ON sale_name (website_id, sale_id);

-- What was said of a sale, without who paid. what: paid | linked | refunded | disputed; content: JSON, see payments/webhooks/sales.py.
CREATE TABLE sale_told (
    website_id BYTEA NOT NULL,
    sale_id BYTEA NOT NULL,
    told_hash BYTEA NOT NULL,
    delivery_hash BYTEA NOT NULL,
    what TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (website_id, sale_id, told_hash)
);

-- The payments that a sale comes to. part: paid (made from deliveries) | found (it was there already) | refund and dispute, with a hash.
CREATE TABLE sale_part (
    website_id BYTEA NOT NULL,
    payment_id BYTEA NOT NULL,
    sale_id BYTEA NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (website_id, payment_id)
);

CREATE INDEX sale_part_by_sale ON sale_part (website_id, sale_id);

-- What else may tell whose a payment is, beside its own columns. method: checkout | customer_id | visitor, as in `payment`.
CREATE TABLE payment_hint (
    website_id BYTEA NOT NULL,
    payment_id BYTEA NOT NULL,
    method TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (website_id, payment_id, method, value)
);

-- Who a provider's customer is, as far as it said. told_at: when it said so last; *_clue: hashes by which an erasure finds the row.
CREATE TABLE provider_customer (
    website_id BYTEA NOT NULL,
    customer_id TEXT NOT NULL,
    email TEXT,
    name TEXT,
    external_id TEXT,
    visitor_ref TEXT,
    told_at BIGINT NOT NULL,
    email_clue BYTEA,
    external_clue BYTEA,
    PRIMARY KEY (website_id, customer_id)
);

CREATE INDEX provider_customer_by_email ON provider_customer (website_id, email_clue) WHERE email_clue IS NOT NULL;

CREATE INDEX provider_customer_by_external ON provider_customer (website_id, external_clue) WHERE external_clue IS NOT NULL;

-- How subscriptions moved: what, and the state since, as in payments/providers/model.py. minor, currency: what it brings a month since.
CREATE TABLE subscription_move (
    website_id BYTEA NOT NULL,
    subscription_hash BYTEA NOT NULL,
    moved_at BIGINT NOT NULL,
    move_hash BYTEA NOT NULL,
    what TEXT NOT NULL,
    state TEXT NOT NULL,
    minor BIGINT,
    currency TEXT,
    PRIMARY KEY (website_id, subscription_hash, moved_at, move_hash)
);
