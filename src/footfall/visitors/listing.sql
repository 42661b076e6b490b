-- name: visitor_now(website_id bytes, visitor_id bytes) -> first_seen_at int, last_seen_at int, pageview_count int, place text?, device text?, first_referrer text?, first_params text?
-- What the list currently says about a visitor.
SELECT first_seen_at, last_seen_at, pageview_count, place, device, first_referrer, first_params
FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: visitors_behind(website_id bytes, position bytes, most int) -> visitor_id bytes
-- The next visitors of a website after one.
SELECT visitor_id FROM visitor WHERE website_id = :website_id AND visitor_id > :position ORDER BY visitor_id LIMIT :most;

-- name: listed_get(website_id bytes, visitor_id bytes) -> seen_at int, first_seen_at int, country text?, region text?, city text?, browser text?, os text?, device text?, referrer text?, params text?
-- A visitor's place in the list.
SELECT seen_at, first_seen_at, country, region, city, browser, os, device, referrer, params
FROM listed_visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: listed_put(website_id bytes, visitor_id bytes, seen_at int, first_seen_at int, country text, region text, city text, browser text, os text, device text, referrer text, params text)
-- Gives a visitor a place in the list.
INSERT INTO listed_visitor (website_id, visitor_id, seen_at, first_seen_at, country, region, city, browser, os, device, referrer, params)
VALUES (:website_id, :visitor_id, :seen_at, :first_seen_at, :country, :region, :city, :browser, :os, :device, :referrer, :params)
ON CONFLICT (website_id, visitor_id) DO UPDATE SET seen_at = excluded.seen_at, first_seen_at = excluded.first_seen_at,
    country = excluded.country, region = excluded.region, city = excluded.city, browser = excluded.browser, os = excluded.os,
    device = excluded.device, referrer = excluded.referrer, params = excluded.params;

-- name: listed_move(website_id bytes, visitor_id bytes, seen_at int)
-- Moves a visitor in the list.
UPDATE listed_visitor SET seen_at = :seen_at WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: listed_remove(website_id bytes, visitor_id bytes)
-- Removes a visitor from the list.
DELETE FROM listed_visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: total_add(website_id bytes, part int, visitors int)
-- Adds to the number of visitors that are listed.
INSERT INTO visitor_total (website_id, part, visitors) VALUES (:website_id, :part, :visitors)
ON CONFLICT (website_id, part) DO UPDATE SET visitors = visitor_total.visitors + excluded.visitors;

-- name: total_get(website_id bytes) -> total int
-- How many visitors are listed.
SELECT CAST(coalesce(sum(visitors), 0) AS BIGINT) AS total FROM visitor_total WHERE website_id = :website_id;

-- name: due_next() -> website_id bytes, position bytes
-- Visitors whose places in the list have to be checked.
SELECT website_id, position FROM visitor_due ORDER BY website_id, position LIMIT 1;

-- name: due_add(website_id bytes, position bytes)
-- Notes that the places of a website's visitors after one have to be checked.
INSERT INTO visitor_due (website_id, position) VALUES (:website_id, :position) ON CONFLICT (website_id, position) DO NOTHING;

-- name: due_remove(website_id bytes, position bytes)
-- Notes that they were checked.
DELETE FROM visitor_due WHERE website_id = :website_id AND position = :position;

-- name: newest_listed(website_id bytes, most int) -> visitor_id bytes, seen_at int
-- The visitors seen last.
SELECT visitor_id, seen_at FROM listed_visitor WHERE website_id = :website_id ORDER BY seen_at DESC, visitor_id DESC LIMIT :most;
