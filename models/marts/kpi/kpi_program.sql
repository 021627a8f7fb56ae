-- A session counts once for each program that was watched in it, a user likewise.
with per_session as (

    select
        episodes.program_id,
        streamed.user_id,
        streamed.session_id,
        count(*) as episodes_watched,
        count(*) filter (where streamed.finished) as episodes_watched_to_end,
        sum(streamed.watched_minutes) as minutes_watched
    from {{ ref('mart_episodes_streamed') }} as streamed
    inner join {{ ref('dim_episodes') }} as episodes on streamed.episode_id = episodes.episode_id
    group by episodes.program_id, streamed.user_id, streamed.session_id

),

per_user as (

    select
        program_id,
        user_id,
        count(*) as sessions,
        sum(episodes_watched) as episodes_watched,
        sum(episodes_watched_to_end) as episodes_watched_to_end,
        sum(minutes_watched) as minutes_watched
    from per_session
    group by program_id, user_id

),

per_program as (

    select
        program_id,
        count(*) as active_users,
        sum(sessions)::bigint as sessions,
        sum(episodes_watched)::bigint as episodes_watched,
        sum(episodes_watched_to_end)::bigint as episodes_watched_to_end,
        sum(minutes_watched) as minutes_watched
    from per_user
    group by program_id

)

select
    programs.program_id,
    programs.title,
    programs.category,
    programs.image,
    coalesce(per_program.sessions, 0) as sessions,
    coalesce(per_program.active_users, 0) as active_users,
    coalesce(per_program.episodes_watched, 0) as episodes_watched,
    coalesce(per_program.episodes_watched_to_end, 0) as episodes_watched_to_end,
    coalesce(per_program.minutes_watched, 0) as minutes_watched,
    {{ danish_duration('coalesce(per_program.minutes_watched, 0)') }} as watched_time,
    row_number() over (
        order by coalesce(per_program.minutes_watched, 0) desc, programs.program_id
    ) as minutes_rank
from {{ ref('dim_programs') }} as programs
left join per_program on programs.program_id = per_program.program_id
