//! From GPS coordinates to a country and a city, without a network.
//!
//! The nearest of some 140,000 cities decides. Far from all of them no place is named: the open sea has none.

use std::collections::HashMap;
use std::sync::OnceLock;

use reverse_geocoder::ReverseGeocoder;

use crate::catalog::{Position, clean};

/// The mean radius: distances here decide nothing that a percent would change.
const EARTH_RADIUS_KM: f64 = 6371.0;
/// A photo in the country is called by the next town; farther away the name would say nothing.
const CITY_WITHIN_KM: f64 = 75.0;
/// Deserts and large forests have no town for so long, and are of a country all the same.
const COUNTRY_WITHIN_KM: f64 = 250.0;
/// Characters of a city.
const LONGEST_NAME: usize = 100;

/// Where a position is, in words.
#[derive(Debug, Default, PartialEq)]
pub struct Place {
    /// English short name: `Italy`.
    pub country: Option<String>,
    /// As GeoNames writes it: `Rome`.
    pub city: Option<String>,
}

/// The country and the city that a position lies in or near.
pub fn of(position: Position) -> Place {
    static CITIES: OnceLock<ReverseGeocoder> = OnceLock::new();
    let nearest = CITIES
        .get_or_init(ReverseGeocoder::new)
        .search((position.latitude, position.longitude));
    let distance = kilometres(nearest.distance);
    let country = country(&nearest.record.cc).filter(|_| distance <= COUNTRY_WITHIN_KM);
    let city = clean(&nearest.record.name, LONGEST_NAME).filter(|_| distance <= CITY_WITHIN_KM);
    Place {
        country: country.map(str::to_owned),
        city,
    }
}

/// Over ground, from the squared chord between two points of the unit sphere.
fn kilometres(squared_chord: f64) -> f64 {
    2.0 * EARTH_RADIUS_KM * (squared_chord.sqrt() / 2.0).min(1.0).asin()
}

/// The English short name for an ISO 3166 code.
fn country(code: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&str, &str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let lines = include_str!("countries.tsv").lines();
        lines.filter_map(|line| line.split_once('\t')).collect()
    });
    names.get(code).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(latitude: f64, longitude: f64, expected: Option<(&str, Option<&str>)>) {
        let place = Position::new(latitude, longitude)
            .map(of)
            .unwrap_or_default();
        let found = place.country.as_deref().map(|c| (c, place.city.as_deref()));
        assert_eq!(found, expected, "{latitude} {longitude}");
    }

    #[test]
    fn cities_and_countries_are_named_where_there_are_some() {
        check(48.8567, 2.3522, Some(("France", Some("Paris"))));
        check(-33.865, 151.21, Some(("Australia", Some("Sydney"))));
        check(-54.8, -68.3, Some(("Argentina", Some("Ushuaia"))));
        check(-0.5, -140.0, None);
        check(90.0, 0.0, None);
    }

    #[test]
    fn the_antimeridian_is_no_border() {
        let country = |longitude| of(Position::new(-16.78, longitude).unwrap()).country;
        assert_eq!(country(180.0).as_deref(), Some("Fiji"));
        assert_eq!(country(-180.0), country(180.0));
    }
}
