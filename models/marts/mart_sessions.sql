{{ config(
    materialized='incremental',
    unique_key='session_id',
    on_schema_change='fail',
    pre_hook="{{ forget_changed_days('session_start_date', session_days_fresh(), session_days_kept()) }}",
    indexes=[
        {'columns': ['session_id'], 'unique': true},
        {'columns': ['user_id']},
        {'columns': ['session_start_date']},
    ]
) }}

with session_starts as (

    select *
    from {{ ref('stg_tracking') }}
    where
        event_type = 'Session starts'
        and {{ day_is_absent('tracked_at::date', 'session_start_date') }}

),

streamed as (

    select
        session_id,
        max(end_time) as last_end_time,
        count(*) as episodes_in_session,
        sum(watched_minutes) as minutes_watched
    from {{ ref('mart_episodes_streamed') }}
    where {{ day_is_absent('session_start_date', 'session_start_date') }}
    group by session_id

),

-- a session without episodes ends as it starts
sessions as (

    select
        session_starts.session_id,
        session_starts.user_id,
        session_starts.platform,
        session_starts.tracked_at as session_start_time,
        coalesce(streamed.last_end_time, session_starts.tracked_at) as session_end_time,
        coalesce(streamed.episodes_in_session, 0)::int as episodes_in_session,
        coalesce(streamed.minutes_watched, 0)::numeric(10, 4) as minutes_watched
    from session_starts
    left join streamed on session_starts.session_id = streamed.session_id

),

measured as (

    select
        *,
        {{ minutes_between('session_start_time', 'session_end_time') }} as session_duration_min
    from sessions

),

grouped as (

    select
        *,
        {{ duration_group_order('session_duration_min') }} as session_duration_group_order
    from measured

)

select
    session_id,
    user_id,
    platform,
    session_start_time::date as session_start_date,
    session_start_time,
    session_end_time,
    session_duration_min,
    {{ duration_group_label('session_duration_group_order') }} as session_duration_group,
    session_duration_group_order,
    episodes_in_session,
    episodes_in_session > 0 as is_streaming,
    minutes_watched
from grouped
