-- name: erasure_add(website_id bytes, erasure_id bytes, erased_at int, users int, counts text)
-- Begin an erasure, or continue with the next users of one that names several.
INSERT INTO erasure (website_id, erasure_id, erased_at, users, visitors, counts)
VALUES (:website_id, :erasure_id, :erased_at, :users, 0, :counts)
ON CONFLICT (website_id, erasure_id) DO UPDATE SET users = erasure.users + excluded.users, counts = excluded.counts,
    visitor_id = NULL, event_id = NULL;

-- name: erasure_get(website_id bytes, erasure_id bytes) -> erased_at int, users int, visitors int, counts text, visitor_id bytes?, event_id bytes?
-- The receipt of an erasure, and its progress.
SELECT erased_at, users, visitors, counts, visitor_id, event_id FROM erasure
WHERE website_id = :website_id AND erasure_id = :erasure_id;

-- name: erasure_put(website_id bytes, erasure_id bytes, visitors int, counts text, visitor_id bytes, event_id bytes)
-- Store the progress of an erasure.
UPDATE erasure SET visitors = :visitors, counts = :counts, visitor_id = :visitor_id, event_id = :event_id
WHERE website_id = :website_id AND erasure_id = :erasure_id;
