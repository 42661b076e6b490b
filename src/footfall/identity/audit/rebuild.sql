-- name: links_clear()
-- Remove all links.
DELETE FROM link;

-- name: profiles_clear()
-- Remove all profiles.
DELETE FROM profile;

-- name: inactive_clear()
-- Forget which facts do not count.
DELETE FROM inactive;

-- name: merges_clear()
-- Empty the list of merges by user.
DELETE FROM merge_fact;

-- name: undos_clear()
-- Empty the list of undos by fact.
DELETE FROM undo_fact;
