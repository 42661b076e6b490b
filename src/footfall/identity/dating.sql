-- name: facts_from(website_id bytes, since bytes)
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND fact_id >= :since ORDER BY fact_id;

-- name: boundaries_from(website_id bytes, since bytes)
SELECT fact_id, visitor_id FROM boundary WHERE website_id = :website_id AND fact_id >= :since;

-- name: boundary_remove(website_id bytes, visitor_id bytes, fact_id bytes)
DELETE FROM boundary WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id = :fact_id;

-- name: erasures_after(website_id bytes, since int)
SELECT user_hash, erased_at FROM tombstone WHERE website_id = :website_id AND erased_at > :since;

-- name: erasure_date(website_id bytes, user_hash bytes, erased_at int)
UPDATE tombstone SET erased_at = :erased_at WHERE website_id = :website_id AND user_hash = :user_hash;

-- name: newest_fact(website_id bytes)
SELECT fact_id FROM fact WHERE website_id = :website_id ORDER BY fact_id DESC LIMIT 1;

-- name: newest_seen(website_id bytes)
SELECT seen_at FROM online WHERE website_id = :website_id ORDER BY seen_at DESC LIMIT 1;
