//! The `tv1` command: everything happens in the library.
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Reading a project makes and drops small values by the million; this allocator takes a third of the time of the
/// system's for it (`benches/parse_models.py`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    tv1::main()
}
