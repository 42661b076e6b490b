-- name: tombstones() -> website_id bytes, user_hash bytes, erasure_id bytes, generation int, erased_at int
-- The tombstones of all websites.
SELECT website_id, user_hash, erasure_id, generation, erased_at FROM tombstone ORDER BY website_id, user_hash;

-- name: users(website_id bytes) -> profile_id bytes, user_id text
-- All users of whom a website's ledger holds a fact.
SELECT DISTINCT profile_id, user_id FROM fact WHERE website_id = :website_id;
