with ordered as (

    select
        session_id,
        user_id,
        session_start_time,
        lag(session_end_time) over (partition by user_id order by session_start_time, session_id) as previous_end_time
    from {{ ref('mart_sessions') }}

)

select *
from ordered
where session_start_time < previous_end_time
