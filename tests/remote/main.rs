//! Models on servers, against a real HTTP server in this process that speaks each protocol and misbehaves.

mod aimock;
mod answers;
mod asking;
mod durability;
mod failures;
mod fallback;
mod faulty;
mod full_disk;
mod local;
mod mounted;
mod outages;
mod queues;
mod server;
mod takeover;
mod test_env;
