//! What is known of a machine, and the loop that asks it for what a plain function of this does not find there.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{DynHost, Question, Said, content};
use crate::error::Result;
use crate::sync::Guarded;

/// The most that is read of a file, in bytes.
const MAX_FILE: usize = 1024 * 1024;

/// What a machine said so far. It is forgotten at the end of a walk.
#[derive(Default)]
pub(crate) struct Known {
    said: Vec<(Asked, Said)>,
    /// What was looked for first of all that is not known.
    missing: Guarded<Option<Asked>>,
}

/// A variable's name, or a file's path.
#[derive(PartialEq, Eq)]
struct Asked {
    file: bool,
    name: String,
}

impl Known {
    /// What `look` makes of the machine. It finds nothing where nothing is known yet; what it makes of that is not
    /// believed, the machine is asked, and it looks again. So the machine is asked for what counts, and once.
    pub(crate) async fn look<T>(&mut self, host: &dyn DynHost, look: impl Fn(&Self) -> T) -> T {
        loop {
            let asked = {
                let found = look(self);
                match self.missing.with(Option::take) {
                    Some(asked) => asked,
                    None => return found,
                }
            };
            let question = match asked.file {
                true => Question::File(&asked.name, MAX_FILE),
                false => Question::Variable(&asked.name),
            };
            let said = host.ask(question).await;
            self.said.push((asked, said));
        }
    }

    fn said(&self, file: bool, name: &str) -> Option<&Said> {
        let known = self.said.iter().find(|(asked, _)| asked.file == file && asked.name == name);
        if known.is_none() {
            self.missing.with(|missing| {
                missing.get_or_insert_with(|| Asked { file, name: name.to_owned() });
            });
        }
        known.map(|(_, said)| said)
    }

    /// A variable that is set to something.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let value = self.said(false, name)?.as_ref().ok()?.as_ref()?;
        crate::text::utf8(value.expose()).ok().filter(|value| !value.is_empty())
    }

    /// Whether a variable says yes. Anything but `true`, in whatever case, is no, as in Alibaba's own packages.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A file's content, if there is such a file.
    pub(crate) fn file(&self, path: &str) -> Result<Option<&[u8]>> {
        self.said(true, path).map_or(Ok(None), |said| content(path, said))
    }
}
