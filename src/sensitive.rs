//! A value that never prints and is wiped when dropped.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::fmt;
use zeroize::Zeroize;

/// Holds a secret: prints as `[REDACTED]` (no prefix, no length), has no `Serialize`, is overwritten on drop.
/// The plain value leaves it only through [`expose`](Sensitive::expose).
///
/// ```
/// let password = simsim::Sensitive::new(String::from("open sesame"));
/// assert_eq!(format!("{password} {password:?}"), "[REDACTED] [REDACTED]");
/// assert_eq!(password.expose(), "open sesame");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Takes ownership of a secret.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The plain value. Do not log it, and do not keep copies longer than needed.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + Default> Sensitive<T> {
    /// Moves the plain value out; the caller is then responsible for wiping it.
    pub(crate) fn into_exposed(mut self) -> T {
        std::mem::take(&mut self.0)
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl<T: Zeroize> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensitive_value_prints_neither_itself_nor_its_length() {
        let secret = Sensitive::new(String::from("needle-4711"));
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "[REDACTED] [REDACTED] [REDACTED]");
        assert_eq!(secret.expose(), "needle-4711");
    }
}
