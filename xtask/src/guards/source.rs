//! Rust text with its comments, strings and test code blanked out, so that a search finds only what is compiled.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// One Rust file as the guards see it. Line numbers are those of the file.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Without comments, without what is inside string and character literals, without `#[cfg(test)]` items;
    /// empty in a file that holds only tests.
    pub(crate) shipped: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank_literals(text);
        let shipped = if only_tests(path) { blank(&code) } else { blank_tests(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), shipped }
    }

    /// Blanks what belongs to modules that are declared under `#[cfg(test)]` in another of these files.
    pub(crate) fn leave_out_tests(sources: &mut [Self]) {
        let modules: Vec<String> = sources.iter().flat_map(Self::test_modules).collect();
        for source in sources {
            let inside = |module: &String| {
                let tail = source.path.strip_prefix(module.as_str());
                tail.is_some_and(|tail| tail == ".rs" || tail.starts_with('/'))
            };
            if modules.iter().any(inside) {
                source.shipped = blank(&source.shipped);
            }
        }
    }

    /// `src/cache/model` for `#[cfg(test)] mod model;` in src/cache/mod.rs or src/cache.rs.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let folder = stem.strip_suffix("/mod").or_else(|| stem.strip_suffix("/lib")).unwrap_or(stem);
        let code = blank_literals(&self.text);
        let declared = code.split("#[cfg(test)]").skip(1).filter_map(|tail| {
            let item = tail.split_once(';')?.0.trim();
            let name = item.strip_prefix("pub(crate) ").unwrap_or(item).strip_prefix("mod ")?;
            name.chars().all(|c| c.is_alphanumeric() || c == '_').then(|| format!("{folder}/{name}"))
        });
        declared.collect()
    }

    /// `path:line` of every place in the shipped code where `needle` stands as a whole word.
    pub(crate) fn places(&self, needle: &str) -> Vec<String> {
        words(&self.shipped, needle).map(|at| self.place(&self.shipped, at)).collect()
    }

    /// `path:line` of a position in one of the three texts.
    pub(crate) fn place(&self, text: &str, at: usize) -> String {
        let lines = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        format!("{}:{}", self.path, lines + 1)
    }
}

/// Where `needle` stands in `text` without being the end or the beginning of a longer name.
pub(crate) fn words<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let starts_name = needle.starts_with(part_of_name);
    let ends_name = needle.ends_with(part_of_name);
    text.match_indices(needle).map(|(at, _)| at).filter(move |at| {
        let before = text.get(..*at).and_then(|t| t.chars().next_back());
        let after = text.get(at + needle.len()..).and_then(|t| t.chars().next());
        let goes_on =
            starts_name && before.is_some_and(part_of_name) || ends_name && after.is_some_and(part_of_name);
        !goes_on
    })
}

fn only_tests(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/tests/")
}

/// The same lines with nothing on them.
fn blank(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect()
}

/// Blanks comments and the inside of literals.
fn blank_literals(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let before = out.chars().next_back();
        let length = literal(rest, before).unwrap_or(0);
        let (taken, tail) = rest.split_at(if length == 0 { first.len_utf8() } else { length });
        out.push_str(&if length == 0 { taken.to_owned() } else { blank(taken) });
        rest = tail;
    }
    out
}

/// How long the comment or literal is that `text` begins with.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with('"') {
        return Some(quoted(text));
    }
    let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if !in_name && text.starts_with(['r', 'b', 'c']) {
        return raw(text);
    }
    text.starts_with('\'').then(|| character(text)).flatten()
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = text.get(at..) {
        if tail.is_empty() {
            break;
        } else if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// From an opening quote to behind its closing one.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br#"…"#` and the like; nothing when it is only a name.
fn raw(text: &str) -> Option<usize> {
    let prefix = text.find(|c| !matches!(c, 'r' | 'b' | 'c')).filter(|length| *length <= 2)?;
    let tail = text.get(prefix..)?;
    let raw = text.get(..prefix)?.contains('r');
    let hashes = tail.len() - tail.trim_start_matches('#').len();
    let opened = tail.get(hashes..)?.starts_with('"');
    match (raw, opened) {
        (true, true) => {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = prefix + hashes + 1;
            let end = text.get(start..)?.find(&close).map(|at| start + at + close.len());
            Some(end.unwrap_or(text.len()))
        }
        (false, true) if hashes == 0 => Some(prefix + quoted(tail)),
        _ => None,
    }
}

/// A character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        let end = text.get(3..)?.find('\'')?;
        return Some(3 + end + 1);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}

/// Blanks each item under `#[cfg(test)]` (or `cfg(all(test, …))`): to its closing brace, or to its `;`.
fn blank_tests(code: &str) -> String {
    let mut out = code.to_owned();
    for marker in ["#[cfg(test)]", "#[cfg(all(test,"] {
        let starts: Vec<usize> = code.match_indices(marker).map(|(at, _)| at).collect();
        for start in starts {
            let end = start + item_length(code.get(start..).unwrap_or_default());
            if let Some(inside) = code.get(start..end) {
                out.replace_range(start..end, &blank(inside));
            }
        }
    }
    out
}

fn item_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut brackets = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn comments_strings_and_tests_are_not_searched() {
        let text = r####"//! about .unwrap()
let a = "x.unwrap()"; // .unwrap()
/* outer /* .unwrap() */ still */
let b = r#"a " .unwrap()"#; let c = 'c'; let d: &'static str = b".unwrap()";
let quote = '"'; let e = f.unwrap();
#[cfg(test)]
mod tests { fn t() { x.unwrap(); } }
fn g() { h.unwrap() }
"####;
        let source = Source::new("src/x.rs", text);
        assert_eq!(source.places(".unwrap()"), ["src/x.rs:5", "src/x.rs:8"]);
        assert_eq!(source.shipped.lines().count(), text.lines().count());
    }

    #[test]
    fn a_name_inside_a_longer_name_is_no_place() {
        let source = Source::new("src/x.rs", "eprintln!(); println!(); my_println!();");
        assert_eq!(source.places("println!").len(), 1);
    }

    #[test]
    fn a_module_declared_for_tests_ships_nothing() {
        let declaring = "#[cfg(test)]\nmod model;\nmod real;";
        let files =
            ["src/cache/mod.rs", "src/cache/model.rs", "src/cache/model/world.rs", "src/cache/real.rs"];
        let text = |path: &str| if path.ends_with("mod.rs") { declaring } else { "a.unwrap()" };
        let mut sources: Vec<Source> = files.iter().map(|path| Source::new(path, text(path))).collect();
        Source::leave_out_tests(&mut sources);
        let found: Vec<String> = sources.iter().flat_map(|source| source.places(".unwrap()")).collect();
        assert_eq!(found, ["src/cache/real.rs:1"]);
    }

    #[test]
    fn a_file_of_tests_ships_nothing() {
        assert!(Source::new("src/cache/tests.rs", "a.unwrap()").places(".unwrap()").is_empty());
    }
}
