-- name: events_between(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> event_id bytes, url text?, referrer text?
-- The first events of a visitor in a range, with the texts that are kept.
SELECT event_id, url, referrer FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id LIMIT :most;

-- name: event_blank(website_id bytes, visitor_id bytes, event_id bytes, url text, referrer text)
-- Keep of an event that it happened, and texts without e-mail addresses.
UPDATE event SET url = :url, referrer = :referrer, query = NULL, data = NULL
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id = :event_id;

-- name: sessions_between(website_id bytes, visitor_id bytes, since int, until int) -> started_at int, entry_url text?, referrer text?
-- The sessions of a visitor that began in a range, with the texts that are kept.
SELECT started_at, entry_url, referrer FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since AND started_at < :until;

-- name: session_blank(website_id bytes, visitor_id bytes, started_at int, entry_url text, referrer text)
-- Keep of a session that it happened, and texts without e-mail addresses.
UPDATE session SET entry_url = :entry_url, referrer = :referrer, params = NULL, click_ids = NULL
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at = :started_at;

-- name: visitor_texts(website_id bytes, visitor_id bytes) -> current_url text?, first_referrer text?, first_params text?, first_click_ids text?
-- What a visitor's own row tells of pages.
SELECT current_url, first_referrer, first_params, first_click_ids FROM visitor
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: pageview_first(website_id bytes, visitor_id bytes) -> event_id bytes
-- The first pageview of a visitor.
SELECT event_id FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND type = 'pageview'
ORDER BY event_id LIMIT 1;

-- name: pageview_last(website_id bytes, visitor_id bytes) -> event_id bytes
-- The last pageview of a visitor.
SELECT event_id FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND type = 'pageview'
ORDER BY event_id DESC LIMIT 1;

-- name: visitor_blank(website_id bytes, visitor_id bytes, current_url text, first_referrer text, first_params text, first_click_ids text)
-- Store what a visitor's own row may still tell of pages.
UPDATE visitor SET current_url = :current_url, first_referrer = :first_referrer, first_params = :first_params,
    first_click_ids = :first_click_ids
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: checkouts_forget(website_id bytes, visitor_id bytes)
-- Forget the checkouts that a visitor's pages reported.
DELETE FROM checkout WHERE website_id = :website_id AND visitor_id = :visitor_id;
