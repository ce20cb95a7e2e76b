//! Where things are and how loud to be: what every command is given.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, Result};
use crate::shell::Cmd;
use std::path::{Path, PathBuf};

/// The folders of a run and where the output of the programs it starts goes.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    /// What outlives a clean clone: compiled std for wasm, cargo-deny. `SIMSIM_CACHE` moves it.
    pub(crate) cache: PathBuf,
    pub(crate) ci: bool,
    /// Where the output of started programs goes, if not to the terminal.
    log: Option<PathBuf>,
}

impl Context {
    pub(crate) fn find() -> Result<Self> {
        // Of this run, not of the compilation: work trees may share one target folder.
        let here =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let here = Path::new(&here);
        let root =
            here.parent().ok_or_else(|| Error::new("xtask has no workspace folder above it"))?.to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => root.join(dir),
            None => root.join("target"),
        };
        let cache = std::env::var_os("SIMSIM_CACHE")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("XDG_CACHE_HOME").map(|dir| PathBuf::from(dir).join("simsim")))
            .or_else(|| std::env::home_dir().map(|dir| dir.join(".cache/simsim")))
            .unwrap_or_else(|| target.join("cache"));
        let ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        Ok(Self { root, target, cache, ci, log: None })
    }

    pub(crate) fn log(&self) -> Option<&Path> {
        self.log.as_deref()
    }

    /// The same, but what started programs print goes into this file.
    pub(crate) fn logging_to(&self, path: &Path) -> Self {
        Self { log: Some(path.to_owned()), ..self.clone() }
    }

    /// Every file of the work tree that git does not ignore, from the root, with `/`.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let listed = Cmd::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = listed.dir(&self.root).stdout()?;
        // A file that was deleted is still listed until that is committed.
        let paths = listed.split('\0').filter(|path| !path.is_empty() && self.root.join(path).is_file());
        Ok(paths.map(str::to_owned).collect())
    }

    /// Where cargo keeps the sources it downloaded.
    pub(crate) fn cargo_home(&self) -> Option<PathBuf> {
        let home = || std::env::home_dir().map(|home| home.join(".cargo"));
        std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
    }

    /// Where `npm ci` put the programs of tests/npm.
    pub(crate) fn npm_tool(&self, name: &str) -> PathBuf {
        self.root.join("tests/npm/node_modules/.bin").join(name)
    }
}
