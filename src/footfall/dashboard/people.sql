-- name: any_visitor(website_id bytes)
SELECT visitor_id FROM visitor WHERE website_id = :website_id AND pageview_count > 0 LIMIT 1;

-- name: visitor_seen(website_id bytes, visitor_id bytes)
SELECT last_seen_at, session_count, pageview_count, device, place, current_url FROM visitor
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: links_newest(website_id bytes, visitor_id bytes, most int)
SELECT fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id DESC LIMIT :most;
