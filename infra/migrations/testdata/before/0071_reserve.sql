-- What is left to interactive functions is the spare, less what they have sent within the last minute, which comes free for them again, and
-- half of it at least: what they need now and then is there at once, and a backfill beside them spends nearly all of the budget.

-- +goose Up
-- Gives requests to a function and tells how many microseconds it has to wait before it sends them. It takes the place at the end of
-- those who wait; an interactive one need not wait as long as no minute comes to hold more than is allowed. Times are microseconds.
-- +goose StatementBegin
create or replace function take_notion_requests(
  connection uuid, chunk uuid, told uuid, ages bigint[], wanted integer, in_haste boolean, patience bigint,
  allowed integer, spare integer, period bigint, keep bigint, clock timestamptz
) returns bigint language plpgsql set search_path = '' as $$
declare
  moment constant interval := interval '1 microsecond';
  present timestamptz;
  beginning timestamptz;
  wait bigint;
begin
  perform from public.connections where id = connection for no key update; -- one at a time
  present := coalesce(clock, clock_timestamp());
  delete from public.notion_requests where connection_id = connection and (free_at <= present or chunk_id = told);
  insert into public.notion_requests (connection_id, chunk_id, interactive, requests, starts_at, free_at)
    select connection, told, in_haste, count(*), present - age * moment, present + (period - age) * moment
    from unnest(ages) age where age < period group by age;
  if wanted = 0 then
    return 0;
  end if;
  if in_haste then
    select present into beginning where wanted <= allowed - (
      select coalesce(max(held), 0) from (
        select (select sum(requests) from public.notion_requests r
          where r.connection_id = connection and r.starts_at <= t.at and r.free_at > t.at) as held
        from (select present union select starts_at from public.notion_requests where connection_id = connection and starts_at > present) t (at)
      ) each);
  else
    allowed := allowed - greatest((spare + 1) / 2, spare - (
      select coalesce(sum(requests), 0) from public.notion_requests where connection_id = connection and interactive));
  end if;
  if beginning is null then
    select greatest(present, max(starts_at)) into beginning from public.notion_requests where connection_id = connection;
    select min(t.at) into beginning
      from (select beginning union select free_at from public.notion_requests where connection_id = connection and free_at > beginning) t (at)
      where wanted <= allowed - (
        select coalesce(sum(requests), 0) from public.notion_requests r where r.connection_id = connection and r.free_at > t.at);
  end if;
  wait := extract(epoch from beginning - present) * 1000000;
  if wait <= patience then
    insert into public.notion_requests (connection_id, chunk_id, interactive, requests, starts_at, free_at)
      values (connection, chunk, in_haste, wanted, beginning, beginning + (keep + period) * moment);
  end if;
  return wait;
end $$;
-- +goose StatementEnd
