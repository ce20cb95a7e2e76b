//! Runs steps, one after the other or some at once, says where it is, and ends with a table.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{During, Error, Result};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much of a failed step's log is shown.
const TAIL: usize = 80;

type Action = Box<dyn Fn(&Context) -> Result<Outcome> + Send + Sync>;

/// One check.
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) about: String,
    action: Action,
    beside: bool,
}

impl Step {
    pub(crate) fn new(
        name: impl Into<String>,
        about: impl Into<String>,
        action: impl Fn(&Context) -> Result<Outcome> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), about: about.into(), action: Box::new(action), beside: false }
    }

    /// The same; it may run at the same time as its neighbours that say so, too.
    pub(crate) fn beside(self) -> Self {
        Self { beside: true, ..self }
    }
}

/// How a step ended, if not with an error.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed(String),
    Skipped(String),
}

impl Outcome {
    pub(crate) fn passed(note: impl Into<String>) -> Self {
        Self::Passed(note.into())
    }
}

/// What the table says of a step.
struct Row<'a> {
    name: &'a str,
    how: &'static str,
    time: Duration,
    note: String,
}

impl Row<'_> {
    fn failed(&self) -> bool {
        self.how == "FAILED"
    }
}

/// Runs the steps; an error when one failed. The last line is `N passed, N failed`.
pub(crate) fn run(context: &Context, steps: &[Step], verbose: bool, fail_fast: bool) -> Result<()> {
    let start = Instant::now();
    // What two print at once, nobody can read.
    let lanes = if verbose { 1 } else { std::thread::available_parallelism().map_or(1, NonZero::get) };
    let mut table: Vec<Row<'_>> = Vec::new();
    for group in steps.chunk_by(|step, next| step.beside && next.beside) {
        table.extend(at_once(context, group, lanes, (table.len(), steps.len()), verbose));
        if fail_fast && table.iter().any(Row::failed) {
            break;
        }
    }
    println!();
    for Row { name, how, time, note } in &table {
        let first: String = note.lines().next().unwrap_or_default().chars().take(110).collect();
        println!("  {how:<8} {:>8}  {name:<20} {first}", shown(*time));
    }
    println!("  {:<8} {:>8}\n", "total", shown(start.elapsed()));
    let failures = table.iter().filter(|row| row.failed()).count();
    let skipped = table.iter().filter(|row| row.how == "skipped").count();
    let passed = table.len() - failures - skipped;
    match skipped {
        0 => println!("{passed} passed, {failures} failed"),
        _ => println!("{passed} passed, {failures} failed, {skipped} skipped"),
    }
    match failures {
        0 => Ok(()),
        // Nothing may follow the line above.
        _ => Err(Error::told()),
    }
}

/// Runs these steps, as many at once as there are lanes; their rows are in the order of the steps. `done`: how many were
/// run before, of how many.
fn at_once<'a>(
    context: &Context,
    steps: &'a [Step],
    lanes: usize,
    (done, count): (usize, usize),
    verbose: bool,
) -> Vec<Row<'a>> {
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let lane = || {
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(step) = steps.get(index)
        {
            println!("[{:>2}/{count}] {:<20} {}", done + index + 1, step.name, step.about);
            let row = one(context, step, verbose);
            let Row { name, how, time, note } = &row;
            let about = if row.failed() { note.as_str() } else { note.lines().next().unwrap_or_default() };
            let colon = if about.is_empty() { "" } else { ": " };
            println!("        {name} {how} in {}{colon}{about}", shown(*time));
            rows.lock().unwrap_or_else(PoisonError::into_inner).push((index, row));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..lanes.min(steps.len()) {
            scope.spawn(lane);
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by_key(|(index, _)| *index);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn one<'a>(context: &Context, step: &'a Step, verbose: bool) -> Row<'a> {
    let start = Instant::now();
    let log = context.target.join("xtask").join(format!("{}.log", step.name.replace('/', "-")));
    let result = if verbose {
        (step.action)(context)
    } else {
        let logged = || {
            if log.exists() {
                std::fs::remove_file(&log).during(|| format!("remove {}", log.display()))?;
            }
            (step.action)(&context.logging_to(&log))
        };
        logged().inspect_err(|_| print_tail(&log))
    };
    let (how, note) = match result {
        Ok(Outcome::Passed(note)) => ("passed", note),
        Ok(Outcome::Skipped(why)) if !context.ci => ("skipped", why),
        Ok(Outcome::Skipped(why)) => ("FAILED", format!("{why} (with CI=true that is a failure)")),
        Err(error) => ("FAILED", error.to_string()),
    };
    Row { name: &step.name, how, time: start.elapsed(), note }
}

fn print_tail(log: &Path) {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let cut = lines.len().saturating_sub(TAIL);
    if cut > 0 {
        println!("      | … {cut} lines before this are in {}", log.display());
    }
    for line in lines.iter().skip(cut) {
        println!("      | {line}");
    }
}

fn shown(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 60 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{:.1}s", time.as_secs_f64()),
    }
}
