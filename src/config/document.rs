//! The file that `config init` writes: every key with what it is for. Held to the defaults by a test.

/// Says nothing that isn't so without it.
pub const DOCUMENT: &str = r##"# kbasefs; every key is optional, and these are the defaults.
# Each of the simple keys can also come from the environment: KBASEFS_WORKERS=4.

# The file of the catalog, in place of one a photo folder below $XDG_DATA_HOME/kbasefs.
# catalog = "/var/lib/kbasefs/photos.sqlite"
# Backups of the catalog that a mount keeps beside it, in a folder of their own; 0: none are made.
backups = 2

## What is shown

# Files and folders to leave out, as in a .ignore file: ["*.tmp", "cache"].
exclude_filter = []
# Only files with these extensions: ["jpg", "png"]. Empty: whatever is a picture by its content.
supported_extensions = []
# Larger files are shown but not analysed. MiB.
max_file_size_mb = 100
# Seconds of a processor that decoding a picture may take; what takes longer is shown but not analysed.
decode_time_s = 5.0
# How deep folders of tags list sub-folders, from 1 to 6.
facet_depth = 2
# Seconds that reading a description waits for its analysis.
xattr_wait_s = 10.0
# Seconds that the first look at an empty view waits for the first results.
first_results_wait_s = 2.0

## Following the folder

# How changes are noticed: auto, inotify, poll (by looking again), off (only by `kbasefs scan`).
watch = "auto"
# Seconds from one look to the next, where looking again is what it takes.
watch_interval_s = 60.0

## The machine

# Pictures looked at at the same time; 0: one a core.
workers = 0
# Files looked at at the same time while scanning; 0: as many as suit the machine.
scan_threads = 0
# Photos in one commit to the catalog, at most.
batch_size = 1000
# All caches in memory together. MiB.
max_memory_mb = 1024
# Photos whose texts are kept in memory.
cache_size = 10000
# Seconds that something unused stays in a cache; 0: as long as there is room.
cache_ttl = 3600
# Pictures made ready for servers, on disk below $XDG_CACHE_HOME. MiB; 0: none.
preview_cache_mb = 512
# What is logged: error, warn, info, debug, trace, or directives like kbasefs::fuse=debug.
log = "info"
# How the log of a mount is written: text or json.
log_format = "text"

## The web pages

# Seconds that browsers may keep pictures and styles.
static_cache_ttl = 3600
# Seconds that a page is kept ready, while the catalog stays the same.
template_cache_ttl = 300
# Whether pages are compressed.
compression_enabled = true

## Models on servers: what holds for every one, unless its own table says otherwise

# Longest side of the picture that is sent, 64 to 2048 pixels. Up to 1024, a request takes at most 0.2 MB.
image_max_side = 768
# Requests to one server at the same time, at most. Fewer are sent to a server that can't keep up.
parallel_requests = 3
# How often a request that failed for the moment is repeated.
max_retries = 3
# Seconds before the first repetition; doubles with each.
retry_delay = 5.0
# Seconds for a server to take a connection, to take a request, and to begin and go on with its answer.
connection_timeout = 30
write_timeout = 60
read_timeout = 60
# Connections kept open for the next request: all, and to one server.
max_idle_connections = 100
max_idle_connections_per_host = 10

[embedded]
# What starts the model inside kbasefs: always, listed (a folder is opened), read (the photo is opened), asked.
on = "listed"

[tags]
# Words that models on servers should prefer, and whether no others are taken.
vocabulary = []
vocabulary_only = false
# Words never taken.
blocked = []

[tags.aliases]
# What is taken in place of a word.
# automobile = "car"

# Models, the preferred first: the next is asked where one can't answer.
# Answers belong to the name of a model: under another name it is asked, and paid, for everything again.
#
# [[provider]]
# name = "desk"
# kind = "openai"              # openai: any /chat/completions; ollama; anthropic; embedded
# url = "http://127.0.0.1:1234/v1"   # or OPENAI_BASE_URL, OLLAMA_HOST
# model = "qwen3-vl"
# on = "asked"                 # always, listed, read, asked
# parallel_requests = 8
# timeout = 300                # seconds for a whole request
# api_key_file = "~/.config/kbasefs/desk.key"   # or api_key_env = "VARIABLE", or api_key
# price = { input = 0.15, output = 0.60 }       # of a million tokens
# cost_per_day = 1.0           # also cost_per_minute, cost_per_month
# requests_per_day = 500       # also requests_per_minute, requests_per_month
# max_side = 1536            # more than image_max_side: small print becomes legible
# language = "German"
# prompt = "You describe paintings of a museum."
# prompt_version = "2"         # another one makes earlier answers stale: analyze --stale
# vocabulary = ["portrait", "landscape"]
# max_tokens = 700
# temperature = 0.2
# think = false                # whether the model may think first
# keep_alive = "5m"            # Ollama keeps the model loaded so long
"##;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_document_says_the_defaults_and_names_every_key() {
        let config = Config::parse(DOCUMENT, "document").unwrap();
        assert_eq!(config, Config::default());
        let said: toml::Table = DOCUMENT.parse().unwrap();
        let keys = toml::Table::try_from(Config::default()).unwrap();
        for key in keys.keys() {
            assert!(said.contains_key(key), "{key}");
        }
    }

    #[test]
    fn the_example_of_a_provider_is_a_valid_one() {
        let example = DOCUMENT.split("for everything again.\n#\n").nth(1).unwrap();
        let lines = example.lines().map(|line| line.trim_start_matches("# "));
        let text = lines.collect::<Vec<_>>().join("\n");
        let config = Config::parse(&text, "example").unwrap();
        assert_eq!(config.provider[0].name, "desk");
    }
}
