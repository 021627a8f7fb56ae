//! What becomes of warnings: shown, silenced, or errors (`--warn-error`, `--warn-error-options`). People name warnings
//! by dbt's events; the table here says which event a code stands for.
use super::session::Session;
use crate::cli::{Fate, Flags};
use crate::diag::{Code, Diagnostic, Result, Severity, Sink, code};
use crate::report::{DbtEvent, Event, Reporter};

/// dbt's events that tell of something given up (`Deprecations`), with their codes.
const DEPRECATIONS: &[(&str, &str)] = &[
    ("PackageInstallPathDeprecation", "D002"),
    ("ConfigSourcePathDeprecation", "D003"),
    ("ConfigDataPathDeprecation", "D004"),
    ("ExposureNameDeprecation", "D007"),
    ("ConfigLogPathDeprecation", "D010"),
    ("ConfigTargetPathDeprecation", "D011"),
    ("CollectFreshnessReturnSignature", "D012"),
    ("ResourceNamesWithSpacesDeprecation", "D015"),
    ("ProjectFlagsMovedDeprecation", "D013"),
    ("UnexpectedJinjaBlockDeprecation", "D023"),
    ("DuplicateYAMLKeysDeprecation", "D024"),
    ("CustomKeyInObjectDeprecation", "D027"),
    ("CustomOutputPathInSourceFreshnessDeprecation", "D029"),
    ("WEOIncludeExcludeDeprecation", "D031"),
    ("ModelParamUsageDeprecation", "D032"),
    ("ModulesItertoolsUsageDeprecation", "D034"),
    ("SourceOverrideDeprecation", "D035"),
    (MISSING_ARGUMENTS, "D039"),
];

/// The event of arguments of a test that do not stand under `arguments:`.
const MISSING_ARGUMENTS: &str = "MissingArgumentsPropertyInGenericTestDeprecation";

/// dbt's event of a warning: its name, its code, and whether it is one of `Deprecations`.
fn event_of(d: &Diagnostic) -> Option<(DbtEvent, bool)> {
    let table: &[(Code, &'static str, &'static str)] = &[
        (code::S0504, "NoNodesForSelectionCriteria", "M030"),
        (code::S0509, "UnversionedBreakingChange", "I069"),
        (code::G0414, "DeprecatedModel", "I065"),
        (code::G0418, "DeprecatedReference", "I067"),
        (code::G0420, "MicrobatchModelNoEventTimeInputs", "I074"),
        (code::G0419, "UpcomingReferenceDeprecation", "I066"),
        (code::S0514, "WarnStateTargetEqual", "I072"),
        (code::S0515, "SeedExceedsLimitSamePath", "I053"),
        (code::S0516, "SeedExceedsLimitAndPathChanged", "I054"),
        (code::S0517, "SeedIncreased", "I052"),
        (code::G0416, "FreshnessConfigProblem", "I073"),
        (code::P0116, "InvalidConcurrentBatchesConfig", "I075"),
        (code::P0109, "UnusedResourceConfigPath", "I057"),
        (code::G0401, "NodeNotFoundOrDisabled", "I060"),
        (code::P0118, "InvalidMacroAnnotation", "I076"),
        (code::G0405, "NoNodeForYamlKey", "I058"),
        (code::J0305, "JinjaLogWarning", "I061"),
        (code::G0413, "SpacesInResourceNameDeprecation", "D014"),
        (code::T0701, "LogTestResult", "Q007"),
    ];
    if let Some((_, name, code)) = table.iter().find(|(c, ..)| *c == d.code) {
        return Some((DbtEvent { name, code }, false));
    }
    let named = d.event.or(match d.code {
        code::P0117 => Some("CollectFreshnessReturnSignature"),
        code::Y0204 => Some("CustomKeyInObjectDeprecation"),
        code::Y0202 => Some("DuplicateYAMLKeysDeprecation"),
        code::J0303 => Some("UnexpectedJinjaBlockDeprecation"),
        _ => None,
    })?;
    let (name, code) = DEPRECATIONS.iter().find(|(name, _)| *name == named)?;
    Some((DbtEvent { name, code }, true))
}

/// Whether the project asked not to hear of it: dbt looks for `arguments:` only where a behaviour flag says so.
fn is_moot(flags: &Flags, d: &Diagnostic) -> bool {
    d.event == Some(MISSING_ARGUMENTS)
        && !flags.behaviour("require_generic_test_arguments_property")
}

/// What the flags want done with a warning.
pub fn fate(flags: &Flags, d: &Diagnostic) -> Fate {
    // dbt tells of this one past its options for warnings, unless a behaviour flag brings it under them.
    if d.code == code::G0420 && !flags.behaviour("require_all_warnings_handled_by_warn_error") {
        return Fate::Warn;
    }
    let (name, deprecation) = event_of(d).map_or(("", false), |(e, dep)| (e.name, dep));
    if flags.warn_error {
        return Fate::Error;
    }
    flags.warn_error_options.fate(name, deprecation)
}

/// Tells warnings.
///
/// # Errors
/// Those that count as errors, all together.
pub fn tell(flags: &Flags, reporter: &Reporter, said: Vec<Diagnostic>) -> Result<()> {
    let mut sink = Sink::default();
    for d in said.into_iter().filter(|d| !is_moot(flags, d)) {
        let fate = match d.severity {
            Severity::Warning => fate(flags, &d),
            Severity::Error => Fate::Error,
            Severity::Note => Fate::Warn,
        };
        match fate {
            Fate::Silence => {}
            Fate::Warn => reporter.emit(match event_of(&d) {
                // Only what is named by its event is counted as dbt counts it; the rest is ours to tell each time.
                Some((dbt, true)) if d.event.is_some() => Event::Deprecation { dbt, diagnostic: d },
                named => Event::Diagnostic {
                    dbt: named.map(|(e, _)| e),
                    diagnostic: d,
                },
            }),
            Fate::Error => sink.push(as_error(d)),
        }
    }
    sink.finish().map(drop)
}

fn as_error(d: Diagnostic) -> Diagnostic {
    if d.is_error() {
        return d;
    }
    let heading = d.heading.clone().or(Some("Compilation Error".to_string()));
    let named = event_of(&d).map(|(e, _)| e.name);
    let d = Diagnostic {
        severity: Severity::Error,
        heading,
        ..d
    };
    match named {
        Some(name) => d.note(format!("a warning of the kind `{name}`, made an error by `--warn-error` or `--warn-error-options`")),
        None => d.note("a warning, made an error by `--warn-error` or `--warn-error-options`"),
    }
}

/// Tells what is odd about the command line and the project's `flags:`.
///
/// # Errors
/// Warnings that count as errors.
pub fn of_the_command_line(ctx: &Session) -> Result<()> {
    ctx.tell(ctx.invocation.warnings.clone())
}
