-- name: tombstones()
SELECT website_id, user_hash, erasure_id, generation, erased_at FROM tombstone ORDER BY website_id, user_hash;

-- name: users(website_id bytes)
SELECT DISTINCT profile_id, user_id FROM fact WHERE website_id = :website_id;
