-- name: any_visitor(website_id bytes) -> visitor_id bytes
-- One of the visitors of whom a pageview has come, whichever.
SELECT visitor_id FROM visitor WHERE website_id = :website_id AND pageview_count > 0 LIMIT 1;

-- name: visitor_seen(website_id bytes, visitor_id bytes) -> pageview_count int, device text?, place text?, current_url text?
-- Where and on what a visitor is, and on which page.
SELECT pageview_count, device, place, current_url FROM visitor
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: links_newest(website_id bytes, visitor_id bytes, most int) -> fact_id bytes, profile_id bytes?
-- The newest links of a visitor.
SELECT fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id DESC LIMIT :most;
