-- Of functions that miss the same entry at once, one asks its source; when a breaker opened last.

-- +goose Up
create table cache_loads (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null check (length(kind) <= 40),
  key text not null check (length(key) <= 200),
  until timestamptz not null,
  primary key (connection_id, kind, key)
);
comment on table cache_loads is 'Whoever put the row here asks for the entry, until then at the most; others wait for it.';
alter table cache_loads enable row level security;

alter table breakers add column last_opened_at timestamptz;
