-- name: index_forget(website_id bytes, profile_id bytes)
DELETE FROM trait WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: terms_forget(website_id bytes, profile_id bytes)
DELETE FROM search_term WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: seen_forget(website_id bytes, profile_id bytes)
DELETE FROM listed_person WHERE website_id = :website_id AND profile_id = :profile_id;
