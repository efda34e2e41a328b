-- A record whose row somebody else has locked waits: nothing is wrong with it.

-- +goose Up
alter table sync_errors add column waits boolean not null default false;
comment on column sync_errors.waits is 'The row is locked by another transaction. It is tried again soon, and does not count as refused.';
