-- Who may call, how often, and what callers changed.

-- +goose Up
create table integration.api_keys (
  id text primary key check (id ~ '^[a-z0-9]{8,32}$'),
  client text not null check (client ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ array['read', 'sync', 'events', 'config', 'data', 'admin']),
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_keys_by_client on integration.api_keys (client) where revoked_at is null;
comment on column integration.api_keys.secret_sha256 is 'The key itself is shown once and kept nowhere.';

-- Counts may be lost with a crash; callers are of no connection.
create unlogged table integration.caller_windows (
  caller text primary key check (length(caller) <= 200),
  started_at timestamptz not null,
  requests integer not null check (requests > 0)
) with (fillfactor = 50);
create index caller_windows_by_time on integration.caller_windows (started_at);

create table integration.audit_log (
  id uuid primary key,
  seq bigint generated always as identity unique,
  connection_id uuid not null references integration.connections (id),
  at timestamptz not null,
  client text not null,
  key_id text not null,
  source_ip text not null,
  request_id text not null,
  action text not null
);
create index audit_log_by_client on integration.audit_log (connection_id, client, seq desc);
comment on table integration.audit_log is 'Changes that callers asked for, written down before they are made.';

create table integration.audit_outcomes (
  id uuid primary key references integration.audit_log (id),
  connection_id uuid not null references integration.connections (id),
  at timestamptz not null,
  status integer not null check (status between 100 and 599),
  detail jsonb not null
);
comment on table integration.audit_outcomes is 'What came of them. A change without one broke off, or is still being made.';

-- +goose StatementBegin
create function integration.refuse_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'the table % takes new rows only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
-- +goose StatementEnd
create trigger append_only before update or delete or truncate on integration.audit_log for each statement execute function integration.refuse_change();
create trigger append_only before update or delete or truncate on integration.audit_outcomes for each statement execute function integration.refuse_change();

alter table integration.api_keys enable row level security;
alter table integration.caller_windows enable row level security;
alter table integration.audit_log enable row level security;
alter table integration.audit_outcomes enable row level security;
