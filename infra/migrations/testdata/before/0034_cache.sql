-- What functions remember together.

-- +goose Up
create table cache_entries (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null check (length(kind) <= 40),
  key text not null check (length(key) <= 200),
  value jsonb not null,
  stored_at timestamptz not null,
  fresh_until timestamptz not null,
  keep_until timestamptz not null,
  primary key (connection_id, kind, key)
);
create index cache_entries_by_end on cache_entries (keep_until);
comment on column cache_entries.keep_until is 'Until then it may be given, marked as stale, while its source is away.';

create table cache_invalidations (
  generation bigint generated always as identity primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  kinds text[] not null,
  pattern text not null check (length(pattern) between 1 and 200),
  at timestamptz not null default clock_timestamp()
);
create index cache_invalidations_by_connection on cache_invalidations (connection_id, generation);
comment on table cache_invalidations is 'What was invalidated. Functions look for what is new at least once a second before they trust their memory.';

alter table cache_entries enable row level security;
alter table cache_invalidations enable row level security;
