-- What notes the changes of rows, and what puts tables in step. Functions only: an upgrade runs this file again.

-- +goose Up
-- Gives requests to a function and tells how many microseconds it has to wait before it sends them. It takes the place at the end of those who
-- wait; an interactive one need not wait as long as no minute comes to hold more than is allowed. What is left to interactive functions is the
-- spare, less what they have sent within the last minute, and half of it at least. Times are microseconds.
-- +goose StatementBegin
create or replace function integration.take_notion_requests(
  connection uuid, chunk uuid, told uuid, ages bigint[], wanted integer, in_haste boolean, patience bigint,
  allowed integer, spare integer, period bigint, keep bigint, clock timestamptz
) returns bigint language plpgsql set search_path = '' as $$
declare
  moment constant interval := interval '1 microsecond';
  present timestamptz;
  beginning timestamptz;
  wait bigint;
begin
  perform from integration.connections where id = connection for no key update; -- one at a time
  present := coalesce(clock, clock_timestamp());
  delete from integration.notion_requests where connection_id = connection and (free_at <= present or chunk_id = told);
  insert into integration.notion_requests (connection_id, chunk_id, interactive, requests, starts_at, free_at)
    select connection, told, in_haste, count(*), present - age * moment, present + (period - age) * moment
    from unnest(ages) age where age < period group by age;
  if wanted = 0 then
    return 0;
  end if;
  if in_haste then
    select present into beginning where wanted <= allowed - (
      select coalesce(max(held), 0) from (
        select (select sum(requests) from integration.notion_requests r
          where r.connection_id = connection and r.starts_at <= t.at and r.free_at > t.at) as held
        from (select present union select starts_at from integration.notion_requests where connection_id = connection and starts_at > present) t (at)
      ) each);
  else
    allowed := allowed - greatest((spare + 1) / 2, spare - (
      select coalesce(sum(requests), 0) from integration.notion_requests where connection_id = connection and interactive));
  end if;
  if beginning is null then
    select greatest(present, max(starts_at)) into beginning from integration.notion_requests where connection_id = connection;
    select min(t.at) into beginning
      from (select beginning union select free_at from integration.notion_requests where connection_id = connection and free_at > beginning) t (at)
      where wanted <= allowed - (
        select coalesce(sum(requests), 0) from integration.notion_requests r where r.connection_id = connection and r.free_at > t.at);
  end if;
  wait := extract(epoch from beginning - present) * 1000000;
  if wait <= patience then
    insert into integration.notion_requests (connection_id, chunk_id, interactive, requests, starts_at, free_at)
      values (connection, chunk, in_haste, wanted, beginning, beginning + (keep + period) * moment);
  end if;
  return wait;
end $$;
-- +goose StatementEnd

-- For whoever listens: the local system does. Postgres itself makes one of those that a transaction repeats.
-- +goose StatementBegin
create or replace function integration.announce_sync_changes() returns trigger language plpgsql set search_path = '' as $$
begin
  perform pg_notify('sync_changes', connection_id || ' ' || kind) from (select distinct connection_id, kind from added) changed;
  return null;
end $$;
-- +goose StatementEnd

-- Called by the triggers of a table of records. The sync marks its own transactions with integration.origin, so that what it writes does not come
-- back as a change. It runs as its owner: whoever may write a table of records need not be able to write here. Rows are compared byte by byte:
-- they may have columns of types without an equality, such as json. What a trigger of the application writes while the sync writes is a change
-- like any other, and a row that is given to another connection is new there.
-- +goose StatementBegin
create or replace function integration.note_sync_change() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('integration.origin', true) = 'sync' and pg_trigger_depth() = 1 then
    return null;
  end if;
  if tg_op <> 'INSERT' then
    if tg_op = 'UPDATE' and old operator(pg_catalog.*=) new then
      return null;
    end if;
    insert into integration.sync_changes (connection_id, kind, row_id) values (old.connection_id, tg_argv[0], old.id);
  end if;
  if tg_op = 'INSERT' or (tg_op = 'UPDATE' and (old.id, old.connection_id) <> (new.id, new.connection_id)) then
    insert into integration.sync_changes (connection_id, kind, row_id) values (new.connection_id, tg_argv[0], new.id);
  end if;
  if tg_op = 'UPDATE' and old.id <> new.id and old.connection_id = new.connection_id then
    insert into integration.sync_row_id_changes (connection_id, kind, old_id, new_id) values (new.connection_id, tg_argv[0], old.id, new.id);
  end if;
  return null;
end $$;
-- +goose StatementEnd

-- TRUNCATE fires no row triggers: what the base knows to be there is noted as changed, and found gone.
-- +goose StatementBegin
create or replace function integration.note_sync_truncate() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  execute format(
    'insert into integration.sync_changes (connection_id, kind, row_id) select connection_id, %L, id from public.%I where state = ''live''',
    tg_argv[0], tg_argv[1]);
  return null;
end $$;
-- +goose StatementEnd

-- A row trigger cannot compare whole rows of a table that has a generated column, and a dump of such a table cannot be restored: the function
-- compares them.
-- +goose StatementBegin
create or replace function integration.touch_updated_at() returns trigger language plpgsql set search_path = '' as $$
declare
  generated text[];
begin
  if new operator(pg_catalog.*=) old then
    return new;
  end if;
  -- Before an update the generated columns of the new row are not there yet.
  select array_agg(attname::text) into generated from pg_catalog.pg_attribute
  where attrelid = tg_relid and attgenerated <> '' and not attisdropped;
  if generated is null or to_jsonb(new) - generated <> to_jsonb(old) - generated then
    new.updated_at := now();
  end if;
  return new;
end $$;
-- +goose StatementEnd

-- Returns the id by which a row is still known.
-- +goose StatementBegin
create or replace function integration.row_id_before(in_connection uuid, in_kind text, id_now uuid) returns uuid language sql stable as $$
  with recursive back (id, seq) as (
    select id_now, 9223372036854775807
    union all
    select m.old_id, m.seq from back cross join lateral (
      select s.old_id, s.seq from integration.sync_row_id_changes s
      where s.connection_id = in_connection and s.kind = in_kind and s.new_id = back.id and s.seq < back.seq order by s.seq desc limit 1) m
  )
  select id from back order by seq limit 1
$$;
-- +goose StatementEnd

-- A pair that comes or goes is a change of the row that has the relation, and so is one whose row has another id now. A pair that goes because one
-- of its rows was deleted is nobody's edit: the relation waits for the row to return.
-- +goose StatementBegin
create or replace function integration.note_sync_relation() returns trigger language plpgsql security definer set search_path = '' as $$
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
    execute format('insert into integration.sync_changes (connection_id, kind, row_id) select connection_id, $1, id from public.%I where id = $2', tg_argv[2])
      using tg_argv[0], (pair ->> tg_argv[3])::uuid;
  end loop;
  if tg_op = 'DELETE' then
    execute format('
      insert into integration.sync_waiting_relations (connection_id, kind, field, row_id, page_id)
      select connection_id, $1, $2, $3, notion_id from public.%I
      where id = $4 and not (exists (select from public.%I where id = $3) and exists (select from public.%I where id = $4))
      on conflict do nothing', tg_argv[7], tg_argv[2], tg_argv[5])
      using tg_argv[0], tg_argv[1], (to_jsonb(old) ->> tg_argv[3])::uuid, (to_jsonb(old) ->> tg_argv[6])::uuid;
  end if;
  return null;
end $$;
-- +goose StatementEnd

-- TRUNCATE fires no row triggers. It empties the join table by itself, or because rows went.
-- +goose StatementBegin
create or replace function integration.note_sync_relation_truncate() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  execute format('
    insert into integration.sync_waiting_relations (connection_id, kind, field, row_id, page_id)
    select b.connection_id, $1, $2, b.id, e.page_id
    from public.%I b, jsonb_array_elements_text(coalesce(b.row_data -> $2, ''[]'')) e (page_id)
    where not (exists (select from public.%I where id = b.id) and exists (
      select from public.%I t join public.%I r on r.id = t.id where t.connection_id = b.connection_id and t.notion_id = e.page_id))
    on conflict do nothing', tg_argv[4], tg_argv[2], tg_argv[7], tg_argv[5])
    using tg_argv[0], tg_argv[1];
  execute format('
    insert into integration.sync_changes (connection_id, kind, row_id)
    select connection_id, $1, id from public.%I where state = ''live'' and row_data -> $2 <> ''[]''', tg_argv[4])
    using tg_argv[0], tg_argv[1];
  return null;
end $$;
-- +goose StatementEnd

-- A relation can be written to Notion once the related row has a page: then the rows that name it are looked at again. Nobody has changed them, and
-- so there is no time at which.
-- +goose StatementBegin
create or replace function integration.note_sync_page() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    if old.notion_id = new.notion_id then
      return null;
    end if;
    insert into integration.sync_replaced_pages (connection_id, page_id, row_id) values (old.connection_id, old.notion_id, old.id)
    on conflict (connection_id, page_id) do update set row_id = excluded.row_id;
    insert into integration.sync_waiting_relations (connection_id, kind, field, row_id, page_id)
    select connection_id, kind, field, row_id, new.notion_id from integration.sync_waiting_relations where connection_id = new.connection_id and page_id = old.notion_id
    on conflict do nothing;
    delete from integration.sync_waiting_relations where connection_id = new.connection_id and page_id = old.notion_id;
  end if;
  execute format('insert into integration.sync_changes (connection_id, kind, row_id, changed_at) select $1, $2, j.%I, null from public.%I j where j.%I = $3',
    tg_argv[2], tg_argv[1], tg_argv[3])
    using new.connection_id, tg_argv[0], new.id;
  return null;
end $$;
-- +goose StatementEnd

-- Makes the base table of a kind and puts a table of records in step: call it once for each kind that a mapping names.
-- +goose StatementBegin
create or replace procedure integration.keep_in_step(kind text, record_table text, base_table text) language plpgsql as $$
begin
  execute format($ddl$
    create table public.%I (
      id uuid primary key default gen_random_uuid(),
      connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id) on delete cascade,
      notion_id text not null,
      name text not null,
      data jsonb not null,
      row_data jsonb not null,
      type text not null default %L,
      state text not null default 'live' check (state in ('live', 'archived')),
      sync_version bigint not null default 1,
      last_synced timestamptz not null default now(),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      exact boolean not null default false,
      unique (connection_id, notion_id)
    )$ddl$, base_table, kind);
  execute format('comment on table public.%I is %L', base_table,
    'The state that both sides are known to have had: data is Notion''s page, row_data the row''s columns, id the row''s id.');
  execute format('comment on column public.%I.exact is %L', base_table,
    'data is the page as it was left at its last_edited_time: no other edit of that minute can be missing from it.');
  execute format('alter table public.%I enable row level security', base_table);
  execute format('alter table public.%I enable row level security', record_table);
  execute format('create trigger touch_updated_at before update on public.%I for each row execute function integration.touch_updated_at()', record_table);
  execute format('create trigger note_sync_change after insert or update or delete on public.%I for each row execute function integration.note_sync_change(%L)', record_table, kind);
  execute format('create trigger note_sync_truncate after truncate on public.%I for each statement execute function integration.note_sync_truncate(%L, %L)', record_table, kind, base_table);
  -- also for rows that replication or a restore writes
  execute format('alter table public.%I enable always trigger note_sync_change', record_table);
  execute format('alter table public.%I enable always trigger note_sync_truncate', record_table);
end $$;
-- +goose StatementEnd

-- Makes the join table of a relation and puts it in step: call it once for each relation that a mapping names, after keep_in_step of both its ends.
-- +goose StatementBegin
create or replace procedure integration.keep_relation_in_step(
  kind text, field text, join_table text,
  record_table text, base_table text, from_column text,
  related_table text, related_base_table text, to_column text
) language plpgsql as $$
begin
  execute format($ddl$
    create table public.%1$I (
      %2$I uuid not null references public.%3$I (id) on update cascade on delete cascade,
      %4$I uuid not null references public.%5$I (id) on update cascade on delete cascade,
      created_at timestamptz not null default now(),
      primary key (%2$I, %4$I)
    )$ddl$, join_table, from_column, record_table, to_column, related_table);
  execute format('create index on public.%I (%I)', join_table, to_column);
  execute format('alter table public.%I enable row level security', join_table);
  execute format('create trigger note_sync_relation after insert or update or delete on public.%I for each row execute function integration.note_sync_relation(%L, %L, %L, %L, %L, %L, %L, %L)',
    join_table, kind, field, record_table, from_column, base_table, related_table, to_column, related_base_table);
  execute format('create trigger note_sync_relation_truncate after truncate on public.%I for each statement execute function integration.note_sync_relation_truncate(%L, %L, %L, %L, %L, %L, %L, %L)',
    join_table, kind, field, record_table, from_column, base_table, related_table, to_column, related_base_table);
  execute format('create trigger %I after insert or update of notion_id on public.%I for each row execute function integration.note_sync_page(%L, %L, %L, %L)',
    'note_sync_page_' || join_table, related_base_table, kind, join_table, from_column, to_column);
  execute format('alter table public.%I enable always trigger note_sync_relation', join_table);
  execute format('alter table public.%I enable always trigger note_sync_relation_truncate', join_table);
end $$;
-- +goose StatementEnd

-- Makes the tables of the databases that have none, as far as their names are free, and says which are not. It can be called again, once they are.
-- +goose StatementBegin
create or replace function integration.make_act_tables() returns void language plpgsql set search_path = '' as $act$
declare
  kinds constant text[] := '{partners, projects, opportunities, organizations}';
  before constant jsonb := (select jsonb_agg(s order by kind, field) from integration.set_aside s);
  k text;
  r record;
begin
  delete from integration.set_aside;
  foreach k in array kinds loop
    if exists (select from pg_catalog.pg_trigger where tgrelid = to_regclass('public.' || k) and tgfoid = 'integration.note_sync_change()'::regprocedure) then
      continue; -- it is ours
    end if;
    insert into integration.set_aside (kind, reason)
      select k, format('The database has a table %s already, which this project did not create. Rename it, and run the migrations again.', string_agg(name, ' and '))
      from (values ('public.' || k), ('public.notion_' || k)) t (name) where to_regclass(name) is not null having count(*) > 0;
    if found then
      continue;
    end if;
    case k
    when 'partners' then
      create table public.partners (
        id uuid primary key default gen_random_uuid(),
        connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id) on delete cascade,
        name text,
        type text,
        category text,
        description text,
        contribution_type text,
        relationship_strength text,
        collaboration_focus text[],
        impact_story text,
        featured boolean not null default false,
        logo_url text,
        location text,
        established_date date,
        status text,
        archived_at timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      );
    when 'projects' then
      create table public.projects (
        id uuid primary key default gen_random_uuid(),
        connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id) on delete cascade,
        name text,
        description text,
        status text,
        area text,
        lead text,
        funding text,
        start_date date,
        end_date date,
        budget numeric,
        tags text[],
        featured boolean not null default false,
        archived_at timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      );
    when 'opportunities' then
      create table public.opportunities (
        id uuid primary key default gen_random_uuid(),
        connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id) on delete cascade,
        name text,
        description text,
        type text,
        stage text,
        amount numeric,
        probability numeric,
        deadline date,
        contact text,
        requirements text,
        tags text[],
        archived_at timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      );
    when 'organizations' then
      create table public.organizations (
        id uuid primary key default gen_random_uuid(),
        connection_id uuid not null default '00000000-0000-0000-0000-000000000001' references integration.connections (id) on delete cascade,
        name text,
        type text,
        description text,
        website text,
        contact text,
        location text,
        relationship_type text,
        active boolean not null default false,
        archived_at timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      );
    end case;
    call integration.keep_in_step(k, k, 'notion_' || k);
  end loop;
  for r in
    select * from (values
      ('partners', 'projects', 'partners_projects', 'partner_id', 'project_id'),
      ('partners', 'opportunities', 'partners_opportunities', 'partner_id', 'opportunity_id'),
      ('projects', 'opportunities', 'projects_opportunities', 'project_id', 'opportunity_id'),
      ('projects', 'organizations', 'projects_organizations', 'project_id', 'organization_id'),
      ('opportunities', 'organizations', 'opportunities_organizations', 'opportunity_id', 'organization_id')
    ) t (kind, field, join_table, from_column, to_column)
  loop
    if exists (select from pg_catalog.pg_trigger where tgrelid = to_regclass('public.' || r.join_table) and tgfoid = 'integration.note_sync_relation()'::regprocedure)
        or exists (select from integration.set_aside where kind = r.kind and field = '') then
      continue;
    end if;
    if exists (select from integration.set_aside where kind = r.field and field = '') then
      insert into integration.set_aside values (r.kind, r.field, format('It leads to %s, which are set aside.', r.field));
    elsif to_regclass('public.' || r.join_table) is not null then
      insert into integration.set_aside values (r.kind, r.field,
        format('The database has a table public.%s already, which this project did not create. Rename it, and run the migrations again.', r.join_table));
    else
      call integration.keep_relation_in_step(r.kind, r.field, r.join_table,
        r.kind, 'notion_' || r.kind, r.from_column, r.field, 'notion_' || r.field, r.to_column);
    end if;
  end loop;
  if before is distinct from (select jsonb_agg(s order by kind, field) from integration.set_aside s) then
    update integration.connections set version = version + 1; -- what functions remember of their settings is outdated
  end if;
end $act$;
-- +goose StatementEnd
