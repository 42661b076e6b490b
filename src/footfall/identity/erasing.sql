-- name: erasing_add(website_id bytes, profile_id bytes, erasure_id bytes)
-- A user is being erased.
INSERT INTO erasing (website_id, profile_id, erasure_id) VALUES (:website_id, :profile_id, :erasure_id);

-- name: erasing_users(website_id bytes, erasure_id bytes) -> profile_id bytes
-- The users of an erasure that is under way.
SELECT profile_id FROM erasing WHERE website_id = :website_id AND erasure_id = :erasure_id ORDER BY profile_id;

-- name: erasing_remove(website_id bytes, erasure_id bytes)
-- An erasure is done with its users.
DELETE FROM erasing WHERE website_id = :website_id AND erasure_id = :erasure_id;

-- name: facts_some(website_id bytes, erasure_id bytes, most int) -> visitor_id bytes, fact_id bytes
-- Some facts that an erasure has to remove, in no order.
SELECT f.visitor_id, f.fact_id FROM erasing e JOIN fact f ON f.website_id = e.website_id AND f.profile_id = e.profile_id
WHERE e.website_id = :website_id AND e.erasure_id = :erasure_id AND f.visitor_id IS NOT NULL LIMIT :most;

-- name: facts_left(website_id bytes, erasure_id bytes, most int) -> visitor_id bytes, fact_id bytes
-- The next facts that an erasure has to remove, visitor by visitor.
SELECT f.visitor_id, f.fact_id FROM erasing e JOIN fact f ON f.website_id = e.website_id AND f.profile_id = e.profile_id
WHERE e.website_id = :website_id AND e.erasure_id = :erasure_id AND f.visitor_id IS NOT NULL
ORDER BY f.visitor_id, f.fact_id LIMIT :most;

-- name: changes_forget(website_id bytes, profile_id bytes)
-- Take back the word that was left for the trait index about a profile.
DELETE FROM profile_change WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: tombstones() -> website_id bytes, user_hash bytes, erasure_id bytes, generation int, erased_at int
-- The tombstones of all websites.
SELECT website_id, user_hash, erasure_id, generation, erased_at FROM tombstone ORDER BY website_id, user_hash;

-- name: users_of_facts(website_id bytes) -> profile_id bytes, user_id text
-- All users of whom a website's ledger holds a fact.
SELECT DISTINCT profile_id, user_id FROM fact WHERE website_id = :website_id;
