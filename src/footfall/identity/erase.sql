-- name: index_forget(website_id bytes, profile_id bytes)
-- Nobody is found by the traits of a profile.
DELETE FROM trait WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: terms_forget(website_id bytes, profile_id bytes)
-- Nobody is found by the words of a profile.
DELETE FROM search_term WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: seen_forget(website_id bytes, profile_id bytes)
-- A profile is not listed.
DELETE FROM listed_person WHERE website_id = :website_id AND profile_id = :profile_id;
