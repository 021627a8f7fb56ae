//! The reporter as a whole: threads, formats, masks, the log file, readers that go away.
use super::*;
use crate::outcome::Status;
use crate::report::options::FileOptions;
use crate::report::testing::{model, outcome, summary};
use indicatif::InMemoryTerm;
use serde_json::Value;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn line(text: &str) -> Event {
    Event::Line {
        level: Level::Info,
        text: text.to_string(),
        dbt: None,
    }
}

fn reporter(options: Options) -> (Reporter, Shared) {
    let out = Shared::default();
    let masks = Masks::default();
    let r = Reporter::start_to(options, masks, Box::new(out.clone()), None, 80).unwrap();
    (r, out)
}

#[test]
fn everything_said_before_finish_is_written() {
    let (r, out) = reporter(Options::new("id"));
    let threads: Vec<_> = (0..4)
        .map(|t| {
            let r = r.clone();
            std::thread::spawn(move || (0..50).for_each(|i| r.emit(line(&format!("{t}-{i}")))))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    r.finish();
    let text = out.text();
    assert_eq!(text.lines().count(), 200);
    assert!(text.lines().all(|l| l.as_bytes()[8..10] == *b"  "));
}

#[test]
fn secrets_are_masked_on_the_console_in_json_and_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        format: Format::Json,
        file: Some(FileOptions::new(folder.path())),
        ..Options::new("id")
    };
    let (r, out) = reporter(options);
    r.masks().add("s3cret");
    r.emit(Event::Print {
        text: "the s3cret is out".to_string(),
        node: None,
    });
    r.emit(Event::Sql {
        connection: "master".to_string(),
        node: None,
        text: "create user x password 's3cret'".to_string(),
    });
    r.finish();
    let console: Value = serde_json::from_str(out.text().trim()).unwrap();
    assert_eq!(console["data"]["msg"], "the ***** is out");
    assert_eq!(console["info"]["name"], "PrintEvent");
    let file = std::fs::read_to_string(folder.path().join("dbt.log")).unwrap();
    assert!(
        file.contains("password '*****'") && !file.contains("s3cret"),
        "{file}"
    );
}

#[test]
fn the_file_has_everything_without_colours() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        colours: true,
        file: Some(FileOptions::new(folder.path())),
        ..Options::new("run-id")
    };
    let (r, out) = reporter(options.quiet());
    r.emit(Event::Started {
        command: "run".to_string(),
        args: serde_json::Map::new(),
    });
    r.emit(Event::QueryCancelled {
        connection: "c".to_string(),
    });
    r.finish();
    assert!(out.text().contains("[\u{1b}[31mCANCEL\u{1b}[0m]"));
    assert_eq!(out.text().lines().count(), 1);
    let file = std::fs::read_to_string(folder.path().join("dbt.log")).unwrap();
    assert!(file.contains("| run-id ="));
    assert!(
        file.contains("[debug]") && file.contains("[CANCEL]"),
        "{file}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_printing_only() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        file: Some(FileOptions::new(folder.path())),
        ..Options::new("id")
    };
    let r = Reporter::start_to(options, Masks::default(), Box::new(Gone), None, 80).unwrap();
    assert!(!r.is_closed());
    r.emit(line("one"));
    r.emit(line("two"));
    r.finish();
    assert!(r.is_closed());
    let file = std::fs::read_to_string(folder.path().join("dbt.log")).unwrap();
    assert_eq!(file.lines().count(), 2);
}

#[test]
fn a_terminal_gets_progress_and_closing_words_and_a_pipe_gets_neither() {
    let shown = |terminal: bool| {
        let out = Shared::default();
        let term = InMemoryTerm::new(20, 80);
        let target = terminal.then(|| ProgressDrawTarget::term_like(Box::new(term.clone())));
        let options = Options {
            terminal,
            ..Options::new("id")
        };
        let r = Reporter::start_to(options, Masks::default(), Box::new(out.clone()), target, 80)
            .unwrap();
        r.emit(Event::Started {
            command: "build".to_string(),
            args: serde_json::Map::new(),
        });
        r.emit(Event::NodeStarted {
            node: model("orders", "table"),
            index: 1,
            total: 2,
        });
        let mut drawn = String::new();
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(20));
            drawn = term.contents();
            if !drawn.is_empty() {
                break;
            }
        }
        let results = vec![(
            model("orders", "table"),
            outcome(Status::Success, "SELECT 1", 0.1),
        )];
        r.emit(Event::Finished(Arc::new(summary(results))));
        r.finish();
        assert_eq!(term.contents(), "", "the progress is taken away");
        (out.text(), drawn)
    };
    let (text, drawn) = shown(true);
    assert!(drawn.contains("0 of 2 done, 1 running"), "{drawn}");
    assert!(text.contains("`tv1 docs`"), "{text}");
    let (text, drawn) = shown(false);
    assert!(drawn.is_empty() && !text.contains("`tv1 docs`"));
    assert!(text.trim_end().ends_with("TOTAL=1"));
}

#[test]
fn a_recording_reporter_keeps_events_in_order() {
    let (r, recording) = Reporter::recording();
    r.emit(line("a"));
    r.emit(line("b"));
    r.finish();
    let texts: Vec<String> = recording
        .events()
        .into_iter()
        .map(|e| match e {
            Event::Line { text, .. } => text,
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["a", "b"]);
    assert!(recording.events().is_empty());
}
