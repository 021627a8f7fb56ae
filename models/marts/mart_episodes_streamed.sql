{{ config(
    materialized='incremental',
    unique_key='tracking_id',
    on_schema_change='fail',
    pre_hook="{{ forget_changed_days('start_date', streamed_days_fresh(), streamed_days_kept()) }}",
    indexes=[
        {'columns': ['tracking_id'], 'unique': true},
        {'columns': ['session_id']},
        {'columns': ['session_start_date']},
    ]
) }}

with episode_starts as (

    select *
    from {{ ref('stg_tracking') }}
    where
        event_type = 'Episode starts'
        and {{ day_is_absent('tracked_at::date', 'start_date') }}

),

-- of all days: a session may have started before midnight
session_starts as (

    select
        session_id,
        tracked_at::date as session_start_date
    from {{ ref('stg_tracking') }}
    where event_type = 'Session starts'

)

select
    episode_starts.tracking_id,
    episode_starts.session_id,
    episode_starts.user_id,
    episode_starts.episode_id,
    episode_starts.platform,
    session_starts.session_start_date,
    episode_starts.tracked_at::date as start_date,
    episode_starts.tracked_at as start_time,
    episode_starts.ended_at as end_time,
    {{ minutes_between('episode_starts.tracked_at', 'episode_starts.ended_at') }} as watched_minutes,
    episode_starts.finished
from episode_starts
left join session_starts on episode_starts.session_id = session_starts.session_id
