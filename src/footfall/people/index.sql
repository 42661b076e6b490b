-- name: changes(most int)
SELECT website_id, change_id, profile_id FROM profile_change ORDER BY website_id, change_id LIMIT :most;

-- name: change_done(website_id bytes, change_id bytes)
DELETE FROM profile_change WHERE website_id = :website_id AND change_id = :change_id;

-- name: traits_of(website_id bytes, profile_id bytes)
SELECT name, kind, value, number FROM trait WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: trait_put(website_id bytes, profile_id bytes, name text, kind text, value text, number real)
INSERT INTO trait (website_id, profile_id, name, kind, value, number)
VALUES (:website_id, :profile_id, :name, :kind, :value, :number)
ON CONFLICT (website_id, profile_id, name) DO UPDATE SET kind = excluded.kind, value = excluded.value, number = excluded.number;

-- name: trait_remove(website_id bytes, profile_id bytes, name text)
DELETE FROM trait WHERE website_id = :website_id AND profile_id = :profile_id AND name = :name;

-- name: terms_of(website_id bytes, profile_id bytes)
SELECT term FROM search_term WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: term_add(website_id bytes, term text, profile_id bytes)
INSERT INTO search_term (website_id, term, profile_id) VALUES (:website_id, :term, :profile_id)
ON CONFLICT (website_id, term, profile_id) DO NOTHING;

-- name: term_remove(website_id bytes, term text, profile_id bytes)
DELETE FROM search_term WHERE website_id = :website_id AND term = :term AND profile_id = :profile_id;
