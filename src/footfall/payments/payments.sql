-- name: named(website_id bytes, name_hash bytes) -> payment_id bytes
-- The payment that goes by a name.
SELECT payment_id FROM payment_name WHERE website_id = :website_id AND name_hash = :name_hash;

-- name: name_add(website_id bytes, name_hash bytes, payment_id bytes)
-- Let a payment go by a name.
INSERT INTO payment_name (website_id, name_hash, payment_id) VALUES (:website_id, :name_hash, :payment_id)
ON CONFLICT (website_id, name_hash) DO UPDATE SET payment_id = excluded.payment_id;

-- name: name_remove(website_id bytes, name_hash bytes)
-- Forget a name.
DELETE FROM payment_name WHERE website_id = :website_id AND name_hash = :name_hash;

-- name: payment_get(website_id bytes, payment_id bytes) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- One payment.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, evidence
FROM payment WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: payment_add(website_id bytes, payment_id bytes, transaction_id text, kind text, minor int, currency text, email text, name text, customer_id text, visitor_ref text, visitor_id bytes, profile_id bytes, method text, known_visitor_id bytes, known_profile_id bytes, first_touch text, last_touch text, content bytes, received_at int, is_open int, original_hash bytes)
-- Stores a payment.
INSERT INTO payment (website_id, payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, received_at, is_open, original_hash)
VALUES (:website_id, :payment_id, :transaction_id, :kind, :minor, :currency, :email, :name, :customer_id, :visitor_ref, :visitor_id, :profile_id,
    :method, :known_visitor_id, :known_profile_id, :first_touch, :last_touch, :content, :received_at, :is_open,
    :original_hash);

-- name: payment_remove(website_id bytes, payment_id bytes)
-- Removes a payment.
DELETE FROM payment WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: payment_assign(website_id bytes, payment_id bytes, visitor_id bytes, profile_id bytes, method text, evidence bytes, is_open int)
-- Says whose a payment is, and how that was found out.
UPDATE payment SET visitor_id = :visitor_id, profile_id = :profile_id, method = :method, evidence = :evidence, is_open = :is_open
WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: payment_freeze(website_id bytes, payment_id bytes, known_visitor_id bytes, known_profile_id bytes, first_touch text, last_touch text)
-- Keeps whose a payment was known to be when it was made.
UPDATE payment SET known_visitor_id = :known_visitor_id, known_profile_id = :known_profile_id, first_touch = :first_touch,
    last_touch = :last_touch
WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: clue_add(website_id bytes, clue_hash bytes, payment_id bytes)
-- Lets a payment be found by a clue.
INSERT INTO payment_clue (website_id, clue_hash, payment_id) VALUES (:website_id, :clue_hash, :payment_id)
ON CONFLICT (website_id, clue_hash, payment_id) DO NOTHING;

-- name: clue_remove(website_id bytes, clue_hash bytes, payment_id bytes)
-- Forgets a clue to a payment.
DELETE FROM payment_clue WHERE website_id = :website_id AND clue_hash = :clue_hash AND payment_id = :payment_id;

-- name: clue_any(website_id bytes) -> found int
-- Whether a website has any clue.
SELECT 1 AS found FROM payment_clue WHERE website_id = :website_id LIMIT 1;

-- name: clue_leads(website_id bytes, clue_hash bytes) -> found int
-- Whether a clue leads to any payment.
SELECT 1 AS found FROM payment_clue WHERE website_id = :website_id AND clue_hash = :clue_hash LIMIT 1;

-- name: clued_up(website_id bytes, clue_hash bytes, after bytes, most int) -> payment_id bytes
-- The oldest payments behind an id to which a clue leads.
SELECT payment_id FROM payment_clue WHERE website_id = :website_id AND clue_hash = :clue_hash AND payment_id > :after
ORDER BY payment_id LIMIT :most;

-- name: clued(website_id bytes, clue_hash bytes) -> payment_id bytes
-- All payments to which a clue leads.
SELECT payment_id FROM payment_clue WHERE website_id = :website_id AND clue_hash = :clue_hash;

-- name: clued_down(website_id bytes, clue_hash bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- The newest payments in a range to which a clue leads.
SELECT p.payment_id, p.transaction_id, p.kind, p.minor, p.currency, p.email, p.name, p.customer_id, p.visitor_ref, p.visitor_id, p.profile_id, p.method, p.known_visitor_id, p.known_profile_id, p.first_touch, p.last_touch, p.content, p.evidence
FROM payment_clue c JOIN payment p ON p.website_id = c.website_id AND p.payment_id = c.payment_id
WHERE c.website_id = :website_id AND c.clue_hash = :clue_hash AND c.payment_id >= :since AND c.payment_id < :until
ORDER BY c.payment_id DESC LIMIT :most;

-- name: look_add(website_id bytes, payment_id bytes)
-- Asks the next step of the index to find out whose a payment is.
INSERT INTO payment_look (website_id, payment_id) VALUES (:website_id, :payment_id)
ON CONFLICT (website_id, payment_id) DO NOTHING;

-- name: look_remove(website_id bytes, payment_id bytes)
-- That is done.
DELETE FROM payment_look WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: looks(most int) -> website_id bytes, payment_id bytes
-- The next payments of which it is to be found out whose they are.
SELECT website_id, payment_id FROM payment_look ORDER BY website_id, payment_id LIMIT :most;

-- name: claims(website_id bytes, clue_hash bytes) -> profile_id bytes, fact_id bytes?, standing int
-- Who is said to have what a clue names, whom to believe first.
SELECT profile_id, fact_id, standing FROM payment_claim WHERE website_id = :website_id AND clue_hash = :clue_hash
ORDER BY standing, profile_id;

-- name: claim_put(website_id bytes, clue_hash bytes, profile_id bytes, fact_id bytes, standing int)
-- Somebody is said to have what a clue names.
INSERT INTO payment_claim (website_id, clue_hash, profile_id, fact_id, standing)
VALUES (:website_id, :clue_hash, :profile_id, :fact_id, :standing)
ON CONFLICT (website_id, clue_hash, profile_id) DO UPDATE SET fact_id = excluded.fact_id, standing = excluded.standing;

-- name: claim_remove(website_id bytes, clue_hash bytes, profile_id bytes)
-- Somebody is no longer said to have what a clue names.
DELETE FROM payment_claim WHERE website_id = :website_id AND clue_hash = :clue_hash AND profile_id = :profile_id;

-- name: claimed_by(website_id bytes, profile_id bytes) -> clue_hash bytes
-- The clues to what a user is said to have.
SELECT clue_hash FROM payment_claim WHERE website_id = :website_id AND profile_id = :profile_id ORDER BY clue_hash;

-- name: claims_forget(website_id bytes, profile_id bytes)
-- Nothing is said of a user.
DELETE FROM payment_claim WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: sweep_ask(website_id bytes, clue_hash bytes)
-- Asks to find out who has what a clue names.
INSERT INTO payment_sweep (website_id, clue_hash, is_new) VALUES (:website_id, :clue_hash, 1)
ON CONFLICT (website_id, clue_hash) DO UPDATE SET is_new = 1;

-- name: sweep_put(website_id bytes, clue_hash bytes, position bytes)
-- The payments that a clue leads to are looked at up to an id.
UPDATE payment_sweep SET is_new = 0, position = :position WHERE website_id = :website_id AND clue_hash = :clue_hash;

-- name: sweep_start(website_id bytes, clue_hash bytes, position bytes)
-- Asks for a look at all payments that a clue leads to.
INSERT INTO payment_sweep (website_id, clue_hash, is_new, position) VALUES (:website_id, :clue_hash, 0, :position)
ON CONFLICT (website_id, clue_hash) DO UPDATE SET position = excluded.position;

-- name: sweep_remove(website_id bytes, clue_hash bytes)
-- All that a clue leads to was looked at.
DELETE FROM payment_sweep WHERE website_id = :website_id AND clue_hash = :clue_hash;

-- name: sweeps(most int) -> website_id bytes, clue_hash bytes, is_new int, position bytes?
-- The next clues of which something new is known.
SELECT website_id, clue_hash, is_new, position FROM payment_sweep ORDER BY website_id, clue_hash LIMIT :most;

-- name: move_add(website_id bytes, payment_id bytes, moved_at int, method text, evidence bytes)
-- Keeps when and how it was found out whose a payment is.
INSERT INTO payment_move (website_id, payment_id, moved_at, method, evidence)
VALUES (:website_id, :payment_id, :moved_at, :method, :evidence)
ON CONFLICT (website_id, payment_id, moved_at) DO UPDATE SET method = excluded.method, evidence = excluded.evidence;

-- name: moves(website_id bytes, payment_id bytes, most int) -> moved_at int, method text, evidence bytes?
-- The latest times at which it was found out whose a payment is.
SELECT moved_at, method, evidence FROM payment_move WHERE website_id = :website_id AND payment_id = :payment_id
ORDER BY moved_at DESC LIMIT :most;

-- name: moves_forget(website_id bytes, payment_id bytes)
-- Forgets whose a payment was when.
DELETE FROM payment_move WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: payment_arrival(website_id bytes, payment_id bytes) -> received_at int, original_hash bytes?
-- When a payment was told of, and the name of the payment that it refunds.
SELECT received_at, original_hash FROM payment WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: names_of(website_id bytes, payment_id bytes) -> name_hash bytes
-- All names by which a payment goes.
SELECT name_hash FROM payment_name WHERE website_id = :website_id AND payment_id = :payment_id ORDER BY name_hash;

-- name: refunds_of(website_id bytes, original_hash bytes, most int) -> payment_id bytes
-- The payments that refund the one of a name.
SELECT payment_id FROM payment WHERE website_id = :website_id AND original_hash = :original_hash ORDER BY payment_id LIMIT :most;

-- name: between_down(website_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- The newest payments in a range.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, evidence
FROM payment WHERE website_id = :website_id AND payment_id >= :since AND payment_id < :until ORDER BY payment_id DESC LIMIT :most;

-- name: open_down(website_id bytes, is_open int, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- The newest payments in a range that wait for evidence, or that do not.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, evidence
FROM payment WHERE website_id = :website_id AND is_open = :is_open AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id DESC LIMIT :most;

-- name: of_visitor_down(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- The newest payments of a visitor in a range.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, evidence
FROM payment WHERE website_id = :website_id AND visitor_id = :visitor_id AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id DESC LIMIT :most;

-- name: of_visitor_up(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- The oldest payments of a visitor in a range.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, evidence
FROM payment WHERE website_id = :website_id AND visitor_id = :visitor_id AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id LIMIT :most;

-- name: of_profile_down(website_id bytes, profile_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- The newest payments in a range that were matched to a user, without a visitor.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, evidence
FROM payment WHERE website_id = :website_id AND profile_id = :profile_id AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id DESC LIMIT :most;

-- name: of_profile_up(website_id bytes, profile_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- The oldest payments in a range that were matched to a user, without a visitor.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, evidence
FROM payment WHERE website_id = :website_id AND profile_id = :profile_id AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id LIMIT :most;

-- name: known_of_profile(website_id bytes, profile_id bytes) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes, evidence bytes?
-- All payments that were known as a user's when they were made.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, evidence
FROM payment WHERE website_id = :website_id AND known_profile_id = :profile_id;

-- name: payments_any(website_id bytes) -> found int
-- Whether a website has any payment.
SELECT 1 AS found FROM payment WHERE website_id = :website_id LIMIT 1;

-- name: payment_blank(website_id bytes, payment_id bytes, first_touch text, last_touch text)
-- Keeps of a payment what was paid, and touches without what tells of anybody.
UPDATE payment SET transaction_id = NULL, email = NULL, name = NULL, customer_id = NULL, visitor_ref = NULL,
    evidence = NULL, original_hash = NULL, is_open = 0, first_touch = :first_touch, last_touch = :last_touch
WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: known_forget(website_id bytes, profile_id bytes)
-- Nobody is known as this user from the payments that were theirs.
UPDATE payment SET known_profile_id = NULL, first_touch = NULL, last_touch = NULL
WHERE website_id = :website_id AND known_profile_id = :profile_id;
