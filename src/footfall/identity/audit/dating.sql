-- name: facts_from(website_id bytes, since bytes) -> fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes?, received_at int, source text, is_trusted int, key_id bytes?, operations text
-- The facts from an id on, oldest first: those of the future.
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND fact_id >= :since ORDER BY fact_id;

-- name: boundaries_from(website_id bytes, since bytes) -> fact_id bytes, visitor_id bytes
-- The boundaries from an id on.
SELECT fact_id, visitor_id FROM boundary WHERE website_id = :website_id AND fact_id >= :since;

-- name: boundary_remove(website_id bytes, visitor_id bytes, fact_id bytes)
-- Remove a boundary that is put elsewhere.
DELETE FROM boundary WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id = :fact_id;

-- name: erasures_after(website_id bytes, since int) -> user_hash bytes, erased_at int
-- Tombstones that drop facts up to a time in the future.
SELECT user_hash, erased_at FROM tombstone WHERE website_id = :website_id AND erased_at > :since;

-- name: erasure_date(website_id bytes, user_hash bytes, erased_at int)
-- Give a tombstone another time.
UPDATE tombstone SET erased_at = :erased_at WHERE website_id = :website_id AND user_hash = :user_hash;

-- name: newest_fact(website_id bytes) -> fact_id bytes
-- The newest fact of a website.
SELECT fact_id FROM fact WHERE website_id = :website_id ORDER BY fact_id DESC LIMIT 1;

-- name: newest_seen(website_id bytes) -> seen_at int
-- When a visitor of a website was seen last.
SELECT seen_at FROM online WHERE website_id = :website_id ORDER BY seen_at DESC LIMIT 1;
