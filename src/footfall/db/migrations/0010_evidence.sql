-- evidence: the fact by which a payment without a known visitor was found to be somebody's. is_open: 1 while it waits for evidence, as its
-- method says. original_hash: of a refund, the name of the payment that was refunded, as in payment_name; that payment may come later.
ALTER TABLE payment ADD COLUMN evidence BYTEA;

ALTER TABLE payment ADD COLUMN is_open BIGINT NOT NULL DEFAULT 0;

ALTER TABLE payment ADD COLUMN original_hash BYTEA;

UPDATE payment SET is_open = 1 WHERE method IN ('waiting', 'no_evidence', 'nobody_known', 'ambiguous', 'unseen_visitor');

CREATE INDEX payment_by_open ON payment (website_id, is_open, payment_id);

CREATE INDEX payment_by_original ON payment (website_id, original_hash, payment_id) WHERE original_hash IS NOT NULL;

CREATE INDEX payment_name_of ON payment_name (website_id, payment_id);

-- Who is said to have the e-mail address or customer id behind a clue. profile_id: the user of whom it was said; fact_id: the fact that said
-- it, where it is known; standing: the smallest one counts (0 what a backend says now, 1 what one said once, 2 and 3 the same of pages).
CREATE TABLE payment_claim (
    website_id BYTEA NOT NULL,
    clue_hash BYTEA NOT NULL,
    profile_id BYTEA NOT NULL,
    fact_id BYTEA,
    standing BIGINT NOT NULL,
    PRIMARY KEY (website_id, clue_hash, profile_id)
);

CREATE INDEX payment_claim_by_profile ON payment_claim (website_id, profile_id, clue_hash);

-- Clues of which something new is known. is_new: who has what they name has to be found out; position: the payments behind this id that such
-- a clue leads to have to be looked at, NULL for none.
CREATE TABLE payment_sweep (
    website_id BYTEA NOT NULL,
    clue_hash BYTEA NOT NULL,
    is_new BIGINT NOT NULL,
    position BYTEA,
    PRIMARY KEY (website_id, clue_hash)
);

-- When a payment was found to be somebody's or no longer was (ms since epoch), how, and by which fact.
CREATE TABLE payment_move (
    website_id BYTEA NOT NULL,
    payment_id BYTEA NOT NULL,
    moved_at BIGINT NOT NULL,
    method TEXT NOT NULL,
    evidence BYTEA,
    PRIMARY KEY (website_id, payment_id, moved_at)
);
