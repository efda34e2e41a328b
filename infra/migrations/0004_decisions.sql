-- What people decide: conflicts, held deletions, doubtful matches. And what a dry run shows them.

-- +goose Up
create table integration.sync_conflicts (
  id uuid primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  notion_id text,
  field text not null,
  rule text not null,
  winner text not null check (winner in ('notion', 'supabase', '')),
  notion_value jsonb,
  supabase_value jsonb,
  base_value jsonb,
  notion_property jsonb,
  intent_id uuid references integration.sync_intents (id),
  detected_at timestamptz not null,
  status text not null default 'resolved' check (status in ('waiting', 'resolved', 'decided', 'settled')),
  decision jsonb,
  decided_property jsonb,
  decided_at timestamptz,
  decided_by text,
  settled_at timestamptz,
  check (status not in ('decided') or decided_by is not null)
);
create index sync_conflicts_by_kind on integration.sync_conflicts (connection_id, kind, detected_at desc);
create index sync_conflicts_by_time on integration.sync_conflicts (connection_id, detected_at desc) where intent_id is null;
create unique index sync_conflicts_one_waiting on integration.sync_conflicts (connection_id, kind, row_id, field) where status = 'waiting';
create unique index sync_conflicts_one_decided on integration.sync_conflicts (connection_id, kind, row_id, field) where status = 'decided';
comment on table integration.sync_conflicts is 'Values that lost, whole. field is empty where an edit outlived a deletion.';
comment on column integration.sync_conflicts.winner is 'Whose value stayed; empty while that waits to be decided.';
comment on column integration.sync_conflicts.notion_property is 'The property as Notion spelled it, with what a column does not show.';
comment on column integration.sync_conflicts.intent_id is 'The write to Notion that would overwrite the value, while it is not known whether it was made.';
comment on column integration.sync_conflicts.status is
  'waiting: nobody has decided; resolved: by its rule; decided: a person has, and a sync will do it; settled: both sides hold what the person decided, or agree by themselves.';
comment on column integration.sync_conflicts.decision is 'The value that the person decided on, as the row''s column shows it.';

create table integration.sync_holds (
  id uuid primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  side text not null check (side in ('notion', 'supabase')),
  status text not null default 'waiting' check (status in ('waiting', 'approved', 'refused', 'withdrawn')),
  records integer not null,
  total integer not null,
  created_at timestamptz not null,
  decided_at timestamptz,
  decided_by text,
  check ((status in ('approved', 'refused')) = (decided_by is not null))
);
create unique index sync_holds_one_waiting on integration.sync_holds (connection_id, kind, side) where status = 'waiting';
create index sync_holds_by_time on integration.sync_holds (connection_id, created_at desc);
comment on table integration.sync_holds is 'Deletions that are too many to be made unasked. side is where records would be deleted.';
comment on column integration.sync_holds.records is 'How many records it has come to hold.';
comment on column integration.sync_holds.total is 'How many records the database had.';

create table integration.sync_held_records (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  notion_id text,
  hold_id uuid not null references integration.sync_holds (id) on delete cascade,
  primary key (connection_id, kind, row_id)
);
create index sync_held_records_by_hold on integration.sync_held_records (hold_id);
comment on table integration.sync_held_records is 'The records of a hold, until what was decided is done, or there is nothing to decide any more.';

-- First contact of two filled sides: which page is which row.
create function integration.match_key(value text) returns text language sql immutable parallel safe set search_path = '' as
$$ select nullif(lower(btrim(normalize(value) collate "und-x-icu", E' \t\n\r\u00a0')), '') $$;
comment on function integration.match_key is 'A key or a title as matching compares it: case and surrounding space folded, null when nothing is left.';

create table integration.sync_match_pages (
  seq bigint generated always as identity primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  run_id uuid references integration.sync_runs (id) on delete cascade,
  kind text not null,
  notion_id text not null,
  title text not null default '',
  row_key text,
  key text,
  name text,
  state text not null default 'staged' check (state in ('staged', 'matched', 'doubtful', 'new')),
  matched_by text check (matched_by in ('row_key', 'key', 'title')),
  matched_value text,
  row_id uuid,
  decided_by text,
  decided_at timestamptz,
  pending boolean not null default false,
  unique (run_id, kind, notion_id),
  check ((state = 'matched') = (row_id is not null)),
  check (state not in ('matched', 'doubtful') or (matched_by is not null and matched_value is not null))
);
create unique index sync_match_pages_in_force on integration.sync_match_pages (connection_id, kind, notion_id) where run_id is null;
create unique index sync_match_pages_one_a_row on integration.sync_match_pages (connection_id, kind, row_id) where run_id is null and row_id is not null;
create index sync_match_pages_pending on integration.sync_match_pages (connection_id, kind, notion_id) where pending;
comment on table integration.sync_match_pages is 'Pages at first contact. With a run they are being staged by it, or matched for a dry run only; without one they are in force.';
comment on column integration.sync_match_pages.matched_by is 'What page and row have in common, and matched_value what that is: a row key, the mapping''s key field, or the title.';
comment on column integration.sync_match_pages.pending is 'Somebody has decided, and no run has looked at the page since.';

create table integration.sync_match_rows (
  connection_id uuid not null references integration.connections (id) on delete cascade,
  run_id uuid references integration.sync_runs (id) on delete cascade,
  kind text not null,
  row_id uuid not null,
  row_key text,
  key text,
  name text,
  state text not null default 'staged' check (state in ('staged', 'matched', 'doubtful')),
  matched_by text check (matched_by in ('row_key', 'key', 'title')),
  matched_value text,
  place bigint,
  unique (run_id, kind, row_id),
  check (state = 'staged' or (matched_by is not null and matched_value is not null))
);
create unique index sync_match_rows_in_force on integration.sync_match_rows (connection_id, kind, row_id) where run_id is null;
create index sync_match_rows_in_doubt on integration.sync_match_rows (connection_id, kind, matched_by, md5(matched_value)) where run_id is null;
create index sync_match_rows_by_place on integration.sync_match_rows (run_id, kind, place) where place is not null;
comment on table integration.sync_match_rows is 'Rows at first contact. Those in force are in doubt: no page is made for them until somebody decides.';
comment on column integration.sync_match_rows.place is 'In a dry run, where a row that nobody has changed stands among those to be looked at.';

create table integration.sync_previews (
  seq bigint generated always as identity primary key,
  connection_id uuid not null references integration.connections (id) on delete cascade,
  run_id uuid not null references integration.sync_runs (id) on delete cascade,
  kind text not null,
  row_id uuid,
  notion_id text,
  title text not null default '',
  match text not null default '' check (match in ('', 'row_key', 'key', 'title')),
  doubtful boolean not null default false,
  notion jsonb,
  supabase jsonb,
  held boolean not null default false,
  conflicts jsonb not null default '[]',
  refusal jsonb,
  unique (run_id, kind, row_id),
  check (doubtful = (row_id is null))
);
create index sync_previews_by_run on integration.sync_previews (run_id, seq);
comment on table integration.sync_previews is 'What a dry run would do with each record. A record that it would leave alone stands here too, when it had to be looked at.';
comment on column integration.sync_previews.match is 'By what the page and the row were matched at first contact.';
comment on column integration.sync_previews.notion is 'What would be done in Notion: {"op": ..., "fields": [{"field", "has", "gets"}]}.';

alter table integration.sync_conflicts enable row level security;
alter table integration.sync_holds enable row level security;
alter table integration.sync_held_records enable row level security;
alter table integration.sync_match_pages enable row level security;
alter table integration.sync_match_rows enable row level security;
alter table integration.sync_previews enable row level security;
