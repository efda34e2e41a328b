-- Circuit breakers, shared by all functions.

-- +goose Up
create table breakers (
  connection_id uuid not null references connections (id) on delete cascade,
  service text not null check (length(service) between 1 and 300),
  status text not null check (status in ('closed', 'open')),
  opened_at timestamptz,
  until timestamptz,
  probe_until timestamptz,
  reset_at timestamptz,
  openings bigint not null default 0,
  primary key (connection_id, service),
  check ((status = 'open') = (until is not null))
);
comment on table breakers is 'open until a time refuses calls; after it one probe at a time is let through (half open), which closes it or opens it again.';
comment on column breakers.probe_until is 'Whoever set it may probe until then.';
comment on column breakers.reset_at is 'When somebody closed it by hand: functions forget what they counted before.';

alter table breakers enable row level security;
