-- name: any_person(website_id bytes) -> known int
-- Whether anybody was identified.
SELECT 1 AS known FROM profile WHERE website_id = :website_id LIMIT 1;
