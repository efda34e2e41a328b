-- Options that were renamed in Notion reach the rows without a listing of the database.

-- +goose Up
alter table sync_databases add column renames jsonb not null default '[]';
comment on column sync_databases.renames is 'Options that were renamed, as [{field, option, was, is}], until every record that has one has been looked at.';
