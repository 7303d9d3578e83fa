//! The servers of a scheduler: what they have answered, and what their couriers need.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use roaring::RoaringBitmap;

use super::desk::Lane;
use super::host::Host;
use super::verdict::Verdict;
use super::{Provider, RemoteOptions, Server};
use crate::analysis::previews::Previews;
use crate::catalog::ContentHash;
use crate::memory::Limit;
use crate::store::ledger;
use crate::store::ledger::{Ledger, Standing};

/// Photos that are ready for a courier, in parts of the requests that a server takes at a time: enough that it is kept
/// busy while a few large pictures are decoded.
const READY_A_REQUEST: usize = 4;

/// The servers, in the order of their lanes.
pub struct Remote {
    pub servers: Vec<(Provider, Server)>,
    pub memory: Limit,
    pub previews: Arc<Previews>,
    pub ledger: Arc<dyn Ledger>,
}

impl Remote {
    /// Takes the providers that are servers.
    pub fn of(providers: &[Provider], options: &RemoteOptions) -> Self {
        let servers = providers
            .iter()
            .filter_map(|p| Some((p.clone(), p.server.clone()?)));
        Self {
            servers: servers.collect(),
            memory: options.memory.clone(),
            previews: Arc::clone(&options.previews),
            ledger: Arc::clone(&options.ledger),
        }
    }

    /// A lane a server, with what the ledger has of it.
    pub fn lanes(&self) -> Vec<Lane> {
        let each = self.servers.iter();
        each.map(|(provider, server)| self.lane(provider, server))
            .collect()
    }

    fn lane(&self, provider: &Provider, server: &Server) -> Lane {
        let mut lane = Lane {
            on: provider.on,
            room: Some(server.parallel.max(1) * READY_A_REQUEST),
            ..Lane::default()
        };
        let version = provider.analyzer.version();
        let mut current = RoaringBitmap::new();
        let dealt_with =
            self.ledger
                .dealt_with(provider.analyzer.name(), &mut |photo, answered, of| {
                    match answered {
                        true => lane.answered.insert(photo.0),
                        false => lane.declined.insert(photo.0),
                    };
                    match of == version {
                        true => current.insert(photo.0),
                        false => lane.stale.insert(photo.0),
                    };
                });
        if let Err(error) = dealt_with {
            // Before a photo is sent, what is known of it is looked up in any case.
            tracing::error!("{}: {error}", provider.analyzer.name());
        }
        lane.stale -= current;
        lane
    }

    /// One host for all couriers that go to the same place.
    pub fn hosts(&self, delay: Duration, patience: u32) -> Vec<Arc<Host>> {
        let mut hosts = HashMap::<&str, Arc<Host>>::new();
        let new = |name: &str| {
            let same = self
                .servers
                .iter()
                .filter(|(_, server)| server.host == name);
            let most = same.map(|(_, server)| server.parallel).max();
            Arc::new(Host::new(most.unwrap_or(1), delay, patience))
        };
        let names = self.servers.iter().map(|(_, server)| server.host.as_str());
        names
            .map(|name| Arc::clone(hosts.entry(name).or_insert_with(|| new(name))))
            .collect()
    }

    pub fn side(&self, lane: usize) -> u32 {
        self.servers[lane - 1].1.max_side
    }

    /// The sizes of previews that some server takes.
    pub fn sides(&self) -> Vec<u32> {
        let mut sides: Vec<_> = self.servers.iter().map(|(_, s)| s.max_side).collect();
        sides.sort_unstable();
        sides.dedup();
        sides
    }

    /// Whether a server is to look at a content; if not, how that ends.
    pub fn standing(
        &self,
        lane: usize,
        content: &ContentHash,
        again: bool,
    ) -> std::result::Result<(), Verdict> {
        let analyzer = &self.servers[lane - 1].0.analyzer;
        let standing = self.ledger.standing(analyzer.name(), content);
        let standing = standing.map_err(|error| Verdict::Postponed(error.to_string()))?;
        let Standing { answered, declined } = standing;
        let is_current = |version: &String| !again || version == analyzer.version();
        if answered.as_ref().is_some_and(is_current) {
            return Err(Verdict::Copied);
        }
        match declined.filter(|(version, _)| is_current(version)) {
            Some((_, ledger::Declined { refused, reason })) => {
                Err(Verdict::Declined { refused, reason })
            }
            None => Ok(()),
        }
    }
}
