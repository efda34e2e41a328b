-- What a person is to look at.

-- +goose Up
create table alerts (
  id uuid primary key,
  connection_id uuid not null references connections (id) on delete cascade,
  condition text not null check (condition in ('service_unavailable', 'high_error_rate', 'sync_failure', 'token_expiry',
    'dead_letters', 'stale_data', 'deletes_held', 'inconsistency')),
  subject text not null,
  message text not null,
  raised_at timestamptz not null,
  told_at timestamptz not null,
  resolved_at timestamptz,
  acknowledged_by text,
  acknowledged_at timestamptz,
  silenced_until timestamptz,
  check ((acknowledged_by is null) = (acknowledged_at is null))
);
create unique index alerts_one_open on alerts (connection_id, condition, subject) where resolved_at is null;
create index alerts_by_time on alerts (connection_id, raised_at desc);
comment on column alerts.told_at is 'When the last alert_raised event was made for it.';

alter table alerts enable row level security;
