//! What is known of a machine, and the loop that asks it for what a plain function of this does not find there.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{DynHost, Question, Said, content};
use crate::error::Result;
use std::cell::Cell;

/// The most that is read of a file, in bytes.
const MAX_FILE: usize = 1024 * 1024;

/// What a machine said so far. It is forgotten at the end of a walk.
#[derive(Default)]
pub(crate) struct Known {
    said: Vec<(Asked, Said)>,
    /// What was looked for first of all that is not known.
    missing: Cell<Option<Asked>>,
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
                match self.missing.take() {
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
            let first = self.missing.take().unwrap_or_else(|| Asked { file, name: name.to_owned() });
            self.missing.set(Some(first));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::HostError;
    use crate::credentials::host::Host;
    use crate::sensitive::Sensitive;
    use crate::sync::Guarded;
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Has one variable and one file, and keeps what it was asked.
    #[derive(Default)]
    struct Machine(Guarded<Vec<String>>);

    impl Machine {
        fn asked(&self) -> Vec<String> {
            self.0.with(std::mem::take)
        }
    }

    impl Host for Machine {
        async fn var(&self, name: &str) -> Option<Sensitive<String>> {
            self.0.with(|asked| asked.push(name.to_owned()));
            (name == "SET").then(|| Sensitive::new("true".to_owned()))
        }
        async fn read(&self, path: &str, _: usize) -> Said {
            self.0.with(|asked| asked.push(path.to_owned()));
            match path {
                "/file" => Ok(Some(Sensitive::new(b"content".to_vec()))),
                "/denied" => Err(HostError::Denied),
                _ => Ok(None),
            }
        }
        async fn run(&self, _: &[String], _: usize) -> std::result::Result<Sensitive<Vec<u8>>, HostError> {
            Err(HostError::Unsupported)
        }
    }

    fn looked<T>(machine: &Machine, known: &mut Known, look: impl Fn(&Known) -> T) -> T {
        match pin!(known.look(machine, look)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found,
            Poll::Pending => panic!("this machine answers at once"),
        }
    }

    #[test]
    fn only_what_counts_is_asked_for_and_once() {
        let (machine, mut known) = (Machine::default(), Known::default());
        let found = looked(&machine, &mut known, |known| match known.is_on("SET") {
            true => known.variable("FIRST").or_else(|| known.variable("SET")).map(str::to_owned),
            false => None,
        });
        assert_eq!(found.as_deref(), Some("true"));
        assert_eq!(machine.asked(), ["SET", "FIRST"]);
        let way_not_taken = looked(&machine, &mut known, |known| match known.is_on("FIRST") {
            true => known.variable("SECOND").is_some(),
            false => known.is_on("SET"),
        });
        assert!(way_not_taken && machine.asked().is_empty(), "all of it is known");
    }

    #[test]
    fn what_is_made_of_a_machine_that_is_not_known_does_not_count() {
        let (machine, mut known) = (Machine::default(), Known::default());
        let found = looked(&machine, &mut known, |known| match known.file("/file") {
            Ok(Some(content)) => Ok(content.to_vec()),
            _ => Err("no file"),
        });
        assert_eq!(found, Ok(b"content".to_vec()));
        let paths = ["/missing", "/denied", "/file"];
        let found = looked(&machine, &mut known, |known| {
            paths.map(|path| known.file(path).map(|content| content.map(<[u8]>::len)).ok())
        });
        assert_eq!(found, [Some(None), None, Some(Some(7))]);
        assert_eq!(machine.asked(), ["/file", "/missing", "/denied"]);
    }
}
