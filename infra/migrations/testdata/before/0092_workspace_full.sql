-- Workspaces that take no more pages: what is to be created there waits, everything else goes on.

-- +goose Up
create table workspace_full (
  connection_id uuid primary key references connections (id) on delete cascade,
  reason text not null,
  since timestamptz not null default now(),
  probed_by uuid
);
comment on table workspace_full is 'Notion has no room for more pages of the connection. Records that wait for room have the same reason in sync_errors.';
comment on column workspace_full.probed_by is 'The run that last tried whether there is room again: one attempt a run.';
alter table workspace_full enable row level security;

-- The conditions are listed in shared/alert, where each has its title and its rule. A list here as well would have to follow it.
alter table alerts drop constraint alerts_condition_check;
alter table alerts add constraint alerts_condition_check check (condition ~ '^[a-z_]+$');
