-- name: traits_forget(website_id bytes, profile_id bytes)
-- Nobody is found by the traits of a profile.
DELETE FROM trait WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: terms_forget(website_id bytes, profile_id bytes)
-- Nobody is found by the words of a profile.
DELETE FROM search_term WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: listed_forget(website_id bytes, profile_id bytes)
-- A profile is not listed.
DELETE FROM listed_person WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: leftovers() -> website_id bytes, profile_id bytes
-- Whom the trait index holds, but who is no person, without a change by which a background step would see to it.
-- SQLite walks the tables side by side in the order of their keys.
SELECT website_id, profile_id FROM trait
UNION SELECT website_id, profile_id FROM search_term
UNION SELECT website_id, profile_id FROM listed_person
EXCEPT SELECT website_id, profile_id FROM profile WHERE person_id = profile_id
EXCEPT SELECT website_id, profile_id FROM profile_change
ORDER BY website_id, profile_id;
