//! Models on servers, against a real HTTP server in this process that speaks each protocol and misbehaves.

mod aimock;
mod answers;
mod asking;
#[path = "../common/can_mount.rs"]
mod can_mount;
mod durability;
mod failures;
mod fallback;
mod faulty;
#[path = "../common/forwarded.rs"]
mod forwarded;
mod full_disk;
#[path = "../common/isolated.rs"]
mod isolated;
#[path = "../common/live_mount.rs"]
mod live_mount;
mod local;
mod mounted;
mod outages;
mod queues;
mod server;
mod takeover;
mod test_env;
#[path = "../common/until.rs"]
mod until;
