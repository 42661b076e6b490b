-- name: erasure_add(website_id bytes, erasure_id bytes, erased_at int, users int, counts text)
-- Begin an erasure, or continue with the next users of one that names several.
INSERT INTO erasure (website_id, erasure_id, erased_at, users, visitors, counts)
VALUES (:website_id, :erasure_id, :erased_at, :users, 0, :counts)
ON CONFLICT (website_id, erasure_id) DO UPDATE SET users = erasure.users + excluded.users, counts = excluded.counts,
    visitor_id = NULL, event_id = NULL;

-- name: erasure_get(website_id bytes, erasure_id bytes) -> erased_at int, users int, visitors int, counts text, visitor_id bytes?, event_id bytes?, ended_at int?, columns_at int?
-- The receipt of an erasure, and its progress.
SELECT erased_at, users, visitors, counts, visitor_id, event_id, ended_at, columns_at FROM erasure
WHERE website_id = :website_id AND erasure_id = :erasure_id;

-- name: erasure_put(website_id bytes, erasure_id bytes, visitors int, counts text, visitor_id bytes, event_id bytes)
-- Store the progress of an erasure.
UPDATE erasure SET visitors = :visitors, counts = :counts, visitor_id = :visitor_id, event_id = :event_id
WHERE website_id = :website_id AND erasure_id = :erasure_id;

-- name: erasure_end(website_id bytes, erasure_id bytes, at int)
-- Note when an erasure was done.
UPDATE erasure SET ended_at = :at WHERE website_id = :website_id AND erasure_id = :erasure_id AND ended_at IS NULL;

-- name: erasures_in_columns(until int, most int) -> website_id bytes, erasure_id bytes
-- Erasures done before a time of which columns may hold something.
SELECT website_id, erasure_id FROM erasure WHERE ended_at IS NOT NULL AND columns_at IS NULL AND ended_at < :until LIMIT :most;

-- name: erasure_columns(website_id bytes, erasure_id bytes, at int)
-- Note since when no columns hold anything of an erasure.
UPDATE erasure SET columns_at = :at WHERE website_id = :website_id AND erasure_id = :erasure_id;
