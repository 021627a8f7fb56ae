//! Text lines: `HH:MM:SS  message` on a console, with microseconds, level and thread in the debug form. Times are UTC.
use super::Stamped;
use super::entry::Entry;
use super::names;

/// A console line, without a line break. An answer has no time before it.
pub fn line(entry: &Entry, stamped: &Stamped, colours: bool) -> String {
    if entry.answer {
        return entry.msg.clone();
    }
    // dbt resets colours at the start of each line when it uses any.
    let reset = if colours { "\u{1b}[0m" } else { "" };
    format!("{reset}{}  {}", stamped.at.format("%H:%M:%S"), entry.msg)
}

/// A line of the debug form (`--log-format debug` and the log file), without a line break.
pub fn debug_line(entry: &Entry, stamped: &Stamped, invocation_id: &str, colours: bool) -> String {
    let reset = if colours { "\u{1b}[0m" } else { "" };
    let time = stamped.at.format("%H:%M:%S%.6f");
    let separator = if entry.event == names::MAIN_REPORT_VERSION {
        let bar = "=".repeat(30);
        format!("\n\n{bar} {time} | {invocation_id} {bar}\n")
    } else {
        String::new()
    };
    let thread: String = stamped.thread.chars().take(10).collect();
    format!(
        "{separator}{reset}{time} [{:<5}] [{thread:<10}]: {}",
        entry.level.as_str(),
        entry.msg
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::event::{Event, Level};

    fn stamped(thread: &str) -> Stamped {
        Stamped {
            at: "2024-01-02T03:04:05.678901Z".parse().unwrap(),
            thread: thread.to_string(),
            event: Event::NothingToDo,
        }
    }

    #[test]
    fn lines_have_a_time_and_answers_have_none() {
        let entry = Entry::new(names::FORMATTING, Level::Info, "hello\n  world");
        let at = stamped("MainThread");
        assert_eq!(line(&entry, &at, false), "03:04:05  hello\n  world");
        assert_eq!(line(&entry, &at, true), "\u{1b}[0m03:04:05  hello\n  world");
        assert_eq!(line(&entry.answer(), &at, true), "hello\n  world");
    }

    #[test]
    fn the_debug_form_pads_level_and_thread() {
        let entry = Entry::new(names::FORMATTING, Level::Warn, "x");
        assert_eq!(
            debug_line(&entry, &stamped("Thread-1 (worker)"), "id", false),
            "03:04:05.678901 [warn ] [Thread-1 (]: x"
        );
        let first = Entry::new(names::MAIN_REPORT_VERSION, Level::Info, "Running");
        insta::assert_snapshot!(debug_line(&first, &stamped("MainThread"), "id", false), @r"


        ============================== 03:04:05.678901 | id ==============================
        03:04:05.678901 [info ] [MainThread]: Running
        ");
    }
}
