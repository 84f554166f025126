//! Measures the memory that parsed documents take.
//!
//! `bench_memory [COURSE]`. Memory is counted by the allocator, which is why this is a program of its own: the counting
//! would slow the other.

use std::process::ExitCode;

use acceptance::bench::{course, finish, olx, table};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    let course = course(std::env::args().nth(1).map(Into::into));
    finish(
        olx::memory(&course, &|| ALLOCATOR.current_usage())
            .map(|measures| table(&measures).trim_end().to_owned()),
    )
}
