-- name: website_remove(website_id bytes)
DELETE FROM website WHERE website_id = :website_id;

-- name: removal_add(name text, since int)
INSERT INTO setting (name, value) VALUES (:name, :since) ON CONFLICT (name) DO NOTHING;

-- name: removals_all(first text, last text)
SELECT name, value FROM setting WHERE name BETWEEN :first AND :last ORDER BY name;

-- name: removal_end(name text)
DELETE FROM setting WHERE name = :name;
