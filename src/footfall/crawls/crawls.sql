-- name: crawl_get(website_id bytes, day int, crawler text, category text, page text) -> hits int
-- How often a crawler fetched a page on a day.
SELECT hits FROM ai_crawl
WHERE website_id = :website_id AND day = :day AND crawler = :crawler AND category = :category AND page = :page;

-- name: crawls_count(website_id bytes, day int) -> count int
-- How many rows a day has.
SELECT count(*) AS count FROM ai_crawl WHERE website_id = :website_id AND day = :day;

-- name: crawl_add(website_id bytes, day int, crawler text, category text, page text, hits int)
-- Adds to how often a crawler fetched a page on a day.
INSERT INTO ai_crawl (website_id, day, crawler, category, page, hits) VALUES (:website_id, :day, :crawler, :category, :page, :hits)
ON CONFLICT (website_id, day, crawler, category, page) DO UPDATE SET hits = ai_crawl.hits + excluded.hits;

-- name: token_get(website_id bytes) -> token_hash bytes, display_key text, created_at int
-- The token of a website.
SELECT token_hash, display_key, created_at FROM bot_token WHERE website_id = :website_id LIMIT 1;

-- name: token_add(website_id bytes, token_hash bytes, display_key text, created_at int)
-- Stores the token of a website, by its hash.
INSERT INTO bot_token (website_id, token_hash, display_key, created_at)
VALUES (:website_id, :token_hash, :display_key, :created_at);

-- name: token_remove(website_id bytes)
-- Removes the token of a website.
DELETE FROM bot_token WHERE website_id = :website_id;
