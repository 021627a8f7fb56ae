//! dbt's events for warnings: people name them to silence a warning or to make it an error, and tools read them.
//!
//! Names, codes and groups are those of dbt-core 1.10.

/// How dbt treats a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Under the options for warnings.
    Plain,
    /// One of the group `Deprecations`: shown once for each kind, counted at the end.
    Deprecation,
    /// A deprecation that dbt looks for only when a variable of its developers is set. tv1 tells of it, since the
    /// advice is good; it fails a command only where it is named.
    Unasked,
    /// Told past the options, unless the flag `require_all_warnings_handled_by_warn_error` brings it under them.
    Told,
}

/// One of dbt's events.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// Its code.
    pub code: &'static str,
    /// How dbt treats it.
    pub kind: Kind,
}

/// The event of this name, if it is one that tells a warning.
pub fn find(name: &str) -> Option<&'static Event> {
    EVENTS.iter().find(|e| e.name == name)
}

macro_rules! events {
    ($($kind:ident { $($name:ident $code:ident)* })*) => {
        const EVENTS: &[Event] = &[$($(
            Event { name: stringify!($name), code: stringify!($code), kind: Kind::$kind },
        )*)*];
    };
}

events! {
    Deprecation {
        PackageRedirectDeprecation D001
        PackageInstallPathDeprecation D002
        ConfigSourcePathDeprecation D003
        ConfigDataPathDeprecation D004
        ExposureNameDeprecation D007
        ConfigLogPathDeprecation D010
        ConfigTargetPathDeprecation D011
        CollectFreshnessReturnSignature D012
        ProjectFlagsMovedDeprecation D013
        ResourceNamesWithSpacesDeprecation D015
        PackageMaterializationOverrideDeprecation D016
        SourceFreshnessProjectHooksNotRun D017
        MFTimespineWithoutYamlConfigurationDeprecation D018
        MFCumulativeTypeParamsDeprecation D019
        MicrobatchMacroOutsideOfBatchesDeprecation D020
        UnexpectedJinjaBlockDeprecation D023
        DuplicateYAMLKeysDeprecation D024
        CustomOutputPathInSourceFreshnessDeprecation D029
        WEOIncludeExcludeDeprecation D031
        ModelParamUsageDeprecation D032
        ModulesItertoolsUsageDeprecation D034
        ArgumentsPropertyInGenericTestDeprecation D038
        MissingArgumentsPropertyInGenericTestDeprecation D039
    }
    Unasked {
        CustomKeyInObjectDeprecation D027
        SourceOverrideDeprecation D035
    }
    Plain {
        SpacesInResourceNameDeprecation D014
        UnusedResourceConfigPath I051
        SeedIncreased I052
        SeedExceedsLimitSamePath I053
        SeedExceedsLimitAndPathChanged I054
        UnusedTables I056
        WrongResourceSchemaFile I057
        NoNodeForYamlKey I058
        MacroNotFoundForPatch I059
        NodeNotFoundOrDisabled I060
        JinjaLogWarning I061
        DeprecatedModel I065
        UpcomingReferenceDeprecation I066
        DeprecatedReference I067
        UnsupportedConstraintMaterialization I068
        UnversionedBreakingChange I071
        WarnStateTargetEqual I072
        FreshnessConfigProblem I073
        InvalidConcurrentBatchesConfig I075
        InvalidMacroAnnotation I076
        ValidationWarning I009
        SnapshotTimestampWarning Q043
        LogTestResult Q007
        NothingToDo Q035
        DepsUnpinned M029
        NoNodesForSelectionCriteria M030
        DepsScrubbedPackageName M035
    }
    Told {
        MicrobatchModelNoEventTimeInputs I074
    }
}
