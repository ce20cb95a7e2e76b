//! Rules about the text of files: length, first line, where cfgs may stand, words that product code never says.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::source::Source;

const MOST_LINES: usize = 500;

/// Where a `target_arch` switch may stand: adapters, and the files that choose which adapters exist.
fn may_switch(path: &str) -> bool {
    // The last two are built for wasm alone; their switches let tools look at them on the host.
    let folders =
        ["src/runtime/", "src/http/", "src/js/", "pkg-template/wasm/", "pkg-template/credentials-wasm/"];
    path == "src/sync.rs"
        || folders.iter().any(|folder| path.starts_with(folder))
        || path == "src/lib.rs"
        || path.ends_with("/mod.rs")
}

/// Code that users run, as against tests and tools.
fn is_product(path: &str) -> bool {
    path.starts_with("src/")
        || path.starts_with("pkg-template/wasm/src/")
        || path.starts_with("pkg-template/credentials-wasm/src/")
        || path.starts_with("pkg-template/testing-wasm/src/")
}

/// The comments a file begins with.
fn head(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| line.starts_with("//") || line.trim().is_empty())
}

/// Every file is short, says on its first line what it is for, and names its licence.
pub(super) fn shape(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > MOST_LINES {
            found.push(format!("{}: {lines} lines, {MOST_LINES} is the most: split it", source.path));
        }
        if !source.path.ends_with(".rs") {
            continue;
        }
        let first = source.text.lines().next().unwrap_or_default();
        let says = first.strip_prefix("//! ").is_some_and(|sentence| sentence.trim().len() > 10);
        if !says || first.contains("placeholder") {
            found.push(format!(
                "{}:1: the first line must be `//!` and say the file's one responsibility",
                source.path
            ));
        }
        if !head(&source.text).any(|line| line.contains("SPDX-License-Identifier:")) {
            found.push(format!("{}: no SPDX-License-Identifier among the first comments", source.path));
        }
    }
    found
}

/// `target_arch` and `target_family` only in adapters.
pub(super) fn cfgs(sources: &[Source]) -> Vec<String> {
    let product = sources.iter().filter(|source| is_product(&source.path) && !may_switch(&source.path));
    let places = product.flat_map(|source| {
        ["target_arch", "target_family"].into_iter().flat_map(|word| source.places(word)).collect::<Vec<_>>()
    });
    places
        .map(|place| format!("{place}: `target_arch` belongs into sync.rs, runtime/, http/ or js/"))
        .collect()
}

/// Words of product code: nothing that panics, prints or boxes every future.
pub(super) fn words(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let mut refuse = |words: &[&str], why: &str| {
            for word in words {
                found
                    .extend(source.places(word).into_iter().map(|place| format!("{place}: `{word}`: {why}")));
            }
        };
        refuse(&["async_trait", "async_trait::async_trait"], "seams are `impl Future`, erased by hand");
        if is_product(&source.path) {
            refuse(&[".unwrap()", ".expect(", ".unwrap_err()", ".expect_err("], "give a typed error instead");
            refuse(&["panic!", "todo!", "unimplemented!", "unreachable!"], "give a typed error instead");
            refuse(&["println!", "eprintln!", "print!", "eprint!", "dbg!"], "a library does not print");
        }
        if source.path.starts_with("src/") && !source.path.contains("tracing") && source.path != "src/lib.rs"
        {
            refuse(
                &["tracing::", "use tracing"],
                "the core reports through its observer; src/**/tracing.rs adapts it",
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Source, cfgs, shape, words};

    fn one(path: &str, text: &str) -> Vec<Source> {
        vec![Source::new(path, text)]
    }

    const HEAD: &str = "//! Does one thing and says so.\n// SPDX-License-Identifier: Apache-2.0 OR MIT\n";

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(shape(&one("src/a.rs", HEAD)).len(), 0);
        assert_eq!(shape(&one("src/a.rs", &format!("{HEAD}{}", "\n".repeat(500)))).len(), 1);
        assert_eq!(shape(&one("pkg-template/client.js", &"\n".repeat(501))).len(), 1);
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_found() {
        assert_eq!(shape(&one("src/a.rs", "use std::fmt;\n")).len(), 2);
        assert_eq!(
            shape(&one("src/a.rs", &HEAD.replace("Does one thing and says so.", "placeholder"))).len(),
            1
        );
    }

    #[test]
    fn a_switch_in_the_core_is_found() {
        let text = "#[cfg(target_arch = \"wasm32\")] fn f() {}";
        assert_eq!(cfgs(&one("src/client.rs", text)).len(), 1);
        assert_eq!(cfgs(&one("src/sync.rs", text)).len(), 0);
        assert_eq!(cfgs(&one("src/client.rs", "// target_arch\n")).len(), 0);
    }

    #[test]
    fn what_panics_or_prints_is_found() {
        for text in
            ["x.unwrap();", "x.expect(\"y\");", "println!(\"x\");", "tracing::info!(\"x\");", "todo!()"]
        {
            assert_eq!(words(&one("src/client.rs", text)).len(), 1, "{text}");
            let tested = format!("#[cfg(test)] mod t {{ fn f() {{ {text} }} }}");
            assert_eq!(words(&one("src/client.rs", &tested)).len(), 0, "{text}");
        }
        assert_eq!(words(&one("src/observe/tracing.rs", "tracing::info!(\"x\");")).len(), 0);
        assert_eq!(words(&one("tests/a.rs", "x.unwrap(); println!();")).len(), 0);
        assert_eq!(words(&one("emulator/src/lib.rs", "#[async_trait] trait X {}")).len(), 1);
    }
}
