select
    segment_id,
    segment_key,
    name as segment_name,
    description as segment_description,
    activity_level,
    child_focus,
    kids_content_share,
    preferred_platform_weights,
    weekday_time_windows,
    weekend_time_windows,
    avg_daily_minutes_weekday,
    avg_daily_minutes_weekend,
    avg_session_minutes
from {{ ref('segmentation') }}
