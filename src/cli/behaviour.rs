//! dbt's behaviour flags: booleans that only the project's `flags:` block sets.

/// A behaviour flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Its name in the block.
    pub name: &'static str,
    /// What holds if it is not set.
    pub standard: bool,
    /// Whether dbt writes it to the `args` of its artefacts and shows it to templates.
    pub public: bool,
}

const fn flag(name: &'static str, standard: bool) -> Flag {
    Flag {
        name,
        standard,
        public: true,
    }
}

const fn adapter(name: &'static str, standard: bool) -> Flag {
    Flag {
        name,
        standard,
        public: false,
    }
}

/// All of them, as dbt-core 1.10 with its Postgres adapter has them.
pub const FLAGS: &[Flag] = &[
    flag("require_all_warnings_handled_by_warn_error", false),
    flag(
        "require_batched_execution_for_custom_microbatch_strategy",
        false,
    ),
    flag(
        "require_explicit_package_overrides_for_builtin_materializations",
        true,
    ),
    flag("require_generic_test_arguments_property", true),
    flag("require_nested_cumulative_type_params", false),
    flag("require_resource_names_without_spaces", true),
    flag("require_yaml_configuration_for_mf_time_spines", false),
    flag("skip_nodes_if_on_run_start_fails", false),
    flag("source_freshness_run_project_hooks", true),
    flag("state_modified_compare_more_unrendered_values", false),
    flag("state_modified_compare_vars", false),
    flag("validate_macro_args", false),
    adapter("require_event_names_in_deprecations", false),
    adapter("enable_truthy_nulls_equals_macro", false),
    adapter("postgres_skip_autocommit_transaction_statements", true),
];

/// The flag of a name.
pub fn find(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|f| f.name == name)
}
