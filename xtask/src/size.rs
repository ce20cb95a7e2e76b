//! `cargo xtask size`: how much each consumer downloads, against the budgets of wasm-pack.toml.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::args::Args;
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::{Entry, Manifest};
use crate::npm;
use crate::shell::Cmd;
use crate::wasm;
use crate::wasm::measure::{Size, inspect};
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
cargo xtask size [--no-build]

Builds pkg/ and prints raw, gzip (level 9) and brotli (quality 11) bytes for each artefact and for each entry, that is:
everything one consumer downloads. Then what an artefact would be smaller without each feature that `costs` lists there,
which is built for it; sources share code, so the parts do not add up. Fails when a gzip size is over its budget in wasm-pack.toml.
Compilers differ by about 3 %, so budgets need that much slack.

  --no-build   measure what pkg/ already holds
";

pub(crate) fn command(context: &Context, mut args: Args) -> Result<()> {
    let build = !args.flag(&["--no-build"]);
    args.finish("size")?;
    let manifest = Manifest::read(context)?;
    if build {
        npm::package(context, &manifest, true)?;
    }
    let report = report(context, &manifest)?;
    print!("{}", report.text());
    if build {
        print!("{}", costs(context, &manifest)?.text());
    }
    report.verdict()
}

/// Measured rows.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Row>);

#[derive(Debug)]
struct Row {
    what: String,
    size: Size,
    budget: Option<u64>,
}

impl Row {
    fn over(&self) -> bool {
        self.budget.is_some_and(|budget| self.size.gzip > budget)
    }

    fn line(&self) -> String {
        let budget = self.budget.map(|budget| format!("   gzip budget {budget}")).unwrap_or_default();
        let over = if self.over() { "  OVER" } else { "" };
        format!("{:<32} {}{budget}{over}\n", self.what, self.size)
    }
}

impl Report {
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(Row::line).collect()
    }

    pub(crate) fn indented(&self) -> String {
        self.0.iter().map(|row| format!("        {}", row.line())).collect()
    }

    /// The entries in one sentence, for a person who decides whether to install them.
    pub(crate) fn sentence(&self) -> String {
        let entry = |row: &Row| {
            let (name, gzip) = (row.what.strip_prefix("entry ")?, row.size.gzip);
            Some(format!("`{name}` {}.{} kB", gzip / 1000, gzip % 1000 / 100))
        };
        let entries: Vec<String> = self.0.iter().filter_map(entry).collect();
        format!("Each entry with all it needs, minified, gzip: {}.", entries.join(", "))
    }

    /// An error that names what is over its budget.
    pub(crate) fn verdict(&self) -> Result<()> {
        let over: Vec<&str> = self.0.iter().filter(|row| row.over()).map(|row| row.what.as_str()).collect();
        match over.is_empty() {
            true => Ok(()),
            false => Err(Error::new(format!("over the gzip budget: {}", over.join(", "))).advice(
                "find what grew (`cargo xtask wasm --debug-names`), or raise the budget and say why",
            )),
        }
    }
}

/// Measures what is built.
pub(crate) fn report(context: &Context, manifest: &Manifest) -> Result<Report> {
    let mut rows = Vec::new();
    for artefact in &manifest.artefacts {
        let file = npm::folder(context).join(format!("{}.wasm", artefact.name));
        let what = format!("artefact {}", artefact.name);
        rows.push(Row { what, size: inspect(context, &file)?.size, budget: artefact.budget });
    }
    for entry in &manifest.entries {
        let mut size = Size::default();
        for file in &entry.files {
            size += inspect(context, &measured(context, entry, file)?)?.size;
        }
        rows.push(Row { what: format!("entry {}", entry.name), size, budget: entry.budget });
    }
    Ok(Report(rows))
}

/// What each artefact would be smaller without its features, one at a time.
fn costs(context: &Context, manifest: &Manifest) -> Result<Report> {
    let mut rows = Vec::new();
    for artefact in &manifest.artefacts {
        let whole = inspect(context, &npm::folder(context).join(format!("{}.wasm", artefact.name)))?.size;
        for feature in &artefact.costs {
            let mut without = artefact.clone();
            without.name = format!("{}-without-{feature}", artefact.name);
            without.features.retain(|kept| kept != feature);
            wasm::build(context, manifest, std::slice::from_ref(&without), false)?;
            let file = wasm::folder(context, &without.name).join(format!("{}.wasm", without.name));
            let size = whole - inspect(context, &file)?.size;
            rows.push(Row { what: format!("{}: {feature}", artefact.name), size, budget: None });
        }
    }
    Ok(Report(rows))
}

/// The file to measure: a script as a bundler would ship it, minified and with what it imports, but for wasm.
fn measured(context: &Context, entry: &Entry, file: &str) -> Result<PathBuf> {
    let path = npm::folder(context).join(file);
    if file.ends_with(".wasm") {
        return Ok(path);
    }
    let folder = context.target.join("wasm-steps/measured");
    std::fs::create_dir_all(&folder).during(|| format!("create {}", folder.display()))?;
    let output = folder.join(format!("{}-{}", entry.name, file.replace('/', "-")));
    Cmd::new(context.npm_tool("esbuild"))
        .arg(&path)
        .args([
            "--bundle",
            "--minify",
            "--format=esm",
            "--platform=neutral",
            "--target=es2022",
            "--log-level=warning",
        ])
        .args([
            "--external:*.wasm",
            "--external:*.wasm?module",
            "--external:node:*",
            "--external:cloudflare:*",
        ])
        .arg(format!("--outfile={}", output.display()))
        .run(context)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::{Report, Row, Size};

    #[test]
    fn a_size_over_its_budget_fails_and_is_named() {
        let size = Size { raw: 90, gzip: 45, brotli: 40 };
        let row = |budget| Row { what: "entry workerd".to_owned(), size, budget };
        assert!(Report(vec![row(Some(45)), row(None)]).verdict().is_ok());
        assert!(Report(vec![row(None)]).sentence().ends_with(": `workerd` 0.0 kB."));
        let error = Report(vec![row(Some(44))]).verdict().unwrap_err().to_string();
        assert!(error.contains("entry workerd"), "{error}");
    }
}
