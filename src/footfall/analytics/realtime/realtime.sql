-- name: session_from(website_id bytes, visitor_id bytes, started_at int) -> referrer text?, params text?, click_ids text?
-- Where a session came from.
SELECT referrer, params, click_ids FROM session WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at = :started_at;

-- name: customer(website_id bytes, visitor_id bytes) -> name text?, email text?
-- The newest payment of a visitor that makes a customer, with who made it.
SELECT name, email FROM payment WHERE website_id = :website_id AND visitor_id = :visitor_id AND minor > 0
ORDER BY payment_id DESC LIMIT 1;
