//! A value that is refused by the system it opens: fetched anew once, and used again.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{World, millis};
use simsim::{Client, Error, ErrorKind, Secret};
use simsim_emulator::Fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

scenarios![
    a_rotated_password_is_fetched_once_and_used_again,
    two_hundred_refused_logins_share_one_refresh,
    a_refused_login_takes_what_another_has_fetched,
    a_refresh_that_fails_gives_the_first_refusal,
    another_fault_of_the_use_fetches_nothing,
    a_second_refusal_is_the_last,
];

#[derive(Debug)]
enum AtUse {
    Refused(String),
    Broken,
    Kms(Error),
}

impl From<Error> for AtUse {
    fn from(error: Error) -> Self {
        Self::Kms(error)
    }
}

/// A database with one password in force; counts logins.
#[derive(Clone)]
struct Database {
    password: &'static str,
    logins: Arc<AtomicUsize>,
}

impl Database {
    fn new(password: &'static str) -> Self {
        Self { password, logins: Arc::default() }
    }

    fn login(&self, secret: &Secret) -> Result<String, AtUse> {
        self.logins.fetch_add(1, Ordering::Relaxed);
        let given = secret.text()?.to_owned();
        if given == self.password { Ok(given) } else { Err(AtUse::Refused(given)) }
    }

    fn logins(&self) -> usize {
        self.logins.load(Ordering::Relaxed)
    }
}

async fn log_in(client: Client, database: Database) -> Result<String, AtUse> {
    let refused = |error: &AtUse| matches!(error, AtUse::Refused(_));
    let using = |secret: Secret| {
        let result = database.login(&secret);
        async move { result }
    };
    client.with_secret("db/password", using, refused).await
}

async fn a_rotated_password_is_fetched_once_and_used_again(w: World) {
    let (client, database) = (w.client(), Database::new("needle-value-2"));
    w.text(&client, "db/password").await;
    w.kms.rotate("db/password", "needle-value-2");
    let result = w.run(log_in(client.clone(), database.clone())).await;
    assert_eq!(result.unwrap(), "needle-value-2");
    assert_eq!((database.logins(), w.kms_reads()), (2, 2));
    w.run(log_in(client, database.clone())).await.unwrap();
    assert_eq!((database.logins(), w.kms_reads()), (3, 2), "the next login takes the new one");
}

async fn two_hundred_refused_logins_share_one_refresh(w: World) {
    let (client, database) = (w.client(), Database::new("needle-value-2"));
    w.text(&client, "db/password").await;
    w.kms.rotate("db/password", "needle-value-2");
    w.kms.inject(Fault::slow_headers(millis(100)));
    let logins: Vec<_> = (0..200).map(|_| w.spawn(log_in(client.clone(), database.clone()))).collect();
    for login in logins {
        assert_eq!(login.await.unwrap().unwrap(), "needle-value-2");
    }
    assert!(w.kms_reads() <= 3, "{} calls after the first", w.kms_reads() - 1);
    assert_eq!(database.logins(), 400);
}

async fn a_refused_login_takes_what_another_has_fetched(w: World) {
    let (client, database) = (w.client(), Database::new("needle-value-2"));
    w.text(&client, "db/password").await;
    w.kms.rotate("db/password", "needle-value-2");
    let (other, refreshed) = (client.clone(), database.clone());
    let result = w
        .run(async move {
            let mut first = true;
            let using = |secret: Secret| {
                // While this one is at the database, another caller refreshes.
                let (other, result) =
                    (std::mem::take(&mut first).then(|| other.clone()), refreshed.login(&secret));
                async move {
                    if let Some(other) = other {
                        other.refresh("db/password").await?;
                    }
                    result
                }
            };
            client.with_secret("db/password", using, |e: &AtUse| matches!(e, AtUse::Refused(_))).await
        })
        .await;
    assert_eq!(result.unwrap(), "needle-value-2");
    assert_eq!(w.kms_reads(), 2, "no further call");
}

async fn a_refresh_that_fails_gives_the_first_refusal(w: World) {
    let (client, database) = (w.client(), Database::new("needle-value-2"));
    w.text(&client, "db/password").await;
    w.kms.inject(Fault::unreachable());
    let refused = w.run(log_in(client, database.clone())).await.unwrap_err();
    assert!(matches!(refused, AtUse::Refused(given) if given == "needle-value-1"));
    assert_eq!(database.logins(), 1);
}

async fn another_fault_of_the_use_fetches_nothing(w: World) {
    let client = w.client();
    let result = w
        .run(async move {
            let using = |_: Secret| async { Err::<(), _>(AtUse::Broken) };
            client.with_secret("db/password", using, |e| matches!(e, AtUse::Refused(_))).await
        })
        .await;
    assert!(matches!(result, Err(AtUse::Broken)));
    assert_eq!(w.kms_reads(), 1);
    w.kms.remove_secret("db/password");
    let (client, database) = (w.client(), Database::new("x"));
    match w.run(log_in(client, database.clone())).await.unwrap_err() {
        AtUse::Kms(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
        other => panic!("{other:?}"),
    }
    assert_eq!(database.logins(), 0);
}

async fn a_second_refusal_is_the_last(w: World) {
    let (client, database) = (w.client(), Database::new("another"));
    let refused = w.run(log_in(client, database.clone())).await.unwrap_err();
    assert!(matches!(refused, AtUse::Refused(_)));
    assert_eq!((database.logins(), w.kms_reads()), (2, 2));
}
