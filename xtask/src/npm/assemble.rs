//! Puts the package together: the template's files, the built artefacts, and what is made from both.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::sbom;
use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::manifest::{Artefact, Manifest};
use crate::shell::Cmd;
use crate::wasm;
use crate::wasm::measure::inspect;
use std::path::Path;

/// The version that the template has: the real one is Cargo.toml's.
const NO_VERSION: &str = "\"version\": \"0.0.0\"";
/// The line of the template's README where the measured sizes go.
const SIZES: &str = "\nSIZES\n";
/// Node's CommonJS builds: what each is made from, and its name.
const FOR_NODE: [(&str, &str); 3] = [
    ("node.js", "node.bundle.cjs"),
    ("credentials/node.js", "credentials.cjs"),
    ("testing/embedded.js", "testing.cjs"),
];
/// What the other builds take from the first one, so that there is one class of errors.
const SHARED: [&str; 2] = ["errors.js", "function-compute.js"];
/// Sources only: the package has what is made from them.
const SOURCES: [&str; 2] = ["node.js", "credentials/node.js"];

/// Fills `output` anew.
pub(super) fn run(context: &Context, manifest: &Manifest, output: &Path) -> Result<()> {
    if output.exists() {
        std::fs::remove_dir_all(output).during(|| format!("empty {}", output.display()))?;
    }
    let (files, version) = (context.files()?, manifest_version(context)?);
    for path in files.iter().filter_map(|path| path.strip_prefix("pkg-template/")) {
        let from = context.root.join("pkg-template").join(path);
        match path {
            "package.json" => {
                let text = with_version(&read(&from)?, &version)?;
                write(&output.join(path), &text)?;
            }
            _ if path.split('/').next().is_some_and(|first| first.ends_with("wasm")) => {}
            _ => copy(&from, &output.join(path))?,
        }
        if let Some(stem) = path.strip_suffix(".d.ts") {
            write(&output.join(format!("{stem}.d.cts")), &for_commonjs(&read(&from)?))?;
        }
    }
    for artefact in &manifest.artefacts {
        add_artefact(context, artefact, &version, output)?;
    }
    for (source, name) in FOR_NODE {
        bundle_for_node(context, output, source, name)?;
    }
    for source in SOURCES {
        std::fs::remove_file(output.join(source)).during(|| format!("remove {source}"))?;
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&context.root.join(licence), &output.join(licence))?;
    }
    Ok(())
}

/// Puts the measured sizes into the README.
pub(super) fn say(readme: &Path, sizes: &str) -> Result<()> {
    let text = read(readme)?;
    match text.contains(SIZES) {
        true => write(readme, &text.replace(SIZES, &format!("\n{sizes}\n"))),
        false => Err(Error::new("pkg-template/README.md has no line SIZES to be replaced")),
    }
}

/// The wasm, its hash, its bill of materials, the same bytes as a script for where nothing brings a module, and the glue.
fn add_artefact(context: &Context, artefact: &Artefact, version: &str, output: &Path) -> Result<()> {
    let (name, built) = (&artefact.name, wasm::folder(context, &artefact.name));
    let file = built.join(format!("{name}.wasm"));
    copy(&file, &output.join(format!("{name}.wasm")))?;
    copy(&built.join("glue.js"), &output.join(format!("{name}.glue.js")))?;
    let sha256 = inspect(context, &file)?.sha256;
    write(&output.join(format!("{name}.wasm.sha256")), &format!("{sha256}  {name}.wasm\n"))?;
    let bill = sbom::text(context, artefact, version, &sha256)?;
    write(&output.join(format!("{name}.cdx.json")), &bill)?;
    let bytes = std::fs::read(&file).during(|| format!("read {}", file.display()))?;
    let text = hex(&bytes);
    for (extension, export) in [("js", "export default"), ("cjs", "module.exports =")] {
        let script = format!("// {name}.wasm in hexadecimal.\n{export} \"{text}\";\n");
        write(&output.join(format!("{name}.hex.{extension}")), &script)?;
    }
    Ok(())
}

/// Everything for Node in one file: each file more is a fraction of a millisecond at import. Only the wasm stands in one
/// of its own, for the first read: looking for the exports in its text takes an import five times as long.
fn bundle_for_node(context: &Context, output: &Path, source: &str, name: &str) -> Result<()> {
    let mut cmd = Cmd::new(context.npm_tool("esbuild"))
        .arg(source)
        .dir(output)
        .args(["--bundle", "--format=cjs", "--platform=node", "--target=node18", "--log-level=warning"])
        .arg("--external:*.cjs")
        .arg(format!("--outfile={name}"));
    // The sources of one that is not the first lie in a folder; what is made of them does not.
    let shared = source.starts_with("credentials/");
    if shared {
        cmd = cmd.args(SHARED.map(|file| format!("--external:../{file}")));
    }
    cmd.run(context)?;
    if shared {
        let path = output.join(name);
        let text = SHARED.iter().fold(read(&path)?, |text, file| {
            text.replace(&format!("require(\"../{file}\")"), "require(\"./node.bundle.cjs\")")
        });
        write(&path, &text.replace("require(\"../", "require(\"./"))?;
    }
    Ok(())
}

/// The same declarations for CommonJS: only the names of files differ.
fn for_commonjs(types: &str) -> String {
    types.replace(".js\";", ".cjs\";")
}

fn with_version(template: &str, version: &str) -> Result<String> {
    match template.contains(NO_VERSION) {
        true => Ok(template.replace(NO_VERSION, &format!("\"version\": \"{version}\""))),
        false => Err(Error::new(format!("pkg-template/package.json has no {NO_VERSION} to be replaced"))),
    }
}

fn manifest_version(context: &Context) -> Result<String> {
    let path = context.root.join("Cargo.toml");
    let table: toml::Table = read(&path)?.parse().during(|| path.display().to_string())?;
    let version = || table.get("workspace")?.get("package")?.get("version")?.as_str();
    version().map(str::to_owned).ok_or_else(|| Error::new("Cargo.toml names no workspace.package.version"))
}

/// Two digits for each byte. Base64 is shorter until it is compressed: what is alike in the wasm is alike in its digits,
/// and not in base64, which gzip leaves an eighth larger.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).during(|| format!("read {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).during(|| format!("create {}", parent.display()))?;
    }
    std::fs::write(path, text).during(|| format!("write {}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).during(|| format!("create {}", parent.display()))?;
    }
    std::fs::copy(from, to).during(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{for_commonjs, hex, with_version};

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(b"\0asm\xff"), "0061736dff");
    }

    #[test]
    fn the_version_is_that_of_cargo_toml_and_never_left_out() {
        assert_eq!(
            with_version("{ \"version\": \"0.0.0\" }", "1.2.3").unwrap(),
            "{ \"version\": \"1.2.3\" }"
        );
        assert!(with_version("{ \"version\": \"0.1.0\" }", "1.2.3").is_err());
    }

    #[test]
    fn types_for_commonjs_name_commonjs_files() {
        assert_eq!(for_commonjs("export * from \"./errors.js\";"), "export * from \"./errors.cjs\";");
    }
}
