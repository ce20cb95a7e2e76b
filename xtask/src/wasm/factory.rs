//! Wraps wasm-bindgen's glue into a factory: stock glue keeps the views of one memory at module level.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{During, Error, Result};
use crate::shell::Cmd;
use std::path::Path;

/// Before the glue: everything it declares becomes local to one call.
const BANNER: &str = "const load = () => { const module = { exports: {} };";

/// Behind the glue. `NAME` is the import module that wasm-bindgen put into the wasm.
const FOOTER: &str = r#"return module.exports; };
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

/// Writes `glue.js` and its types.
pub(super) fn write(context: &Context, stock: &Path, name: &str, output: &Path) -> Result<()> {
    // In its folder, so that the comment that names the source holds no path.
    let folder = stock.parent().unwrap_or(stock);
    Cmd::new(context.npm_tool("esbuild"))
        .arg(stock.file_name().unwrap_or_default())
        .dir(folder)
        .args(["--bundle", "--format=cjs", "--platform=neutral", "--target=es2022", "--log-level=warning"])
        .arg(format!("--banner:js={BANNER}"))
        .arg(format!("--footer:js={}", FOOTER.replace("NAME", name)))
        .arg(format!("--outfile={}", output.display()))
        .run(context)?;
    own_keys_only(output)?;
    let types = output.with_extension("d.ts");
    std::fs::write(&types, TYPES.replace("NAME", name)).during(|| format!("write {}", types.display()))
}

/// esbuild lists exports with `for … in`, which also finds what someone left on `Object.prototype`: no instance would
/// start any more.
fn own_keys_only(glue: &Path) -> Result<()> {
    let text = std::fs::read_to_string(glue).during(|| format!("read {}", glue.display()))?;
    let own = text.replace("for (var name in all)", "for (var name of Object.keys(all))");
    if own == text {
        return Err(Error::new(format!(
            "esbuild writes {} in another way: look at its __export",
            glue.display()
        )));
    }
    std::fs::write(glue, own).during(|| format!("write {}", glue.display()))
}
