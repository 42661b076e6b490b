-- name: hint_add(website_id bytes, payment_id bytes, method text, value text)
-- Adds what may tell whose a payment is.
INSERT INTO payment_hint (website_id, payment_id, method, value) VALUES (:website_id, :payment_id, :method, :value)
ON CONFLICT (website_id, payment_id, method, value) DO NOTHING;

-- name: hints_of(website_id bytes, payment_id bytes) -> method text, value text
-- What else may tell whose a payment is.
SELECT method, value FROM payment_hint WHERE website_id = :website_id AND payment_id = :payment_id ORDER BY method, value;

-- name: hints_remove(website_id bytes, payment_id bytes)
-- Forgets the hints to a payment.
DELETE FROM payment_hint WHERE website_id = :website_id AND payment_id = :payment_id;
