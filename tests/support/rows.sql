-- name: events_of_visitor(website_id bytes, visitor_id bytes)
SELECT event_id, type, url, query, referrer, name, data, session_started_at FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY event_id;

-- name: sessions_of_visitor(website_id bytes, visitor_id bytes)
SELECT started_at, entry_url, referrer, params, click_ids, place, device FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY started_at;

-- name: visitors_of_website(website_id bytes)
SELECT visitor_id, pageview_count, session_count, place FROM visitor WHERE website_id = :website_id ORDER BY visitor_id;

-- name: links_of_visitor(website_id bytes, visitor_id bytes)
SELECT fact_id, profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id;

-- name: profiles_of_website(website_id bytes)
SELECT profile_id, user_id, metadata, visitor_count FROM profile WHERE website_id = :website_id ORDER BY user_id;

-- name: facts_of_website(website_id bytes)
SELECT fact_id, user_id, visitor_id, source, is_trusted, key_id, operations, received_at FROM fact
WHERE website_id = :website_id ORDER BY fact_id;

-- name: events_of_website(website_id bytes)
SELECT event_id, visitor_id, type FROM event WHERE website_id = :website_id ORDER BY event_id;

-- name: dropped_of_website(website_id bytes)
SELECT reason, hits FROM dropped_hit WHERE website_id = :website_id ORDER BY reason, day;

-- name: salts()
SELECT day, salt FROM daily_salt;

-- name: changes_of_website(website_id bytes)
SELECT change_id FROM profile_change WHERE website_id = :website_id;
