//! Streams of keyed draws for statistical batteries, as raw bytes on standard output without end.
//!
//! ```sh
//! rustc -O --edition 2024 -o /tmp/streams tests/tools/streams.rs
//! /tmp/streams parent 42 | RNG_test stdin64 -tlmax 8GB -multithreaded     # PractRand
//! ```
//!
//! The streams are those that are hardest for a keyed generator: one position of the key counts from 0, the others
//! stay. For TestU01, read 32 bits at a time: `upper`, `lower` or `reversed` as a third argument gives the upper half,
//! the lower half, or the bits 16 to 47 in reverse order, of each number.
#![allow(dead_code, reason = "the engine's module has more than draws")]
#![expect(clippy::print_stderr, reason = "a tool says how it is used")]

#[path = "../../src/simulate/draw.rs"]
mod draw;

use draw::{mix, salt};
use std::io::{BufWriter, Write};
use std::process::ExitCode;

const STREAMS: [&str; 7] = [
    "parent",
    "day",
    "turn",
    "parent-day",
    "parent-field",
    "all",
    "raw",
];

/// The i-th number of a stream.
fn number(stream: &str, seed: u64, i: u64) -> u64 {
    let table = mix(mix(0x7476_315f_7365_6564, seed), salt("tracking"));
    let field = salt("each.let.left");
    let place = |parent: u64, day: u64, nth: u64, turn: u64, field: u64| {
        [parent, day, nth, turn, field].into_iter().fold(table, mix)
    };
    match stream {
        "parent" => place(i, 3, 1, 2, field),
        "day" => place(7, i, 1, 2, field),
        "turn" => place(7, 3, 1, i, field),
        // 256 days of each parent.
        "parent-day" => place(i >> 8, i & 255, 1, 2, field),
        // Eight fields of each row.
        "parent-field" => place(i >> 3, 3, 1, 2, field.wrapping_add(i & 7)),
        // 4 fields, 4 turns, 2 occurrences, 32 days of each parent.
        "all" => place(
            i >> 10,
            i >> 5 & 31,
            i >> 4 & 1,
            i >> 2 & 3,
            field.wrapping_add(i & 3),
        ),
        _ => mix(seed, i),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let stream = args.first().map_or("", String::as_str);
    let seed = args.get(1).map_or(Some(42), |s| s.parse().ok());
    let part = args.get(2).map_or("whole", String::as_str);
    let parts = ["whole", "upper", "lower", "reversed"];
    let (true, Some(seed), true) = (STREAMS.contains(&stream), seed, parts.contains(&part)) else {
        eprintln!(
            "streams STREAM [SEED] [PART]\nstreams: {}\nparts: {}",
            STREAMS.join(", "),
            parts.join(", ")
        );
        return ExitCode::from(2);
    };
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    for i in 0.. {
        let x = number(stream, seed, i);
        let written = match part {
            "upper" => out.write_all(&((x >> 32) as u32).to_le_bytes()),
            "lower" => out.write_all(&(x as u32).to_le_bytes()),
            "reversed" => out.write_all(&((x >> 16) as u32).reverse_bits().to_le_bytes()),
            _ => out.write_all(&x.to_le_bytes()),
        };
        if written.is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}
