-- Who may call, how often, and what they changed.

-- +goose Up
alter table api_keys
  add check (client ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  add check (cardinality(scopes) > 0 and scopes <@ array['read', 'sync', 'events', 'config', 'data', 'admin']);
create index api_keys_by_client on api_keys (client) where revoked_at is null;

-- Counts may be lost with a crash; callers are of no connection.
create unlogged table caller_windows (
  caller text primary key check (length(caller) <= 200),
  started_at timestamptz not null,
  requests integer not null check (requests > 0)
) with (fillfactor = 50);
create index caller_windows_by_time on caller_windows (started_at);

alter table caller_windows enable row level security;
