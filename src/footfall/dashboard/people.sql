-- name: any_visitor(website_id bytes)
SELECT visitor_id FROM visitor WHERE website_id = :website_id LIMIT 1;

-- name: visitor_seen(website_id bytes, visitor_id bytes)
SELECT last_seen_at, session_count, pageview_count, device, place, current_url FROM visitor
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: events_before(website_id bytes, visitor_id bytes, until bytes, most int)
SELECT event_id, type, session_started_at, url, query, referrer, name, data FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id < :until ORDER BY event_id DESC LIMIT :most;
