select
    platform,
    count(*) as sessions,
    count(*) filter (where is_streaming) as streaming_sessions,
    {{ ratio('count(*) filter (where is_streaming)', 'count(*)') }} as streaming_pct,
    count(distinct user_id) as active_users,
    sum(minutes_watched) as minutes_watched
from {{ ref('mart_sessions') }}
group by platform
