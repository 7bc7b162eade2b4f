//! A project that is analysed again and again while somebody works on it: what `server` and `watch` share.

use std::path::{Path, PathBuf};

use onequery_core::Problem;
use onequery_rules::Triaged;

use crate::baseline::Known;
use crate::cli::Selection;
use crate::discover::relative;
use crate::pipeline::Live;
use crate::session::{Session, Target};

/// A project as it was last analysed.
pub(crate) struct Followed {
    pub(crate) session: Session,
    live: Live,
    known: Known,
}

impl Followed {
    /// Analyses a project; `None` when none of the paths that are asked about is there.
    ///
    /// # Errors
    ///
    /// Settings, catalogues, owners or a baseline that cannot be read.
    pub(crate) fn of(selection: &Selection) -> anyhow::Result<Option<Self>> {
        let Some(target) = Target::of(selection)? else {
            return Ok(None);
        };
        let (session, live) = target.follow()?;
        let known = Known::of(&session, None)?;
        Ok(Some(Self { session, live, known }))
    }

    /// Analyses again, if the text of one of these files, which is given with what is odd about it, is not what was
    /// analysed. Gives whether that was so.
    pub(crate) fn update(
        &mut self,
        paths: impl IntoIterator<Item = PathBuf>,
        text: impl Fn(&Path) -> (String, Vec<Problem>),
    ) -> bool {
        let run = &self.session.run;
        let mut texts = Vec::new();
        for path in paths {
            let Some(file) = run.file(&relative(&self.session.root, &path)) else {
                continue;
            };
            let (text, problems) = text(&path);
            if *text != *run.sources.get(file).text {
                texts.push((file, text, problems));
            }
        }
        let has_changed = !texts.is_empty();
        if has_changed {
            self.session.replace(&mut self.live, texts);
        }
        has_changed
    }

    /// Decides which findings are shown.
    pub(crate) fn triage(&self) -> Triaged {
        self.session.triage(&|finding| self.known.knows(finding))
    }
}
