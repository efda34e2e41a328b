-- An event says to which trace it belongs, so that the log lines and spans around it can be found. It is shown to callers of GET /events, and
-- sent to nobody.

-- +goose Up
alter table integration_events add column trace_id text;
comment on column integration_events.trace_id is 'The trace, by W3C trace context, in which it happened; null outside of one.';
