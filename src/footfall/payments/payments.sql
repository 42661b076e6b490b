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

-- name: payment_get(website_id bytes, payment_id bytes) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes
-- One payment.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content
FROM payment WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: payment_add(website_id bytes, payment_id bytes, transaction_id text, kind text, minor int, currency text, email text, name text, customer_id text, visitor_ref text, visitor_id bytes, profile_id bytes, method text, known_visitor_id bytes, known_profile_id bytes, first_touch text, last_touch text, content bytes, received_at int)
-- Stores a payment.
INSERT INTO payment (website_id, payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content, received_at)
VALUES (:website_id, :payment_id, :transaction_id, :kind, :minor, :currency, :email, :name, :customer_id, :visitor_ref, :visitor_id, :profile_id,
    :method, :known_visitor_id, :known_profile_id, :first_touch, :last_touch, :content, :received_at);

-- name: payment_remove(website_id bytes, payment_id bytes)
-- Removes a payment.
DELETE FROM payment WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: payment_assign(website_id bytes, payment_id bytes, visitor_id bytes, profile_id bytes, method text)
-- Says whose a payment is, and how that was found out.
UPDATE payment SET visitor_id = :visitor_id, profile_id = :profile_id, method = :method
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

-- name: clued(website_id bytes, clue_hash bytes) -> payment_id bytes
-- The payments to which a clue leads, oldest first.
SELECT payment_id FROM payment_clue WHERE website_id = :website_id AND clue_hash = :clue_hash ORDER BY payment_id;

-- name: clued_down(website_id bytes, clue_hash bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes
-- The newest payments in a range to which a clue leads.
SELECT p.payment_id, p.transaction_id, p.kind, p.minor, p.currency, p.email, p.name, p.customer_id, p.visitor_ref, p.visitor_id, p.profile_id, p.method, p.known_visitor_id, p.known_profile_id, p.first_touch, p.last_touch, p.content
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

-- name: between_down(website_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes
-- The newest payments in a range.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content
FROM payment WHERE website_id = :website_id AND payment_id >= :since AND payment_id < :until ORDER BY payment_id DESC LIMIT :most;

-- name: of_visitor_down(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes
-- The newest payments of a visitor in a range.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content
FROM payment WHERE website_id = :website_id AND visitor_id = :visitor_id AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id DESC LIMIT :most;

-- name: of_visitor_up(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes
-- The oldest payments of a visitor in a range.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content
FROM payment WHERE website_id = :website_id AND visitor_id = :visitor_id AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id LIMIT :most;

-- name: of_profile_down(website_id bytes, profile_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes
-- The newest payments in a range that were matched to a user, without a visitor.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content
FROM payment WHERE website_id = :website_id AND profile_id = :profile_id AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id DESC LIMIT :most;

-- name: of_profile_up(website_id bytes, profile_id bytes, since bytes, until bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes
-- The oldest payments in a range that were matched to a user, without a visitor.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content
FROM payment WHERE website_id = :website_id AND profile_id = :profile_id AND payment_id >= :since AND payment_id < :until
ORDER BY payment_id LIMIT :most;

-- name: known_of_profile(website_id bytes, profile_id bytes) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?, profile_id bytes?, method text, known_visitor_id bytes?, known_profile_id bytes?, first_touch text?, last_touch text?, content bytes
-- All payments that were known as a user's when they were made.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id, profile_id, method, known_visitor_id, known_profile_id, first_touch, last_touch, content
FROM payment WHERE website_id = :website_id AND known_profile_id = :profile_id;

-- name: payments_any(website_id bytes) -> found int
-- Whether a website has any payment.
SELECT 1 AS found FROM payment WHERE website_id = :website_id LIMIT 1;

-- name: payment_blank(website_id bytes, payment_id bytes, first_touch text, last_touch text)
-- Keeps of a payment what was paid, and touches without what tells of anybody.
UPDATE payment SET transaction_id = NULL, email = NULL, name = NULL, customer_id = NULL, visitor_ref = NULL,
    first_touch = :first_touch, last_touch = :last_touch
WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: known_forget(website_id bytes, profile_id bytes)
-- Nobody is known as this user from the payments that were theirs.
UPDATE payment SET known_profile_id = NULL, first_touch = NULL, last_touch = NULL
WHERE website_id = :website_id AND known_profile_id = :profile_id;
