//! SQLite's write lock, waited for: any program that looks into the file may hold it.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::catalog::Change;

/// How long what a person does waits. The kernel lets nobody look for a name in a folder that is being changed meanwhile, so
/// it isn't for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long a connection waits for a lock before it says so.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How much longer these changes wait: what a person does can't be found out again. The rest comes again by itself.
pub fn timeout(changes: &[Change]) -> Duration {
    let is_human = |change: &Change| matches!(change, Change::Acted(_));
    match changes.iter().any(is_human) {
        true => LONGEST_WAIT,
        false => Duration::ZERO,
    }
}

/// Begins to write, as soon as nobody else does.
///
/// # Errors
/// As busy, when another program still writes after that.
pub fn begin(writer: &Connection, timeout: Duration) -> rusqlite::Result<Transaction<'_>> {
    let began = Instant::now();
    let mut is_told = false;
    loop {
        match Transaction::new_unchecked(writer, TransactionBehavior::Immediate) {
            Err(error) if is_busy(&error) && began.elapsed() < timeout => {
                if !is_told {
                    tracing::warn!(
                        "another program holds the catalog's file: an edit waits for it"
                    );
                }
                is_told = true;
            }
            begun => return begun,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;

    #[test]
    fn who_has_waited_long_enough_is_told_that_it_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let connect = || {
            let connection = Connection::open(folder.path().join("some.sqlite")).unwrap();
            connection.busy_timeout(Duration::ZERO).unwrap();
            connection
        };
        let (writer, other) = (connect(), connect());
        let held = begin(&other, Duration::ZERO).unwrap();
        let refused = begin(&writer, Duration::ZERO).map(drop).unwrap_err();
        assert!(matches!(Error::from(refused), Error::Busy));
        held.rollback().unwrap();
        begin(&writer, Duration::ZERO).unwrap();
    }
}
