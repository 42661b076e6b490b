-- name: people_with_email(website_id bytes) -> person_id bytes, user_id text, metadata text
-- All people who may have a trait `email`, the one identified first in front.
SELECT person_id, user_id, metadata FROM profile
WHERE website_id = :website_id AND profile_id = person_id AND metadata LIKE '%"email":%' ORDER BY identified_at, profile_id;

-- name: user_ids(website_id bytes) -> person_id bytes, user_id text
-- All user ids, the one identified first in front.
SELECT person_id, user_id FROM profile WHERE website_id = :website_id ORDER BY identified_at, profile_id;

-- name: users_of_person(website_id bytes, person_id bytes) -> user_id text
-- The user ids of a person, the one identified first in front.
SELECT user_id FROM profile WHERE website_id = :website_id AND person_id = :person_id ORDER BY identified_at, profile_id;

-- name: settled_of(website_id bytes) -> profile_id bytes, other_id bytes, evidence bytes, kind text, settled_at int, person_id bytes, other_person_id bytes
-- The settled pairs of a website and who they are by now, the latest first.
SELECT s.profile_id, s.other_id, s.evidence, s.kind, s.settled_at, p.person_id, o.person_id AS other_person_id FROM settled_pair s
JOIN profile p ON p.website_id = s.website_id AND p.profile_id = s.profile_id
JOIN profile o ON o.website_id = s.website_id AND o.profile_id = s.other_id
WHERE s.website_id = :website_id ORDER BY s.settled_at DESC, s.profile_id, s.other_id, s.evidence;

-- name: settled_put(website_id bytes, profile_id bytes, other_id bytes, evidence bytes, kind text, settled_at int)
-- Settle a pair for one piece of evidence; what stands there already stays.
INSERT INTO settled_pair (website_id, profile_id, other_id, evidence, kind, settled_at)
VALUES (:website_id, :profile_id, :other_id, :evidence, :kind, :settled_at)
ON CONFLICT (website_id, profile_id, other_id, evidence) DO NOTHING;

-- name: settled_remove(website_id bytes, profile_id bytes, other_id bytes)
-- Forget that a pair was settled.
DELETE FROM settled_pair WHERE website_id = :website_id AND profile_id = :profile_id AND other_id = :other_id;

-- name: settled_forget(website_id bytes, profile_id bytes)
-- Forget all pairs with a profile. They are few: people settled each of them by hand.
DELETE FROM settled_pair WHERE website_id = :website_id AND (profile_id = :profile_id OR other_id = :profile_id);
