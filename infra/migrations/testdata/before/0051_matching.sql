-- First contact of two filled sides: which page is which row.

-- +goose Up
create function match_key(value text) returns text language sql immutable parallel safe set search_path = '' as
$$ select nullif(lower(btrim(normalize(value) collate "und-x-icu", E' \t\n\r\u00a0')), '') $$;
comment on function match_key is 'A key or a title as matching compares it: case and surrounding space folded, null when nothing is left.';

create table sync_match_pages (
  seq bigint generated always as identity primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  run_id uuid references sync_runs (id) on delete cascade,
  kind text not null,
  notion_id text not null,
  title text not null default '',
  row_key text,
  key text,
  name text,
  state text not null default 'staged' check (state in ('staged', 'matched', 'doubtful', 'new')),
  how text check (how in ('row_key', 'key', 'title')),
  value text,
  row_id uuid,
  decided_by text,
  decided_at timestamptz,
  pending boolean not null default false,
  unique (run_id, kind, notion_id),
  check ((state = 'matched') = (row_id is not null)),
  check (state not in ('matched', 'doubtful') or (how is not null and value is not null))
);
create unique index sync_match_pages_in_force on sync_match_pages (connection_id, kind, notion_id) where run_id is null;
create unique index sync_match_pages_one_a_row on sync_match_pages (connection_id, kind, row_id) where run_id is null and row_id is not null;
create index sync_match_pages_pending on sync_match_pages (connection_id, kind, notion_id) where pending;
comment on table sync_match_pages is 'Pages at first contact. With a run they are being staged by it, or matched for a dry run only; without one they are in force.';
comment on column sync_match_pages.how is 'What page and row have in common, and value what that is: a row key, the mapping''s key field, or the title.';
comment on column sync_match_pages.pending is 'Somebody has decided, and no run has looked at the page since.';

create table sync_match_rows (
  connection_id uuid not null references connections (id) on delete cascade,
  run_id uuid references sync_runs (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  row_key text,
  key text,
  name text,
  state text not null default 'staged' check (state in ('staged', 'matched', 'doubtful')),
  how text check (how in ('row_key', 'key', 'title')),
  value text,
  place bigint,
  unique (run_id, kind, row_id),
  check (state = 'staged' or (how is not null and value is not null))
);
create unique index sync_match_rows_in_force on sync_match_rows (connection_id, kind, row_id) where run_id is null;
create index sync_match_rows_in_doubt on sync_match_rows (connection_id, kind, how, md5(value)) where run_id is null;
create index sync_match_rows_by_place on sync_match_rows (run_id, kind, place) where place is not null;
comment on table sync_match_rows is 'Rows at first contact. Those in force are in doubt: no page is made for them until somebody decides.';
comment on column sync_match_rows.place is 'In a dry run, where a row that nobody has changed stands among those to be looked at.';

alter table sync_match_pages enable row level security;
alter table sync_match_rows enable row level security;
