-- name: profile_between(website_id bytes, since bytes, until bytes) -> profile_id bytes
-- A person whose id lies between two.
SELECT profile_id FROM profile
WHERE website_id = :website_id AND profile_id >= :since AND profile_id <= :until AND person_id = profile_id;

-- name: visitors_seen_at(website_id bytes, seen_at int) -> visitor_id bytes
-- The visitors who were seen last at a time.
SELECT visitor_id FROM listed_visitor WHERE website_id = :website_id AND seen_at = :seen_at LIMIT 100;
