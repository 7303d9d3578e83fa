//! CSV for spreadsheets: what holds of each photo, a line a photo.
//!
//! What comes back in the columns title, description, tags and rating is what a person says; an empty cell says nothing,
//! and tags are only added. Spreadsheets take a cell that begins with `=`, `+`, `-` or `@` for a formula, so a `'` stands
//! before such a text.

use std::fs::File;
use std::path::Path;

use super::entry_limit::EntryLimit;
use super::matching::{Matcher, Name, parse_hash};
use super::people::People;
use super::{Exchange, Format, Report, Result, files};
use crate::catalog::{Detail, Edit, Facet, Label, LabelKey, TextField};

const HEADER: [&str; 13] = [
    "path",
    "path_base64",
    "title",
    "description",
    "tags",
    "rating",
    "date",
    "camera",
    "lens",
    "country",
    "city",
    "status",
    "hash",
];

/// Writes the file.
pub fn export(exchange: &Exchange, folder: &Path) -> Result<Report> {
    let mut report = Report::default();
    let path = folder.join(Format::Csv.file_name().unwrap_or_default());
    files::Writer::default().write(&path, |out| {
        let mut lines = ::csv::Writer::from_writer(out);
        lines.write_record(HEADER)?;
        for id in exchange.photos() {
            let detail = exchange.library.detail(id);
            if let Some(detail) = detail.map_err(std::io::Error::other)? {
                let name = Name::of(&detail.entry.photo.path);
                lines.write_record(line(name, &detail).map(|cell| shielded(&cell)))?;
                report.photos += 1;
            }
        }
        lines.flush()
    })?;
    report.changed = report.photos;
    Ok(report)
}

fn line(name: Name, detail: &Detail) -> [String; 13] {
    let (photo, facts) = (&detail.entry.photo, &detail.facts);
    let text = |field| detail.text(field).map(|t| t.value.clone());
    let tags: Vec<_> = values(detail, Facet::Tag).collect();
    [
        Some(name.path),
        name.path_base64,
        text(TextField::Title),
        text(TextField::Description),
        Some(joined(&tags)),
        values(detail, Facet::Rating).next().map(str::to_owned),
        photo.date.map(|d| d.to_string()),
        facts.camera.clone(),
        facts.lens.clone(),
        facts.country.clone(),
        facts.city.clone(),
        Some(photo.status.name().to_owned()),
        photo.hash.map(|h| h.to_string()),
    ]
    .map(Option::unwrap_or_default)
}

fn values(detail: &Detail, facet: Facet) -> impl Iterator<Item = &str> {
    let labels = Label::effective(&detail.entry.labels).into_iter();
    let labels = labels.filter(move |l| l.facet == facet);
    labels.map(|l| l.value.as_str())
}

/// Takes in a file of these columns, in any order, of which only `path` must be there.
pub fn import(exchange: &Exchange, file: &Path) -> Result<Report> {
    let mut report = Report::default();
    let matcher = Matcher::new(exchange);
    let mut people = People::new(exchange.library, "import");
    let open = File::open(file).map_err(|e| files::disk(file, e))?;
    let (limited, entry_end) = EntryLimit::of(open);
    let mut lines = ::csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(limited);
    let header = lines.headers().map_err(|e| files::malformed(file, e))?;
    let columns = HEADER.map(|name| header.iter().position(|cell| cell.trim() == name));
    if columns[0].is_none() {
        return Err(files::malformed(file, "has no column \"path\""));
    }
    for record in lines.into_records() {
        report.photos += 1;
        entry_end.reached();
        let record = match record {
            Ok(record) => record,
            // Nothing that follows can be read.
            Err(e) if e.is_io_error() => return Err(files::malformed(file, e)),
            Err(e) => {
                report.fail(file.display(), e);
                continue;
            }
        };
        let cells = columns.map(|at| unshielded(at.and_then(|at| record.get(at)).unwrap_or("")));
        let name = Name {
            path: cells[0].to_owned(),
            path_base64: Some(cells[1].to_owned()).filter(|c| !c.is_empty()),
        };
        let Some(photo) = matcher.find(&name, parse_hash(cells[12])) else {
            report.fail(&name.path, "the catalog has no such photo");
            continue;
        };
        let Some(detail) = exchange.library.detail(photo.id)? else {
            continue;
        };
        match edits(&cells, &detail) {
            Ok(edits) => report.changed += u64::from(people.add(photo.id, edits)?),
            Err(why) => report.fail(&name.path, why),
        }
    }
    people.commit()?;
    Ok(report)
}

/// What a line says that doesn't hold yet.
fn edits(cells: &[&str; 13], detail: &Detail) -> std::result::Result<Vec<Edit>, String> {
    let mut edits = Vec::new();
    for (field, cell) in [
        (TextField::Title, cells[2]),
        (TextField::Description, cells[3]),
    ] {
        let holds = detail.text(field).map(|t| t.value.as_str());
        if !cell.is_empty() && holds != Some(cell) {
            edits.push(Edit::SetText(field, cell.to_owned()));
        }
    }
    let key = |tag: &str| LabelKey::new(Facet::Tag, tag);
    let known: Vec<_> = values(detail, Facet::Tag).map(key).collect();
    let tags = split(cells[4]).into_iter();
    let new = tags.filter(|tag| !tag.is_empty() && !known.contains(&key(tag)));
    edits.extend(new.map(Edit::Tag));
    if !cells[5].is_empty() {
        let stars = cells[5].trim().parse().ok().filter(|stars| *stars <= 5);
        let stars: u8 = stars.ok_or_else(|| format!("rating {:?} is not 0 to 5", cells[5]))?;
        let holds = values(detail, Facet::Rating).any(|r| r == stars.to_string());
        if !holds {
            edits.push(Edit::SetRating(stars));
        }
    }
    Ok(edits)
}

/// Tags in one cell, with `;` between; a backslash stands before one inside a tag.
fn joined(tags: &[&str]) -> String {
    let escaped = tags
        .iter()
        .map(|t| t.replace('\\', "\\\\").replace(';', "\\;"));
    escaped.collect::<Vec<_>>().join(";")
}

fn split(cell: &str) -> Vec<String> {
    let mut tags = vec![String::new()];
    let mut characters = cell.chars();
    while let Some(c) = characters.next() {
        let last = tags.last_mut().expect("there is always one");
        match c {
            ';' => tags.push(String::new()),
            '\\' => last.extend(characters.next()),
            c => last.push(c),
        }
    }
    tags.iter().map(|t| t.trim().to_owned()).collect()
}

/// Whether a spreadsheet would compute a cell, or an apostrophe before it could be one of ours.
fn is_formula(cell: &str) -> bool {
    let inside = cell.trim_start_matches('\'');
    inside.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn shielded(cell: &str) -> String {
    match is_formula(cell) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

fn unshielded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(inside) if is_formula(cell) => inside,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_shielded_and_come_back() {
        for cell in ["=1+1", "-rf", "'=x", "''@", "plain", "'quoted'", "a=b", ""] {
            let shielded = shielded(cell);
            assert!(!shielded.starts_with(['=', '+', '-', '@']), "{cell}");
            assert_eq!(unshielded(&shielded), cell);
        }
    }

    #[test]
    fn tags_come_back_apart() {
        let tags = ["dog", "a;b", "back\\slash", "\\;"];
        assert_eq!(split(&joined(&tags)), tags);
        assert_eq!(split(""), [""]);
    }
}
