-- name: any_person(website_id bytes)
SELECT 1 FROM profile WHERE website_id = :website_id LIMIT 1;
