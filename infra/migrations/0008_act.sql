-- The four ACT databases: the tables that the platform works with, as shared/sync/mapping/act.json names them. A table of such a name that is there
-- already is somebody else's: its database is set aside, and nothing is changed in it.

-- +goose Up
create trigger announce_sync_changes after insert on integration.sync_changes referencing new table as added
  for each statement execute function integration.announce_sync_changes();

select integration.make_act_tables();
