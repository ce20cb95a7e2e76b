//! Runs steps one after the other, says where it is, and ends with a table.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{During, Error, Result};
use std::path::Path;
use std::time::{Duration, Instant};

/// How much of a failed step's log is shown.
const TAIL: usize = 80;

type Action = Box<dyn Fn(&Context) -> Result<Outcome>>;

/// One check.
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) about: String,
    action: Action,
}

impl Step {
    pub(crate) fn new(
        name: impl Into<String>,
        about: impl Into<String>,
        action: impl Fn(&Context) -> Result<Outcome> + 'static,
    ) -> Self {
        Self { name: name.into(), about: about.into(), action: Box::new(action) }
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

/// Runs the steps; an error when one failed. The last line is `N passed, N failed`.
pub(crate) fn run(context: &Context, steps: Vec<Step>, verbose: bool, fail_fast: bool) -> Result<()> {
    let (start, count) = (Instant::now(), steps.len());
    let mut table = Vec::new();
    let mut failures = 0;
    for (index, step) in steps.iter().enumerate() {
        println!("[{:>2}/{count}] {:<20} {}", index + 1, step.name, step.about);
        let (result, time) = one(context, step, verbose)?;
        let row = match result {
            Ok(Outcome::Passed(note)) => ("passed", note),
            Ok(Outcome::Skipped(why)) if !context.ci => ("skipped", why),
            Ok(Outcome::Skipped(why)) => ("FAILED", format!("{why} (with CI=true that is a failure)")),
            Err(error) => ("FAILED", error.to_string()),
        };
        failures += usize::from(row.0 == "FAILED");
        println!("        {} in {}{}", row.0, shown(time), note(&row.1, row.0 == "FAILED"));
        table.push((step.name.clone(), row.0, time, row.1));
        if fail_fast && failures > 0 {
            break;
        }
    }
    println!();
    for (name, how, time, text) in &table {
        let first: String = text.lines().next().unwrap_or_default().chars().take(110).collect();
        println!("  {how:<8} {:>8}  {name:<20} {first}", shown(*time));
    }
    println!("  {:<8} {:>8}\n", "total", shown(start.elapsed()));
    let skipped = table.iter().filter(|row| row.1 == "skipped").count();
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

fn one(context: &Context, step: &Step, verbose: bool) -> Result<(Result<Outcome>, Duration)> {
    let log = context.target.join("xtask").join(format!("{}.log", step.name.replace('/', "-")));
    if !verbose {
        if log.exists() {
            std::fs::remove_file(&log).during(|| format!("remove {}", log.display()))?;
        }
        context.set_log(Some(log.clone()));
    }
    let start = Instant::now();
    let result = (step.action)(context);
    let time = start.elapsed();
    context.set_log(None);
    if result.is_err() && log.exists() && !verbose {
        print_tail(&log);
    }
    Ok((result, time))
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

fn note(text: &str, all: bool) -> String {
    let text = if all { text } else { text.lines().next().unwrap_or_default() };
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn shown(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 60 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{:.1}s", time.as_secs_f64()),
    }
}
