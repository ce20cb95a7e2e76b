//! Reads wasm-pack.toml: artefacts, flags, budgets, and what must not be inside.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{During, Error, Result};
use toml::{Table, Value};

/// The build manifest of the npm package.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) profile: String,
    pub(crate) stack_size: u64,
    pub(crate) rustflags: Vec<String>,
    /// Flags of wasm-opt for every artefact.
    pub(crate) wasm_features: Vec<String>,
    pub(crate) forbidden_crates: Vec<String>,
    pub(crate) allowed_imports: Vec<String>,
    pub(crate) artefacts: Vec<Artefact>,
    /// Built like artefacts, but neither guarded nor published.
    pub(crate) examples: Vec<Artefact>,
    pub(crate) entries: Vec<Entry>,
}

/// One .wasm file.
#[derive(Debug, Clone)]
pub(crate) struct Artefact {
    pub(crate) name: String,
    /// The cdylib crate that it is built from.
    pub(crate) package: String,
    pub(crate) features: Vec<String>,
    /// Features whose size is told.
    pub(crate) costs: Vec<String>,
    /// The passes of wasm-opt.
    pub(crate) wasm_opt: Vec<String>,
    /// Forbidden crates that this one may contain.
    pub(crate) may_link: Vec<String>,
    pub(crate) budget: Option<u64>,
}

/// What one consumer downloads.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) files: Vec<String>,
    /// The entry that the same consumer has as well: what counts is what this one adds to it.
    pub(crate) beside: Option<String>,
    pub(crate) budget: Option<u64>,
}

const BUILD: &[&str] = &[
    "package",
    "profile",
    "stack-size",
    "rustflags",
    "wasm-opt",
    "wasm-features",
    "forbidden-crates",
    "allowed-imports",
];
const ARTEFACT: &[&str] = &["package", "features", "costs", "wasm-opt", "may-link", "budget-gzip"];

impl Manifest {
    pub(crate) fn read(context: &Context) -> Result<Self> {
        let path = context.root.join("wasm-pack.toml");
        let text = std::fs::read_to_string(&path).during(|| format!("read {}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        Self::of(&text.parse().during(|| "wasm-pack.toml".to_owned())?)
    }

    fn of(table: &Table) -> Result<Self> {
        known(table, "", &["build", "artefacts", "examples", "entries"])?;
        let build = sub(table, "build")?;
        known(build, "build.", BUILD)?;
        let (package, passes) = (string(build, "package")?, strings(build, "wasm-opt")?);
        let artefacts = |key: &str| {
            rows(table, key, |name, row| {
                known(row, &format!("{key}.{name}."), ARTEFACT)?;
                Ok(Artefact {
                    name,
                    package: optional(row, "package", string)?.unwrap_or_else(|| package.clone()),
                    features: strings(row, "features")?,
                    costs: optional(row, "costs", strings)?.unwrap_or_default(),
                    wasm_opt: optional(row, "wasm-opt", strings)?.unwrap_or_else(|| passes.clone()),
                    may_link: optional(row, "may-link", strings)?.unwrap_or_default(),
                    budget: number(row, "budget-gzip")?,
                })
            })
        };
        Ok(Self {
            profile: string(build, "profile")?,
            stack_size: number(build, "stack-size")?.ok_or_else(|| wrong("stack-size", "missing"))?,
            rustflags: strings(build, "rustflags")?,
            wasm_features: strings(build, "wasm-features")?.iter().map(|f| format!("--enable-{f}")).collect(),
            forbidden_crates: strings(build, "forbidden-crates")?,
            allowed_imports: strings(build, "allowed-imports")?,
            artefacts: artefacts("artefacts")?,
            examples: artefacts("examples")?,
            entries: rows(table, "entries", |name, row| {
                known(row, &format!("entries.{name}."), &["files", "beside", "budget-gzip"])?;
                Ok(Entry {
                    name,
                    files: strings(row, "files")?,
                    beside: optional(row, "beside", string)?,
                    budget: number(row, "budget-gzip")?,
                })
            })?,
        })
    }

    /// The cdylib crates of all artefacts and examples with the features that they are built with, each pair once.
    pub(crate) fn packages(&self) -> Vec<(&str, String)> {
        let all = self.artefacts.iter().chain(&self.examples);
        let mut packages: Vec<_> = all.map(|a| (a.package.as_str(), a.features.join(","))).collect();
        packages.sort_unstable();
        packages.dedup();
        packages
    }

    /// The artefacts with these names, or all of them.
    pub(crate) fn chosen(&self, names: &[String]) -> Result<Vec<Artefact>> {
        if names.is_empty() {
            return Ok(self.artefacts.clone());
        }
        let known = || self.artefacts.iter().map(|a| a.name.as_str()).collect::<Vec<_>>().join(", ");
        let find = |name: &String| self.artefacts.iter().find(|a| &a.name == name).cloned();
        names
            .iter()
            .map(|name| {
                find(name).ok_or_else(|| Error::new(format!("no artefact `{name}`; there are: {}", known())))
            })
            .collect()
    }
}

fn wrong(key: &str, why: &str) -> Error {
    Error::new(format!("wasm-pack.toml: `{key}` is {why}"))
}

/// Refuses a key that nothing reads: it would be a typo, or a rule that someone believes in.
fn known(table: &Table, path: &str, keys: &[&str]) -> Result<()> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Error::new(format!("wasm-pack.toml: no such key: `{path}{key}`"))
            .advice(format!("one of {}", keys.join(", ")))),
    }
}

fn sub<'a>(table: &'a Table, key: &str) -> Result<&'a Table> {
    table.get(key).and_then(Value::as_table).ok_or_else(|| wrong(key, "missing or not a table"))
}

fn optional<T>(table: &Table, key: &str, read: impl Fn(&Table, &str) -> Result<T>) -> Result<Option<T>> {
    table.contains_key(key).then(|| read(table, key)).transpose()
}

fn string(table: &Table, key: &str) -> Result<String> {
    let value = table.get(key).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| wrong(key, "missing or not a string"))
}

fn strings(table: &Table, key: &str) -> Result<Vec<String>> {
    let list = table.get(key).and_then(Value::as_array).ok_or_else(|| wrong(key, "missing or not a list"))?;
    list.iter()
        .map(|v| v.as_str().map(str::to_owned).ok_or_else(|| wrong(key, "not a list of strings")))
        .collect()
}

fn number(table: &Table, key: &str) -> Result<Option<u64>> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let number = value.as_integer().and_then(|n| u64::try_from(n).ok());
    number.map(Some).ok_or_else(|| wrong(key, "not a positive number"))
}

fn rows<T>(table: &Table, key: &str, read: impl Fn(String, &Table) -> Result<T>) -> Result<Vec<T>> {
    let rows = sub(table, key)?;
    rows.iter()
        .map(|(name, row)| read(name.clone(), row.as_table().ok_or_else(|| wrong(name, "not a table"))?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{BUILD, Manifest, Table, Value};

    #[test]
    fn the_manifest_of_this_tree_is_readable() {
        let manifest = Manifest::parse(include_str!("../../wasm-pack.toml")).unwrap();
        let package = |name| manifest.artefacts.iter().find(|a| a.name == name).map(|a| a.package.as_str());
        assert_eq!(package("simsim"), Some("simsim-wasm"));
        assert_eq!(package("testing"), Some("simsim-testing-wasm"));
        for artefact in &manifest.artefacts {
            for feature in &artefact.costs {
                assert!(artefact.features.contains(feature), "{}: {feature}", artefact.name);
            }
        }
        for entry in &manifest.entries {
            assert!(!entry.files.is_empty(), "{}", entry.name);
            let beside = |other| manifest.entries.iter().any(|entry| &entry.name == other);
            assert!(entry.beside.iter().all(beside), "{}", entry.name);
        }
    }

    #[test]
    fn an_unknown_key_is_refused_by_its_name() {
        let text = include_str!("../../wasm-pack.toml");
        for (header, path) in [
            ("[build]", "build.colour"),
            ("[artefacts.simsim]", "artefacts.simsim.colour"),
            ("[entries.workerd]", "entries.workerd.colour"),
        ] {
            let with = text.replace(&format!("\n{header}"), &format!("\n{header}\ncolour = 1"));
            let error = Manifest::parse(&with).unwrap_err().to_string();
            assert!(error.contains(&format!("`{path}`")), "{error}");
        }
        assert!(Manifest::parse(&format!("colour = 1\n{text}")).is_err());
    }

    #[test]
    fn a_missing_key_is_named() {
        let whole: Table = include_str!("../../wasm-pack.toml").parse().unwrap();
        for key in BUILD {
            let mut table = whole.clone();
            table.get_mut("build").and_then(Value::as_table_mut).unwrap().remove(*key).unwrap();
            let error = Manifest::of(&table).unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}`")), "{error}");
        }
    }
}
