//! Which tables a catalog has, and which it has to have: those of a new one, in every version that there was.
//!
//! The number of its version says which tables to expect. Where they are exactly those of another version, the number is
//! wrong and not the catalog.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::LazyLock;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::opening::{CURRENT_VERSION, migrate_to};
use super::{Error, Result, header};

/// By kind and name what makes it. Comments and blanks say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema(BTreeMap<(String, String), String>);

/// What becomes of a catalog.
#[derive(Debug, PartialEq, Eq)]
pub enum Fit {
    /// It has nothing yet.
    New,
    /// It has the tables of its version.
    Version(i32),
    /// It has exactly those of another one.
    Misnumbered { number: i32, version: i32 },
    /// A newer program made it.
    Newer,
    /// Another program made it.
    Foreign,
    /// These tables are missing or others than they have to be.
    Damaged(Vec<String>),
}

/// Says in the header of the file whose it is: "kbas".
const APPLICATION: i32 = 0x6b62_6173;
/// Tables called as ours, from which on a database is one of ours: one or two names may be anybody's.
const FEW: usize = 4;

/// Those of each version, the first one first.
static VERSIONS: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let mut catalog = Connection::open_in_memory().expect(IN_MEMORY);
    let versions = 1..=CURRENT_VERSION;
    let versions = versions.map(|version| {
        migrate_to(&mut catalog, version).expect(IN_MEMORY);
        Schema::of(&catalog).expect(IN_MEMORY)
    });
    versions.collect()
});

/// The digest of the newest one. An index that has exactly that needs no comparison with all others: to make them takes
/// eight milliseconds, four times as long as all else that is done before a mount answers.
const NEWEST: &str = "1f1cca872e350191153a3c043a64377e2736afb8f2f2d81c6f86287bc40fcc6d";

const IN_MEMORY: &str = "a test makes every version in memory";

impl Schema {
    /// What makes the tables, indexes and triggers that are there.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of(catalog: &Connection) -> rusqlite::Result<Self> {
        let sql =
            "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'";
        let mut all = catalog.prepare(sql)?;
        let mut rows = all.query([])?;
        let mut schema = Self::default();
        while let Some(row) = rows.next()? {
            let (kind, name) = (text(row, 0)?, text(row, 1)?);
            schema.0.insert((kind, name), plain(&text(row, 2)?));
        }
        Ok(schema)
    }

    /// The one of a version, if there was such a version.
    fn of_version(number: i32) -> Option<&'static Self> {
        VERSIONS.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The one that has the most in common with what is there; of those of its number first.
    pub fn nearest(&self, number: i32) -> &'static Self {
        let nearest = self.nearest_version(number);
        Self::of_version(nearest).expect("there is this version")
    }

    /// The version of the nearest one.
    pub fn nearest_version(&self, number: i32) -> i32 {
        let alike = |version: &i32| {
            let other = Self::of_version(*version);
            let is_in =
                |other: &Self, (k, v): (&(String, String), &String)| other.0.get(k) == Some(v);
            other.map(|other| self.0.iter().filter(|one| is_in(other, *one)).count())
        };
        let own = Some(number).filter(|number| Self::of_version(*number).is_some());
        let all = (1..=CURRENT_VERSION).chain(own);
        all.max_by_key(alike).expect("there is a first version")
    }

    fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for part in self.all().flat_map(|(kind, name, sql)| [kind, name, sql]) {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// By kind and name.
    pub fn sql(&self, kind: &str, name: &str) -> Option<&str> {
        self.0
            .get(&(kind.to_owned(), name.to_owned()))
            .map(String::as_str)
    }

    /// Kind, name and what makes it.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let all = self.0.iter();
        all.map(|((kind, name), sql)| (kind.as_str(), name.as_str(), sql.as_str()))
    }

    /// What has to be there and isn't, or is other than it has to be; and what changes rows though nothing of ours does.
    /// Whatever else somebody added is theirs.
    fn wrong_in(&self, found: &Self) -> Vec<String> {
        let own = self
            .all()
            .filter_map(|(kind, name, sql)| match found.sql(kind, name) {
                None => Some(format!("{kind} {name}: missing")),
                Some(there) if there != sql => {
                    Some(format!("{kind} {name}: is other than it has to be"))
                }
                Some(_) => None,
            });
        let added = found
            .all()
            .filter(|(kind, name, _)| *kind == "trigger" && self.sql(kind, name).is_none());
        own.chain(added.map(|(_, name, _)| format!("trigger {name}: isn't ours")))
            .collect()
    }

    /// Whether most of its tables are called as ours.
    fn is_ours(&self) -> bool {
        let newest = VERSIONS.last().expect("there is a first version");
        let tables = || self.all().filter(|(kind, ..)| *kind == "table");
        let ours = tables()
            .filter(|(kind, name, _)| newest.sql(kind, name).is_some())
            .count();
        ours >= FEW && 2 * ours >= tables().count()
    }
}

/// What becomes of an index, by its tables and by what its header says.
///
/// # Errors
/// When the schema can't be read.
pub fn fit(catalog: &Connection) -> rusqlite::Result<Fit> {
    let found = Schema::of(catalog)?;
    let number: i32 = catalog.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(found.fit(number, application(catalog)? == APPLICATION))
}

impl Schema {
    fn fit(&self, number: i32, is_signed: bool) -> Fit {
        if self.0.is_empty() && number == 0 {
            return Fit::New;
        }
        if number == CURRENT_VERSION && self.digest() == NEWEST {
            return Fit::Version(number);
        }
        let own = Self::of_version(number);
        if own.is_some_and(|own| own.wrong_in(self).is_empty()) {
            return Fit::Version(number);
        }
        if let Some(at) = VERSIONS.iter().rposition(|version| version == self) {
            let version = i32::try_from(at + 1).expect("they are few");
            return Fit::Misnumbered { number, version };
        }
        if !is_signed && !self.0.is_empty() && !self.is_ours() {
            return Fit::Foreign;
        }
        if number > CURRENT_VERSION {
            return Fit::Newer;
        }
        Fit::Damaged(self.nearest(number).wrong_in(self))
    }
}

/// Sees to it that a catalog of ours is at `path`, and has the tables that its number says.
///
/// # Errors
/// [`Error::Damaged`] where it hasn't; [`Error::Foreign`] and [`Error::Open`] where others made it.
pub fn validate(catalog: &Connection, path: &Path) -> Result<()> {
    match fit(catalog)? {
        Fit::New | Fit::Version(_) => {}
        Fit::Misnumbered { number, version } => {
            tracing::warn!(
                "the catalog said that it is of version {number}: its tables are of {version}"
            );
            catalog.pragma_update(None, "user_version", version)?;
        }
        Fit::Newer => return Err(newer(path)),
        Fit::Foreign => return Err(Error::Foreign { path: path.into() }),
        Fit::Damaged(wrong) => {
            tracing::warn!("{}", wrong.join(", "));
            return Err(Error::Damaged);
        }
    }
    Ok(())
}

/// Why the catalog of a later version is left as it is.
pub fn newer(path: &Path) -> Error {
    Error::Open {
        path: path.into(),
        source: "it was made by a newer version of kbasefs".into(),
    }
}

/// Whether a damaged file is a catalog: it is called like one, or says so. Any other one that was named by mistake is left
/// alone.
///
/// # Errors
/// When it can't be read.
pub fn is_ours(path: &Path) -> io::Result<bool> {
    let is_named_so = path.extension() == Some("sqlite".as_ref());
    Ok(is_named_so || header::is_signed(path, APPLICATION)?)
}

/// Writes into the file whose it is.
pub fn sign(catalog: &Connection) -> rusqlite::Result<()> {
    match application(catalog)? {
        APPLICATION => Ok(()),
        _ => catalog.pragma_update(None, "application_id", APPLICATION),
    }
}

fn application(catalog: &Connection) -> rusqlite::Result<i32> {
    catalog.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// A text that need not be one, as it is read from a damaged schema.
pub fn text(row: &Row, at: usize) -> rusqlite::Result<String> {
    let bytes = match row.get_ref(at)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => b"",
    };
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// The table that a catalog is of; a table is of itself.
pub fn table_of<'a>(kind: &str, name: &'a str, sql: &'a str) -> &'a str {
    let after = sql.split_once(" ON ").map(|(_, after)| after);
    let table = after.and_then(|after| after.split(' ').next());
    if kind == "index" {
        table.unwrap_or(name)
    } else {
        name
    }
}

/// Without comments, and with one blank for several.
pub fn plain(sql: &str) -> String {
    let lines = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What only changes rows has to change a table as well: else nobody can tell a wrong number from a newer version.
    #[test]
    fn every_version_is_told_by_its_tables() {
        for (n, version) in VERSIONS.iter().enumerate() {
            assert!(!VERSIONS[..n].contains(version), "version {}", n + 1);
        }
    }

    #[test]
    fn the_newest_is_known_by_its_digest() {
        let newest = VERSIONS.last().unwrap();
        assert_eq!(newest.digest(), NEWEST, "after a new migration");
    }

    #[test]
    fn a_number_is_wrong_where_the_tables_are_of_another_version() {
        let newest = VERSIONS.last().unwrap();
        let version = CURRENT_VERSION;
        assert_eq!(newest.fit(version, true), Fit::Version(version));
        for number in [0, 1, version - 1, version + 1, -1, i32::MAX, i32::MIN] {
            assert_eq!(
                newest.fit(number, false),
                Fit::Misnumbered { number, version }
            );
        }
        let mut more = newest.clone();
        more.0.insert(
            ("table".into(), "of_tomorrow".into()),
            "CREATE TABLE of_tomorrow (a)".into(),
        );
        assert_eq!(
            more.fit(version, false),
            Fit::Version(version),
            "somebody added it"
        );
        assert_eq!(more.fit(version + 1, false), Fit::Newer);
        let own = |name: &str| [(("table".into(), name.into()), String::new())].into();
        assert_eq!(Schema(own("photo")).fit(0, false), Fit::Foreign);
        assert!(matches!(Schema(own("photo")).fit(0, true), Fit::Damaged(_)));
    }
}
