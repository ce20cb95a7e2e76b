//! Sizes, hashes and imports of finished files, asked of Node: it has gzip, brotli, SHA-256 and a wasm parser.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::context::Context;
use crate::error::{Error, Result};
use crate::shell::Cmd;
use std::fmt;
use std::path::Path;

/// How large something is, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) raw: u64,
    pub(crate) gzip: u64,
    pub(crate) brotli: u64,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.raw += other.raw;
        self.gzip += other.gzip;
        self.brotli += other.brotli;
    }
}

/// What is smaller; nothing where it is not.
impl std::ops::Sub for Size {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            raw: self.raw.saturating_sub(other.raw),
            gzip: self.gzip.saturating_sub(other.gzip),
            brotli: self.brotli.saturating_sub(other.brotli),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8} raw {:>7} gzip {:>7} brotli", self.raw, self.gzip, self.brotli)
    }
}

/// What a file is.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) size: Size,
    pub(crate) sha256: String,
    pub(crate) imports: Vec<String>,
}

/// Measures a file; a wasm file's imports are listed as well.
pub(crate) fn inspect(context: &Context, file: &Path) -> Result<Shape> {
    let script = context.root.join("xtask/js/inspect.mjs");
    let text = Cmd::new("node").arg(script).arg(file).stdout()?;
    let mut shape = Shape::default();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(' ') else { continue };
        let number = || value.parse().map_err(|_| Error::new(format!("inspect.mjs said `{line}`")));
        match key {
            "raw" => shape.size.raw = number()?,
            "gzip" => shape.size.gzip = number()?,
            "brotli" => shape.size.brotli = number()?,
            "sha256" => value.clone_into(&mut shape.sha256),
            "import" => shape.imports.push(value.to_owned()),
            _ => {}
        }
    }
    Ok(shape)
}

/// One line about a file.
pub(crate) fn file(context: &Context, path: &Path) -> Result<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(format!("{name:<24} {}", inspect(context, path)?.size))
}
