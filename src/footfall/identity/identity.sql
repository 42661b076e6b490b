-- name: visitor_pageviews(website_id bytes, visitor_id bytes) -> pageview_count int
-- How many pages a visitor has seen.
SELECT pageview_count FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: link_newest(website_id bytes, visitor_id bytes) -> fact_id bytes, profile_id bytes?
-- The newest link of a visitor: who the visitor is.
SELECT fact_id, profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id
ORDER BY fact_id DESC LIMIT 1;

-- name: profile_of_visitor(website_id bytes, visitor_id bytes) -> person_id bytes, member_count int, user_id text, identified_at int, metadata text
-- The profile that a visitor's newest link names. The traits are the person's if the profile answers for itself.
SELECT p.person_id, p.member_count, p.user_id, p.identified_at, p.metadata
FROM (
    SELECT profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id DESC LIMIT 1
) AS l JOIN profile p ON p.website_id = :website_id AND p.profile_id = l.profile_id;

-- name: links_of_visitor(website_id bytes, visitor_id bytes) -> fact_id bytes, profile_id bytes?
-- All links of a visitor, oldest first.
SELECT fact_id, profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id;

-- name: link_before(website_id bytes, visitor_id bytes, fact_id bytes) -> fact_id bytes, profile_id bytes?
-- The last link of a visitor before a fact.
SELECT fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id < :fact_id ORDER BY fact_id DESC LIMIT 1;

-- name: link_after(website_id bytes, visitor_id bytes, fact_id bytes) -> fact_id bytes, profile_id bytes?
-- The first link of a visitor after a fact.
SELECT fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id > :fact_id ORDER BY fact_id LIMIT 1;

-- name: link_known(website_id bytes, profile_id bytes, visitor_id bytes) -> found int
-- Whether a visitor was ever linked to a user.
SELECT 1 AS found FROM link WHERE website_id = :website_id AND profile_id = :profile_id AND visitor_id = :visitor_id LIMIT 1;

-- name: link_remove(website_id bytes, visitor_id bytes, fact_id bytes)
-- Remove one link of a visitor.
DELETE FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id = :fact_id;

-- name: links_remove(website_id bytes, visitor_id bytes)
-- Remove all links of a visitor.
DELETE FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: link_add(website_id bytes, visitor_id bytes, fact_id bytes, profile_id bytes)
-- Add a link: from the fact on, the visitor is the user.
INSERT INTO link (website_id, visitor_id, fact_id, profile_id)
VALUES (:website_id, :visitor_id, :fact_id, :profile_id);

-- name: boundaries_of_visitor(website_id bytes, visitor_id bytes) -> fact_id bytes
-- Where links of a visitor were erased.
SELECT fact_id FROM boundary WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: boundary_newest(website_id bytes, visitor_id bytes, since bytes) -> fact_id bytes
-- The newest boundary of a visitor after a fact.
SELECT fact_id FROM boundary
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id > :since ORDER BY fact_id DESC LIMIT 1;

-- name: boundary_between(website_id bytes, visitor_id bytes, since bytes, until bytes) -> fact_id bytes
-- The first boundary of a visitor between two facts.
SELECT fact_id FROM boundary
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id > :since AND fact_id < :until
ORDER BY fact_id LIMIT 1;

-- name: profile_get(website_id bytes, profile_id bytes) -> person_id bytes, member_count int, user_id text, identified_at int, visitor_count int, metadata text, untrusted text?, gone text?, left_out text?
-- One profile.
SELECT person_id, member_count, user_id, identified_at, visitor_count, metadata, untrusted, gone, left_out
FROM profile WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: members_of_person(website_id bytes, person_id bytes) -> profile_id bytes, user_id text, identified_at int
-- The profiles that are one person, first identified first.
SELECT profile_id, user_id, identified_at FROM profile WHERE website_id = :website_id AND person_id = :person_id
ORDER BY identified_at, profile_id;

-- name: profile_changed(website_id bytes, change_id bytes, profile_id bytes, names text)
-- Leave word for the trait index that a profile changed.
INSERT INTO profile_change (website_id, change_id, profile_id, names) VALUES (:website_id, :change_id, :profile_id, :names);

-- name: change_remove(website_id bytes, change_id bytes)
-- The trait index saw to a change.
DELETE FROM profile_change WHERE website_id = :website_id AND change_id = :change_id;

-- name: profile_remove(website_id bytes, profile_id bytes)
-- Remove a profile of which no fact counts.
DELETE FROM profile WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: visitors_of_profile(website_id bytes, profile_id bytes) -> visitor_id bytes
-- The visitors that were ever linked to a user.
SELECT DISTINCT visitor_id FROM link WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: visitors_of_person(website_id bytes, person_id bytes) -> count int
-- How many visitors were ever linked to any user of a person.
SELECT count(DISTINCT l.visitor_id) AS count FROM profile p JOIN link l ON l.website_id = p.website_id AND l.profile_id = p.profile_id
WHERE p.website_id = :website_id AND p.person_id = :person_id;

-- name: profile_put(website_id bytes, profile_id bytes, person_id bytes, member_count int, user_id text, identified_at int, visitor_count int, metadata text, untrusted text, gone text, left_out text)
-- Store a profile, new or known.
INSERT INTO profile (website_id, profile_id, person_id, member_count, user_id, identified_at, visitor_count, metadata, untrusted, gone,
    left_out)
VALUES (:website_id, :profile_id, :person_id, :member_count, :user_id, :identified_at, :visitor_count, :metadata, :untrusted, :gone,
    :left_out)
ON CONFLICT (website_id, profile_id) DO UPDATE SET person_id = excluded.person_id, member_count = excluded.member_count,
    identified_at = excluded.identified_at, visitor_count = excluded.visitor_count, metadata = excluded.metadata,
    untrusted = excluded.untrusted, gone = excluded.gone, left_out = excluded.left_out;

-- name: profile_set_traits(website_id bytes, profile_id bytes, metadata text, untrusted text, gone text, left_out text)
-- Store nothing but a profile's traits. No column of an index: SQLite writes the index rows of whatever a statement sets, be it the same as before.
UPDATE profile SET metadata = :metadata, untrusted = :untrusted, gone = :gone, left_out = :left_out
WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: fact_newest_of_profile(website_id bytes, profile_id bytes) -> fact_id bytes
-- The newest fact about a user.
SELECT fact_id FROM fact WHERE website_id = :website_id AND profile_id = :profile_id ORDER BY fact_id DESC LIMIT 1;

-- name: fact_newest_of_profile_on(website_id bytes, profile_id bytes, visitor_id bytes, since bytes) -> fact_id bytes
-- The newest fact about a user on a visitor, after another fact.
SELECT fact_id FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id > :since AND visitor_id = :visitor_id
ORDER BY fact_id DESC LIMIT 1;

-- name: fact_between(website_id bytes, profile_id bytes, visitor_id bytes, since bytes, until bytes) -> fact_id bytes
-- The first fact that counts about a user on a visitor, between two facts.
SELECT fact_id FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id > :since AND fact_id < :until
    AND visitor_id = :visitor_id
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
ORDER BY fact_id LIMIT 1;

-- name: fact_ids_of_profile_on(website_id bytes, profile_id bytes, visitor_id bytes) -> fact_id bytes
-- The facts that count about a user on a visitor, in no order.
SELECT fact_id FROM fact WHERE website_id = :website_id AND profile_id = :profile_id AND visitor_id = :visitor_id
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id);

-- name: fact_exists(website_id bytes, fact_id bytes) -> received_at int
-- When a fact arrived, if it is in the ledger.
SELECT received_at FROM fact WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: facts_of_profile(website_id bytes, profile_id bytes) -> fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes?, received_at int, source text, is_trusted int, key_id bytes?, operations text
-- The identify facts that count about a user, oldest first; none about one who is being erased.
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND profile_id = :profile_id AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = :website_id AND erasing.profile_id = :profile_id)
ORDER BY fact_id;

-- name: facts_of_profile_newest(website_id bytes, profile_id bytes, most int) -> fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes?, received_at int, source text, is_trusted int, key_id bytes?, operations text
-- The identify facts that count about a user, newest first; none about one who is being erased.
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND profile_id = :profile_id AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = :website_id AND erasing.profile_id = :profile_id)
ORDER BY fact_id DESC LIMIT :most;

-- name: user_of_profile(website_id bytes, profile_id bytes) -> user_id text
-- The user id of a profile about which there is any fact; none of one who is being erased.
SELECT user_id FROM fact WHERE website_id = :website_id AND profile_id = :profile_id
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = :website_id AND erasing.profile_id = :profile_id)
LIMIT 1;

-- name: fact_get(website_id bytes, fact_id bytes) -> fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes?, received_at int, source text, is_trusted int, key_id bytes?, operations text
-- One fact; none about a user who is being erased.
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND fact_id = :fact_id
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = fact.website_id AND erasing.profile_id = fact.profile_id);

-- name: fact_remove(website_id bytes, fact_id bytes)
-- Remove a fact from the ledger.
DELETE FROM fact WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: merge_add(website_id bytes, profile_id bytes, fact_id bytes, other_id bytes)
-- List a merge under one of the two users it names.
INSERT INTO merge_fact (website_id, profile_id, fact_id, other_id)
VALUES (:website_id, :profile_id, :fact_id, :other_id);

-- name: merge_remove(website_id bytes, profile_id bytes, fact_id bytes)
-- Take a merge off the list of one of its users.
DELETE FROM merge_fact WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id = :fact_id;

-- name: merges_of_profile(website_id bytes, profile_id bytes) -> fact_id bytes, profile_id bytes, other_id bytes
-- The merges that name a user, undone ones too, oldest first.
SELECT fact_id, profile_id, other_id FROM merge_fact WHERE website_id = :website_id AND profile_id = :profile_id
ORDER BY fact_id;

-- name: undo_add(website_id bytes, target_id bytes, fact_id bytes)
-- List an undo under the fact it names.
INSERT INTO undo_fact (website_id, target_id, fact_id) VALUES (:website_id, :target_id, :fact_id);

-- name: undo_remove(website_id bytes, target_id bytes, fact_id bytes)
-- Take an undo off the list of the fact it names.
DELETE FROM undo_fact WHERE website_id = :website_id AND target_id = :target_id AND fact_id = :fact_id;

-- name: undos_of_fact(website_id bytes, target_id bytes) -> fact_id bytes, target_id bytes
-- The undos of a fact, undone ones too, oldest first.
SELECT fact_id, target_id FROM undo_fact WHERE website_id = :website_id AND target_id = :target_id ORDER BY fact_id;

-- name: inactive_add(website_id bytes, fact_id bytes)
-- A fact does not count.
INSERT INTO inactive (website_id, fact_id) VALUES (:website_id, :fact_id) ON CONFLICT (website_id, fact_id) DO NOTHING;

-- name: inactive_remove(website_id bytes, fact_id bytes)
-- A fact counts again, or is gone.
DELETE FROM inactive WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: inactive_get(website_id bytes, fact_id bytes) -> found int
-- Whether a fact does not count.
SELECT 1 AS found FROM inactive WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: boundary_add(website_id bytes, visitor_id bytes, fact_id bytes)
-- Put a boundary where an erased link was.
INSERT INTO boundary (website_id, visitor_id, fact_id) VALUES (:website_id, :visitor_id, :fact_id)
ON CONFLICT (website_id, visitor_id, fact_id) DO NOTHING;

-- name: tombstone_put(website_id bytes, user_hash bytes, erasure_id bytes, generation int, erased_at int)
-- Note the erasure of a user.
INSERT INTO tombstone (website_id, user_hash, erasure_id, generation, erased_at)
VALUES (:website_id, :user_hash, :erasure_id, :generation, :erased_at)
ON CONFLICT (website_id, user_hash) DO UPDATE SET erasure_id = excluded.erasure_id, generation = excluded.generation,
    erased_at = excluded.erased_at;

-- name: tombstone_by_erasure(website_id bytes, erasure_id bytes) -> erased_at int
-- When an erasure of this id was.
SELECT erased_at FROM tombstone WHERE website_id = :website_id AND erasure_id = :erasure_id LIMIT 1;

-- name: erasing_get(website_id bytes, profile_id bytes) -> erasure_id bytes
-- The erasure that is under way of a profile.
SELECT erasure_id FROM erasing WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: all_erasing() -> website_id bytes, profile_id bytes, erasure_id bytes
-- All profiles that are being erased.
SELECT website_id, profile_id, erasure_id FROM erasing ORDER BY website_id, profile_id;

-- name: fact_add(website_id bytes, fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes, received_at int, source text, is_trusted int, key_id bytes, operations text)
-- Append a fact to the ledger.
INSERT INTO fact (website_id, fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations)
VALUES (:website_id, :fact_id, :kind, :profile_id, :user_id, :visitor_id, :received_at, :source, :is_trusted, :key_id, :operations);

-- name: fact_received(website_id bytes, fact_id bytes, received_at int)
-- Of two arrivals of the same fact, keep the earlier one.
UPDATE fact SET received_at = :received_at
WHERE website_id = :website_id AND fact_id = :fact_id AND received_at > :received_at;

-- name: tombstone_get(website_id bytes, user_hash bytes) -> generation int, erased_at int, erasure_id bytes
-- The newest erasure of a user: how many there were, and up to when facts are dropped.
SELECT generation, erased_at, erasure_id FROM tombstone WHERE website_id = :website_id AND user_hash = :user_hash;

-- name: preview_begin()
-- What follows can be taken back.
SAVEPOINT preview;

-- name: preview_back()
-- Take back what was written since the preview began.
ROLLBACK TO SAVEPOINT preview;

-- name: preview_end()
-- Forget where the preview began.
RELEASE SAVEPOINT preview;

-- name: unsigned_get(website_id bytes, visitor_id bytes) -> day int, facts int
-- The last day on which a visitor brought unsigned facts, and how many.
SELECT day, facts FROM unsigned_count WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: unsigned_put(website_id bytes, visitor_id bytes, day int, facts int)
-- Note how many unsigned facts a visitor brought on a day.
INSERT INTO unsigned_count (website_id, visitor_id, day, facts) VALUES (:website_id, :visitor_id, :day, :facts)
ON CONFLICT (website_id, visitor_id) DO UPDATE SET day = excluded.day, facts = excluded.facts;
