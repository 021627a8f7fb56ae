-- straight from the source's JSON, not by way of staging
with source as (

    select
        count(*) as episodes,
        coalesce(sum({{ minutes_between('tracking_time', "(context ->> 'end_time')::timestamp") }}), 0) as minutes
    from {{ source('tv_one', 'tracking') }}
    where type = 'Episode starts'

),

streamed as (

    select
        count(*) as episodes,
        coalesce(sum(watched_minutes), 0) as minutes
    from {{ ref('mart_episodes_streamed') }}

),

sessions as (

    select
        coalesce(sum(episodes_in_session), 0) as episodes,
        coalesce(sum(minutes_watched), 0) as minutes
    from {{ ref('mart_sessions') }}

)

select
    source.episodes as source_episodes,
    streamed.episodes as streamed_episodes,
    sessions.episodes as session_episodes,
    source.minutes as source_minutes,
    streamed.minutes as streamed_minutes,
    sessions.minutes as session_minutes
from source
cross join streamed
cross join sessions
where
    (source.episodes, source.minutes) <> (streamed.episodes, streamed.minutes)
    or (source.episodes, source.minutes) <> (sessions.episodes, sessions.minutes)
