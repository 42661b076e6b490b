-- name: visitors_with_several_people(website_id bytes) -> visitor_id bytes, people int
-- Visitors that were several people, and how many; those of the most people first.
SELECT l.visitor_id, count(DISTINCT p.person_id) AS people
FROM link l JOIN profile p ON p.website_id = l.website_id AND p.profile_id = l.profile_id
WHERE l.website_id = :website_id
GROUP BY l.visitor_id HAVING count(DISTINCT p.person_id) > 1 ORDER BY people DESC, l.visitor_id;

-- name: people_with_many_visitors(website_id bytes, many int) -> person_id bytes, visitors int
-- People with very many visitors, and how many; those with the most first.
SELECT p.person_id, count(DISTINCT l.visitor_id) AS visitors
FROM link l JOIN profile p ON p.website_id = l.website_id AND p.profile_id = l.profile_id
WHERE l.website_id = :website_id
GROUP BY p.person_id HAVING count(DISTINCT l.visitor_id) >= :many ORDER BY visitors DESC, p.person_id;

-- name: people_of_visitor(website_id bytes, visitor_id bytes) -> person_id bytes
-- The people that a visitor was, the first in front.
SELECT p.person_id FROM link l JOIN profile p ON p.website_id = l.website_id AND p.profile_id = l.profile_id
WHERE l.website_id = :website_id AND l.visitor_id = :visitor_id GROUP BY p.person_id ORDER BY min(l.fact_id);

-- name: refused_ids(website_id bytes, before int) -> day int, source text, calls int
-- How many identify calls were refused for their user id after a day, the newest day first.
SELECT day, source, calls FROM refused_id WHERE website_id = :website_id AND day > :before ORDER BY day DESC, source;

-- name: refused_add(website_id bytes, day int, source text, calls int)
-- Add to the number of identify calls that were refused for their user id.
INSERT INTO refused_id (website_id, day, source, calls) VALUES (:website_id, :day, :source, :calls)
ON CONFLICT (website_id, day, source) DO UPDATE SET calls = refused_id.calls + excluded.calls;

-- name: facts_ahead_count(website_id bytes, since bytes) -> facts int
-- How many facts are later than a time.
SELECT count(*) AS facts FROM fact WHERE website_id = :website_id AND fact_id >= :since
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = fact.website_id AND erasing.profile_id = fact.profile_id);

-- name: facts_ahead(website_id bytes, since bytes, most int) -> fact_id bytes, user_id text
-- The latest of those facts.
SELECT fact_id, user_id FROM fact WHERE website_id = :website_id AND fact_id >= :since
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = fact.website_id AND erasing.profile_id = fact.profile_id)
ORDER BY fact_id DESC LIMIT :most;
