//! Reads a command's flags and words, and refuses what it does not know.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, Result};

/// What is left of a command line; each question takes its answer out.
#[derive(Debug)]
pub(crate) struct Args(Vec<String>);

impl Args {
    pub(crate) fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().collect())
    }

    /// Whether a flag is there.
    pub(crate) fn flag(&mut self, names: &[&str]) -> bool {
        let before = self.0.len();
        let end = self.0.iter().position(|word| word == "--").unwrap_or(before);
        let mut index = 0;
        self.0.retain(|word| {
            index += 1;
            index > end || !names.contains(&word.as_str())
        });
        self.0.len() != before
    }

    /// Every value of an option: `--name a --name b,c` and `--name=a` give a, b, c.
    pub(crate) fn values(&mut self, name: &str) -> Result<Vec<String>> {
        let mut values = Vec::new();
        let mut rest = Vec::new();
        let prefix = format!("{name}=");
        let mut words = std::mem::take(&mut self.0).into_iter();
        while let Some(word) = words.next() {
            if word == "--" {
                rest.push(word);
                rest.extend(words.by_ref());
            } else if word == name {
                values.push(words.next().ok_or_else(|| Error::new(format!("{name} needs a value")))?);
            } else if let Some(value) = word.strip_prefix(&prefix) {
                values.push(value.to_owned());
            } else {
                rest.push(word);
            }
        }
        self.0 = rest;
        Ok(values.iter().flat_map(|v| v.split(',')).filter(|v| !v.is_empty()).map(str::to_owned).collect())
    }

    /// The next word that is no flag.
    pub(crate) fn word(&mut self) -> Option<String> {
        let index = self.0.iter().position(|word| !word.starts_with('-'))?;
        Some(self.0.remove(index))
    }

    /// Everything behind `--`.
    pub(crate) fn passed_on(&mut self) -> Vec<String> {
        let end = self.0.iter().position(|word| word == "--");
        end.map(|end| self.0.drain(end..).skip(1).collect()).unwrap_or_default()
    }

    /// Nothing may be left.
    pub(crate) fn finish(self, command: &str) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => Err(Error::new(format!("`{command}` does not know `{word}`"))
                .advice(format!("cargo xtask {command} --help"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn values_come_apart_and_separated_by_commas() {
        let mut args = args("--only a,b word --only=c");
        assert_eq!(args.values("--only").unwrap(), ["a", "b", "c"]);
        assert_eq!(args.word().unwrap(), "word");
        args.finish("test").unwrap();
    }

    #[test]
    fn an_unknown_word_is_refused() {
        assert!(args("--olny a").finish("test").unwrap_err().to_string().contains("--olny"));
    }

    #[test]
    fn what_follows_two_dashes_is_passed_on() {
        let mut args = args("-v -- --verbose");
        assert!(args.flag(&["-v", "--verbose"]));
        assert_eq!(args.passed_on(), ["--verbose"]);
        args.finish("demo").unwrap();
    }
}
