-- A circuit breaker recovers in steps, and stays open longer while the service stays away.

-- +goose Up
alter table breakers
  drop constraint breakers_status_check,
  drop constraint breakers_check,
  add constraint breakers_status_check check (status in ('closed', 'open', 'half_open')),
  add constraint breakers_check check ((status = 'closed') = (until is null)),
  add column cooldown interval not null default '0',
  add column step integer not null default 0,
  add column turn bigint not null default 0,
  add column granted integer not null default 0,
  add column good integer not null default 0,
  add column bad integer not null default 0;
comment on table breakers is 'open refuses calls until a time; half_open lets a few attempts through, more with each step that goes well (shared/breaker).';
comment on column breakers.until is 'While open: when the recovery begins. While half_open: when the step begins again, because nobody told how its attempts ended.';
comment on column breakers.cooldown is 'How long it was last opened for; each recovery that fails doubles it. Nothing while closed.';
comment on column breakers.turn is 'Counts the steps that have begun, so that a late outcome is not taken for one of the step under way.';
comment on column breakers.probe_until is 'No longer used.';
