//! `NativeHost`: the environment, files and processes of the operating system.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Host, HostError};
use crate::sensitive::Sensitive;
use std::io::{ErrorKind, Read as _};
use std::process::Stdio;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

/// The machine itself.
///
/// Files are read on tokio's threads for blocking work. [`run`](Host::run) needs a tokio runtime with I/O enabled
/// (`#[tokio::main]`, or `Builder::enable_all()`): tokio panics otherwise.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NativeHost;

impl NativeHost {
    /// The machine itself. Nothing is read yet.
    pub fn new() -> Self {
        Self
    }
}

impl Host for NativeHost {
    async fn var(&self, name: &str) -> Option<Sensitive<String>> {
        std::env::var(name).ok().map(Sensitive::new)
    }

    async fn read(&self, path: &str, max: usize) -> Result<Option<Sensitive<Vec<u8>>>, HostError> {
        let path = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || read_file(&path, max));
        reading.await.unwrap_or(Err(HostError::Failed))
    }

    async fn run(&self, argv: &[String], max: usize) -> Result<Sensitive<Vec<u8>>, HostError> {
        let (program, arguments) = argv.split_first().ok_or(HostError::NotFound)?;
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| fault(&error))?;
        let mut output = Buffer::new(max, max);
        let mut stdout = child.stdout.take().ok_or(HostError::Failed)?;
        loop {
            let read = stdout.read(output.free()).await.map_err(|error| fault(&error))?;
            if read == 0 {
                break;
            }
            output.filled(read)?;
        }
        let status = child.wait().await.map_err(|error| fault(&error))?;
        if status.success() { Ok(output.into_bytes()) } else { Err(HostError::Exited(status.code())) }
    }
}

fn read_file(path: &str, max: usize) -> Result<Option<Sensitive<Vec<u8>>>, HostError> {
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(fault(&error)),
    };
    let size = file.metadata().ok().and_then(|meta| usize::try_from(meta.len()).ok()).unwrap_or(max);
    let mut content = Buffer::new(size, max);
    loop {
        match file.read(content.free()) {
            Ok(0) => return Ok(Some(content.into_bytes())),
            Ok(read) => content.filled(read)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(&error)),
        }
    }
}

/// What is read, in memory that is wiped. It grows by moving into new memory, so that no copy stays behind.
struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
    length: usize,
    max: usize,
}

impl Buffer {
    fn new(expected: usize, max: usize) -> Self {
        // One more than fits, so that the end is noticed without growing, and one too many is noticed at all.
        let size = expected.min(max).min(FIRST).saturating_add(1);
        Self { bytes: Zeroizing::new(vec![0; size]), length: 0, max }
    }

    /// Where the next bytes go; never empty.
    fn free(&mut self) -> &mut [u8] {
        if self.length == self.bytes.len() {
            let mut larger = Zeroizing::new(vec![0; self.length.saturating_mul(2).saturating_add(1)]);
            for (to, from) in larger.iter_mut().zip(self.bytes.iter()) {
                *to = *from;
            }
            self.bytes = larger;
        }
        self.bytes.get_mut(self.length..).unwrap_or_default()
    }

    fn filled(&mut self, count: usize) -> Result<(), HostError> {
        self.length = self.length.saturating_add(count);
        if self.length > self.max { Err(HostError::TooLarge) } else { Ok(()) }
    }

    fn into_bytes(mut self) -> Sensitive<Vec<u8>> {
        self.bytes.truncate(self.length);
        Sensitive::new(std::mem::take(&mut *self.bytes))
    }
}

/// The most memory that is set aside before anything was read.
const FIRST: usize = 64 * 1024;

fn fault(error: &std::io::Error) -> HostError {
    match error.kind() {
        ErrorKind::NotFound => HostError::NotFound,
        ErrorKind::PermissionDenied => HostError::Denied,
        _ => HostError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|part| (*part).to_owned()).collect()
    }

    /// A folder of this test's own, removed with it.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("simsim-native-host-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self, name: &str, content: &[u8]) -> String {
            let path = self.0.join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    #[tokio::test]
    async fn a_file_is_read_whole_up_to_the_bound() {
        let folder = Folder::new("read");
        for size in [0, 1, FIRST, FIRST + 1, 3 * FIRST] {
            let content = vec![7; size];
            let path = folder.file("some", &content);
            for more in [0, 1, 1000] {
                let read = NativeHost.read(&path, size + more).await.unwrap().expect("a file");
                assert_eq!(read.expose(), &content);
            }
            if size > 0 {
                let refused = NativeHost.read(&path, size - 1).await;
                assert_eq!(refused.map(|_| ()), Err(HostError::TooLarge));
            }
        }
        let missing = folder.0.join("missing").to_str().unwrap().to_owned();
        assert!(NativeHost.read(&missing, 10).await.unwrap().is_none());
        let below = format!("{}/below", folder.file("file", b"x"));
        assert!(NativeHost.read(&below, 10).await.unwrap().is_none());
        let directory = NativeHost.read(folder.0.to_str().unwrap(), 10).await;
        assert_eq!(directory.map(|_| ()), Err(HostError::Failed));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_without_an_end_is_too_large() {
        let endless = NativeHost.read("/dev/zero", 100_000).await;
        assert_eq!(endless.map(|_| ()), Err(HostError::TooLarge));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_process_gets_its_arguments_as_they_are_and_only_its_output_counts() {
        let script = r#"printf '%s|' "$@"; printf noise >&2; cat"#;
        let given = argv(&["/bin/sh", "-c", script, "sh", "a b", "$HOME", "*"]);
        let output = NativeHost.run(&given, 100).await.unwrap();
        assert_eq!(output.expose(), b"a b|$HOME|*|");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_process_that_fails_is_told_by_its_code() {
        let run = async |parts: &[&str], max| NativeHost.run(&argv(parts), max).await.map(|_| ());
        assert_eq!(run(&["/bin/sh", "-c", "exit 3"], 10).await, Err(HostError::Exited(Some(3))));
        assert_eq!(run(&["/bin/sh", "-c", "kill -9 $$"], 10).await, Err(HostError::Exited(None)));
        assert_eq!(run(&["/there/is/no/such/program"], 10).await, Err(HostError::NotFound));
        assert_eq!(run(&[], 10).await, Err(HostError::NotFound));
        assert_eq!(run(&["/dev/null"], 10).await, Err(HostError::Denied));
        assert_eq!(run(&["/bin/sh", "-c", "while :; do echo y; done"], 100).await, Err(HostError::TooLarge));
        assert_eq!(run(&["/bin/sh", "-c", "printf 12345"], 5).await, Ok(()));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_process_that_nobody_waits_for_is_ended() {
        let folder = Folder::new("run");
        let pid = folder.0.join("pid");
        let script = format!("echo $$ > '{}.new'; mv '{0}.new' '{0}'; exec sleep 600", pid.display());
        let running =
            tokio::spawn(async move { NativeHost.run(&argv(&["/bin/sh", "-c", &script]), 10).await });
        let pid = loop {
            if let Ok(pid) = std::fs::read_to_string(&pid) {
                break pid.trim().to_owned();
            }
            tokio::task::yield_now().await;
        };
        running.abort();
        assert!(running.await.is_err());
        // `kill -0` fails once the process is gone and collected.
        let alive = || {
            let mut asked = std::process::Command::new("/bin/sh");
            asked.args(["-c", "kill -0 \"$0\"", &pid]).stderr(Stdio::null());
            asked.status().unwrap().success()
        };
        while alive() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_variable_is_the_processs_own() {
        let path = NativeHost.var("PATH").await.map(Sensitive::into_exposed);
        assert_eq!(path, std::env::var("PATH").ok());
        assert!(NativeHost.var("SIMSIM_THERE_IS_NO_SUCH_VARIABLE").await.is_none());
    }
}
