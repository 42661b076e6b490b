-- name: links_clear()
DELETE FROM link;

-- name: profiles_clear()
DELETE FROM profile;

-- name: inactive_clear()
DELETE FROM inactive;

-- name: merges_clear()
DELETE FROM merge_fact;

-- name: undos_clear()
DELETE FROM undo_fact;
