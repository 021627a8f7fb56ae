with sessions as (

    select
        session_start_date,
        count(*) as sessions,
        count(*) filter (where is_streaming) as streaming_sessions,
        count(distinct user_id) as active_users
    from {{ ref('mart_sessions') }}
    group by session_start_date

),

streamed as (

    select
        session_start_date,
        count(*) as episodes_watched,
        count(*) filter (where finished) as episodes_watched_to_end,
        sum(watched_minutes) as minutes_watched
    from {{ ref('mart_episodes_streamed') }}
    group by session_start_date

),

-- every day of the period, also one without a session
days as (

    select dates.date_actual
    from {{ ref('dim_date') }} as dates
    where
        dates.date_actual >= (select min(sessions.session_start_date) from sessions)
        and dates.date_actual <= (select max(sessions.session_start_date) from sessions)

),

joined as (

    select
        joined_on,
        count(*) as users
    from {{ ref('dim_users') }}
    group by joined_on

),

households as (

    select
        days.date_actual,
        coalesce(sum(joined.users), 0)::bigint as users
    from days
    left join joined on days.date_actual >= joined.joined_on
    group by days.date_actual

)

select
    households.date_actual,
    coalesce(sessions.sessions, 0) as sessions,
    coalesce(sessions.streaming_sessions, 0) as streaming_sessions,
    {{ ratio('sessions.streaming_sessions', 'sessions.sessions') }} as streaming_pct,
    coalesce(streamed.episodes_watched, 0) as episodes_watched,
    coalesce(streamed.episodes_watched_to_end, 0) as episodes_watched_to_end,
    coalesce(streamed.minutes_watched, 0) as minutes_watched,
    {{ ratio('streamed.minutes_watched', 'sessions.streaming_sessions') }} as minutes_per_streaming_session,
    coalesce(sessions.active_users, 0) as active_users,
    households.users,
    {{ ratio('sessions.active_users', 'households.users') }} as active_users_pct
from households
left join sessions on households.date_actual = sessions.session_start_date
left join streamed on households.date_actual = streamed.session_start_date
