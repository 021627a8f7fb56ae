//! The `tv1` command: everything happens in the library.
use std::process::ExitCode;

fn main() -> ExitCode {
    tv1::main()
}
