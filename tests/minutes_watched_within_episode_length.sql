-- a second is allowed for times that were rounded
select
    streamed.tracking_id,
    streamed.watched_minutes,
    episodes.duration
from {{ ref('mart_episodes_streamed') }} as streamed
inner join {{ ref('dim_episodes') }} as episodes on streamed.episode_id = episodes.episode_id
where
    streamed.watched_minutes < 0
    or streamed.end_time - streamed.start_time > episodes.duration + interval '1 second'
