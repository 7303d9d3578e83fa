//! The columns of all tables that keep something: what each holds.

use super::Kind::{Bytes, Integer, Named, Numbers, Text};
use super::Otherwise::{LeftOut, NoBytes, Null, Number, Numbered};
use super::{Column, Kind, Otherwise};
use crate::catalog::{DateSource, Facet, Format, Origin, Status, TextField};
use crate::store::sqlite::journal::slots;
use crate::store::sqlite::provider_store::{FAILED, VERDICTS};

/// Bitmaps hold ids of 32 bits, and no photo has the number 0.
const ID: Kind = Kind::Within(1, u32::MAX as i64);
/// Programs that read JSON take no larger number.
const ACT: Kind = Kind::Within(1, 1 << 53);
/// What is an unsigned number of 32 bits in memory.
const COUNT: Kind = Kind::Within(0, u32::MAX as i64);
/// More is nowhere taken in a day; what is added to it still fits.
const TAKEN: Kind = Kind::Within(0, 1 << 53);
const NATURAL: Kind = Kind::Within(0, i64::MAX);
const FLAG: Kind = Kind::Within(0, 1);
const SHARE: Kind = Kind::Between(0.0, 1.0);
const HASH: Kind = Kind::Sized(32);
const FACET: Kind = Kind::Word(|| Facet::ALL.map(Facet::name).to_vec());
const ORIGIN: Kind = Kind::Word(|| Origin::ALL.map(Origin::name).to_vec());
const FIELD: Kind = Kind::Word(|| TextField::ALL.map(TextField::name).to_vec());

const fn column(name: &'static str, kind: Kind, otherwise: Otherwise) -> Column {
    Column {
        name,
        kind,
        optional: false,
        otherwise,
    }
}

/// A column in which nothing may stand as well.
const fn maybe(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        optional: true,
        otherwise: Null,
    }
}

/// Half of a trace would take back what nobody did.
const fn said(name: &'static str) -> Column {
    Column {
        otherwise: LeftOut,
        ..maybe(name, Kind::Said)
    }
}

const EMPTY: Otherwise = Otherwise::Text("");

/// By name; the first column says which row it is.
pub const TABLES: &[(&str, &[Column])] = &[
    (
        "meta",
        &[
            column("key", Text, LeftOut),
            column("value", Bytes, LeftOut),
        ],
    ),
    (
        "photo",
        &[
            column("id", ID, LeftOut),
            column("path", Kind::Path, Numbered("lost-")),
            column("name", Kind::Name, Numbered("photo-")),
            column("dev", Integer, Number(0)),
            column("ino", Integer, Number(0)),
            column("size", Integer, Number(0)),
            column("mtime_ns", Integer, Number(0)),
            column("mode", Kind::Within(0, 0o7777), Number(0o600)),
            column("uid", COUNT, Number(0)),
            column("gid", COUNT, Number(0)),
            column(
                "format",
                Kind::Word(|| Format::ALL.map(Format::name).to_vec()),
                Otherwise::Text("unknown"),
            ),
            column(
                "status",
                Kind::Word(|| Status::ALL.map(Status::name).to_vec()),
                Otherwise::Text("pending"),
            ),
            maybe("date", Kind::Date),
            maybe("hash", HASH),
            column("gone", FLAG, Number(0)),
            maybe("failure", Text),
            maybe("perceptual_hash", Integer),
            column("width", COUNT, Number(0)),
            column("height", COUNT, Number(0)),
            maybe("title_name", Kind::Name),
            column("edited", FLAG, Number(0)),
            column("text_bytes", COUNT, Number(0)),
            column("ctime_ns", Integer, Number(0)),
            column("links", COUNT, Number(0)),
            column("attributes", COUNT, Number(0)),
            column("edition", Kind::Within(0, 0xffff), Number(0)),
            column("said", Numbers, NoBytes),
            // As of a file that no version has read: the next look at the source reads it.
            column("facts", Kind::Facts, Otherwise::Text("{}")),
        ],
    ),
    (
        "label",
        &[
            column("photo", ID, LeftOut),
            column("facet", FACET, LeftOut),
            column("value", Named, LeftOut),
            column("origin", ORIGIN, LeftOut),
            column("analyzer", Text, EMPTY),
            column("confidence", SHARE, LeftOut),
        ],
    ),
    (
        "text",
        &[
            column("photo", ID, LeftOut),
            column("field", FIELD, LeftOut),
            column("origin", ORIGIN, LeftOut),
            column("analyzer", Text, EMPTY),
            column("value", Text, LeftOut),
        ],
    ),
    (
        "analyzed",
        &[
            column("photo", ID, LeftOut),
            column("analyzer", Text, LeftOut),
            column("model", Text, EMPTY),
            column("at", Integer, Number(0)),
        ],
    ),
    (
        "analysis",
        &[
            column("hash", HASH, LeftOut),
            column("analyzer", Text, LeftOut),
            column("model", Text, EMPTY),
            column("remote", FLAG, Number(1)),
            column("at", Integer, Number(0)),
            maybe("title", Text),
            maybe("description", Text),
            column("version", Text, EMPTY),
        ],
    ),
    (
        "analysis_tag",
        &[
            column("hash", HASH, LeftOut),
            column("analyzer", Text, LeftOut),
            column("position", NATURAL, LeftOut),
            column("name", Named, LeftOut),
            column("confidence", SHARE, Otherwise::Real(1.0)),
        ],
    ),
    (
        "measured",
        &[
            column("hash", HASH, LeftOut),
            column("width", COUNT, Number(0)),
            column("height", COUNT, Number(0)),
            column("perceptual_hash", Integer, LeftOut),
            column("colors", Kind::Colors, Otherwise::Text("[]")),
        ],
    ),
    (
        "no_answer",
        &[
            column("hash", HASH, LeftOut),
            column("analyzer", Text, LeftOut),
            column("version", Text, EMPTY),
            column(
                "verdict",
                Kind::Word(|| VERDICTS.to_vec()),
                Otherwise::Text(FAILED),
            ),
            column("reason", Text, EMPTY),
        ],
    ),
    (
        "spent",
        &[
            column("provider", Text, LeftOut),
            column("day", Text, LeftOut),
            column("requests", TAKEN, Number(0)),
            column("input_tokens", TAKEN, Number(0)),
            column("output_tokens", TAKEN, Number(0)),
            column("cost", Kind::Between(0.0, 1e15), Otherwise::Real(0.0)),
            column("unpriced", TAKEN, Number(0)),
        ],
    ),
    (
        "server",
        &[
            column("name", Text, LeftOut),
            column("knows", Text, LeftOut),
        ],
    ),
    (
        "made_tag",
        &[
            column("folded", Named, LeftOut),
            column("written", Named, Otherwise::Same("folded")),
        ],
    ),
    (
        "act",
        &[
            column("id", ACT, LeftOut),
            column("at", Integer, Number(0)),
            column("process", Text, EMPTY),
            column("pid", COUNT, Number(0)),
            // Nobody's number.
            column("uid", COUNT, Number(u32::MAX as i64)),
            column("words", Text, EMPTY),
            column(
                "role",
                Kind::Word(|| vec!["new", "undo", "redo"]),
                Otherwise::Text("new"),
            ),
            maybe("of", ACT),
            maybe("undone_by", ACT),
        ],
    ),
    (
        "trace",
        &[
            column("act", ACT, LeftOut),
            column("photo", COUNT, LeftOut),
            column("slot", Kind::Word(slots), LeftOut),
            column("key", Text, LeftOut),
            said("before"),
            said("after"),
        ],
    ),
    (
        "saved",
        &[
            column("name", Kind::Saved, LeftOut),
            column("query", Text, LeftOut),
        ],
    ),
    (
        "renamed",
        &[
            column("folded", Named, LeftOut),
            column("written", Named, LeftOut),
        ],
    ),
    (
        "said",
        &[
            column("number", ID, LeftOut),
            column("facet", FACET, LeftOut),
            column("value", Named, LeftOut),
            column("origin", ORIGIN, LeftOut),
            column("denied", FLAG, LeftOut),
        ],
    ),
];

/// The columns that earlier versions had beside these, or in other tables: for a damaged catalog of theirs.
pub const FORMER: &[(&str, &[Column])] = &[
    (
        "photo",
        &[
            column("orientation", Kind::Within(1, 8), Number(1)),
            maybe(
                "date_source",
                Kind::Word(|| DateSource::ALL.map(DateSource::name).to_vec()),
            ),
            maybe("camera", Text),
            maybe("make", Text),
            maybe("model", Text),
            maybe("lens", Text),
            maybe("latitude", Kind::Between(-90.0, 90.0)),
            maybe("longitude", Kind::Between(-180.0, 180.0)),
            maybe("country", Text),
            maybe("city", Text),
            maybe("title", Text),
            maybe("description", Text),
            column("keywords", Text, EMPTY),
            maybe("rating", Kind::Within(0, 5)),
        ],
    ),
    (
        "analysis",
        &[
            column("width", COUNT, Number(0)),
            column("height", COUNT, Number(0)),
            column("perceptual_hash", Integer, Number(0)),
        ],
    ),
    (
        "declined",
        &[
            column("hash", HASH, LeftOut),
            column("provider", Text, LeftOut),
            column("version", Text, EMPTY),
            column("refused", FLAG, Number(0)),
            column("reason", Text, EMPTY),
        ],
    ),
    (
        "analysis_label",
        &[
            column("hash", HASH, LeftOut),
            column("analyzer", Text, LeftOut),
            column("position", NATURAL, LeftOut),
            column("facet", FACET, LeftOut),
            column("value", Named, LeftOut),
            column("confidence", SHARE, Otherwise::Real(1.0)),
        ],
    ),
];
