-- A write to Notion may be one of two that bring a record back: until the other is made as well the row is away, and nobody has deleted it.

-- +goose Up
alter table sync_intents add column row_returns boolean not null default false;
comment on column sync_intents.row_returns is 'Whether the row was away, and is to return once the write was made.';
