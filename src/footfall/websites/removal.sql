-- name: website_remove(website_id bytes)
-- Removes a website.
DELETE FROM website WHERE website_id = :website_id;

-- name: removal_add(name text, since int)
-- Notes that rows of a website may be left.
INSERT INTO setting (name, value) VALUES (:name, :since) ON CONFLICT (name) DO NOTHING;

-- name: removals_all(first text, last text) -> name text, value int
-- The websites that may have rows left, and since when (ms since epoch).
SELECT name, value FROM setting WHERE name BETWEEN :first AND :last ORDER BY name;

-- name: removal_end(name text)
-- Notes that no row of a website is left.
DELETE FROM setting WHERE name = :name;
