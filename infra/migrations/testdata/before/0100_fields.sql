-- A field is held by one property and one column. Another of the same name is another: what both sides had of the field no longer counts.

-- +goose Up
alter table sync_databases
  add column columns jsonb not null default '{}',
  add column learning text[] not null default '{}';
comment on column sync_databases.columns is 'Field to column: the table and the number of the column in it. A column that was dropped and made again has another number.';
comment on column sync_databases.learning is 'Fields that came into step and have to be read from every page once: the next listing is of the whole database.';
