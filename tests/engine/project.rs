//! Small projects in a folder and a database of their own, for the real program.
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tv1::pg::Cell;
use tv1::server::scratch::{self, ScratchDb};

/// A project; folder and database go with the value.
pub struct Project {
    folder: TempDir,
    db: ScratchDb,
}

/// How a run of the program ended.
pub struct Ended {
    /// Exit code.
    pub code: i32,
    /// What it wrote to stdout and stderr.
    pub said: String,
}

impl Ended {
    /// Fails unless the exit code is this one and every word stands in what was said.
    #[track_caller]
    pub fn expect(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "exit code; it said:\n{}", self.said);
        for word in words {
            assert!(
                self.said.contains(word),
                "`{word}` is missing in:\n{}",
                self.said
            );
        }
        self
    }
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ended {
        code: output.status.code().unwrap(),
        said: text(&output.stdout) + &text(&output.stderr),
    }
}

impl Project {
    /// A project named `shop` with these files beside its project file.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self::empty(files);
        if files.iter().all(|(path, _)| *path != "dbt_project.yml") {
            let text = "name: shop\nversion: \"1.0\"\nprofile: shop\n";
            project.write("dbt_project.yml", text);
        }
        project
    }

    /// A folder with these files alone.
    pub fn empty(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: TempDir::new().unwrap(),
            db: scratch::database(),
        };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A copy of a project of this repository.
    pub fn copy(folder: &str) -> Self {
        fn copy(from: &Path, to: &Path) {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let (from, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
                let written = ["target", "logs", ".tv1"].iter().any(|w| name == *w);
                if from.is_dir() && !written {
                    copy(&from, &to.join(name));
                } else if from.is_file() {
                    fs::copy(&from, to.join(name)).unwrap();
                }
            }
        }
        let project = Self::empty(&[]);
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        copy(&from, project.folder());
        project
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The project's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What differs from one project to the next, with a name for it.
    pub fn changing(&self) -> Vec<(String, &'static str)> {
        vec![
            (self.folder().display().to_string(), "…"),
            (self.db.options.dbname.clone(), "DATABASE"),
        ]
    }

    /// Runs the program on the project's database.
    pub fn tv1(&self, args: &[&str]) -> Ended {
        self.tv1_at(&self.db.options.url(true), args)
    }

    /// Runs the program with another database URL. Nothing of this process's environment gets to it.
    pub fn tv1_at(&self, url: &str, args: &[&str]) -> Ended {
        let mut command = self.command(args);
        command.env("DATABASE_URL", url);
        ended(&mut command)
    }

    /// Runs the program with further environment variables.
    pub fn tv1_env(&self, env: &[(&str, &str)], args: &[&str]) -> Ended {
        let mut command = self.command(args);
        command.envs(env.iter().copied());
        ended(&mut command)
    }

    /// Runs the program in another folder.
    pub fn tv1_in(&self, folder: &Path, args: &[&str]) -> Ended {
        let mut command = self.command(args);
        command.current_dir(folder);
        ended(&mut command)
    }

    /// Starts the program on the project's database, and does not wait for it.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// The program on the project's database, ready to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tv1"));
        command
            .args(args)
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder())
            .env("NO_COLOR", "1")
            .env("DATABASE_URL", self.db.options.url(true))
            .stdin(Stdio::null());
        command
    }

    /// Starts the program and leaves it running; what it writes can be read.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Rows of a query, cells apart by `|`, rows by blanks.
    #[track_caller]
    pub fn rows(&self, sql: &str) -> String {
        let table = self.db.connect().fetch(sql).unwrap();
        let row = |cells: &Vec<Cell>| {
            let cells = cells.iter().map(|c| c.text().unwrap_or("null".into()));
            cells.collect::<Vec<_>>().join("|")
        };
        table.rows.iter().map(row).collect::<Vec<_>>().join(" ")
    }

    /// Runs statements.
    #[track_caller]
    pub fn execute(&self, sql: &str) {
        self.db.connect().execute(sql).unwrap();
    }

    /// A session with the project's database.
    pub fn connect(&self) -> tv1::pg::Session {
        self.db.connect()
    }

    /// Names of intermediate and backup relations that were left behind.
    pub fn debris(&self) -> String {
        self.rows("select relname from pg_class where relname ~ '__dbt_' and relkind in ('r', 'v', 'm') order by 1")
    }

    /// Names of the relations in the database, with their kind (`r` table, `v` view).
    pub fn relations(&self) -> String {
        self.rows(
            "select c.relname || ':' || c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind in ('r', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1",
        )
    }

    /// Status of every node in the results of the last run: `name status`, in order.
    pub fn statuses(&self) -> Vec<String> {
        let path = self.folder().join("target/run_results.json");
        let results: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let mut all: Vec<String> = results["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| {
                let id = r["unique_id"].as_str().unwrap();
                let kind = id.split('.').next().unwrap();
                let name = id.split('.').nth(2).unwrap();
                format!("{kind} {name} {}", r["status"].as_str().unwrap())
            })
            .collect();
        all.sort();
        all
    }
}
