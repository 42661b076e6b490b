-- name: events_of_visitor(website_id bytes, visitor_id bytes) -> event_id bytes, type text, url text?, query text?, referrer text?, name text?, data text?, session_started_at int
SELECT event_id, type, url, query, referrer, name, data, session_started_at FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY event_id;

-- name: sessions_of_visitor(website_id bytes, visitor_id bytes) -> started_at int, entry_url text?, referrer text?, params text?, click_ids text?, place text?, device text?
SELECT started_at, entry_url, referrer, params, click_ids, place, device FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY started_at;

-- name: visitors_of_website(website_id bytes) -> visitor_id bytes?, pageview_count int, session_count int, place text?
SELECT visitor_id, pageview_count, session_count, place FROM visitor WHERE website_id = :website_id ORDER BY visitor_id;

-- name: links_of_visitor(website_id bytes, visitor_id bytes) -> fact_id bytes, profile_id bytes
SELECT fact_id, profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id;

-- name: profiles_of_website(website_id bytes) -> profile_id bytes, user_id text, metadata text, visitor_count int
SELECT profile_id, user_id, metadata, visitor_count FROM profile WHERE website_id = :website_id ORDER BY user_id;

-- name: facts_of_website(website_id bytes) -> fact_id bytes, user_id text, visitor_id bytes?, source text, is_trusted int, key_id bytes?, operations text, received_at int
SELECT fact_id, user_id, visitor_id, source, is_trusted, key_id, operations, received_at FROM fact
WHERE website_id = :website_id ORDER BY fact_id;

-- name: events_of_website(website_id bytes) -> event_id bytes, visitor_id bytes?, type text
SELECT event_id, visitor_id, type FROM event WHERE website_id = :website_id ORDER BY event_id;

-- name: dropped_of_website(website_id bytes) -> reason text, hits int
SELECT reason, hits FROM dropped_hit WHERE website_id = :website_id ORDER BY reason, day;

-- name: salts() -> day int, salt bytes
SELECT day, salt FROM daily_salt;

-- name: changes_of_website(website_id bytes) -> change_id bytes
SELECT change_id FROM profile_change WHERE website_id = :website_id;

-- name: changes() -> change_id bytes
SELECT change_id FROM profile_change LIMIT 1;

-- name: named_events(website_id bytes) -> name text, visitor_id bytes, event_id bytes
SELECT name, visitor_id, event_id FROM event WHERE website_id = :website_id AND name IS NOT NULL ORDER BY event_id;

-- name: goal_counts(website_id bytes) -> name text, visitor_id bytes, completions int, first_id bytes, last_id bytes
SELECT name, visitor_id, completions, first_id, last_id FROM goal_count WHERE website_id = :website_id;

-- name: crawls_of_website(website_id bytes) -> day int, crawler text, category text, page text, hits int
SELECT day, crawler, category, page, hits FROM ai_crawl WHERE website_id = :website_id ORDER BY page, crawler;

-- name: looks_of_website(website_id bytes) -> payment_id bytes
-- The payments of which it is still to be found out whose they are.
SELECT payment_id FROM payment_look WHERE website_id = :website_id
UNION ALL SELECT clue_hash FROM payment_sweep WHERE website_id = :website_id
UNION ALL SELECT checkout_hash FROM checkout_told WHERE website_id = :website_id;

-- name: visitors_seen(website_id bytes) -> visitor_id bytes, last_seen_at int
SELECT visitor_id, last_seen_at FROM visitor WHERE website_id = :website_id AND pageview_count > 0 ORDER BY last_seen_at DESC, visitor_id DESC;

-- name: visitors_listed(website_id bytes) -> visitor_id bytes, seen_at int
SELECT visitor_id, seen_at FROM listed_visitor WHERE website_id = :website_id ORDER BY seen_at, visitor_id;

-- name: visitor_add(website_id bytes, visitor_id bytes, first_seen_at int, last_seen_at int, pageview_count int, place text)
INSERT INTO visitor (website_id, visitor_id, first_seen_at, last_seen_at, session_started_at, session_count, pageview_count, place)
VALUES (:website_id, :visitor_id, :first_seen_at, :last_seen_at, 0, 1, :pageview_count, :place);

-- name: visitor_seen(website_id bytes, visitor_id bytes, last_seen_at int)
UPDATE visitor SET last_seen_at = :last_seen_at WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: visitor_gone(website_id bytes, visitor_id bytes)
DELETE FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: integration_secrets(website_id bytes) -> secret bytes
-- The secrets of webhooks, as they are stored.
SELECT secret FROM integration WHERE website_id = :website_id ORDER BY provider;

-- name: monthly_of_sales(website_id bytes) -> minor int, currency text
-- What recurs of sales, a month.
SELECT minor, currency FROM sale WHERE website_id = :website_id AND minor IS NOT NULL ORDER BY paid_at;

-- name: monthly_of_moves(website_id bytes) -> what text, minor int?, currency text?
-- How subscriptions moved, and what they bring a month since.
SELECT what, minor, currency FROM subscription_move WHERE website_id = :website_id ORDER BY moved_at;

-- name: held_payments(website_id bytes) -> transaction_id text?, email text?, name text?, customer_id text?, visitor_ref text?
-- What payments tell of anybody.
SELECT transaction_id, email, name, customer_id, visitor_ref FROM payment WHERE website_id = :website_id;

-- name: held_said(website_id bytes) -> content text
-- What was said of sales.
SELECT content FROM sale_told WHERE website_id = :website_id;

-- name: held_hints(website_id bytes) -> value text
-- What else tells whose payments are.
SELECT value FROM payment_hint WHERE website_id = :website_id;

-- name: held_customers(website_id bytes) -> customer_id text, email text?, name text?
-- Who the customers of providers are.
SELECT customer_id, email, name FROM provider_customer WHERE website_id = :website_id;

-- name: held_clues(website_id bytes) -> clue_hash bytes
-- By what payments are found.
SELECT clue_hash FROM payment_clue WHERE website_id = :website_id;

-- name: kept_keys(website_id bytes) -> api_key bytes?
-- The API keys of payment providers, as they are stored.
SELECT api_key FROM key_connection WHERE website_id = :website_id ORDER BY provider;

-- name: import_ends(website_id bytes) -> state text, reason text?
-- How imports from payment providers stand.
SELECT state, reason FROM key_connection WHERE website_id = :website_id ORDER BY provider;
