-- name: seen_alone(website_id bytes, profile_id bytes) -> visitor_count int, visits int, first_id bytes?, last_id bytes?, devices text
-- What a user did on visitors that have no other link: how many, visits, first and last event, and their devices.
SELECT count(*) AS visitor_count, CAST(coalesce(sum(one.visits), 0) AS BIGINT) AS visits,
    decode(min(encode(one.first, 'hex')), 'hex') AS first_id, decode(max(encode(one.last, 'hex')), 'hex') AS last_id,
    coalesce(json_agg(DISTINCT one.device)::text, '[]') AS devices
FROM (
    SELECT v.device, (
        SELECT count(*) FROM session s WHERE s.website_id = l.website_id AND s.visitor_id = l.visitor_id
    ) AS visits, (
        SELECT e.event_id FROM event e WHERE e.website_id = l.website_id AND e.visitor_id = l.visitor_id ORDER BY e.event_id LIMIT 1
    ) AS first, (
        SELECT e.event_id FROM event e WHERE e.website_id = l.website_id AND e.visitor_id = l.visitor_id ORDER BY e.event_id DESC LIMIT 1
    ) AS last
    FROM link l JOIN visitor v ON v.website_id = l.website_id AND v.visitor_id = l.visitor_id
    WHERE l.website_id = :website_id AND l.profile_id = :profile_id AND v.pageview_count > 0 AND NOT EXISTS (
        SELECT 1 FROM link o WHERE o.website_id = l.website_id AND o.visitor_id = l.visitor_id AND o.fact_id <> l.fact_id
    )
) one;
