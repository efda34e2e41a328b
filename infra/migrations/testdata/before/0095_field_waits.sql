-- A value that one side cannot hold keeps its field, and no other, out of step.

-- +goose Up
alter table sync_errors add column fields jsonb not null default '{}';
comment on column sync_errors.fields is 'The fields that wait, each with the side that cannot hold its value and the reason; empty where the whole record waits.';
