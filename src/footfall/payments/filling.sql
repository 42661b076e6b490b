-- name: payment_fill(website_id bytes, payment_id bytes, email text, name text, customer_id text, visitor_ref text, visitor_id bytes)
-- Adds what was not known of who paid.
UPDATE payment SET email = coalesce(email, :email), name = coalesce(name, :name), customer_id = coalesce(customer_id, :customer_id),
    visitor_ref = coalesce(visitor_ref, :visitor_ref), visitor_id = coalesce(visitor_id, :visitor_id)
WHERE website_id = :website_id AND payment_id = :payment_id;
