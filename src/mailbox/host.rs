//! The machine as a mailbox: what is asked of it and what it says, as bytes of their own inside of one effect.
//!
//! A build that never makes a [`MailboxHost`] carries none of this.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::desk::Desk;
use super::leaf::Asked;
use super::wire::{Malformed, Read, Reader, Writer, tag};
use crate::credentials::{Host, HostError, Question, Said};
use crate::sensitive::Sensitive;
use crate::sync::MaybeSend;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// What is asked: the first byte.
mod ask {
    /// The name of a variable.
    pub(super) const VAR: u8 = 1;
    /// The most bytes, the path of a file.
    pub(super) const READ: u8 = 2;
    /// The most bytes, the count of the arguments (the program first), the arguments.
    pub(super) const RUN: u8 = 3;
}

/// What is said: the first byte.
mod say {
    /// It is not there. Nothing follows.
    pub(super) const NOTHING: u8 = 0;
    /// The variable, the file or the output: all that follows.
    pub(super) const FOUND: u8 = 1;
    /// A byte for the [`HostError`](super::HostError), and a program's code (u32) behind that of `Exited`.
    pub(super) const FAILED: u8 = 2;
}

/// See [`Mailbox::host`](super::Mailbox::host).
#[derive(Clone)]
pub struct MailboxHost(pub(super) Arc<Desk>);

impl fmt::Debug for MailboxHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailboxHost")
    }
}

/// What a driver brought.
fn said_by(said: &[u8]) -> Read<Said> {
    let mut said = Reader::new(said);
    Ok(match said.u8()? {
        say::NOTHING => Ok(None),
        say::FOUND => Ok(Some(Sensitive::new(said.rest().to_vec()))),
        say::FAILED => Err(match said.u8()? {
            0 => HostError::Unsupported,
            1 => HostError::Denied,
            2 => HostError::NotFound,
            3 => HostError::TooLarge,
            4 => HostError::Exited(i32::try_from(said.u32()?).ok()),
            _ => HostError::Failed,
        }),
        _ => return Err(Malformed),
    })
}

fn most(max: usize) -> u32 {
    u32::try_from(max).unwrap_or(u32::MAX)
}

impl Host for MailboxHost {
    async fn var(&self, name: &str) -> Option<Sensitive<String>> {
        let found = self.ask(Question::Variable(name)).await.ok()??;
        crate::text::utf8(found.expose()).ok().map(|text| Sensitive::new(text.to_owned()))
    }

    async fn read(&self, path: &str, max: usize) -> Said {
        self.ask(Question::File(path, max)).await
    }

    async fn run(&self, argv: &[String], max: usize) -> Result<Sensitive<Vec<u8>>, HostError> {
        self.ask(Question::Program(argv, max)).await?.ok_or(HostError::NotFound)
    }

    fn ask(&self, question: Question<'_>) -> impl Future<Output = Said> + MaybeSend {
        let mut out = Writer::new();
        let max = match question {
            Question::Variable(name) => {
                out.u8(ask::VAR);
                out.text(name);
                usize::MAX
            }
            Question::File(path, max) => {
                out.u8(ask::READ);
                out.u32(most(max));
                out.text(path);
                max
            }
            Question::Program(argv, max) => {
                out.u8(ask::RUN);
                out.u32(most(max));
                out.u32(u32::try_from(argv.len()).unwrap_or_default());
                for argument in argv {
                    out.text(argument);
                }
                max
            }
        };
        let mut effect = Writer::effect(tag::HOST);
        effect.bytes(&out.into_bytes());
        let asked =
            Asked::new(&self.0, effect, |reply| Ok(said_by(reply.said()?).unwrap_or(Err(HostError::Failed))));
        async move {
            match asked.await {
                // A driver that ignored the bound changes nothing.
                Ok(Some(found)) if found.expose().len() > max => Err(HostError::TooLarge),
                said => said,
            }
        }
    }
}

/// The driver's half of this layout, for hosts that are driven natively: asks `host` what an [`Effect::Host`](super::driver::Effect::Host) wants,
/// and writes what it says for a [`Reply::Host`](super::driver::Reply::Host).
///
/// # Errors
/// For an effect that is cut off.
pub async fn answer(host: &impl Host, effect: &[u8]) -> Result<Sensitive<Vec<u8>>, Malformed> {
    let mut effect = Reader::new(effect);
    let mut argv = Vec::new();
    let question = match effect.u8()? {
        ask::VAR => Question::Variable(effect.text()?),
        ask::READ => {
            let max = usize::try_from(effect.u32()?).unwrap_or(usize::MAX);
            Question::File(effect.text()?, max)
        }
        ask::RUN => {
            let max = usize::try_from(effect.u32()?).unwrap_or(usize::MAX);
            for _ in 0..effect.u32()? {
                argv.push(effect.text()?.to_owned());
            }
            Question::Program(&argv, max)
        }
        _ => return Err(Malformed),
    };
    let said = host.ask(question).await;
    Ok(Sensitive::new(match said {
        Ok(None) => vec![say::NOTHING],
        Ok(Some(found)) => [&[say::FOUND], found.expose().as_slice()].concat(),
        Err(error) => {
            let kind = match error {
                HostError::Unsupported => 0,
                HostError::Denied => 1,
                HostError::NotFound => 2,
                HostError::TooLarge => 3,
                HostError::Exited(_) => 4,
                HostError::Failed => 5,
            };
            let code = match error {
                HostError::Exited(Some(code)) => u32::try_from(code).unwrap_or(u32::MAX),
                _ => u32::MAX,
            };
            [&[say::FAILED, kind], code.to_le_bytes().as_slice()].concat()
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::Turn;
    use crate::mailbox::driver::{Driven, Effect, Reply};
    use crate::sync::Guarded;
    use crate::time::Now;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Says the same to every question, and keeps it.
    struct Says(Said, Guarded<Vec<String>>);

    impl Says {
        fn note(&self, question: &[&str]) -> Said {
            self.1.with(|asked| asked.push(question.join(" ")));
            self.0.clone()
        }
    }

    impl Host for Arc<Says> {
        async fn var(&self, name: &str) -> Option<Sensitive<String>> {
            let said = self.note(&["var", name]).ok()??;
            Some(Sensitive::new(String::from_utf8(said.into_exposed()).unwrap()))
        }
        async fn read(&self, path: &str, max: usize) -> Said {
            self.note(&["read", path, &max.to_string()])
        }
        async fn run(&self, argv: &[String], max: usize) -> Result<Sensitive<Vec<u8>>, HostError> {
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            self.note(&["run", &argv.join(","), &max.to_string()])?.ok_or(HostError::NotFound)
        }
    }

    /// Runs a question through the mailbox, answered by `host`.
    fn through<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        host: &Arc<Says>,
        question: impl FnOnce(MailboxHost) -> F,
    ) -> T {
        let mut mailbox = Driven::new();
        let turn = Turn { now: Now::default(), entropy: &[7; 16] };
        let result = Arc::new(Guarded::new(None));
        let (future, kept) = (question(mailbox.host()), result.clone());
        let operation = Box::pin(async move {
            let value = future.await;
            kept.with(|kept| *kept = Some(value));
            Vec::new()
        });
        let (op, effects) = mailbox.start(turn, false, operation);
        let [(id, Effect::Host(asked))] = effects.as_slice() else { panic!("{effects:?}") };
        let mut answering = pin!(answer(host, asked));
        let Poll::Ready(said) = answering.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("this host answers at once");
        };
        mailbox.step(op, *id, Reply::Host(said.unwrap()), turn);
        result.with(Option::take).expect("the question was answered")
    }

    fn says(said: Said) -> Arc<Says> {
        Arc::new(Says(said, Guarded::new(Vec::new())))
    }

    #[test]
    fn what_the_driver_says_arrives_as_it_was_said() {
        let found = |bytes: &[u8]| Ok(Some(Sensitive::new(bytes.to_vec())));
        for said in [
            found(b"text"),
            found(b""),
            Ok(None),
            Err(HostError::Unsupported),
            Err(HostError::Denied),
            Err(HostError::NotFound),
            Err(HostError::TooLarge),
            Err(HostError::Exited(Some(3))),
            Err(HostError::Exited(None)),
            Err(HostError::Failed),
        ] {
            let host = says(said.clone());
            let read = through(&host, |mailbox| async move { mailbox.read("/etc/x", 9).await });
            assert_eq!(read, said);
            let argv = ["a b".to_owned(), "c".to_owned()];
            let output = through(&host, |mailbox| async move { mailbox.run(&argv, 8).await });
            assert_eq!(output, said.clone().and_then(|found| found.ok_or(HostError::NotFound)));
            let variable = through(&host, |mailbox| async move { mailbox.var("HOME").await });
            let expected = said.ok().flatten().map(|bytes| bytes.into_exposed());
            assert_eq!(variable.map(|text| text.into_exposed().into_bytes()), expected);
            assert_eq!(host.1.with(|asked| asked.clone()), ["read /etc/x 9", "run a b,c 8", "var HOME"]);
        }
    }

    #[test]
    fn a_driver_that_ignores_the_bound_is_not_believed() {
        let host = says(Ok(Some(Sensitive::new(vec![7; 10]))));
        let read = through(&host, |mailbox| async move { mailbox.read("x", 9).await });
        assert_eq!(read, Err(HostError::TooLarge));
        let output = through(&host, |mailbox| async move { mailbox.run(&[], 9).await });
        assert_eq!(output, Err(HostError::TooLarge));
    }

    #[test]
    fn a_reply_that_is_cut_off_is_a_failure() {
        for said in [&[][..], &[2], &[2, 4, 1, 0], &[9]] {
            assert!(said_by(said).is_err(), "{said:?}");
        }
    }
}
