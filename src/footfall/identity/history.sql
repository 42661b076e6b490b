-- name: links_beside(website_id bytes, profile_id bytes)
-- All links, of all people, of each visitor that a user has links on.
SELECT l.visitor_id, l.fact_id, l.profile_id
FROM (SELECT DISTINCT visitor_id FROM link WHERE website_id = :website_id AND profile_id = :profile_id) AS own
JOIN link l ON l.website_id = :website_id AND l.visitor_id = own.visitor_id ORDER BY l.visitor_id, l.fact_id;
