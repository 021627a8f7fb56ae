//! The built-in macros that are done in Rust: the materializations and what each of them calls.
//!
//! Names are looked up as ever, so a macro of the project or of a package takes the place of any of these, and of any
//! that these call. The text of each stands in `builtin` all the same: it is what the manifest and the documentation
//! show, and what people start from who write their own. `safety::options` runs both and compares.
mod call;
mod dispatch;
mod helpers;
mod incremental;
mod materialized_view;
mod seed;
mod snapshot;
mod statement;
mod swap;
mod tests;

use super::scope::Inner;
pub(super) use call::Call;
pub(super) use helpers::suffixed;
use minijinja::value::{Kwargs, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, State};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// What a macro does; its value is what the macro would return or print.
type Body = fn(&mut Call<'_, '_, '_>) -> Result<Value, Error>;

/// The bodies by name of the macro; all of them belong to the built-in packages.
static BODIES: LazyLock<HashMap<&'static str, Body>> = LazyLock::new(|| {
    let lists: [&[(&'static str, Body)]; 5] = [
        statement::BODIES,
        materialized_view::BODIES,
        helpers::BODIES,
        &dispatch::BODIES,
        MATERIALIZATIONS,
    ];
    lists.into_iter().flatten().copied().collect()
});

const MATERIALIZATIONS: &[(&str, Body)] = &[
    ("materialization_view_default", swap::view),
    ("materialization_table_default", swap::table),
    (
        "materialization_incremental_default",
        incremental::incremental,
    ),
    (
        "materialization_materialized_view_default",
        materialized_view::materialized_view,
    ),
    ("materialization_snapshot_default", snapshot::snapshot),
    ("materialization_seed_default", seed::seed),
    ("materialization_test_default", tests::data_test),
    ("materialization_unit_default", tests::unit_test),
];

/// The id of the macro that filters the rows of a test, if nothing takes its place.
pub(super) const WHERE_SUBQUERY: &str = "macro.dbt.default__get_where_subquery";

/// A macro done in Rust, within one render.
struct Native {
    inner: Arc<Inner>,
    body: Body,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<macro>")
    }
}

impl Object for Native {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (given, named): (&[Value], Kwargs) = from_args(args)?;
        let caller = named.peek::<Option<Value>>("caller")?;
        (self.body)(&mut Call::new(&self.inner, state, given, caller))
    }
}

/// The body of a macro in Rust, if it has one: `unique_id` is the macro's.
pub(super) fn native(inner: &Arc<Inner>, unique_id: &str) -> Option<Value> {
    let own = unique_id.strip_prefix("macro.")?;
    let of = |package: &str| own.strip_prefix(package)?.strip_prefix('.');
    let name = crate::builtin::PACKAGES.into_iter().find_map(of)?;
    let body = *BODIES.get(name)?;
    Some(Value::from_object(Native {
        inner: inner.clone(),
        body,
    }))
}
