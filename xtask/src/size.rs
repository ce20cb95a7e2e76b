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
use std::path::Path;

pub(crate) const HELP: &str = "\
cargo xtask size [--no-build]

Builds pkg/ and prints raw, gzip (level 9) and brotli (quality 11) bytes for each artefact and for each entry, that is:
everything one consumer downloads, or, of an entry beside another, what it adds to that. Then what an artefact would be
smaller without each feature that `costs` lists there, which is built for it; sources share code, so the parts do not
add up. Fails when a gzip size is over its budget in wasm-pack.toml.
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
        format!("{:<40} {}{budget}{over}\n", self.what, self.size)
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
            let name = name.replace(" beside ", "` beside `");
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
        let what = format!("entry {}", entry.name);
        let (what, size) = match &entry.beside {
            None => (what, whole(context, &entry.name, &entry.files)?),
            Some(other) => (format!("{what} beside {other}"), added(context, manifest, entry, other)?),
        };
        rows.push(Row { what, size, budget: entry.budget });
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

/// What an entry adds to the other one, which its consumer has as well.
fn added(context: &Context, manifest: &Manifest, entry: &Entry, other: &str) -> Result<Size> {
    let other = manifest.entries.iter().find(|known| known.name == other);
    let other = other
        .ok_or_else(|| Error::new(format!("wasm-pack.toml: entries.{}.beside names no entry", entry.name)))?;
    let both = [other.files.as_slice(), &entry.files].concat();
    Ok(whole(context, &entry.name, &both)? - whole(context, &other.name, &other.files)?)
}

/// These files: the scripts as a bundler would ship them, together and minified and with what they import, but for wasm.
fn whole(context: &Context, name: &str, files: &[String]) -> Result<Size> {
    let pkg = npm::folder(context);
    let (wasm, scripts): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.ends_with(".wasm"));
    let mut size = Size::default();
    for file in wasm {
        size += inspect(context, &pkg.join(file))?.size;
    }
    let folder = context.target.join("wasm-steps/measured");
    std::fs::create_dir_all(&folder).during(|| format!("create {}", folder.display()))?;
    let bundle = folder.join(format!("{name}.js"));
    match scripts.as_slice() {
        [one] => bundled(context, &pkg.join(one), &bundle)?,
        several => {
            let all = folder.join(format!("{name}.all.js"));
            let export = |file: &&String| format!("export * from {:?};\n", pkg.join(file));
            std::fs::write(&all, several.iter().map(export).collect::<String>())
                .during(|| format!("write {}", all.display()))?;
            bundled(context, &all, &bundle)?;
        }
    }
    size += inspect(context, &bundle)?.size;
    Ok(size)
}

fn bundled(context: &Context, script: &Path, output: &Path) -> Result<()> {
    Cmd::new(context.npm_tool("esbuild"))
        .arg(script)
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
            // Node's client loads it where it is given no credentials, and else never.
            "--external:./credentials.cjs",
        ])
        .arg(format!("--outfile={}", output.display()))
        .run(context)
}

#[cfg(test)]
mod tests {
    use super::{Report, Row, Size};

    #[test]
    fn a_size_over_its_budget_fails_and_is_named() {
        let size = Size { raw: 90, gzip: 45, brotli: 40 };
        let row = |budget| Row { what: "entry workerd beside node".to_owned(), size, budget };
        assert!(Report(vec![row(Some(45)), row(None)]).verdict().is_ok());
        assert!(Report(vec![row(None)]).sentence().ends_with(": `workerd` beside `node` 0.0 kB."));
        let error = Report(vec![row(Some(44))]).verdict().unwrap_err().to_string();
        assert!(error.contains("entry workerd"), "{error}");
    }
}
