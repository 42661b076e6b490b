-- name: key_get(website_id bytes, key_hash bytes) -> event_id bytes
-- The goal that came with an idempotency key.
SELECT event_id FROM goal_key WHERE website_id = :website_id AND key_hash = :key_hash;

-- name: key_add(website_id bytes, key_hash bytes, event_id bytes)
-- Stores the idempotency key of a goal.
INSERT INTO goal_key (website_id, key_hash, event_id) VALUES (:website_id, :key_hash, :event_id);

-- name: looks_all(website_id bytes) -> name text, display_name text?, color text?, description text?, updated_at int
-- How the goals of a website are shown.
SELECT name, display_name, color, description, updated_at FROM goal_look WHERE website_id = :website_id ORDER BY name;

-- name: look_get(website_id bytes, name text) -> name text, display_name text?, color text?, description text?, updated_at int
-- How a goal is shown.
SELECT name, display_name, color, description, updated_at FROM goal_look WHERE website_id = :website_id AND name = :name;

-- name: look_put(website_id bytes, name text, display_name text, color text, description text, updated_at int)
-- Stores how a goal is shown.
INSERT INTO goal_look (website_id, name, display_name, color, description, updated_at)
VALUES (:website_id, :name, :display_name, :color, :description, :updated_at)
ON CONFLICT (website_id, name) DO UPDATE SET display_name = excluded.display_name, color = excluded.color,
    description = excluded.description, updated_at = excluded.updated_at;

-- name: look_remove(website_id bytes, name text)
-- Resets how a goal is shown.
DELETE FROM goal_look WHERE website_id = :website_id AND name = :name;
