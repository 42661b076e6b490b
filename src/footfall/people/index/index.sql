-- name: changes(website_id bytes, change_id bytes, most int) -> website_id bytes, change_id bytes, profile_id bytes, names text?
-- The next changes for the index behind a key, of all websites; `names`: a JSON list of the traits that changed, NULL for the whole profile.
SELECT website_id, change_id, profile_id, names FROM profile_change
WHERE (website_id, change_id) > (:website_id, :change_id) ORDER BY website_id, change_id LIMIT :most;

-- name: profile_now(website_id bytes, profile_id bytes) -> person_id bytes, member_count int, user_id text, identified_at int, metadata text
-- What a profile says now.
SELECT person_id, member_count, user_id, identified_at, metadata FROM profile
WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: users_of_person(website_id bytes, person_id bytes) -> profile_id bytes, user_id text, identified_at int
-- The users who are a person, first identified first.
SELECT profile_id, user_id, identified_at FROM profile WHERE website_id = :website_id AND person_id = :person_id
ORDER BY identified_at, profile_id;

-- name: held_list(website_id bytes, profile_id bytes, name text) -> is_list int
-- Whether the index has a list as the value of a trait.
SELECT 1 AS is_list FROM trait WHERE website_id = :website_id AND profile_id = :profile_id AND name = :name
    AND kind IN ('other', 'cut') AND substr(value, 1, 1) = '[';

-- name: trait_put(website_id bytes, profile_id bytes, name text, kind text, value text, number real)
-- Index the value of a profile's trait.
INSERT INTO trait (website_id, profile_id, name, kind, value, number)
VALUES (:website_id, :profile_id, :name, :kind, :value, :number)
ON CONFLICT (website_id, profile_id, name) DO UPDATE SET kind = excluded.kind, value = excluded.value, number = excluded.number;

-- name: trait_remove(website_id bytes, profile_id bytes, name text)
-- Remove a profile's trait from the index.
DELETE FROM trait WHERE website_id = :website_id AND profile_id = :profile_id AND name = :name;

-- name: term_add(website_id bytes, term text, profile_id bytes)
-- Let a profile be found by a term.
INSERT INTO search_term (website_id, term, profile_id) VALUES (:website_id, :term, :profile_id)
ON CONFLICT (website_id, term, profile_id) DO NOTHING;

-- name: term_remove(website_id bytes, term text, profile_id bytes)
-- Let a profile no longer be found by a term.
DELETE FROM search_term WHERE website_id = :website_id AND term = :term AND profile_id = :profile_id;

-- name: listed_put(website_id bytes, profile_id bytes, seen_at int, identified_at int)
-- Give a person a place in the list, unless it is theirs already.
INSERT INTO listed_person (website_id, profile_id, seen_at, identified_at) VALUES (:website_id, :profile_id, :seen_at, :identified_at)
ON CONFLICT (website_id, profile_id) DO UPDATE SET seen_at = excluded.seen_at, identified_at = excluded.identified_at
WHERE listed_person.seen_at <> excluded.seen_at OR listed_person.identified_at <> excluded.identified_at;

-- name: seen_set(website_id bytes, profile_id bytes, seen_at int)
-- Move a listed person up to when they were seen last.
UPDATE listed_person SET seen_at = :seen_at
WHERE website_id = :website_id AND profile_id = :profile_id AND seen_at < :seen_at;

-- name: profiles_after(website_id bytes, profile_id bytes, most int) -> website_id bytes, profile_id bytes
-- The next profiles behind a key, of all websites.
SELECT website_id, profile_id FROM profile
WHERE (website_id, profile_id) > (:website_id, :profile_id) ORDER BY website_id, profile_id LIMIT :most;

-- name: online_put(website_id bytes, visitor_id bytes, seen_at int)
-- Note when a visitor was seen last.
INSERT INTO online (website_id, visitor_id, seen_at) VALUES (:website_id, :visitor_id, :seen_at)
ON CONFLICT (website_id, visitor_id) DO UPDATE SET seen_at = excluded.seen_at WHERE online.seen_at < excluded.seen_at;

-- name: online_forget(website_id bytes, before int)
-- Forget the visitors of a website who were last seen by then.
DELETE FROM online WHERE website_id = :website_id AND seen_at <= :before;

-- name: online_since(website_id bytes, since int, most int) -> visitor_id bytes, seen_at int
-- The visitors of a website who were seen since, latest first.
SELECT visitor_id, seen_at FROM online WHERE website_id = :website_id AND seen_at > :since ORDER BY seen_at DESC LIMIT :most;

-- name: listed_remove(website_id bytes, profile_id bytes)
-- Take a profile out of the list.
DELETE FROM listed_person WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: last_event(website_id bytes, person_id bytes, low bytes, high bytes) -> newest bytes?
-- The latest event in any span of any of the person's users; the first user has a visitor from its beginning (`low`).
SELECT (
    SELECT e.event_id FROM event e
    WHERE e.website_id = l.website_id AND e.visitor_id = l.visitor_id
        AND e.event_id >= CASE WHEN EXISTS (
            SELECT 1 FROM link b WHERE b.website_id = l.website_id AND b.visitor_id = l.visitor_id AND b.fact_id < l.fact_id
        ) THEN substr(l.fact_id, 1, 6) ELSE :low END
        AND e.event_id < COALESCE((
            SELECT substr(n.fact_id, 1, 6) FROM link n
            WHERE n.website_id = l.website_id AND n.visitor_id = l.visitor_id AND n.fact_id > l.fact_id ORDER BY n.fact_id LIMIT 1
        ), :high)
    ORDER BY e.event_id DESC LIMIT 1
) AS newest
FROM profile m JOIN link l ON l.website_id = m.website_id AND l.profile_id = m.profile_id
WHERE m.website_id = :website_id AND m.person_id = :person_id ORDER BY newest DESC NULLS LAST LIMIT 1;

-- name: person_of_visitor(website_id bytes, visitor_id bytes, end bytes) -> person_id bytes
-- Whose the visitor was before the fact id `end`: of the last link before it, else of the first.
SELECT p.person_id
FROM link l JOIN profile p ON p.website_id = l.website_id AND p.profile_id = l.profile_id
WHERE l.website_id = :website_id AND l.visitor_id = :visitor_id AND l.fact_id = COALESCE((
    SELECT fact_id FROM link
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id < :end ORDER BY fact_id DESC LIMIT 1
), (
    SELECT fact_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id LIMIT 1
));

-- name: form_get() -> form int
-- The form in which the whole index is.
SELECT value AS form FROM setting WHERE name = 'trait_index_form';

-- name: form_put(form int)
-- Note the form in which the whole index is.
INSERT INTO setting (name, value) VALUES ('trait_index_form', :form) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: profiles_by_term(website_id bytes, term text, most int) -> profile_id bytes
-- The people who are found by a term.
SELECT profile_id FROM search_term WHERE website_id = :website_id AND term = :term ORDER BY profile_id LIMIT :most;

-- name: profiles_by_value(website_id bytes, name text, value text, most int) -> profile_id bytes
-- The people who have a trait of this value.
SELECT profile_id FROM trait WHERE website_id = :website_id AND name = :name AND value = :value ORDER BY profile_id LIMIT :most;
