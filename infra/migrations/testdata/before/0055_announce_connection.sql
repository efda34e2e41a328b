-- Whoever listens is told of which connection the rows are that changed.

-- +goose Up
-- +goose StatementBegin
create or replace function announce_sync_changes() returns trigger language plpgsql set search_path = '' as $$
begin
  perform pg_notify('sync_changes', connection_id || ' ' || kind) from (select distinct connection_id, kind from added) changed;
  return null;
end $$;
-- +goose StatementEnd
