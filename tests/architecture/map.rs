//! The drawing in `src/lib.rs` is of this crate: each arrow is a use, and each use follows arrows.

use std::collections::BTreeSet;

use super::sources::{self, Graph};

/// The rows of the drawing: a room, an arrow, and those that it uses, between commas; then what the room is for.
fn drawn() -> Graph {
    let map = sources::map();
    let drawing = map.split("```").nth(1).unwrap();
    let rows = drawing.lines().filter_map(|line| {
        let (room, rest) = line.trim_start_matches("//!").split_once("->")?;
        let used = rest.trim_start().split("  ").next().unwrap();
        let used = used.split(',').map(|name| name.trim().to_owned());
        Some((room.trim().to_owned(), used.collect()))
    });
    rows.collect()
}

/// The rooms that the drawing has, with an arrow or without.
fn in_the_drawing() -> BTreeSet<String> {
    let map = sources::map();
    let drawing = map.split("```").nth(1).unwrap();
    // The first line says that it is text.
    let rows = drawing.lines().skip(1);
    let rows = rows.map(|line| line.trim_start_matches("//!"));
    let first = rows.filter_map(|row| row.split_whitespace().next());
    first.map(str::to_owned).collect()
}

#[test]
fn every_arrow_is_a_use() {
    let used = sources::rooms();
    let drawn = drawn();
    assert!(drawn.len() > 10, "{drawn:?}");
    for (room, others) in &drawn {
        if room == "main" {
            continue;
        }
        let missing: Vec<_> = others.difference(&used[room]).collect();
        assert!(missing.is_empty(), "{room} doesn't use {missing:?}");
    }
}

#[test]
fn every_use_follows_arrows() {
    let drawn = drawn();
    for (room, others) in sources::rooms() {
        let reached = sources::reachable(&drawn, &room);
        let lost: Vec<_> = others
            .iter()
            .filter(|other| !reached.contains(other.as_str()))
            .collect();
        assert!(
            lost.is_empty(),
            "the drawing has no way from {room} to {lost:?}"
        );
    }
}

#[test]
fn no_arrow_is_drawn_where_others_lead() {
    let drawn = drawn();
    for (room, others) in &drawn {
        for other in others {
            let around = others.iter().filter(|next| *next != other);
            let longer = around
                .into_iter()
                .find(|next| sources::reachable(&drawn, next).contains(other.as_str()));
            assert_eq!(longer, None, "{room} -> {other} is drawn already");
        }
    }
}

#[test]
fn the_drawing_has_every_room_and_no_circle() {
    assert_eq!(sources::circle(&drawn()), None);
    let map = sources::map();
    let lines = map.lines().map(|l| l.trim_start_matches("pub "));
    let declared = lines.filter_map(|l| l.strip_prefix("mod "));
    let declared = declared.map(|name| name.trim_end_matches(';').to_owned());
    let mut declared: BTreeSet<String> = declared.collect();
    declared.insert("main".into());
    assert_eq!(in_the_drawing(), declared);
}
