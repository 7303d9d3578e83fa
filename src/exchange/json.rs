//! JSON, one photo a line: everything that is known, so that an import into another catalog of the same photos loses
//! nothing: what people said, what sidecars said, and what analyzers answered, which may have been paid for.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::entry_limit::EntryLimit;
use super::matching::{Matcher, Name, parse_hash};
use super::people::{self, People};
use super::{Adopt, Exchange, ForeignAnswer, Format, Report, Result, files, xmp};
use crate::catalog::{
    Analysis, Answer, Change, ContentHash, Deed, Detail, Edit, Facet, FileStat, Label, Measured,
    Origin, Photo, PhotoId, Tag, Text, TextField,
};

/// The shape of a line. Of one by another program, only the first part need be there.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    hash: Option<String>,
    title: Option<String>,
    description: Option<String>,
    tags: Vec<String>,
    /// The tags are a list to which models add nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tags_closed: bool,
    rating: Option<u8>,
    date: Option<String>,
    /// Everything that is said, by whom. Without this, the first part is what a person says.
    labels: Option<Vec<LabelShape>>,
    texts: Vec<TextShape>,
    /// What the decoded picture is like.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<MeasuredShape>,
    analyses: Vec<AnalysisShape>,
    /// What models of other programs said. An export has none.
    #[serde(skip_serializing)]
    answers: Vec<ForeignAnswer>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct MeasuredShape {
    width: u32,
    height: u32,
    /// 16 hexadecimal digits: programs keep numbers in doubles.
    perceptual_hash: String,
    colors: Vec<(String, f32)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LabelShape {
    facet: String,
    value: String,
    origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    analyzer: Option<Box<str>>,
    confidence: f32,
}

#[derive(Debug, Serialize, Deserialize)]
struct TextShape {
    field: String,
    value: String,
    origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    analyzer: Option<Box<str>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AnalysisShape {
    analyzer: String,
    model: String,
    #[serde(default)]
    version: String,
    remote: bool,
    /// Seconds since 1970.
    at: i64,
    title: Option<String>,
    description: Option<String>,
    tags: Vec<(String, f32)>,
    /// Where earlier versions wrote it.
    #[serde(flatten, skip_serializing)]
    measured: Option<MeasuredShape>,
}

/// Writes the file.
pub fn export(exchange: &Exchange, folder: &Path) -> Result<Report> {
    let mut report = Report::default();
    let path = folder.join(Format::Json.file_name().unwrap_or_default());
    let library = exchange.library;
    files::Writer::default().write(&path, |out| {
        for id in exchange.photos() {
            let detail = library.detail(id).map_err(std::io::Error::other)?;
            let Some(detail) = detail else { continue };
            let known = of_content(exchange, &detail).map_err(std::io::Error::other)?;
            let name = Name::of(&detail.entry.photo.path);
            serde_json::to_writer(&mut *out, &line(name, &detail, known))?;
            out.write_all(b"\n")?;
            report.photos += 1;
        }
        Ok(())
    })?;
    report.changed = report.photos;
    Ok(report)
}

/// What is known of a content.
#[derive(Default)]
struct Known {
    measured: Option<Measured>,
    analyses: Vec<(Analysis, i64)>,
}

fn of_content(exchange: &Exchange, detail: &Detail) -> crate::store::Result<Known> {
    let store = exchange.library.store();
    let Some(hash) = &detail.entry.photo.hash else {
        return Ok(Known::default());
    };
    Ok(Known {
        measured: store.measured(hash)?,
        analyses: store.analyses(hash)?,
    })
}

fn line(name: Name, detail: &Detail, known: Known) -> Line {
    let photo = &detail.entry.photo;
    let Name { path, path_base64 } = name;
    let text = |field| detail.text(field).map(|t| t.value.clone());
    let holding = Label::effective(&detail.entry.labels);
    let values = |facet| {
        let of_facet = holding.iter().filter(move |l| l.facet == facet);
        of_facet.map(|l| l.value.clone())
    };
    let labels = detail.entry.labels.iter().filter(|l| !l.closes_list());
    let labels = labels.map(|l| LabelShape {
        facet: l.facet.name().into(),
        value: l.value.clone(),
        origin: l.origin.name().into(),
        analyzer: l.analyzer.clone(),
        confidence: l.confidence,
    });
    let texts = detail.texts.iter().map(|t| TextShape {
        field: t.field.name().into(),
        value: t.value.clone(),
        origin: t.origin.name().into(),
        analyzer: t.analyzer.clone(),
    });
    Line {
        path,
        path_base64,
        hash: photo.hash.map(|h| h.to_string()),
        title: text(TextField::Title),
        description: text(TextField::Description),
        tags: values(Facet::Tag).collect(),
        tags_closed: detail.has_closed_list(),
        rating: values(Facet::Rating).next().and_then(|r| r.parse().ok()),
        date: photo.date.map(|d| d.to_string()),
        labels: Some(labels.collect()),
        texts: texts.collect(),
        measured: known.measured.as_ref().map(measured_shape),
        analyses: known.analyses.iter().map(analysis_shape).collect(),
        answers: Vec::new(),
    }
}

fn measured_shape(measured: &Measured) -> MeasuredShape {
    let colors = measured.colors.iter();
    MeasuredShape {
        width: measured.width,
        height: measured.height,
        perceptual_hash: format!("{:016x}", measured.perceptual_hash),
        colors: colors.map(|l| (l.value.clone(), l.confidence)).collect(),
    }
}

fn analysis_shape((analysis, at): &(Analysis, i64)) -> AnalysisShape {
    let answer = &analysis.answer;
    let tags = answer.tags.iter().map(|t| (t.name.clone(), t.confidence));
    AnalysisShape {
        analyzer: analysis.analyzer.clone(),
        model: analysis.model.clone(),
        version: analysis.version.clone(),
        remote: analysis.remote,
        at: *at,
        title: answer.title.clone(),
        description: answer.description.clone(),
        tags: tags.collect(),
        measured: None,
    }
}

/// Takes in a file, line by line: no line is kept for the next.
pub fn import(exchange: &Exchange, file: &Path, adopt: &Adopt) -> Result<Report> {
    let mut report = Report::default();
    let matcher = Matcher::new(exchange);
    let mut people = People::new(exchange.library, "import");
    let open = File::open(file).map_err(|e| files::disk(file, e))?;
    let (limited, entry_end) = EntryLimit::of(open);
    let text = without_mark(BufReader::new(limited)).map_err(|e| files::disk(file, e))?;
    let lines = serde_json::Deserializer::from_reader(text).into_iter::<Line>();
    for line in lines {
        // After a mistake in the syntax nothing tells where the next photo begins.
        let line = line.map_err(|e| files::malformed(file, e))?;
        entry_end.reached();
        report.photos += 1;
        match take_in(exchange, &matcher, &line, &mut people, adopt)? {
            Ok(changed) => report.changed += u64::from(changed),
            Err(why) => report.fail(&line.path, why),
        }
    }
    people.commit()?;
    Ok(report)
}

/// A text without the byte order mark that some programs put before it.
fn without_mark(mut text: impl BufRead) -> std::io::Result<impl BufRead> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if text.fill_buf()?.starts_with(MARK) {
        text.consume(MARK.len());
    }
    Ok(text)
}

/// Takes in a line; says whether it changed something, or why it can't be taken in.
fn take_in(
    exchange: &Exchange,
    matcher: &Matcher,
    line: &Line,
    people: &mut People,
    adopt: &Adopt,
) -> Result<std::result::Result<bool, String>> {
    let name = Name {
        path: line.path.clone(),
        path_base64: line.path_base64.clone(),
    };
    let hash = line.hash.as_deref().and_then(parse_hash);
    let Some(photo) = matcher.find(&name, hash) else {
        return Ok(Err("the catalog has no such photo".into()));
    };
    let adopted = match adopt_all(photo.id, &line.answers, adopt) {
        Ok(adopted) => adopted,
        Err(why) => return Ok(Err(why)),
    };
    let Some(detail) = exchange.library.detail(photo.id)? else {
        return Ok(Ok(adopted));
    };
    let Some(said) = &line.labels else {
        return Ok(Ok(people.add(photo.id, edits(line, &detail))? || adopted));
    };
    let labels: Option<Vec<_>> = said.iter().map(label).collect();
    let texts: Option<Vec<_>> = line.texts.iter().map(text).collect();
    let analyses: Option<Vec<_>> = line
        .analyses
        .iter()
        .map(|a| analysis(a, hash, &photo))
        .collect();
    let measured = measured_of(line).map(measured).transpose();
    let (Some(labels), Some(texts), Some(mut analyses), Ok(measured)) =
        (labels, texts, analyses, measured)
    else {
        return Ok(Err("says something that this version doesn't know".into()));
    };
    let sidecar = people.take_sidecar(sidecar(&detail, &labels, &texts))?;
    let mut changes = Vec::new();
    analyses.retain(|(analysis, at)| is_news(&detail, analysis, *at));
    let measured = match (measured, hash) {
        (Some(measured), Some(hash)) => news_of(exchange, &photo, hash, measured)?,
        _ => None,
    };
    if (!analyses.is_empty() || measured.is_some()) && has_content(exchange, &photo, hash) {
        let id = photo.id;
        changes.extend(measured);
        changes.extend(analyses.into_iter().map(|(analysis, at)| Change::Learned {
            id,
            analysis: Box::new(analysis),
            at,
        }));
    }
    let learned = people.learn(changes)?;
    let mut edits = people::restore(&detail, &labels, &texts);
    edits.extend(closing(line, &detail));
    let edited = people.add(photo.id, edits)?;
    Ok(Ok(edited || sidecar || learned || adopted))
}

/// Says whether any of the answers is new.
fn adopt_all(
    id: PhotoId,
    answers: &[ForeignAnswer],
    adopt: &Adopt,
) -> std::result::Result<bool, String> {
    let mut any = false;
    for answer in answers {
        any |= adopt(id, answer)?;
    }
    Ok(any)
}

/// What another program's line says that doesn't hold yet: what a person says.
fn edits(line: &Line, detail: &Detail) -> Vec<Edit> {
    let texts = [
        (TextField::Title, &line.title),
        (TextField::Description, &line.description),
    ];
    let holds = |field| detail.text(field).map(|t| &t.value);
    let texts = texts
        .into_iter()
        .filter_map(|(field, text)| Some((field, text.as_ref()?)));
    let texts = texts.filter(|(field, text)| holds(*field) != Some(text));
    let texts = texts.map(|(field, text)| Edit::SetText(field, text.clone()));
    let holding = Label::effective(&detail.entry.labels);
    let has = |facet, value: &str| {
        let wanted = crate::catalog::LabelKey::new(facet, value);
        holding.iter().any(|l| l.key() == wanted)
    };
    let tags = line
        .tags
        .iter()
        .filter(|tag| !tag.is_empty() && !has(Facet::Tag, tag));
    let rating = line.rating.filter(|stars| *stars <= 5);
    let rating = rating.filter(|stars| !has(Facet::Rating, &stars.to_string()));
    let tags = tags.map(|tag| Edit::Tag(tag.clone()));
    texts
        .chain(tags)
        .chain(rating.map(Edit::SetRating))
        .chain(closing(line, detail))
        .collect()
}

/// What closes the list of tags, where it is closed there and open here.
fn closing(line: &Line, detail: &Detail) -> Option<Edit> {
    (line.tags_closed && !detail.has_closed_list()).then_some(Edit::CloseList)
}

/// What sidecars said of it. An export without any says nothing of them.
pub fn sidecar(detail: &Detail, labels: &[Label], texts: &[Text]) -> Option<Deed> {
    let labels: Vec<_> = labels
        .iter()
        .filter(|l| l.origin == Origin::Xmp)
        .cloned()
        .collect();
    let texts: Vec<_> = texts
        .iter()
        .filter(|t| t.origin == Origin::Xmp)
        .cloned()
        .collect();
    if labels.is_empty() && texts.is_empty() {
        return None;
    }
    xmp::news(detail, labels, texts)
}

/// Whether an analyzer hadn't answered yet, or longer ago.
pub fn is_news(detail: &Detail, analysis: &Analysis, at: i64) -> bool {
    let mut known = detail.analyses.iter();
    let known = known.find(|(analyzer, ..)| *analyzer == analysis.analyzer);
    known.is_none_or(|(.., known_at)| *known_at < at)
}

/// Whether a photo is of this content. Reads the file where nobody has yet.
fn has_content(exchange: &Exchange, photo: &Photo, hash: Option<ContentHash>) -> bool {
    let Some(wanted) = hash else { return false };
    if let Some(known) = photo.hash {
        return known == wanted;
    }
    let read = exchange
        .source_files
        .hash(&photo.path, &photo.stat, &|| true);
    read.is_ok_and(|hash| hash == Some(wanted))
}

fn label(shape: &LabelShape) -> Option<Label> {
    let (facet, origin) = (shape.facet.parse().ok()?, shape.origin.parse().ok()?);
    let confidence = shape.confidence.clamp(0.0, 1.0);
    Some(Label {
        analyzer: shape.analyzer.clone(),
        ..Label::new(facet, &shape.value, origin, confidence)
    })
}

fn text(shape: &TextShape) -> Option<Text> {
    Some(Text {
        field: shape.field.parse().ok()?,
        origin: shape.origin.parse().ok()?,
        analyzer: shape.analyzer.clone(),
        value: shape.value.clone(),
    })
}

fn analysis(
    shape: &AnalysisShape,
    hash: Option<ContentHash>,
    photo: &Photo,
) -> Option<(Analysis, i64)> {
    let tags = shape.tags.iter().map(|(name, confidence)| Tag {
        name: name.clone(),
        confidence: *confidence,
    });
    let analysis = Analysis {
        hash: hash?,
        stat: FileStat { ..photo.stat },
        analyzer: shape.analyzer.clone(),
        model: shape.model.clone(),
        version: shape.version.clone(),
        remote: shape.remote,
        answer: Answer {
            title: shape.title.clone(),
            description: shape.description.clone(),
            tags: tags.collect(),
        },
    };
    Some((analysis, shape.at))
}

/// What a line says is measured in a picture: of the latest answer, where an earlier version wrote it.
fn measured_of(line: &Line) -> Option<&MeasuredShape> {
    let analyses = line.analyses.iter().rev();
    let mut earlier = analyses.filter_map(|analysis| analysis.measured.as_ref());
    line.measured.as_ref().or_else(|| earlier.next())
}

fn measured(shape: &MeasuredShape) -> std::result::Result<Measured, std::num::ParseIntError> {
    let color = |(value, share): &(String, f32)| {
        Label::new(Facet::Color, value, Origin::File, share.clamp(0.0, 1.0))
    };
    Ok(Measured {
        width: shape.width,
        height: shape.height,
        colors: shape.colors.iter().map(color).collect(),
        perceptual_hash: u64::from_str_radix(&shape.perceptual_hash, 16)?,
    })
}

/// What was measured in a content, where nobody here has.
fn news_of(
    exchange: &Exchange,
    photo: &Photo,
    hash: ContentHash,
    measured: Measured,
) -> Result<Option<Change>> {
    let known = exchange.library.store().measured(&hash)?;
    Ok(known.is_none().then(|| Change::Measured {
        id: photo.id,
        stat: photo.stat,
        hash,
        measured: Box::new(measured),
    }))
}
