//! The web page over real HTTP: a server of its own for every test, on a port of the loopback address.

mod api;
mod browser;
#[path = "../common/can_mount.rs"]
mod can_mount;
mod dashboard;
mod editing;
mod hostile;
#[path = "../common/isolated.rs"]
mod isolated;
mod memory;
mod metrics;
mod monitoring;
mod paging;
mod pictures;
mod promises;
mod security;
mod shapes;
mod test_server;
mod webdriver;
