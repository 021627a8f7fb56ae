-- How TV ONE's simulated households behave, beside what docs/simulation-results.md aims at:
--   psql … -f tests/tools/realism.sql
-- The upper bits of tracking_id are the day on which a session started.
\pset footer off
create temp view event as
select
    tracking_id, tracking_id >> 39 as day_nr, tracking_time as started, session_id, target_id, platform, user_id,
    (context ->> 'end_time')::timestamp as ended,
    (context ->> 'finished')::boolean as finished
from tv_one.tracking;
create temp table facts as select * from event;
create index on facts (session_id);
analyze facts;
create temp table session as
select
    f.session_id, f.user_id, f.day_nr, f.started, f.platform,
    count(e.tracking_id) as episodes,
    coalesce(sum(extract(epoch from e.ended - e.started)) / 60, 0) as minutes,
    greatest(f.started, max(e.ended)) as ended
from facts f
left join facts e on e.session_id = f.session_id and e.target_id is not null
where f.target_id is null
group by 1, 2, 3, 4, 5;
analyze session;
create temp view span as select max(day_nr) + 1 as days, (select count(*) from tv_one.users) as users from facts;

select 'rows' as figure, (select count(*) from facts)::text as observed
union all select 'minutes per account and day', round((select sum(minutes) from session)::numeric / users / days, 1)::text from span
union all select 'active on a day, % of accounts', round(100.0 * (select count(distinct (user_id, day_nr)) from session) / users / days, 1)::text from span
union all select 'active in the first week, %', round(100.0 * (select count(distinct user_id) from session where day_nr < 7) / users, 1)::text from span
union all select 'active in two weeks, %', round(100.0 * (select count(distinct user_id) from session where day_nr < 14) / users, 1)::text from span
union all select 'minutes of sessions with episodes, p10 / median / p90', (select string_agg(round(p::numeric)::text, ' / ') from unnest((select percentile_cont(array[0.1, 0.5, 0.9]) within group (order by minutes) from session where episodes > 0)) p)
union all select 'minutes of sessions with episodes, mean by segment, from / to', (select round(min(m)::numeric, 1) || ' / ' || round(max(m)::numeric, 1) from (select avg(minutes) as m from session join tv_one.users using (user_id) where episodes > 0 group by segment_id) x)
union all select 'sessions without episodes, %', round(100.0 * count(*) filter (where episodes = 0) / count(*), 2)::text from session
union all select 'the same on the last day, %', round(100.0 * count(*) filter (where episodes = 0) / count(*), 2)::text from session where day_nr = (select days - 1 from span)
union all select 'the same by platform, fewest / most, %', (select round(min(p), 1) || ' / ' || round(max(p), 1) from (select 100.0 * avg((episodes = 0)::int) as p from session group by platform) x)
union all select 'households with nine empty sessions in a row', (select count(distinct user_id)::text from (select user_id, episodes, max(episodes) over (partition by user_id order by started rows 8 preceding) as most, row_number() over (partition by user_id order by started) as n from session) x where most = 0 and n > 8)
union all select 'episodes a session', round(avg(episodes), 2)::text from session
union all select 'episodes finished, %', round(100.0 * avg(finished::int), 1)::text from facts where target_id is not null
union all select 'sessions that start 17-24, %', round(100.0 * avg((extract(hour from started) between 17 and 23)::int), 1)::text from session
union all select 'episode starts on weekend days, % (of days)', round(100.0 * avg((extract(isodow from date '2025-01-01' + day_nr::int) > 5)::int), 1) || ' (' || round(100.0 * (select count(*) filter (where extract(isodow from date '2025-01-01' + d) > 5)::numeric / count(*) from span, generate_series(0, days::int - 1) d), 1) || ')' from facts where target_id is not null
union all select 'starts of the most watched tenth of episodes, %', (with n as (select target_id, count(*) as n from facts where target_id is not null group by 1), r as (select n, ntile(10) over (order by n desc) as t from n) select round(100.0 * sum(n) filter (where t = 1) / sum(n), 1)::text from r)
union all select 'sessions that run past midnight, %', round(100.0 * avg((ended::date > started::date)::int), 1)::text from session
union all select 'sessions of a household that overlap', (select count(*)::text from (select started, lag(ended) over (partition by user_id order by started) as before from session) x where before > started)
union all select 'largest number of sessions at one second, against the mean of such seconds', (select max(n) || ' / ' || round(avg(n), 2) from (select started, count(*) as n from session group by 1) x)
union all select 'minutes per account and day, first / last three days', (select round((sum(minutes) filter (where day_nr < 3))::numeric / users / 3, 1) || ' / ' || round((sum(minutes) filter (where day_nr >= days - 3))::numeric / users / 3, 1) from session, span group by users)
union all select 'sessions a day by segment, fewest / most (of active households)', (select round(min(n), 2) || ' / ' || round(max(n), 2) from (select segment_id, count(*)::numeric / count(distinct (user_id, day_nr)) as n from session join tv_one.users using (user_id) group by 1) x)
union all select 'households by size 1 / 2 / 3 and more, %', (select round(100.0 * avg((household_size = 1)::int)) || ' / ' || round(100.0 * avg((household_size = 2)::int)) || ' / ' || round(100.0 * avg((household_size > 2)::int)) from tv_one.users)
union all select 'households with children below five, %', (select round(100.0 * avg(children_under5::int), 1)::text from tv_one.users)
union all select 'segments in use', (select count(distinct segment_id)::text from tv_one.users)
union all select 'regions: Hovedstaden / Midtjylland / Syddanmark / Sjælland / Nordjylland, %', (select string_agg(round(100.0 * n / sum, 1)::text, ' / ' order by array_position(array['Hovedstaden', 'Midtjylland', 'Syddanmark', 'Sjælland', 'Nordjylland'], region)) from (select region, count(*) as n, sum(count(*)) over () as sum from tv_one.users group by 1) x)
union all select 'ids that are not unique', (select (count(*) - count(distinct tracking_id))::text from facts)
union all select 'starts of a later season before any of an earlier one (same household and program)', (select count(*)::text from (select f.user_id, e.program_id, s.season, f.started, min(s.season) over (partition by f.user_id, e.program_id order by f.started, f.tracking_id) as least from facts f join tv_one.episodes e on e.episode_id = f.target_id join tv_one.seasons s using (season_id)) x where least > 1);
