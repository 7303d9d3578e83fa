//! What makes sense: every value is checked once, before anything is done with it.

use std::collections::HashSet;

use super::{Config, Kind};

/// More than any catalog has, and far below where sums of it overflow.
const MANY: u64 = 1_000_000_000;

impl Config {
    pub(super) fn check(&self) -> Result<(), String> {
        self.check_waits()?;
        self.check_counts()?;
        self.check_providers()
    }

    fn check_waits(&self) -> Result<(), String> {
        let seconds = [
            ("xattr_wait_s", self.xattr_wait_s),
            ("first_results_wait_s", self.first_results_wait_s),
            ("retry_delay", self.retry_delay),
        ];
        for (key, value) in seconds {
            if !(0.0..=3600.0).contains(&value) {
                return Err(format!(
                    "{key} is {value}; it must be from 0 to 3600 seconds"
                ));
            }
        }
        for (key, value) in [
            ("watch_interval_s", self.watch_interval_s),
            ("decode_time_s", self.decode_time_s),
        ] {
            if !(0.1..=86_400.0).contains(&value) {
                return Err(format!(
                    "{key} is {value}; it must be from 0.1 to 86400 seconds"
                ));
            }
        }
        for (key, value) in [
            ("connection_timeout", self.connection_timeout),
            ("read_timeout", self.read_timeout),
            ("write_timeout", self.write_timeout),
        ] {
            within(key, value, 1, 86_400)?;
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), String> {
        if self.max_file_size_mb == 0 {
            return Err("max_file_size_mb is 0; it must be at least 1".into());
        }
        within("max_file_size_mb", self.max_file_size_mb, 1, 1 << 20)?;
        // Each level lists up to 32 folders for each folder above.
        within("facet_depth", self.facet_depth as u64, 1, 6)?;
        within("parallel_requests", self.parallel_requests as u64, 1, 256)?;
        within("batch_size", self.batch_size as u64, 1, 1_000_000)?;
        within("backups", self.backups as u64, 0, 9)?;
        within("max_retries", u64::from(self.max_retries), 0, 100)?;
        within("max_memory_mb", self.max_memory_mb, 16, 1 << 20)?;
        // Pictures are decoded no larger than that, for whomever.
        within("image_max_side", u64::from(self.image_max_side), 64, 2048)?;
        within("cache_size", self.cache_size, 0, MANY)?;
        for (key, value) in [
            ("max_idle_connections", self.max_idle_connections),
            (
                "max_idle_connections_per_host",
                self.max_idle_connections_per_host,
            ),
        ] {
            within(key, value as u64, 0, 100_000)?;
        }
        if self.workers > 256 || self.scan_threads > 256 {
            return Err("more than 256 threads help nobody".into());
        }
        Ok(())
    }

    fn check_providers(&self) -> Result<(), String> {
        let mut names = HashSet::new();
        for provider in &self.provider {
            provider.check()?;
            if !names.insert(&provider.name) {
                return Err(format!("two providers are called {}", provider.name));
            }
        }
        let embedded = self.provider.iter().filter(|p| p.kind == Kind::Embedded);
        if embedded.count() > 1 {
            return Err("there is one embedded model; two providers are of kind embedded".into());
        }
        Ok(())
    }
}

fn within(key: &str, value: u64, least: u64, most: u64) -> Result<(), String> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(format!(
        "{key} is {value}; it must be from {least} to {most}"
    ))
}
