-- name: segments_of(website_id bytes) -> segment_id bytes, name text, query text, created_at int
-- The saved segments of a website, oldest first.
SELECT segment_id, name, query, created_at FROM segment WHERE website_id = :website_id ORDER BY created_at, segment_id;

-- name: segment_put(website_id bytes, segment_id bytes, name text, query text, created_at int)
-- Store a segment.
INSERT INTO segment (website_id, segment_id, name, query, created_at) VALUES (:website_id, :segment_id, :name, :query, :created_at)
ON CONFLICT (website_id, segment_id) DO UPDATE SET name = excluded.name, query = excluded.query;

-- name: segment_remove(website_id bytes, segment_id bytes)
-- Remove a segment.
DELETE FROM segment WHERE website_id = :website_id AND segment_id = :segment_id;
