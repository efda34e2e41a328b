-- A row trigger cannot compare whole rows of a table that has a generated column, and a dump of such a table cannot be restored: the function
-- compares them.

-- +goose Up
-- +goose StatementBegin
create or replace function touch_updated_at() returns trigger language plpgsql set search_path = '' as $$
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

-- +goose StatementBegin
do $$
declare
  kept regclass;
begin
  for kept in
    select tgrelid::regclass from pg_trigger
    where tgname = 'touch_updated_at' and tgfoid = 'public.touch_updated_at()'::regprocedure and tgqual is not null
  loop
    execute format('create or replace trigger touch_updated_at before update on %s for each row execute function public.touch_updated_at()', kept);
  end loop;
  execute replace(pg_get_functiondef('public.keep_in_step(text, text, text)'::regprocedure), ' when (old.* is distinct from new.*)', '');
end $$;
-- +goose StatementEnd
