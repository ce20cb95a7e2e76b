//! The wire between client and KMS: keeps what was sent, and plays tricks that no service plays.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::http::{Fetch, FetchError, FetchErrorKind, Request, Response};
use simsim_emulator::Emulator;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens to one request.
pub enum Trick {
    /// Nothing: the true answer.
    Pass,
    /// No answer.
    Fail(FetchErrorKind),
    /// This answer; KMS never sees the request.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The request is changed on its way.
    Forge(Box<dyn FnOnce(&mut Request) + Send>),
}

impl Trick {
    /// A 200 with that body.
    pub fn body(text: impl Into<Vec<u8>>) -> Self {
        Self::Answer(200, Vec::new(), text.into())
    }
}

#[derive(Default)]
struct State {
    tricks: VecDeque<Trick>,
    sent: Vec<Request>,
    under_way: usize,
    most: usize,
}

#[derive(Clone)]
pub struct Wire {
    kms: Emulator,
    state: Arc<Mutex<State>>,
}

impl Wire {
    pub fn new(kms: Emulator) -> Self {
        Self { kms, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// Queues a trick for the next request that has none.
    pub fn play(&self, trick: Trick) {
        self.state().tricks.push_back(trick);
    }

    /// Everything that was sent, whether it arrived or not.
    pub fn sent(&self) -> Vec<Request> {
        self.state().sent.clone()
    }

    /// The values of one header in the order of the requests.
    pub fn headers(&self, name: &str) -> Vec<String> {
        let of = |r: &Request| r.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        self.state().sent.iter().filter_map(of).collect()
    }

    /// How many requests were under way at once, at most.
    pub fn most_at_once(&self) -> usize {
        self.state().most
    }
}

/// Counts a request out, also when its future is dropped.
struct UnderWay(Wire);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
    }
}

impl Fetch for Wire {
    async fn fetch(&self, mut request: Request) -> Result<Response, FetchError> {
        let trick = {
            let mut state = self.state();
            state.sent.push(request.clone());
            state.under_way += 1;
            state.most = state.most.max(state.under_way);
            state.tricks.pop_front().unwrap_or(Trick::Pass)
        };
        let _under_way = UnderWay(self.clone());
        match trick {
            Trick::Pass => self.kms.fetch(request).await,
            Trick::Fail(kind) => Err(FetchError::new(kind)),
            Trick::Answer(status, headers, body) => {
                let headers = headers.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
                Ok(Response::new(status, headers, body))
            }
            Trick::Forge(change) => {
                change(&mut request);
                self.kms.fetch(request).await
            }
        }
    }
}
