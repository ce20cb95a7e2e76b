//! Names the line on which the service's view of a refused request differs from what was signed, never its content.
//!
//! With `SignatureDoesNotMatch` the service sends its own string to sign, and mostly its canonical request, in the
//! message. These texts repeat the security token, so that the message must not be logged; the name of the differing
//! line may be.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::acs3::{ALGORITHM, string_to_sign};
use std::fmt;

/// Where the service's canonical request differs. Its texts are simsim's own: safe to print, whatever was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The method.
    Method,
    /// The path.
    Path,
    /// The query: something on the way changed or re-encoded it.
    Query,
    /// The value of this header, or the header is missing.
    Header(&'static str),
    /// Which headers are signed, or their order.
    SignedHeaders,
    /// The hash of the body.
    PayloadHash,
    /// Some line of the canonical request: the service shows its hash only.
    CanonicalRequest,
    /// None: the service signed the same text with another secret. The AccessKey secret is not that of the id.
    Secret,
}

impl Difference {
    /// The name to print.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Path => "path",
            Self::Query => "query",
            Self::Header(name) => name,
            Self::SignedHeaders => "signed headers",
            Self::PayloadHash => "payload hash",
            Self::CanonicalRequest => "canonical request",
            Self::Secret => "the AccessKey secret",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much of a message is looked at, in bytes.
const MAX_MESSAGE: usize = 256 * 1024;
/// How many headers of the service's canonical request are looked at.
const MAX_HEADERS: usize = 128;
/// The length of a SHA-256 in hexadecimal digits.
const HASH: usize = 64;
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];
/// The headers that are named; others are not, since their names may come from anywhere.
const HEADERS: [&str; 11] = [
    "content-type",
    "host",
    "x-acs-accesskey-id",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-credentials-provider",
    "x-acs-date",
    "x-acs-region-id",
    "x-acs-security-token",
    "x-acs-signature-nonce",
    "x-acs-version",
];

/// Compares the canonical request that was signed with what the service's message says of its own.
///
/// `None` when the message shows neither the service's string to sign nor its canonical request, or is cut off
/// before the difference. The message is not trusted: whatever it is, the answer is one of simsim's own names.
pub fn differing_line(canonical_request: &str, message: &str) -> Option<Difference> {
    if canonical_request.is_empty() {
        return None;
    }
    let message = message.as_bytes();
    let message = message.get(..MAX_MESSAGE).unwrap_or(message);
    let to_sign = string_to_sign(canonical_request);
    let ours = to_sign.as_bytes().get(ALGORITHM.len().wrapping_add(1)..)?;
    if find(message, ours).is_some() {
        return Some(Difference::Secret);
    }
    let Some(theirs) = canonical_request_in(message) else {
        return shows_a_string_to_sign(message).then_some(Difference::CanonicalRequest);
    };
    compare(Lines(canonical_request.as_bytes()), Lines(theirs))
}

fn compare(mut ours: Lines<'_>, mut theirs: Lines<'_>) -> Option<Difference> {
    for line in [Difference::Method, Difference::Path, Difference::Query] {
        if ours.next()? != theirs.next()? {
            return Some(line);
        }
    }
    let (our_headers, their_headers) = (ours.headers()?, theirs.headers()?);
    for line in &our_headers {
        let name = line.get(..line.iter().position(|b| *b == b':')?)?;
        let same_name = |other: &&&[u8]| other.strip_prefix(name).is_some_and(|rest| rest.starts_with(b":"));
        if their_headers.iter().find(same_name) != Some(line) {
            let known = HEADERS.iter().find(|known| known.as_bytes() == name);
            return Some(Difference::Header(known.copied().unwrap_or("another x-acs- header")));
        }
    }
    if our_headers != their_headers || ours.next()? != theirs.next()? {
        return Some(Difference::SignedHeaders);
    }
    // The last line: text of the message may follow it.
    let (our_hash, their_hash) = (ours.0.get(..HASH)?, theirs.0.get(..HASH)?);
    Some(if our_hash == their_hash { Difference::Secret } else { Difference::PayloadHash })
}

/// Lines that end in a line feed, be it the character or (in a message that was escaped once too often) `\n`.
struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    /// The next line; `None` when it is cut off.
    fn next(&mut self) -> Option<&'a [u8]> {
        let at = self.0.iter().enumerate().position(|(i, _)| feed_at(self.0, i) > 0)?;
        let line = self.0.get(..at)?;
        self.0 = self.0.get(at.wrapping_add(feed_at(self.0, at))..)?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The lines up to an empty one.
    fn headers(&mut self) -> Option<Vec<&'a [u8]>> {
        let mut out = Vec::new();
        while out.len() < MAX_HEADERS {
            match self.next()? {
                [] => return Some(out),
                line => out.push(line),
            }
        }
        None
    }
}

/// The length of the line feed at `at`; 0 when there is none.
fn feed_at(text: &[u8], at: usize) -> usize {
    match text.get(at..) {
        Some([b'\n', ..]) => 1,
        Some([b'\\', b'n', ..]) => 2,
        _ => 0,
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

/// The message from the service's canonical request on: a method, a line feed and a path.
fn canonical_request_in(message: &[u8]) -> Option<&[u8]> {
    (0..message.len()).find_map(|at| {
        let rest = message.get(at..)?;
        let method = METHODS.iter().find(|method| rest.starts_with(method.as_bytes()))?;
        let mut after = Lines(rest.get(method.len()..)?);
        // `\r` may stand before the feed, nothing else.
        let feed = after.0.strip_prefix(b"\r").unwrap_or(after.0);
        (feed_at(feed, 0) > 0 && after.next()?.is_empty() && after.0.starts_with(b"/")).then_some(rest)
    })
}

fn shows_a_string_to_sign(message: &[u8]) -> bool {
    let Some(at) = find(message, ALGORITHM.as_bytes()) else { return false };
    let mut rest = Lines(message.get(at..).unwrap_or_default());
    rest.next() == Some(ALGORITHM.as_bytes())
        && rest.0.get(..HASH).is_some_and(|hash| hash.iter().all(u8::is_ascii_hexdigit))
}
