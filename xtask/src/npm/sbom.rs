//! The bill of materials (CycloneDX 1.5) of an artefact: the crates that are linked into its wasm, with their hashes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::Artefact;
use crate::shell::Cmd;
use crate::toolchain::TARGET;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// One crate that is linked.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Component {
    name: String,
    version: String,
    licence: String,
    sha256: Option<String>,
}

/// The text of the bill. Nothing in it depends on when or where it is made.
pub(super) fn text(context: &Context, artefact: &Artefact, version: &str, sha256: &str) -> Result<String> {
    // What a macro or a build script uses is not linked.
    let linked = Cmd::cargo()
        .args(["tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p}|{l}", "--target", TARGET, "--package", &artefact.package])
        .args(["--no-default-features", "--features", &artefact.features.join(",")])
        .dir(&context.root)
        .stdout()?;
    let lock =
        std::fs::read_to_string(context.root.join("Cargo.lock")).during(|| "read Cargo.lock".to_owned())?;
    let components = components(&linked, &checksums(&lock)?)?;
    Ok(document(artefact, version, sha256, &components))
}

/// The SHA-256 of each crate's source, by name and version.
fn checksums(lock: &str) -> Result<BTreeMap<(String, String), String>> {
    let table: Table = lock.parse().during(|| "Cargo.lock".to_owned())?;
    let packages = table.get("package").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    let row =
        |package| Some(((text(package, "name")?, text(package, "version")?), text(package, "checksum")?));
    Ok(packages.iter().filter_map(row).collect())
}

/// Reads lines of `name v1.2.3 (where)|licence`.
fn components(linked: &str, checksums: &BTreeMap<(String, String), String>) -> Result<Vec<Component>> {
    let mut found = Vec::new();
    for line in linked.lines() {
        let read = || {
            let (package, licence) = line.rsplit_once('|')?;
            let (name, rest) = package.split_once(" v")?;
            let version = rest.split(' ').next()?;
            Some((name.to_owned(), version.to_owned(), licence.to_owned()))
        };
        let (name, version, licence) =
            read().ok_or_else(|| Error::new(format!("cargo tree said `{line}`")))?;
        let sha256 = checksums.get(&(name.clone(), version.clone())).cloned();
        found.push(Component { name, version, licence: licence.replace('/', " OR "), sha256 });
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn document(artefact: &Artefact, version: &str, sha256: &str, components: &[Component]) -> String {
    let rows: Vec<String> = components.iter().map(row).collect();
    format!(
        r#"{{
  "bomFormat": "CycloneDX",
  "specVersion": "1.5",
  "version": 1,
  "metadata": {{
    "component": {{
      "type": "file",
      "name": "{}.wasm",
      "version": "{version}",
      "hashes": [{{ "alg": "SHA-256", "content": "{sha256}" }}]
    }}
  }},
  "components": [
{}
  ]
}}
"#,
        artefact.name,
        rows.join(",\n")
    )
}

fn row(component: &Component) -> String {
    let Component { name, version, licence, sha256 } = component;
    let hashes = sha256.as_ref().map_or(String::new(), |content| {
        format!(", \"hashes\": [{{ \"alg\": \"SHA-256\", \"content\": \"{content}\" }}]")
    });
    format!(
        "    {{ \"type\": \"library\", \"name\": \"{name}\", \"version\": \"{version}\", \"purl\": \"pkg:cargo/{name}@{version}\", \
         \"licenses\": [{{ \"expression\": \"{licence}\" }}]{hashes} }}"
    )
}

#[cfg(test)]
mod tests {
    use super::{checksums, components};

    const LOCK: &str = "[[package]]\nname = \"sha2\"\nversion = \"0.11.1\"\nchecksum = \"abc\"\n\
                        [[package]]\nname = \"simsim\"\nversion = \"0.1.0\"\n";

    #[test]
    fn every_linked_crate_is_listed_once_with_the_hash_of_its_source() {
        let tree = "simsim v0.1.0 (somewhere)|Apache-2.0 OR MIT\nsha2 v0.11.1|MIT/Apache-2.0\nsha2 v0.11.1|MIT/Apache-2.0\n";
        let found = components(tree, &checksums(LOCK).unwrap()).unwrap();
        let short: Vec<_> =
            found.iter().map(|c| (c.name.as_str(), c.licence.as_str(), c.sha256.as_deref())).collect();
        assert_eq!(
            short,
            [("sha2", "MIT OR Apache-2.0", Some("abc")), ("simsim", "Apache-2.0 OR MIT", None)]
        );
    }

    #[test]
    fn a_line_that_is_no_crate_is_an_error() {
        assert!(components("something else", &checksums(LOCK).unwrap()).is_err());
    }
}
