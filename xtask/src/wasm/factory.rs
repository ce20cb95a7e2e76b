//! Wraps wasm-bindgen's glue into a factory: stock glue keeps the views of one memory at module level.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::shell::Cmd;
use std::path::Path;

/// Before the glue: everything it declares becomes local to one call.
const BANNER: &str = "const load = () => {";

/// Behind the glue. `NAME` is the import module that wasm-bindgen put into the wasm.
const FOOTER: &str = r#"};
const bind = (glue, { exports }) => {
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start?.();
  return { exports: glue, memory: exports.memory };
};
export const createInstance = (wasm) => {
  const glue = load();
  return bind(glue, new WebAssembly.Instance(wasm, { "./NAME_bg.js": glue }));
};
export const createInstanceAsync = async (wasm) => {
  const glue = load();
  return bind(glue, await WebAssembly.instantiate(wasm, { "./NAME_bg.js": glue }));
};"#;

const TYPES: &str = r#"/** One instance: its exports, and the linear memory that only it has. */
export interface Instance<Exports> { readonly exports: Exports; readonly memory: WebAssembly.Memory }
type Exports = typeof import("./NAME.js");
/** A fresh instance with its own memory, at once. Start functions have run. */
export function createInstance(wasm: WebAssembly.Module): Instance<Exports>;
/** The same where synchronous instantiation of a large module is refused (a browser's main thread). */
export function createInstanceAsync(wasm: WebAssembly.Module): Promise<Instance<Exports>>;
"#;

/// The glue's exports as what one call returns. (A bundler's own way to do that lists them with `for … in`, and takes up
/// whatever someone left on `Object.prototype`.)
fn returning(text: &str) -> Result<String> {
    let parts =
        text.split_once("\nexport {").and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    match parts {
        Some((before, (names, rest))) if !names.contains(" as ") && before.contains(BANNER) => {
            Ok(format!("{before}\nreturn {{{names}}}{rest}"))
        }
        _ => Err(Error::new(
            "esbuild wrote the glue's exports in a way that xtask/src/wasm/factory.rs does not know",
        )),
    }
}

/// Writes `glue.js` and its types.
pub(super) fn write(context: &Context, stock: &Path, name: &str, output: &Path) -> Result<()> {
    // In its folder, so that the comment that names the source holds no path.
    let folder = stock.parent().unwrap_or(stock);
    Cmd::new(context.npm_tool("esbuild"))
        .arg(stock.file_name().unwrap_or_default())
        .dir(folder)
        .args(["--bundle", "--format=esm", "--platform=neutral", "--target=es2022", "--log-level=warning"])
        .arg(format!("--banner:js={BANNER}"))
        .arg(format!("--footer:js={}", FOOTER.replace("NAME", name)))
        .arg(format!("--outfile={}", output.display()))
        .run(context)?;
    let text = std::fs::read_to_string(output).during(|| format!("read {}", output.display()))?;
    std::fs::write(output, returning(&text)?).during(|| format!("write {}", output.display()))?;
    let types = output.with_extension("d.ts");
    std::fs::write(&types, TYPES.replace("NAME", name)).during(|| format!("write {}", types.display()))
}

#[cfg(test)]
mod tests {
    use super::{BANNER, returning};

    #[test]
    fn exports_become_what_is_returned() {
        let glue =
            format!("{BANNER}\nfunction a() {{}}\nexport {{\n  a,\n  b\n}};\n}};\nexport const x = 1;");
        let text = returning(&glue).unwrap();
        assert!(text.contains("\nreturn {\n  a,\n  b\n};\n};\nexport const x"), "{text}");
        assert!(returning(&glue.replace("  a,", "  a as c,")).is_err());
        assert!(returning("export default 1;").is_err());
    }
}
