//! The names and codes that dbt gives to events, as observed in its JSON lines; tools match on them.
use super::event::DbtEvent;

macro_rules! names {
    ($($id:ident $name:literal $code:literal)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub const $id: DbtEvent = DbtEvent { name: $name, code: $code };
        )*
        #[cfg(test)]
        pub(crate) const ALL: &[DbtEvent] = &[$($id),*];
    };
}

names! {
    MAIN_REPORT_VERSION "MainReportVersion" "A001"
    MAIN_REPORT_ARGS "MainReportArgs" "A002"
    ADAPTER_REGISTERED "AdapterRegistered" "E034"
    FOUND_STATS "FoundStats" "W006"
    FORMATTING "Formatting" "Z017"
    NOTE "Note" "Z050"
    CONCURRENCY_LINE "ConcurrencyLine" "Q027"
    NOTHING_TO_DO "NothingToDo" "Q035"
    DEFAULT_SELECTOR "DefaultSelector" "M037"
    NO_NODES_SELECTED "NoNodesSelected" "Q038"
    NO_NODES_FOR_SELECTION_CRITERIA "NoNodesForSelectionCriteria" "M030"
    NODE_START "NodeStart" "Q024"
    NODE_FINISHED "NodeFinished" "Q025"
    NODE_COMPILING "NodeCompiling" "Q030"
    NODE_EXECUTING "NodeExecuting" "Q031"
    LOG_START_LINE "LogStartLine" "Q011"
    LOG_MODEL_RESULT "LogModelResult" "Q012"
    LOG_TEST_RESULT "LogTestResult" "Q007"
    LOG_SNAPSHOT_RESULT "LogSnapshotResult" "Q015"
    LOG_SEED_RESULT "LogSeedResult" "Q016"
    LOG_FRESHNESS_RESULT "LogFreshnessResult" "Q018"
    LOG_NODE_NO_OP_RESULT "LogNodeNoOpResult" "Q019"
    LOG_CANCEL_LINE "LogCancelLine" "Q022"
    LOG_HOOK_START_LINE "LogHookStartLine" "Q032"
    LOG_HOOK_END_LINE "LogHookEndLine" "Q033"
    SKIPPING_DETAILS "SkippingDetails" "Q034"
    LOG_SKIP_BECAUSE_ERROR "LogSkipBecauseError" "Z034"
    LOG_START_BATCH "LogStartBatch" "Q045"
    LOG_BATCH_RESULT "LogBatchResult" "Q046"
    GENERIC_EXCEPTION_ON_RUN "GenericExceptionOnRun" "W004"
    MARK_SKIPPED_CHILDREN "MarkSkippedChildren" "Z033"
    FINISHED_RUNNING_STATS "FinishedRunningStats" "E047"
    END_OF_RUN_SUMMARY "EndOfRunSummary" "Z030"
    RUN_RESULT_WARNING "RunResultWarning" "Z021"
    RUN_RESULT_FAILURE "RunResultFailure" "Z022"
    STATS_LINE "StatsLine" "Z023"
    RUN_RESULT_ERROR "RunResultError" "Z024"
    RUN_RESULT_ERROR_NO_MESSAGE "RunResultErrorNoMessage" "Z025"
    SQL_COMPILED_PATH "SQLCompiledPath" "Z026"
    CHECK_NODE_TEST_FAILURE "CheckNodeTestFailure" "Z027"
    RUN_RESULT_WARNING_MESSAGE "RunResultWarningMessage" "Z046"
    FRESHNESS_CHECK_COMPLETE "FreshnessCheckComplete" "Q003"
    SEED_HEADER "SeedHeader" "Q004"
    SHOW_NODE "ShowNode" "Q041"
    COMPILED_NODE "CompiledNode" "Q042"
    BUILDING_CATALOG "BuildingCatalog" "E044"
    CATALOG_WRITTEN "CatalogWritten" "E042"
    DEBUG_CMD_OUT "DebugCmdOut" "Z047"
    DEBUG_CMD_RESULT "DebugCmdResult" "Z048"
    RUNNING_OPERATION_CAUGHT_ERROR "RunningOperationCaughtError" "Q001"
    PRINT_EVENT "PrintEvent" "Z052"
    JINJA_LOG_WARNING "JinjaLogWarning" "I061"
    JINJA_LOG_INFO "JinjaLogInfo" "I062"
    JINJA_LOG_DEBUG "JinjaLogDebug" "I063"
    NEW_CONNECTION "NewConnection" "E005"
    CONNECTION_REUSED "ConnectionReused" "E006"
    ADAPTER_EVENT_DEBUG "AdapterEventDebug" "E001"
    WRITING_INJECTED_SQL "WritingInjectedSQLForNode" "Q029"
    CATCHABLE_EXCEPTION_ON_RUN "CatchableExceptionOnRun" "W002"
    END_RUN_RESULT "EndRunResult" "Q037"
    CONNECTION_USED "ConnectionUsed" "E015"
    SQL_QUERY "SQLQuery" "E016"
    SQL_QUERY_STATUS "SQLQueryStatus" "E017"
    ARTIFACT_WRITTEN "ArtifactWritten" "P001"
    MAIN_ENCOUNTERED_ERROR "MainEncounteredError" "Z002"
    COMMAND_COMPLETED "CommandCompleted" "Q039"
    DEPRECATIONS_SUMMARY "DeprecationsSummary" "D028"
}

#[cfg(test)]
mod tests {
    use super::ALL;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_stands_for_one_event() {
        let codes: BTreeSet<&str> = ALL.iter().map(|e| e.code).collect();
        assert_eq!(codes.len(), ALL.len());
        assert!(ALL.iter().all(|e| e.code.len() == 4));
    }
}
