-- name: websites() -> website_id bytes
-- All websites.
SELECT website_id FROM website;

-- name: visitors() -> website_id bytes, visitor_id bytes, pageview_count int, removed_at int
-- All visitors.
SELECT website_id, visitor_id, pageview_count, removed_at FROM visitor;

-- name: events() -> website_id bytes, visitor_id bytes, event_id bytes, type text, session_started_at int, url text?, name text?, data text?
-- All events, oldest first.
SELECT website_id, visitor_id, event_id, type, session_started_at, url, name, data FROM event ORDER BY event_id;

-- name: sessions() -> website_id bytes, visitor_id bytes, started_at int, referrer text?, params text?, click_ids text?, place text?, device text?
-- All sessions.
SELECT website_id, visitor_id, started_at, referrer, params, click_ids, place, device FROM session;

-- name: links() -> website_id bytes, visitor_id bytes, fact_id bytes, profile_id bytes?
-- All links, oldest first.
SELECT website_id, visitor_id, fact_id, profile_id FROM link ORDER BY fact_id;

-- name: profiles() -> website_id bytes, profile_id bytes, person_id bytes
-- All profiles.
SELECT website_id, profile_id, person_id FROM profile;

-- name: payments() -> website_id bytes, payment_id bytes, kind text, minor int, currency text, visitor_id bytes?, profile_id bytes?, last_touch text?, known_visitor_id bytes?, known_profile_id bytes?
-- All payments.
SELECT website_id, payment_id, kind, minor, currency, visitor_id, profile_id, last_touch, known_visitor_id, known_profile_id FROM payment;
