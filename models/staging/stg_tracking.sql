select
    tracking_id,
    tracking_time as tracked_at,
    type as event_type,
    session_id,
    target_id as episode_id,
    platform,
    user_id,
    (context ->> 'start_time')::timestamp as started_at,
    (context ->> 'end_time')::timestamp as ended_at,
    (context ->> 'finished')::boolean as finished
from {{ source('tv_one', 'tracking') }}
