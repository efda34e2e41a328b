-- What may be set at run time, and what callers changed.

-- +goose Up
alter table connections
  add column conflict_policy text not null default 'newest' check (conflict_policy in ('newest', 'notion', 'supabase', 'manual')),
  add column sync_interval interval not null default '0' check (sync_interval >= '0' and sync_interval <= '1 day'),
  add column notion_plan text not null default '' check (notion_plan in ('', 'standard', 'business')),
  add column database_ids jsonb not null default '{}' check (jsonb_typeof(database_ids) = 'object'),
  add column version bigint not null default 1,
  add column updated_at timestamptz not null default now(),
  add column updated_by text;
comment on column connections.database_ids is 'Notion databases by kind, beside those that the environment names for the first connection.';

create table audit_log (
  id uuid primary key,
  seq bigint generated always as identity unique,
  connection_id uuid not null references connections (id),
  at timestamptz not null,
  client text not null,
  key_id text not null,
  source_ip text not null,
  request_id text not null,
  action text not null
);
create index audit_log_by_client on audit_log (connection_id, client, seq desc);
comment on table audit_log is 'Changes that callers asked for, written down before they are made.';

create table audit_outcomes (
  id uuid primary key references audit_log (id),
  connection_id uuid not null references connections (id),
  at timestamptz not null,
  status integer not null check (status between 100 and 599),
  detail jsonb not null
);
comment on table audit_outcomes is 'What came of them. A change without one broke off, or goes on.';

-- +goose StatementBegin
create function refuse_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'the table % takes new rows only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
-- +goose StatementEnd
create trigger append_only before update or delete or truncate on audit_log for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_outcomes for each statement execute function refuse_change();

alter table audit_log enable row level security;
alter table audit_outcomes enable row level security;
