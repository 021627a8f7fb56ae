with source as (

    select
        count(*) as sessions,
        count(distinct user_id) as active_users
    from {{ source('tv_one', 'tracking') }}
    where type = 'Session starts'

),

mart as (

    select
        count(*) as sessions,
        count(distinct user_id) as active_users
    from {{ ref('mart_sessions') }}

)

select
    source.sessions as source_sessions,
    mart.sessions as mart_sessions,
    source.active_users as source_active_users,
    mart.active_users as mart_active_users
from source
cross join mart
where (source.sessions, source.active_users) <> (mart.sessions, mart.active_users)
