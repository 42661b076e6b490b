-- name: notes_between(website_id bytes, since int, until int) -> note_id bytes, at int, text text, author_id bytes, created_at int, updated_at int
-- The notes of a website about a time, the latest first.
SELECT note_id, at, text, author_id, created_at, updated_at FROM note
WHERE website_id = :website_id AND at >= :since AND at < :until ORDER BY at DESC, note_id DESC;

-- name: note_get(website_id bytes, note_id bytes) -> note_id bytes, at int, text text, author_id bytes, created_at int, updated_at int
-- A note.
SELECT note_id, at, text, author_id, created_at, updated_at FROM note WHERE website_id = :website_id AND note_id = :note_id;

-- name: note_by_key(website_id bytes, idempotency_key text) -> note_id bytes, said_hash bytes
-- The note that calls with a key made, and what they said.
SELECT note_id, said_hash FROM note WHERE website_id = :website_id AND idempotency_key = :idempotency_key;

-- name: notes_count(website_id bytes) -> count int
-- How many notes a website has.
SELECT count(*) AS count FROM note WHERE website_id = :website_id;

-- name: note_add(website_id bytes, note_id bytes, at int, text text, author_id bytes, idempotency_key text, said_hash bytes, created_at int, updated_at int)
-- Stores a new note.
INSERT INTO note (website_id, note_id, at, text, author_id, idempotency_key, said_hash, created_at, updated_at)
VALUES (:website_id, :note_id, :at, :text, :author_id, :idempotency_key, :said_hash, :created_at, :updated_at);

-- name: note_change(website_id bytes, note_id bytes, at int, text text, updated_at int)
-- Changes a note.
UPDATE note SET at = :at, text = :text, updated_at = :updated_at WHERE website_id = :website_id AND note_id = :note_id;

-- name: note_remove(website_id bytes, note_id bytes)
-- Removes a note.
DELETE FROM note WHERE website_id = :website_id AND note_id = :note_id;
