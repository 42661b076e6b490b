-- name: funnels_active(website_id bytes) -> funnel_id bytes, name text, slug text, steps text, is_active int, created_at int, updated_at int
-- The funnels of a website that were not deleted, oldest first.
SELECT funnel_id, name, slug, steps, is_active, created_at, updated_at FROM funnel
WHERE website_id = :website_id AND is_active = 1 ORDER BY created_at, funnel_id;

-- name: funnel_put(website_id bytes, funnel_id bytes, name text, slug text, steps text, is_active int, created_at int, updated_at int)
-- Stores a complete funnel.
INSERT INTO funnel (website_id, funnel_id, name, slug, steps, is_active, created_at, updated_at)
VALUES (:website_id, :funnel_id, :name, :slug, :steps, :is_active, :created_at, :updated_at)
ON CONFLICT (website_id, funnel_id) DO UPDATE SET name = excluded.name, slug = excluded.slug, steps = excluded.steps,
    is_active = excluded.is_active, updated_at = excluded.updated_at;
