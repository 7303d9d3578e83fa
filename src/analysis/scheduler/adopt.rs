//! Taking over what another program's model said of a photo, as if a provider had just answered.

use super::Scheduler;
use super::content;
use super::decoder::Decoder;
use super::outcome::{AnalysisResult, JobOutcome};
use crate::catalog::{Analysis, Answer, Change, Photo, PhotoId};
use crate::source_files::SourceFiles;

/// An answer from elsewhere.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// Whose content it is an answer on.
    pub photo: PhotoId,
    /// As the other program called it.
    pub model: String,
    /// Seconds since 1970; `None` for now.
    pub at: Option<i64>,
    /// Validated already, as every answer.
    pub answer: Answer,
}

/// The provider that answers are attributed to where none is configured.
const NOBODY: &str = "imported";

/// No version that a provider ever has: `--stale` looks again.
const VERSION: &str = "imported";

impl Scheduler {
    /// Records an answer for the preferred server, unless that has answered itself. Reads the photo; blocks.
    pub(crate) fn adopt(
        &self,
        source_files: &SourceFiles,
        largest: u64,
        adopted: Adopted,
    ) -> AnalysisResult {
        let photo = self.library.index().photo(adopted.photo);
        let Some(photo) = photo.filter(|p| p.status.may_be_analyzed()) else {
            return AnalysisResult::Skipped;
        };
        let at = adopted.at;
        let recorded = self.analysis_of_adopted(source_files, largest, &photo, adopted);
        let recorded = recorded.and_then(|(measured, analysis)| {
            let (id, analysis) = (photo.id, Box::new(analysis));
            let analyzed = match at {
                Some(at) => Change::Learned { id, analysis, at },
                None => Change::Analyzed { id, analysis },
            };
            self.library
                .commit(&[measured, analyzed])
                .map_err(|e| JobOutcome::RetryLater(e.to_string()))
        });
        match recorded {
            Ok(()) => AnalysisResult::Analyzed,
            Err(outcome) => outcome.into(),
        }
    }

    fn analysis_of_adopted(
        &self,
        source_files: &SourceFiles,
        largest: u64,
        photo: &Photo,
        adopted: Adopted,
    ) -> Result<(Change, Analysis), JobOutcome> {
        let mut providers = self.answers.providers.iter();
        let server = providers.find(|provider| provider.server.is_some());
        let name = server
            .map_or(NOBODY, |provider| provider.analyzer.name())
            .to_owned();
        let detail = self
            .library
            .detail(photo.id)
            .map_err(|e| JobOutcome::RetryLater(e.to_string()))?;
        let has_answered = |(who, ..): &(String, String, i64)| *who == name;
        if detail
            .ok_or(JobOutcome::Skipped)?
            .analyses
            .iter()
            .any(has_answered)
        {
            return Err(JobOutcome::Skipped);
        }
        let mut bytes = Vec::new();
        let go_on = || !self.state.is_stopped();
        let content = content::read(source_files, photo, largest, &go_on, &mut bytes)?;
        let measured = Decoder::new(self.decoders.clone())
            .see(content.hash, &mut bytes)?
            .measured;
        let analysis = Analysis {
            hash: content.hash,
            stat: content.stat,
            analyzer: name,
            model: adopted.model,
            version: VERSION.into(),
            remote: true,
            answer: adopted.answer,
        };
        Ok((content.measured(photo.id, &measured), analysis))
    }
}
