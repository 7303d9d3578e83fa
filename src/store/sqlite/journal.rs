//! Made tags, saved queries and the journal in their tables.

use std::borrow::Cow;
use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns;
use super::rows;
use crate::catalog::{
    Act, ActId, Actor, Done, Facet, LabelKey, PhotoId, Role, Said, Slot, TextField, Trace,
};
use crate::store::record_transaction::ActState;

type Result<T> = rusqlite::Result<T>;

/// Every tag that a person made: its key and how it is written.
pub fn made_tags(connection: &Connection) -> Result<Vec<(LabelKey, String)>> {
    let mut made = connection.prepare_cached("SELECT folded, written FROM made_tag")?;
    let made = made.query_map([], |row| {
        columns::check_row("made_tag", row)?;
        let (facet, folded) = (Facet::Tag, row.get(0)?);
        Ok((LabelKey { facet, folded }, row.get(1)?))
    })?;
    made.collect()
}

/// How a tag that a person made is written.
pub fn made(connection: &Connection, tag: &LabelKey) -> Result<Option<String>> {
    let sql = "SELECT written FROM made_tag WHERE folded = ?1";
    rows::one(connection, sql, [&tag.folded])
}

/// Keeps how a made tag is written, or that nobody made it.
pub fn put_made(connection: &Connection, tag: &LabelKey, written: Option<&str>) -> Result<()> {
    match written {
        Some(written) => connection
            .prepare_cached("INSERT OR REPLACE INTO made_tag (folded, written) VALUES (?1, ?2)")?
            .execute([&tag.folded, written]),
        None => connection
            .prepare_cached("DELETE FROM made_tag WHERE folded = ?1")?
            .execute([&tag.folded]),
    }?;
    Ok(())
}

/// Every query that is kept: its name and itself.
pub fn all_saved(connection: &Connection) -> Result<Vec<(String, String)>> {
    let mut saved = connection.prepare_cached("SELECT name, query FROM saved")?;
    let saved = saved.query_map([], |row| {
        columns::check_row("saved", row)?;
        Ok((row.get(0)?, row.get(1)?))
    })?;
    saved.collect()
}

/// The query that is kept under a name.
pub fn saved(connection: &Connection, name: &str) -> Result<Option<String>> {
    rows::one(
        connection,
        "SELECT query FROM saved WHERE name = ?1",
        [name],
    )
}

/// Keeps a query under a name, or forgets it.
pub fn put_saved(connection: &Connection, name: &str, query: Option<&str>) -> Result<()> {
    match query {
        Some(query) => connection
            .prepare_cached("INSERT OR REPLACE INTO saved (name, query) VALUES (?1, ?2)")?
            .execute([name, query]),
        None => connection
            .prepare_cached("DELETE FROM saved WHERE name = ?1")?
            .execute([name]),
    }?;
    Ok(())
}

/// What became of an act, if the journal has it.
pub fn act_state(connection: &Connection, act: ActId) -> Result<Option<ActState>> {
    let sql = "SELECT ifnull(undone_by, 0) FROM act WHERE id = ?1";
    let found: Option<i64> = rows::one(connection, sql, [number(act)])?;
    // No act has the number 0.
    let undone_by = |by: i64| (by != 0).then_some(ActId(by.cast_unsigned()));
    Ok(found.map(|by| ActState::of(undone_by(by))))
}

/// Puts an act into the journal, without what it changed.
pub fn add_act(connection: &Connection, act: &Act, at: i64) -> Result<ActId> {
    let (role, of) = match act.role {
        Role::New | Role::Continues(_) => ("new", None),
        Role::Undoes(of) => ("undo", Some(number(of))),
        Role::Redoes(of) => ("redo", Some(number(of))),
    };
    connection
        .prepare_cached(
            "INSERT INTO act (at, process, pid, uid, words, role, of) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![at, act.by.process, act.by.pid, act.by.uid, act.words, role, of])?;
    Ok(ActId(connection.last_insert_rowid().cast_unsigned()))
}

/// An act that went on is called otherwise.
pub fn reword(connection: &Connection, act: ActId, words: &str) -> Result<()> {
    let sql = "UPDATE act SET words = ?2 WHERE id = ?1";
    let mut update = connection.prepare_cached(sql)?;
    update.execute(params![number(act), words]).map(|_| ())
}

/// An act was taken back by another one, or holds again.
pub fn set_undone(connection: &Connection, act: ActId, by: Option<ActId>) -> Result<()> {
    let sql = "UPDATE act SET undone_by = ?2 WHERE id = ?1";
    let mut update = connection.prepare_cached(sql)?;
    update
        .execute(params![number(act), by.map(number)])
        .map(|_| ())
}

/// Stands for [`Slot::Saved`].
const SAVED: &str = "saved";
/// Stands for [`Slot::Renamed`].
const RENAMED: &str = "renamed";
/// Stands before the facet of a [`Slot::SidecarLabel`] and the field of a [`Slot::SidecarText`].
const OF_SIDECAR: &str = "sidecar-";

/// The names that slots may have.
pub fn slots() -> Vec<&'static str> {
    static OF_SIDECARS: LazyLock<Vec<String>> = LazyLock::new(|| words().map(of_sidecar).collect());
    let of_sidecars = OF_SIDECARS.iter().map(String::as_str);
    words().chain([SAVED, RENAMED]).chain(of_sidecars).collect()
}

/// What labels and texts may be called.
fn words() -> impl Iterator<Item = &'static str> {
    let facets = Facet::ALL.map(Facet::name).into_iter();
    facets.chain(TextField::ALL.map(TextField::name))
}

fn of_sidecar(word: &str) -> String {
    format!("{OF_SIDECAR}{word}")
}

const TRACE: &str = "SELECT photo, slot, key, before, after FROM trace WHERE act = ?1";

/// What an act changed there.
pub fn trace(
    connection: &Connection,
    act: ActId,
    photo: Option<PhotoId>,
    slot: &Slot,
) -> Result<Option<Trace>> {
    let sql = format!("{TRACE} AND photo = ?2 AND slot = ?3 AND key = ?4");
    let (name, key) = columns(slot);
    let name = name.as_ref();
    let mut found = connection.prepare_cached(&sql)?;
    let found = found.query_row(params![number(act), owner(photo), name, key], read_trace);
    found.optional()
}

/// Keeps what an act changed, unless it comes to nothing.
pub fn put_trace(connection: &Connection, act: ActId, trace: &Trace) -> Result<()> {
    let (name, key) = columns(&trace.slot);
    let name = name.as_ref();
    let photo = owner(trace.photo);
    if trace.before == trace.after {
        let sql = "DELETE FROM trace WHERE act = ?1 AND photo = ?2 AND slot = ?3 AND key = ?4";
        let mut delete = connection.prepare_cached(sql)?;
        return delete
            .execute(params![number(act), photo, name, key])
            .map(|_| ());
    }
    let (before, after) = (written(&trace.before), written(&trace.after));
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO trace (act, photo, slot, key, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![number(act), photo, name, key, before, after])?;
    Ok(())
}

/// What acts changed of a photo they changed of another one too, but for what they changed there anyway.
pub fn copy_traces(connection: &Connection, from: PhotoId, to: PhotoId) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO trace (act, photo, slot, key, before, after) \
        SELECT act, ?2, slot, key, before, after FROM trace WHERE photo = ?1";
    connection.prepare_cached(sql)?.execute([from.0, to.0])?;
    Ok(())
}

/// Forgets what acts changed of a photo.
pub fn drop_traces(connection: &Connection, photo: PhotoId) -> Result<()> {
    let sql = "DELETE FROM trace WHERE photo = ?1";
    connection.prepare_cached(sql)?.execute([photo.0])?;
    Ok(())
}

/// Acts with a smaller number than `before`, the latest first.
pub fn acts(connection: &Connection, before: Option<ActId>, most: usize) -> Result<Vec<Done>> {
    let mut acts =
        connection.prepare_cached(&format!("{DONE} WHERE id < ?1 ORDER BY id DESC LIMIT ?2"))?;
    let before = before.map_or(i64::MAX, number);
    let acts = acts.query_map(
        params![before, i64::try_from(most).unwrap_or(i64::MAX)],
        read_done,
    )?;
    acts.collect()
}

/// An act and what it changed.
pub fn act(connection: &Connection, id: ActId) -> Result<Option<(Done, Vec<Trace>)>> {
    let mut done = connection.prepare_cached(&format!("{DONE} WHERE id = ?1"))?;
    let Some(done) = done.query_row([number(id)], read_done).optional()? else {
        return Ok(None);
    };
    Ok(Some((done, traces(connection, id)?)))
}

/// All that an act changed, what it changed of one photo together.
pub fn traces(connection: &Connection, act: ActId) -> Result<Vec<Trace>> {
    let mut traces = connection.prepare_cached(TRACE)?;
    let traces = traces.query_map([number(act)], read_trace)?;
    let mut traces = traces.collect::<Result<Vec<_>>>()?;
    traces.sort_by(|a, b| (a.photo, &a.slot).cmp(&(b.photo, &b.slot)));
    Ok(traces)
}

const DONE: &str = "SELECT id, at, process, pid, uid, words, role, of, undone_by, \
    (SELECT COUNT(DISTINCT photo) FROM trace WHERE act = act.id AND photo > 0), \
    (SELECT MIN(photo) FROM trace WHERE act = act.id AND photo > 0) FROM act";

fn read_done(row: &Row) -> Result<Done> {
    columns::check_row("act", row)?;
    let act = |at| {
        row.get::<_, Option<i64>>(at)
            .map(|n| n.map(|n| ActId(n.cast_unsigned())))
    };
    let role: String = row.get(6)?;
    let role = match (role.as_str(), act(7)?) {
        ("undo", Some(of)) => Role::Undoes(of),
        ("redo", Some(of)) => Role::Redoes(of),
        _ => Role::New,
    };
    Ok(Done {
        id: ActId(row.get::<_, i64>(0)?.cast_unsigned()),
        at: row.get(1)?,
        by: Actor {
            process: row.get(2)?,
            pid: row.get(3)?,
            uid: row.get(4)?,
        },
        words: row.get(5)?,
        role,
        undone_by: act(8)?,
        photos: row.get::<_, i64>(9)?.cast_unsigned(),
        photo: row.get::<_, Option<u32>>(10)?.map(PhotoId),
    })
}

fn read_trace(row: &Row) -> Result<Trace> {
    columns::check_row("trace", row)?;
    let (name, key): (String, String) = (row.get(1)?, row.get(2)?);
    let slot = slot(&name, key);
    let slot = slot.ok_or_else(|| columns::wrong(1, &format!("no slot is called {name:?}")))?;
    Ok(Trace {
        photo: Some(row.get(0)?).filter(|&id| id > 0).map(PhotoId),
        slot,
        before: said(row, 3)?,
        after: said(row, 4)?,
    })
}

fn said(row: &Row, at: usize) -> Result<Option<Said>> {
    let Some(text) = row.get::<_, Option<String>>(at)? else {
        return Ok(None);
    };
    let (holds, value) = match text.split_at_checked(1) {
        Some(("+", value)) => (true, value),
        Some(("-", value)) => (false, value),
        _ => return Err(columns::wrong(at, &format!("no sign in front of {text:?}"))),
    };
    let value = value.to_owned();
    Ok(Some(Said { value, holds }))
}

fn written(said: &Option<Said>) -> Option<String> {
    let said = said.as_ref()?;
    let sign = if said.holds { '+' } else { '-' };
    Some(format!("{sign}{}", said.value))
}

/// The name of a slot and the key in it.
fn columns(slot: &Slot) -> (Cow<'static, str>, &str) {
    match slot {
        Slot::Label(key) => (key.facet.name().into(), &key.folded),
        Slot::Text(field) => (field.name().into(), ""),
        Slot::SidecarLabel(key) => (of_sidecar(key.facet.name()).into(), &key.folded),
        Slot::SidecarText(field) => (of_sidecar(field.name()).into(), ""),
        Slot::Saved(name) => (SAVED.into(), name),
        Slot::Renamed(key) => (RENAMED.into(), &key.folded),
    }
}

/// The slot that has this name and key.
fn slot(name: &str, folded: String) -> Option<Slot> {
    let facet = Facet::Tag;
    match name {
        SAVED => return Some(Slot::Saved(folded)),
        RENAMED => return Some(Slot::Renamed(LabelKey { facet, folded })),
        _ => {}
    }
    let of_sidecar = name.strip_prefix(OF_SIDECAR);
    let word = of_sidecar.unwrap_or(name);
    if let Ok(field) = word.parse::<TextField>() {
        return Some(match of_sidecar {
            Some(_) => Slot::SidecarText(field),
            None => Slot::Text(field),
        });
    }
    let facet = word.parse().ok()?;
    let key = LabelKey { facet, folded };
    Some(match of_sidecar {
        Some(_) => Slot::SidecarLabel(key),
        None => Slot::Label(key),
    })
}

/// 0 stands for the catalog itself: a key can't hold nothing.
fn owner(photo: Option<PhotoId>) -> u32 {
    photo.map_or(0, |id| id.0)
}

fn number(act: ActId) -> i64 {
    act.0.cast_signed()
}
