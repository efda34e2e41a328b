-- A row whose id changes is the same record: its page, and all that is known of it, goes with it.

-- +goose Up
create table sync_moves (
  seq bigint generated always as identity primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  old_id uuid not null,
  new_id uuid not null
);
create index sync_moves_by_kind on sync_moves (connection_id, kind, seq);
comment on table sync_moves is 'Rows whose id somebody changed, in the order of the changes. What is known of their records still has the old id.';
alter table sync_moves enable row level security;

create table sync_rekeys (
  connection_id uuid not null references connections (id) on delete cascade,
  kind text not null,
  notion_id text not null,
  primary key (connection_id, kind, notion_id)
);
comment on table sync_rekeys is 'Pages that still carry the id that their rows had before.';
alter table sync_rekeys enable row level security;

alter table sync_intents add column row_key uuid;
comment on column sync_intents.row_key is 'The id that the page was made with, where the row has another by now.';

-- +goose StatementBegin
create or replace function note_sync_change() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('integration.origin', true) = 'sync' then
    return null;
  end if;
  if tg_op <> 'INSERT' then
    if tg_op = 'UPDATE' and old is not distinct from new then
      return null;
    end if;
    insert into public.sync_changes (connection_id, kind, row_id) values (old.connection_id, tg_argv[0], old.id);
  end if;
  if tg_op = 'INSERT' or (tg_op = 'UPDATE' and old.id <> new.id) then
    insert into public.sync_changes (connection_id, kind, row_id) values (new.connection_id, tg_argv[0], new.id);
  end if;
  if tg_op = 'UPDATE' and old.id <> new.id and old.connection_id = new.connection_id then
    insert into public.sync_moves (connection_id, kind, old_id, new_id) values (new.connection_id, tg_argv[0], old.id, new.id);
  end if;
  return null;
end $$;
-- +goose StatementEnd

-- The id by which a row is still known.
-- +goose StatementBegin
create function sync_id_before(in_connection uuid, in_kind text, id_now uuid) returns uuid language sql stable as $$
  with recursive back (id, seq) as (
    select id_now, 9223372036854775807
    union all
    select m.old_id, m.seq from back cross join lateral (
      select s.old_id, s.seq from public.sync_moves s
      where s.connection_id = in_connection and s.kind = in_kind and s.new_id = back.id and s.seq < back.seq order by s.seq desc limit 1) m
  )
  select id from back order by seq limit 1
$$;
-- +goose StatementEnd

-- A pair changes when the id of one of its rows does. Nobody takes out what it relates.
-- +goose StatementBegin
create or replace function note_sync_relation() returns trigger language plpgsql security definer set search_path = '' as $$
declare
  pair jsonb;
begin
  if current_setting('integration.origin', true) = 'sync' then
    return null;
  end if;
  foreach pair in array case tg_op
    when 'INSERT' then array[to_jsonb(new)]
    when 'DELETE' then array[to_jsonb(old)]
    else array[to_jsonb(old), to_jsonb(new)] end
  loop
    execute format('insert into public.sync_changes (connection_id, kind, row_id) select connection_id, $1, id from public.%I where id = $2', tg_argv[2])
      using tg_argv[0], (pair ->> tg_argv[3])::uuid;
  end loop;
  if tg_op = 'DELETE' then
    execute format('
      insert into public.sync_waiting (connection_id, kind, field, row_id, page_id)
      select connection_id, $1, $2, $3, notion_id from public.%I
      where id = $4 and not (exists (select from public.%I where id = $3) and exists (select from public.%I where id = $4))
      on conflict do nothing', tg_argv[7], tg_argv[2], tg_argv[5])
      using tg_argv[0], tg_argv[1], (to_jsonb(old) ->> tg_argv[3])::uuid, (to_jsonb(old) ->> tg_argv[6])::uuid;
  end if;
  return null;
end $$;
-- +goose StatementEnd
