-- name: visitors_behind(website_id bytes, position bytes, most int) -> visitor_id bytes, first_seen_at int, pageview_count int, place text?, device text?, first_referrer text?, first_params text?
-- The next visitors of a website behind one, and what they are judged by but for pages.
SELECT visitor_id, first_seen_at, pageview_count, place, device, first_referrer, first_params
FROM visitor WHERE website_id = :website_id AND visitor_id > :position ORDER BY visitor_id LIMIT :most;

-- name: pages_before(website_id bytes, visitor_id bytes, until bytes, most int) -> url text
-- The pages among a visitor's newest events before one.
SELECT DISTINCT url FROM (
    SELECT type, url FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id < :until
    ORDER BY event_id DESC LIMIT :most
) AS newest WHERE type = 'pageview' AND url IS NOT NULL;

-- name: visitor_of_user(website_id bytes, profile_id bytes) -> visitor_id bytes
-- The visitor who was identified last as a user.
SELECT visitor_id FROM link WHERE website_id = :website_id AND profile_id = :profile_id ORDER BY fact_id DESC LIMIT 1;
