-- name: progress_get(website_id bytes, import_id bytes) -> position int, accepted int, dropped int, refused int
-- How far the import of a file came.
SELECT position, accepted, dropped, refused FROM import_progress WHERE website_id = :website_id AND import_id = :import_id;

-- name: progress_put(website_id bytes, import_id bytes, position int, accepted int, dropped int, refused int, updated_at int)
-- Note how far the import of a file came.
INSERT INTO import_progress (website_id, import_id, position, accepted, dropped, refused, updated_at)
VALUES (:website_id, :import_id, :position, :accepted, :dropped, :refused, :updated_at)
ON CONFLICT (website_id, import_id) DO UPDATE SET position = excluded.position, accepted = excluded.accepted,
    dropped = excluded.dropped, refused = excluded.refused, updated_at = excluded.updated_at;
