select
    segment_id,
    segment_key,
    segment_name,
    segment_description,
    activity_level,
    child_focus,
    kids_content_share,
    (preferred_platform_weights ->> 'TV')::numeric as tv_share,
    (preferred_platform_weights ->> 'Mobile')::numeric as mobile_share,
    (preferred_platform_weights ->> 'Tablet')::numeric as tablet_share,
    (avg_daily_minutes_weekday ->> 'mean')::int as weekday_minutes,
    (avg_daily_minutes_weekend ->> 'mean')::int as weekend_minutes,
    (avg_session_minutes ->> 'mean')::int as session_minutes
from {{ ref('stg_segmentation') }}
