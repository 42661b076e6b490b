-- name: integration_get(website_id bytes, provider text) -> provider text, secret bytes, connected_at int, last_at int?, last_event text?, last_is_live int?
-- How a website is connected to a provider.
SELECT provider, secret, connected_at, last_at, last_event, last_is_live FROM integration
WHERE website_id = :website_id AND provider = :provider;

-- name: integrations_of(website_id bytes) -> provider text, secret bytes, connected_at int, last_at int?, last_event text?, last_is_live int?
-- All providers that a website is connected to.
SELECT provider, secret, connected_at, last_at, last_event, last_is_live FROM integration WHERE website_id = :website_id ORDER BY provider;

-- name: integration_set(website_id bytes, provider text, secret bytes, connected_at int)
-- Connects a website to a provider, or gives it another secret.
INSERT INTO integration (website_id, provider, secret, connected_at) VALUES (:website_id, :provider, :secret, :connected_at)
ON CONFLICT (website_id, provider) DO UPDATE SET secret = excluded.secret, connected_at = excluded.connected_at;

-- name: integration_remove(website_id bytes, provider text)
-- Disconnects a website from a provider.
DELETE FROM integration WHERE website_id = :website_id AND provider = :provider;

-- name: integration_heard(website_id bytes, provider text, last_at int, last_event text, last_is_live int)
-- A delivery was believed.
UPDATE integration SET last_at = :last_at, last_event = :last_event, last_is_live = :last_is_live
WHERE website_id = :website_id AND provider = :provider;

-- name: refused_of(website_id bytes, provider text) -> place int, refused_at int, event text?, reason text
-- The deliveries of a provider that were refused, oldest first.
SELECT place, refused_at, event, reason FROM refused_delivery WHERE website_id = :website_id AND provider = :provider
ORDER BY refused_at, place;

-- name: refused_put(website_id bytes, provider text, place int, refused_at int, event text, reason text)
-- Keeps why a delivery was refused, in a place of its own.
INSERT INTO refused_delivery (website_id, provider, place, refused_at, event, reason)
VALUES (:website_id, :provider, :place, :refused_at, :event, :reason)
ON CONFLICT (website_id, provider, place)
DO UPDATE SET refused_at = excluded.refused_at, event = excluded.event, reason = excluded.reason;

-- name: refused_remove(website_id bytes, provider text)
-- Forgets which deliveries of a provider were refused.
DELETE FROM refused_delivery WHERE website_id = :website_id AND provider = :provider;

-- name: delivery_get(website_id bytes, delivery_hash bytes) -> received_at int
-- Whether a delivery came.
SELECT received_at FROM delivery WHERE website_id = :website_id AND delivery_hash = :delivery_hash;

-- name: delivery_add(website_id bytes, delivery_hash bytes, provider text, event text, happened_at int, received_at int, ignored text)
-- Stores that a delivery came.
INSERT INTO delivery (website_id, delivery_hash, provider, event, happened_at, received_at, ignored)
VALUES (:website_id, :delivery_hash, :provider, :event, :happened_at, :received_at, :ignored);

-- name: deliveries_of_payment(website_id bytes, payment_id bytes) -> provider text, event text, happened_at int?, received_at int
-- The deliveries that told of the sale of which a payment is a part, oldest first.
SELECT DISTINCT d.provider, d.event, d.happened_at, d.received_at
FROM sale_part p
JOIN sale_told t ON t.website_id = p.website_id AND t.sale_id = p.sale_id
JOIN delivery d ON d.website_id = t.website_id AND d.delivery_hash = t.delivery_hash
WHERE p.website_id = :website_id AND p.payment_id = :payment_id
ORDER BY d.received_at, d.happened_at, d.event;

-- name: sale_get(website_id bytes, sale_id bytes) -> subscription_hash bytes?, paid_at int?, minor int?, currency text?, is_elsewhere int
-- A sale.
SELECT subscription_hash, paid_at, minor, currency, is_elsewhere FROM sale WHERE website_id = :website_id AND sale_id = :sale_id;

-- name: sale_put(website_id bytes, sale_id bytes, subscription_hash bytes, paid_at int, minor int, currency text, is_elsewhere int)
-- Stores a sale.
INSERT INTO sale (website_id, sale_id, subscription_hash, paid_at, minor, currency, is_elsewhere)
VALUES (:website_id, :sale_id, :subscription_hash, :paid_at, :minor, :currency, :is_elsewhere)
ON CONFLICT (website_id, sale_id)
DO UPDATE SET subscription_hash = excluded.subscription_hash, paid_at = excluded.paid_at, minor = excluded.minor,
    currency = excluded.currency, is_elsewhere = excluded.is_elsewhere;

-- name: sale_remove(website_id bytes, sale_id bytes)
-- Removes a sale that is part of another one.
DELETE FROM sale WHERE website_id = :website_id AND sale_id = :sale_id;

-- name: sales_of_subscription(website_id bytes, subscription_hash bytes, most int) -> sale_id bytes, paid_at int?, is_elsewhere int
-- The sales of a subscription, oldest first.
SELECT sale_id, paid_at, is_elsewhere FROM sale WHERE website_id = :website_id AND subscription_hash = :subscription_hash
ORDER BY paid_at, sale_id LIMIT :most;

-- name: subscription_of_payment(website_id bytes, payment_id bytes) -> part text, subscription_hash bytes?
-- The subscription of the sale of which a payment is a part.
SELECT p.part, s.subscription_hash FROM sale_part p JOIN sale s ON s.website_id = p.website_id AND s.sale_id = p.sale_id
WHERE p.website_id = :website_id AND p.payment_id = :payment_id;

-- name: first_payment_of(website_id bytes, subscription_hash bytes) -> payment_id bytes
-- The first payment of a subscription.
SELECT p.payment_id FROM sale s JOIN sale_part p ON p.website_id = s.website_id AND p.sale_id = s.sale_id
WHERE s.website_id = :website_id AND s.subscription_hash = :subscription_hash AND p.part IN ('paid', 'found')
ORDER BY s.paid_at, s.sale_id LIMIT 1;

-- name: first_money_of(website_id bytes, subscription_hash bytes) -> paid_at int
-- When a subscription brought money first.
SELECT s.paid_at FROM sale s
JOIN sale_part p ON p.website_id = s.website_id AND p.sale_id = s.sale_id AND p.part IN ('paid', 'found')
JOIN payment m ON m.website_id = p.website_id AND m.payment_id = p.payment_id AND m.minor > 0
WHERE s.website_id = :website_id AND s.subscription_hash = :subscription_hash AND s.paid_at IS NOT NULL
ORDER BY s.paid_at LIMIT 1;

-- name: subscription_elsewhere(website_id bytes, subscription_hash bytes) -> found int
-- Whether a subscription is another website's.
SELECT 1 AS found FROM sale WHERE website_id = :website_id AND subscription_hash = :subscription_hash AND is_elsewhere = 1 LIMIT 1;

-- name: sale_named(website_id bytes, name_hash bytes) -> sale_id bytes
-- The sale that goes by a name.
SELECT sale_id FROM sale_name WHERE website_id = :website_id AND name_hash = :name_hash;

-- name: sale_names(website_id bytes, sale_id bytes) -> name_hash bytes
-- The names of a sale.
SELECT name_hash FROM sale_name WHERE website_id = :website_id AND sale_id = :sale_id ORDER BY name_hash;

-- name: sale_name_put(website_id bytes, name_hash bytes, sale_id bytes)
-- Lets a sale go by a name.
INSERT INTO sale_name (website_id, name_hash, sale_id) VALUES (:website_id, :name_hash, :sale_id)
ON CONFLICT (website_id, name_hash) DO UPDATE SET sale_id = excluded.sale_id;

-- name: sale_said(website_id bytes, sale_id bytes) -> told_hash bytes, delivery_hash bytes, what text, content text
-- All that was said of a sale.
SELECT told_hash, delivery_hash, what, content FROM sale_told WHERE website_id = :website_id AND sale_id = :sale_id ORDER BY told_hash;

-- name: said_add(website_id bytes, sale_id bytes, told_hash bytes, delivery_hash bytes, what text, content text)
-- Stores what was said of a sale; the same twice is one.
INSERT INTO sale_told (website_id, sale_id, told_hash, delivery_hash, what, content)
VALUES (:website_id, :sale_id, :told_hash, :delivery_hash, :what, :content)
ON CONFLICT (website_id, sale_id, told_hash) DO NOTHING;

-- name: said_change(website_id bytes, sale_id bytes, told_hash bytes, content text)
-- Replaces what was said of a sale by the same without ids.
UPDATE sale_told SET content = :content WHERE website_id = :website_id AND sale_id = :sale_id AND told_hash = :told_hash;

-- name: said_remove(website_id bytes, sale_id bytes)
-- Forgets what was said of a sale that is part of another one.
DELETE FROM sale_told WHERE website_id = :website_id AND sale_id = :sale_id;

-- name: sale_parts(website_id bytes, sale_id bytes) -> payment_id bytes, part text
-- The payments that a sale comes to.
SELECT payment_id, part FROM sale_part WHERE website_id = :website_id AND sale_id = :sale_id ORDER BY payment_id;

-- name: part_of_payment(website_id bytes, payment_id bytes) -> sale_id bytes, part text
-- The sale of which a payment is a part.
SELECT sale_id, part FROM sale_part WHERE website_id = :website_id AND payment_id = :payment_id;

-- name: part_put(website_id bytes, payment_id bytes, sale_id bytes, part text)
-- Makes a payment a part of a sale.
INSERT INTO sale_part (website_id, payment_id, sale_id, part) VALUES (:website_id, :payment_id, :sale_id, :part)
ON CONFLICT (website_id, payment_id) DO UPDATE SET sale_id = excluded.sale_id, part = excluded.part;

-- name: parts_remove(website_id bytes, sale_id bytes)
-- Parts a sale from its payments.
DELETE FROM sale_part WHERE website_id = :website_id AND sale_id = :sale_id;

-- name: customer_get(website_id bytes, customer_id text) -> email text?, name text?, external_id text?, visitor_ref text?, told_at int
-- Who a customer is.
SELECT email, name, external_id, visitor_ref, told_at FROM provider_customer
WHERE website_id = :website_id AND customer_id = :customer_id;

-- name: customer_put(website_id bytes, customer_id text, email text, name text, external_id text, visitor_ref text, told_at int, email_clue bytes, external_clue bytes)
-- Stores who a customer is.
INSERT INTO provider_customer (website_id, customer_id, email, name, external_id, visitor_ref, told_at, email_clue, external_clue)
VALUES (:website_id, :customer_id, :email, :name, :external_id, :visitor_ref, :told_at, :email_clue, :external_clue)
ON CONFLICT (website_id, customer_id) DO UPDATE SET email = excluded.email, name = excluded.name, external_id = excluded.external_id,
    visitor_ref = excluded.visitor_ref, told_at = excluded.told_at, email_clue = excluded.email_clue,
    external_clue = excluded.external_clue;

-- name: customer_remove(website_id bytes, customer_id text)
-- Forgets a customer.
DELETE FROM provider_customer WHERE website_id = :website_id AND customer_id = :customer_id;

-- name: customers_forget(website_id bytes, clue bytes)
-- Forgets the customers to which a clue leads.
DELETE FROM provider_customer WHERE website_id = :website_id AND (email_clue = :clue OR external_clue = :clue);

-- name: move_add(website_id bytes, subscription_hash bytes, moved_at int, move_hash bytes, what text, state text, minor int, currency text)
-- Stores how a subscription moved; the same twice is one.
INSERT INTO subscription_move (website_id, subscription_hash, moved_at, move_hash, what, state, minor, currency)
VALUES (:website_id, :subscription_hash, :moved_at, :move_hash, :what, :state, :minor, :currency)
ON CONFLICT (website_id, subscription_hash, moved_at, move_hash) DO NOTHING;

-- name: moves_of(website_id bytes, subscription_hash bytes) -> moved_at int, what text, state text, minor int?, currency text?
-- How a subscription moved, oldest first.
SELECT moved_at, what, state, minor, currency FROM subscription_move
WHERE website_id = :website_id AND subscription_hash = :subscription_hash ORDER BY moved_at, move_hash;

-- name: moves_remove(website_id bytes, subscription_hash bytes)
-- Forgets how a subscription moved that is another website's.
DELETE FROM subscription_move WHERE website_id = :website_id AND subscription_hash = :subscription_hash;
