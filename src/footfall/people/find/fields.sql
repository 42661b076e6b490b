-- name: has_name(website_id bytes, name text) -> found int
-- Whether anybody has a field of this name.
SELECT 1 AS found FROM trait WHERE website_id = :website_id AND name = :name LIMIT 1;

-- name: names(website_id bytes, most int) -> name text
-- The names of the fields, the first by code point: from one name to the next by the index, whatever the number of people.
WITH RECURSIVE field (name, number) AS (
    SELECT (SELECT t.name FROM trait t WHERE t.website_id = :website_id ORDER BY t.name LIMIT 1), 1
    UNION ALL
    SELECT (SELECT t.name FROM trait t WHERE t.website_id = :website_id AND t.name > f.name ORDER BY t.name LIMIT 1), f.number + 1
    FROM field f WHERE f.name IS NOT NULL AND f.number < :most
)
SELECT name FROM field WHERE name IS NOT NULL;

-- name: values_from(website_id bytes, name text, last text, most int) -> value text
-- Different values of a field behind one, of those that are kept whole, in order.
SELECT DISTINCT value FROM trait WHERE website_id = :website_id AND name = :name AND value > :last AND kind <> 'cut'
ORDER BY value LIMIT :most;

-- name: people_of_visitor(website_id bytes, visitor_id bytes) -> person_id bytes
-- The people to whom a visitor's newest links lead, the latest first.
SELECT p.person_id FROM link l JOIN profile p ON p.website_id = l.website_id AND p.profile_id = l.profile_id
WHERE l.website_id = :website_id AND l.visitor_id = :visitor_id ORDER BY l.fact_id DESC LIMIT 100;

-- name: person_of_fact(website_id bytes, fact_id bytes) -> person_id bytes
-- The person about whom a fact is.
SELECT p.person_id FROM fact f JOIN profile p ON p.website_id = f.website_id AND p.profile_id = f.profile_id
WHERE f.website_id = :website_id AND f.fact_id = :fact_id;

-- name: person_of_user(website_id bytes, profile_id bytes) -> person_id bytes
-- The person of a profile.
SELECT person_id FROM profile WHERE website_id = :website_id AND profile_id = :profile_id;
