select
    session_duration_group_order || '-' || platform as session_length_key,
    session_duration_group,
    session_duration_group_order,
    platform,
    count(*) as sessions,
    count(distinct user_id) as active_users,
    sum(minutes_watched) as minutes_watched
from {{ ref('mart_sessions') }}
group by session_duration_group, session_duration_group_order, platform
