-- name: subscriptions_at(website_id bytes, until int) -> subscription_hash bytes, state text, minor int?, currency text?
-- How each subscription of a website stood before a time: its state, and what it brings a month, as it says itself or as its last payment says.
WITH moved AS (
    SELECT subscription_hash, state, minor, currency,
        row_number() OVER (PARTITION BY subscription_hash ORDER BY moved_at DESC, move_hash DESC) AS place,
        row_number() OVER (
            PARTITION BY subscription_hash
            ORDER BY CASE WHEN minor IS NULL THEN 2 WHEN what = 'renewed' THEN 1 ELSE 0 END,
                CASE WHEN what = 'renewed' THEN moved_at ELSE -moved_at END, move_hash DESC
        ) AS price_place
    FROM subscription_move WHERE website_id = :website_id AND moved_at < :until
), paid AS (
    SELECT subscription_hash, minor, currency,
        row_number() OVER (PARTITION BY subscription_hash ORDER BY paid_at DESC, sale_id DESC) AS place
    FROM sale
    WHERE website_id = :website_id AND subscription_hash IS NOT NULL AND paid_at < :until AND minor IS NOT NULL AND is_elsewhere = 0
)
SELECT l.subscription_hash, l.state,
    CASE WHEN t.minor IS NULL THEN s.minor ELSE t.minor END AS minor,
    CASE WHEN t.minor IS NULL THEN s.currency ELSE t.currency END AS currency
FROM moved l
JOIN moved t ON t.subscription_hash = l.subscription_hash AND t.price_place = 1
LEFT JOIN paid s ON s.subscription_hash = l.subscription_hash AND s.place = 1
WHERE l.place = 1;
