-- A table that is kept in step may have columns of types without an equality, such as json: what a row is is compared byte by byte. So a citext of
-- which only the letters' case was changed counts as changed, too.

-- +goose Up
-- +goose StatementBegin
create or replace function note_sync_change() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('integration.origin', true) = 'sync' then
    return null;
  end if;
  if tg_op <> 'INSERT' then
    if tg_op = 'UPDATE' and old operator(pg_catalog.*=) new then
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
