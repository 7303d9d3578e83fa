//! `kbasefs provider`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::log;
use super::program;
use super::report::hinted;
use super::terminal::{self, printable};
use crate::analysis::{Picture, preview};
use crate::api::{ProviderAnswer, ProviderAnswerTag, ProviderTest};
use crate::app::check::{self, Reached};
use crate::config::Config;

/// Show the models of the configuration, and try them
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// List the providers, in the order in which they are preferred, and whether they can be reached
    List {
        /// Print a JSON object a provider
        #[arg(long)]
        json: bool,
    },
    /// Reach a provider, list its models, and have it describe a photo
    Test {
        /// Provider of the configuration; all when missing
        name: Option<String>,
        /// A picture file; one that is made for it when missing
        photo: Option<PathBuf>,
        /// Print a JSON object a provider
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    log::start(&config, "warn");
    let (name, photo, json, asks) = match args.what {
        What::List { json } => (None, None, json, false),
        What::Test { name, photo, json } => {
            let (name, photo) = told_apart(name, photo, &config);
            (name, photo, json, true)
        }
    };
    let picture = photo.as_deref().map(|photo| picture(photo, &config));
    let picture = picture.transpose()?;
    let reached = check::reach(&config, name.as_deref(), picture, asks).await?;
    if let Some(name) = name.filter(|_| reached.is_empty()) {
        let hint = "`kbasefs provider list` names those that are configured";
        return Err(hinted(format!("no provider is called {name}"), hint));
    }
    let mut all_well = true;
    for reached in &reached {
        all_well &= reached.failure.is_none();
        match json {
            true => terminal::json(&shape(reached))?,
            false => print(reached)?,
        }
    }
    Ok(match all_well || !asks {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// `test photo.jpg` means the photo, unless a provider is called so.
fn told_apart(
    name: Option<String>,
    photo: Option<PathBuf>,
    config: &Config,
) -> (Option<String>, Option<PathBuf>) {
    match (name, photo) {
        (Some(name), None)
            if check::names(config).iter().all(|n| *n != name) && Path::new(&name).is_file() =>
        {
            (None, Some(name.into()))
        }
        other => other,
    }
}

fn picture(path: &Path, config: &Config) -> anyhow::Result<Picture> {
    let of_path = |e: anyhow::Error| e.context(path.display().to_string());
    let mut bytes = std::fs::read(path).map_err(|e| of_path(e.into()))?;
    let decoded = program::decoders(config).decode(&mut bytes, preview::MOST_FOR_SERVERS);
    Ok(decoded.map_err(|e| of_path(e.into()))?.picture)
}

fn shape(reached: &Reached) -> ProviderTest {
    let spent = reached.spent.as_ref();
    let answer = reached.answer.as_ref().map(|answer| ProviderAnswer {
        title: answer.title.clone(),
        description: answer.description.clone(),
        tags: answer
            .tags
            .iter()
            .map(|tag| ProviderAnswerTag {
                name: tag.name.clone(),
                confidence: tag.confidence,
            })
            .collect(),
    });
    ProviderTest {
        name: reached.name.clone(),
        kind: reached.kind,
        url: reached.url.clone(),
        model: reached.model.clone(),
        on: reached.on,
        reachable: reached.models.is_some() || answer.is_some(),
        models: reached.models.clone(),
        latency_s: reached.latency.map(|l| l.as_secs_f64()),
        error: reached.failure.clone(),
        answer,
        input_tokens: spent.map(|s| s.input_tokens),
        output_tokens: spent.map(|s| s.output_tokens),
        cost: spent.and_then(|s| (s.unpriced == 0).then_some(s.cost)),
    }
}

fn print(reached: &Reached) -> std::io::Result<()> {
    let line = |text: String| terminal::say(format_args!("{}", printable(&text)));
    line(format!(
        "{} ({}, on {}): {} at {}",
        reached.name, reached.kind, reached.on, reached.model, reached.url
    ))?;
    if let Some(models) = &reached.models {
        let is_there = models.contains(&reached.model);
        let count = models.len();
        line(format!(
            "  {count} models, this one {}",
            if is_there {
                "among them"
            } else {
                "not named among them"
            }
        ))?;
    }
    if let Some(failure) = &reached.failure {
        line(format!("  {failure}"))?;
    }
    let Some(answer) = &reached.answer else {
        return Ok(());
    };
    if let Some(latency) = reached.latency {
        line(format!("  answered after {:.1} s", latency.as_secs_f64()))?;
    }
    if let Some(spent) = reached.spent {
        let cost = match spent.unpriced {
            0 => format!("{:.6}", spent.cost),
            _ => "unknown".into(),
        };
        line(format!(
            "  {} tokens in, {} out, cost {cost}",
            spent.input_tokens, spent.output_tokens
        ))?;
    }
    let tags = answer
        .tags
        .iter()
        .map(|t| t.name.as_str())
        .collect::<Vec<_>>();
    line(format!(
        "  title        {}",
        answer.title.as_deref().unwrap_or("-")
    ))?;
    line(format!(
        "  description  {}",
        answer.description.as_deref().unwrap_or("-")
    ))?;
    line(format!("  tags         {}", tags.join(", ")))
}
